"""Windows events of any shape to rows: Sigma's field names, Sysmon twins, common columns.

A shape (EVTX, Winlogbeat, NXLog ...) only has to say what is system data and what is event data; everything
else about Windows events is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from stillhunt.telemetry.account import account_name, account_of_sid, qualified
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.logsource import event_class
from stillhunt.telemetry.table import LIST_FIELDS, Row, Value

__all__ = ["WindowsEvent", "event_data", "text_of", "to_row"]


@dataclass(slots=True, kw_only=True)
class WindowsEvent:
    """One Windows event, whatever it was written in.

    Attributes:
        provider: Provider name.
        channel: Channel of the record.
        event_id: Event id as text.
        computer: Host name as logged.
        record_id: EventRecordID, or None.
        at: System time.
        clock: Field that ``at`` was read from.
        system: Further system fields under Sigma's names (``Level``, ``Task``, ``Keywords`` ...).
        data: EventData or UserData: native names to text, ``Data`` to a list.
        user: Account that wrote the event, where the exporter looked its name up.
    """

    provider: str
    channel: str
    event_id: str
    computer: str
    record_id: int | None
    at: datetime | None
    clock: str
    system: dict[str, str]
    data: dict[str, Value]
    user: str = ""


def to_row(event: WindowsEvent, *, file: str, record: int, original: str) -> tuple[EventClass, Row]:
    """Return an event's class and its row.

    Args:
        event: The event.
        file: Input file as shown to people.
        record: What finds the record again in that file.
        original: The raw record.
    """
    found = event_class(event.provider, event.channel, event.event_id, _single(event.data, "EventType"))
    native: dict[str, Value] = {
        "Channel": event.channel,
        "Provider_Name": event.provider,
        "Computer": event.computer,
        **event.system,
        **event.data,
        # Event 1108 carries an EventID of its own; rules mean the record's.
        "EventID": event.event_id,
    }
    if event.record_id is not None:
        native["EventRecordID"] = str(event.record_id)
    twin = _TWINS.get(event.event_id) if _is_auditing(event) else None
    if twin is not None:
        native = twin(event.data) | native
    host = event.computer.lower().rstrip(".")
    common = _common(event, native, host)
    row = Row(at=event.at, clock=event.clock, file=file, record=record, original=original, common=common, native=native)
    return found, row


def text_of(value: object) -> str | None:
    """Return a decoded JSON value as Windows would log it, or None for null.

    >>> text_of(True), text_of(4688), text_of("0x3e7"), text_of(None)
    ('true', '4688', '0x3e7', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return text_of(value["#text"]) if "#text" in value else _joined(value)
    if isinstance(value, list):
        return "\n".join(t for v in value if (t := text_of(v)) is not None)
    return str(value)


def event_data(node: object) -> dict[str, Value]:
    """Flatten EventData or UserData to field names: attributes dropped, spaces removed, unnamed data in ``Data``.

    The names of wrapping elements (UserData's one child) are dropped, those of values are kept.
    """
    found: dict[str, Value] = {}
    if isinstance(node, dict):
        _flatten(node, found)
    elif isinstance(node, list):
        for item in node:
            if isinstance(item, dict):
                _flatten(item, found)
    return found


def _flatten(node: Mapping[str, object], found: dict[str, Value]) -> None:
    for key, value in node.items():
        if key in _NO_FIELDS:
            continue
        name = key.replace(" ", "")
        if name in LIST_FIELDS:
            _take_data(value, found)
        elif isinstance(value, dict) and "#text" not in value:
            _flatten(value, found)
        elif (text := value if isinstance(value, str) else text_of(value)) is not None:
            found[name] = text if name not in found else _both(found[name], text)


_NO_FIELDS = frozenset({"#attributes", "xmlns", "@xmlns", "@Name"})


def _take_data(value: object, found: dict[str, Value]) -> None:
    """Take <Data> elements: named ones become fields, unnamed ones the list ``Data``."""
    for item in value if isinstance(value, list) else [value]:
        name = None
        if isinstance(item, Mapping):
            attributes = item.get("#attributes")
            name = (attributes.get("Name") if isinstance(attributes, Mapping) else None) or item.get("@Name")
            item = item.get("#text")  # noqa: PLW2901 - the element is its text from here on
        if isinstance(name, str):
            if (text := text_of(item)) is not None:
                found[name.replace(" ", "")] = text
            continue
        texts = [t for v in (item if isinstance(item, list) else [item]) if (t := text_of(v)) is not None]
        known = found.get("Data")
        found["Data"] = [*(known if isinstance(known, list) else []), *texts]


def _both(known: Value, text: str) -> str:
    """Keep both values of a name that an event has twice."""
    return f"{known}\n{text}" if isinstance(known, str) else text


def _joined(value: Mapping[str, object]) -> str:
    return " ".join(f"{k}={t}" for k, v in value.items() if k != "#attributes" and (t := text_of(v)) is not None)


def _single(data: Mapping[str, Value], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _is_auditing(event: WindowsEvent) -> bool:
    return event.channel.lower() == "security" and event.provider.lower() == "microsoft-windows-security-auditing"


# --- Sysmon twins: Security events that carry Sysmon's field names beside their own --------------------------

_INTEGRITY = {"4096": "Low", "8192": "Medium", "8448": "Medium", "12288": "High", "16384": "System"}


def _process_twin(data: Mapping[str, Value]) -> dict[str, Value]:
    subject = qualified(_single(data, "SubjectDomainName"), _single(data, "SubjectUserName"))
    found: dict[str, Value] = {
        "Image": data.get("NewProcessName"),
        "ParentImage": data.get("ParentProcessName"),
        "ProcessId": _decimal(_single(data, "NewProcessId")),
        "ParentProcessId": _decimal(_single(data, "ProcessId")),
        "User": subject or None,
        "LogonId": data.get("SubjectLogonId"),
        "IntegrityLevel": _INTEGRITY.get(_single(data, "MandatoryLabel").rpartition("-")[2]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _registry_twin(data: Mapping[str, Value]) -> dict[str, Value]:
    key = re.sub(r"(?i)^\\registry\\machine", "HKLM", _single(data, "ObjectName"))
    key = re.sub(r"(?i)^\\registry\\user", "HKU", key)
    name = _single(data, "ObjectValueName")
    found: dict[str, Value] = {
        "TargetObject": f"{key}\\{name}" if name else key,
        "Details": data.get("NewValue"),
        "Image": data.get("ProcessName"),
        "User": qualified(_single(data, "SubjectDomainName"), _single(data, "SubjectUserName")) or None,
    }
    return {name: value for name, value in found.items() if value}


_TWINS: dict[str, Callable[[Mapping[str, Value]], dict[str, Value]]] = {
    "4688": _process_twin,
    "4657": _registry_twin,
}


def _decimal(text: str) -> str | None:
    try:
        return str(int(text, 0)) if text else None
    except ValueError:
        return text


# --- Common columns ------------------------------------------------------------------------------------------

_FIRST_OF: dict[str, tuple[str, ...]] = {
    "process.executable": ("Image", "SourceImage", "NewProcessName", "ProcessName", "Application"),
    "process.command_line": ("CommandLine", "ProcessCommandLine"),
    "process.parent.executable": ("ParentImage", "ParentProcessName"),
    "file.path": ("TargetFilename", "ImageLoaded", "Path"),
    "logon.type": ("LogonType",),
    "service.name": ("ServiceName", "TaskName"),
    "destination.domain": ("QueryName", "DestinationHostname"),
    "source.ip": ("SourceIp", "IpAddress", "SourceAddress", "ClientAddress", "ClientIP", "Address"),
    "destination.ip": ("DestinationIp", "DestAddress"),
}
"""Common column to native names, the first that is there counts."""

_ACTS_AS_TARGET = frozenset({"4768", "4769", "4770", "4771", "4776"})
"""Kerberos and NTLM events of a domain controller: the account they name is the one that acts."""

_SHA256 = re.compile(r"SHA256=([0-9A-Fa-f]{64})")


def _common(event: WindowsEvent, native: Mapping[str, Value], host: str) -> dict[str, str]:
    found = {"host.name": host} if host else {}
    for column, names in _FIRST_OF.items():
        for name in names:
            value = native.get(name)
            if isinstance(value, str) and value and value != "-":
                found[column] = value
                break
    if event.event_id == "1149" and event.provider.lower() == _REMOTE_DESKTOP:
        found["source.ip"] = _single(native, "Param3")
    for column in ("source.ip", "destination.ip"):
        if column in found and (address := _address(found.pop(column))):
            found[column] = address
    if "RelativeTargetName" in native:
        share = _single(native, "ShareName")
        found["file.path"] = f"{share}\\{_single(native, 'RelativeTargetName')}"
    if event.event_id in _SERVICE_TICKETS and _is_auditing(event):
        found.pop("service.name", None)
    if digest := _SHA256.search(_single(native, "Hashes") or _single(native, "Hash")):
        found["file.hash.sha256"] = digest.group(1).lower()
    found |= _accounts(event, native)
    found |= _processes(native, host)
    return found


_SERVICE_TICKETS = frozenset({"4768", "4769", "4770"})
"""Their ServiceName is a Kerberos principal, not a Windows service."""


_REMOTE_DESKTOP = "microsoft-windows-terminalservices-remoteconnectionmanager"
_EXCHANGE = "msexchange cmdletlogs"
_WRITTEN_BY_THE_ACTING = frozenset(
    {"microsoft-windows-powershell", "powershellcore", "powershell", "service control manager"}
)
"""Providers that write their events as the account that acts, so that the record's own user says who."""

_CONTEXT_USER = re.compile(r"^\s*User = ([^\s\\]+\\[^\r\n]+?)\s*$", re.MULTILINE)
"""In ContextInfo of PowerShell 4103, where Windows speaks English."""


def _accounts(event: WindowsEvent, native: Mapping[str, Value]) -> dict[str, str]:
    found: dict[str, str] = {}
    subject = qualified(_single(native, "SubjectDomainName"), _single(native, "SubjectUserName"))
    target = qualified(_single(native, "TargetDomainName"), _single(native, "TargetUserName"))
    own = _single(native, "User") or _single(native, "SourceUser")
    if event.event_id in _ACTS_AS_TARGET and _is_auditing(event):
        subject, target = target, ""
    if acting := account_name(own) or account_name(subject) or account_name(_writer(event)):
        found["user.name"] = acting
    if target := account_name(target):
        found["user.target.name"] = target
    return found


def _writer(event: WindowsEvent) -> str:
    """Return the acting account from where a few providers keep it."""
    provider, data = event.provider.lower(), event.data
    if provider in _WRITTEN_BY_THE_ACTING:
        context = _CONTEXT_USER.search(_single(data, "ContextInfo"))
        return context.group(1) if context else event.user or account_of_sid(event.system.get("Security_UserID", ""))
    if provider == _REMOTE_DESKTOP:
        return qualified(_single(data, "Param2"), _single(data, "Param1"))
    if provider == _EXCHANGE and isinstance(values := data.get("Data"), list) and len(values) > 2:
        # The canonical name of the directory: domain/container/name.
        domain, _, path = values[2].partition("/")
        return qualified(domain, path.rpartition("/")[2]) if path else values[2]
    return ""


@lru_cache(maxsize=65_536)
def _address(text: str) -> str:
    """Return an address as logged, without the prefix of an IPv4 address written as IPv6; empty if it is none."""
    text = text.removeprefix("::ffff:")
    try:
        ip_address(text)
    except ValueError:
        return ""
    return text


def _processes(native: Mapping[str, Value], host: str) -> dict[str, str]:
    found: dict[str, str] = {}
    process = _single(native, "ProcessGuid") or _single(native, "SourceProcessGUID")
    process = process or _single(native, "SourceProcessGuid")
    parent = _single(native, "ParentProcessGuid")
    if process:
        found["process.entity_id"] = f"{host}:{process.lower()}"
    if parent:
        found["process.parent.entity_id"] = f"{host}:{parent.lower()}"
    return found
