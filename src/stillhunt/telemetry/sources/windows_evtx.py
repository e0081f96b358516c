r"""Windows event logs as Windows keeps them: EVTX.

A file is a chain of 64 KiB chunks, each readable on its own, so a damaged chunk or record costs only itself; what
the decoder would give up besides is mended first (:mod:`stillhunt.telemetry.chunks`).
Lies in ``%SystemRoot%\System32\winevt\Logs``. What it cannot show: events overwritten when the log reached
its size limit, and whatever the audit policy did not ask for.

Reference: Microsoft, [MS-EVEN6]; the ``evtx`` package decodes it.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from struct import Struct
from typing import Any, BinaryIO

import msgspec
from evtx import PyEvtxParser

from stillhunt.errors import Problem, SourceError
from stillhunt.telemetry.archive import seekable
from stillhunt.telemetry.chunks import (
    CHUNK_HEADER_SIZE,
    CHUNK_MAGIC,
    CHUNK_SIZE,
    FILE_HEADER,
    FILE_HEADER_SIZE,
    FILE_MAGIC,
    mended_chunk,
)
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, Source
from stillhunt.telemetry.table import Piece

__all__ = ["SOURCE"]

_RECORD = re.compile(r"\brecord\b(?: number| id)? (\d+)")
_DAMAGE_NAMED = 3
_MOST_IN_A_CHUNK = CHUNK_SIZE // 28
"""Records of the smallest size that a chunk has room for."""


def sniff(head: bytes) -> bool:
    """Tell an EVTX file by its header, or by its first chunk where the header is damaged or missing."""
    return head.startswith((FILE_MAGIC, CHUNK_MAGIC)) or head[4096:4104] == CHUNK_MAGIC


def read(log: LogFile) -> Iterator[None]:
    """Take every record that can be decoded, whatever its neighbours look like."""
    n_chunks = 0
    pool = log.outlet.collector(_Pool)
    for place, chunk in chunks(log):
        n_chunks += 1
        if log.only is None:
            pool.add(log, place, chunk)
        else:
            _take(log, place, chunk)
        yield
    if not n_chunks:
        hint = "export the log again, or carve its chunks with a recovery tool"
        raise SourceError("is no readable EVTX file: it holds no chunk of records", where=log.name, hint=hint)


class _Pool:
    """Chunks of many files, to be decoded at once: by compiled code where numba is installed and they are worth it."""

    def __init__(self) -> None:
        self._held: list[tuple[LogFile, int, bytes]] = []
        self._n_seen = 0
        self._decoder: Any = None

    @property
    def is_full(self) -> bool:
        """Whether as many are held as is wise."""
        return len(self._held) >= _CHUNKS_AT_ONCE

    def add(self, log: LogFile, place: int, chunk: bytes) -> None:
        """Take a chunk."""
        self._held.append((log, place, chunk))

    def pieces(self) -> Iterator[Piece]:
        """Decode what is there; what the compiled code leaves goes to the outlets as records."""
        held, self._held = self._held, []
        self._n_seen += len(held)
        if self._n_seen >= _CHUNKS_WORTH_IT and self._decoder is None:
            self._decoder = _compiled_decoder()
        decoded = self._decoded(held) if held and self._decoder else None
        if decoded is None:
            for log, place, chunk in held:
                _take(log, place, chunk)
                if log.outlet.records.is_full:
                    yield from log.outlet.records.pieces()
            return
        yield from decoded.pieces
        for (log, _, _), n_events in zip(held, decoded.counts, strict=True):
            log.n_events += n_events
        for number, odd in decoded.odd.items():
            _take(*held[number], only=Counter(odd))

    def _decoded(self, held: list[tuple[LogFile, int, bytes]]) -> Any:
        try:
            return self._decoder.decode([(log.name, place, chunk) for log, place, chunk in held])
        # The bytes are an attacker's. Should they bring compiled code to a stop, the package decodes them instead.
        except Exception:  # noqa: BLE001 - whatever it is, no record is lost by it
            return None


_CHUNKS_AT_ONCE = 2_048
"""128 MiB: the more at once, the fewer columns have to be made of each shape of records."""

_CHUNKS_WORTH_IT = 512
"""32 MiB: less is decoded sooner than the compiled code is loaded, and much sooner than it is compiled."""


def _compiled_decoder() -> Any:
    """Return the compiled decoder, or False where it cannot be had."""
    try:
        from stillhunt.telemetry.binxml.decode import Decoder  # noqa: PLC0415 - loads numba, which may be missing
    except (ImportError, RuntimeError):
        # numba raises the latter where it finds no folder to keep compiled code in.
        return False
    return Decoder()


def chunks(log: LogFile) -> Iterator[tuple[int, bytes]]:
    """Yield the chunks asked for, mended, with their places in the file."""
    wanted = None if log.only is None else {place for places in log.only.values() for place in places}
    damaged: list[str] = []
    head = log.stream.read(FILE_HEADER_SIZE)
    # Neither a carved run of chunks nor a later piece of a file has a file header.
    if log.first or head.startswith(CHUNK_MAGIC):
        rest = head
    else:
        rest = b""
        if not head.startswith(FILE_MAGIC):
            damaged.append("file header")
    place = log.first - 1
    while chunk := rest + log.stream.read(CHUNK_SIZE - len(rest)):
        rest, place = b"", place + 1
        if (wanted is not None and not {place, -1} & wanted) or not chunk.strip(b"\x00"):
            continue
        chunk = chunk.ljust(CHUNK_SIZE, b"\x00")
        mended = mended_chunk(chunk)
        if not mended.startswith(CHUNK_MAGIC):
            # Windows sets files larger than what they hold; the header says how much is in use.
            if log.first or place < int.from_bytes(head[42:44], "little"):
                log.unread(f"chunk {place}", "holds no record that can be recognised")
            continue
        # Emptied tables alone are no damage: a log copied from a running machine has no checksums yet.
        if mended[CHUNK_HEADER_SIZE:] != chunk[CHUNK_HEADER_SIZE:] or mended[:8] != chunk[:8]:
            damaged.append(f"chunk {place}")
        yield place, mended
    if damaged:
        log.problems.append(_mended(log.name, damaged))
    n_said = int.from_bytes(head[42:44], "little") if head.startswith(FILE_MAGIC) else 0
    if place + 1 < n_said and not log.first and not log.has_more:
        log.is_cut = True
        message = f"is cut off: its header says {n_said:,} chunks, {place + 1:,} are there"
        hint = "copy or export the log again"
        log.problems.append(Problem(code="source", message=message, where=log.name, hint=hint))


def _take(log: LogFile, place: int, chunk: bytes, *, only: Counter[int] | None = None) -> None:
    """Decode the records of a chunk one by one; of each number in the header, as many as ``only`` says."""
    for number, text in _records(log, place, chunk):
        if only is not None:
            if not only[number]:
                continue
            only[number] -= 1
        # An id is looked for only where some are asked for: a hunt asks for all records.
        own = 0 if log.only is None else _record_id(text)
        if not log.wants(own):
            continue
        try:
            recipe = log.outlet.records.add(msgspec.json.decode(text), file=log.name, number=None, place=place)
        except (msgspec.DecodeError, RecursionError) as error:
            log.unread(f"record {number}", f"cannot be decoded: {error}")
            continue
        if recipe is None:
            log.unread(f"record {number}", "is empty or has no System element")
            continue
        log.n_events += 1
        log.keep(own, text)


_RECORD_ID = re.compile(r'"EventRecordID": ?"?(\d{1,18})')


def _record_id(text: str) -> int:
    found = _RECORD_ID.search(text)
    return int(found[1]) if found else 0


def _records(log: LogFile, place: int, chunk: bytes) -> Iterator[tuple[int, str]]:
    """Yield (number, JSON) of the records of one chunk."""
    records: Any = PyEvtxParser(io.BytesIO(FILE_HEADER + chunk)).records_json()
    for _ in range(_MOST_IN_A_CHUNK):
        try:
            record = next(records, None)
        except (RuntimeError, OSError, ValueError) as error:
            log.unread(_place(error, place), _first_line(error))
            continue
        if record is None:
            return
        yield record["event_record_id"], record["data"]
    log.unread(f"the rest of chunk {place}", "given up, since the decoder does not come to its end")


def _mended(name: str, damaged: list[str]) -> Problem:
    listed = ", ".join(damaged[:_DAMAGE_NAMED]) + (" ..." if len(damaged) > _DAMAGE_NAMED else "")
    message = f"damaged in {len(damaged):,} places, which were mended to read the records behind them: {listed}"
    return Problem(code="source", message=message, where=name, hint="compare with another copy of the log, if any")


def _place(error: Exception, chunk: int) -> str:
    found = _RECORD.search(str(error).lower())
    return f"record {found[1]}" if found else f"chunk {chunk}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def cut(stream: BinaryIO, n_pieces: int) -> list[Cut]:
    """Cut between chunks."""
    head = stream.read(8)
    header = 0 if head == CHUNK_MAGIC else FILE_HEADER_SIZE
    size = stream.seek(0, io.SEEK_END)
    n_chunks = -(-max(0, size - header) // CHUNK_SIZE)
    firsts = sorted({n_chunks * piece // n_pieces for piece in range(n_pieces)})
    return cuts_at([(header + first * CHUNK_SIZE if first else 0, first) for first in firsts], size)


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out the chunks that hold a number: records have their EventRecordID as 64 bits."""
    if not 0 <= number < 1 << 63:
        return None
    with seekable(stream) as content:
        head = content.read(FILE_HEADER_SIZE)
        first = 0 if head.startswith(CHUNK_MAGIC) else FILE_HEADER_SIZE
        found = _chunks_by_header(content, first, number) or _chunks_holding(content, first, _ID.pack(number))
    # A template may write the id as text.
    return Excerpt(content=FILE_HEADER + b"".join(found), number=number, is_final=False) if found else None


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
                is_own = len(chunk) == CHUNK_SIZE and chunk.count(_ID.pack(number)) > 1
                return [chunk] if is_own else []
    return []


def _chunks_holding(stream: BinaryIO, first: int, needle: bytes) -> list[bytes]:
    """Return all chunks that hold some bytes, none if they are too many."""
    stream.seek(first)
    found: list[bytes] = []
    while block := stream.read(_CHUNKS_READ_AT_ONCE * CHUNK_SIZE):
        if needle in block:
            chunks = (block[start : start + CHUNK_SIZE] for start in range(0, len(block), CHUNK_SIZE))
            found += [chunk.ljust(CHUNK_SIZE, b"\x00") for chunk in chunks if needle in chunk]
        if len(found) > _MOST_CHUNKS:
            return []
    return found


_CHUNKS_READ_AT_ONCE = 16
_MOST_CHUNKS = 512
"""Chunks that are cut out, 32 MiB; where more hold the number, the log is read as it is."""

_ID = Struct("<Q")
_CHUNK_IDS = Struct("<24xQQ")
"""At the beginning of a chunk: first and last id of its records."""


SOURCE = Source(title="Windows event log (EVTX)", sniff=sniff, read=read, cut=cut, excerpt=excerpt, has_magic=True)
