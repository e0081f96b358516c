r"""Questions to a name server as BIND and Windows write them into a text log: who asked for which name.

BIND writes ``client ... query: NAME IN TYPE`` where ``querylog`` is on; Windows writes ``PACKET`` lines with names in
the form ``(3)www(7)example(3)com(0)`` where debug logging is on (``%SystemRoot%\System32\dns\dns.log``). Times are
local unless they name a zone. What it cannot show: answers (Windows: those that the server sends are read, too, but
hold no address), questions that a client's own cache answered, and names asked over HTTPS elsewhere; a forwarder in
between hides who asked.

Fields get the names that Sigma's category ``dns`` uses. Reference: BIND 9 Administrator Reference Manual, "queries"
category; Microsoft, "DNS logging and diagnostics".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import head_lines, lines
from stillhunt.telemetry.local_time import DateReader
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

_BIND = re.compile(
    r"(?P<at>\d{2}-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r" (?:queries: )?(?:[a-z]+: )?(?:queries: )?client (?:@0x[0-9a-f]+ )?(?P<client>[0-9A-Fa-f.:]+)#(?P<port>\d+)"
    r"(?: \([^)]*\))?: (?:view (?P<view>[^:]+): )?query: (?P<name>\S+) (?P<class>\S+) (?P<type>\S+)(?: (?P<flags>\S+))?"
    r"(?: \((?P<server>[^)]*)\))?.*"
)
_WINDOWS = re.compile(
    r"(?P<at>\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d{1,2}[:.]\d\d[:.]\d\d(?: ?[AaPp]\.?[Mm]\.?)?)"
    r" +(?P<thread>[0-9A-F]{3,8}) +PACKET +(?P<packet>[0-9A-Fa-f]+) (?P<protocol>UDP|TCP) (?P<way>Rcv|Snd)"
    r" (?P<client>[0-9A-Fa-f.:]+) +(?P<id>[0-9a-f]{4}) (?P<kind>[R ]) (?P<opcode>\S)"
    r" \[(?P<flags>[^\]]*)\] +(?P<type>\S+) +(?P<name>\S+)"
)
_LABEL = re.compile(r"\((\d{1,2})\)")
_MONTHS = {name: n for n, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905  # reads better
_BIND_CLASS = EventClass(product="bind", categories=frozenset({"dns"}), services=frozenset({"queries"}))
_WINDOWS_CLASS = EventClass(product="windows_dns", categories=frozenset({"dns"}), services=frozenset({"debug"}))
_WINDOWS_OTHER = EventClass(product="windows_dns", services=frozenset({"debug"}))
"""Answers, and what the server asks others: they would count each question again, as of nobody."""
_HEADING = (
    *("DNS Server log file creation", "Log file wrap", "Message logging key", "Field #", "-------", "The local"),
    *("Remote", "Note:", "UDP response", "TCP", "Opcode", "Flags", "R = ", "Q = "),
)


def sniff(head: bytes) -> bool:
    """Tell by the first lines: one of them is a question, or the heading that Windows writes."""
    if b"query: " not in head and b"PACKET" not in head and b"DNS Server log file" not in head:
        return False
    found = head_lines(head, 80)
    return any(_BIND.fullmatch(line) or _WINDOWS.match(line) for line in found) or any(
        line.startswith("DNS Server log file creation") for line in found[:3]
    )


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every question and answer; other lines are counted, but for the heading."""
    dates = DateReader()
    for line in head_lines(peek(log.stream), 10_000):
        if found := _WINDOWS.match(line):
            dates.learn(found["at"])
    dates.decide(is_english=True)
    is_in_heading = False
    for number, line in lines(log):
        if not log.wants(number):
            continue
        row = _bind(log, number, line) or _windows(log, number, line, dates)
        is_in_heading = row is None and (is_in_heading or line.startswith("DNS Server log file creation"))
        if row is not None:
            yield row
        elif not is_in_heading and not line.startswith((" ", "\t")) and not line.lstrip().startswith(_HEADING):
            log.unread(str(number), "is no question to a name server", hint="other messages of the server are not read")


def _bind(log: LogFile, number: int, line: str) -> tuple[EventClass, Row] | None:
    found = _BIND.fullmatch(line)
    if found is None:
        return None
    name = _plain(found["name"])
    flags = found["flags"] or ""
    native = {
        "query": name,
        "record_type": found["type"],
        "qclass": found["class"],
        "src_ip": found["client"],
        "src_port": found["port"],
        "flags": flags,
        "view": found["view"] or "",
    }
    common = {"source.ip": ip_of(found["client"]), "event.action": "query", "destination.domain": name}
    common["destination.ip"] = ip_of(found["server"] or "")
    at = _bind_time(found["at"])
    return _BIND_CLASS, _row(log, number, line, at, common=common, native=native)


def _bind_time(text: str) -> datetime | None:
    try:
        if text[2] != "-":
            return datetime.fromisoformat(text)
        day, month, rest = text.split("-", 2)
        return datetime.fromisoformat(f"{rest[:4]}-{_MONTHS[month]:02}-{day} {rest[5:]}")
    except (ValueError, KeyError):
        return None


def _windows(log: LogFile, number: int, line: str, dates: DateReader) -> tuple[EventClass, Row] | None:
    found = _WINDOWS.match(line)
    if found is None:
        return None
    name = _plain(_LABEL.sub(".", found["name"]).strip("."))
    is_question = found["kind"] != "R" and found["way"] == "Rcv"
    flags = found["flags"].split()
    native = {
        "query": name,
        "record_type": found["type"],
        "src_ip": found["client"],
        "protocol": found["protocol"].lower(),
        "direction": found["way"],
        "is_response": "true" if found["kind"] == "R" else "false",
        "opcode": found["opcode"],
        "rcode": flags[-1] if flags else "",
    }
    # What the server sends goes to the client, or to another server: only a question that it received has an asker.
    ends = {"source.ip": ip_of(found["client"])} if is_question else {}
    if not is_question:
        native["peer"] = found["client"]
    common = {**ends, "event.action": "query" if found["kind"] != "R" else "response", "destination.domain": name}
    event_class = _WINDOWS_CLASS if is_question else _WINDOWS_OTHER
    return event_class, _row(log, number, line, dates.read(found["at"]), common=common, native=native)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _row(
    log: LogFile, number: int, line: str, at: datetime | None, *, common: dict[str, str], native: dict[str, str]
) -> Row:
    return Row(
        at=None if at is None else log.utc(at),
        clock="" if at is None else "time",
        file=log.name,
        record=number,
        original=line,
        common=log.on_machine({key: value for key, value in common.items() if value}),
        native={key: value for key, value in native.items() if value},
    )


SOURCE = Source(title="Name server's log of questions (BIND, Windows)", sniff=sniff, read=read)
