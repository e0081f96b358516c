r"""Syslog files: ``/var/log/auth.log``, ``secure``, ``syslog``, ``messages``, ``maillog``, and what collectors receive.

Lines of RFC 3164 with and without ``<PRI>``, of RFC 5424 (also as rsyslog's file format: ISO time, host, tag), from
many hosts if need be. What it cannot show: messages that were rate-limited or lost over UDP, and who really sent them.

Times of RFC 3164 have neither zone nor year. The zone is that of the log. The year is inferred: the lines are walked
once before they are read, and a month that lies more than half a year before the one above begins a new year (one that
lies more than half a year behind belongs to the year before: a late line of December). The latest of them is then put
into the last year in which it does not lie more than a day after the file was last written, and all others follow. So
the year is right unless more than half a year lies between two lines, or the file was touched a year later. Without
the time of the last writing these times stay unknown: a wrong one is worse than none.

``last message repeated N times`` gets the fields of the message before it of the same host, and N as ``count``; so does
rsyslog's ``message repeated N times: [...]``, which says itself what was repeated.

References: RFC 3164; RFC 5424; rsyslog, RSYSLOG_FileFormat; busybox syslogd.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from stillhunt.telemetry.archive import seekable
from stillhunt.telemetry.encoding import plain
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import excerpt as one_line
from stillhunt.telemetry.lines import head_lines, lines, numbered
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.unix import FACILITIES, SEVERITIES, Said, read_message

__all__ = ["SOURCE"]

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_BSD = r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}):? )?(?P<clock>\d\d:\d\d:\d\d)(?P<fraction>[.,]\d{1,9})?(?: (?P<late_year>(?:19|20)\d\d))?"
_ISO = r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?)"
_PLAIN = re.compile(rf"(?:<(?P<pri>\d{{1,3}})>)?(?:\d+: )?(?:{_BSD}|{_ISO}):? +(?P<rest>.*)$", re.DOTALL)
_RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>[1-9]\d{0,2} (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<msgid>\S+) (?P<rest>.*)$",
    re.DOTALL,
)
_TAGGED = re.compile(
    r"(?:(?P<facility>[a-z]+[0-7]?)\.(?P<severity>[a-z]+) )?"
    r"(?P<program>[^\s\[\]:<>{}\"=]{1,100}(?:\([^\s)]{1,40}\))?\]?)(?:\[(?P<pid>\d+)\])?: ?(?P<text>.*)$",
    re.DOTALL,
)
_HOST = re.compile(r"(?![\d]+ )(?P<host>[A-Za-z0-9_][\w.%:/@-]*) +(?P<rest>.*)$", re.DOTALL)
_LAST_REPEATED = re.compile(r"last message (?:buffered|repeated) (\d+) times?")
_MARK = re.compile(r"-- MARK --")
_ELEMENT = re.compile(r"\[([^\s=\]\"]+)((?: +[^\s=\]\"]+=\"(?:[^\"\\\]]|\\.)*\")*) *\]")
_PARAMETER = re.compile(r"([^\s=\]\"]+)=\"((?:[^\"\\\]]|\\.)*)\"")
_ESCAPED = re.compile(r"\\([\"\\\]])")
_OF_WINDOWS = b"schemas.microsoft.com/win/2004/08/events"
"""Events of Windows that a collector put behind headers of syslog are read as such; Sysmon for Linux has no schema."""

_HOSTS_KEPT = 4096
_HALF_A_YEAR = 6
_LEAST_SHARE = 20
"""One line in so many of the beginning must be one of syslog."""


def sniff(head: bytes) -> bool:
    """Tell by the first lines: one in twenty has the header of a syslog line, and the first is no markup or object."""
    if b":" not in head or _OF_WINDOWS in plain(head):
        return False
    found = head_lines(head)
    if not found or found[0].lstrip()[:1] in {"{", "["}:
        return False
    n_known = sum(1 for line in found if _is_certain(line[:4000]))
    return n_known * _LEAST_SHARE >= len(found)


def _is_certain(line: str) -> bool:
    """Tell whether a line can be nothing else: other logs begin with a time too, but have no host and no tag."""
    if _RFC5424.match(line):
        return True
    found = _PLAIN.match(line)
    if found is None or (found["month"] and found["month"] not in _MONTHS):
        return False
    if found["pri"]:
        return True
    host, rest = _host_and_rest(found["rest"])
    tagged = _TAGGED.match(rest)
    if found["month"]:
        return bool(host or tagged)
    return bool(tagged and host and ("T" in found["iso"] or tagged["pid"]))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every message; lines without a header are counted."""
    with seekable(log.stream) as whole:
        # What was spooled to be walked twice cannot be peeked into, which tells the encoding.
        stream = whole if isinstance(whole, BufferedReader) else BufferedReader(cast(RawIOBase, whole))
        start = stream.tell()
        years = (
            _Years.of(stream, log.modified, _named_day(log.name))
            if log.modified and _lacks_year(peek(stream))
            else _Years()
        )
        stream.seek(start)
        own, log.stream = log.stream, stream
        try:
            yield from _messages(log, years)
        finally:
            log.stream = own


def _lacks_year(head: bytes) -> bool:
    """Tell whether times without a year may come: unless the beginning is all ISO 8601."""
    return not all(line[:4].isdecimal() for line in head_lines(head, 1000))


def _messages(log: LogFile, years: _Years) -> Iterator[tuple[EventClass, Row]]:
    last: dict[str, Said] = {}
    for number, line in lines(log):
        header = _header(line, years)
        if header is None:
            log.unread(str(number), "has no header of syslog", hint="it may belong to the message above")
            continue
        native, at, clock, text = header
        host = native.get("host", "").lower()
        repeated = _LAST_REPEATED.match(text) if text.startswith("last message ") else None
        if repeated and host in last:
            before = last[host]
            said = Said(before.event_class, {**before.native, "count": repeated[1]}, before.common)
        else:
            said = read_message(native.get("program", ""), text, native.get("facility", ""))
            if host not in last and len(last) >= _HOSTS_KEPT:
                last.clear()
            last[host] = said
        if not log.wants(number):
            continue
        common = {"host.name": host, **said.common} if host else said.common
        if said.at is not None:
            at, clock = said.at, "message"
        yield (
            said.event_class,
            Row(
                at=None if at is None else log.utc(at),
                clock="" if at is None else clock,
                file=log.name,
                record=number,
                original=line,
                common=common,
                native={**said.native, **native, "message": text},
            ),
        )


_Header = tuple[dict[str, str], datetime | None, str, str]
"""Native fields, time, field it came from, message."""


def _header(line: str, years: _Years) -> _Header | None:
    if line[0] == "<":
        found = _RFC5424.match(line)
        if found is not None:
            return _structured(found)
    found = _PLAIN.match(line)
    if found is None:
        return None
    native: dict[str, str] = {}
    if found["pri"]:
        _add_priority(native, found["pri"])
    if found["iso"]:
        at = _iso(found["iso"])
        if at is None:
            return None
    else:
        month = _MONTHS.get(found["month"])
        if month is None:
            return None
        named = found["year"] or found["late_year"]
        year = int(named) if named else years.year(month, int(found["day"]))
        at = _bsd(year, month, int(found["day"]), found["clock"], found["fraction"] or "") if year else None
    host, rest = _host_and_rest(found["rest"])
    if host:
        native["host"] = host
    tagged = _TAGGED.match(rest)
    if tagged is None:
        return native, at, "timestamp", rest
    if tagged["facility"]:
        if tagged["facility"] in FACILITIES:
            native["facility"], native["severity"] = tagged["facility"], tagged["severity"]
        else:
            native["program"] = f"{tagged['facility']}.{tagged['severity']}"
    native["program"] = tagged["program"].removesuffix("]")
    if tagged["pid"]:
        native["pid"] = tagged["pid"]
    return native, at, "timestamp", tagged["text"]


def _host_and_rest(text: str) -> tuple[str, str]:
    """Take the host off; a first word that is a program's tag shows that there is none."""
    found = _HOST.match(text)
    if found is None:
        return "", text
    host = found["host"]
    if host.endswith(":") or _LAST_REPEATED.match(text) or _MARK.match(text):
        return "", text
    return host, found["rest"]


def _structured(found: re.Match[str]) -> _Header | None:
    native: dict[str, str] = {}
    _add_priority(native, found["pri"])
    for name, group in (("host", "host"), ("program", "app"), ("pid", "pid"), ("msgid", "msgid")):
        if found[group] != "-":
            native[name] = found[group]
    rest = found["rest"]
    if rest.startswith("["):
        at = 0
        while element := _ELEMENT.match(rest, at):
            for name, value in _PARAMETER.findall(element[2]):
                native[f"{element[1]}.{name}"] = _ESCAPED.sub(r"\1", value)
            if not element[2]:
                native[element[1]] = ""
            at = element.end()
        rest = rest[at:]
    else:
        rest = rest.removeprefix("-")
    text = rest.removeprefix(" ").removeprefix("\ufeff")
    return native, None if found["time"] == "-" else _iso(found["time"]), "timestamp", text


def _add_priority(native: dict[str, str], text: str) -> None:
    facility, severity = divmod(int(text), 8)
    if facility < len(FACILITIES):
        native["facility"] = FACILITIES[facility]
        native["severity"] = SEVERITIES[severity]


@lru_cache(maxsize=4096)
def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(",", ".").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _bsd(year: int, month: int, day: int, clock: str, fraction: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year}-{month:02d}-{day:02d}T{clock}.{fraction[1:7] or '0':0<6}")
    except ValueError:
        return None


class _Years:
    """Says in which year a line lies whose time names none, while the lines are walked in order."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._passed = 0
        self._month = 0

    @classmethod
    def of(cls, stream: BinaryIO, modified: datetime, named: date | None = None) -> _Years:
        """Walk the lines of a log that ended at a time, and find the year of its first.

        Args:
            stream: The log.
            modified: When it was last written.
            named: The day in the log's name, if there is one: copying changes when a file was written, not its name.
        """
        years = cls()
        latest = (0, 0, 0)
        for _, line in numbered(stream):
            found = _DAY.match(line) if line else None
            if found and (month := _MONTHS.get(found[1])):
                years._step(month)
                latest = max(latest, (years._passed, month, int(found[2])))
        end = modified.astimezone(UTC) + timedelta(days=1)
        last = end.year if (latest[1], latest[2]) <= (end.month, end.day) else end.year - 1
        if named is not None and latest[1]:
            last = min(
                (y for y in (named.year - 1, named.year, named.year + 1) if y <= last),
                default=last,
                key=lambda y: _days_between(y, latest, named),
            )
        if latest[1:] == (2, 29):
            while last % 4 or (last % 100 == 0 and last % 400):
                last -= 1
        years._first, years._passed, years._month = last - latest[0], 0, 0
        return years

    def year(self, month: int, day: int) -> int | None:
        """Return the year of the next line, None if it is not known."""
        if self._first is None or day > 31:
            return None
        self._step(month)
        return self._first + self._passed

    def _step(self, month: int) -> None:
        if self._month and self._month - month > _HALF_A_YEAR - 1:
            self._passed += 1
        elif self._month and month - self._month > _HALF_A_YEAR:
            self._passed -= 1
        self._month = month


def _days_between(year: int, latest: tuple[int, int, int], named: date) -> int:
    return abs((date(year, latest[1], min(latest[2], 28)) - named).days)


def _named_day(name: str) -> date | None:
    """Return the day that the name of a rotated log gives, near enough to know the year; of a month alone its middle.

    >>> _named_day("var/log/auth.log-20210829"), _named_day("vpn-2023-03.log.gz"), _named_day("messages.1")
    (datetime.date(2021, 8, 28), datetime.date(2023, 3, 15), None)
    """
    found = _NAMED_DAY.search(name.replace("\\", "/").replace("!", "/").rpartition("/")[2])
    if found is None:
        return None
    day = int(found["day"] or 15)
    return date(int(found["year"]), int(found["month"]), min(day, 28))


_NAMED_DAY = re.compile(
    r"(?<!\d)(?P<year>19[7-9]\d|20\d\d)(?P<between>[-_.]?)(?P<month>0[1-9]|1[0-2])(?:(?P=between)(?P<day>0[1-9]|[12]\d|3[01]))?(?!\d)"
)
_DAY = re.compile(r"(?:<\d{1,3}>)?(?:\d+: )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) \d\d:\d\d:\d\d(?![.,]?\d* (?:19|20)\d\d )")


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out a line, unless it says that the one before was repeated."""
    found = one_line(stream, number)
    return None if found is None or b"last message " in found.content else found


SOURCE = Source(title="Syslog (RFC 3164, RFC 5424, rsyslog)", sniff=sniff, read=read, excerpt=excerpt)
