"""Zeek's logs: what went over the network, one file per protocol, as tab-separated columns or as JSON by lines.

Tab-separated logs say in lines with ``#`` what their columns are called, and may say so again when files were joined.
JSON logs name their log in ``_path`` where they come as one stream; else the fields tell. Lies in ``/opt/zeek/logs`` or
``/usr/local/zeek/logs``, by day. Times are UTC. What it cannot show: content, anything inside encryption, and what did
not pass by the sensor.

Native fields carry Zeek's names (``id.orig_h``). Columns with labels, which shared captures carry, are left out.

Reference: Zeek manual, "Log formats and inspection", "Logs"; zeek/src/logging/writers/ascii.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from stillhunt.telemetry.columns import expressible, mapped, text_column
from stillhunt.telemetry.encoding import encoding_of, plain
from stillhunt.telemetry.event import LIST_FIELDS, TEXT, TEXT_LIST
from stillhunt.telemetry.json_records import (
    compact,
    cut_json_lines,
    decode_json,
    excerpt_json_line,
    flatten,
    sample_records,
    says,
)
from stillhunt.telemetry.line_blocks import line_blocks
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Piece
from stillhunt.telemetry.zeek import path_of, zeek_pieces

__all__ = ["SOURCE"]

_MOST_COLUMNS = 1_000
_LONGEST_LINE = 16 << 20
_JSON_AT_ONCE = 50_000


class _Ready:
    """Pieces that are complete, on their way out."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []

    @property
    def is_full(self) -> bool:
        return bool(self._pieces)

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)

    def pieces(self) -> Iterator[Piece]:
        taken, self._pieces = self._pieces, []
        yield from taken


def sniff(head: bytes) -> bool:
    """Tell by the lines with ``#`` of a tab-separated log, or by JSON records that have Zeek's fields."""
    text = plain(head)
    if b"#fields" in text and _FIELDS.search(text):
        return True
    return says(head, b'"ts"') and any(_is_record(record) for record in sample_records(head))


_FIELDS = re.compile(rb"(?m)^[^\w#]{0,3}#(?:separator \\x[0-9a-fA-F]{2}|fields[^\w](?:_\w+[^\w])*ts[^\w]\w)")


def _is_record(record: Mapping[str, Any]) -> bool:
    if "ts" not in record or "event_type" in record:
        return False
    is_of_connection = any(name in record for name in ("uid", "id.orig_h", "id", "fuid"))
    if isinstance(record.get("_path"), str):
        return True
    path = path_of(frozenset(flatten(record)))
    return bool(path) and (is_of_connection or path in _OF_NO_CONNECTION)


_OF_NO_CONNECTION = frozenset(
    {"software", "notice", "weird", "dhcp", "arp", "packet_filter", "pe", "known_services", "stats", "capture_loss"}
)


def read(log: LogFile) -> Iterator[None]:
    """Take every record; lines that do not fit what stands above them are counted."""
    head = peek(log.stream)
    encoding = encoding_of(head)
    first = log.first
    is_json = head.decode(encoding, "replace").lstrip("\ufeff\r\n\t ")[:1] in {"{", "["}
    header = _Header()
    for block in line_blocks(log.stream, encoding=encoding):
        if is_json:
            _take_json(log, block, first)
        else:
            _take_tabular(log, header, block, first)
        first += block.count(b"\n")
        yield


@dataclass(slots=True)
class _Header:
    """What the lines with ``#`` said last.

    Attributes:
        path: Name of the log.
        names: Names of the columns.
        kinds: Their types.
        separator: What lies between columns.
        set_separator: What lies between the values of one set.
        empty: What stands for a set or text with nothing in it.
        unset: What stands for no value.
    """

    path: str = ""
    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    separator: str = "\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"

    def take(self, line: str) -> None:
        """Take in a line that begins with ``#``."""
        if line.startswith("#separator"):
            said = _unescaped(line.removeprefix("#separator").strip(" "))
            self.separator = said if len(said) == 1 and said.isascii() and said not in '"\r\n' else "\t"
            return
        name, *values = line[1:].split(self.separator)
        if name == "fields" and values:
            self.names, self.kinds = values, []
        elif name == "types" and values:
            self.kinds = values
        elif values and values[0]:
            self._set(name, values[0])

    def _set(self, name: str, value: str) -> None:
        if name == "path":
            self.path = value
        elif name == "set_separator":
            self.set_separator = _unescaped(value)
        elif name == "empty_field":
            self.empty = value
        elif name == "unset_field":
            self.unset = value


def _unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _take_tabular(log: LogFile, header: _Header, block: bytes, first: int) -> None:
    position, number = 0, first
    for said in _COMMENT.finditer(block):
        number = _take_lines(log, header, block[position : said.start()], number)
        header.take(said[0].decode("utf-8", "replace").rstrip("\r\n"))
        position, number = said.end(), number + 1
    _take_lines(log, header, block[position:], number)


_COMMENT = re.compile(rb"^#[^\n]*\n?", re.MULTILINE)
"""Zeek writes a value that begins with ``#`` otherwise."""


def _take_lines(log: LogFile, header: _Header, lines: bytes, first: int) -> int:
    """Take lines that one header stands above, and return the number of the last."""
    n_lines = lines.count(b"\n") + (not lines.endswith(b"\n")) if lines else 0
    if not n_lines:
        return first
    if n_lines == 1 and len(lines) > _LONGEST_LINE:
        log.unread(str(first + 1), f"is a line of more than {_LONGEST_LINE:,} bytes")
        return first + 1
    table, numbers = None, None
    if log.only is None and header.names:
        table, numbers = _parsed(header, lines), pa.array(range(first + 1, first + n_lines + 1), pa.int64())
    if table is None or table.num_rows != n_lines:
        lines, numbered = _fitting(log, header, lines, first)
        if not numbered:
            return first + n_lines
        table, numbers = _parsed(header, lines), pa.array(numbered, pa.int64())
        if table is None or table.num_rows != len(numbered):
            log.unread(f"{numbered[0]}-{numbered[-1]}", "holds text that cannot be read as columns")
            return first + n_lines
    _take(log, header.path, _columns(header, table), numbers)
    return first + n_lines


def _take(log: LogFile, path: str, columns: Mapping[str, Any], numbers: Any) -> None:
    ready = log.outlet.collector(_Ready)
    log.n_events += len(numbers)
    for piece in zeek_pieces(path, columns, file=log.name, numbers=numbers):
        ready.add(piece)


def _fitting(log: LogFile, header: _Header, lines: bytes, first: int) -> tuple[bytes, list[int]]:
    """Return the lines that have as many columns as the header, and are asked for, with their numbers."""
    separator = header.separator.encode()
    kept: list[bytes] = []
    numbers: list[int] = []
    for number, whole in enumerate(lines.split(b"\n"), first + 1):
        line = whole.rstrip(b"\r").replace(b"\r", b" ")
        if not line.strip(b" \x00") or not log.wants(number):
            continue
        n_columns = line.count(separator) + 1
        if not header.names:
            log.unread(str(number), "stands above any line that says what the columns are")
        elif n_columns != len(header.names):
            reason = f"has {n_columns} columns where its header names {len(header.names)}"
            log.unread(str(number), reason, hint="the line is cut off, or the header is missing")
        else:
            log.keep(number, line.decode("utf-8", "replace"))
            kept.append(line)
            numbers.append(number)
    # Zeek writes what is no UTF-8 as \xNN, unless told otherwise.
    return (b"\n".join(kept) + b"\n").decode("utf-8", "replace").encode(), numbers


def _parsed(header: _Header, lines: bytes) -> Any:
    """Return lines as columns of text; None if one does not fit the header, or is no UTF-8."""
    names = [str(place) for place in range(len(header.names))]
    reading = csv.ReadOptions(column_names=names, block_size=len(lines) + 1, use_threads=False)
    parsing = csv.ParseOptions(
        delimiter=header.separator,
        quote_char=False,
        double_quote=False,
        escape_char=False,
        ignore_empty_lines=True,
    )
    converting = csv.ConvertOptions(
        column_types=dict.fromkeys(names, TEXT), null_values=[header.unset], strings_can_be_null=True
    )
    try:
        return csv.read_csv(io.BytesIO(lines), reading, parsing, converting)
    except pa.ArrowInvalid:
        return None


def _columns(header: _Header, table: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, name in enumerate(header.names[:_MOST_COLUMNS]):
        column = table.column(place).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else pa.array([], TEXT)
        kind = header.kinds[place] if place < len(header.kinds) else ""
        # One tool for labels puts them behind the last column, with spaces between.
        own = name.split("   ")[0]
        if own != name:
            column = mapped(column, lambda text: text.split("   ")[0])
        if kind == "bool":
            column = mapped(column, _BOOL.get)
        elif kind.startswith(("set", "vector")) or own in LIST_FIELDS:
            column = _values(own, column, header)
        elif kind in {"", "string"}:
            column = _without(column, header.empty)
        if own and own not in found:
            found[expressible(own)] = column
    return found


_BOOL = {"T": "true", "F": "false"}


def _without(column: Any, empty: str) -> Any:
    """Return a column where nothing stands for empty text."""
    texts = column.dictionary
    if not pc.any(pc.equal(texts, pa.scalar(empty, pa.string()))).as_py():
        return column
    return mapped(column, lambda text: None if text == empty else text)


def _values(name: str, column: Any, header: _Header) -> Any:
    if name not in LIST_FIELDS:
        return _without(column, header.empty)
    lists = [
        None if text is None or text == header.empty else text.split(header.set_separator)
        for text in column.dictionary.to_pylist()
    ]
    return _as_lists(pa.array(lists, pa.list_(pa.string())).take(column.indices))


def _as_lists(lists: Any) -> Any:
    """Encode a column of lists of text."""
    texts = lists.flatten().dictionary_encode()
    return pa.ListArray.from_arrays(_offsets(lists), texts, type=TEXT_LIST, mask=pc.is_null(lists))


def _offsets(lists: Any) -> Any:
    lengths: Any = pc.fill_null(pc.list_value_length(lists), pa.scalar(0, pa.int32()))
    start: Any = pa.array([0], pa.int32())
    return pa.concat_arrays([start, pc.cumulative_sum(lengths).cast(pa.int32())])


def _take_json(log: LogFile, block: bytes, first: int) -> None:
    groups: dict[str, tuple[list[dict[str, Any]], list[int]]] = {}
    for number, line in enumerate(block.split(b"\n"), first + 1):
        if len(line) < 3 or not log.wants(number):
            continue
        record = _record(log, number, line)
        if record is None:
            continue
        path = record.get("_path")
        if not isinstance(path, str):
            path = path_of(frozenset(record))
        if log.only is not None:
            log.keep(number, line.decode("utf-8", "replace").strip())
        rows, numbers = groups.setdefault(path, ([], []))
        rows.append(record)
        numbers.append(number)
    for path, (rows, numbers) in groups.items():
        for start in range(0, len(rows), _JSON_AT_ONCE):
            part = slice(start, start + _JSON_AT_ONCE)
            _take(log, expressible(path), _columns_of(rows[part]), pa.array(numbers[part], pa.int64()))


def _record(log: LogFile, number: int, line: bytes) -> dict[str, Any] | None:
    try:
        record = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            record = decode_json(line.strip(b" \r\t,[]\x00"))
        except (ValueError, RecursionError) as error:
            log.unread(str(number), f"is no JSON: {error or 'nested too deeply'}")
            return None
    if not isinstance(record, dict) or "ts" not in record:
        log.unread(str(number), "is JSON but no record of Zeek", hint="it has no `ts`")
        return None
    return _flat(record) if isinstance(record.get("id"), dict) else record


_DECODER = msgspec.json.Decoder(float_hook=str)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Undo the nesting that some exporters give to ``id.orig_h``."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": held for inner, held in value.items()}
        else:
            found[name] = value
    return found


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list({name: None for row in rows for name in row if name != "_path"})[:_MOST_COLUMNS]
    return {expressible(name): _column(name, [row.get(name) for row in rows]) for name in names}


def _column(name: str, values: list[Any]) -> Any:
    if name in LIST_FIELDS:
        lists = [[_text(item) for item in value] if isinstance(value, list) else _alone(value) for value in values]
        return _as_lists(pa.array(lists, pa.list_(pa.string())))
    try:
        found: Any = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return text_column([_joined(value) for value in values])
    if pa.types.is_string(found.type):
        return found.dictionary_encode()
    if pa.types.is_integer(found.type) or pa.types.is_boolean(found.type) or pa.types.is_null(found.type):
        return found.cast(pa.string()).dictionary_encode()
    return text_column([_joined(value) for value in values])


def _alone(value: Any) -> list[str] | None:
    return None if value is None else [_text(value)]


def _joined(value: Any) -> str | None:
    """Return a value as Zeek's tab-separated logs would write it."""
    if isinstance(value, list):
        return ",".join(_text(item) for item in value) or None
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return expressible(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact(value) if isinstance(value, (dict, list)) or value is None else str(value)


def cut(stream: BinaryIO, n_pieces: int) -> list[Cut]:
    """Cut between lines; pieces of a tab-separated log are read behind its first lines, which name the columns."""
    head = stream.read(1 << 16)
    stream.seek(0)
    if not head.startswith(b"#"):
        return cut_json_lines(stream, n_pieces)
    size = stream.seek(0, io.SEEK_END)
    n_head, n_head_lines = _beginning(head)
    places = [(0, 0)]
    for piece in range(1, n_pieces):
        start, n_lines = places[-1]
        stop = size * piece // n_pieces
        stream.seek(start)
        is_line_end = True
        while start < stop and (block := stream.read(min(_CHUNK, stop - start))):
            inner = block if start >= n_head else block[n_head - start :]
            if b"\n#" in inner or (is_line_end and start > n_head and block.startswith(b"#")):
                # Columns may be called otherwise from there on.
                return cuts_at([(0, 0)], size)
            is_line_end = block.endswith(b"\n")
            n_lines += block.count(b"\n")
            start += len(block)
        rest = stream.readline(_LONGEST_LINE)
        if start > places[-1][0] and rest.endswith(b"\n") and start + len(rest) < size:
            places.append((start + len(rest), n_lines + 1))
    # Every piece but the first counts the lines of the beginning once more.
    places = [(start, n_lines - n_head_lines if start else 0) for start, n_lines in places]
    return [replace(found, head=n_head if found.start else 0) for found in cuts_at(places, size)]


_CHUNK = 1 << 20


def _beginning(head: bytes) -> tuple[int, int]:
    """Return the length of the lines with ``#`` that a log begins with, and their number."""
    n_bytes = n_lines = 0
    for line in head.splitlines(keepends=True):
        if not line.startswith(b"#"):
            break
        n_bytes += len(line)
        n_lines += 1
    return n_bytes, n_lines


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out a line, behind all lines before it that say what its columns are."""
    head = peek(stream)
    if not encoding_of(head).startswith("utf-8"):
        return None
    if not head.startswith((b"#", b"\xef\xbb\xbf#")):
        return excerpt_json_line(stream, number)
    kept: list[bytes] = []
    for at, line in enumerate(iter(partial(stream.readline, _LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            return None
        if at == number:
            return Excerpt(content=b"".join([*kept, line]), number=len(kept) + 1, is_final=True)
        if line.startswith((b"#", b"\xef\xbb\xbf#")):
            kept.append(line)
    return Excerpt(content=b"", number=1, is_final=True)


SOURCE = Source(title="Zeek log", sniff=sniff, read=read, cut=cut, excerpt=excerpt)
