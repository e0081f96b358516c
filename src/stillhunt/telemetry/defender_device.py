r"""Events of devices as Defender's advanced hunting has them (tables ``Device*``), in the words of Sigma's rules.

Which category an event is of follows from its ``ActionType``, whatever table or export it came in; where a query left
that out, from the columns that are there. The system follows from how paths are written, since no column names it:
``/`` is Linux, or macOS below ``/Applications``, ``/Library``, ``/System``, ``/Users`` and ``/private``.

Every column keeps its own name and text, but ``LogonType``, which is Windows' number (the word is ``LogonTypeName``).
What rules call otherwise stands beside: paths are whole (``FolderPath`` holds the file's name in some tables and not
in others), keys of the registry begin as Sysmon writes them (``HKLM``, ``HKU``; ``ControlSet001`` is
``CurrentControlSet``), numbers in it too (``DWORD (0x00000001)``), a pipe's name begins with ``\``.

Reference: Microsoft, "Understand the advanced hunting schema"; Sigma, "Taxonomy".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from stillhunt.telemetry.account import account_name, qualified
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass

__all__ = ["DEVICE_TABLES", "device_event", "kind_of_device_event"]

Cells = Mapping[str, str]
"""An event by its columns; those without a value are left out."""

_Words = dict[str, str]

DEVICE_TABLES = frozenset(
    {
        *("DeviceEvents", "DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceRegistryEvents"),
        *("DeviceLogonEvents", "DeviceImageLoadEvents", "DeviceInfo", "DeviceNetworkInfo"),
        "DeviceFileCertificateInfo",
    }
)

_NETWORK = ("network", "network_connection")
_KINDS: dict[str, tuple[str, ...]] = {
    # ActionType: what its columns mean, Sigma's categories.
    "ProcessCreated": ("process", "process_creation"),
    "ProcessCreatedUsingWmiQuery": ("process", "process_creation"),
    "ConnectionSuccess": _NETWORK,
    "ConnectionFailed": _NETWORK,
    "ConnectionRequest": _NETWORK,
    "ConnectionFound": _NETWORK,
    "ConnectionAttempt": _NETWORK,
    "ConnectionAcknowledged": _NETWORK,
    "InboundConnectionAccepted": _NETWORK,
    "DnsQueryResponse": ("dns", "dns_query"),
    "FileCreated": ("file", "file_event"),
    # Sysmon's event of creation is also written when a file is overwritten.
    "FileModified": ("file", "file_event", "file_change"),
    "FileRenamed": ("file", "file_rename"),
    "FileDeleted": ("file", "file_delete"),
    "RegistryValueSet": ("registry", "registry_event", "registry_set"),
    "RegistryKeyCreated": ("registry", "registry_event", "registry_add"),
    "RegistryKeyDeleted": ("registry", "registry_event", "registry_delete"),
    "RegistryValueDeleted": ("registry", "registry_event", "registry_delete"),
    "RegistryKeyRenamed": ("registry", "registry_event", "registry_rename"),
    "ImageLoaded": ("image", "image_load"),
    "DriverLoad": ("image", "driver_load"),
    "NamedPipeEvent": ("pipe", "pipe_created"),
    "OpenProcessApiCall": ("target", "process_access"),
    "CreateRemoteThreadApiCall": ("target", "create_remote_thread"),
    "AntivirusDetection": ("antivirus", "antivirus"),
    "LogonSuccess": ("logon",),
    "LogonFailed": ("logon",),
    "LogonAttempted": ("logon",),
}
_TABLE_KINDS: dict[str, tuple[str, ...]] = {
    "DeviceProcessEvents": _KINDS["ProcessCreated"],
    "DeviceNetworkEvents": _NETWORK,
    "DeviceFileEvents": _KINDS["FileCreated"],
    "DeviceRegistryEvents": ("registry", "registry_event"),
    "DeviceImageLoadEvents": _KINDS["ImageLoaded"],
    "DeviceLogonEvents": ("logon",),
}
"""Tables whose events are of one kind where the type of the action was left out."""

_LOGON_IDS = {"LogonSuccess": "4624", "LogonFailed": "4625"}
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
    "cachedremoteinteractive": "12",
    "cachedunlock": "13",
}
_MAC = re.compile(r"/(?:Applications|Library|System|Users|private)/")


def kind_of_device_event(cells: Cells, table: str = "") -> tuple[str, ...]:
    """Return what an event's columns mean and Sigma's categories for it; empty for another event.

    >>> kind_of_device_event({"ActionType": "FileRenamed"}), kind_of_device_event({"ProcessCommandLine": "whoami"})
    (('file', 'file_rename'), ('process', 'process_creation'))
    """
    if action := cells.get("ActionType"):
        return _KINDS.get(action, ())
    if table in DEVICE_TABLES:
        return _TABLE_KINDS.get(table, ())
    if "RegistryKey" in cells:
        return _TABLE_KINDS["DeviceRegistryEvents"]
    if "LogonType" in cells:
        return _TABLE_KINDS["DeviceLogonEvents"]
    if "RemoteIP" in cells and "RemotePort" in cells:
        return _NETWORK
    return _TABLE_KINDS["DeviceProcessEvents"] if "ProcessCommandLine" in cells else ()


def device_event(cells: Cells, more: Cells, table: str = "") -> tuple[EventClass, _Words, _Words]:
    """Return the class of an event, its fields under the names of rules, and its common columns.

    Args:
        cells: Its columns.
        more: What ``AdditionalFields`` holds, nested names with dots.
        table: Table of advanced hunting, if the record names it.

    Returns:
        Class, native fields beside the columns, common columns; texts may be empty.
    """
    kind, *categories = kind_of_device_event(cells, table) or ("",)
    product = _system(cells)
    logon = _LOGON_IDS.get(cells.get("ActionType", ""), "") if kind == "logon" else ""
    words, common = _FILLERS[kind](cells, more)
    native = {**_acting(cells), **words, "Computer": cells.get("DeviceName", "")}
    if logon:
        native["EventID"] = logon
    return _event_class(product, tuple(categories), logon), native, {**_common(cells), **common}


@cache
def _event_class(product: str, categories: tuple[str, ...], logon: str) -> EventClass:
    services = {"security"} if logon and product == "windows" else set()
    return EventClass(
        product=product,
        categories=frozenset(categories),
        services=frozenset(services),
        event_id=logon or None,
    )


def _system(cells: Cells) -> str:
    for name in ("FolderPath", "InitiatingProcessFolderPath"):
        path = cells.get(name, "")
        if path.startswith("/"):
            return "macos" if _MAC.match(path) else "linux"
    said = cells.get("OSPlatform", "").lower()
    return "macos" if said.startswith("macos") else "linux" if "linux" in said else "windows"


# --- Who acted -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def _path(folder: str, name: str) -> str:
    r"""Return the whole path of a file, whether or not the folder ends in its name already.

    >>> _path(r"C:\Windows\System32", "cmd.exe"), _path(r"c:\windows\cmd.exe", "cmd.exe"), _path("/bin", "sh")
    ('C:\\Windows\\System32\\cmd.exe', 'c:\\windows\\cmd.exe', '/bin/sh')
    """
    if not folder or not name:
        return folder or name
    separator = "/" if "/" in folder and "\\" not in folder else "\\"
    if folder.lower().endswith(f"{separator}{name.lower()}"):
        return folder
    return f"{folder.rstrip(separator)}{separator}{name}"


def _path_of(cells: Cells, prefix: str) -> str:
    return _path(cells.get(f"{prefix}FolderPath", ""), cells.get(f"{prefix}FileName", ""))


def _user_of(cells: Cells, prefix: str) -> str:
    return qualified(cells.get(f"{prefix}AccountDomain", ""), cells.get(f"{prefix}AccountName", ""))


def _hashes_of(cells: Cells, prefix: str) -> str:
    held = ((name, cells.get(f"{prefix}{name}", "")) for name in ("MD5", "SHA1", "SHA256"))
    return ",".join(f"{name}={value}" for name, value in held if value)


def _acting(cells: Cells) -> _Words:
    """Return the acting process as the subject, which it is of all events but its own creation."""
    return {
        "Image": _path_of(cells, "InitiatingProcess"),
        "CommandLine": cells.get("InitiatingProcessCommandLine", ""),
        "ProcessId": cells.get("InitiatingProcessId", ""),
        "ParentImage": cells.get("InitiatingProcessParentFileName", ""),
        "ParentProcessId": cells.get("InitiatingProcessParentId", ""),
        "User": _user_of(cells, "InitiatingProcess"),
        "IntegrityLevel": cells.get("InitiatingProcessIntegrityLevel", ""),
    }


def _common(cells: Cells) -> _Words:
    host = cells.get("DeviceName", "").lower().rstrip(".")
    return {
        "host.name": host,
        "user.name": account_name(_user_of(cells, "InitiatingProcess")),
        "event.action": cells.get("ActionType", ""),
        "process.executable": _path_of(cells, "InitiatingProcess"),
        "process.command_line": cells.get("InitiatingProcessCommandLine", ""),
        "process.entity_id": _process(cells, host, "InitiatingProcessId", "InitiatingProcessCreationTime"),
        "process.parent.entity_id": _process(
            cells, host, "InitiatingProcessParentId", "InitiatingProcessParentCreationTime"
        ),
    }


def _process(cells: Cells, host: str, number: str, created: str) -> str:
    """Return what tells one running process from all others: its number alone is used again."""
    pid, since = cells.get(number, ""), cells.get(created, "")
    return f"{host}:{pid}@{since.rstrip('Z')}".lower() if pid and since else ""


# --- What was done ---------------------------------------------------------------------------------------------------

_Filled = tuple[_Words, _Words]


def _other(_cells: Cells, more: Cells) -> _Filled:
    return {"TaskName": more.get("TaskName", ""), "ServiceName": more.get("ServiceName", "")}, {}


def _process_started(cells: Cells, more: Cells) -> _Filled:
    host = cells.get("DeviceName", "").lower().rstrip(".")
    image, parent = _path_of(cells, ""), _path_of(cells, "InitiatingProcess")
    words = {
        "Image": image,
        "CommandLine": cells.get("ProcessCommandLine", ""),
        "ProcessId": cells.get("ProcessId", ""),
        "OriginalFileName": cells.get("ProcessVersionInfoOriginalFileName", ""),
        "Company": cells.get("ProcessVersionInfoCompanyName", ""),
        "Product": cells.get("ProcessVersionInfoProductName", ""),
        "Description": cells.get("ProcessVersionInfoFileDescription", ""),
        "FileVersion": cells.get("ProcessVersionInfoProductVersion", ""),
        "Hashes": _hashes_of(cells, ""),
        "User": _user_of(cells, "") or _user_of(cells, "InitiatingProcess"),
        "IntegrityLevel": cells.get("ProcessIntegrityLevel", ""),
        "CurrentDirectory": more.get("ProcessCurrentWorkingDirectory", ""),
        "ParentImage": parent,
        "ParentCommandLine": cells.get("InitiatingProcessCommandLine", ""),
        "ParentProcessId": cells.get("InitiatingProcessId", ""),
        "ParentUser": _user_of(cells, "InitiatingProcess"),
        "ParentIntegrityLevel": cells.get("InitiatingProcessIntegrityLevel", ""),
        "GrandParentImage": cells.get("InitiatingProcessParentFileName", ""),
    }
    common = {
        "user.name": account_name(words["User"]),
        "process.executable": image,
        "process.command_line": words["CommandLine"],
        "process.parent.executable": parent,
        "process.entity_id": _process(cells, host, "ProcessId", "ProcessCreationTime"),
        "process.parent.entity_id": _process(cells, host, "InitiatingProcessId", "InitiatingProcessCreationTime"),
        "file.hash.sha256": cells.get("SHA256", "").lower(),
    }
    return words, common


_OUTGOING = frozenset({"ConnectionSuccess", "ConnectionFailed", "ConnectionRequest", "ConnectionFound"})
_HOST_OF_URL = re.compile(r"(?:[a-z][a-z\d+.-]*://)?(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]+)", re.IGNORECASE)


def _connected(cells: Cells, _more: Cells) -> _Filled:
    action = cells.get("ActionType", "")
    own = (ip_of(cells.get("LocalIP", "")), cells.get("LocalPort", ""))
    other = (ip_of(cells.get("RemoteIP", "")), cells.get("RemotePort", ""))
    incoming = action == "InboundConnectionAccepted"
    source, target = (other, own) if incoming else (own, other)
    named = _HOST_OF_URL.match(cells.get("RemoteUrl", ""))
    host = named[1].lower() if named and not incoming else ""
    words = {
        "Initiated": "false" if incoming else "true" if action in _OUTGOING else "",
        "SourceIp": source[0],
        "SourcePort": source[1],
        "DestinationIp": target[0],
        "DestinationPort": target[1],
        "DestinationHostname": host,
        "DestinationIsIpv6": "" if not target[0] else "true" if ":" in target[0] else "false",
        "Protocol": cells.get("Protocol", "").lower().removesuffix("v4").removesuffix("v6"),
    }
    outcome = {"ConnectionSuccess": "success", "InboundConnectionAccepted": "success", "ConnectionFailed": "failure"}
    common = {
        "source.ip": source[0],
        "destination.ip": target[0],
        "destination.port": target[1],
        "destination.domain": "" if ip_of(host) else host,
        "event.outcome": outcome.get(action, ""),
    }
    return words, common


def _asked(_cells: Cells, more: Cells) -> _Filled:
    name = more.get("DnsQueryString", "") or more.get("QueryName", "")
    answer = more.get("DnsQueryResult", "") or more.get("QueryResults", "")
    words = {"QueryName": name, "QueryResults": answer, "QueryStatus": more.get("QueryStatus", "")}
    return words, {"destination.domain": name.lower().rstrip(".")}


def _file_changed(cells: Cells, _more: Cells) -> _Filled:
    path = _path_of(cells, "")
    words = {"TargetFilename": path, "SourceFilename": _path_of(cells, "Previous"), "Hashes": _hashes_of(cells, "")}
    common = {
        "file.path": path,
        "file.hash.sha256": cells.get("SHA256", "").lower(),
        # Somebody else's doing, through a share.
        "source.ip": ip_of(cells.get("RequestSourceIP", "")),
    }
    return words, common


_HIVES = (
    (
        re.compile(r"HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet\d{3}(?=\\|$)", re.IGNORECASE),
        r"HKLM\\System\\CurrentControlSet",
    ),
    (re.compile(r"HKEY_LOCAL_MACHINE(?=\\|$)", re.IGNORECASE), "HKLM"),
    (re.compile(r"HKEY_CURRENT_USER(?=\\S-1-)", re.IGNORECASE), "HKU"),
    (re.compile(r"HKEY_CURRENT_USER(?=\\|$)", re.IGNORECASE), "HKCU"),
    (re.compile(r"HKEY_USERS(?=\\|$)", re.IGNORECASE), "HKU"),
    (re.compile(r"HKEY_CLASSES_ROOT(?=\\|$)", re.IGNORECASE), "HKCR"),
)
_EVENT_TYPES = {
    "RegistryValueSet": "SetValue",
    "RegistryKeyCreated": "CreateKey",
    "RegistryKeyDeleted": "DeleteKey",
    "RegistryValueDeleted": "DeleteValue",
    "RegistryKeyRenamed": "RenameKey",
}


@lru_cache(maxsize=65_536)
def _key(text: str) -> str:
    r"""Return a key of the registry as Sysmon begins it.

    >>> _key(r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\x"), _key(r"HKEY_CURRENT_USER\S-1-5-21-1\Software")
    ('HKLM\\System\\CurrentControlSet\\Services\\x', 'HKU\\S-1-5-21-1\\Software')
    """
    for hive, short in _HIVES:
        if found := hive.match(text):
            return found.expand(short) + text[found.end() :]
    return text


def _registry_changed(cells: Cells, _more: Cells) -> _Filled:
    action = cells.get("ActionType", "")
    key, name = cells.get("RegistryKey", ""), cells.get("RegistryValueName", "")
    before = cells.get("PreviousRegistryKey", "")
    is_value = action in {"RegistryValueSet", "RegistryValueDeleted"} or not action
    # A deleted key or value is named by what was there before.
    if action in {"RegistryKeyDeleted", "RegistryValueDeleted", "RegistryKeyRenamed"} and before:
        key, name = before, name or cells.get("PreviousRegistryValueName", "")
    words = {
        "TargetObject": f"{_key(key)}\\{name}" if is_value and name else _key(key),
        "Details": _details(cells.get("RegistryValueType", ""), cells.get("RegistryValueData", "")),
        "EventType": _EVENT_TYPES.get(action, ""),
        "NewName": _key(cells.get("RegistryKey", "")) if action == "RegistryKeyRenamed" else "",
    }
    return words, {}


def _details(kind: str, data: str) -> str:
    """Return a value as Sysmon writes it.

    >>> _details("Dword", "1"), _details("Qword", "4294967297"), _details("String", "x"), _details("Dword", "?")
    ('DWORD (0x00000001)', 'QWORD (0x00000001-0x00000001)', 'x', '?')
    """
    kind = kind.lower()
    if kind == "binary":
        return "Binary Data"
    if kind not in {"dword", "qword"}:
        return data
    try:
        number = int(data, 0)
    except ValueError:
        return data
    if kind == "dword":
        return f"DWORD (0x{number & 0xFFFF_FFFF:08x})"
    return f"QWORD (0x{number >> 32 & 0xFFFF_FFFF:08x}-0x{number & 0xFFFF_FFFF:08x})"


def _loaded(cells: Cells, _more: Cells) -> _Filled:
    path = _path_of(cells, "")
    words = {"ImageLoaded": path, "Hashes": _hashes_of(cells, "")}
    return words, {"file.path": path, "file.hash.sha256": cells.get("SHA256", "").lower()}


def _piped(_cells: Cells, more: Cells) -> _Filled:
    name = more.get("PipeName", "")
    return {"PipeName": re.sub(r"(?i)^\\Device\\NamedPipe(?=\\)", "", name)}, {}


def _reached_into(cells: Cells, more: Cells) -> _Filled:
    access = more.get("DesiredAccess", "")
    words = {
        "SourceImage": _path_of(cells, "InitiatingProcess"),
        "SourceProcessId": cells.get("InitiatingProcessId", ""),
        "SourceUser": _user_of(cells, "InitiatingProcess"),
        "TargetImage": _path_of(cells, ""),
        "TargetProcessId": cells.get("ProcessId", ""),
        "GrantedAccess": f"0x{int(access):x}" if access.isascii() and access.isdecimal() else access,
    }
    return words, {}


def _detected(cells: Cells, more: Cells) -> _Filled:
    path = _path_of(cells, "")
    words = {"Signature": more.get("ThreatName", ""), "Filename": path}
    return words, {"file.path": path, "file.hash.sha256": cells.get("SHA256", "").lower()}


def _logged_on(cells: Cells, _more: Cells) -> _Filled:
    said = cells.get("LogonType", "")
    address = ip_of(cells.get("RemoteIP", ""))
    kind = _LOGON_TYPES.get(said.lower(), said)
    words = {
        "LogonType": kind,
        "LogonTypeName": said,
        "TargetUserName": cells.get("AccountName", ""),
        "TargetDomainName": cells.get("AccountDomain", ""),
        "TargetUserSid": cells.get("AccountSid", ""),
        "TargetLogonId": cells.get("LogonId", ""),
        "IpAddress": address,
        "IpPort": cells.get("RemotePort", ""),
        "WorkstationName": cells.get("RemoteDeviceName", ""),
        "AuthenticationPackageName": cells.get("Protocol", ""),
        "ProcessName": _path_of(cells, "InitiatingProcess"),
    }
    outcome = {"LogonSuccess": "success", "LogonFailed": "failure"}
    common = {
        "user.target.name": account_name(_user_of(cells, "")),
        "source.ip": address,
        "logon.type": kind,
        "event.outcome": outcome.get(cells.get("ActionType", ""), ""),
    }
    return words, common


_FILLERS: dict[str, Callable[[Cells, Cells], _Filled]] = {
    "": _other,
    "process": _process_started,
    "network": _connected,
    "dns": _asked,
    "file": _file_changed,
    "registry": _registry_changed,
    "image": _loaded,
    "pipe": _piped,
    "target": _reached_into,
    "antivirus": _detected,
    "logon": _logged_on,
}
