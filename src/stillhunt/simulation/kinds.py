"""The kinds of Windows events a simulation writes: provider, channel, id and the numbers that go with them.

Sources: the event manifests as documented by Microsoft (Security auditing, Service Control Manager, Windows Update),
the Sysmon schema 4.50, and the forms in which public sample logs show them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ACCOUNT_CREATED",
    "ACCOUNT_DELETED",
    "ACCOUNT_ENABLED",
    "CERTIFICATE_EXPORTED",
    "CMDLET",
    "CREDENTIAL_VALIDATED",
    "DATABASE_CREATED",
    "DATABASE_DETACHED",
    "DIRECTORY_ACCESS",
    "DNS_QUERY",
    "EVENT_LOG_STARTED",
    "EVENT_LOG_STOPPED",
    "EXPLICIT_LOGON",
    "FILE_CREATED",
    "FILE_DELETED",
    "GROUP_MEMBER_ADDED",
    "IMAGE_LOADED",
    "KERBEROS_SERVICE",
    "KERBEROS_TICKET",
    "LOGOFF",
    "LOGON",
    "LOGON_FAILED",
    "LOG_CLEARED",
    "NETWORK_CONNECTION",
    "NTLM",
    "PASSWORD_RESET",
    "PIPE_CONNECTED",
    "PRIVILEGES",
    "PROCESS_ACCESS",
    "PROCESS_CREATED",
    "PROCESS_CREATED_SYSMON",
    "SCRIPT_BLOCK",
    "SERVICE_INSTALLED",
    "SERVICE_STATE",
    "SHARE",
    "SHARE_FILE",
    "SHUTDOWN",
    "STARTED",
    "STOPPED",
    "TASK_ACTION",
    "TASK_CREATED",
    "TASK_DONE",
    "TASK_REGISTERED",
    "TOKEN_ISSUED",
    "UPDATE_INSTALLED",
    "UPDATE_STARTED",
    "UPTIME",
    "VALUE_DELETED",
    "VALUE_SET",
    "Kind",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of Windows event.

    Attributes:
        provider: Provider name.
        guid: Provider GUID as the binary log renders it, or empty for classic providers.
        channel: Channel.
        event_id: Event id.
        version: Version of the event's template.
        level: Level of the record.
        task: Task of the record.
        opcode: Opcode of the record.
        keywords: Keywords as hexadecimal text.
        source: Event source name, where the provider has one beside its name.
        qualifiers: Qualifiers, where the event id has them.
        pid: Process id that writes it: the kernel's 4, or 0 for whatever service runs it.
    """

    provider: str
    guid: str
    channel: str
    event_id: int
    version: int = 0
    level: int = 4
    task: int = 0
    opcode: int = 0
    keywords: str = "0x8000000000000000"
    source: str = ""
    qualifiers: int | None = None
    pid: int = 0


_SUCCESS = "0x8020000000000000"
_FAILURE = "0x8010000000000000"


def _audit(event_id: int, task: int, *, version: int = 0, keywords: str = _SUCCESS, pid: int = 0) -> Kind:
    return Kind(
        provider="Microsoft-Windows-Security-Auditing",
        guid="54849625-5478-4994-A5BA-3E3B0328C30D",
        channel="Security",
        event_id=event_id,
        version=version,
        level=0,
        task=task,
        keywords=keywords,
        pid=pid,
    )


def _sysmon(event_id: int, version: int) -> Kind:
    return Kind(
        provider="Microsoft-Windows-Sysmon",
        guid="5770385F-C22A-43E0-BF4C-06F5698FFBD9",
        channel="Microsoft-Windows-Sysmon/Operational",
        event_id=event_id,
        version=version,
        task=event_id,
    )


def _service_control(event_id: int) -> Kind:
    return Kind(
        provider="Service Control Manager",
        guid="{555908d1-a6d7-4695-8e1e-26931d2012f4}",
        channel="System",
        event_id=event_id,
        keywords="0x8080000000000000",
        source="Service Control Manager",
        qualifiers=16384,
    )


def _scheduler(event_id: int, *, opcode: int, keywords: str = "0x8000000000000001") -> Kind:
    return Kind(
        provider="Microsoft-Windows-TaskScheduler",
        guid="DE7B24EA-73C8-4A09-985D-5BDADCFA9017",
        channel="Microsoft-Windows-TaskScheduler/Operational",
        event_id=event_id,
        task=event_id,
        opcode=opcode,
        keywords=keywords,
    )


def _classic(provider: str, channel: str, event_id: int, *, qualifiers: int = 0, task: int = 0) -> Kind:
    return Kind(
        provider=provider,
        guid="",
        channel=channel,
        event_id=event_id,
        task=task,
        keywords="0x80000000000000",
        qualifiers=qualifiers,
    )


def _update(event_id: int, keywords: str) -> Kind:
    return Kind(
        provider="Microsoft-Windows-WindowsUpdateClient",
        guid="945A8954-C147-4ACD-923F-40C45405A658",
        channel="System",
        event_id=event_id,
        version=1,
        task=1,
        opcode=13,
        keywords=keywords,
    )


def _federation(event_id: int) -> Kind:
    return Kind(
        provider="AD FS Auditing",
        guid="",
        channel="Security",
        event_id=event_id,
        level=0,
        task=3,
        keywords="0x80a0000000000000",
        qualifiers=0,
    )


def _kernel(event_id: int, task: int) -> Kind:
    return Kind(
        provider="Microsoft-Windows-Kernel-General",
        guid="A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D",
        channel="System",
        event_id=event_id,
        task=task,
        keywords="0x8000000000000080",
        pid=4,
    )


LOGON = _audit(4624, 12544, version=2)
LOGON_FAILED = _audit(4625, 12544, keywords=_FAILURE)
LOGOFF = _audit(4634, 12545)
EXPLICIT_LOGON = _audit(4648, 12544)
PRIVILEGES = _audit(4672, 12548)
PROCESS_CREATED = _audit(4688, 13312, version=2, pid=4)
TASK_CREATED = _audit(4698, 12804)
ACCOUNT_CREATED = _audit(4720, 13824)
ACCOUNT_ENABLED = _audit(4722, 13824)
ACCOUNT_DELETED = _audit(4726, 13824)
GROUP_MEMBER_ADDED = _audit(4728, 13826)
DIRECTORY_ACCESS = _audit(4662, 14080)
PASSWORD_RESET = _audit(4724, 13824)
KERBEROS_TICKET = _audit(4768, 14339)
KERBEROS_SERVICE = _audit(4769, 14337)
NTLM = _audit(4776, 14336)
SHARE = _audit(5140, 12808, version=1, pid=4)
SHARE_FILE = _audit(5145, 12811, pid=4)

LOG_CLEARED = Kind(
    provider="Microsoft-Windows-Eventlog",
    guid="{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}",
    channel="Security",
    event_id=1102,
    task=104,
    keywords="0x4020000000000000",
)

PROCESS_CREATED_SYSMON = _sysmon(1, 5)
NETWORK_CONNECTION = _sysmon(3, 5)
PROCESS_ACCESS = _sysmon(10, 3)
FILE_CREATED = _sysmon(11, 2)
IMAGE_LOADED = _sysmon(7, 3)
VALUE_DELETED = _sysmon(12, 2)
VALUE_SET = _sysmon(13, 2)
PIPE_CONNECTED = _sysmon(18, 1)
FILE_DELETED = _sysmon(23, 5)
DNS_QUERY = _sysmon(22, 5)

SERVICE_STATE = _service_control(7036)
SERVICE_INSTALLED = _service_control(7045)
TASK_REGISTERED = _scheduler(106, opcode=0, keywords="0x8000000000000000")
TASK_ACTION = _scheduler(200, opcode=1)
TASK_DONE = _scheduler(201, opcode=2)
UPDATE_STARTED = _update(43, "0x8000000000002008")
UPDATE_INSTALLED = _update(19, "0x8000000000000018")
STARTED = _kernel(12, 1)
STOPPED = _kernel(13, 2)
EVENT_LOG_STARTED = _classic("EventLog", "System", 6005, qualifiers=32768)
EVENT_LOG_STOPPED = _classic("EventLog", "System", 6006, qualifiers=32768)
UPTIME = _classic("EventLog", "System", 6013, qualifiers=32768)
SHUTDOWN = Kind(
    provider="User32",
    guid="{b0aa8734-56f7-41cc-b2f4-de228e98b946}",
    channel="System",
    event_id=1074,
    keywords="0x8080000000000000",
    source="User32",
    qualifiers=32768,
)
SCRIPT_BLOCK = Kind(
    provider="Microsoft-Windows-PowerShell",
    guid="A0C1853B-5C40-4B15-8766-3CF1C58F985A",
    channel="Microsoft-Windows-PowerShell/Operational",
    event_id=4104,
    version=1,
    level=5,
    task=2,
    opcode=15,
    keywords="0x0",
)
TOKEN_ISSUED = _federation(1200)
CREDENTIAL_VALIDATED = _federation(1202)
CERTIFICATE_EXPORTED = Kind(
    provider="Microsoft-Windows-CertificateServicesClient-Lifecycle-System",
    guid="BC0669E1-A10D-4A78-834E-1CA3C806C93B",
    channel="Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    event_id=1007,
)
CMDLET = _classic("MSExchange CmdletLogs", "MSExchange Management", 1, qualifiers=16384, task=1)
DATABASE_CREATED = _classic("ESENT", "Application", 325, task=1)
DATABASE_DETACHED = _classic("ESENT", "Application", 327, task=1)
