"""Anomalies that AMiner (logdata-anomaly-miner) reports, as JSON.

A record names the detector, says in words what is new or odd, and holds the log lines themselves. What it cannot show:
whether what is new is bad.

Native fields carry AMiner's names with dots (``AnalysisComponent.Message``); the first raw line is ``message``.

Reference: logdata-anomaly-miner, "Getting started", JSON event handlers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.json_records import (
    JsonRecord,
    cut_json_lines,
    excerpt_json_line,
    flatten,
    json_records,
    sample_records,
    says,
    text_at,
)
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

EVENT_CLASS = EventClass(product="aminer", services=frozenset({"alert"}))
_WRAPPERS: frozenset[str] = frozenset({"alerts"})


def sniff(head: bytes) -> bool:
    """Tell by records that name an analysis component and hold the lines it found odd."""
    if not says(head, b'"AnalysisComponent"'):
        return False
    return any(_is_alert(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every anomaly; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        if _is_alert(record.value):
            yield EVENT_CLASS, _row(log, record)
        else:
            log.unread(str(record.number), "is JSON but no anomaly of AMiner", text=record.text)


def _is_alert(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("AnalysisComponent"), dict) and isinstance(record.get("LogData"), dict)


def _row(log: LogFile, record: JsonRecord) -> Row:
    alert = record.value
    native: dict[str, Value] = dict(flatten(alert))
    held = alert["LogData"]
    lines = held.get("RawLogData")
    if isinstance(lines, list) and lines:
        native["message"] = str(lines[0])
    name = text_at(alert, "AnalysisComponent", "AnalysisComponentName")
    words = text_at(alert, "AnalysisComponent", "Message")
    native.setdefault("rule.description", name or words)
    common = {
        "event.action": name or words,
        "source.ip": ip_of(text_at(alert, "AMiner", "ID")),
        "host.name": "" if ip_of(text_at(alert, "AMiner", "ID")) else text_at(alert, "AMiner", "ID").lower(),
    }
    return Row(
        at=_instant(held),
        clock="LogData.Timestamps",
        file=log.name,
        record=record.number,
        original=record.text,
        common={column: value for column, value in common.items() if value},
        native=native,
    )


def _instant(held: Mapping[str, Any]) -> datetime | None:
    times = held.get("Timestamps") or [held.get("DetectionTimestamp")]
    try:
        return datetime.fromtimestamp(float(times[0] if isinstance(times, list) else times), UTC)
    except (TypeError, ValueError, OverflowError, OSError, IndexError):
        return None


SOURCE = Source(
    title="AMiner anomalies",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
