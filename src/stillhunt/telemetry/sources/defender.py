"""Microsoft Defender: what advanced hunting shows of devices, and alerts, as JSON or CSV.

Rows of ``DeviceProcessEvents``, ``DeviceNetworkEvents``, ``DeviceFileEvents``, ``DeviceRegistryEvents``,
``DeviceImageLoadEvents``, ``DeviceLogonEvents`` and ``DeviceEvents``, from the portal, the hunting interface or
Sentinel; alerts of Graph (``alerts`` and ``alerts_v2``), of ``SecurityAlert`` and ``AlertInfo``. What they cannot show:
the sensor samples (not every event of a kind is there), hunting reaches back 30 days, and an export stops at 10,000,
30,000 or 100,000 rows.

Native fields keep the columns' names and add those that Sigma's rules have for the same: ``Image``, ``CommandLine``,
``ParentImage``, ``TargetFilename``, ``DestinationIp``, ``TargetObject``, ``EventID`` for logons.

Reference: Microsoft, "Advanced hunting schema"; Graph, alert and alerts_v2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, BinaryIO, NamedTuple

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import csv_headings, csv_records
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.json_records import (
    cut_json_lines,
    excerpt_json_line,
    flatten,
    json_records,
    sample_records,
    says,
)
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

_WRAPPERS = frozenset({"value", "Results", "results", "records"})
_TIMES = ("Timestamp", "TimeGenerated", "createdDateTime", "eventDateTime", "StartTime", "AlertCreationTime")
Cells = Mapping[str, str]


class _Kind(NamedTuple):
    """Rows of one table.

    Attributes:
        category: Sigma's, by what happened; ``*`` for everything else.
        fields: Sigma's name to the columns that hold the same, the first that is there counts.
        common: Common column to columns.
    """

    category: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]
    common: Mapping[str, tuple[str, ...]]


_BY_WHOM = {"Image": ("InitiatingProcessFolderPath",), "CommandLine": ("InitiatingProcessCommandLine",)}
_ACTOR = {
    "process.executable": ("InitiatingProcessFolderPath",),
    "process.command_line": ("InitiatingProcessCommandLine",),
}

_PROCESS = _Kind(
    {"*": "process_creation"},
    {
        "Image": ("FolderPath",),
        "CommandLine": ("ProcessCommandLine",),
        "ParentImage": ("InitiatingProcessFolderPath",),
        "ParentCommandLine": ("InitiatingProcessCommandLine",),
        "OriginalFileName": ("ProcessVersionInfoOriginalFileName",),
        "Description": ("ProcessVersionInfoFileDescription",),
        "Product": ("ProcessVersionInfoProductName",),
        "Company": ("ProcessVersionInfoCompanyName",),
        "IntegrityLevel": ("ProcessIntegrityLevel",),
    },
    {
        "process.executable": ("FolderPath",),
        "process.command_line": ("ProcessCommandLine",),
        "process.parent.executable": ("InitiatingProcessFolderPath",),
        "file.hash.sha256": ("SHA256",),
    },
)
_NETWORK = _Kind(
    {"*": "network_connection"},
    {
        **_BY_WHOM,
        "DestinationIp": ("RemoteIP",),
        "DestinationPort": ("RemotePort",),
        "DestinationHostname": ("RemoteUrl",),
        "SourceIp": ("LocalIP",),
        "SourcePort": ("LocalPort",),
    },
    {
        **_ACTOR,
        "destination.ip": ("RemoteIP",),
        "destination.port": ("RemotePort",),
        "destination.domain": ("RemoteUrl",),
        "source.ip": ("LocalIP",),
    },
)
_FILE = _Kind(
    {"filedeleted": "file_delete", "filerenamed": "file_rename", "*": "file_event"},
    {**_BY_WHOM, "TargetFilename": ("FolderPath",)},
    {**_ACTOR, "file.path": ("FolderPath",), "file.hash.sha256": ("SHA256",)},
)
_REGISTRY = _Kind(
    {
        "registryvalueset": "registry_set",
        "registrykeycreated": "registry_add",
        "registrykeydeleted": "registry_delete",
        "registryvaluedeleted": "registry_delete",
        "*": "registry_event",
    },
    {**_BY_WHOM, "Details": ("RegistryValueData",)},
    _ACTOR,
)
_IMAGE = _Kind(
    {"*": "image_load"},
    {**_BY_WHOM, "ImageLoaded": ("FolderPath",)},
    {**_ACTOR, "file.path": ("FolderPath",), "file.hash.sha256": ("SHA256",)},
)
_LOGON = _Kind(
    {},
    {
        "TargetUserName": ("AccountName",),
        "TargetDomainName": ("AccountDomain",),
        "IpAddress": ("RemoteIP",),
        "WorkstationName": ("RemoteDeviceName",),
    },
    {"source.ip": ("RemoteIP",)},
)
_OTHER = _Kind({}, {**_BY_WHOM, "TargetFilename": ("FolderPath",)}, {**_ACTOR, "file.path": ("FolderPath",)})

_LOGON_TYPES = {
    "interactive": "2",
    "network": "3",
    "batch": "4",
    "service": "5",
    "unlock": "7",
    "networkcleartext": "8",
    "newcredentials": "9",
    "remoteinteractive": "10",
    "cachedinteractive": "11",
}
_TELLING: tuple[tuple[frozenset[str], _Kind], ...] = (
    (frozenset({"processcommandline", "initiatingprocesscommandline", "processintegritylevel"}), _PROCESS),
    (frozenset({"remoteip", "remoteport", "initiatingprocessfilename"}), _NETWORK),
    (frozenset({"registrykey", "initiatingprocessfilename"}), _REGISTRY),
    (frozenset({"logontype", "accountname", "logonid", "devicename"}), _LOGON),
    (frozenset({"folderpath", "sha256", "initiatingprocessfilename", "requestaccountname"}), _FILE),
    (frozenset({"folderpath", "sha256", "initiatingprocessfilename"}), _IMAGE),
)
_TABLES = {
    "deviceprocessevents": _PROCESS,
    "devicenetworkevents": _NETWORK,
    "devicefileevents": _FILE,
    "deviceregistryevents": _REGISTRY,
    "deviceimageloadevents": _IMAGE,
    "devicelogonevents": _LOGON,
    "deviceevents": _OTHER,
}
_BY_ACTION = {
    "processcreated": _PROCESS,
    "connectionsuccess": _NETWORK,
    "connectionfailed": _NETWORK,
    "connectionrequest": _NETWORK,
    "connectionattempt": _NETWORK,
    "connectionfound": _NETWORK,
    "inboundconnectionaccepted": _NETWORK,
    "listeningconnectioncreated": _NETWORK,
    "filecreated": _FILE,
    "filemodified": _FILE,
    "filedeleted": _FILE,
    "filerenamed": _FILE,
    "registryvalueset": _REGISTRY,
    "registryvaluedeleted": _REGISTRY,
    "registrykeycreated": _REGISTRY,
    "registrykeydeleted": _REGISTRY,
    "imageloaded": _IMAGE,
    "logonsuccess": _LOGON,
    "logonfailed": _LOGON,
    "logonattempted": _LOGON,
}
_DEVICE = frozenset({"actiontype", "devicename"})
_ALERT_NAMES = ("title", "alertname", "displayname")


def sniff(head: bytes) -> bool:
    """Tell by the columns that every device table has, or by those of an alert."""
    if _is_ours(csv_headings(head)):
        return True
    if not any(says(head, name) for name in (b"ActionType", b'"severity"', b"AlertName", b'"Severity"')):
        return False
    return any(_is_ours(sample) for sample in sample_records(head, wrappers=_WRAPPERS))


def _plain(name: str) -> str:
    return name.partition(" [")[0].strip().lower()


def _is_ours(names: Sequence[str] | Mapping[str, Any]) -> bool:
    columns = {_plain(name) for name in names}
    if columns >= _DEVICE and columns & {"timestamp", "timegenerated"}:
        return True
    return _is_alert(columns)


def _is_alert(columns: set[str]) -> bool:
    is_named = bool(columns.intersection(_ALERT_NAMES)) and "severity" in columns
    is_graphs = {"servicesource", "createddatetime"} <= columns or {"vendorinformation", "eventdatetime"} <= columns
    is_tables = {"alertname", "productname", "timegenerated"} <= columns
    is_hunted = {"alertid", "title", "severity", "servicesource"} <= columns and "timestamp" in columns
    return is_named and (is_graphs or is_tables or is_hunted)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every row and alert; objects that are neither are counted."""
    if _is_ours(csv_headings(peek(log.stream))):
        for record in csv_records(log, is_heading=_is_ours):
            cells = {name.partition(" [")[0].strip(): cell for name, cell in record.cells.items() if name}
            yield _event(log, cells, record.number, record.text)
        return
    for found in json_records(log, wrappers=_WRAPPERS):
        if _is_ours(found.value):
            yield _event(log, flatten(found.value), found.number, found.text)
        else:
            log.unread(str(found.number), "is JSON but neither a device table's row nor an alert", text=found.text)


def _event(log: LogFile, row: Mapping[str, Value], number: int, original: str) -> tuple[EventClass, Row]:
    cells = {_plain(name): value for name, value in row.items() if isinstance(value, str)}
    fill = _alert if _is_alert({*cells, *(name.partition(".")[0] for name in cells)}) else _device
    event_class, native, common = fill(cells)
    clock = next((name for name in _TIMES if cells.get(name.lower())), "")
    said = cells.get(clock.lower(), "")
    at = read_instant(said)
    if at is not None and not has_zone(said):
        at = log.utc(at.replace(tzinfo=None))
    return event_class, Row(
        at=at,
        clock=clock if at is not None else "",
        file=log.name,
        record=number,
        original=original,
        common={name: value for name, value in common.items() if value},
        native={**row, **{name: value for name, value in native.items() if value}},
    )


_Filled = tuple[EventClass, dict[str, str], dict[str, str]]


def _one(cells: Cells, names: Sequence[str]) -> str:
    return next((text for name in names if (text := cells.get(name.lower(), ""))), "")


def _device(cells: Cells) -> _Filled:
    kind = _kind_of(cells)
    action = cells.get("actiontype", "")
    path = cells.get("folderpath", "") or cells.get("initiatingprocessfolderpath", "")
    product = "linux" if path.startswith("/") else "windows"
    native = {name: _one(cells, columns) for name, columns in kind.fields.items()}
    common = {name: _one(cells, columns) for name, columns in kind.common.items()}
    for name in ("source.ip", "destination.ip"):
        common[name] = ip_of(common.get(name, ""))
    common["file.hash.sha256"] = common.get("file.hash.sha256", "").lower()
    common["host.name"] = cells.get("devicename", "").lower()
    common["event.action"] = action
    actor = _account(cells, "initiatingprocessaccount")
    account = _account(cells, "account")
    common["user.name"] = account_name(account if kind is _PROCESS else actor)
    native["User"] = account if kind is _PROCESS else actor
    native["Hashes"] = ",".join(f"{n.upper()}={cells[n].upper()}" for n in ("md5", "sha1", "sha256") if cells.get(n))
    if kind is _NETWORK:
        native["Initiated"] = "false" if "inbound" in action.lower() or "listening" in action.lower() else "true"
    if kind is _REGISTRY:
        native["TargetObject"] = "\\".join(t for t in (cells.get("registrykey"), cells.get("registryvaluename")) if t)
    if kind is _LOGON:
        _add_logon(cells, native, common, account)
    return _class_of(kind, action.lower(), product), native, common


def _add_logon(cells: Cells, native: dict[str, str], common: dict[str, str], account: str) -> None:
    action = cells.get("actiontype", "").lower()
    number = _LOGON_TYPES.get(cells.get("logontype", "").lower().replace(" ", ""), "")
    native["LogonType"] = common["logon.type"] = number
    native["EventID"] = "4625" if action == "logonfailed" else "4624"
    common["event.outcome"] = {"logonsuccess": "success", "logonfailed": "failure"}.get(action, "")
    common["user.target.name"] = account_name(account)


def _kind_of(cells: Cells) -> _Kind:
    table = cells.get("type", "") or cells.get("$table", "")
    kind = _TABLES.get(table.lower()) or _BY_ACTION.get(cells.get("actiontype", "").lower())
    if kind is not None:
        return kind
    columns = cells.keys()
    return next((kind for telling, kind in _TELLING if telling <= columns), _OTHER)


def _account(cells: Cells, prefix: str) -> str:
    domain, name = cells.get(f"{prefix}domain", ""), cells.get(f"{prefix}name", "")
    return f"{domain}\\{name}" if domain and name else name


@cache
def _event_class(product: str, category: str, service: str) -> EventClass:
    categories = {category, "registry_event"} if category.startswith("registry_") else {category}
    return EventClass(product=product, categories=frozenset(categories - {""}), services=frozenset({service} - {""}))


def _class_of(kind: _Kind, action: str, product: str) -> EventClass:
    if kind is _LOGON and product == "windows":
        return _event_class(product, "", "security")
    category = kind.category.get(action, kind.category.get("*", ""))
    return _event_class(product, category, "" if category else "defender")


def _alert(cells: Cells) -> _Filled:
    name = _one(cells, _ALERT_NAMES)
    severity = cells.get("severity", "").lower()
    native = {"alert.signature": name, "Severity": severity, "AlertName": name}
    common = {
        "event.action": name,
        "host.name": _one(
            cells, ("devicename", "compromisedentity", "hoststates.netbiosname", "evidence.hostname")
        ).lower(),
        "user.target.name": account_name(
            _one(cells, ("accountupn", "userstates.userprincipalname", "evidence.useraccount.userprincipalname"))
        ),
        "cloud.account.id": _one(cells, ("tenantid", "azuretenantid")).lower(),
    }
    return _event_class("defender", "", "alert"), native, common


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out one row where each has its own line."""
    return None if _is_ours(csv_headings(peek(stream))) else excerpt_json_line(stream, number, wrappers=_WRAPPERS)


SOURCE = Source(
    title="Microsoft Defender: hunting tables and alerts",
    sniff=sniff,
    read=read,
    cut=partial(cut_json_lines, wrappers=_WRAPPERS),
    excerpt=excerpt,
)
