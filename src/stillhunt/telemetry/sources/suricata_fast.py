"""Alerts of Suricata and Snort, one per line: ``fast.log``, ``alert`` and ``alert_fast.txt``.

Lies in ``/var/log/suricata`` or ``/var/log/snort``. Times are those of the sensor's own zone, in older Snort without a
year. What it cannot show: anything of an alert but its rule and the two ends; ``eve.json`` beside it has the rest.

Native fields carry the names that EVE has for the same (``alert.signature_id``).

Reference: Suricata user guide, "Line based alerts log"; Snort manual, "Fast alerts".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.encoding import encoding_of, plain
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.line_blocks import line_blocks
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

EVENT_CLASS = EventClass(product="suricata", services=frozenset({"alert"}))

_ALERT = re.compile(
    r"(?P<month>\d\d)/(?P<day>\d\d)(?:/(?P<year>\d{2,4}))?-(?P<time>\d\d:\d\d:\d\d(?:[.]\d{1,6})?)\s+"
    r"(?:\[(?P<action>\w+)\]\s+)?\[\*\*\]\s+\[(?P<gid>\d+):(?P<sid>\d+):(?P<rev>\d+)\]\s+(?P<signature>.*?)\s+\[\*\*\]"
    r"(?:\s+\[Classification: (?P<category>[^\]]*)\])?(?:\s+\[Priority: (?P<severity>\d+)\])?"
    r"\s+\{(?P<proto>[^}]+)\}\s+(?P<source>\S+)\s+->\s+(?P<destination>\S+)\s*$"
)
_BEGINNING = re.compile(
    rb"(?m)^\s*\d\d/\d\d(?:/\d{2,4})?-\d\d:\d\d:\d\d[^\n\[]*(?:\[\w+\]\s+)?\[\*\*\]\s+\[\d+:\d+:\d+\]"
)

_NAMES = {
    "gid": "alert.gid",
    "sid": "alert.signature_id",
    "rev": "alert.rev",
    "signature": "alert.signature",
    "category": "alert.category",
    "severity": "alert.severity",
    "action": "alert.action",
    "proto": "proto",
}


def sniff(head: bytes) -> bool:
    """Tell by a line that has a date, two stars in brackets and the three numbers of a rule."""
    text = plain(head)
    return b"[**]" in text and _BEGINNING.search(text) is not None


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every alert; other lines are counted."""
    first = log.first
    for block in line_blocks(log.stream, encoding=encoding_of(peek(log.stream))):
        for number, line in enumerate(block.split(b"\n"), first + 1):
            text = line.decode("utf-8", "replace").strip("\r\x00\ufeff ")
            if not text or not log.wants(number):
                continue
            row = _row(log, number, text)
            if row is None:
                log.unread(str(number), "is no alert", hint="the line is cut off, or of another log")
            else:
                yield EVENT_CLASS, row
        first += block.count(b"\n")


def _row(log: LogFile, number: int, text: str) -> Row | None:
    found = _ALERT.match(text)
    if found is None:
        return None
    native = {name: found[own] for own, name in _NAMES.items() if found[own] is not None}
    common = {"event.action": native["alert.signature"]}
    for end, address_name, own, port_name in (
        ("source", "source.ip", "src_ip", "src_port"),
        ("destination", "destination.ip", "dest_ip", "dest_port"),
    ):
        address, port = _end(found[end])
        native |= {own: address} | ({port_name: port} if port else {})
        if known := ip_of(address):
            common[address_name] = known
        if port and end == "destination":
            common["destination.port"] = port
    at = _time(log, found)
    return Row(
        at=at, clock="time" if at else "", file=log.name, record=number, original=text, common=common, native=native
    )


def _end(text: str) -> tuple[str, str]:
    """Take apart address and port; both writers put a port behind an IPv6 address with no brackets, if there is one."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return address, port.removeprefix(":")
    head, _, tail = text.rpartition(":")
    is_with_port = tail.isdecimal() and ip_of(head) != "" and (head.count(":") == 0 or _is_whole(head))
    return (head, tail) if is_with_port else (text, "")


def _is_whole(address: str) -> bool:
    return address.count(":") == 7 or "::" in address


def _time(log: LogFile, found: re.Match[str]) -> datetime | None:
    year = found["year"]
    if year is None:
        # The log ends when it was last written; a date after that is of the year before.
        if log.modified is None:
            return None
        end = log.modified.astimezone(UTC)
        at = _instant(log, str(end.year), found)
        return _instant(log, str(end.year - 1), found) if at is None or at > end + timedelta(days=1) else at
    return _instant(log, year if len(year) == 4 else f"20{year}", found)


def _instant(log: LogFile, year: str, found: re.Match[str]) -> datetime | None:
    try:
        return log.utc(datetime.fromisoformat(f"{year}-{found['month']}-{found['day']} {found['time']}"))
    except (ValueError, OverflowError):
        return None


SOURCE = Source(title="Suricata or Snort alerts (fast log)", sniff=sniff, read=read)
