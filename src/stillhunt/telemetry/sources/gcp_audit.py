"""Google Cloud's audit logs, and other entries of Cloud Logging beside them.

Comes as ``gcloud logging read --format=json`` writes it (one array), as sinks write it to buckets and as the
``entries`` of the interface. Entries that are no audit log are read too, without a service of Sigma's. What they
cannot show: reading of data, unless Data Access logs are turned on, and what happens inside a machine.

Native fields carry the names of the log (``protoPayload.methodName``); those under which Sigma's rules know some of
them (``gcp.audit.method_name``, ``data.protoPayload...``) stand beside. Audit logs of Google Workspace that come
through Google Cloud have the services of both.

Reference: Google Cloud, "LogEntry", "AuditLog", "Understanding audit logs".
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

_WRAPPERS = frozenset({"entries"})
_PAYLOADS = ("protoPayload", "jsonPayload", "textPayload", "protopayload_auditlog")

_SIGMA_NAMES: Mapping[str, tuple[str, ...]] = {
    "protoPayload.methodName": ("gcp.audit.method_name", "data.protoPayload.methodName"),
    "protoPayload.serviceName": ("data.protoPayload.serviceName", "protoPayload.Servicename", "eventService"),
    "protoPayload.resourceName": ("data.protoPayload.resourceName",),
    "protoPayload.authorizationInfo.granted": ("data.protoPayload.authorizationInfo.granted",),
    "protoPayload.authorizationInfo.permission": ("data.protoPayload.authorizationInfo.permission",),
    "protoPayload.metadata.event.eventName": ("eventName",),
    "resource.type": ("data.protoPayload.resource.type",),
}

_WORKSPACE = {
    "admin.googleapis.com": "google_workspace.admin",
    "login.googleapis.com": "google_workspace.login",
    "oauth2.googleapis.com": "google_workspace.token",
    "cloudidentity.googleapis.com": "google_workspace.groups",
}

Record = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by entries that name their log and hold a payload."""
    if not says(head, b'"logName"') or not any(says(head, name.encode()) for name in _PAYLOADS):
        return False
    return any(_is_entry(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every entry; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        if _is_entry(record.value):
            yield _row(log, record)
        else:
            log.unread(str(record.number), "is JSON but no entry of Cloud Logging", hint="it names no `logName`")


def _is_entry(record: Record) -> bool:
    is_dated = "timestamp" in record or "receiveTimestamp" in record
    return isinstance(record.get("logName"), str) and is_dated and any(name in record for name in _PAYLOADS)


def _row(log: LogFile, record: JsonRecord) -> tuple[EventClass, Row]:
    entry = dict(record.value)
    if isinstance(exported := entry.pop("protopayload_auditlog", None), dict):
        # BigQuery's name for it.
        entry["protoPayload"] = exported
    held = entry.get("protoPayload")
    payload: Record = held if isinstance(held, dict) else {}
    native: dict[str, Value] = dict(flatten(entry))
    for own, names in _SIGMA_NAMES.items():
        if own in native:
            native |= dict.fromkeys(names, native[own])
    name = str(entry["logName"])
    native["data.protoPayload.logName"] = name.partition("/logs/")[2] or name
    native |= _parameters(payload)
    clock = "timestamp" if entry.get("timestamp") else "receiveTimestamp"
    row = Row(
        at=read_instant(entry.get(clock)),
        clock=clock,
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in _common(entry, payload).items() if value},
        native=native,
    )
    return _event_class(name, text_at(payload, "serviceName")), row


@lru_cache(maxsize=1_000)
def _event_class(name: str, service: str) -> EventClass:
    if "cloudaudit.googleapis.com" not in name:
        return EventClass(product="gcp")
    services = {"gcp.audit", _WORKSPACE[service]} if service in _WORKSPACE else {"gcp.audit"}
    return EventClass(product="gcp", services=frozenset(services))


def _parameters(payload: Record) -> dict[str, Value]:
    """Return the parameters of Workspace's events under their own names, as rules ask for them."""
    metadata = payload.get("metadata")
    events = metadata.get("event") if isinstance(metadata, dict) else None
    found: dict[str, Value] = {}
    for event in events if isinstance(events, list) else ():
        said = event.get("parameter") if isinstance(event, dict) else None
        for parameter in said if isinstance(said, list) else ():
            if name := text_at(parameter, "name"):
                found[name.lower()] = text_at(parameter, "value") or text_at(parameter, "boolValue")
    return {name: value for name, value in found.items() if value}


def _common(entry: Record, payload: Record) -> dict[str, str]:
    resource = entry.get("resource")
    status = payload.get("status")
    request = payload.get("requestMetadata")
    labels = resource.get("labels") if isinstance(resource, dict) else None
    scope = str(entry["logName"]).split("/")
    code = text_at(status, "code")
    outcome = "failure" if code not in {"", "0"} or _is_refused(payload) else "success"
    return {
        "event.action": text_at(payload, "methodName"),
        "event.outcome": outcome if payload else "",
        "user.name": account_name(text_at(payload, "authenticationInfo", "principalEmail"))
        or text_at(payload, "authenticationInfo", "principalSubject").lower(),
        "source.ip": ip_of(text_at(request, "callerIp")),
        "user_agent.original": text_at(request, "callerSuppliedUserAgent"),
        "cloud.account.id": text_at(labels, "project_id") or (scope[1] if len(scope) > 1 else ""),
    }


def _is_refused(payload: Record) -> bool:
    asked = payload.get("authorizationInfo")
    return isinstance(asked, list) and any(isinstance(item, dict) and item.get("granted") is False for item in asked)


SOURCE = Source(
    title="Google Cloud audit log",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
