"""What the rest of the logs remembers about processes, logons and addresses, beside the findings.

A finding shows one moment. To say where a process came from, who logged on from where, and how common an
address is, linking and dating look back through every event; this keeps the little of each that they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stillhunt.telemetry.event import EventBatch

__all__ = ["Logon", "Process", "Trail", "file_name"]

ShiftOf = Callable[[str, str], int]
"""Seconds to add to the logged times of (file, host): what the clock ledger found."""

_REMOTE_LOGON_TYPES = frozenset({"3", "8", "9", "10"})
"""Network, network in clear text, new credentials, remote interactive."""

_COMMAND_LINE_KEPT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process start.

    Attributes:
        id: ``process.entity_id``.
        parent: The parent's id, or empty.
        parent_image: The parent's image as logged with the child, or empty.
        image: Path of its image.
        command_line: Its command line, cut at 400 characters.
        user: Its account.
        host: Its machine.
        at: When it started, as logged.
        file: The input file that says so.
    """

    id: str
    parent: str
    parent_image: str
    image: str
    command_line: str
    user: str
    host: str
    at: datetime
    file: str


@dataclass(slots=True, kw_only=True)
class Logon:
    """All remote logons of one account from one address to one host.

    Attributes:
        host: The machine logged on to.
        account: The account.
        address: The address it came from.
        logon_type: Windows logon type.
        first_at: First of them, as logged.
        last_at: Last of them, as logged.
        count: How many.
        file: Input file of the first.
    """

    host: str
    account: str
    address: str
    logon_type: str
    first_at: datetime
    last_at: datetime
    count: int
    file: str


@dataclass(slots=True)
class Trail:
    """Process starts, remote logons, hosts' own addresses and how many hosts know an address."""

    processes: dict[str, Process] = field(default_factory=dict)
    logons: dict[tuple[str, str, str, str], Logon] = field(default_factory=dict)
    own_addresses: dict[str, set[str]] = field(default_factory=dict)
    hosts_by_address: dict[str, set[str]] = field(default_factory=dict)

    def observe(self, batch: EventBatch) -> None:
        """Take note of what a batch says about processes, logons and addresses."""
        categories = batch.event_class.categories
        if "process_creation" in categories:
            self._observe_processes(batch)
        elif "network_connection" in categories:
            self._observe_connections(batch)
        elif "security" in batch.event_class.services and batch.event_class.event_id == "4624":
            self._observe_logons(batch)

    def ancestors(self, process: str) -> Iterator[Process]:
        """Yield a process and its ancestors, youngest first, as far as they were logged."""
        seen: set[str] = set()
        while process in self.processes and process not in seen:
            seen.add(process)
            yield self.processes[process]
            process = self.processes[process].parent

    def host_of_address(self, address: str) -> str | None:
        """Return the one host that has this address itself, or None if none or several have."""
        hosts = [host for host, addresses in self.own_addresses.items() if address in addresses]
        return hosts[0] if len(hosts) == 1 else None

    def shift(self, shift_s: ShiftOf) -> None:
        """Add the clock ledger's corrections to every time kept here. To be called once, after reading."""
        for key, process in self.processes.items():
            seconds = shift_s(process.file, process.host)
            if seconds:
                self.processes[key] = _moved(process, seconds)
        for logon in self.logons.values():
            delta = timedelta(seconds=shift_s(logon.file, logon.host))
            logon.first_at += delta
            logon.last_at += delta

    def _observe_processes(self, batch: EventBatch) -> None:
        for row in _rows(
            batch,
            "process.entity_id",
            "process.parent.entity_id",
            "process.executable",
            "process.parent.executable",
            "process.command_line",
            "user.name",
        ):
            process, at = row["process.entity_id"], row["@timestamp"]
            if not process or at is None:
                continue
            known = self.processes.get(process)
            if known is not None and (known.at, known.file) <= (at, row["event.file"]):
                continue
            self.processes[process] = Process(
                id=process,
                parent=row["process.parent.entity_id"] or "",
                parent_image=row["process.parent.executable"] or "",
                image=row["process.executable"] or "",
                command_line=(row["process.command_line"] or "")[:_COMMAND_LINE_KEPT],
                user=row["user.name"] or "",
                host=row["host.name"] or "",
                at=at,
                file=row["event.file"] or "",
            )

    def _observe_connections(self, batch: EventBatch) -> None:
        initiated = "Initiated" in batch.data.schema.names
        columns = ["source.ip", "destination.ip", *(["Initiated"] if initiated else [])]
        for row in _rows(batch, *columns):
            host = row["host.name"] or ""
            outgoing = str(row.get("Initiated", "true")).lower() == "true"
            own, other = row["source.ip"], row["destination.ip"]
            if not outgoing:
                own, other = other, own
            if own:
                self.own_addresses.setdefault(host, set()).add(own)
            if other:
                self.hosts_by_address.setdefault(other, set()).add(host)

    def _observe_logons(self, batch: EventBatch) -> None:
        for row in _rows(batch, "source.ip", "user.target.name", "logon.type"):
            address, at = row["source.ip"], row["@timestamp"]
            if not address or at is None or row["logon.type"] not in _REMOTE_LOGON_TYPES:
                continue
            host, account = row["host.name"] or "", row["user.target.name"] or ""
            self.hosts_by_address.setdefault(address, set()).add(host)
            key = (host, account, address, row["logon.type"])
            known = self.logons.get(key)
            if known is None:
                self.logons[key] = Logon(
                    host=host,
                    account=account,
                    address=address,
                    logon_type=row["logon.type"],
                    first_at=at,
                    last_at=at,
                    count=1,
                    file=row["event.file"] or "",
                )
                continue
            known.count += 1
            if at < known.first_at:
                known.first_at, known.file = at, row["event.file"] or ""
            known.last_at = max(known.last_at, at)


def file_name(path: str) -> str:
    r"""Return the last part of a Windows or POSIX path, lower case.

    >>> file_name(r"C:\\Windows\\System32\\cmd.exe")
    'cmd.exe'
    """
    return path.replace("\\", "/").rpartition("/")[2].lower()


def _rows(batch: EventBatch, *columns: str) -> Iterator[dict[str, Any]]:
    return iter(batch.data.select(["@timestamp", "event.file", "host.name", *columns]).to_pylist())


def _moved(process: Process, seconds: int) -> Process:
    return Process(
        id=process.id,
        parent=process.parent,
        parent_image=process.parent_image,
        image=process.image,
        command_line=process.command_line,
        user=process.user,
        host=process.host,
        at=process.at + timedelta(seconds=seconds),
        file=process.file,
    )
