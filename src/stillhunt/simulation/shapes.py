"""The shapes in which tools export Windows events as JSON: one object a line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from stillhunt.simulation.kinds import LOG_CLEARED, Kind
from stillhunt.simulation.windows import WindowsEvent, system_time

__all__ = ["Shape", "evtx_dump", "winlogbeat"]

Shape = Callable[[WindowsEvent, int], bytes]
"""Turns an event and its record id into one line, without its end."""

_GUID_FIELDS = frozenset(
    {
        "LogonGuid",
        "ParentProcessGuid",
        "ProcessGuid",
        "SourceProcessGUID",
        "TargetLogonGuid",
        "TargetProcessGUID",
        "TaskInstanceId",
        "serviceGuid",
        "updateGuid",
    }
)
_LEVELS = {0: "information", 3: "warning", 4: "information", 5: "verbose"}
_encode = msgspec.json.encode


def evtx_dump(event: WindowsEvent, record_id: int) -> bytes:
    """Return an event as `evtx_dump -o jsonl` writes it: ``{"Event": {"System": ..., "EventData": ...}}``."""
    kind = event.kind
    system = {
        **_head(kind),
        "TimeCreated": {"#attributes": {"SystemTime": system_time(event.at)}},
        "EventRecordID": record_id,
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": event.pid, "ThreadID": 4 * (event.pid % 701 + 60)}},
        "Channel": kind.channel,
        "Computer": event.host.fqdn,
        "Security": {"#attributes": {"UserID": event.user_id}} if event.user_id else None,
    }
    return _encode({"Event": {"#attributes": _NAMESPACE, "System": system, **_payload(event)}})


def winlogbeat(event: WindowsEvent, record_id: int) -> bytes:
    """Return an event as Winlogbeat 7 ships it: flat texts under ``winlog.event_data``, times to the millisecond."""
    kind = event.kind
    at = event.at
    winlog: dict[str, Any] = {
        "api": "wineventlog",
        "channel": kind.channel,
        "computer_name": event.host.fqdn,
        "event_id": kind.event_id,
        "provider_name": kind.provider,
        "record_id": record_id,
        "process": {"pid": event.pid, "thread": {"id": 4 * (event.pid % 701 + 60)}},
        **_beat_data(event),
    }
    if kind.guid:
        winlog["provider_guid"] = f"{{{kind.guid.strip('{}').lower()}}}"
    if kind.version:
        winlog["version"] = kind.version
    if event.user_id:
        winlog["user"] = {"identifier": event.user_id}
    if kind.channel == "Security":
        winlog["keywords"] = ["Audit Failure" if kind.keywords == "0x8010000000000000" else "Audit Success"]
    return _encode(
        {
            "@timestamp": _milliseconds(at),
            "agent": {"type": "winlogbeat", "version": "7.13.2", "hostname": event.host.name},
            "ecs": {"version": "1.9.0"},
            "event": {
                "code": str(kind.event_id),
                "kind": "event",
                "provider": kind.provider,
                "created": _milliseconds(at + timedelta(milliseconds=1210 + record_id % 800)),
            },
            "host": {"name": event.host.fqdn},
            "log": {"level": _LEVELS[kind.level]},
            "winlog": winlog,
        }
    )


_NAMESPACE = {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}


@cache
def _head(kind: Kind) -> dict[str, Any]:
    provider: dict[str, Any] = {"Name": kind.provider}
    if kind.guid:
        provider["Guid"] = kind.guid
    if kind.source:
        provider["EventSourceName"] = kind.source
    number = {"#attributes": {"Qualifiers": kind.qualifiers}, "#text": kind.event_id}
    return {
        "Provider": {"#attributes": provider},
        "EventID": kind.event_id if kind.qualifiers is None else number,
        "Version": kind.version,
        "Level": kind.level,
        "Task": kind.task,
        "Opcode": kind.opcode,
        "Keywords": kind.keywords,
    }


def _payload(event: WindowsEvent) -> dict[str, Any]:
    if isinstance(event.data, list):
        values = event.data[0] if len(event.data) == 1 else event.data
        return {"EventData": {"Data": {"#text": values}, "Binary": None}}
    if event.kind is LOG_CLEARED:
        inner = {"#attributes": {"xmlns": "http://manifests.microsoft.com/win/2004/08/windows/eventlog"}}
        return {"UserData": {name: {**inner, **values} for name, values in event.data.items()}}
    return {"EventData": event.data}


def _beat_data(event: WindowsEvent) -> dict[str, Any]:
    if isinstance(event.data, list):
        named = {f"param{i}": value for i, value in enumerate(event.data, start=1) if value}
        return {"event_data": named} if named else {}
    if event.kind is LOG_CLEARED:
        return {"user_data": {**event.data["LogFileCleared"], "xml_name": "LogFileCleared"}}
    return {"event_data": {name: _as_text(name, value) for name, value in event.data.items() if value != ""}}


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{{{value.lower()}}}" if name in _GUID_FIELDS else str(value)


def _milliseconds(at: datetime) -> str:
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
