"""Windows events as exports for people show them (a table or a text, with rendered messages), as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stillhunt.telemetry.windows_message import fields_of_message

__all__ = ["Shown", "record_of"]


@dataclass(slots=True, kw_only=True)
class Shown:
    """What an export shows of an event.

    Attributes:
        event_id: Event id as text.
        at: System time in UTC, or None.
        provider: Provider; the Event Viewer shortens some names.
        channel: Channel, or empty where the export has no such column.
        computer: Host, or empty.
        record_id: EventRecordID, or empty.
        level: Level as shown.
        keywords: Keywords as shown.
        task: Task category as shown.
        user: Security identifier of the record's user, or empty.
        message: Rendered message.
        data: Fields that the export has columns of their own for, or that it kept as they were.
    """

    event_id: str
    at: datetime | None
    provider: str = ""
    channel: str = ""
    computer: str = ""
    record_id: str = ""
    level: str = ""
    keywords: str = ""
    task: str = ""
    user: str = ""
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


_FULL_NAMES = {
    "microsoft windows security auditing.": "Microsoft-Windows-Security-Auditing",
    "microsoft windows security auditing": "Microsoft-Windows-Security-Auditing",
    "security-auditing": "Microsoft-Windows-Security-Auditing",
    "sysmon": "Microsoft-Windows-Sysmon",
    "eventlog": "EventLog",
    "powershell (microsoft-windows-powershell)": "Microsoft-Windows-PowerShell",
    "powershell (powershell)": "PowerShell",
    "taskscheduler": "Microsoft-Windows-TaskScheduler",
    "windows defender": "Microsoft-Windows-Windows Defender",
    "wmi-activity": "Microsoft-Windows-WMI-Activity",
    "bits-client": "Microsoft-Windows-Bits-Client",
    "terminalservices-localsessionmanager": "Microsoft-Windows-TerminalServices-LocalSessionManager",
    "terminalservices-remoteconnectionmanager": "Microsoft-Windows-TerminalServices-RemoteConnectionManager",
    "winrm": "Microsoft-Windows-WinRM",
    "kernel-general": "Microsoft-Windows-Kernel-General",
}
"""Providers as the Event Viewer shows them to their names."""

_CHANNELS = {
    "microsoft-windows-security-auditing": "Security",
    "microsoft-windows-sysmon": "Microsoft-Windows-Sysmon/Operational",
    "microsoft-windows-powershell": "Microsoft-Windows-PowerShell/Operational",
    "powershellcore": "PowerShellCore/Operational",
    "powershell": "Windows PowerShell",
    "service control manager": "System",
    "eventlog": "System",
    "microsoft-windows-kernel-general": "System",
    "microsoft-windows-kernel-power": "System",
    "microsoft-windows-kernel-boot": "System",
    "microsoft-windows-user32": "System",
    "user32": "System",
    "microsoft-windows-grouppolicy": "System",
    "microsoft-windows-time-service": "System",
    "microsoft-windows-windowsupdateclient": "System",
    "microsoft-windows-distributedcom": "System",
    "netlogon": "System",
    "dhcp": "System",
    "application error": "Application",
    "application hang": "Application",
    "windows error reporting": "Application",
    "msiinstaller": "Application",
    "esent": "Application",
    "vss": "Application",
    "mssqlserver": "Application",
    "msexchange management": "MSExchange Management",
    "msexchange cmdletlogs": "MSExchange Management",
    "microsoft-windows-taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "microsoft-windows-windows defender": "Microsoft-Windows-Windows Defender/Operational",
    "microsoft-windows-wmi-activity": "Microsoft-Windows-WMI-Activity/Operational",
    "microsoft-windows-bits-client": "Microsoft-Windows-Bits-Client/Operational",
    "microsoft-windows-winrm": "Microsoft-Windows-WinRM/Operational",
    "microsoft-windows-ntlm": "Microsoft-Windows-NTLM/Operational",
    "microsoft-windows-codeintegrity": "Microsoft-Windows-CodeIntegrity/Operational",
    "microsoft-windows-terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"
    ),
    "microsoft-windows-terminalservices-remoteconnectionmanager": (
        "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"
    ),
    "microsoft-windows-windows firewall with advanced security": (
        "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"
    ),
}
"""The channel that nearly all events of a provider are in, for exports that name none."""

_CHANNELS_BY_ID = {
    ("microsoft-windows-eventlog", "104"): "System",
    ("microsoft-windows-eventlog", "6005"): "System",
    ("microsoft-windows-eventlog", "6006"): "System",
}
"""The event log service writes the rest (1100 to 1108) into Security."""

_KEYWORDS = {"Audit Success": "0x8020000000000000", "Audit Failure": "0x8010000000000000"}


def record_of(shown: Shown) -> dict[str, Any]:
    """Return an event as the object that ``evtx_dump`` would write, with its message and the fields in it."""
    provider = _FULL_NAMES.get(shown.provider.strip().lower(), shown.provider.strip())
    event_id = shown.event_id
    # The service writes events of both channels, but shows the short name only for its own.
    if provider.lower() == "eventlog" and event_id in {"1100", "1101", "1102", "1104", "1105", "1108", "104"}:
        provider = "Microsoft-Windows-Eventlog"
    data: dict[str, Any] = dict(shown.data)
    if shown.message:
        for name, value in fields_of_message(provider, event_id, shown.message).items():
            data.setdefault(name, value)
        data.setdefault("Message", shown.message)
    system: dict[str, Any] = {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": event_id,
        "Level": shown.level or None,
        "Task": shown.task or None,
        "Keywords": _KEYWORDS.get(shown.keywords, shown.keywords) or None,
        "TimeCreated": {"#attributes": {"SystemTime": shown.at.astimezone(UTC).isoformat() if shown.at else None}},
        "EventRecordID": shown.record_id or None,
        "Channel": shown.channel or _channel_of(provider.lower(), event_id),
        "Computer": shown.computer or None,
        "Security": {"#attributes": {"UserID": shown.user or None}},
    }
    return {"Event": {"System": system, "EventData": data}}


def _channel_of(provider: str, event_id: str) -> str:
    if provider == "microsoft-windows-eventlog":
        return _CHANNELS_BY_ID.get((provider, event_id), "Security")
    return _CHANNELS.get(provider, "")
