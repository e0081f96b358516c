"""Microsoft 365's unified audit log: mailboxes, documents, the directory and its administration, in one log.

Comes as CSV of ``Search-UnifiedAuditLog`` and of the Purview portal (the record as JSON in the column ``AuditData``),
as JSON of the same, and as the Office 365 Management Activity interface gives it (one array, or one record a line).
What it cannot show: mails read without ``MailItemsAccessed``, which not every licence writes; what a throttled
mailbox did for the rest of a day; anything older than the tenant keeps it (90 or 180 days, a year at most without an
extra licence); exports stop at 5,000 or 50,000 records.

Times name no zone and are UTC. Lists of names and values (``Parameters``, ``ExtendedProperties``,
``OperationProperties``, ``ModifiedProperties``) become fields of their own, such as ``Parameters.ForwardTo`` and
``ModifiedProperties.Role.NewValue``; ``Parameters`` is also kept whole as text. ``eventSource``, ``eventName`` and
``status`` stand beside ``Workload``, ``Operation`` and ``ResultStatus``, because Sigma's rules ask for them. A record
that is there again, by its ``Id``, in this export or in one before, is counted and left out: searches give the same
page twice, and exports overlap.

Reference: Microsoft, "Office 365 Management Activity API schema"; "Use MailItemsAccessed to investigate compromised
accounts".
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from typing import Any, NamedTuple

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import LIST_FIELDS, EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.json_records import (
    compact,
    decode_json,
    excerpt_json_line,
    flatten,
    json_records,
    sample_records,
    says,
    text_at,
)
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

_SERVICES = {
    "exchange": frozenset({"audit", "exchange"}),
    "securitycompliancecenter": frozenset({"audit", "threat_management", "threat_detection"}),
}
"""Workload, lower case, to the services of Sigma that its records are of; the others are ``audit`` alone."""

_WRAPPERS = frozenset({"value", "records", "Records"})
_NAMED_VALUES = ("Parameters", "ExtendedProperties", "OperationProperties", "DeviceProperties", "ModifiedProperties")
_ADDRESSES = ("ClientIP", "ClientIPAddress", "ActorIpAddress", "SenderIp")
_AGENTS = ("UserAgent", "ClientInfoString", "ExtendedProperties.UserAgent")
_OUTCOMES = {
    "true": "success",
    "success": "success",
    "succeeded": "success",
    "partiallysucceeded": "success",
    "false": "failure",
    "failed": "failure",
    "failure": "failure",
}
_LARGEST_FIELD = 1 << 24
"""Characters of one column; a record of the log is at most some hundred thousand."""

Record = Mapping[str, Any]


class _Found(NamedTuple):
    number: int
    original: str
    record: Record


def sniff(head: bytes) -> bool:
    """Tell by records that name an operation, its workload or type, and who did it; or by a column of such records."""
    if _is_csv(head):
        return True
    if not says(head, b"Operation"):
        return False
    return any(_is_record(found) for found in map(_unwrapped, sample_records(head, wrappers=_WRAPPERS)) if found)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record once; rows whose record cannot be decoded are counted."""
    for found in _csv_records(log) if _is_csv(peek(log.stream)) else _json(log):
        if not log.is_repeated("m365", text_at(found.record, "Id")):
            yield _event(log, found)


def _is_csv(head: bytes) -> bool:
    first, _, rest = head.decode(encoding_of(head), "replace").lstrip("\ufeff").partition("\n")
    while first.startswith("#"):  # what PowerShell puts above: #TYPE ...
        first, _, rest = rest.partition("\n")
    return "AuditData" in first and "{" not in first and ("Operation" in rest or not rest.strip())


def _is_record(record: Record) -> bool:
    is_named = "Operation" in record and ("Workload" in record or "RecordType" in record)
    return is_named and ("CreationTime" in record or "CreationDate" in record) and "UserId" in record


def _unwrapped(record: Record) -> Record | None:
    """Return the record itself, also where PowerShell wrapped it; None if what it wraps cannot be decoded."""
    held = record.get("AuditData")
    if isinstance(held, dict):
        return held
    if not isinstance(held, str):
        return record
    try:
        decoded = decode_json(held)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _json(log: LogFile) -> Iterator[_Found]:
    for found in json_records(log, wrappers=_WRAPPERS):
        record = _unwrapped(found.value)
        if record is None:
            log.unread(str(found.number), "has AuditData that is no JSON", hint="export the search again")
        elif not _is_record(record):
            log.unread(str(found.number), "is JSON but no record of the unified audit log")
        else:
            yield _Found(found.number, found.text, record)


def _csv_records(log: LogFile) -> Iterator[_Found]:
    csv.field_size_limit(_LARGEST_FIELD)
    stream = TextIOWrapper(log.stream, encoding=encoding_of(peek(log.stream)), errors="replace", newline="")
    try:
        rows = csv.reader(line.replace("\x00", "") for line in stream)
        place: int | None = None
        begin = 1
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                log.unread(str(begin), f"is no CSV: {error}")
                begin = rows.line_num + 1
                continue
            if cells is None:
                return
            number, begin = begin, rows.line_num + 1
            if "AuditData" in cells:
                place = cells.index("AuditData")  # also where files were joined
            elif cells and not cells[0].startswith("#TYPE") and place is not None and log.wants(number):
                found = _of_cell(log, number, cells[place] if place < len(cells) else "")
                if found is not None:
                    yield found
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _of_cell(log: LogFile, number: int, text: str) -> _Found | None:
    try:
        record = decode_json(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        log.unread(
            str(number), "has AuditData that is no JSON", hint="a table program may have cut it; export it again"
        )
        return None
    if not _is_record(record):
        log.unread(str(number), "has AuditData that is no record of the unified audit log")
        return None
    return _Found(number, text, record)


def _event(log: LogFile, found: _Found) -> tuple[EventClass, Row]:
    record = found.record
    native = _native(record)
    workload = text_at(record, "Workload")
    services = _SERVICES.get(workload.lower(), frozenset({"audit"}))
    return EventClass(product="m365", services=services), Row(
        at=read_instant(text_at(record, "CreationTime") or text_at(record, "CreationDate")),
        clock="CreationTime" if "CreationTime" in record else "CreationDate",
        file=log.name,
        record=found.number,
        original=found.original,
        common={name: value for name, value in _common(record, native).items() if value},
        native=native,
    )


def _native(record: Record) -> dict[str, Value]:
    plain = {name: value for name, value in record.items() if name not in _NAMED_VALUES}
    native: dict[str, Value] = {
        name: "\n".join(value) if isinstance(value, list) and name not in LIST_FIELDS else value
        for name, value in flatten(plain).items()
    }
    for holder in _NAMED_VALUES:
        held = record.get(holder)
        if held is None:
            continue
        native[holder] = held if isinstance(held, str) else compact(held)
        for item in held if isinstance(held, list) else ():
            if isinstance(item, dict) and (name := text_at(item, "Name")):
                for key in ("Value", "NewValue", "OldValue"):
                    if key in item:
                        own = f"{holder}.{name}" if key == "Value" else f"{holder}.{name}.{key}"
                        native[own] = _text(item[key])
    status = text_at(record, "ResultStatus")
    native |= {"eventSource": text_at(record, "Workload"), "eventName": text_at(record, "Operation")}
    native["status"] = _OUTCOMES.get(status.lower(), status.lower()) if status else None
    return native


def _text(value: object) -> str:
    return value if isinstance(value, str) else compact(value)


def _common(record: Record, native: Mapping[str, Value]) -> dict[str, str]:
    operation = text_at(record, "Operation")
    addresses = (ip_of(text_at(record, name)) for name in _ADDRESSES)
    agents = (native.get(name) for name in _AGENTS)
    mailbox = text_at(record, "MailboxOwnerUPN") or str(native.get("Parameters.Mailbox") or "")
    return {
        "event.action": operation,
        "event.outcome": "failure"
        if operation == "UserLoginFailed"
        else _OUTCOMES.get(text_at(record, "ResultStatus").lower(), ""),
        "user.name": account_name(text_at(record, "UserId")),
        "user.target.name": account_name(_target(record)),
        "source.ip": next((address for address in addresses if address), ""),
        "user_agent.original": next((str(agent) for agent in agents if agent), ""),
        "cloud.account.id": text_at(record, "OrganizationId"),
        "email.mailbox": mailbox.lower(),
        "file.path": text_at(record, "ObjectId") if text_at(record, "SourceFileName") else "",
    }


def _target(record: Record) -> str:
    """Return the account that the directory acted upon: a person by name, an application by its number."""
    if text_at(record, "Workload") != "AzureActiveDirectory":
        return ""
    targets = record.get("Target")
    named = [text_at(t, "ID") for t in targets if isinstance(t, dict)] if isinstance(targets, list) else []
    numbers = (name.removeprefix(_PRINCIPAL) for name in named if name.startswith(_PRINCIPAL))
    return next((name for name in named if "@" in name and " " not in name), "") or next(numbers, "")


_PRINCIPAL = "ServicePrincipal_"


SOURCE = Source(
    title="Microsoft 365 unified audit log",
    sniff=sniff,
    read=read,
    excerpt=partial(excerpt_json_line, wrappers=_WRAPPERS),
)
