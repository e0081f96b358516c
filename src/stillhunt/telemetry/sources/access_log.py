"""Access logs of Apache, nginx, Tomcat and whoever else writes the common or combined log format.

One line per request, times with their zone. Lies in ``/var/log/apache2``, ``/var/log/httpd``, ``/var/log/nginx`` or
Tomcat's ``logs``. What it cannot show: bodies of requests, headers that the format leaves out, and behind a proxy that
is not told apart the client itself. Which server wrote a line is often not to be seen: then its events satisfy Sigma's
category ``webserver`` and no service. Lines of an error log among the requests are read as such.

Reference: see :mod:`stillhunt.telemetry.access`.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.telemetry.access import is_access_line
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import cut, excerpt, head_lines, lines
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.weblog import read_web_line

__all__ = ["SOURCE"]

_YEARS = (b"/19", b"/20", b"/\x001\x009", b"/\x002\x000", b"/\x00\x32\x00\x30")
_MOST_WORDS = 7
"""Words before the time of a request: virtual host, client, ident, user, and a little more."""


def sniff(head: bytes) -> bool:
    """Tell by the first lines: one of them is a request, and did not come through syslog."""
    if not any(sign in head for sign in _YEARS):
        return False
    found = head_lines(head)
    if not found or found[0].startswith(("{", "<")):
        return False
    return any(is_access_line(line) and not _is_wrapped(line) for line in found)


def _is_wrapped(line: str) -> bool:
    prefix = line.partition(" [")[0]
    return len(prefix.split()) > _MOST_WORDS or ": " in prefix


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every request; lines that are none are counted."""
    for number, line in lines(log):
        if not log.wants(number):
            continue
        found = read_web_line(line)
        if found is None:
            reason = "is no request as an access log writes it"
            log.unread(str(number), reason, hint="the line is cut off or damaged")
            continue
        event_class, request = found
        at = request.at
        yield (
            event_class,
            Row(
                at=None if at is None else log.utc(at),
                clock="" if at is None else "time",
                file=log.name,
                record=number,
                original=line,
                common=log.on_machine(request.common),
                native=request.native,
            ),
        )


SOURCE = Source(title="Web access log (Apache, nginx, Tomcat)", sniff=sniff, read=read, cut=cut, excerpt=excerpt)
