"""A Windows machine: what happens on it goes in, the events it would log come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stillhunt.simulation import kinds
from stillhunt.simulation.chance import wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.logons import LogonJournal
from stillhunt.simulation.windows import SYSTEM_SID, Session, WindowsEvent, subject, system_time

__all__ = ["Machine"]


@dataclass
class Machine(LogonJournal):
    """One host with everything it logs: processes, logons, shares, services, tasks, scripts, restarts.

    Attributes:
        cleared: What it had logged and somebody cleared away; the ids of these records are missing.
    """

    cleared: list[WindowsEvent] = field(default_factory=list)

    def open_share(self, at: datetime, session: Session, share: str, local: str) -> None:
        """Log the first access of a session to a share (5140)."""
        data = {
            **subject(session),
            "ObjectType": "File",
            "IpAddress": session.address,
            "IpPort": str(self.port()),
            "ShareName": f"\\\\*\\{share}",
            "ShareLocalPath": f"\\??\\{local}",
            "AccessMask": "0x1",
            "AccessList": "%%4416\r\n\t\t\t\t",
        }
        self.log(at, kinds.SHARE, data)

    def touch_share_file(
        self, at: datetime, session: Session, share: str, local: str, path: str, *, is_write: bool = False
    ) -> None:
        """Log access to a file of a share (5145), for reading or for writing."""
        rights = ("%%1541", "%%4416", "%%4417", "%%4423") if is_write else ("%%1541", "%%4416", "%%4423")
        data = {
            **subject(session),
            "ObjectType": "File",
            "IpAddress": session.address,
            "IpPort": str(self.port()),
            "ShareName": f"\\\\*\\{share}",
            "ShareLocalPath": f"\\??\\{local}",
            "RelativeTargetName": path,
            "AccessMask": "0x100083" if is_write else "0x100081",
            "AccessList": "\r\n\t\t\t\t".join(rights) + "\r\n\t\t\t\t",
            "AccessReason": "-",
        }
        self.log(at, kinds.SHARE_FILE, data)

    def change_service(self, at: datetime, title: str, name: str, state: str) -> None:
        """Log that a service is now ``running`` or ``stopped`` (7036)."""
        code = f"{name}/{4 if state == 'running' else 1}".encode("utf-16-le") + b"\0\0"
        self.log(at, kinds.SERVICE_STATE, {"param1": title, "param2": state, "Binary": code.hex().upper()})

    def install_service(self, at: datetime, title: str, image: str) -> None:
        """Log that a service was installed (7045)."""
        data = {
            "ServiceName": title,
            "ImagePath": image,
            "ServiceType": "user mode service",
            "StartType": "auto start",
            "AccountName": "LocalSystem",
        }
        self.log(at, kinds.SERVICE_INSTALLED, data, user_id=SYSTEM_SID)

    def run_task(self, at: datetime, name: str, action: str, *, lasts_s: float) -> None:
        """Log a scheduled task's run from begin to end (200, 201)."""
        instance = self._windows_guid()
        begun = {"TaskName": name, "ActionName": action, "TaskInstanceId": instance, "EnginePID": self._engine(at)}
        self.log(at, kinds.TASK_ACTION, begun, user_id=SYSTEM_SID)
        done = {
            "TaskName": name,
            "TaskInstanceId": instance,
            "ActionName": action,
            "ResultCode": 0,
            "EnginePID": self._engine(at),
        }
        self.log(at + timedelta(seconds=lasts_s), kinds.TASK_DONE, done, user_id=SYSTEM_SID)

    def register_task(self, at: datetime, session: Session, name: str, content: str) -> None:
        """Log the creation of a scheduled task (106, and 4698 where the Security log audits it)."""
        context = {"TaskName": name, "UserContext": session.account}
        self.log(at, kinds.TASK_REGISTERED, context, user_id=SYSTEM_SID)
        if self.host.audits_processes:
            data = {**subject(self._as_security(session)), "TaskName": name, "TaskContent": content}
            self.log(at + timedelta(microseconds=900), kinds.TASK_CREATED, data)

    def run_script(self, at: datetime, session: Session, text: str, path: str = "") -> None:
        """Log a PowerShell script block (4104)."""
        data = {
            "MessageNumber": 1,
            "MessageTotal": 1,
            "ScriptBlockText": text,
            "ScriptBlockId": self._windows_guid().lower(),
            "Path": path,
        }
        self.log(at, kinds.SCRIPT_BLOCK, data, user_id=session.sid)

    def reset_password(self, at: datetime, session: Session, person: Person) -> None:
        """Log that an administrator set another account's password (4724)."""
        data = {
            "TargetUserName": person.login,
            "TargetDomainName": self.estate.organisation.netbios,
            "TargetSid": person.sid,
            **subject(session),
        }
        self.log(at, kinds.PASSWORD_RESET, data)

    def clear_security_log(self, at: datetime, session: Session, *, since: datetime) -> int:
        """Clear the Security log: what was logged there from ``since`` on is gone, and 1102 says who did it.

        Returns:
            How many events are lost.
        """
        lost = [e for e in self.events if e.kind.channel == "Security" and since <= e.at < at]
        gone = {id(e) for e in lost}
        self.events[:] = [e for e in self.events if id(e) not in gone]
        self.cleared += lost
        shown = subject(self._as_security(session))
        shown |= {"SubjectUserName": session.login, "SubjectDomainName": session.domain}
        self.log(at, kinds.LOG_CLEARED, {"LogFileCleared": shown})
        return len(lost)

    def restart(self, at: datetime) -> datetime:
        """Shut down and start again; standing processes begin anew. Returns when it is up."""
        up = wobble(self._random, at, 95, 260)
        self.log(at, kinds.SHUTDOWN, self._shutdown_data(), user_id=SYSTEM_SID)
        self.log(wobble(self._random, at, 4, 20), kinds.EVENT_LOG_STOPPED, [""])
        self.log(wobble(self._random, at, 22, 40), kinds.STOPPED, {"StopTime": system_time(at)})
        start = {
            "MajorVersion": 10,
            "MinorVersion": 0,
            "BuildVersion": self.host.build,
            "QfeVersion": 1000 + (at.year - 2020) * 400 + at.month * 30,
            "ServiceVersion": 0,
            "BootMode": 0,
            "StartTime": system_time(up),
        }
        self.log(up, kinds.STARTED, start, user_id=SYSTEM_SID)
        self.log(wobble(self._random, up, 5, 9), kinds.EVENT_LOG_STARTED, [""])
        uptime = ["", "", "", "", "12", "60", "0 GMT Standard Time"]
        self.log(wobble(self._random, up, 9.1, 12), kinds.UPTIME, uptime)
        self._boots.append(up)
        return up

    def _shutdown_data(self) -> dict[str, str]:
        return {
            "param1": f"C:\\Windows\\servicing\\TrustedInstaller.exe ({self.host.name})",
            "param2": self.host.name,
            "param3": "Operating System: Upgrade (Planned)",
            "param4": "0x80020003",
            "param5": "restart",
            "param6": "",
            "param7": "NT AUTHORITY\\SYSTEM",
        }

    def _engine(self, at: datetime) -> int:
        return self.standing("svchost.exe:schedule", at).pid
