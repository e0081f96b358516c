"""Logons: opened, closed, refused, and made with somebody else's password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stillhunt.simulation import kinds
from stillhunt.simulation.estate import Host, Person
from stillhunt.simulation.processes import ProcessJournal
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.windows import NO_GUID, Process, Session, subject

__all__ = ["LogonJournal"]

_PRIVILEGES = (
    "SeSecurityPrivilege SeBackupPrivilege SeRestorePrivilege SeTakeOwnershipPrivilege SeDebugPrivilege"
    " SeSystemEnvironmentPrivilege SeLoadDriverPrivilege SeImpersonatePrivilege"
).replace(" ", "\r\n\t\t\t")

_LOGON_PROCESS = {
    2: SYSTEM32 + "svchost.exe",
    5: SYSTEM32 + "services.exe",
    8: SYSTEM32 + "inetsrv\\w3wp.exe",
    10: SYSTEM32 + "svchost.exe",
}


@dataclass
class LogonJournal(ProcessJournal):
    """A log of processes and logons."""

    def log_on(
        self,
        at: datetime,
        person: Person,
        *,
        logon_type: int,
        address: str = "-",
        workstation: str = "-",
        is_admin: bool = False,
        package: str = "Kerberos",
        is_logged: bool = True,
    ) -> Session:
        """Open a session and log it (4624, and 4672 for administrators).

        Args:
            at: When.
            person: Whose account.
            logon_type: Windows logon type: 2 at the console, 3 over the network, 5 service, 10 remote desktop.
            address: Where from.
            workstation: Name that the other side gave of itself.
            is_admin: True if the session has an administrator's privileges.
            package: ``Kerberos``, ``NTLM`` or ``Negotiate``.
            is_logged: False for sessions that are needed but not worth a record.
        """
        session = Session(
            domain=self.estate.organisation.netbios,
            login=person.login,
            sid=person.sid,
            logon_id=self._logon_id(at),
            logon_guid=self._guid(at, self._next()),
            terminal={2: 1, 7: 1, 11: 1, 10: 3}.get(logon_type, 0),
            integrity="High" if is_admin else "Medium",
            address=address,
        )
        if not is_logged:
            return session
        is_network = logon_type == 3
        data: dict[str, Any] = {
            **self._logon_subject(is_network=is_network),
            "TargetUserSid": session.sid,
            "TargetUserName": session.login,
            "TargetDomainName": session.domain,
            "TargetLogonId": session.logon_id,
            "LogonType": logon_type,
            "LogonProcessName": {"Kerberos": "Kerberos", "NTLM": "NtLmSsp "}.get(package, "User32 "),
            "AuthenticationPackageName": package,
            "WorkstationName": workstation if workstation != "-" or is_network else self.host.name,
            "LogonGuid": self._windows_guid() if package == "Kerberos" else NO_GUID,
            "TransmittedServices": "-",
            "LmPackageName": "NTLM V2" if package == "NTLM" else "-",
            "KeyLength": 128 if package == "NTLM" else 0,
            "ProcessId": "0x0" if is_network else f"0x{self.standing('services.exe', at).pid:x}",
            "ProcessName": "-" if is_network else _LOGON_PROCESS.get(logon_type, SYSTEM32 + "svchost.exe"),
            "IpAddress": address,
            "IpPort": str(self.port()) if is_network else "0" if address != "-" else "-",
            "ImpersonationLevel": "%%1833",
            "RestrictedAdminMode": "-",
            "TargetOutboundUserName": "-",
            "TargetOutboundDomainName": "-",
            "VirtualAccount": "%%1843",
            "TargetLinkedLogonId": "0x0",
            "ElevatedToken": "%%1842" if is_admin or is_network else "%%1843",
        }
        self.log(at, kinds.LOGON, data)
        if is_admin:
            privileges = {**subject(session), "PrivilegeList": _PRIVILEGES}
            self.log(at + timedelta(microseconds=310), kinds.PRIVILEGES, privileges)
        return session

    def log_off(self, at: datetime, session: Session, logon_type: int) -> None:
        """Close a session."""
        data = {
            "TargetUserSid": session.sid,
            "TargetUserName": session.login,
            "TargetDomainName": session.domain,
            "TargetLogonId": session.logon_id,
            "LogonType": logon_type,
        }
        self.log(at, kinds.LOGOFF, data)

    def fail_logon(self, at: datetime, login: str, *, logon_type: int, address: str, exists: bool = True) -> None:
        """Log a refused logon: a wrong password, or no such account."""
        data = {
            **self._logon_subject(is_network=logon_type == 3),
            "TargetUserSid": "S-1-0-0",
            "TargetUserName": login,
            "TargetDomainName": self.estate.organisation.netbios,
            "Status": "0xc000006d",
            "FailureReason": "%%2313",
            "SubStatus": "0xc000006a" if exists else "0xc0000064",
            "LogonType": logon_type,
            "LogonProcessName": "NtLmSsp " if logon_type == 3 else "User32 ",
            "AuthenticationPackageName": "NTLM" if logon_type == 3 else "Negotiate",
            "WorkstationName": "-" if logon_type == 3 else self.host.name,
            "TransmittedServices": "-",
            "LmPackageName": "-",
            "KeyLength": 0,
            "ProcessId": "0x0" if logon_type == 3 else f"0x{self.standing('winlogon.exe', at).pid:x}",
            "ProcessName": "-" if logon_type == 3 else SYSTEM32 + "svchost.exe",
            "IpAddress": address,
            "IpPort": str(self.port()) if logon_type == 3 else "0",
        }
        self.log(at, kinds.LOGON_FAILED, data)

    def check_password(self, at: datetime, person: Person, workstation: str) -> None:
        """Log that a domain controller checked an account's password for NTLM (4776)."""
        data = {
            "PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0",
            "TargetUserName": person.login,
            "Workstation": workstation,
            "Status": "0x0",
        }
        self.log(at, kinds.NTLM, data)

    def use_credentials(self, at: datetime, session: Session, person: Person, server: Host, process: Process) -> None:
        """Log that a session used another account's password towards a server (4648)."""
        data = {
            **subject(self._as_security(session)),
            "LogonGuid": NO_GUID,
            "TargetUserName": person.login,
            "TargetDomainName": self.estate.organisation.netbios,
            "TargetLogonGuid": NO_GUID,
            "TargetServerName": server.fqdn,
            "TargetInfo": server.fqdn,
            "ProcessId": f"0x{process.pid:x}",
            "ProcessName": process.image,
            "IpAddress": "-",
            "IpPort": "-",
        }
        self.log(at, kinds.EXPLICIT_LOGON, data)

    def _logon_subject(self, *, is_network: bool) -> dict[str, str]:
        if is_network:
            return {
                "SubjectUserSid": "S-1-0-0",
                "SubjectUserName": "-",
                "SubjectDomainName": "-",
                "SubjectLogonId": "0x0",
            }
        return subject(self._as_security(self.system))
