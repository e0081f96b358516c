"""Linux audit logs: ``/var/log/audit/audit.log``, raw or enriched, and what ``ausearch`` prints of it.

Every record is an event with its own fields; those that tell of one system call are put together by the identifier
that they share (:mod:`stillhunt.telemetry.audit` says how). Times are UTC unless ``ausearch -i`` wrote them for
people. What it cannot show: system calls that no rule asked for, and what was lost when the kernel's queue was full.

Reference: auditd.conf.5, ausearch.8; see :mod:`stillhunt.telemetry.audit`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from stillhunt.telemetry.audit import AuditEvents, Told, read_audit_record
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import LONGEST_LINE, head_lines, lines
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

_BEGINNING = re.compile(r"(?:node=\S+ +)?type=[A-Za-z0-9_\[\]]+ +(?:msg=)?audit\(")
_SEPARATORS = ("----", "time->")
"""What ``ausearch`` puts between events."""


def sniff(head: bytes) -> bool:
    """Tell by the first lines, one of which begins with a record."""
    if b"audit(" not in head and b"a\x00u\x00d\x00i\x00t\x00(" not in head:
        return False
    return any(_BEGINNING.match(line) for line in head_lines(head))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row] | None]:
    """Yield every record with what its event says about it; the end marks of events are no events."""
    events = AuditEvents(machine=log.machine)
    for number, line in lines(log):
        record = read_audit_record(line, number)
        if record is not None:
            yield from (_row(log, told) for told in events.add(record))
        elif not line.startswith(_SEPARATORS):
            log.unread(str(number), "is no audit record", hint="the line is cut off or damaged")
    yield from (_row(log, told) for told in events.rest())


def _row(log: LogFile, told: Told) -> tuple[EventClass, Row]:
    record = told.record
    return (
        told.event_class,
        Row(
            at=None if record.at is None else log.utc(record.at),
            clock="" if record.at is None else "msg",
            file=log.name,
            record=record.number,
            original=record.original,
            common=told.common,
            native=record.native,
        ),
    )


_ID = re.compile(rb"audit\([^)]{3,60}:\d+\)")
_BEFORE, _BEHIND = 2_000, 2_000
"""Lines around a record in which the rest of its event is looked for."""


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out all records of the event that a record belongs to; who its parent was is not among them."""
    if number < 1 or not encoding_of(peek(stream)).startswith("utf-8"):
        return None
    before: deque[bytes] = deque(maxlen=_BEFORE)
    own = b""
    for at in range(1, number + 1):
        own = stream.readline(LONGEST_LINE)
        if len(own) == LONGEST_LINE:
            return None
        if not own:
            return Excerpt(content=b"", number=1, is_final=True)
        if at < number:
            before.append(own)
    found = _ID.search(own)
    if found is None:
        return Excerpt(content=own, number=1, is_final=True)
    first = [line for line in before if found[0] in line]
    behind = [line for _ in range(_BEHIND) if found[0] in (line := stream.readline(LONGEST_LINE))]
    return Excerpt(content=b"".join([*first, own, *behind]), number=len(first) + 1, is_final=True)


SOURCE = Source(title="Linux audit log (auditd)", sniff=sniff, read=read, excerpt=excerpt)
