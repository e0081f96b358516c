"""The shapes that Windows events take as JSON: which part is system data, which is event data.

Known: ``evtx_dump`` and whatever keeps its nesting (also dotted); Winlogbeat 6 to 8, also wrapped by
Elasticsearch; flat as NXLog, WEC collectors and Splunk write it; Hayabusa's timeline. A shape is recognised per
record, since exports are often a pile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stillhunt.telemetry.account import qualified
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.table import Value
from stillhunt.telemetry.windows import WindowsEvent, event_data, text_of

__all__ = ["COLLECTOR_TIME", "from_evtx_dump", "from_json"]

_Node = Mapping[str, Any]

COLLECTOR_TIME = "@timestamp (collector)"
"""Native field that keeps the collector's time where the record's own says no zone."""


def from_json(record: object) -> WindowsEvent | None:
    """Return the Windows event that a decoded JSON value holds, or None if it holds none."""
    if not isinstance(record, dict):
        return None
    for wrapper in ("_source", "result"):
        inner = record.get(wrapper)
        if isinstance(inner, dict):
            return from_json(inner)
    for shape in (from_evtx_dump, _from_winlogbeat, _from_dotted, _from_hayabusa, _from_flat):
        event = shape(record)
        if event is not None:
            return event
    return None


def from_evtx_dump(record: _Node) -> WindowsEvent | None:
    """Read ``{"Event": {"System": ..., "EventData": ...}}``."""
    event = record.get("Event", record)
    if not isinstance(event, dict):
        return None
    system = event.get("System")
    if not isinstance(system, dict):
        return None
    at, clock = _first_time(
        ("TimeCreated", _attribute(system.get("TimeCreated"), "SystemTime")), ("TimeCreated", system.get("TimeCreated"))
    )
    provider = _attribute(system.get("Provider"), "Name") or text_of(system.get("Provider"))
    execution = system.get("Execution")
    plain = {name: system.get(name) for name in ("Level", "Task", "Opcode", "Keywords", "Version")}
    plain["Execution_ProcessID"] = _attribute(execution, "ProcessID")
    plain["Security_UserID"] = _attribute(system.get("Security"), "UserID")
    data = event_data(event.get("EventData")) | event_data(event.get("UserData"))
    return WindowsEvent(
        provider=provider or "",
        channel=text_of(system.get("Channel")) or "",
        event_id=text_of(system.get("EventID")) or "",
        computer=text_of(system.get("Computer")) or "",
        record_id=_whole(system.get("EventRecordID")),
        at=at,
        clock=clock,
        system=_texts(plain),
        data=data,
    )


def _from_winlogbeat(record: _Node) -> WindowsEvent | None:
    """Read Winlogbeat 7 and later (``winlog.*``), and 6 (``event_data`` beside ``log_name``)."""
    winlog = record.get("winlog")
    node: _Node
    if isinstance(winlog, dict):
        node, provider = winlog, winlog.get("provider_name")
    elif "event_data" in record and ("log_name" in record or "source_name" in record):
        node, provider = record, record.get("source_name")
    else:
        return None
    process, user = node.get("process"), node.get("user")
    user = user if isinstance(user, dict) else {}
    at, clock = _first_time(("@timestamp", record.get("@timestamp")), ("time_created", node.get("time_created")))
    plain = {
        "Level": node.get("level"),
        "Task": node.get("task"),
        "Opcode": node.get("opcode"),
        "Keywords": node.get("keywords"),
        "Version": node.get("version"),
        "Execution_ProcessID": process.get("pid") if isinstance(process, dict) else node.get("process_id"),
        "Security_UserID": user.get("identifier"),
        "Message": record.get("message"),
    }
    if node is record and isinstance(plain["Level"], dict):
        plain["Level"] = None
    data = event_data(_unnumbered(node.get("event_data"))) | event_data(node.get("user_data"))
    return WindowsEvent(
        user=qualified(text_of(user.get("domain")) or "", text_of(user.get("name")) or ""),
        provider=text_of(provider) or "",
        channel=text_of(node.get("channel") or node.get("log_name")) or "",
        event_id=text_of(node.get("event_id")) or "",
        computer=text_of(node.get("computer_name")) or "",
        record_id=_whole(node.get("record_id") or node.get("record_number")),
        at=at,
        clock=clock,
        system=_texts(plain),
        data=data,
    )


def _from_dotted(record: _Node) -> WindowsEvent | None:
    """Read ``Event.System.EventID`` and ``winlog.event_id`` keys by nesting them again."""
    names = "\n".join(record)
    if "Event.System." not in names and "winlog.event_id" not in names:
        return None
    nested: dict[str, Any] = {}
    for key, value in record.items():
        *parents, leaf = key.split(".")
        node = nested
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                child = node[parent] = {"#text": child}
            node = child
        node[leaf] = value
    if isinstance(nested.get("winlog"), dict):
        return _from_winlogbeat(nested)
    return from_evtx_dump(nested)


_HAYABUSA_CHANNELS = {
    "Sec": "Security",
    "Sys": "System",
    "App": "Application",
    "Sysmon": "Microsoft-Windows-Sysmon/Operational",
    "PwSh": "Microsoft-Windows-PowerShell/Operational",
    "PwShClassic": "Windows PowerShell",
    "Defender": "Microsoft-Windows-Windows Defender/Operational",
    "TaskSch": "Microsoft-Windows-TaskScheduler/Operational",
    "WMI": "Microsoft-Windows-WMI-Activity/Operational",
    "WinRM": "Microsoft-Windows-WinRM/Operational",
    "BitsCli": "Microsoft-Windows-Bits-Client/Operational",
    "NTLM": "Microsoft-Windows-NTLM/Operational",
    "RDS-LSM": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "RDS-RCM": "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
    "Firewall": "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
    "Exchange": "MSExchange Management",
}


def _from_hayabusa(record: _Node) -> WindowsEvent | None:
    """Read a line of Hayabusa's JSON timeline: its own abbreviations, and all fields where it kept them."""
    if not ({"Timestamp", "Computer", "Channel", "EventID"} <= record.keys()):
        return None
    channel = text_of(record["Channel"]) or ""
    channel = _HAYABUSA_CHANNELS.get(channel, channel)
    at, clock = _first_time(("Timestamp", record["Timestamp"]))
    data: dict[str, Value] = {}
    for kept in ("ExtraFieldInfo", "Details", "AllFieldInfo"):
        if isinstance(record.get(kept), dict):
            data |= event_data(record[kept])
    return WindowsEvent(
        provider=text_of(record.get("Provider")) or _PROVIDER_OF_CHANNEL.get(channel.lower(), ""),
        channel=channel,
        event_id=text_of(record["EventID"]) or "",
        computer=text_of(record["Computer"]) or "",
        record_id=_whole(record.get("RecordID", record.get("RecordId"))),
        at=at,
        clock=clock,
        system={},
        data=data,
    )


_FLAT_EVENT_ID = ("EventID", "EventId", "EventCode", "event_id")
_FLAT_CHANNEL = ("Channel", "LogName", "log_name", "channel")
_FLAT_PROVIDER = ("SourceName", "ProviderName", "Provider_Name", "Provider", "source_name", "provider_name")
_FLAT_COMPUTER = ("Hostname", "ComputerName", "Computer", "MachineName", "computer_name", "hostname", "host")
_FLAT_RECORD = ("RecordNumber", "EventRecordID", "RecordID", "RecordId", "record_id")
_FLAT_TIME = (
    "TimeCreated",
    "SystemTime",
    "EventTime",
    "@timestamp",
    "UtcTime",
    "_time",
    "TimeGenerated",
    "timestamp",
)
_FLAT_NESTED = ("event_data", "EventData", "UserData")
_FLAT_TAKEN = frozenset(
    (*_FLAT_EVENT_ID, *_FLAT_CHANNEL, *_FLAT_PROVIDER, *_FLAT_COMPUTER, *_FLAT_RECORD, *_FLAT_NESTED)
)


def _from_flat(record: _Node) -> WindowsEvent | None:
    """Read fields side by side: NXLog, WEC collectors, Splunk."""
    event_id = _first(record, _FLAT_EVENT_ID)
    channel, provider = _first(record, _FLAT_CHANNEL), _first(record, _FLAT_PROVIDER)
    if event_id is None or not (channel or provider) or not event_id.isdecimal():
        return None
    channel = channel or _CHANNEL_OF_PROVIDER.get((provider or "").lower(), "")
    provider = provider or _PROVIDER_OF_CHANNEL.get(channel.lower(), "")
    at, clock = _first_time(*((name, record[name]) for name in _FLAT_TIME if name in record))
    data = event_data({k: v for k, v in record.items() if k not in _FLAT_TAKEN and not isinstance(v, dict)})
    for nested in _FLAT_NESTED:
        if nested in record:
            data |= event_data(record[nested])
    if "EventCode" in record:
        # Splunk's extraction of message texts writes New_Process_Name for NewProcessName.
        data |= {k.replace("_", ""): v for k, v in data.items() if "_" in k and k.replace("_", "") not in data}
    return WindowsEvent(
        provider=provider,
        channel=channel,
        event_id=event_id,
        computer=_first(record, _FLAT_COMPUTER) or "",
        record_id=_whole(_first(record, _FLAT_RECORD)),
        at=at,
        clock=clock,
        system=_flat_system(record, clock),
        data=data,
        user=_flat_user(record),
    )


def _flat_system(record: _Node, clock: str) -> dict[str, str]:
    plain = {
        "Security_UserID": record.get("UserID"),
        "Execution_ProcessID": record.get("ExecutionProcessID"),
    }
    received = record.get("@timestamp")
    if received is not None and not has_zone(record.get(clock)) and has_zone(received):
        plain[COLLECTOR_TIME] = received
    return _texts(plain)


def _flat_user(record: _Node) -> str:
    """Return the account NXLog looked up; an event's own AccountName, as of 7045, comes without a domain."""
    domain, name = record.get("Domain"), record.get("AccountName")
    is_looked_up = "AccountType" in record and isinstance(domain, str) and isinstance(name, str)
    return qualified(str(domain), str(name)) if is_looked_up else ""


_PROVIDER_OF_CHANNEL = {
    "security": "Microsoft-Windows-Security-Auditing",
    "microsoft-windows-sysmon/operational": "Microsoft-Windows-Sysmon",
    "microsoft-windows-powershell/operational": "Microsoft-Windows-PowerShell",
    "windows powershell": "PowerShell",
}
"""The provider that writes nearly all of a channel, for exports that name none."""

_CHANNEL_OF_PROVIDER = {provider.lower(): channel for channel, provider in {
    "Security": "Microsoft-Windows-Security-Auditing",
    "Microsoft-Windows-Sysmon/Operational": "Microsoft-Windows-Sysmon",
    "Microsoft-Windows-PowerShell/Operational": "Microsoft-Windows-PowerShell",
    "Windows PowerShell": "PowerShell",
    "System": "Service Control Manager",
}.items()}  # fmt: skip


def _first(record: _Node, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = record.get(name)
        if isinstance(value, dict):
            value = value.get("name") or value.get("#text")
        if value is not None and (text := text_of(value)):
            return text
    return None


def _first_time(*candidates: tuple[str, object]) -> tuple[Any, str]:
    for name, value in candidates:
        found = read_instant(value)
        if found is not None:
            return found, name
    return None, ""


def _attribute(node: object, name: str) -> str | None:
    """Return an XML attribute, in the spellings ``#attributes`` and ``@Name``, or a plain member."""
    if not isinstance(node, dict):
        return None
    attributes = node.get("#attributes", node)
    found = attributes.get(name) if isinstance(attributes, dict) else None
    return text_of(found if found is not None else node.get(f"@{name}"))


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: text for name, value in values.items() if (text := text_of(value)) is not None}


def _whole(value: object) -> int | None:
    text = text_of(value)
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 19 else None


def _unnumbered(node: object) -> object:
    """Turn Winlogbeat's ``param1``... of unnamed data into the list ``Data`` as well."""
    if not isinstance(node, dict) or not node or not all(k[:5] == "param" and k[5:].isdecimal() for k in node):
        return node
    values = [node[k] for k in sorted(node, key=lambda k: int(k[5:]))]
    return {**node, "Data": values}
