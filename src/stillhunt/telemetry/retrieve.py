"""One record of a log read again by its number, through the source that reads it in a hunt.

The source is given as little of the file as it needs: of an event log the chunks that hold the record's number,
of a log by lines the line and those that say what its fields are called. So the fields are those of a hunt,
without the time of one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from struct import Struct
from typing import BinaryIO

import msgspec
import pyarrow as pa

from stillhunt.errors import SourceError, UnknownNameError
from stillhunt.telemetry.archive import DAMAGED, Member, members, seekable
from stillhunt.telemetry.chunks import CHUNK_MAGIC, CHUNK_SIZE, FILE_HEADER, FILE_HEADER_SIZE
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.outlet import Outlet
from stillhunt.telemetry.source import SOURCES, LogFile, Source

__all__ = ["Record", "retrieve", "split_place"]

_HEAD = 1 << 16
_BUFFER = 1 << 17
_BLOCK = 1 << 20
_CHUNKS_AT_ONCE = 16
_MOST_CHUNKS = 512
"""Chunks that are cut out of an event log, 32 MiB; where more hold the number, the log is read as it is."""

_RECORD_ID = Struct("<Q")
_CHUNK_IDS = Struct("<24xQQ")
"""At the beginning of a chunk: first and last id of its records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event, read again.

    Attributes:
        batch: The event alone.
        original: Its raw record.
    """

    batch: EventBatch
    original: str


def split_place(place: str) -> tuple[str, int]:
    """Take apart a record's place as findings write it.

    >>> split_place("logs.zip!web1.json:512")
    ('logs.zip!web1.json', 512)

    Raises:
        UnknownNameError: It does not end in a colon and a number.
    """
    file, colon, number = place.rpartition(":")
    if not (file and colon and number.isascii() and number.isdecimal() and len(number) < 19):
        hint = "write file:record as findings do, for instance logs/security.evtx:4711"
        raise UnknownNameError(f"`{place}` names no record", hint=hint)
    return file, int(number)


def retrieve(file: str, number: int) -> list[Record]:
    """Return the events of a file that have a number: usually one, more where a file uses numbers twice.

    Args:
        file: As findings name it: a path, with ``!member`` for a member of an archive.
        number: EventRecordID or line number, as findings give it.

    Raises:
        UnknownNameError: There is no such file, member or record.
        SourceError: The file is no log, or cannot be read.
    """
    with _member(file) as member:
        try:
            found = _retrieved(member, number)
        except DAMAGED as error:
            raise SourceError(f"cannot be read: {error}", where=file, hint="copy or download it again") from error
    if not found:
        hint = "EVTX records are named by their EventRecordID, those of other logs by their line"
        raise UnknownNameError(f"holds no event with the number {number}", where=file, hint=hint)
    return found


@contextmanager
def _member(file: str) -> Iterator[Member]:
    """Find a log; it can be opened only as long as the archives around it are open."""
    path = _container(file)
    try:
        for member in members(path, lambda: path.open("rb", buffering=_BUFFER)):
            if member.name == file:
                if member.note:
                    raise SourceError(member.note, where=file, hint=member.remedy)
                yield member
                return
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from error
    hint = f"it would lie in {path}; names are written as findings show them"
    raise UnknownNameError("the archive has no such member", where=file, hint=hint)


def _container(file: str) -> Path:
    """Return the file that lies on the disk: the whole name, or what stands before one of its exclamation marks."""
    for end in (len(file), *(at for at, character in enumerate(file) if character == "!")):
        path = Path(file[:end])
        if path.is_file():
            return path
    hint = "give the path as findings show it, from the folder that the hunt was started in"
    raise UnknownNameError("there is no such file", where=file, hint=hint)


def _retrieved(member: Member, number: int) -> list[Record]:
    with member.open() as stream:
        name = _recognised(member.name, _peek(stream))
        with seekable(stream) if name == _EVTX else nullcontext(stream) as content:
            excerpt = _CUTS[name](content, number) if name in _CUTS else None
    if excerpt is not None:
        with io.BufferedReader(io.BytesIO(excerpt.content), _HEAD) as cut:
            found = _read(SOURCES[name], member.name, cut, excerpt.number)
        if found or excerpt.is_final:
            return [_renumbered(event, number) for event in found]
    source = SOURCES[name]
    with member.open() as stream, seekable(stream) if source.needs_seek else nullcontext(stream) as content:
        return _read(source, member.name, content, number)


def _recognised(file: str, head: bytes) -> str:
    name = next((name for name in SOURCES.names() if SOURCES[name].sniff(head)), None)
    if name is None:
        hint = f"logs that can be read: {'; '.join(source.title for source in SOURCES)}"
        raise SourceError("no source reads it", where=file, hint=hint)
    return name


def _read(source: Source, file: str, stream: BinaryIO, number: int) -> list[Record]:
    log = LogFile(name=file, stream=stream, outlet=Outlet(), only={number: frozenset({_ANYWHERE})})
    batches: list[EventBatch] = []
    for found in source.read(log):
        if found is not None and log.wants(found[1].record):
            log.outlet.rows.add(*found)
            log.keep(found[1].record, found[1].original)
        batches += log.outlet.due()
    batches += log.outlet.rest()
    return [
        Record(batch=EventBatch(event_class=batch.event_class, data=batch.data.slice(row, 1)), original=original)
        for batch in batches
        for row, record in enumerate(batch.data.column("event.record").to_pylist())
        if record == number
        for original in (log.originals.get(number, ""),)
    ]


_ANYWHERE = -1
"""Place of a record that may lie anywhere in its file."""


def _renumbered(event: Record, number: int) -> Record:
    """Give an event of an excerpt the number that it has in the file."""
    data = event.batch.data
    column = data.schema.get_field_index("event.record")
    data = data.set_column(column, "event.record", pa.array([number], pa.int64()))
    return replace(event, batch=replace(event.batch, data=data))


# --- Excerpts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excerpt:
    """A part of a log that its source reads like a log.

    Attributes:
        content: The part.
        number: The number that the record has in it.
        is_final: A record that is not in it is not in the log either.
    """

    content: bytes
    number: int
    is_final: bool


def _chunks(stream: BinaryIO, number: int) -> _Excerpt | None:
    """Cut out the chunks of an event log that hold a number: records have their EventRecordID as 64 bits."""
    if not 0 <= number < 1 << 63:
        return None
    needle = _RECORD_ID.pack(number)
    head = stream.read(FILE_HEADER_SIZE)
    first = 0 if head.startswith(CHUNK_MAGIC) else FILE_HEADER_SIZE
    found = _chunks_by_header(stream, first, number) or _chunks_holding(stream, first, needle)
    # A template may write the id as text.
    return _Excerpt(content=FILE_HEADER + b"".join(found), number=number, is_final=False) if found else None


def _chunks_by_header(stream: BinaryIO, first: int, number: int) -> list[bytes]:
    """Return the chunk that by its header holds a record, if the record's own id agrees.

    It does in a log as Windows keeps it. In one that was exported, headers count from one, and forwarded events have
    the ids of their origin.
    """
    # A buffer would be filled for every header, and so the whole file be read.
    raw = stream.raw if isinstance(stream, io.BufferedReader) else stream
    for start in range(first, raw.seek(0, io.SEEK_END), CHUNK_SIZE):
        raw.seek(start)
        header = raw.read(_CHUNK_IDS.size) or b""
        if len(header) == _CHUNK_IDS.size and header.startswith(CHUNK_MAGIC):
            first_id, last_id = _CHUNK_IDS.unpack(header)
            if first_id <= number <= last_id:
                stream.seek(start)
                chunk = stream.read(CHUNK_SIZE)
                # Once in the record's header, once as its id.
                is_own = len(chunk) == CHUNK_SIZE and chunk.count(_RECORD_ID.pack(number)) > 1
                return [chunk] if is_own else []
    return []


def _chunks_holding(stream: BinaryIO, first: int, needle: bytes) -> list[bytes]:
    """Return all chunks that hold some bytes, none if they are too many."""
    stream.seek(first)
    found: list[bytes] = []
    while block := stream.read(_CHUNKS_AT_ONCE * CHUNK_SIZE):
        if needle in block:
            chunks = (block[start : start + CHUNK_SIZE] for start in range(0, len(block), CHUNK_SIZE))
            found += [chunk.ljust(CHUNK_SIZE, b"\x00") for chunk in chunks if needle in chunk]
        if len(found) > _MOST_CHUNKS:
            return []
    return found


def _json_line(stream: BinaryIO, number: int) -> _Excerpt | None:
    """Cut out the line of a file that is certain to hold one object per line, behind its first."""
    if number < 1:
        return None
    head = _peek(stream)
    first, newline, _ = head.partition(b"\n")
    if not newline or not encoding_of(head).startswith("utf-8") or not _is_object(first):
        return None
    line = _line(stream, number)
    if line is None:
        return None
    is_first = number == 1
    content = line if is_first else first + newline + line
    return _Excerpt(content=content, number=1 if is_first else 2, is_final=True)


def _is_object(line: bytes) -> bool:
    """Tell whether a line is an object that begins where the line does: then every line is read by itself."""
    text = line.decode("utf-8-sig", "replace")
    if text.startswith((" ", "\t")):
        return False
    try:
        return isinstance(msgspec.json.decode(text.strip().rstrip(",")), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _line(stream: BinaryIO, number: int) -> bytes | None:
    """Return a line by its number, empty behind the end; None if it is longer than any event."""
    left, rest = number - 1, b""
    while left > 0 and (rest := stream.read(_BLOCK)):
        n_here = rest.count(b"\n")
        if n_here >= left:
            at = -1
            for _ in range(left):
                at = rest.index(b"\n", at + 1)
            rest = rest[at + 1 :]
            left = 0
        else:
            left -= n_here
    if left > 0:
        return b""
    line, newline, _ = rest.partition(b"\n")
    if newline:
        return line
    more = stream.readline(_LONGEST_LINE)
    return rest + more if len(more) < _LONGEST_LINE else None


def _w3c_line(stream: BinaryIO, number: int) -> _Excerpt | None:
    """Cut out the line of a web log, behind all lines before it that say what its fields are called."""
    if not encoding_of(_peek(stream)).startswith("utf-8"):
        return None
    kept: list[bytes] = []
    for at, line in enumerate(iter(partial(stream.readline, _LONGEST_W3C_LINE), b""), 1):
        if len(line) == _LONGEST_W3C_LINE:
            return None  # how the source counts the pieces of such a line depends on its characters
        if at == number:
            return _Excerpt(content=b"".join([*kept, line]), number=len(kept) + 1, is_final=True)
        if line[:1] in _MAY_BE_DIRECTIVE and line.lstrip(b"\xef\xbb\xbf\x00\r ").startswith(b"#"):
            kept.append(line)
    return _Excerpt(content=b"", number=1, is_final=True)


_MAY_BE_DIRECTIVE = frozenset({b"#", b"\xef", b"\x00", b"\r", b" "})
_LONGEST_LINE = 64 << 20
_LONGEST_W3C_LINE = 1 << 20

_EVTX = "windows_evtx"
_CUTS: dict[str, Callable[[BinaryIO, int], _Excerpt | None]] = {
    _EVTX: _chunks,
    "windows_json": _json_line,
    "iis": _w3c_line,
}
"""Sources whose logs can be cut; those of others are read as a whole."""


def _peek(stream: BinaryIO) -> bytes:
    peeked: bytes = stream.peek(_HEAD) if isinstance(stream, io.BufferedReader) else b""
    return peeked[:_HEAD]
