"""Alerts of Wazuh and OSSEC: ``/var/ossec/logs/alerts/alerts.json``, and what its index exports.

An alert names the rule that fired, with its level from 0 to 16, the agent on whose host it did, and what was decoded
of the log line. What it cannot show: lines for which there was no rule.

Native fields carry Wazuh's names with dots (``rule.level``, ``data.srcip``).

Reference: Wazuh documentation, "Alert management", "Rules syntax".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
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

EVENT_CLASS = EventClass(product="wazuh", services=frozenset({"alert"}))
_WRAPPERS = frozenset({"hits", "alerts"})
_MANAGER_ITSELF = "000"


def sniff(head: bytes) -> bool:
    """Tell by records that have a rule with a level, and an agent or a manager."""
    if not says(head, b'"rule"', b'"level"'):
        return False
    return any(_alert(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every alert; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        alert = _alert(record.value)
        if alert is None:
            log.unread(str(record.number), "is JSON but no alert of Wazuh", text=record.text)
        else:
            yield EVENT_CLASS, _row(log, record, alert)


def _alert(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the alert, also out of what the index puts around it; None if it is none."""
    held = record.get("_source")
    alert: Mapping[str, Any] = held if isinstance(held, dict) else record
    rule = alert.get("rule")
    is_alert = isinstance(rule, dict) and "level" in rule and ("description" in rule or "id" in rule)
    return alert if is_alert and ("agent" in alert or "manager" in alert or "location" in alert) else None


def _row(log: LogFile, record: JsonRecord, alert: Mapping[str, Any]) -> Row:
    native: dict[str, Value] = dict(flatten(alert))
    clock = "timestamp" if alert.get("timestamp") else "@timestamp"
    said = alert.get(clock)
    at = read_instant(said)
    if at is not None and not has_zone(said):
        at = log.utc(at.replace(tzinfo=None))
    data = alert.get("data")
    agent = alert.get("agent")
    is_manager = text_at(agent, "id") == _MANAGER_ITSELF and text_at(alert, "predecoder", "hostname")
    host = text_at(alert, "predecoder", "hostname") if is_manager else text_at(agent, "name")
    common = {
        "event.action": text_at(alert, "rule", "description"),
        "host.name": host.lower(),
        "source.ip": ip_of(text_at(data, "srcip") or text_at(data, "src_ip")),
        "destination.ip": ip_of(text_at(data, "dstip") or text_at(data, "dest_ip")),
        "destination.port": text_at(data, "dstport") or text_at(data, "dest_port"),
        "user.name": account_name(text_at(data, "srcuser")),
        "user.target.name": account_name(text_at(data, "dstuser")),
        "process.command_line": text_at(data, "command"),
        "url.path": text_at(data, "url").partition("?")[0],
        "file.path": text_at(alert, "syscheck", "path"),
    }
    return Row(
        at=at,
        clock=clock,
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in common.items() if value},
        native=native,
    )


SOURCE = Source(
    title="Wazuh alerts",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
