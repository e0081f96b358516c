"""Processes and what they do: start, write, set, ask, connect. Each host logs them in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stillhunt.simulation import kinds
from stillhunt.simulation.journal import Journal
from stillhunt.simulation.kinds import Kind
from stillhunt.simulation.programs import SYSTEM32, program_of
from stillhunt.simulation.windows import SYSTEM_SID, Process, Session, subject, sysmon_time

__all__ = ["ProcessJournal"]

_LABELS = {"Medium": "S-1-16-8192", "High": "S-1-16-12288", "System": "S-1-16-16384"}


@dataclass
class ProcessJournal(Journal):
    """A log of processes: Sysmon where the host has it, 4688 where the Security log audits it, both, or neither."""

    def run(
        self,
        at: datetime,
        image: str,
        command_line: str = "",
        *,
        parent: Process,
        session: Session | None = None,
        directory: str = SYSTEM32,
        disguises: str = "",
    ) -> Process:
        """Start a process, and log it as this host logs processes.

        Args:
            at: When.
            image: Full path, or a file name of System32.
            command_line: As typed; the image in quotation marks if empty.
            parent: Who starts it.
            session: As whom; the parent's session if None.
            directory: Its current directory.
            disguises: File name of the program it really is, if it was renamed.
        """
        path = image if "\\" in image else SYSTEM32 + image
        process = Process(
            at=at,
            image=path,
            command_line=command_line or f'"{path}"',
            pid=4 * self._random.randrange(250, 3500),
            guid=self._guid(at, self._next()),
            session=session or parent.session,
        )
        self._log_start(process, parent, directory=directory, disguises=disguises)
        return process

    def announce(self, name: str, parent: str, at: datetime) -> Process:
        """Log the start of a standing process after the last boot before ``at``."""
        process = self.standing(name, at)
        self._log_start(process, self.standing(parent, at), directory=SYSTEM32, disguises="")
        return process

    def create_file(self, at: datetime, process: Process, path: str) -> None:
        """Log that a process created a file, where Sysmon runs."""
        if self.host.has_sysmon:
            self._sysmon(
                at,
                kinds.FILE_CREATED,
                process,
                {"TargetFilename": path, "CreationUtcTime": sysmon_time(at)},
            )

    def delete_file(self, at: datetime, process: Process, path: str) -> None:
        """Log that a process deleted a file, where Sysmon runs."""
        if self.host.has_sysmon:
            program = program_of(path)
            data = {"TargetFilename": path, "Hashes": program.hashes, "IsExecutable": True, "Archived": "true"}
            self._sysmon(at, kinds.FILE_DELETED, process, data)

    def load_image(self, at: datetime, process: Process, path: str, *, signature: str = "") -> None:
        """Log that a process loaded a library, where Sysmon runs; unsigned without a signature."""
        if not self.host.has_sysmon:
            return
        program = program_of(path)
        data = {
            "ImageLoaded": path,
            "FileVersion": program.version,
            "Description": program.description,
            "Product": program.product,
            "Company": program.company,
            "OriginalFileName": program.original,
            "Hashes": program.hashes,
            "Signed": "true" if signature else "false",
            "Signature": signature or "-",
            "SignatureStatus": "Valid" if signature else "Unavailable",
        }
        self._sysmon(at, kinds.IMAGE_LOADED, process, data)

    def set_value(self, at: datetime, process: Process, name: str, details: str) -> None:
        """Log that a process set a registry value, where Sysmon runs."""
        if self.host.has_sysmon:
            data = {"EventType": "SetValue", "TargetObject": name, "Details": details}
            self._sysmon(at, kinds.VALUE_SET, process, data)

    def delete_value(self, at: datetime, process: Process, name: str) -> None:
        """Log that a process deleted a registry value, where Sysmon runs."""
        if self.host.has_sysmon:
            self._sysmon(at, kinds.VALUE_DELETED, process, {"EventType": "DeleteValue", "TargetObject": name})

    def open_pipe(self, at: datetime, process: Process, name: str) -> None:
        """Log that a process connected to a named pipe, where Sysmon runs."""
        if self.host.has_sysmon:
            self._sysmon(at, kinds.PIPE_CONNECTED, process, {"EventType": "ConnectPipe", "PipeName": name})

    def query_name(self, at: datetime, process: Process, name: str, answer: str) -> None:
        """Log that a process asked for a name, where Sysmon runs."""
        if self.host.has_sysmon:
            self._sysmon(
                at,
                kinds.DNS_QUERY,
                process,
                {"QueryName": name, "QueryStatus": "0", "QueryResults": f"::ffff:{answer};", "Image": process.image},
                names_image=False,
            )

    def connect(self, at: datetime, process: Process, address: str, port: int, *, name: str = "-") -> None:
        """Log that a process connected to an address, where Sysmon runs."""
        if not self.host.has_sysmon:
            return
        data = {
            "User": process.session.account,
            "Protocol": "tcp",
            "Initiated": True,
            "SourceIsIpv6": False,
            "SourceIp": self.host.address,
            "SourceHostname": self.host.fqdn,
            "SourcePort": self.port(),
            "SourcePortName": "-",
            "DestinationIsIpv6": ":" in address,
            "DestinationIp": address,
            "DestinationHostname": name,
            "DestinationPort": port,
            "DestinationPortName": {443: "https", 80: "http", 445: "microsoft-ds", 135: "epmap"}.get(port, "-"),
        }
        self._sysmon(at, kinds.NETWORK_CONNECTION, process, data)

    def access(self, at: datetime, source: Process, target: Process, granted: str, trace: str) -> None:
        """Log that one process opened another, where Sysmon runs."""
        if not self.host.has_sysmon:
            return
        self.log(
            at,
            kinds.PROCESS_ACCESS,
            {
                "RuleName": "-",
                "UtcTime": sysmon_time(at),
                "SourceProcessGUID": source.guid,
                "SourceProcessId": source.pid,
                "SourceThreadId": 4 * self._random.randrange(300, 3000),
                "SourceImage": source.image,
                "TargetProcessGUID": target.guid,
                "TargetProcessId": target.pid,
                "TargetImage": target.image,
                "GrantedAccess": granted,
                "CallTrace": trace,
            },
            user_id=SYSTEM_SID,
        )

    def _log_start(self, process: Process, parent: Process, *, directory: str, disguises: str) -> None:
        if self.host.audits_processes:
            self._log_process_security(process.at, process, parent)
        if self.host.has_sysmon:
            self._log_process_sysmon(process.at, process, parent, directory=directory, disguises=disguises)

    def _log_process_security(self, at: datetime, process: Process, parent: Process) -> None:
        is_same = process.session.sid == parent.session.sid
        data = {
            **subject(self._as_security(parent.session)),
            "NewProcessId": f"0x{process.pid:x}",
            "NewProcessName": process.image,
            "TokenElevationType": "%%1938" if process.session.integrity == "Medium" else "%%1936",
            "ProcessId": f"0x{parent.pid:x}",
            "CommandLine": process.command_line,
            "TargetUserSid": "S-1-0-0" if is_same else process.session.sid,
            "TargetUserName": "-" if is_same else process.session.login,
            "TargetDomainName": "-" if is_same else process.session.domain,
            "TargetLogonId": "0x0" if is_same else process.session.logon_id,
            "ParentProcessName": parent.image,
            "MandatoryLabel": _LABELS[process.session.integrity],
        }
        self.log(at, kinds.PROCESS_CREATED, data)

    def _log_process_sysmon(
        self, at: datetime, process: Process, parent: Process, *, directory: str, disguises: str
    ) -> None:
        program = program_of(process.image, disguises)
        session = process.session
        data = {
            "RuleName": "-",
            "UtcTime": sysmon_time(at),
            "ProcessGuid": process.guid,
            "ProcessId": process.pid,
            "Image": process.image,
            "FileVersion": program.version,
            "Description": program.description,
            "Product": program.product,
            "Company": program.company,
            "OriginalFileName": program.original,
            "CommandLine": process.command_line,
            "CurrentDirectory": directory,
            "User": session.account,
            "LogonGuid": session.logon_guid,
            "LogonId": session.logon_id,
            "TerminalSessionId": session.terminal,
            "IntegrityLevel": session.integrity,
            "Hashes": program.hashes,
            "ParentProcessGuid": parent.guid,
            "ParentProcessId": parent.pid,
            "ParentImage": parent.image,
            "ParentCommandLine": parent.command_line,
        }
        self.log(at + timedelta(microseconds=1400), kinds.PROCESS_CREATED_SYSMON, data, user_id=SYSTEM_SID)

    def _sysmon(
        self,
        at: datetime,
        kind: Kind,
        process: Process,
        data: Mapping[str, Any],
        *,
        names_image: bool = True,
    ) -> None:
        whole = {
            "RuleName": "-",
            "UtcTime": sysmon_time(at),
            "ProcessGuid": process.guid,
            "ProcessId": process.pid,
            **({"Image": process.image} if names_image else {}),
            **data,
        }
        self.log(at + timedelta(microseconds=1700), kind, whole, user_id=SYSTEM_SID)
