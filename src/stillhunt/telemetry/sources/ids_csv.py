"""Alerts of intrusion detection as a table: Snort's ``alert_csv``, and exports with a time, a name and an address.

Whatever wrote it: a table whose headings have one of the usual names for the time (``time``, ``timestamp``), for what
was seen (``signature``, ``alert``, ``name``, ``rule``, ``msg``), and for where (``src_ip``, ``ip``, ``host``). What it
cannot show: the traffic itself, and anything the sensor had no rule for.

Names that say which sensor raised an alert, as in ``Wazuh: ...``, make it an alert of that product; others are of
``ids``. The name is there as ``alert.signature`` and ``rule.description``, because rules for sensors ask for these;
all columns keep their own names. Times as numbers are seconds, milliseconds or microseconds since 1970 UTC.

Reference: Snort manual, "alert_csv"; Wazuh, ruleset; AMiner, detectors.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import CsvRecord, csv_headings, csv_records
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.lines import lines
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row
from stillhunt.terms.moment import EPOCH

__all__ = ["SOURCE"]

_TIMES = ("time", "timestamp", "@timestamp", "datetime", "date", "event_time", "alert_time", "ts")
_NAMES = ("signature", "alert.signature", "alert", "alert_name", "rule.description", "rule_name", "rule", "msg", "name")
_SOURCES = ("src_ip", "source.ip", "source_ip", "srcip", "src", "ip", "agent.ip")
_DESTINATIONS = ("dest_ip", "destination.ip", "destination_ip", "dst_ip", "dstip", "dst")
_PORTS = ("dest_port", "destination.port", "destination_port", "dst_port", "dstport")
_HOSTS = ("host", "hostname", "agent.name", "host.name", "sensor")
_SEVERITIES = ("severity", "alert.severity", "rule.level", "level", "priority")
_ONLY_ALERTS_HAVE = frozenset({*_NAMES} - {"name", "rule", "msg"})

_SNORT = re.compile(
    r"\s*(?P<month>\d\d)/(?P<day>\d\d)(?:/(?P<year>\d\d))?-(?P<clock>\d\d:\d\d:\d\d[.]\d{1,6}) ?,\d+,\d+,\d+,"
)
_SNORT_NAMES = ["timestamp", "sig_generator", "sig_id", "sig_rev", "msg", "proto", "src", "srcport", "dst", "dstport"]
_SENSOR = re.compile(r"(Wazuh|AMiner|Suricata|Snort)\s*:\s*(?:Alert - )?(.*)$", re.IGNORECASE | re.DOTALL)


def sniff(head: bytes) -> bool:
    """Tell by the headings of a table of alerts, or by Snort's first columns."""
    return _is_heading(csv_headings(head)) or bool(_SNORT.match(_first(head)))


def _first(head: bytes) -> str:
    return head.decode(encoding_of(head), "replace").lstrip("\ufeff\r\n").partition("\n")[0]


def _is_heading(cells: Sequence[str]) -> bool:
    names = {cell.lower() for cell in cells}
    if not names.intersection(_TIMES) or not names.intersection((*_SOURCES, *_HOSTS)):
        return False
    # `name` alone is in many tables; beside a class, a severity or a label it is an alert's.
    is_alert = bool(names & _ONLY_ALERTS_HAVE)
    return is_alert or bool(names.intersection(_NAMES) and names & {*_SEVERITIES, "classification", "class", "short"})


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every alert; rows without a time or a name are counted."""
    records = _snorts(log) if _SNORT.match(_first(peek(log.stream))) else csv_records(log, is_heading=_is_heading)
    for record in records:
        found = _alert(log, record)
        if found is None:
            log.unread(str(record.number), "has no time, or no name of an alert", text=record.text)
        else:
            yield found


def _snorts(log: LogFile) -> Iterator[CsvRecord]:
    for number, line in lines(log):
        if _SNORT.match(line):
            yield CsvRecord(number, dict(zip(_SNORT_NAMES, _cells(line), strict=False)), line)
        else:
            log.unread(str(number), "is no alert of Snort", text=line)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), [])]


def _alert(log: LogFile, record: CsvRecord) -> tuple[EventClass, Row] | None:
    said = {name.lower(): cell for name, cell in record.cells.items()}
    clock, time = _one(said, _TIMES)
    _, name = _one(said, _NAMES)
    at = _instant(log, time)
    if at is None or not name:
        return None
    product, plain = _sensor(name)
    _, severity = _one(said, _SEVERITIES)
    native = dict(record.cells)
    for key in ("alert.signature", "rule.description"):
        native.setdefault(key, plain)
    if severity:
        native.setdefault("alert.severity" if product in {"suricata", "snort"} else "rule.level", severity)
    common = {
        "event.action": plain,
        "source.ip": ip_of(_one(said, _SOURCES)[1]),
        "destination.ip": ip_of(_one(said, _DESTINATIONS)[1]),
        "destination.port": _one(said, _PORTS)[1],
        "host.name": _one(said, _HOSTS)[1].lower(),
    }
    return _event_class(product), Row(
        at=at,
        clock=clock,
        file=log.name,
        record=record.number,
        original=record.text,
        common={column: value for column, value in common.items() if value},
        native={column: value for column, value in native.items() if column},
    )


@lru_cache(maxsize=16)
def _event_class(product: str) -> EventClass:
    return EventClass(product=product, services=frozenset({"alert"}))


@lru_cache(maxsize=10_000)
def _sensor(name: str) -> tuple[str, str]:
    """Return the product that raised an alert, and its name without that.

    >>> _sensor("Suricata: Alert - ET SCAN x"), _sensor("x")
    (('suricata', 'ET SCAN x'), ('ids', 'x'))
    """
    found = _SENSOR.match(name)
    return (found[1].lower(), found[2]) if found else ("ids", name)


def _one(said: dict[str, str], names: Sequence[str]) -> tuple[str, str]:
    return next(((name, cell.strip()) for name in names if (cell := said.get(name, "")).strip()), ("", ""))


def _instant(log: LogFile, text: str) -> datetime | None:
    if text.replace(".", "", 1).isdecimal():
        number = float(text)
        for unit in (1, 1_000, 1_000_000, 1_000_000_000):
            if number / unit < 1e11:
                return EPOCH + timedelta(seconds=number / unit)
        return None
    if found := _SNORT.match(f"{text},0,0,0,"):
        return _of_snort(log, found)
    at = read_instant(text)
    return log.utc(at.replace(tzinfo=None)) if at is not None and not has_zone(text) else at


def _of_snort(log: LogFile, found: re.Match[str]) -> datetime | None:
    """Read a time whose year may be missing: then it is the last in which the log was written to after it."""
    try:
        day = f"{found['month']}-{found['day']}T{found['clock']:0<15}"
        if found["year"]:
            return log.utc(datetime.fromisoformat(f"20{found['year']}-{day}"))
        if log.modified is None:
            return None
        at = log.utc(datetime.fromisoformat(f"{log.modified.year}-{day}"))
        return at if at <= log.modified + timedelta(days=1) else at.replace(year=at.year - 1)
    except ValueError:
        return None


SOURCE = Source(title="alerts of intrusion detection as CSV", sniff=sniff, read=read, is_generic=True)
