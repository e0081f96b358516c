"""Flow logs of Amazon's virtual networks: who exchanged how much with whom, and whether the firewall let it.

Lies in a bucket as ``AWSLogs/<account>/vpcflowlogs/<region>/...log.gz``; the first line names the fields, which the
owner may have chosen. What it cannot show: names, content, and traffic to Amazon's own services inside the network.

Native fields carry the names of the header (``srcaddr``).

Reference: Amazon, "Flow log records".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stillhunt.telemetry.encoding import encoding_of, plain
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.line_blocks import line_blocks
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

EVENT_CLASS = EventClass(product="aws", services=frozenset({"vpcflow"}))

_USUAL = frozenset({"srcaddr", "dstaddr", "interface-id", "log-status"})
"""Two of these are in any header that is of use."""

_COMMON = {
    "srcaddr": "source.ip",
    "dstaddr": "destination.ip",
    "dstport": "destination.port",
    "action": "event.action",
    "account-id": "cloud.account.id",
    "instance-id": "host.name",
}
_UNSET = "-"


def sniff(head: bytes) -> bool:
    """Tell by a first line that names the fields."""
    first = plain(head[:4096]).partition(b"\n")[0]
    return b"addr" in first and _is_header(first.decode("utf-8", "replace").split())


def _is_header(words: Sequence[str]) -> bool:
    return len(_USUAL.intersection(word.lstrip("\ufeff\ufffd") for word in words)) > 1


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every flow; lines that do not fit the header are counted."""
    names: list[str] = []
    first = log.first
    for block in line_blocks(log.stream, encoding=encoding_of(peek(log.stream))):
        for number, line in enumerate(block.split(b"\n"), first + 1):
            text = line.decode("utf-8", "replace").strip("\r\x00\ufeff ")
            values = text.split()
            if _is_header(values):
                names = values
            elif not values or not log.wants(number):
                continue
            elif len(values) != len(names):
                reason = f"has {len(values)} fields where its header names {len(names)}"
                log.unread(str(number), reason, hint="the line is cut off, or the header is missing")
            else:
                yield EVENT_CLASS, _row(log, number, text, dict(zip(names, values, strict=True)))
        first += block.count(b"\n")


def _row(log: LogFile, number: int, text: str, fields: dict[str, str]) -> Row:
    native = {name: value for name, value in fields.items() if value != _UNSET}
    common = {_COMMON[name]: value for name, value in native.items() if name in _COMMON}
    if "host.name" in common:
        common["host.name"] = common["host.name"].lower()
    start = native.get("start", "")
    return Row(
        at=read_instant(start) if start else None,
        clock="start" if start else "",
        file=log.name,
        record=number,
        original=text,
        common=common,
        native=native,
    )


SOURCE = Source(title="Amazon VPC flow log", sniff=sniff, read=read)
