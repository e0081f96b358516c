"""Chunks of event logs to columns, many chunks at once.

A record names a template and gives a list of values, so records of one template are columns already. What differs
between the templates of one event id (a host's name written into the template, an older version of it) is levelled
here; records that no template describes, or an unusual one, are named so that they can be decoded in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from struct import error as struct_error
from struct import unpack_from
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.binxml.kernels import (
    CHUNK,
    PADDING,
    count_records,
    encode,
    gather,
    render,
    transcode,
    walk,
)
from stillhunt.telemetry.binxml.templates import Field, OddTemplateError, fields_of
from stillhunt.telemetry.columns import both, combined, constant, text_column, whole_numbers
from stillhunt.telemetry.event import LIST_FIELDS, TEXT_LIST
from stillhunt.telemetry.instant import instants_of
from stillhunt.telemetry.table import Piece
from stillhunt.telemetry.windows import WindowsTable

__all__ = ["Chunk", "Decoded", "Decoder"]

_MOST_TEMPLATES = 1 << 16
_BYTES_PER_SPAN = 6
"""A text written out takes at least four bytes for its token, and what follows it one."""
_TIMES = pa.timestamp("us", tz="UTC")
_ZERO: Any = pa.scalar(0, pa.int64())
_EPOCH_FILETIME = 116_444_736_000_000_000
"""Hundreds of nanoseconds from 1601 to 1970."""
_LATEST_FILETIME = 2_650_467_743_999_999_999
_TEXT, _NULL, _FILETIME, _TEXTS = 0x01, 0x00, 0x11, 0x81


Chunk = tuple[str, int, bytes]
"""Input file, which of its chunks counted from 0, and its 65,536 bytes, mended."""


@dataclass(slots=True)
class Decoded:
    """What became of the records of some chunks.

    Attributes:
        pieces: Their events.
        counts: For each chunk, how many of its records are in ``pieces``.
        odd: For each chunk that has some, the numbers in the headers of the records that are not.
    """

    pieces: list[Piece]
    counts: list[int]
    odd: dict[int, list[int]]


class _Records(NamedTuple):
    """What the walk over chunks found, as described there."""

    table: Any
    spans: Any


class _Places(NamedTuple):
    """Which file each chunk is of, as a place in ``files``, and which of its chunks it is."""

    files: Any
    file_of: Any
    place_of: Any


def _places(chunks: Sequence[Chunk]) -> _Places:
    files = {name: code for code, name in enumerate(dict.fromkeys(file for file, _, _ in chunks))}
    return _Places(
        files=text_column(list(files)).cast(pa.string()),
        file_of=np.array([files[file] for file, _, _ in chunks], np.int32),
        place_of=np.array([place for _, place, _ in chunks], np.int64),
    )


@dataclass(slots=True)
class _Part:
    """Records of one template, with the template nested in them, and of one class."""

    fields: Sequence[tuple[int, Field]]
    rows: Any
    first: int = 0


@dataclass(slots=True)
class _Class:
    """Records of one provider, channel and event id."""

    parts: list[_Part] = field(default_factory=list)
    n_rows: int = 0

    def add(self, part: _Part) -> None:
        part.first = self.n_rows
        self.parts.append(part)
        self.n_rows += len(part.rows)


class Decoder:
    """Decodes chunks and remembers the templates it met."""

    def __init__(self) -> None:
        self._known = np.zeros(_MOST_TEMPLATES, np.uint64)
        self._known_at = np.zeros(_MOST_TEMPLATES, np.int64)
        self._n_known = np.zeros(1, np.int64)
        self._slots = np.full(4 * _MOST_TEMPLATES, -1, np.int32)
        self._fields: list[tuple[Field, ...] | None] = []
        # Kept from one call to the next: fresh memory of this size costs more than what is written into it.
        self._room = np.zeros(0, np.uint8)
        self._spans = np.zeros((0, 2), np.int64)

    def decode(self, chunks: Sequence[Chunk]) -> Decoded:
        """Decode chunks.

        Args:
            chunks: Sound or mended chunks.
        """
        data = self._laid(chunks)
        bases = np.arange(len(chunks), dtype=np.int64) * CHUNK
        records = np.zeros((count_records(data, bases), 8), np.int64)
        if len(self._spans) < len(data) // _BYTES_PER_SPAN:
            self._spans = np.zeros((len(data) // _BYTES_PER_SPAN, 2), np.int64)
        spans = self._spans
        walk(data, bases, records, spans, self._known, self._known_at, self._n_known, self._slots)
        self._learn(data)
        places = _places(chunks)
        classes, is_odd = self._classes(data, _Records(records, spans))
        in_chunk = records[:, 0] // CHUNK
        odd: dict[int, list[int]] = {}
        for row in np.flatnonzero(is_odd):
            odd.setdefault(int(in_chunk[row]), []).append(int(records[row, 1]))
        return Decoded(
            pieces=[_piece(data, _Records(records, spans), places, key, found) for key, found in classes.items()],
            counts=np.bincount(in_chunk[~is_odd], minlength=len(chunks)).tolist(),
            odd=odd,
        )

    def _laid(self, chunks: Sequence[Chunk]) -> Any:
        """Lay chunks side by side, zeros behind them."""
        size = len(chunks) * CHUNK + PADDING
        if len(self._room) < size:
            self._room = np.zeros(size, np.uint8)
        data = self._room[:size]
        for number, (_, _, content) in enumerate(chunks):
            data[number * CHUNK : (number + 1) * CHUNK] = np.frombuffer(content, np.uint8)
        data[size - PADDING :] = 0
        data.flags.writeable = False
        return data

    def _learn(self, data: Any) -> None:
        for number in range(len(self._fields), int(self._n_known[0])):
            at = int(self._known_at[number])
            is_literal = at < 0
            base, offset = divmod(-1 - at if is_literal else at, CHUNK)
            try:
                found = fields_of(data[base * CHUNK : (base + 1) * CHUNK].tobytes(), offset, is_literal=is_literal)
            except OddTemplateError:
                self._fields.append(None)
            else:
                self._fields.append(found)

    def _classes(self, data: Any, records: _Records) -> tuple[dict[tuple[str, ...], _Class], Any]:
        """Sort records by class; say which are odd."""
        own, nested = records.table[:, 2], records.table[:, 5]
        shapes = own * (2 * _MOST_TEMPLATES) + nested + 2
        order = np.argsort(shapes, kind="stable")
        cuts = np.flatnonzero(np.diff(shapes[order])) + 1
        is_odd = np.zeros(len(own), np.bool_)
        classes: dict[tuple[str, ...], _Class] = {}
        for rows in np.split(order, cuts) if len(order) else ():
            fields = self._fields_of(int(own[rows[0]]), int(nested[rows[0]]))
            if fields is None:
                is_odd[rows] = True
                continue
            for key, members in _by_class(data, records, rows, fields):
                if not key[1]:
                    # What names no channel is the rest of a record, or none.
                    is_odd[members] = True
                    continue
                classes.setdefault(key, _Class()).add(_Part(fields, members))
        return classes, is_odd

    def _fields_of(self, template: int, nested: int) -> tuple[tuple[int, Field], ...] | None:
        """Return (level, field) of a template and the one nested in it; None if either is odd."""
        if template < 0 or nested < -1:
            return None
        own, inner = self._fields[template], () if nested < 0 else self._fields[nested]
        if own is None or inner is None or not {"EventID", "Channel"} <= {f.name for f in own}:
            return None
        return (*((0, f) for f in own), *((1, f) for f in inner))


_ORIGIN = ("Provider_Name", "Channel", "EventID")


def _by_class(
    data: Any, records: _Records, rows: Any, fields: Sequence[tuple[int, Field]]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Split records of one template by what they say of provider, channel and event id."""
    columns = [_sole(data, records, rows, fields, name) for name in _ORIGIN]
    types = _sole(data, records, rows, fields, "EventType") if _may_be_registry(columns) else None
    columns = [*columns, types or (np.zeros(len(rows), np.int32), [""])]
    key = np.zeros(len(rows), np.int64)
    for codes, texts in columns:
        key = key * (len(texts) + 1) + codes
    numbers, inverse = np.unique(key, return_inverse=True)
    for place in range(len(numbers)):
        members = np.flatnonzero(inverse == place) if len(numbers) > 1 else np.arange(len(rows))
        one = members[0]
        said = tuple(texts[codes[one]] if codes[one] >= 0 else "" for codes, texts in columns)
        yield said, rows[members]


def _may_be_registry(columns: Sequence[tuple[Any, list[str]]]) -> bool:
    return "12" in columns[2][1]


def _sole(
    data: Any, records: _Records, rows: Any, fields: Sequence[tuple[int, Field]], name: str
) -> tuple[Any, list[str]]:
    """Return codes and texts of one field of some records."""
    chosen = [(level, f) for level, f in fields if f.name == name and (name not in _ORIGIN or f.section == "System")]
    if not chosen:
        return np.full(len(rows), -1, np.int32), []
    level, found = chosen[0]
    if found.number is None:
        return np.zeros(len(rows), np.int32), [found.literal]
    starts, sizes, kinds = _room(1, len(rows))
    _gather(data, records, rows, level, {found.number: 0}, 0, starts, sizes, kinds)
    codes, texts = _encoded(data, starts[0], sizes[0], kinds[0])
    return codes, ["" if t is None else str(t) for t in texts.to_pylist()]


def _room(n_columns: int, n_rows: int) -> tuple[Any, Any, Any]:
    shape = (n_columns, n_rows)
    return np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.uint8)


def _gather(  # noqa: PLR0917 - the arguments of a kernel
    data: Any,
    records: _Records,
    rows: Any,
    level: int,
    columns: dict[int, int],
    first: int,
    starts: Any,
    sizes: Any,
    kinds: Any,
) -> None:
    wanted = np.full(max(columns) + 1, -1, np.int32)
    for number, column in columns.items():
        wanted[number] = column
    gather(data, records.table, records.spans, rows, level, wanted, first, starts, sizes, kinds)


def _piece(data: Any, records: _Records, places: _Places, key: tuple[str, ...], found: _Class) -> Piece:
    """Make columns of the records of one class."""
    found.parts = [replace(part, fields=[pair for pair in part.fields if _is_wanted(pair[1])]) for part in found.parts]
    names = list(dict.fromkeys((f.section == "System", f.name) for part in found.parts for _, f in part.fields))
    columns: dict[tuple[bool, str], list[Any]] = {}
    # A name that comes twice in one record has as many columns as times; all but the first are joined to it later.
    slots: dict[tuple[bool, str, int], int] = {}
    literals: dict[tuple[bool, str, int], dict[int, str]] = {}
    for number, part in enumerate(found.parts):
        times: dict[tuple[bool, str], int] = {}
        for _, f in part.fields:
            name = (f.section == "System", f.name)
            nth = times[name] = times.get(name, -1) + 1
            if f.number is None:
                literals.setdefault((*name, nth), {})[number] = f.literal
            else:
                slots.setdefault((*name, nth), len(slots))
    starts, sizes, kinds = _room(len(slots), found.n_rows)
    for part in found.parts:
        for level in (0, 1):
            times = {}
            wanted: dict[int, int] = {}
            for own, f in part.fields:
                name = (f.section == "System", f.name)
                nth = times[name] = times.get(name, -1) + 1
                if own == level and f.number is not None:
                    wanted[f.number] = slots[(*name, nth)]
            if wanted:
                _gather(data, records, part.rows, level, wanted, part.first, starts, sizes, kinds)
    for is_system, called in names:
        if (is_system, called) == (True, "TimeCreated") and not _is_written(kinds, slots):
            continue
        for nth in range(len(slots) + len(literals) + 1):
            place = (is_system, called, nth)
            if place not in slots and place not in literals:
                break
            column = None
            if place in slots:
                at = slots[place]
                is_list = called in LIST_FIELDS and not is_system
                owners = _owners(found, place) if is_list else None
                column = _column(data, starts[at], sizes[at], kinds[at], owners=owners)
            if place in literals:
                column = _with_literals(column, literals[place], found, is_list=called in LIST_FIELDS and not is_system)
            columns.setdefault((is_system, called), []).append(column)
    rows = np.concatenate([part.rows for part in found.parts])
    where = records.table[rows, 0] // CHUNK
    at = _times(data, slots.get((True, "TimeCreated", 0)), (starts, sizes, kinds))
    if (written := columns.get((True, "TimeCreated"))) is not None:
        at = pc.coalesce(at, instants_of(written[0].cast(pa.string())))
    record_id, numbers = whole_numbers(_first(columns, "EventRecordID", found.n_rows))
    table = WindowsTable(
        provider=key[0],
        channel=key[1],
        event_id=key[2],
        at=at,
        clock=constant("TimeCreated", found.n_rows),
        computer=_first(columns, "Computer", found.n_rows),
        record_id=record_id,
        columns={
            **{n: c[0] for (is_system, n), c in columns.items() if is_system and n in _SYSTEM_COLUMNS},
            **{n: _joined(c) for (is_system, n), c in columns.items() if not is_system},
        },
    )
    event_class, native = table.native()
    native["@timestamp"] = table.at
    native["event.clock"] = table.clock
    native["event.file"] = _dictionary(places.file_of[where], places.files)
    native["event.record"] = pc.fill_null(numbers, _ZERO)
    native["event.place"] = pa.array(places.place_of[where])
    return Piece(event_class=event_class, columns=native)


def _is_wanted(found: Field) -> bool:
    return found.section != "System" or found.name in _SYSTEM_COLUMNS or found.name in _SYSTEM_ROLES


_SYSTEM_ROLES = frozenset({"Computer", "EventRecordID", "TimeCreated"})
_SYSTEM_COLUMNS = frozenset(
    {"Level", "Task", "Opcode", "Keywords", "Version", "Execution_ProcessID", "Security_UserID"}
)


def _is_written(kinds: Any, slots: dict[tuple[bool, str, int], int]) -> bool:
    """Say whether some record has its time as text."""
    at = slots.get((True, "TimeCreated", 0))
    return at is None or bool((kinds[at] == _TEXT).any())


def _first(columns: dict[tuple[bool, str], list[Any]], name: str, n_rows: int) -> Any:
    found = columns.get((True, name))
    return found[0] if found else constant(None, n_rows)


def _joined(columns: list[Any]) -> Any:
    """Keep all values of a name that records have twice."""
    whole = columns[0]
    for other in columns[1:]:
        if whole.type == TEXT_LIST:
            rows = zip(whole.to_pylist(), other.to_pylist(), strict=True)
            joined: list[object] = [None if a is None and b is None else [*(a or ()), *(b or ())] for a, b in rows]
            whole = pa.array(joined, TEXT_LIST)
        else:
            whole = combined([whole, other], both, keeps_empty=True)
    return whole


def _owners(found: _Class, place: tuple[bool, str, int]) -> Any:
    """Say which rows come from a template that has a field so many times."""
    owners = np.zeros(found.n_rows, np.bool_)
    is_system, name, nth = place
    for part in found.parts:
        n_times = sum(f.name == name and (f.section == "System") == is_system for _, f in part.fields)
        owners[part.first : part.first + len(part.rows)] = n_times > nth
    return owners


def _times(data: Any, at: int | None, values: tuple[Any, Any, Any]) -> Any:
    """Read the system time of records, null where it is none."""
    starts, sizes, kinds = values
    if at is None:
        return pa.nulls(starts.shape[1], _TIMES)
    offsets = starts[at][:, None] + np.arange(8)
    filetimes = np.ascontiguousarray(data[np.minimum(offsets, len(data) - 1)]).view("<u8")[:, 0]
    is_time = (kinds[at] == _FILETIME) & (sizes[at] == 8) & (filetimes <= _LATEST_FILETIME)
    microseconds = (filetimes.astype(np.int64) - _EPOCH_FILETIME) // 10
    return pa.array(microseconds, pa.int64(), mask=~is_time).cast(_TIMES)


def _column(data: Any, starts: Any, sizes: Any, kinds: Any, *, owners: Any) -> Any:
    """Make a column of values; of lists, if it is said which rows have one at all."""
    codes, texts = _encoded(data, starts, sizes, kinds)
    if owners is None:
        if pa.types.is_list(texts.type):
            texts = pa.array([None if t is None else "\n".join(t) for t in texts.to_pylist()], pa.string())
        return _dictionary(codes, texts)
    held = texts.to_pylist()
    rows: list[object] = []
    for code, is_owner in zip(codes.tolist(), owners.tolist(), strict=True):
        # An unnamed value keeps its place where it is empty.
        value = held[code] if code >= 0 else "" if is_owner else None
        rows.append(None if value is None else value if isinstance(value, list) else [value])
    return pa.array(rows, TEXT_LIST)


def _dictionary(codes: Any, texts: Any) -> Any:
    indices = pa.array(codes, pa.int32(), mask=codes < 0) if (codes < 0).any() else pa.array(codes, pa.int32())
    return pa.DictionaryArray.from_arrays(indices, texts)


def _with_literals(column: Any, literals: dict[int, str], found: _Class, *, is_list: bool) -> Any:
    """Fill in what the templates of some parts say themselves."""
    texts: list[str | None] = [None] * found.n_rows
    for number, literal in literals.items():
        part = found.parts[number]
        texts[part.first : part.first + len(part.rows)] = [literal] * len(part.rows)
    if is_list:
        held = [None] * found.n_rows if column is None else column.to_pylist()
        lists = [own if text is None else [text] for own, text in zip(held, texts, strict=True)]
        return pa.array(lists, TEXT_LIST)
    said = text_column(texts)
    if column is None:
        return said
    return combined([column, said], lambda own, new: new if own is None else own, keeps_empty=True)


def _encoded(data: Any, starts: Any, sizes: Any, kinds: Any) -> tuple[Any, Any]:
    """Return the codes of values, and the distinct ones as text, or as lists of text where one is several."""
    codes = np.empty(len(starts), np.int32)
    firsts = np.empty(len(starts), np.int32)
    firsts = firsts[: encode(data, starts, sizes, kinds, codes, firsts)]
    starts, sizes, kinds = starts[firsts], sizes[firsts], kinds[firsts]
    ends = np.zeros(len(firsts) + 1, np.int32)
    if (kinds == _TEXT).all():
        text = np.empty(int(sizes.sum(dtype=np.int64)) * 3 // 2 + 4, np.uint8)
        n_bytes = transcode(data, starts, sizes, text, ends)
    else:
        text = np.empty(48 * len(firsts), np.uint8)
        n_bytes = render(data, starts, sizes, kinds, text, ends)
    if n_bytes < 0:
        values = [
            _value(data[a : a + n].tobytes(), k)
            for a, n, k in zip(starts.tolist(), sizes.tolist(), kinds.tolist(), strict=True)
        ]
        if any(isinstance(value, list) for value in values):
            lists = [[value] if isinstance(value, str) else value for value in values]
            return codes, pa.array(lists, pa.list_(pa.string()))
        return codes, pa.array(values, pa.string())
    buffers = [None, pa.py_buffer(ends.data), pa.py_buffer(text[:n_bytes].copy().data)]
    return codes, pa.Array.from_buffers(pa.string(), len(firsts), buffers)


def _value(raw: bytes, kind: int) -> str | list[str] | None:
    """Write a value of a kind that the kernels leave to Python, as the ``evtx`` package writes it."""
    if kind == _TEXT:
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace").rstrip("\0")
    if kind == _TEXTS:
        texts = raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0")
        return texts[:-1] if len(texts) > 1 and not texts[-1] else texts
    if kind & 0x80:
        size = _SIZES.get(kind & 0x7F)
        if size is None:
            return raw.hex().upper()
        return [str(_value(raw[at : at + size], kind & 0x7F)) for at in range(0, len(raw) - size + 1, size)]
    try:
        return _WRITERS[kind](raw) if kind in _WRITERS else raw.hex().upper()
    except (ValueError, IndexError, OverflowError, struct_error):
        return raw.hex().upper()


_SIZES = {3: 1, 4: 1, 5: 2, 6: 2, 7: 4, 8: 4, 9: 8, 10: 8, 11: 4, 12: 8, 13: 4, 15: 16, 17: 8, 18: 16, 20: 4, 21: 8}
"""Bytes of one value of the kinds that come in arrays."""


def _signed(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little", signed=True))


def _unsigned(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little"))


def _hex(raw: bytes) -> str:
    return f"0x{int.from_bytes(raw, 'little'):x}"


def _guid(raw: bytes) -> str:
    one, two, three = unpack_from("<IHH", raw)
    return f"{one:08X}-{two:04X}-{three:04X}-{raw[8:10].hex().upper()}-{raw[10:16].hex().upper()}"


def _sid(raw: bytes) -> str:
    n_parts = raw[1]
    if len(raw) < 8 + 4 * n_parts:
        message = "cut off"
        raise ValueError(message)
    parts = unpack_from(f"<{n_parts}I", raw, 8)
    return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, parts)])


def _filetime(raw: bytes) -> str:
    microseconds = int.from_bytes(raw[:8], "little") // 10
    at = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06}Z"


def _systemtime(raw: bytes) -> str:
    year, month, _, day, hour, minute, second, millisecond = unpack_from("<8H", raw)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}000Z"


def _real(raw: bytes) -> str:
    return repr(unpack_from("<f" if len(raw) == 4 else "<d", raw)[0])


_WRITERS = {
    0x02: lambda raw: raw.decode("cp1252", "replace").rstrip("\0"),
    0x03: _signed,
    0x04: _unsigned,
    0x05: _signed,
    0x06: _unsigned,
    0x07: _signed,
    0x08: _unsigned,
    0x09: _signed,
    0x0A: _unsigned,
    0x0B: _real,
    0x0C: _real,
    0x0D: lambda raw: "true" if any(raw) else "false",
    0x0E: lambda raw: raw.hex().upper() or None,
    0x0F: _guid,
    0x10: _hex,
    0x11: _filetime,
    0x12: _systemtime,
    0x13: _sid,
    0x14: _hex,
    0x15: _hex,
}
"""Kinds of values to how they are written; a real number is shortest as Python writes it."""
