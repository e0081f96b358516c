"""Error logs of nginx and Apache.

One line per complaint, times in the server's local zone. Lies in ``/var/log/nginx`` or ``/var/log/apache2``. What it
cannot show: requests that worked. What programs started by the server print to their standard error lands here
without any time, a shell's or a downloader's complaints among it: such lines are events without a time.

Reference: see :mod:`stillhunt.telemetry.server_error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import excerpt as one_line
from stillhunt.telemetry.lines import head_lines, lines
from stillhunt.telemetry.server_error import server_of_error
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.weblog import error_class, read_web_line

__all__ = ["SOURCE"]

_MOST_WITHOUT = 20
"""Lines without a time that a beginning may have: a program's dying words can be long."""


def sniff(head: bytes) -> bool:
    """Tell by one of the first lines."""
    if not (b"[" in head and b"]" in head):
        return False
    return any(server_of_error(line) for line in head_lines(head, _MOST_WITHOUT))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every line: complaints, requests where both logs share a file, and what programs printed."""
    server = next((s for line in head_lines(peek(log.stream)) if (s := server_of_error(line))), "")
    of_others = error_class(server)
    for number, line in lines(log):
        if not log.wants(number):
            continue
        found = read_web_line(line)
        if found is None:
            row = Row(
                at=None,
                clock="",
                file=log.name,
                record=number,
                original=line,
                common=log.on_machine({}),
                native={"message": line},
            )
            yield of_others, row
            continue
        event_class, entry = found
        at = entry.at
        yield (
            event_class,
            Row(
                at=None if at is None else log.utc(at),
                clock="" if at is None else "time",
                file=log.name,
                record=number,
                original=line,
                common=log.on_machine(entry.common),
                native=entry.native,
            ),
        )


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out a complaint; whose a line without a time is shows only in the whole log."""
    found = one_line(stream, number)
    return found if found and server_of_error(found.content.decode("utf-8-sig", "replace").strip()) else None


SOURCE = Source(title="Web server error log (nginx, Apache)", sniff=sniff, read=read, excerpt=excerpt)
