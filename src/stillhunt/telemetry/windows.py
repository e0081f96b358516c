"""Windows events of any shape as batches: Sigma's field names, Sysmon twins, common columns.

A source (EVTX, JSON of any shape) only has to say what is system data and what is event data; everything else
about Windows events is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, TypeAlias

import pyarrow as pa

from stillhunt.telemetry.account import account_name, account_of_sid, qualified
from stillhunt.telemetry.columns import combined, constant, expressible, first_filled, mapped, text_column
from stillhunt.telemetry.event import COMMON, TEXT_LIST, EventClass
from stillhunt.telemetry.logsource import SYSMON, event_class

__all__ = ["WRITER", "WindowsTable", "common_columns"]

WRITER = "event.writer"
"""Column of a :class:`WindowsTable` that keeps the account that wrote an event; it becomes part of ``user.name``."""


@dataclass(slots=True, kw_only=True)
class WindowsTable:
    """Windows events of one provider, channel and event id, whatever they were written in.

    Attributes:
        provider: Provider name.
        channel: Channel of the records.
        event_id: Event id as text.
        at: System time, ``timestamp[us, UTC]``.
        clock: Field that ``at`` was read from.
        computer: Host name as logged.
        record_id: EventRecordID.
        user: Account that wrote the event, where the exporter looked its name up; or None.
        columns: Further system fields under Sigma's names (``Level``, ``Task``, ``Keywords`` ...), EventData and
            UserData: native names to :data:`TEXT` columns, ``Data`` to a :data:`TEXT_LIST` column.
        is_local: Which of the times named no zone and were taken as local ones; empty for none.
    """

    provider: str
    channel: str
    event_id: str
    at: pa.Array[Any]
    clock: pa.Array[Any]
    computer: pa.Array[Any]
    record_id: pa.Array[Any]
    user: pa.Array[Any] | None = None
    columns: Mapping[str, pa.Array[Any]] = field(default_factory=dict)
    is_local: Sequence[bool] = ()

    def native(self) -> tuple[EventClass, dict[str, pa.Array[Any]]]:
        """Return the class of the events, and their native columns."""
        n_rows = len(self.at)
        native: dict[str, pa.Array[Any]] = {
            "Channel": constant(self.channel, n_rows),
            "Provider_Name": constant(self.provider, n_rows),
            "Computer": self.computer,
            **{expressible(name): column for name, column in self.columns.items() if name not in COMMON},
            # Event 1108 carries an EventID of its own; rules mean the record's.
            "EventID": constant(self.event_id, n_rows),
            "EventRecordID": self.record_id,
        }
        found = event_class(self.provider, self.channel, self.event_id, self._event_type())
        twin = _TWINS.get(self.event_id) if _is_auditing(found) else None
        if twin is not None:
            for name, column in twin(_Text(self.columns)).items():
                native[name] = _filled(native.get(name), column)
        if self.user is not None:
            native[WRITER] = self.user
        return found, native

    def _event_type(self) -> str:
        """Sysmon's event 12 is two classes by its type, which sources therefore never mix in one table."""
        column = self.columns.get("EventType")
        if self.event_id != "12" or self.provider.lower() != SYSMON or column is None or not len(column):
            return ""
        return str(column[0].as_py() or "")


class _Text:
    """The columns that hold one text per event, by name."""

    def __init__(self, columns: Mapping[str, pa.Array[Any]]) -> None:
        self._columns = columns
        self.n_rows = len(next(iter(columns.values()))) if columns else 0

    def get(self, name: str) -> pa.Array[Any] | None:
        column = self._columns.get(name)
        return None if column is None or column.type == TEXT_LIST else column

    def all(self, names: Sequence[str]) -> list[pa.Array[Any]]:
        return [column for name in names if (column := self.get(name)) is not None]

    def joint(self, one: str, other: str, change: Callable[[str | None, str | None], str | None]) -> Any:
        """Combine two columns, either of which may be missing."""
        columns = [self.get(one), self.get(other)]
        if columns[0] is None and columns[1] is None:
            return None
        nothing = constant(None, self.n_rows)
        return combined([nothing if column is None else column for column in columns], change)


def _filled(column: Any, other: Any) -> Any:
    """Return a column with its missing values from another."""
    if column is None:
        return other
    if not column.null_count:
        return column
    return combined([column, other], lambda own, new: new if own is None else own, keeps_empty=True)


def _is_auditing(found: EventClass) -> bool:
    return "security" in found.services and (found.provider or "").lower() == "microsoft-windows-security-auditing"


# --- Sysmon twins: Security events that carry Sysmon's field names beside their own --------------------------

_INTEGRITY = {"4096": "Low", "8192": "Medium", "8448": "Medium", "12288": "High", "16384": "System"}

_Columns: TypeAlias = "dict[str, pa.Array[Any] | None]"


def _process_twin(data: _Text) -> dict[str, pa.Array[Any]]:
    found: _Columns = {
        "Image": data.get("NewProcessName"),
        "ParentImage": data.get("ParentProcessName"),
        "ProcessId": _changed(data.get("NewProcessId"), _decimal),
        "ParentProcessId": _changed(data.get("ProcessId"), _decimal),
        "User": data.joint("SubjectDomainName", "SubjectUserName", _qualified),
        "LogonId": data.get("SubjectLogonId"),
        "IntegrityLevel": _changed(data.get("MandatoryLabel"), lambda sid: _INTEGRITY.get(sid.rpartition("-")[2])),
    }
    return {name: column for name, column in found.items() if column is not None}


def _registry_twin(data: _Text) -> dict[str, pa.Array[Any]]:
    found: _Columns = {
        "TargetObject": data.joint("ObjectName", "ObjectValueName", _registry_path),
        "Details": data.get("NewValue"),
        "Image": data.get("ProcessName"),
        "User": data.joint("SubjectDomainName", "SubjectUserName", _qualified),
    }
    return {name: column for name, column in found.items() if column is not None}


_TWINS: dict[str, Callable[[_Text], dict[str, pa.Array[Any]]]] = {
    "4688": _process_twin,
    "4657": _registry_twin,
}


def _changed(column: pa.Array[Any] | None, change: Callable[[str], str | None]) -> pa.Array[Any] | None:
    return None if column is None else mapped(column, change)


def _qualified(domain: str | None, name: str | None) -> str:
    return qualified(domain or "", name or "")


def _registry_path(key: str | None, name: str | None) -> str:
    path = re.sub(r"(?i)^\\registry\\machine", "HKLM", key or "")
    path = re.sub(r"(?i)^\\registry\\user", "HKU", path)
    return f"{path}\\{name}" if name else path


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

_SERVICE_TICKETS = frozenset({"4768", "4769", "4770"})
"""Their ServiceName is a Kerberos principal, not a Windows service."""

_SHA256 = re.compile(r"SHA256=([0-9A-Fa-f]{64})")


def common_columns(found: EventClass, native: Mapping[str, pa.Array[Any]]) -> dict[str, pa.Array[Any]]:
    """Return the common columns that native ones speak of, and no others.

    Args:
        found: Class of the events.
        native: Their native columns, and :data:`WRITER`.
    """
    data = _Text(native)
    columns: _Columns = {name: first_filled(data.all(names)) for name, names in _FIRST_OF.items()}
    columns["host.name"] = host = _changed(data.get("Computer"), lambda name: name.lower().rstrip("."))
    if found.event_id == "1149" and (found.provider or "").lower() == _REMOTE_DESKTOP:
        columns["source.ip"] = data.get("Param3")
    for name in ("source.ip", "destination.ip"):
        columns[name] = _changed(columns[name], _address)
    if data.get("RelativeTargetName") is not None:
        path = data.joint("ShareName", "RelativeTargetName", _shared_path)
        columns["file.path"] = (
            path if columns["file.path"] is None or path is None else _filled(path, columns["file.path"])
        )
    if found.event_id in _SERVICE_TICKETS and _is_auditing(found):
        columns["service.name"] = None
    columns["file.hash.sha256"] = _changed(first_filled(data.all(("Hashes", "Hash"))), _sha256)
    columns |= _accounts(found, data, native)
    columns["email.mailbox"] = _mailbox(found, native)
    for name, names in _PROCESSES.items():
        guid = first_filled(data.all(names))
        if guid is not None and host is not None:
            columns[name] = combined([host, guid], lambda h, g: f"{h or ''}:{g.lower()}" if g else None)
    return {name: column for name, column in columns.items() if column is not None}


_PROCESSES = {
    "process.entity_id": ("ProcessGuid", "SourceProcessGUID", "SourceProcessGuid"),
    "process.parent.entity_id": ("ParentProcessGuid",),
}

_REMOTE_DESKTOP = "microsoft-windows-terminalservices-remoteconnectionmanager"
_EXCHANGE = "msexchange cmdletlogs"
_WRITTEN_BY_THE_ACTING = frozenset(
    {"microsoft-windows-powershell", "powershellcore", "powershell", "service control manager"}
)
"""Providers that write their events as the account that acts, so that the record's own user says who."""

_CONTEXT_USER = re.compile(r"^\s*User = ([^\s\\]+\\[^\r\n]+?)\s*$", re.MULTILINE)
"""In ContextInfo of PowerShell 4103, where Windows speaks English."""


def _shared_path(share: str | None, name: str | None) -> str | None:
    return None if name is None else f"{share or ''}\\{name}"


def _sha256(hashes: str) -> str | None:
    digest = _SHA256.search(hashes)
    return digest.group(1).lower() if digest else None


def _accounts(found: EventClass, data: _Text, native: Mapping[str, pa.Array[Any]]) -> _Columns:
    subject = data.joint("SubjectDomainName", "SubjectUserName", _qualified)
    target = data.joint("TargetDomainName", "TargetUserName", _qualified)
    own = data.all(("User", "SourceUser"))
    if found.event_id in _ACTS_AS_TARGET and _is_auditing(found):
        subject, target = target, None
    named = [mapped(c, account_name) for c in (*own, subject, *_writers(found, data, native)) if c is not None]
    return {"user.name": first_filled(named), "user.target.name": _changed(target, account_name)}


def _writers(found: EventClass, data: _Text, native: Mapping[str, pa.Array[Any]]) -> list[pa.Array[Any]]:
    """Return the acting account from where a few providers keep it."""
    provider = (found.provider or "").lower()
    if provider in _WRITTEN_BY_THE_ACTING:
        candidates = (
            _changed(data.get("ContextInfo"), _user_of_context),
            native.get(WRITER),
            _changed(data.get("Security_UserID"), account_of_sid),
        )
        return [column for column in candidates if column is not None]
    if provider == _REMOTE_DESKTOP:
        column = data.joint("Param2", "Param1", _qualified)
        return [] if column is None else [column]
    if provider == _EXCHANGE and "Data" in native and native["Data"].type == TEXT_LIST:
        rows = native["Data"].to_pylist()
        # The canonical name of the directory: domain/container/name.
        return [text_column([_of_directory(row[2]) if row and len(row) > 2 else None for row in rows])]
    return []


def _mailbox(found: EventClass, native: Mapping[str, pa.Array[Any]]) -> pa.Array[Any] | None:
    """Return the mailbox that a cmdlet of Exchange was about."""
    if (found.provider or "").lower() != _EXCHANGE or "Data" not in native or native["Data"].type != TEXT_LIST:
        return None
    named: pa.Array[Any] = text_column([_mailbox_of(row) for row in native["Data"].to_pylist()])
    return named


def _mailbox_of(row: list[str | None] | None) -> str | None:
    cmdlet, parameters, *_ = [*(row or []), "", ""]
    named = _OF_MAILBOX.search(parameters or "") if "mailbox" in (cmdlet or "").lower() else None
    if named is None:
        return None
    mailbox = (named[1] or named[2]).lower()
    # A request is called by its mailbox and a name of its own, which are joined as domain and user are elsewhere.
    return mailbox.partition("\\")[0] if (cmdlet or "").lower().endswith("request") else mailbox


_OF_MAILBOX = re.compile(r'-(?:Mailbox|Identity|SourceMailbox) (?:"([^"]+)"|(\S+))', re.IGNORECASE)


def _user_of_context(text: str) -> str | None:
    context = _CONTEXT_USER.search(text)
    return context.group(1) if context else None


def _of_directory(name: str) -> str:
    domain, _, path = name.partition("/")
    return qualified(domain, path.rpartition("/")[2]) if path else name


@lru_cache(maxsize=65_536)
def _address(text: str) -> str:
    """Return an address as logged, without the prefix of an IPv4 address written as IPv6; empty if it is none."""
    text = text.removeprefix("::ffff:")
    try:
        ip_address(text)
    except ValueError:
        return ""
    return text
