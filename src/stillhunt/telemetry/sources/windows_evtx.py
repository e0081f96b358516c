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
from collections.abc import Iterator
from typing import Any

import msgspec
from evtx import PyEvtxParser

from stillhunt.errors import Problem, SourceError
from stillhunt.telemetry.chunks import (
    CHUNK_HEADER_SIZE,
    CHUNK_MAGIC,
    CHUNK_SIZE,
    FILE_HEADER,
    FILE_HEADER_SIZE,
    FILE_MAGIC,
    mended_chunk,
)
from stillhunt.telemetry.source import LogFile, Source

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
    for place, chunk in chunks(log):
        n_chunks += 1
        _take(log, place, chunk)
        yield
    if not n_chunks:
        hint = "export the log again, or carve its chunks with a recovery tool"
        raise SourceError("is no readable EVTX file: it holds no chunk of records", where=log.name, hint=hint)


def chunks(log: LogFile) -> Iterator[tuple[int, bytes]]:
    """Yield the chunks asked for, mended, with their places in the file."""
    wanted = None if log.only is None else {place for places in log.only.values() for place in places}
    damaged: list[str] = []
    head = log.stream.read(FILE_HEADER_SIZE)
    # A carved run of chunks has no file header at all.
    if head.startswith(CHUNK_MAGIC):
        rest = head
    else:
        rest = b""
        if not head.startswith(FILE_MAGIC):
            damaged.append("file header")
    place = -1
    while chunk := rest + log.stream.read(CHUNK_SIZE - len(rest)):
        rest, place = b"", place + 1
        if (wanted is not None and not {place, -1} & wanted) or not chunk.strip(b"\x00"):
            continue
        chunk = chunk.ljust(CHUNK_SIZE, b"\x00")
        mended = mended_chunk(chunk)
        if not mended.startswith(CHUNK_MAGIC):
            # Windows sets files larger than what they hold; the header says how much is in use.
            if place < int.from_bytes(head[42:44], "little"):
                log.unread(f"chunk {place}", "holds no record that can be recognised")
            continue
        # Emptied tables alone are no damage: a log copied from a running machine has no checksums yet.
        if mended[CHUNK_HEADER_SIZE:] != chunk[CHUNK_HEADER_SIZE:] or mended[:8] != chunk[:8]:
            damaged.append(f"chunk {place}")
        yield place, mended
    if damaged:
        log.problems.append(_mended(log.name, damaged))


def _take(log: LogFile, place: int, chunk: bytes) -> None:
    for number, text in _records(log, place, chunk):
        if log.only is not None and not log.wants(_record_id(text)):
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
        log.keep(_record_id(text), text)


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


SOURCE = Source(title="Windows event log (EVTX)", sniff=sniff, read=read)
