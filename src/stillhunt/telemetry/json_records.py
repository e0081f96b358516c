r"""JSON records of a file, whatever holds them: lines, an array, an object that wraps an array, or one after another.

Clouds write the same record in all of these ways: one object per line, one array, ``{"Records": [...]}``,
``{"value": [...]}``, pretty-printed or not. A record keeps the number that finds it again: that of its line where
every line is an object, else its ordinal among all records of the file.

What is damaged costs its own record and no other: after it, reading goes on where an object begins with the same
name as the damaged one.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

import msgspec

from stillhunt.telemetry.encoding import encoding_of, plain
from stillhunt.telemetry.line_blocks import sound_chunks
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, peek

__all__ = [
    "JsonRecord",
    "compact",
    "cut_json_lines",
    "decode_json",
    "excerpt_json_line",
    "flatten",
    "is_by_line",
    "json_records",
    "sample_records",
    "says",
    "text_at",
]

_WHOLE = 64 << 20
"""Bytes of a file that is no line-by-line JSON up to which it is decoded at once."""

_LONGEST_LINE = 64 << 20
_LONGEST_RECORD = 64 << 20
"""A record that is still open after this much text is damaged."""

_CHUNK = 1 << 20
_LINES_LOOKED_AT = 20
_DEEPEST_WRAPPER = 3

_DEEPEST = 40
"""Levels of objects that become dotted names; what lies deeper is kept as JSON."""

_MOST_NAMES = 2_000
"""Fields of one record that become names of their own; no cloud writes a tenth of them."""

Nested = Mapping[str, Any]


class JsonRecord(NamedTuple):
    """One record of a file.

    Attributes:
        number: Line number, or ordinal, that finds it again.
        value: The decoded object; numbers with a fraction are text, as logged.
        text: Its raw text if it was asked for, else empty.
    """

    number: int
    value: dict[str, Any]
    text: str


def says(head: bytes, *names: bytes) -> bool:
    r"""Tell whether a beginning is JSON and names stand in it, at the price of a search; UTF-16 too.

    >>> says(b'{"eventSource": 1}', b"eventSource"), says('{"a":1}'.encode("utf-16"), b'"a"'), says(b'x "a"', b'"a"')
    (True, True, False)
    """
    text = plain(head)
    return _OPENING.match(text) is not None and all(name in text for name in names)


_OPENING = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*[{\[]")


def decode_json(text: str | bytes) -> object:
    """Decode JSON; what the fast decoder refuses (halves of surrogate pairs, damaged UTF-8) the patient one reads.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    try:
        return _FAST.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text.decode("utf-8", "replace") if isinstance(text, bytes) else text, **_PATIENT)


_PATIENT: dict[str, Any] = {"parse_float": str, "strict": False}
_FAST = msgspec.json.Decoder(float_hook=str)


def compact(value: object) -> str:
    """Return a decoded value as JSON on one line."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()


def flatten(record: Nested, *, but: AbstractSet[str] = frozenset()) -> dict[str, str | list[str]]:
    """Return the fields of a record under dotted names, as Sigma's rules write them.

    Members of the objects of a list share one name; a field with several values is a list of text. Null, empty
    objects and empty lists are left out; a boolean is ``true`` or ``false``.

    Args:
        record: The decoded object.
        but: Names at the top that are left out.

    >>> flatten({"a": {"b": 1, "c": None}, "d": [{"e": "x"}, {"e": True}], "f": 1.5}, but={"f"})
    {'a.b': '1', 'd.e': ['x', 'true']}
    """
    found: dict[str, str | list[str]] = {}
    _flatten("", {name: value for name, value in record.items() if name not in but} if but else record, found, _DEEPEST)
    return found


def _flatten(prefix: str, record: Nested, found: dict[str, str | list[str]], depth: int) -> None:
    # Called for every object of every record, so the usual case comes first and costs no call.
    for own, value in record.items():
        name = prefix + own
        kind = type(value)
        if kind is str:
            if name in found:
                _add(name, value, found)
            else:
                found[name] = value
        elif value is None:
            continue
        elif kind is dict and depth and len(found) < _MOST_NAMES:
            _flatten(f"{name}.", value, found, depth - 1)
        elif kind is list and depth and len(found) < _MOST_NAMES:
            for held in value:
                if type(held) is dict:
                    _flatten(f"{name}.", held, found, depth - 1)
                else:
                    _flatten(prefix, {own: held}, found, depth - 1)
        else:
            text = _TRUTH[value] if kind is bool else compact(value) if kind in _NESTED else str(value)
            _add(name, text, found)


_TRUTH = {True: "true", False: "false"}
_NESTED = frozenset({dict, list})


def _add(name: str, text: str, found: dict[str, str | list[str]]) -> None:
    known = found.get(name)
    if known is None:
        found[name] = text
    elif isinstance(known, list):
        known.append(text)
    else:
        found[name] = [known, text]


def text_at(record: object, *path: str) -> str:
    """Return the text at a path of names, empty if there is none.

    >>> text_at({"a": {"b": 5}}, "a", "b"), text_at({"a": None}, "a", "b")
    ('5', '')
    """
    for name in path:
        if type(record) is not dict:
            return ""
        record = record.get(name)
    kind = type(record)
    if kind is str:
        return str(record)
    if kind is bool:
        return "true" if record else "false"
    return str(record) if kind is int or kind is float else ""


def json_records(log: LogFile, *, wrappers: AbstractSet[str] = frozenset()) -> Iterator[JsonRecord]:
    """Yield the records of a log; what is no object or no JSON is counted.

    Args:
        log: The log.
        wrappers: Names under which an object holds the records instead of being one.
    """
    head = peek(log.stream)
    encoding = encoding_of(head)
    if log.first or is_by_line(head, wrappers=wrappers):
        yield from _by_line(log, encoding, wrappers)
    else:
        yield from _in_documents(log, encoding, wrappers)


def is_by_line(head: bytes, *, wrappers: AbstractSet[str] = frozenset()) -> bool:
    """Tell whether every line of a log is a record: one of the first whole lines is, and begins where its line does."""
    *lines, _ = head.decode(encoding_of(head), "replace").split("\n")
    for line in lines[:_LINES_LOOKED_AT]:
        text = line.strip().lstrip("\ufeff").rstrip(",")
        if not text.startswith("{") or not text.endswith("}") or line.startswith((" ", "\t")):
            continue
        try:
            found = decode_json(text)
        except (ValueError, RecursionError):
            continue
        return isinstance(found, dict) and _wrapped(found, wrappers) is None
    return False


def sample_records(head: bytes, *, wrappers: AbstractSet[str] = frozenset(), most: int = 5) -> list[dict[str, Any]]:
    """Return the first records of a beginning that may be cut off anywhere."""
    encoding = encoding_of(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    if text.lstrip()[:1] not in {"{", "["}:
        return []
    if is_by_line(head, wrappers=wrappers):
        lines = (line.strip().rstrip(",") for line in text.split("\n")[:_LINES_LOOKED_AT])
        found: Iterable[object] = (value for line in lines if line and (value := _decoded(line)) is not None)
    else:
        found = (walked.value for walked in _walk(iter([text]), wrappers) if not walked.reason)
    records = (record for value in found for record in _unwrapped(value, wrappers))
    return [record for record in islice(records, most) if isinstance(record, dict)]


def _decoded(text: str) -> object:
    try:
        return decode_json(text)
    except (ValueError, RecursionError):
        return None


def _wrapped(value: object, wrappers: AbstractSet[str]) -> list[Any] | None:
    """Return what a wrapper holds; None if it is none."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for name in wrappers & value.keys() if wrappers else ():
            held = value[name]
            if isinstance(held, list):
                return held
    return None


def _unwrapped(value: object, wrappers: AbstractSet[str], depth: int = _DEEPEST_WRAPPER) -> Iterator[object]:
    held = _wrapped(value, wrappers) if depth else None
    if held is None:
        yield value
        return
    for inner in held:
        yield from _unwrapped(inner, wrappers, depth - 1)


def _by_line(log: LogFile, encoding: str, wrappers: AbstractSet[str]) -> Iterator[JsonRecord]:
    is_asked = log.only is not None
    for number, line in _lines(log, encoding):
        if not log.wants(number):
            continue
        text = line.strip()
        if text in _NO_RECORD:
            continue
        try:
            value = _decoded_line(text)
        except (ValueError, RecursionError) as error:
            log.unread(str(number), f"is no JSON: {error}" if isinstance(error, ValueError) else "is nested too deeply")
            continue
        for record in _unwrapped(value, wrappers):
            if isinstance(record, dict):
                yield JsonRecord(number, record, _text(line).strip() if is_asked else "")
            else:
                log.unread(str(number), "is JSON but no object")


def _decoded_line(text: str | bytes) -> object:
    try:
        return decode_json(text)
    except ValueError:
        cleaned = _cleaned(text)
        return decode_json(cleaned) if cleaned else []


_NO_RECORD = frozenset({"", "[", "]", ",", b"", b"[", b"]", b",", "\ufeff", codecs.BOM_UTF8})


def _cleaned(text: str | bytes) -> str:
    """Take away what may stand around an object: the mark of the encoding, the comma of an array by lines."""
    return _text(text).strip("\ufeff\x00 ").lstrip("[").rstrip("],")


def _text(line: str | bytes) -> str:
    return line.decode("utf-8", "replace") if isinstance(line, bytes) else line


def _lines(log: LogFile, encoding: str) -> Iterator[tuple[int, str | bytes]]:
    """Yield lines with their numbers; one longer than any record is counted and passed over."""
    number, is_rest = log.first, False
    for line in _pieces_of_lines(log.stream, encoding):
        is_cut = len(line) >= _LONGEST_LINE and line[-1:] not in {"\n", b"\n"}
        if not is_rest:
            number += 1
            if is_cut:
                log.unread(str(number), f"is a line of more than {_LONGEST_LINE:,} characters")
            else:
                yield number, line
        is_rest = is_cut


def _pieces_of_lines(stream: BinaryIO, encoding: str) -> Iterator[str | bytes]:
    if encoding.startswith("utf-8"):
        yield from iter(partial(stream.readline, _LONGEST_LINE), b"")
        return
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
    try:
        yield from iter(partial(text.readline, _LONGEST_LINE), "")
    finally:
        # Whoever opened the log closes it.
        text.detach()


def _in_documents(log: LogFile, encoding: str, wrappers: AbstractSet[str]) -> Iterator[JsonRecord]:
    """Read arrays and objects over several lines; the number of a record is its ordinal."""
    trouble: list[Exception] = []
    chunks = sound_chunks(log.stream, trouble)
    taken: list[bytes] = []
    n_bytes = 0
    for chunk in chunks:
        taken.append(chunk)
        n_bytes += len(chunk)
        if n_bytes > _WHOLE:
            break
    content = b"".join(taken)
    value = None if n_bytes > _WHOLE or trouble else _decoded_whole(content, encoding)
    if value is not None:
        yield from _numbered(log, [_Walked(value)], wrappers)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    texts = (decoder.decode(chunk) for chunk in chain([content], chunks))
    yield from _numbered(log, _walk(texts, wrappers), wrappers)
    if trouble:
        raise trouble[0]


def _numbered(log: LogFile, walked: Iterable[_Walked], wrappers: AbstractSet[str]) -> Iterator[JsonRecord]:
    number = 0
    for value, text, reason in walked:
        if reason:
            number += 1
            log.unread(f"record {number}", reason)
            continue
        for record in _unwrapped(value, wrappers):
            number += 1
            if not log.wants(number):
                continue
            if isinstance(record, dict):
                original = "" if log.only is None else text if record is value and text else compact(record)
                yield JsonRecord(number, record, original)
            else:
                log.unread(f"record {number}", "is JSON but no object")


class _Walked(NamedTuple):
    """A value on the way through a text, with what it is written as, or the reason why there is none."""

    value: object
    text: str = ""
    reason: str = ""


def _decoded_whole(content: bytes, encoding: str) -> object:
    try:
        text = content if encoding.startswith("utf-8") else content.decode(encoding)
        return _FAST.decode(text.removeprefix(codecs.BOM_UTF8) if isinstance(text, bytes) else text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _walk(texts: Iterator[str], wrappers: AbstractSet[str]) -> Iterator[_Walked]:
    """Yield the objects of a text in order, those of a large array one by one, without holding more than one."""
    decoder = json.JSONDecoder(**_PATIENT)
    text = next(texts, "").lstrip("\ufeff")
    position = enough = n_found = 0
    sought: re.Pattern[str] | None = None
    while True:
        start = _start(text, position, sought)
        if start >= 0:
            sought = None
            inside = _inside(text, start, wrappers, decoder) if not n_found else -1
            if inside >= 0:
                position, n_found = inside, 1
                continue
            try:
                value, end = decoder.raw_decode(text, start)
            except RecursionError:
                yield _Walked(None, reason="is nested too deeply")
                position, sought = start + 1, _like(text, start)
                continue
            except ValueError as error:
                if _is_definite(error, text) or len(text) - start > _LONGEST_RECORD:
                    yield _Walked(None, reason=f"is no JSON: {error}")
                    position, sought, n_found = start + 1, _like(text, start), n_found + 1
                    continue
                # Decoding starts over with twice the text, so that a long object costs no square of its length.
                kept, enough = start, 2 * (len(text) - start)
            else:
                yield _Walked(value, text[start:end])
                position, n_found = end, n_found + 1
                continue
        else:
            kept = max(position, len(text) - _LONGEST_NAME) if sought else len(text)
        more = next(texts, "")
        while more and len(text) - kept + len(more) < enough and (further := next(texts, "")):
            more += further
        if not more:
            if start < 0:
                return
            yield _Walked(None, reason="is no JSON, or cut off")
            position, sought, n_found, enough = start + 1, _like(text, start), n_found + 1, 0
            continue
        text, position, enough = text[kept:] + more, 0, 0


_LONGEST_NAME = 1_000


def _start(text: str, position: int, sought: re.Pattern[str] | None) -> int:
    if sought is None:
        return text.find("{", position)
    found = sought.search(text, position)
    return found.start() if found else -1


def _like(text: str, start: int) -> re.Pattern[str]:
    """Return what finds the next object that begins as a damaged one does."""
    name = _FIRST_NAME.match(text, start, start + _LONGEST_NAME)
    return re.compile(rf"\{{\s*{re.escape(name[1])}\s*:") if name else _FIRST_NAME


_FIRST_NAME = re.compile(r'\{\s*("[^"\\]*")\s*:')


def _is_definite(error: ValueError, text: str) -> bool:
    """Tell whether more text could not mend it: decoding stopped well before the end, and not in an open string."""
    place = getattr(error, "pos", 0)
    return place < len(text) - 64 and "Unterminated" not in str(error)


def _inside(text: str, start: int, wrappers: AbstractSet[str], decoder: json.JSONDecoder) -> int:
    """Return where the array begins that an object holds under the name of a wrapper; -1 if it is not to be seen."""
    position = start + 1
    while wrappers:
        member = _MEMBER.match(text, position)
        if not member:
            return -1
        if member[1] in wrappers and text[member.end() : member.end() + 1] == "[":
            return member.end() + 1
        try:
            _, position = decoder.raw_decode(text, member.end())
        except (ValueError, RecursionError):
            return -1
    return -1


_MEMBER = re.compile(r'[\s,]*"([^"\\]*)"\s*:\s*')


def cut_json_lines(stream: BinaryIO, n_pieces: int, *, wrappers: AbstractSet[str] = frozenset()) -> list[Cut]:
    """Cut a log between lines if every line of it is a record; one piece otherwise."""
    head = stream.read(1 << 16)
    size = stream.seek(0, io.SEEK_END)
    if not encoding_of(head).startswith("utf-8") or not is_by_line(head, wrappers=wrappers):
        return cuts_at([(0, 0)], size)
    places = [(0, 0)]
    for piece in range(1, n_pieces):
        start, n_lines = places[-1]
        stop = size * piece // n_pieces
        stream.seek(start)
        while start < stop and (block := stream.read(min(_CHUNK, stop - start))):
            n_lines += block.count(b"\n")
            start += len(block)
        rest = stream.readline(_LONGEST_LINE)
        if start > places[-1][0] and rest.endswith(b"\n") and start + len(rest) < size:
            places.append((start + len(rest), n_lines + 1))
    return cuts_at(places, size)


def excerpt_json_line(stream: BinaryIO, number: int, *, wrappers: AbstractSet[str] = frozenset()) -> Excerpt | None:
    """Cut out a line of a log of which every line is a record; None where records are counted otherwise."""
    head = peek(stream)
    if not encoding_of(head).startswith("utf-8") or not is_by_line(head, wrappers=wrappers):
        return None
    for at, line in enumerate(iter(partial(stream.readline, _LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            return None
        if at == number:
            return Excerpt(content=line, number=1, is_final=False)
    return Excerpt(content=b"", number=1, is_final=True)
