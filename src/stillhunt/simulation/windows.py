"""The nouns of a simulated Windows log: events, logon sessions, processes, and how times are written.

Fields carry the names, types and forms that `evtx_dump` shows for a real record; the writer turns them into the
other shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stillhunt.simulation.estate import Host
from stillhunt.simulation.kinds import Kind

__all__ = ["NO_GUID", "SYSTEM_SID", "Process", "Session", "WindowsEvent", "subject", "sysmon_time", "system_time"]

SYSTEM_SID = "S-1-5-18"
NO_GUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class WindowsEvent:
    """One event, without its record id, which the writer gives when all are known.

    Attributes:
        at: When.
        host: Where.
        kind: Provider, channel and id.
        data: Named values of EventData, or a list of unnamed ones, or UserData under its element's name.
        user_id: Security/UserID of the record, or None.
        pid: Execution/ProcessID.
    """

    at: datetime
    host: Host
    kind: Kind
    data: Mapping[str, Any] | list[str]
    user_id: str | None
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A logon session: who, and under which logon id.

    Attributes:
        domain: Domain as logged.
        login: Account name as logged.
        sid: Security identifier.
        logon_id: ``0x...``.
        logon_guid: Sysmon's LogonGuid.
        terminal: Terminal session.
        integrity: Integrity level that its processes run at.
        address: Where it came from, or empty.
    """

    domain: str
    login: str
    sid: str
    logon_id: str
    logon_guid: str
    terminal: int = 0
    integrity: str = "Medium"
    address: str = ""

    @property
    def account(self) -> str:
        r"""``DOMAIN\login``."""
        return f"{self.domain}\\{self.login}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running process, as later events refer to it.

    Attributes:
        at: When it started.
        image: Path of its image.
        command_line: Its command line.
        pid: Its number.
        guid: Sysmon's ProcessGuid.
        session: The session it runs in.
    """

    at: datetime
    image: str
    command_line: str
    pid: int
    guid: str
    session: Session


def subject(session: Session) -> dict[str, str]:
    """Return the four fields by which the Security log names who acts."""
    return {
        "SubjectUserSid": session.sid,
        "SubjectUserName": session.login,
        "SubjectDomainName": session.domain,
        "SubjectLogonId": session.logon_id,
    }


def system_time(at: datetime) -> str:
    """Write an instant as the event log does: to the microsecond, with ``Z``."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def sysmon_time(at: datetime) -> str:
    """Write an instant as Sysmon's ``UtcTime`` does: to the millisecond, without a zone."""
    return at.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
