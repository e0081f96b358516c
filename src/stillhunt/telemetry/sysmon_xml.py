"""Events of Sysmon for Linux, which writes each as one XML element into syslog.

The element is that of a Windows event, on one line and without namespace. Syslog daemons cut long messages off, so the
end may be missing: what is there is read, a value that was cut as far as it goes.

Reference: Sysinternals, SysmonForLinux; the event ids are those of Sysmon for Windows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from stillhunt.telemetry.access import address_in
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.logsource import SYSMON, SYSMON_CHANNEL, event_class

__all__ = ["SysmonEvent", "holds_sysmon_event", "read_sysmon_event"]

_PROVIDER = re.compile(r"""<Provider Name=["']Linux-Sysmon["']""")
_SYSTEM = re.compile(
    r"<(EventID|Version|Level|Task|Opcode|Keywords|EventRecordID|Channel|Computer)(?: [^>]*)?>([^<]*)</"
)
_TIME = re.compile(r"""<TimeCreated SystemTime=["']([^"']*)["']""")
_EXECUTION = re.compile(r"""<Execution ProcessID=["'](\d+)["']""")
_DATA = re.compile(r"""<Data Name=["']([^"']*)["'](?:/>|>(.*?)(?:</Data>|$))""", re.DOTALL)
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_SHA256 = re.compile(r"SHA256=([0-9A-Fa-f]{64})")


@dataclass(frozen=True, slots=True)
class SysmonEvent:
    """One event.

    Attributes:
        event_class: What it is.
        at: Its system time.
        native: Its fields as Sysmon names them.
        common: Fields under ECS names.
    """

    event_class: EventClass
    at: datetime | None
    native: dict[str, str]
    common: dict[str, str]


def holds_sysmon_event(text: str) -> bool:
    """Tell whether a text holds an event of Sysmon for Linux."""
    return "<Event" in text and _PROVIDER.search(text) is not None


def read_sysmon_event(text: str) -> SysmonEvent | None:
    """Read an event; None if there is none of Sysmon for Linux in a text."""
    if not holds_sysmon_event(text):
        return None
    system, _, data = text.partition("<EventData")
    native = dict(_SYSTEM.findall(system))
    for name, value in _DATA.findall(data):
        native[name] = _plain(value)
    time = _TIME.search(system)
    if time:
        native["SystemTime"] = time[1]
    native["Provider"] = "Linux-Sysmon"
    return SysmonEvent(
        event_class=_class(native.get("EventID", "")),
        at=read_instant(time[1]) if time else None,
        native=native,
        common=_common(native),
    )


@lru_cache(maxsize=256)
def _class(event_id: str) -> EventClass:
    return EventClass(
        product="linux",
        provider="Linux-Sysmon",
        channel="Linux-Sysmon/Operational",
        event_id=event_id or None,
        services=frozenset({"sysmon"}),
        categories=event_class(SYSMON, SYSMON_CHANNEL, event_id).categories,
    )


_ECS = {
    "Image": "process.executable",
    "CommandLine": "process.command_line",
    "ParentImage": "process.parent.executable",
    "TargetFilename": "file.path",
    "DestinationPort": "destination.port",
}


def _common(native: dict[str, str]) -> dict[str, str]:
    host = native.get("Computer", "").lower().rstrip(".")
    common = {ecs: value for name, ecs in _ECS.items() if (value := native.get(name, "-")) not in {"", "-"}}
    if host:
        common["host.name"] = host
    if (user := native.get("User", "-")) not in {"", "-"}:
        common["user.name"] = user.lower()
    for name, ecs in (("SourceIp", "source.ip"), ("DestinationIp", "destination.ip")):
        if address := address_in(native.get(name, "")):
            common[ecs] = address
    if (name := native.get("DestinationHostname", "-")) not in {"", "-"}:
        common["destination.domain"] = name.lower()
    if guid := native.get("ProcessGuid") or native.get("SourceProcessGUID"):
        common["process.entity_id"] = f"{host}:{guid.lower()}"
    if guid := native.get("ParentProcessGuid"):
        common["process.parent.entity_id"] = f"{host}:{guid.lower()}"
    if digest := _SHA256.search(native.get("Hashes", "")):
        common["file.hash.sha256"] = digest[1].lower()
    return common


def _plain(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return _ENTITIES[found[1]]
    number = int(found[2]) if found[2] else int(found[3], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else found[0]
