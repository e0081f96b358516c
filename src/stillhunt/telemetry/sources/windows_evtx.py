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
from stillhunt.telemetry.chunks import CHUNK_MAGIC, CHUNK_SIZE, FILE_MAGIC, MendedFile
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.shapes import from_evtx_dump
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.windows import to_row

__all__ = ["SOURCE"]

_PLACE = re.compile(r"\b(chunk|record)\b(?: number| id)? (\d+)")
_DAMAGE_NAMED = 3
_ERRORS_IN_A_ROW = 100_000
"""More failures without one record between them than a file of any real size has: the parser is stuck."""


def sniff(head: bytes) -> bool:
    """Tell an EVTX file by its header, or by its first chunk where the header is damaged or missing."""
    return head.startswith((FILE_MAGIC, CHUNK_MAGIC)) or head[4096:4104] == CHUNK_MAGIC


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record that can be decoded, whatever its neighbours look like."""
    decode = msgspec.json.decode
    for number, record in _records(log):
        try:
            event = from_evtx_dump(decode(record["data"]))
        except (msgspec.DecodeError, RecursionError) as error:
            log.unread(f"record {number}", f"cannot be decoded: {error}")
            continue
        if event is None:
            log.unread(f"record {number}", "is empty or has no System element")
            continue
        where = event.record_id if event.record_id is not None else number
        yield to_row(event, file=log.name, record=where, original=record["data"])


def _records(log: LogFile) -> Iterator[tuple[int, dict[str, Any]]]:
    content = MendedFile(log.stream)
    try:
        parser = PyEvtxParser(io.BufferedReader(content, CHUNK_SIZE))
    except (RuntimeError, OSError, ValueError) as error:
        hint = "export the log again, or carve its chunks with a recovery tool"
        raise SourceError(f"is no readable EVTX file: {_first_line(error)}", where=log.name, hint=hint) from error
    records: Any = parser.records_json()  # the package's types do not say what an iteration gives
    failures = 0
    while failures < _ERRORS_IN_A_ROW:
        try:
            record = next(records, None)
        except (RuntimeError, OSError, ValueError) as error:
            failures += 1
            log.unread(_place(error), _first_line(error))
            continue
        if record is None:
            break
        failures = 0
        yield record["event_record_id"], record
    else:
        log.unread("the rest", f"given up after {_ERRORS_IN_A_ROW:,} failures in a row")
    if content.damaged:
        log.problems.append(_mended(log.name, list(content.damaged)))


def _mended(name: str, damaged: list[str]) -> Problem:
    listed = ", ".join(damaged[:_DAMAGE_NAMED]) + (" ..." if len(damaged) > _DAMAGE_NAMED else "")
    message = f"damaged in {len(damaged):,} places, which were mended to read the records behind them: {listed}"
    return Problem(code="source", message=message, where=name, hint="compare with another copy of the log, if any")


def _place(error: Exception) -> str:
    found = _PLACE.search(str(error).lower())
    return " ".join(found.groups()) if found else "a record"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


SOURCE = Source(title="Windows event log (EVTX)", sniff=sniff, read=read, needs_seek=True)
