"""AWS CloudTrail: who called which interface of Amazon's cloud, from where, and with what answer.

Lies in a bucket as ``AWSLogs/<account>/CloudTrail/<region>/<year>/...json.gz``, each file one ``{"Records": [...]}``;
also written as lines, as an array, by ``lookup-events`` (the event as text in ``CloudTrailEvent``), inside events of
EventBridge (``detail``) and inside messages of CloudWatch. What it cannot show: data events (objects read from
buckets) unless a trail asks for them, values that services hide, and anything done inside a machine.

Native fields carry CloudTrail's own names, nested ones with dots; ``requestParameters`` and ``responseElements`` are
there as a whole as well, as JSON, because rules look for words in them. Events of one list share a name.

Reference: AWS, CloudTrail user guide, "CloudTrail record contents".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.json_records import (
    JsonRecord,
    compact,
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

EVENT_CLASS = EventClass(product="aws", services=frozenset({"cloudtrail"}))

_WRAPPERS = frozenset({"Records", "records", "Events", "events", "logEvents"})
_HOLD_EVENT = ("detail", "CloudTrailEvent", "message", "@message", "event.original", "_raw", "eventData")
"""Names under which other services keep the event, as an object or as text."""

_AS_WHOLE = ("requestParameters", "responseElements")

Event = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by a record that names an event, the service it is about and its time, as CloudTrail does."""
    if not says(head, b"eventSource", b"eventName", b"eventTime"):
        return False
    if _USUAL.match(head):
        return True
    return any(_event(sample) is not None for sample in sample_records(head, wrappers=_WRAPPERS))


_USUAL = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[\s*\{\s*"eventVersion"')
"""How the files of a trail begin, be their first event as long as it may."""


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every event; objects that are none are counted."""
    for record in json_records(log, wrappers=_WRAPPERS):
        event = _event(record.value)
        if event is None:
            log.unread(str(record.number), "is JSON but no CloudTrail event", hint="it names no eventSource")
            continue
        yield EVENT_CLASS, _row(log, record, event)


def _event(record: Mapping[str, Any]) -> Event | None:
    """Return the event that a record is or holds."""
    if _is_event(record):
        return record
    for name in _HOLD_EVENT:
        held = record.get(name)
        if isinstance(held, str) and "eventSource" in held:
            held = _decoded(held[held.find("{") :])
        if isinstance(held, dict) and _is_event(held):
            return held
    return None


def _is_event(record: Mapping[str, Any]) -> bool:
    source = record.get("eventSource")
    return isinstance(source, str) and "eventName" in record and "eventTime" in record and "Operation" not in record


def _decoded(text: str) -> object:
    try:
        return decode_json(text)
    except (ValueError, RecursionError):
        return None


def _row(log: LogFile, record: JsonRecord, event: Event) -> Row:
    native: dict[str, Value] = dict(flatten(event))
    for name in _AS_WHOLE:
        if event.get(name):
            native[name] = compact(event[name])
    return Row(
        at=read_instant(event.get("eventTime")),
        clock="eventTime",
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in _common(event).items() if value},
        native=native,
    )


def _common(event: Event) -> dict[str, str]:
    said = event.get("userIdentity")
    identity: Mapping[str, Any] = said if isinstance(said, dict) else {}
    address = text_at(event, "sourceIPAddress")
    parameters = event.get("requestParameters")
    asked: Mapping[str, Any] = parameters if isinstance(parameters, dict) else {}
    account = text_at(event, "recipientAccountId") or text_at(identity, "accountId")
    target = text_at(asked, "userName") or text_at(asked, "roleName")
    bucket, key = text_at(asked, "bucketName"), text_at(asked, "key")
    return {
        "event.action": text_at(event, "eventName"),
        "event.outcome": _outcome(event),
        "user.name": _user(identity),
        "user.target.name": account_name(f"{account}\\{target}" if account else target) if target else "",
        # Where a service calls another, its name stands in place of an address.
        "source.ip": ip_of(address) or (address if _MASKED.match(address) else ""),
        "user_agent.original": text_at(event, "userAgent"),
        "cloud.account.id": account,
        "file.path": f"s3://{bucket}/{key}" if bucket and key else "",
    }


_MASKED = re.compile(r"\d{1,3}(?:[.]\d{1,3}){3}$")
"""An address that whoever shared a log has changed into one that there is not."""


def _outcome(event: Event) -> str:
    answer = event.get("responseElements")
    if isinstance(answer, dict):
        # Signing in reports its failure in the answer, with no error code; so does switching roles.
        for name in ("ConsoleLogin", "SwitchRole", "ExitRole", "RenewRole", "CheckMfa"):
            if isinstance(said := answer.get(name), str):
                return "failure" if said.lower() == "failure" else "success"
    is_failed = event.get("errorCode") not in {None, "", "Success"} or event.get("errorMessage") not in {None, ""}
    return "failure" if is_failed else "success"


def _user(identity: Mapping[str, Any]) -> str:
    r"""Return who called, as ``account\name``: a user, a role with its session, the root of an account, a service."""
    kind, account = text_at(identity, "type"), text_at(identity, "accountId")
    resource = text_at(identity, "arn").partition("::")[2].partition(":")[2]
    name = text_at(identity, "userName")
    if kind == "Root" or (kind == "" and resource == "root"):
        name = "root"
    elif resource.startswith(("assumed-role/", "federated-user/")):
        name = resource.partition("/")[2]
    elif kind == "AWSService":
        return text_at(identity, "invokedBy").lower()
    name = name or resource.rpartition("/")[2] or text_at(identity, "principalId")
    return account_name(f"{account}\\{name}" if account and name else name)


SOURCE = Source(
    title="AWS CloudTrail",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
