"""Google Workspace's activity reports: administration, sign-ins, files and tokens of a domain.

As the Reports interface gives them (``admin#reports#activity``): one array, ``{"items": [...]}`` or lines. An activity
holds one or more events; each is one here, and they share their activity's number. What it cannot show: content of
mail and files, and what is older than the six months that Google keeps.

Native fields: the activity's own names (``actor.email``); ``eventName`` and ``eventService`` as Sigma's rules have
them; every parameter under its name in lower case.

Reference: Google Workspace Admin SDK, "Reports API: Activities".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
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
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

_WRAPPERS = frozenset({"items"})
_TARGETS = ("user_email", "affected_email_address", "target_user", "email_address")

_OUTCOMES = {
    "login_success": "success",
    "login_failure": "failure",
    "login_challenge": "",
    "suspicious_login": "success",
}

Record = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by activities that name their application and hold events."""
    if not says(head, b'"applicationName"', b'"events"'):
        return False
    return any(_is_activity(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every event of every activity; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        if not _is_activity(record.value):
            log.unread(str(record.number), "is JSON but no activity of Google Workspace", hint="it names no `id.time`")
            continue
        for event in record.value["events"]:
            if isinstance(event, dict):
                yield _row(log, record, event)


def _is_activity(record: Record) -> bool:
    identity, events = record.get("id"), record.get("events")
    return isinstance(identity, dict) and "applicationName" in identity and isinstance(events, list)


def _row(log: LogFile, record: JsonRecord, event: Record) -> tuple[EventClass, Row]:
    activity = record.value
    application = text_at(activity, "id", "applicationName").lower()
    parameters = _parameters(event)
    name, service = text_at(event, "name"), f"{application}.googleapis.com"
    native: dict[str, Value] = {
        **flatten(activity, but=_EVENTS),
        **parameters,
        "eventName": name,
        "eventType": text_at(event, "type"),
        "eventService": service,
        "protoPayload.serviceName": service,
        "protoPayload.Servicename": service,
        "protoPayload.metadata.event.eventName": name,
    }
    target = next((text for own in _TARGETS if isinstance(text := parameters.get(own), str)), "")
    common = {
        "event.action": name,
        "event.outcome": _OUTCOMES.get(name, ""),
        "user.name": account_name(text_at(activity, "actor", "email")),
        "user.target.name": account_name(target),
        "source.ip": ip_of(text_at(activity, "ipAddress")),
        "cloud.account.id": text_at(activity, "id", "customerId"),
        "file.path": text_at(parameters, "doc_title"),
    }
    row = Row(
        at=read_instant(activity["id"].get("time")),
        clock="id.time",
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in common.items() if value},
        native=native,
    )
    return _event_class(application), row


_EVENTS = frozenset({"events", "etag", "kind"})


@lru_cache(maxsize=1_000)
def _event_class(application: str) -> EventClass:
    return EventClass(product="gcp", services=frozenset({f"google_workspace.{application}"}))


def _parameters(event: Record) -> dict[str, Value]:
    """Return parameters by name in lower case: Google writes those of administration in capitals, rules do not."""
    found: dict[str, Value] = {}
    said = event.get("parameters")
    for parameter in said if isinstance(said, list) else ():
        name = text_at(parameter, "name")
        if not name:
            continue
        held = {own: value for own, value in parameter.items() if own != "name"}
        values = [text for value in flatten(held).values() for text in (value if isinstance(value, list) else [value])]
        if values:
            found[name.lower()] = values[0] if len(values) == 1 else values
    return found


SOURCE = Source(
    title="Google Workspace activity report",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
