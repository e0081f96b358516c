"""Findings of Amazon GuardDuty: what Amazon's own detection took for suspicious.

As exported to a bucket (lines, packed), as ``get-findings`` gives them (``{"Findings": [...]}``) and inside events of
EventBridge (``detail``). What it cannot show: what led to a finding, beyond its last occurrence.

Native fields carry GuardDuty's own names, nested ones with dots, in the spelling of the form at hand: the interface
writes ``AccountId``, exports ``accountId``; the latter stands in every form.

Reference: Amazon, "GuardDuty finding format".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
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
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

EVENT_CLASS = EventClass(product="aws", services=frozenset({"guardduty"}))

_WRAPPERS = frozenset({"Findings", "findings"})
_CLOCKS = ("service.eventLastSeen", "updatedAt", "createdAt")
_ACTIONS = ("awsApiCallAction", "networkConnectionAction", "portProbeAction", "rdsLoginAttemptAction")

Finding = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by findings that name their type, severity and detector."""
    if not says(head, b"everity") or not (says(head, b"etectorId") or says(head, b":guardduty:")):
        return False
    return any(_finding(sample) is not None for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every finding; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        finding = _finding(record.value)
        if finding is None:
            log.unread(
                str(record.number), "is JSON but no finding of GuardDuty", hint="it names no type with a service"
            )
        else:
            yield EVENT_CLASS, _row(log, record, finding)


def _finding(record: Mapping[str, Any]) -> Finding | None:
    for held in (record, record.get("detail")):
        if not isinstance(held, dict):
            continue
        named: dict[str, Any] = _lowered(held)
        service = named.get("service")
        if not isinstance(service, dict) or "type" not in named or "severity" not in named:
            continue
        if "detectorId" in service or ":guardduty:" in text_at(named, "arn"):
            return named
    return None


def _lowered(value: Any) -> Any:
    """Return an object with the names that exports use: the interface writes their first letter large."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(held) for name, held in value.items()}
    return [_lowered(held) for held in value] if isinstance(value, list) else value


def _row(log: LogFile, record: JsonRecord, finding: Finding) -> Row:
    clock = next((name for name in _CLOCKS if text_at(finding, *name.split("."))), "")
    return Row(
        at=read_instant(text_at(finding, *clock.split("."))),
        clock=clock,
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in _common(finding).items() if value},
        native=flatten(finding),
    )


def _common(finding: Finding) -> dict[str, str]:
    action = finding["service"].get("action")
    acted: Mapping[str, Any] = action if isinstance(action, dict) else {}
    remote = next((text for name in _ACTIONS if (text := text_at(acted, name, "remoteIpDetails", "ipAddressV4"))), "")
    key = ("resource", "accessKeyDetails", "userName")
    account = text_at(finding, "accountId")
    user = text_at(finding, *key)
    is_outbound = text_at(acted, "networkConnectionAction", "connectionDirection") == "OUTBOUND"
    return {
        "event.action": text_at(finding, "type"),
        "user.name": account_name(f"{account}\\{user}" if account and user else user),
        "destination.ip" if is_outbound else "source.ip": ip_of(remote),
        "destination.domain": text_at(acted, "dnsRequestAction", "domain").lower(),
        "host.name": text_at(finding, "resource", "instanceDetails", "instanceId").lower(),
        "cloud.account.id": account,
    }


SOURCE = Source(
    title="Amazon GuardDuty findings",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
