"""Tables of Azure Monitor that hold what Linux hosts wrote: ``Syslog`` and ``VMConnection``, as JSON or CSV.

A row of ``Syslog`` is a message with host, facility and program; what it says is read as in syslog files, also audit
records (as ``auoms`` writes them) and events of Sysmon for Linux. ``VMConnection`` counts connections per program and
minute. What they cannot show: facilities and levels that no collection rule asks for; connections shorter than the
dependency agent's look, and more than one client behind an address.

Native fields keep the columns' names beside those of the message.

Reference: Azure Monitor, tables "Syslog" and "VMConnection".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import csv_headings, csv_records
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.json_records import (
    cut_json_lines,
    excerpt_json_line,
    flatten,
    json_records,
    sample_records,
    says,
)
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value
from stillhunt.telemetry.unix import read_message

__all__ = ["SOURCE"]

_WRAPPERS = frozenset({"value", "records", "tables"})
_SYSLOG = frozenset({"SyslogMessage", "Facility"})
_CONNECTION = frozenset({"SourceIp", "DestinationIp", "ProcessName", "Direction"})
_TIMES = ("EventTime", "TimeGenerated")
_CONNECTIONS = EventClass(
    product="linux", categories=frozenset({"network_connection"}), services=frozenset({"vmconnection"})
)


def sniff(head: bytes) -> bool:
    """Tell by the columns of one of the tables."""
    if _is_table(csv_headings(head)):
        return True
    if not any(says(head, name) for name in (b'"SyslogMessage"', b'"DestinationIp"')):
        return False
    return any(_is_table(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def _is_table(names: Sequence[str] | Mapping[str, Any]) -> bool:
    columns = {name.partition(" [")[0] for name in names}
    return (columns >= _SYSLOG or columns >= _CONNECTION) and not columns.isdisjoint(_TIMES)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every row; objects of other tables are counted."""
    if _is_table(csv_headings(peek(log.stream))):
        for record in csv_records(log, is_heading=_is_table):
            cells = {name.partition(" [")[0]: cell for name, cell in record.cells.items() if name}
            yield _event(log, cells, record.number, record.text)
        return
    for found in json_records(log, wrappers=_WRAPPERS):
        if _is_table(found.value):
            yield _event(log, flatten(found.value), found.number, found.text)
        else:
            log.unread(str(found.number), "is JSON but no row of Syslog or VMConnection", text=found.text)


def _event(log: LogFile, row: Mapping[str, Value], number: int, original: str) -> tuple[EventClass, Row]:
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    clock = next((name for name in _TIMES if texts.get(name)), "")
    at = read_instant(texts.get(clock))
    if at is not None and not has_zone(texts[clock]):
        at = log.utc(at.replace(tzinfo=None))
    event_class, common, native = _message(texts) if "SyslogMessage" in texts else _connection(texts)
    return event_class, Row(
        at=at,
        clock=clock if at is not None else "",
        file=log.name,
        record=number,
        original=original,
        common={name: value for name, value in common.items() if value},
        native={**row, **native},
    )


_Filled = tuple[EventClass, dict[str, str], dict[str, str]]


def _connection(texts: Mapping[str, str]) -> _Filled:
    common = {
        "host.name": texts.get("Computer", "").lower(),
        "source.ip": ip_of(texts.get("SourceIp", "")),
        "destination.ip": ip_of(texts.get("DestinationIp", "")),
        "destination.port": texts.get("DestinationPort", ""),
        "destination.domain": texts.get("RemoteDnsCanonicalNames", "").strip('[]"').partition('"')[0].lower(),
        "process.executable": texts.get("ProcessName", ""),
        "event.action": texts.get("Direction", ""),
    }
    is_outbound = texts.get("Direction") == "outbound"
    native = {"Image": texts.get("ProcessName", ""), "Initiated": "true" if is_outbound else "false"}
    return _CONNECTIONS, common, native


def _message(texts: Mapping[str, str]) -> _Filled:
    text = texts["SyslogMessage"]
    said = read_message(texts.get("ProcessName", "") or _program_of(text), text, texts.get("Facility", ""))
    host = texts.get("HostName", "") or texts.get("Computer", "")
    return said.event_class, {"host.name": host.lower(), **said.common}, {**said.native, "message": text}


def _program_of(text: str) -> str:
    """Return who wrote a record that names no program: only the audit subsystem leaves it out."""
    return "auoms" if "audit(" in text[:200] else ""


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out one row where each has its own line."""
    return None if _is_table(csv_headings(peek(stream))) else excerpt_json_line(stream, number, wrappers=_WRAPPERS)


SOURCE = Source(
    title="Azure Monitor's Syslog and VMConnection",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=excerpt,
)
