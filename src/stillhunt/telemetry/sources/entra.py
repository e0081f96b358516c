"""Entra ID (Azure AD): sign-ins of people and of programs, what was changed in the directory, and detected risks.

Comes as Microsoft Graph gives it (``auditLogs/signIns``, ``directoryAudits``, ``identityProtection/riskDetections``;
an array, ``{"value": [...]}`` or lines, also PascalCase from PowerShell), as diagnostic settings write it
(``category`` and ``properties``), as tables of Log Analytics (``SigninLogs``, ``AADNonInteractiveUserSignInLogs``,
``AuditLogs``; JSON or CSV, objects as text), as results of Splunk (JSON or CSV with ``_raw``), and as CSV downloaded
from the portal. What it cannot show: what a session
did after its token was given, anything older than 30 days (7 without a licence) unless exported; non-interactive and
program sign-ins where only the interactive ones were exported.

Whatever the form, native fields carry Graph's names (``status.errorCode``, ``location.countryOrRegion``,
``targetResources.modifiedProperties.newValue``), also below ``properties.``, and those by which Sigma's rules ask:
``ResultType``, ``ResultDescription``, ``Status``, ``Location``, ``OperationName``, ``properties.message`` and others.
A record that is there again, by its id, second and answer, is counted and left out: exports overlap.
Times without a zone are UTC.

Reference: Microsoft Graph, signIn, directoryAudit and riskDetection; Azure Monitor, SigninLogs and AuditLogs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader, BytesIO
from itertools import islice
from typing import Any, NamedTuple

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import csv_headings, csv_records
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

_RAW = "_raw"
"""Column in which Splunk keeps what it was given."""

_ROWS_LOOKED_AT = 5
_WRAPPERS = frozenset({"value", "records", "Records"})
_SIGN_IN, _AUDIT, _RISK = "signinlogs", "auditlogs", "riskdetection"
_CLASSES = {kind: EventClass(product="azure", services=frozenset({kind})) for kind in (_SIGN_IN, _AUDIT, _RISK)}

_PIM_ALERT = EventClass(product="azure", services=frozenset({"pim"}))
_PIM_KINDS = ("AlertIncident", "AlertConfiguration")
"""How kinds of alerts of Privileged Identity Management end, which Sigma's rules look for as risks."""

_KINDS = {
    "signinlogs": _SIGN_IN,
    "noninteractiveusersigninlogs": _SIGN_IN,
    "serviceprincipalsigninlogs": _SIGN_IN,
    "managedidentitysigninlogs": _SIGN_IN,
    "adfssigninlogs": _SIGN_IN,
    "aadnoninteractiveusersigninlogs": _SIGN_IN,
    "aadserviceprincipalsigninlogs": _SIGN_IN,
    "aadmanagedidentitysigninlogs": _SIGN_IN,
    "auditlogs": _AUDIT,
    "userriskevents": _RISK,
    "aaduserriskevents": _RISK,
    "serviceprincipalriskevents": _RISK,
    "aadserviceprincipalriskevents": _RISK,
}
"""Category of diagnostic settings, or table of Log Analytics, to the kind of record."""

_TIMES = ("createdDateTime", "activityDateTime", "detectedDateTime", "timeGenerated", "time", "date")
_OBJECTS = frozenset(
    {
        *("status", "locationDetails", "deviceDetail", "initiatedBy", "targetResources", "additionalDetails"),
        *("mfaDetail", "conditionalAccessPolicies", "authenticationDetails", "networkLocationDetails", "location"),
        "authenticationProcessingDetails",
    }
)
"""What Log Analytics keeps as text of JSON."""

_PORTAL_SIGN_IN = {
    "date (utc)": "createdDateTime",
    "date": "createdDateTime",
    "request id": "id",
    "correlation id": "correlationId",
    "user agent": "userAgent",
    "user id": "userId",
    "user": "userDisplayName",
    "username": "userPrincipalName",
    "user type": "userType",
    "application": "appDisplayName",
    "application id": "appId",
    "resource": "resourceDisplayName",
    "resource id": "resourceId",
    "resource tenant id": "resourceTenantId",
    "home tenant id": "homeTenantId",
    "ip address": "ipAddress",
    "location": "location",
    "sign-in error code": "status.errorCode",
    "failure reason": "status.failureReason",
    "client app": "clientAppUsed",
    "device id": "deviceDetail.deviceId",
    "browser": "deviceDetail.browser",
    "operating system": "deviceDetail.operatingSystem",
    "compliant": "deviceDetail.isCompliant",
    "managed": "deviceDetail.isManaged",
    "join type": "deviceDetail.trustType",
    "authentication requirement": "authenticationRequirement",
    "authentication protocol": "authenticationProtocol",
    "conditional access": "conditionalAccessStatus",
    "incoming token type": "incomingTokenType",
    "sign-in identifier": "signInIdentifier",
    "service principal id": "servicePrincipalId",
    "service principal name": "servicePrincipalName",
    "original transfer method": "originalTransferMethod",
    "unique token identifier": "uniqueTokenIdentifier",
    "autonomous system number": "autonomousSystemNumber",
    "status": "status",
}
_PORTAL_AUDIT = {
    "date (utc)": "activityDateTime",
    "date": "activityDateTime",
    "correlationid": "correlationId",
    "service": "loggedByService",
    "category": "category",
    "activity": "activityDisplayName",
    "result": "result",
    "resultreason": "resultReason",
    "ipaddress": "initiatedBy.user.ipAddress",
    "actoruserprincipalname": "initiatedBy.user.userPrincipalName",
    "actorobjectid": "initiatedBy.user.id",
    "actordisplayname": "initiatedBy.user.displayName",
    "actorserviceprincipalid": "initiatedBy.app.servicePrincipalId",
    "actorserviceprincipalname": "initiatedBy.app.displayName",
    "useragent": "userAgent",
}
_TARGET = re.compile(r"target(\d)(type|displayname|objectid|userprincipalname)$")
_PROPERTY = re.compile(r"target(\d)modifiedproperty(\d+)(name|oldvalue|newvalue)$")
_DETAIL = re.compile(r"additionaldetail(\d+)(key|value)$")
_TARGET_NAMES = {
    "type": "type",
    "displayname": "displayName",
    "objectid": "id",
    "userprincipalname": "userPrincipalName",
}
_PROPERTY_NAMES = {"name": "displayName", "oldvalue": "oldValue", "newvalue": "newValue"}

Record = dict[str, Any]


class _Found(NamedTuple):
    number: int
    original: str
    outer: Mapping[str, Any]
    """What stands around the record, or is it."""
    inner: Record
    """The record with Graph's names."""
    kind: str


# --- Which log it is -------------------------------------------------------------------------------------------------


def sniff(head: bytes) -> bool:
    """Tell by records of one of the kinds, or by the headings of the portal or of Log Analytics."""
    if _csv_kind(csv_headings(head)) or _holds_raw(head):
        return True
    names = (b"signIn", b"SignIn", b"Signin", b"AuditLogs", b"ctivityDateTime", b"reatedDateTime", b"iskEvent")
    if not any(says(head, name) for name in names):
        return False
    return any(_unwrapped(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def _holds_raw(head: bytes) -> bool:
    """Tell whether a table is Splunk's, with our records as text in one column."""
    headings = csv_headings(head)
    if _RAW not in headings:
        return False
    log = LogFile(name="", stream=BufferedReader(BytesIO(head)))
    rows = csv_records(log, is_heading=lambda cells: list(cells) == headings)
    return any(_unwrapped(dict(row.cells)) for row in islice(rows, _ROWS_LOOKED_AT))


def _csv_kind(headings: Sequence[str]) -> str:
    """Return ``portal`` or ``table`` with the kind of record, empty if the headings are of neither."""
    names = {_plain(heading) for heading in headings}
    if {"ip address", "username", "application"} <= names or {"ip address", "service principal id"} <= names:
        return f"portal {_SIGN_IN}"
    if {"activity", "category", "actortype"} <= names or {"activity", "category", "actoruserprincipalname"} <= names:
        return f"portal {_AUDIT}"
    if {"resulttype", "ipaddress"} <= names and names & {"appdisplayname", "appid", "serviceprincipalid"}:
        return f"table {_SIGN_IN}"
    if {"operationname", "initiatedby", "targetresources"} <= names:
        return f"table {_AUDIT}"
    if {"createddatetime", "ipaddress", "appdisplayname"} <= names:
        return f"table {_SIGN_IN}"
    if {"activitydatetime", "activitydisplayname", "initiatedby"} <= names:
        return f"table {_AUDIT}"
    return ""


def _plain(heading: str) -> str:
    """Return a heading without what a portal adds to it.

    >>> _plain("TimeGenerated [UTC]"), _plain("Application ID ")
    ('timegenerated', 'application id')
    """
    return heading.partition(" [")[0].strip().lower()


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record; objects and rows that are none are counted."""
    head = peek(log.stream)
    records = _csv(log) if _csv_kind(csv_headings(head)) else _raw(log) if _holds_raw(head) else _json(log)
    for found in records:
        row = _row(log, found)
        if not log.is_repeated(found.kind, *_identity(found, row)):
            yield _class_of(found), row


def _identity(found: _Found, row: Row) -> tuple[str, ...]:
    """Return what a record has in every form; one that was answered anew later is another."""
    second = "" if row.at is None else row.at.isoformat(timespec="seconds")
    return text_at(found.inner, "id"), second, row.common.get("event.action", ""), str(row.native.get("ResultType", ""))


def _class_of(found: _Found) -> EventClass:
    kind = text_at(found.inner, "riskEventType") or text_at(found.inner, "riskType")
    return _PIM_ALERT if found.kind == _RISK and kind.endswith(_PIM_KINDS) else _CLASSES[found.kind]


def _json(log: LogFile) -> Iterator[_Found]:
    for record in json_records(log, wrappers=_WRAPPERS):
        unwrapped = _unwrapped(record.value)
        if unwrapped is None:
            log.unread(str(record.number), "is JSON but no record of Entra's logs", text=record.text)
        else:
            kind, inner = unwrapped
            yield _Found(record.number, record.text, _of_splunk(record.value), inner, kind)


def _unwrapped(record: Mapping[str, Any]) -> tuple[str, Record] | None:
    """Return the kind of a record, and the record itself with Graph's names."""
    record = _of_splunk(record)
    held = _decoded(record.get("properties"))
    category = text_at(record, "category") or text_at(record, "Category")
    if isinstance(held, dict) and (kind := _KINDS.get(category.lower())):
        return kind, _in_graphs_names({**_around(record), **held})
    table = text_at(record, "Type") or text_at(record, "$table") or text_at(record, "TableName")
    inner = _in_graphs_names(record)
    if kind := _KINDS.get(table.lower()):
        return kind, inner
    if "riskEventType" in inner and ("detectedDateTime" in inner or "activityDateTime" in inner):
        return _RISK, inner
    if "initiatedBy" in inner and ("activityDisplayName" in inner or "operationName" in inner):
        return (_AUDIT, inner) if "targetResources" in inner or "loggedByService" in inner else None
    is_dated = "createdDateTime" in inner or "timeGenerated" in inner
    is_by_somebody = any(name in inner for name in ("userPrincipalName", "servicePrincipalId", "userId"))
    is_for_something = any(name in inner for name in ("appDisplayName", "appId", "resourceDisplayName"))
    is_answered = "status" in inner or "resultType" in inner
    if is_dated and is_by_somebody and is_for_something and is_answered and "ipAddress" in inner:
        return _SIGN_IN, inner
    return None


def _of_splunk(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what Splunk indexed, where a result of its search is around it."""
    result = record.get("result")
    held = _decoded((result if isinstance(result, dict) else record).get(_RAW))
    return held if isinstance(held, dict) else record


_KEPT_AROUND = ("time", "resultType", "resultDescription", "operationName", "callerIpAddress", "tenantId", "identity")


def _around(record: Mapping[str, Any]) -> Record:
    return {name: record[name] for name in _KEPT_AROUND if record.get(name) is not None}


def _in_graphs_names(record: Mapping[str, Any]) -> Record:
    """Give fields of tables and of PowerShell the names that Graph has for them, and decode what is kept as text."""
    inner: Record = {}
    for name, value in record.items():
        if not name or value is None or value == "":
            continue
        graphs = _GRAPHS_NAMES.get(name) or name[0].lower() + name[1:]
        decoded = _decoded(value) if graphs in _OBJECTS else value
        inner[graphs] = {_lower_first(k): v for k, v in decoded.items()} if isinstance(decoded, dict) else decoded
    if isinstance(details := inner.pop("locationDetails", None), dict):
        inner.setdefault("countryCode", inner.get("location"))
        inner["location"] = details
    return inner


_GRAPHS_NAMES = {"IPAddress": "ipAddress", "UPN": "userPrincipalName", "UserPrincipalName": "userPrincipalName"}


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _decoded(value: object) -> object:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return decode_json(value)
        except (ValueError, RecursionError):
            return value
    return value


def _raw(log: LogFile) -> Iterator[_Found]:
    """Read a table of Splunk by the column of its raw records."""
    for row in csv_records(log, is_heading=lambda cells: _RAW in cells):
        unwrapped = _unwrapped(row.cells)
        if unwrapped is None:
            log.unread(str(row.number), f"has no record of Entra's logs in the column {_RAW}", text=row.text)
        else:
            kind, inner = unwrapped
            yield _Found(row.number, row.text, _of_splunk(row.cells), inner, kind)


def _csv(log: LogFile) -> Iterator[_Found]:
    kind = _csv_kind(csv_headings(peek(log.stream)))
    for record in csv_records(log, is_heading=lambda cells: bool(_csv_kind(cells))):
        shape, _, what = kind.partition(" ")
        cells = {heading.partition(" [")[0].strip(): cell for heading, cell in record.cells.items()}
        if shape == "table":
            inner = _in_graphs_names(cells)
        else:
            inner = _of_portal(cells, _PORTAL_SIGN_IN if what == _SIGN_IN else _PORTAL_AUDIT)
        yield _Found(record.number, record.text, cells, inner, what)


def _of_portal(cells: Mapping[str, str], names: Mapping[str, str]) -> Record:
    inner: Record = {}
    targets: dict[str, Record] = {}
    properties: dict[tuple[str, str], Record] = {}
    details: dict[str, Record] = {}
    for heading, cell in cells.items():
        name = heading.lower()
        if path := names.get(name):
            _put(inner, path.split("."), cell)
        elif found := _TARGET.match(name):
            targets.setdefault(found[1], {})[_TARGET_NAMES[found[2]]] = cell
        elif found := _PROPERTY.match(name):
            properties.setdefault((found[1], found[2]), {})[_PROPERTY_NAMES[found[3]]] = cell
        elif found := _DETAIL.match(name):
            details.setdefault(found[1], {})[found[2]] = cell
    for (target, _), held in properties.items():
        targets.setdefault(target, {}).setdefault("modifiedProperties", []).append(held)
    if targets:
        inner["targetResources"] = list(targets.values())
    if details:
        inner["additionalDetails"] = list(details.values())
    return inner


def _put(record: Record, path: Sequence[str], value: str) -> None:
    for name in path[:-1]:
        held = record.get(name)
        if not isinstance(held, dict):
            # The portal says `Status` in words and its code in another column.
            held = record[name] = {"additionalDetails": held} if held else {}
        record = held
    if isinstance(record.get(path[-1]), dict):
        record[path[-1]].setdefault("additionalDetails", value)
    else:
        record[path[-1]] = value


# --- Rows ------------------------------------------------------------------------------------------------------------


def _row(log: LogFile, found: _Found) -> Row:
    inner = found.inner
    native: dict[str, Value] = dict(flatten(found.outer))
    own = flatten(inner)
    for name, value in own.items():
        native.setdefault(name, value)
        native.setdefault(f"properties.{name}", value)
    fill = _FILLERS[found.kind]
    added, common = fill(inner, own)
    for name, value in added.items():
        if value:
            native.setdefault(name, value)
    clock = next((name for name in _TIMES if inner.get(name)), "")
    return Row(
        at=_instant(inner.get(clock)),
        clock=clock,
        file=log.name,
        record=found.number,
        original=found.original,
        common={name: value for name, value in common.items() if value},
        native=native,
    )


_AMERICAN = ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y, %I:%M:%S %p")
"""How the page of Log Analytics writes times."""


def _instant(said: object) -> datetime | None:
    at = read_instant(said)
    if at is not None or not isinstance(said, str) or "," not in said:
        return at
    for form in _AMERICAN:
        with suppress(ValueError):
            return datetime.strptime(said, form).replace(tzinfo=UTC)
    return None


_Flat = Mapping[str, "str | list[str]"]
_Filled = tuple[dict[str, str], dict[str, str]]


def _sign_in(inner: Record, _own: _Flat) -> _Filled:
    code = text_at(inner, "status", "errorCode") or text_at(inner, "resultType") or text_at(inner, "errorCode")
    words = text_at(inner, "status") if isinstance(inner.get("status"), str) else ""
    words = words or text_at(inner, "status", "additionalDetails")
    is_good = code == "0" if code else words.lower() == "success"
    is_known = bool(code) or words.lower() in {"success", "failure", "interrupted"}
    status = ("Success" if is_good else "Failure") if is_known else ""
    location = inner.get("location")
    place = text_at(inner, "countryCode") or text_at(location, "countryOrRegion") or _text(location)
    user = text_at(inner, "userPrincipalName")
    # By its id, as what is done to it names it; names of programs are anybody's to choose.
    program = text_at(inner, "servicePrincipalId") or text_at(inner, "servicePrincipalName")
    agent = text_at(inner, "userAgent")
    address = text_at(inner, "ipAddress") or text_at(inner, "callerIpAddress")
    device = inner.get("deviceDetail")
    added = {
        "ResultType": code,
        "resultType": code,
        "ResultDescription": text_at(inner, "status", "failureReason") or text_at(inner, "resultDescription"),
        "Status": status,
        "Location": place,
        "location": place,
        "Username": user,
        "UserPrincipalName": user,
        "IPAddress": address,
        "IPaddress": address,
        "callerIpAddress": address,
        "UserAgent": agent,
        "userAgent": agent,
        "ClientAppUsed": text_at(inner, "clientAppUsed"),
        "AppId": text_at(inner, "appId"),
        "AppDisplayName": text_at(inner, "appDisplayName"),
        "ResourceDisplayName": text_at(inner, "resourceDisplayName"),
        "AuthenticationRequirement": text_at(inner, "authenticationRequirement"),
        "AuthenticationProtocol": text_at(inner, "authenticationProtocol"),
        "ConditionalAccessStatus": text_at(inner, "conditionalAccessStatus"),
        "RiskState": text_at(inner, "riskState"),
        "NetworkLocationDetails": compact(inner["networkLocationDetails"]) if "networkLocationDetails" in inner else "",
        "DeviceDetail.deviceId": text_at(device, "deviceId"),
        "DeviceDetail.isCompliant": text_at(device, "isCompliant"),
        "DeviceDetail.trusttype": text_at(device, "trustType"),
        # What Sigma's rules call the message of a sign-in is how it was made.
        "properties.message": _PROTOCOLS.get(text_at(inner, "authenticationProtocol").lower(), ""),
    }
    common = {
        "event.action": "sign-in",
        "event.outcome": status.lower(),
        "user.target.name": account_name(user),
        "user.name": account_name(program) if not user else "",
        "source.ip": ip_of(address),
        "user_agent.original": agent,
        "cloud.account.id": _tenant(inner),
    }
    return added, common


_PROTOCOLS = {"devicecode": "Device Code", "ropc": "ROPC"}


def _audit(inner: Record, own: _Flat) -> _Filled:
    action = text_at(inner, "activityDisplayName") or text_at(inner, "operationName")
    result = text_at(inner, "result")
    by = inner.get("initiatedBy")
    by = {_lower_first(k): v for k, v in by.items()} if isinstance(by, dict) else {}
    who = text_at(by, "user", "userPrincipalName") or text_at(by, "user", "displayName")
    program = text_at(by, "app", "servicePrincipalId") or text_at(by, "app", "displayName")
    agent = text_at(inner, "userAgent") or _detail(inner, "User-Agent")
    targets = inner.get("targetResources")
    added = {
        "ActivityDisplayName": action,
        "OperationName": action,
        "operationName": action,
        "properties.message": action,
        "ActivityType": action,
        "activityType": action,
        "Category": text_at(inner, "category"),
        "Status": result.capitalize(),
        "Result": result,
        "LoggedByService": text_at(inner, "loggedByService"),
        "Initiatedby": who or program,
        "Initiatied.By": who or program,
        "TargetResources": compact(targets) if targets else "",
        "Target": _names_of(targets),
        "userAgent": agent,
    }
    for held in _modified(targets):
        name, new = text_at(held, "displayName"), text_at(held, "newValue")
        if name and new:
            added.setdefault(name, new.strip('"'))
    for plural in ("newValue", "oldValue", "displayName"):
        values = own.get(f"targetResources.modifiedProperties.{plural}")
        if values:
            text = values if isinstance(values, str) else "\n".join(values)
            added[f"TargetResources.modifiedProperties.{plural}"] = text
            added[f"TargetResources.ModifiedProperties.{plural[0].upper()}{plural[1:]}"] = text
    common = {
        "event.action": action,
        "event.outcome": {"success": "success", "failure": "failure"}.get(result.lower(), ""),
        "user.name": account_name(who or program),
        "user.target.name": account_name(_target(targets)),
        "source.ip": ip_of(text_at(by, "user", "ipAddress") or text_at(inner, "callerIpAddress")),
        "user_agent.original": agent,
        "cloud.account.id": _tenant(inner),
    }
    return added, common


def _risk(inner: Record, own: _Flat) -> _Filled:
    kind = text_at(inner, "riskEventType") or text_at(inner, "riskType")
    common = {
        "event.action": kind,
        "user.target.name": account_name(text_at(inner, "userPrincipalName")),
        "source.ip": ip_of(text_at(inner, "ipAddress")),
        "user_agent.original": text_at(inner, "userAgent") or str(own.get("additionalInfo.userAgent", "")),
        "cloud.account.id": _tenant(inner),
    }
    return {"riskEventType": kind, "RiskEventType": kind}, common


_FILLERS = {_SIGN_IN: _sign_in, _AUDIT: _audit, _RISK: _risk}


def _tenant(inner: Record) -> str:
    return (text_at(inner, "resourceTenantId") or text_at(inner, "tenantId") or text_at(inner, "aadTenantId")).lower()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield {_lower_first(name): held for name, held in one.items()}


def _modified(targets: object) -> Iterator[Mapping[str, Any]]:
    for target in _objects(targets):
        yield from _objects(target.get("modifiedProperties"))


def _names_of(targets: object) -> str:
    names = [text_at(t, "userPrincipalName") or text_at(t, "displayName") for t in _objects(targets)]
    return ", ".join(name for name in names if name)


def _target(targets: object) -> str:
    people = (name for t in _objects(targets) if (name := text_at(t, "userPrincipalName")))
    # An application is an account of the directory, known by the number of its principal.
    programs = (text_at(t, "id") for t in _objects(targets) if text_at(t, "type") == "ServicePrincipal")
    return next(people, "") or next(programs, "")


def _detail(inner: Record, key: str) -> str:
    details = _objects(inner.get("additionalDetails"))
    return next((text_at(d, "value") for d in details if text_at(d, "key") == key), "")


def excerpt(stream: Any, number: int) -> Excerpt | None:
    """Cut out one record where each has its own line."""
    head = peek(stream)
    if _csv_kind(csv_headings(head)) or _RAW in csv_headings(head):
        return None
    return partial(excerpt_json_line, wrappers=_WRAPPERS)(stream, number)


SOURCE = Source(
    title="Entra ID sign-ins, directory audit and risks",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=excerpt,
)
