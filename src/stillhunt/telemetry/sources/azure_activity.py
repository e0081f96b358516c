"""Azure's activity log: what was done to the resources of a subscription, by whom and from where.

Comes as the REST interface and ``az monitor activity-log list`` give it (``operationName.value``), as the Python SDK
names it (``operation_name``), as diagnostic settings write it to storage (``PT1H.json``, one object per line, or
``{"records": [...]}``) and as the table AzureActivity of Log Analytics. What it cannot show: reading of any kind,
what happens inside a machine or a database, sign-ins; it is kept for 90 days unless exported.

Native fields carry the names of the form at hand. ``operationName``, ``category``, ``caller``, ``resourceId`` and
``level`` are there in every form, because Sigma's rules ask for them, and so are the names of Log Analytics.

Reference: Microsoft, "Azure activity log event schema", "AzureActivity".
"""

from __future__ import annotations

import re
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
    decode_json,
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

EVENT_CLASS = EventClass(product="azure", services=frozenset({"activitylogs"}))

_WRAPPERS = frozenset({"records", "value", "Records"})

_CATEGORIES = frozenset(
    {
        "administrative",
        "security",
        "servicehealth",
        "alert",
        "recommendation",
        "policy",
        "autoscale",
        "resourcehealth",
        "write",
        "delete",
        "action",
    }
)
"""Categories of the log, of today and, the last three, of older exports."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "operation": ("operationName", "operation_name", "OperationNameValue", "OperationName"),
    "category": ("category", "CategoryValue", "Category"),
    "time": ("eventTimestamp", "event_timestamp", "time", "TimeGenerated", "EventSubmissionTimestamp"),
    "resource": ("resourceId", "resource_id", "ResourceId", "_ResourceId", "resourceUri"),
    "caller": ("caller", "Caller"),
    "address": ("callerIpAddress", "CallerIpAddress"),
    "status": ("status", "resultType", "ActivityStatusValue", "ActivityStatus"),
    "provider": ("resourceProviderName", "resource_provider_name", "ResourceProviderValue", "ResourceProvider"),
    "subscription": ("subscriptionId", "subscription_id", "SubscriptionId"),
    "level": ("level", "Level"),
}
"""What a record says, under the names that its forms have for it."""

_SIGMA_NAMES: Mapping[str, tuple[str, ...]] = {
    "operation": ("operationName", "OperationNameValue"),
    "category": ("category", "CategoryValue"),
    "resource": ("resourceId", "ResourceId"),
    "caller": ("caller", "Caller"),
    "provider": ("ResourceProviderValue",),
    "level": ("level",),
    "status": ("ActivityStatusValue",),
}

_OUTCOMES = {
    "success": "success",
    "succeeded": "success",
    "failure": "failure",
    "failed": "failure",
    "error": "failure",
    "denied": "failure",
}
"""What an operation ended with; one that has started has no outcome yet."""

Record = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by records that name an operation on a resource of a subscription, in a category of the log."""
    if not any(says(head, name) for name in (b"operationName", b"operation_name", b"OperationNameValue")):
        return False
    return any(_is_event(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every event; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        if _is_event(record.value):
            yield EVENT_CLASS, _row(log, record)
        else:
            hint = "other logs of Azure have a schema of their own for each service"
            log.unread(str(record.number), "is JSON but no event of Azure's activity log", hint=hint)


def _is_event(record: Record) -> bool:
    if record.get("Type") == "AzureActivity":
        return True
    # The category alone would fit other logs; those of the directory lie under /tenants/.
    is_of_subscription = _SUBSCRIPTION.match(_said(record, "resource")) or _said(record, "subscription")
    is_named = any(name in record for name in _NAMES["operation"]) and any(name in record for name in _NAMES["time"])
    return is_named and bool(is_of_subscription) and _said(record, "category").lower() in _CATEGORIES


_SUBSCRIPTION = re.compile(r"/?subscriptions/([^/]+)", re.IGNORECASE)
_MACHINE = re.compile(r"/providers/microsoft[.]compute/virtualmachines/([^/]+)", re.IGNORECASE)


def _said(record: Record, what: str) -> str:
    """Return what a record says, be it text or an object with the value and its translation."""
    for name in _NAMES[what]:
        held = record.get(name)
        if held is not None and (text := text_at(held, "value") if isinstance(held, dict) else text_at(record, name)):
            return text
    return ""


def _row(log: LogFile, record: JsonRecord) -> Row:
    event = dict(record.value)
    for name in ("properties", "Properties", "Claims", "Authorization", "claims", "authorization"):
        # Log Analytics and some exports keep objects as text.
        if isinstance(held := event.get(name), str) and held.startswith("{"):
            event[name] = _decoded(held)
    native: dict[str, Value] = dict(flatten(event))
    for what, names in _SIGMA_NAMES.items():
        if text := _said(event, what):
            for name in names:
                native.setdefault(name, text)
    clock = next((name for name in _NAMES["time"] if event.get(name)), "")
    at = read_instant(event.get(clock))
    if at is not None and not has_zone(event.get(clock)):
        at = log.utc(at.replace(tzinfo=None))
    return Row(
        at=at,
        clock=clock,
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in _common(event).items() if value},
        native=native,
    )


def _decoded(text: str) -> object:
    try:
        return decode_json(text)
    except (ValueError, RecursionError):
        return text


def _common(event: Record) -> dict[str, str]:
    resource = _said(event, "resource")
    subscription, machine = _SUBSCRIPTION.match(resource), _MACHINE.search(resource)
    request = event.get("httpRequest") or event.get("http_request") or event.get("HTTPRequest")
    return {
        "event.action": _said(event, "operation"),
        "event.outcome": _OUTCOMES.get(_said(event, "status").lower(), ""),
        "user.name": account_name(_caller(event)),
        "source.ip": ip_of(
            _said(event, "address")
            or text_at(request, "clientIpAddress")
            or text_at(request, "client_ip_address")
            or text_at(_claims(event), "ipaddr")
        ),
        "host.name": machine[1].lower() if machine else "",
        "cloud.account.id": (_said(event, "subscription") or (subscription[1] if subscription else "")).lower(),
    }


_CLAIMS_OF_NAMES = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "upn",
    "unique_name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "appid",
)


def _caller(event: Record) -> str:
    caller = _said(event, "caller")
    claims = _claims(event)
    return caller or next((text for name in _CLAIMS_OF_NAMES if (text := text_at(claims, name))), "")


def _claims(event: Record) -> Record:
    identity = event.get("identity")
    held = identity.get("claims") if isinstance(identity, dict) else event.get("claims") or event.get("Claims")
    return held if isinstance(held, dict) else {}


SOURCE = Source(
    title="Azure activity log",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
