"""Which words and values are in which rows of a Parquet file: small indexes beside the events of a store.

A search asks them first, and reads only the row groups that may hold what it looks for. They answer *perhaps* or
*no*, never a wrong *no*; a file without an index, or with one of another version, may hold anything. Nothing but
search depends on them.

Words are runs in lower case of letters, digits, ``-_.@`` and whatever is not ASCII, so that an address, a name of a
host or a file is one word, and little else has it. With each stand the row groups
that have it, as bits, and the fields that have it. So a text that is looked for is one that begins, ends or is in a
word, and the words between, in one of the fields that have all of them. Whole values of fields are kept as hashes,
since one word of a value says little about it.

Layout, all numbers little-endian: :data:`MAGIC`; five 32-bit numbers (row groups, bytes of the words, words, values,
bytes of the last piece); the words, with a line feed before, between and behind them; their bits; for each the
number, 16 bits, of a set of fields; the sorted hashes of the values, 32 bits each; their bits; names of fields and
sets of their numbers as MessagePack. Bits take as many whole bytes as there are row groups for.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.store.manifest import synced
from stillhunt.telemetry.store.schema import REST

__all__ = [
    "FOLDER",
    "MOST_GROUPS",
    "Index",
    "Sought",
    "Where",
    "index_path",
    "literals",
    "load_index",
    "save_index",
    "sought",
]

FOLDER = "index"
"""Where indexes are in a store, in folders like those of the events."""

MOST_GROUPS = 128
MAGIC = b"stillhunt words 1\n"

_HEAD = struct.Struct("<5I")
_LONGEST_VALUE = 256
"""Characters of a value that is kept whole; longer ones are found by their words."""

_ENOUGH = 256
"""Words that a text may be in before it is taken to be in all row groups."""

_MOST_SETS = 1 << 16
_SEPARATOR = 0x20
_JOINING = b"-_.@"
_LETTERS = bytes(c if chr(c).isalnum() or c in _JOINING or c >= 0x80 else _SEPARATOR for c in range(256))


class Sought(NamedTuple):
    """What must be among the words, or the values, of a row that fits a term.

    Attributes:
        field: In lower case; empty for any.
        words: Parts of words, all of which must be in one field; a line feed at an end stands for the end of a word.
        value: Hash of field and value, or None if the value need not be there as a whole.
    """

    field: str
    words: tuple[bytes, ...]
    value: int | None


class Where(NamedTuple):
    """Where what is sought may be.

    Attributes:
        groups: The row groups, as bits.
        fields: The fields; None if it may be any.
    """

    groups: int
    fields: frozenset[str] | None


class Index:
    """An index as it was read.

    Args:
        content: The whole file.
        head: Its numbers.
    """

    def __init__(self, content: bytes, head: tuple[int, ...]) -> None:
        self._content = content
        self.n_groups, n_bytes, self._n_words, self._n_values, n_sets = head
        self._width = _width(self.n_groups)
        self._words = len(MAGIC) + _HEAD.size
        self._bits_of_words = self._words + n_bytes
        self._sets_of_words = self._bits_of_words + self._n_words * self._width
        self._hashes = self._sets_of_words + self._n_words * 2
        self._bits_of_values = self._hashes + self._n_values * 4
        self._sets = self._bits_of_values + self._n_values * self._width
        self.n_bytes = self._sets + n_sets

    def where(self, wanted: Sought) -> Where:
        """Return where what is sought may be."""
        if wanted.value is not None:
            return Where(self._of_value(wanted.value), None)
        found = Where((1 << self.n_groups) - 1, None)
        for word in wanted.words:
            here = self._of_word(word, wanted.field)
            fields = here.fields if found.fields is None else found.fields & (here.fields or found.fields)
            found = Where(found.groups & here.groups if fields or fields is None else 0, fields)
            if not found.groups:
                break
        return found

    @cached_property
    def _fields(self) -> tuple[list[str], list[list[int]]]:
        """Names of fields, and the sets of their numbers that words are in; the first is empty and stands for any."""
        return msgspec.msgpack.decode(self._content[self._sets :], type=tuple[list[str], list[list[int]]])

    def _of_word(self, word: bytes, field: str) -> Where:
        content, end = self._content, self._bits_of_words
        groups, sets, number, counted = 0, set[int](), -1, self._words
        # Words that are in very many fields, or where there are very many sets, have no set.
        own = {place for place, name in enumerate(self._fields[0]) if name.lower() == field} if field else set()
        at = content.find(word, self._words, end)
        for _ in range(_ENOUGH):
            if at < 0:
                return self._joined(groups, sets)
            first = at + word.startswith(b"\n")
            number += content.count(b"\n", counted, first)
            counted = first
            place = self._sets_of_words + 2 * number
            set_ = int.from_bytes(content[place : place + 2], "little")
            if not field or not set_ or not own.isdisjoint(self._fields[1][set_]):
                groups |= self._bits(self._bits_of_words, number)
                sets.add(set_)
            # The rest of this word says nothing more.
            at = content.find(word, content.index(b"\n", first), end)
        return Where((1 << self.n_groups) - 1, None)

    def _joined(self, groups: int, sets: set[int]) -> Where:
        if 0 in sets:
            return Where(groups, None)
        names, known = self._fields
        return Where(groups, frozenset(names[place] for number in sets for place in known[number]))

    def _of_value(self, value: int) -> int:
        hashes = _Hashes(self._content, self._hashes, self._n_values)
        place = bisect_left(hashes, value)
        if place == self._n_values or hashes[place] != value:
            return 0
        return self._bits(self._bits_of_values, place)

    def _bits(self, start: int, number: int) -> int:
        at = start + number * self._width
        return int.from_bytes(self._content[at : at + self._width], "little")


class _Hashes(Sequence[int]):
    """Sorted hashes within other bytes, at whatever place."""

    def __init__(self, content: bytes, at: int, n: int) -> None:
        self._content, self._at, self._n = content, at, n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, place: Any) -> Any:
        at = self._at + 4 * place
        return int.from_bytes(self._content[at : at + 4], "little")


def index_path(folder: Path, part: str) -> Path:
    """Return where the index of a Parquet file is, by the path of the file from the store's folder on."""
    return folder / FOLDER / Path(*Path(part).parts[1:]).with_suffix(".words")


def save_index(path: Path, table: pa.Table, rows_per_group: int) -> None:
    """Write the index of a table that is stored in row groups of so many rows.

    Raises:
        OSError: It cannot be written.
    """
    n_groups = max(1, -(-table.num_rows // rows_per_group))
    words: dict[bytes, int] = {}
    fields: dict[bytes, int] = {}
    values: dict[int, int] = {}
    places: dict[str, int] = {}
    for number in range(n_groups):
        bit = 1 << number
        for field, texts in _texts(table.slice(number * rows_per_group, rows_per_group)):
            of_field = 1 << places.setdefault(field, len(places))
            lowered = [text.lower() for text in texts]
            for word in _words(lowered):
                words[word] = words.get(word, 0) | bit
                fields[word] = fields.get(word, 0) | of_field
            seed = crc32(_encoded(field.lower()))
            for text in lowered:
                if len(text) <= _LONGEST_VALUE:
                    value = crc32(_encoded(text), seed)
                    values[value] = values.get(value, 0) | bit
    width, ordered, hashes = _width(n_groups), sorted(words), sorted(values)
    sets: dict[int, int] = {0: 0}
    of_words = [sets.setdefault(fields[word], len(sets)) for word in ordered]
    blob = b"\n%b\n" % b"\n".join(ordered)
    known = msgspec.msgpack.encode((list(places), [_places(bits) for bits in list(sets)[:_MOST_SETS]]))
    content = (
        MAGIC,
        _HEAD.pack(n_groups, len(blob), len(ordered), len(hashes), len(known)),
        blob,
        _packed([words[word] for word in ordered], width),
        _packed([number if number < _MOST_SETS else 0 for number in of_words], 2),
        _packed(hashes, 4),
        _packed([values[value] for value in hashes], width),
        known,
    )
    with synced(path) as beside:
        beside.write_bytes(b"".join(content))


def load_index(path: Path) -> Index | None:
    """Read an index; None if there is none, or none that this version understands."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(MAGIC) or len(content) < len(MAGIC) + _HEAD.size:
        return None
    index = Index(content, _HEAD.unpack_from(content, len(MAGIC)))
    return index if len(content) == index.n_bytes else None


def sought(field: str, value: str) -> Sought:
    r"""Return what the words of a row must have for a value with wildcards, in a field or anywhere.

    >>> sought("", "Invoke-Mimi?atz").words
    (b'invoke-mimi', b'atz')
    >>> sought("Image", "*\\cmd.exe").words
    (b'\ncmd.exe\n',)
    """
    value = value.lower()
    parts = literals(value)
    words = [
        piece
        for number, literal in enumerate(parts)
        for piece in _pieces(literal, first=bool(field) and not number, last=bool(field) and number == len(parts) - 1)
    ]
    is_whole = bool(field and value) and len(parts) == 1 and len(value) <= _LONGEST_VALUE
    # The longest are the rarest: whoever asks for them first is done first.
    ordered = tuple(sorted(dict.fromkeys(words), key=lambda word: -len(word)))
    return Sought(
        field=field.lower(), words=() if is_whole else ordered, value=_hash(field, value) if is_whole else None
    )


def literals(value: str) -> list[str]:
    """Return the texts between the wildcards of a value."""
    return re.split(r"[*?]", value)


def _pieces(literal: str, *, first: bool, last: bool) -> Iterator[bytes]:
    """Yield what of a literal must be in words; ``first`` and ``last`` say whether a value begins or ends with it."""
    text = literal.encode("utf-8", "surrogatepass").translate(_LETTERS)
    words = text.split()
    for number, word in enumerate(words):
        begins = number > 0 or first or text[:1] == b" "
        ends = number < len(words) - 1 or last or text[-1:] == b" "
        yield (b"\n" if begins else b"") + word + (b"\n" if ends else b"")


def _words(texts: Iterable[str]) -> set[bytes]:
    """Return the words of texts."""
    lines: set[str] = set()
    for text in texts:
        # Lines of long messages recur more often than the messages.
        if "\n" in text:
            lines.update(text.split("\n"))
        else:
            lines.add(text)
    return set(_encoded("\n".join(lines)).translate(_LETTERS).split())


def _places(bits: int) -> list[int]:
    return [place for place in range(bits.bit_length()) if bits >> place & 1]


def _texts(table: pa.Table) -> Iterator[tuple[str, list[str]]]:
    """Yield every field that has text with its distinct values."""
    for field, column in zip(table.schema, table.columns, strict=True):
        if column.null_count == len(column):
            continue
        if field.name == REST:
            yield from _of_rest(column)
        elif pa.types.is_string(field.type):
            yield field.name, _distinct(column)
        elif pa.types.is_list(field.type):
            flat: Any = pc.list_flatten(column)
            yield field.name, _distinct(flat)


def _distinct(column: Any) -> list[str]:
    found: list[str] = pc.unique(column.drop_null()).to_pylist()
    return found


def _of_rest(column: Any) -> Iterator[tuple[str, list[str]]]:
    decode = msgspec.json.Decoder(dict[str, str | list[str]]).decode
    found: dict[str, set[str]] = {}
    for text in _distinct(column):
        row: Mapping[str, str | list[str]] = decode(text)
        for name, value in row.items():
            found.setdefault(name, set()).update((value,) if isinstance(value, str) else value)
    for name, values in found.items():
        yield name, list(values)


def _hash(field: str, value: str) -> int:
    return crc32(_encoded(value), crc32(_encoded(field.lower())))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _width(n_groups: int) -> int:
    return -(-n_groups // 8)


def _packed(numbers: Sequence[int], width: int) -> bytes:
    if width == 1:
        return bytes(numbers)
    kind = _ARRAYS.get(width)
    if kind is None or array(kind).itemsize != width:
        return b"".join(number.to_bytes(width, "little") for number in numbers)
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


_ARRAYS = {2: "H", 4: "I", 8: "Q"}
