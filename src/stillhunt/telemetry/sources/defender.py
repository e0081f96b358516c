"""Microsoft Defender: what happened on devices (advanced hunting), what happened to mail, and alerts.

Comes as results of advanced hunting (the portal's CSV, ``{"Results": [...]}`` of its interfaces), as the streaming
interface writes it (``AdvancedHunting-...`` with ``properties``), as tables of Sentinel and Log Analytics, as the CSV
of a device's timeline, and as alerts of Microsoft Graph (v1 and v2), of Defender for Endpoint and of Sentinel. What it
cannot show: what happened on devices without the sensor or before it was installed, anything older than 30 days (180
for the timeline) unless it was streamed away, and repeated events, of which the sensor keeps one in a while; results
of one query stop at 10,000 or 30,000 rows.

Events of devices carry Sigma's field names beside their own (:mod:`stillhunt.telemetry.defender_device`), alerts those
of Graph (:mod:`stillhunt.telemetry.defender_alert`). ``AdditionalFields`` is kept as text, and what it holds as
``AdditionalFields.Name``. Tables about mail, sign-ins and applications are read into common columns. Times are UTC.
A record that is there again, by its report or alert, is counted and left out: exports overlap.

Reference: Microsoft, "Understand the advanced hunting schema", "Streaming API"; Graph, resource type alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

from stillhunt.telemetry.account import account_name, qualified
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import csv_headings, csv_records
from stillhunt.telemetry.defender_alert import ALERT_TIMES, alert, is_alert
from stillhunt.telemetry.defender_device import DEVICE_TABLES, device_event, kind_of_device_event
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.json_records import (
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
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

Record = dict[str, Any]

_WRAPPERS = frozenset({"value", "records", "Records", "Results", "results", "alerts"})
_STREAMED = "advancedhunting-"
_TABLE_NAMES = ("Type", "$table", "TableName", "$Table")
_ALERTS = "alerts"

_OTHER_TABLES = frozenset(
    {
        *("EmailEvents", "EmailAttachmentInfo", "EmailUrlInfo", "EmailPostDeliveryEvents", "UrlClickEvents"),
        *("IdentityLogonEvents", "IdentityQueryEvents", "IdentityDirectoryEvents", "CloudAppEvents", "IdentityInfo"),
        *("AADSignInEventsBeta", "AADSpnSignInEventsBeta", "CloudAuditEvents", "CloudProcessEvents"),
    }
)
_ALERT_TABLES = frozenset({"AlertInfo", "AlertEvidence", "SecurityAlert"})
_TABLES = {name.lower(): name for name in (*DEVICE_TABLES, *_OTHER_TABLES, *_ALERT_TABLES)}

_TIMELINE = {
    # Headings of a device's timeline, without blanks, that differ from the columns of advanced hunting.
    "EventTime": "Timestamp",
    "MachineId": "DeviceId",
    "ComputerName": "DeviceName",
    "Sha1": "SHA1",
    "Sha256": "SHA256",
    "RemoteComputerName": "RemoteDeviceName",
}
_BY_COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("EmailEvents", frozenset({"NetworkMessageId", "SenderFromAddress", "RecipientEmailAddress", "Subject"})),
    ("EmailUrlInfo", frozenset({"NetworkMessageId", "Url", "UrlDomain"})),
    ("EmailAttachmentInfo", frozenset({"NetworkMessageId", "FileName", "SenderFromAddress"})),
    ("UrlClickEvents", frozenset({"NetworkMessageId", "Url", "AccountUpn", "ActionType"})),
    ("CloudAppEvents", frozenset({"Application", "ActionType", "AccountObjectId", "RawEventData"})),
    ("IdentityLogonEvents", frozenset({"LogonType", "AccountUpn", "Application", "Protocol"})),
)
"""Tables by columns that no other has, for results that do not name theirs."""

_SAYS = (
    *(b"AdvancedHunting-", b"ActionType", b"InitiatingProcess", b"ProcessCommandLine", b"NetworkMessageId"),
    *(b"etectionSource", b"erviceSource", b"vendorInformation", b"alertCreationTime", b"EvidenceRole"),
    *(b"AlertTitle", b"AlertName", b"AlertSeverity"),
)


class _Found(NamedTuple):
    """A record.

    Attributes:
        number: What finds it again.
        original: Its raw text, if asked for.
        table: Table of advanced hunting, or ``alerts``; empty where neither is said and the columns decide.
        record: Its columns, without what they were wrapped in.
        around: What the wrapper says besides.
    """

    number: int
    original: str
    table: str
    record: Record
    around: Mapping[str, Any]


# --- Which log it is -------------------------------------------------------------------------------------------------


def sniff(head: bytes) -> bool:
    """Tell by records or headings of devices' events, of mail or of alerts."""
    if _table_of(dict.fromkeys(map(_column, csv_headings(head)), "")) is not None:
        return True
    if not says(head, b":") or not any(says(head, name) for name in _SAYS):
        return False
    return any(_unwrapped(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


@lru_cache(maxsize=4096)
def _column(heading: str) -> str:
    """Return a column by its heading.

    >>> _column("Timestamp [UTC]"), _column("Initiating Process Id"), _column("Computer Name"), _column("Alert name")
    ('Timestamp', 'InitiatingProcessId', 'DeviceName', 'Alertname')
    """
    name = heading.partition(" [")[0].replace(" ", "").strip()
    return _TIMELINE.get(name, name)


def _table_of(record: Mapping[str, Any]) -> str | None:
    """Return the table of a record by the names it has; empty if it is of a device, None if it is no record."""
    names = record.keys()
    is_of_device = "DeviceName" in names or "DeviceId" in names
    is_dated = "Timestamp" in names or "TimeGenerated" in names
    # Evidence of alerts has the columns of devices too.
    if is_alert(record):
        return _ALERTS
    table = next((table for table, columns in _BY_COLUMNS if columns <= names), None)
    if table is not None or not is_of_device or not is_dated:
        return table if is_dated else None
    if "ActionType" in names or any(name.startswith("InitiatingProcess") for name in names):
        return ""
    return "" if kind_of_device_event(dict.fromkeys(names, "")) else None


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record; objects and rows that are none are counted."""
    is_table = _is_table(csv_headings(peek(log.stream)))
    for found in _csv(log) if is_table else _json(log):
        if not log.is_repeated("defender", *_identity(found.record)):
            yield _event(log, found)


def _identity(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is the same of a record in every export: of an event its report, of an alert its id."""
    if text_at(record, "EntityType") and text_at(record, "AlertId"):
        return text_at(record, "AlertId"), compact(record)
    if report := text_at(record, "ReportId"):
        # Reports are numbered anew after a while.
        at = text_at(record, "Timestamp") or text_at(record, "TimeGenerated")
        names = ("DeviceId", "DeviceName", "ActionType", "NetworkMessageId", "Url")
        return report, at, *(text_at(record, name) for name in names)
    return next((found for name in _ALERT_IDS if (found := text_at(record, name))), ""), "alert"


_ALERT_IDS = ("id", "AlertId", "alertId", "SystemAlertId")


def _is_table(headings: Sequence[str]) -> bool:
    return _table_of(dict.fromkeys(map(_column, headings), "")) is not None


def _json(log: LogFile) -> Iterator[_Found]:
    for record in json_records(log, wrappers=_WRAPPERS):
        unwrapped = _unwrapped(record.value)
        if unwrapped is None:
            log.unread(str(record.number), "is JSON but no record of Defender", text=record.text)
        else:
            table, inner, around = unwrapped
            yield _Found(record.number, record.text, table, inner, around)


def _unwrapped(record: Record) -> tuple[str, Record, Mapping[str, Any]] | None:
    """Return the table of a record, the record itself, and what is said around it."""
    held = record.get("properties")
    category = record.get("category")
    if isinstance(held, str) and held[:1] == "{":
        with suppress(ValueError, RecursionError):
            held = decode_json(held)
    if isinstance(held, dict) and isinstance(category, str) and category.lower().startswith(_STREAMED):
        streamed = category[len(_STREAMED) :]
        around: Record = {name: record[name] for name in ("time", "tenantId") if name in record}
        return _kind(_TABLES.get(streamed.lower(), streamed)), held, around
    for name in _TABLE_NAMES:
        said = record.get(name)
        if isinstance(said, str) and said.lower() in _TABLES:
            return _kind(_TABLES[said.lower()]), record, {}
    table = _table_of(record)
    return None if table is None else (table, record, {})


def _kind(table: str) -> str:
    return _ALERTS if table in _ALERT_TABLES else table


def _csv(log: LogFile) -> Iterator[_Found]:
    table = ""

    def is_heading(cells: Sequence[str]) -> bool:
        nonlocal table
        found = _table_of(dict.fromkeys(map(_column, cells), ""))
        table = table if found is None else found
        return found is not None

    for row in csv_records(log, is_heading=is_heading):
        cells: Record = {_column(heading): cell for heading, cell in row.cells.items() if heading}
        said = _TABLES.get(str(cells.get("Type", "")).lower())
        yield _Found(row.number, row.text, _kind(said) if said else table, cells, {})


# --- Rows ------------------------------------------------------------------------------------------------------------


def _event(log: LogFile, found: _Found) -> tuple[EventClass, Row]:
    record = found.record
    native: dict[str, Value] = {**flatten(found.around), **flatten(record)}
    if found.table == _ALERTS:
        event_class, words, common = alert({**found.around, **record})
    else:
        more = _additional(record)
        native |= {f"AdditionalFields.{name}": text for name, text in more.items()}
        cells = {name: value for name, value in native.items() if isinstance(value, str) and value}
        if found.table in _OTHER_TABLES:
            event_class, words, common = _other(found.table, cells)
        else:
            texts = {name: text if isinstance(text, str) else "\n".join(text) for name, text in more.items()}
            event_class, words, common = device_event(cells, texts, found.table)
        common.setdefault("cloud.account.id", cells.get("tenantId", "") or cells.get("TenantId", ""))
    native |= {name: text for name, text in words.items() if text}
    at, clock = _instant({**found.around, **record})
    return event_class, Row(
        at=at,
        clock=clock,
        file=log.name,
        record=found.number,
        original=found.original,
        common={name: text for name, text in common.items() if text},
        native=native,
    )


def _additional(record: Record) -> Mapping[str, str | list[str]]:
    """Return what ``AdditionalFields`` holds, which is an object or one as text."""
    held = record.get("AdditionalFields")
    if isinstance(held, str) and held[:1] == "{":
        with suppress(ValueError, RecursionError):
            held = decode_json(held)
    return flatten(held) if isinstance(held, dict) else {}


_TIMES = ("Timestamp", "TimeGenerated", "time")
_PORTAL = ("%b %d, %Y %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p")
"""How the pages of the portal and of Log Analytics write times."""

_EARLIEST = 1990
"""The year 1 stands for a time that is not known."""


def _instant(record: Mapping[str, Any]) -> tuple[datetime | None, str]:
    for name in ALERT_TIMES if "Timestamp" not in record else _TIMES:
        said = record.get(name)
        if said is None or said == "":
            continue
        at = read_instant(said)
        if at is None and isinstance(said, str):
            at = _of_portal(said)
        if at is not None and at.year >= _EARLIEST:
            return at, name
    return None, ""


def _of_portal(said: str) -> datetime | None:
    for form in _PORTAL:
        with suppress(ValueError):
            return datetime.strptime(said.replace("\u202f", " "), form).replace(tzinfo=UTC)
    return None


_SERVICES = {"Email": "email", "UrlClick": "email", "Identity": "identity", "AAD": "identity", "Cloud": "cloudapp"}


@cache
def _class_of(table: str) -> EventClass:
    service = next((service for begin, service in _SERVICES.items() if table.startswith(begin)), "other")
    return EventClass(product="defender", services=frozenset({service}))


def _other(table: str, cells: Mapping[str, str]) -> tuple[EventClass, dict[str, str], dict[str, str]]:
    """Fill the common columns of a table that Sigma has no category for."""
    user = cells.get("AccountUpn", "") or qualified(cells.get("AccountDomain", ""), cells.get("AccountName", ""))
    action = cells.get("ActionType", "") or cells.get("DeliveryAction", "")
    is_mail = table.startswith("Email")
    common = {
        "event.action": action,
        "event.outcome": _OUTCOMES.get(action.lower(), ""),
        "user.target.name" if table.endswith(("LogonEvents", "SignInEventsBeta")) else "user.name": account_name(user),
        "host.name": cells.get("DeviceName", "").lower().rstrip("."),
        "source.ip": ip_of(cells.get("IPAddress", "") or cells.get("SenderIPv4", "") or cells.get("SenderIPv6", "")),
        "user_agent.original": cells.get("UserAgent", ""),
        "email.sender.address": (cells.get("SenderFromAddress", "") or cells.get("SenderMailFromAddress", "")).lower(),
        "email.subject": cells.get("Subject", ""),
        "email.message_id": cells.get("InternetMessageId", "").strip("<>"),
        "email.mailbox": cells.get("RecipientEmailAddress", "").lower(),
        "file.hash.sha256": cells.get("SHA256", "").lower(),
        "file.path": cells.get("FileName", "") if is_mail else "",
        "destination.domain": cells.get("UrlDomain", "").lower(),
    }
    return _class_of(table), {}, common


_OUTCOMES = {
    "logonsuccess": "success",
    "logonfailed": "failure",
    "clickallowed": "success",
    "clickblocked": "failure",
    "delivered": "success",
    "blocked": "failure",
}


def excerpt(stream: Any, number: int) -> Excerpt | None:
    """Cut out one record where each has its own line."""
    if _is_table(csv_headings(peek(stream))):
        return None
    return partial(excerpt_json_line, wrappers=_WRAPPERS)(stream, number)


SOURCE = Source(
    title="Microsoft Defender: advanced hunting, device timelines and alerts",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=excerpt,
)
