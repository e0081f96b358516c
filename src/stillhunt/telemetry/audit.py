r"""Records of the Linux audit system, and the events that several of them describe together.

The kernel tells of one system call in several records (SYSCALL, EXECVE, CWD, PATH, PROCTITLE), which share the time
and serial number in ``audit(1684329817.579:2995)``. Sigma's rules ask one record at a time (``type: PATH``,
``type: EXECVE`` with its own ``a0``, which in a SYSCALL record is a register), so every record stays an event with its
own fields, and what the others know goes where it does no harm: into the ECS columns of each, and into fields that the
record itself has not: the SYSCALL of an ``execve`` that worked gets ``Image``, ``CommandLine`` ... of Sigma's
``process_creation``, a created PATH those of ``file_event``, the SOCKADDR of a ``connect`` those of
``network_connection``.

Values that might hold anything are written in hexadecimal unless they are in quotes, and are decoded. Behind ``\x1d``
auditd puts names for numbers in capitals (``SYSCALL=execve UID="root"``); where it does not, the name of a system call
is looked up for x86-64, AArch64 and i386.

Reference: audit.8, auditd.conf.5, linux/audit.h; auditing specification "audit-event-parsing" of linux-audit.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from stillhunt.telemetry.access import address_in
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.syscalls import ARCHITECTURES, syscall_name

__all__ = ["AuditEvents", "AuditRecord", "Told", "has_audit_record", "read_audit_record"]

_HEAD = re.compile(
    r"(?:node=(?P<node>\S+) +)?type=(?P<type>[A-Za-z0-9_\[\]]+) +(?:msg=)?audit\((?P<stamp>[^:()]{1,40}(?::\d\d:[^:()]{1,12})?)"
    r":(?P<serial>\d+)\) ?: ?"
)
_FIELD = re.compile(r"""([A-Za-z_][\w.-]*(?:\[\d+\])?)=("[^"]*"|'[^']*'|\{[^}]*\}|[^\s\x1d]*)""")
_LOOSE_FIELD = re.compile(r'([A-Za-z][\w-]*)=(".*?"|.*?)(?= [A-Za-z][\w-]*=|\s*$)', re.DOTALL)
"""Of writers that put no quotes around spaces: a value reaches to the next name."""
_LONGEST_LOOSE = 20_000
_AVC = re.compile(r"avc: +(\w+) +\{ ([^}]*) \} for ")
_HEX = re.compile(r"(?:[0-9A-F]{2})+$")
_ARGUMENT = re.compile(r"a(\d+)$")
_PART_OF_ARGUMENT = re.compile(r"a(\d+)\[(\d+)\]$")
_INTERPRETED_TIME = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4}) (\d\d:\d\d:\d\d)(\.\d+)?$")
_ENCODED = frozenset(
    "proctitle exe comm name cwd acct cmd data path file dir key watch device unit ocomm vm grp new_group old".split()  # noqa: SIM905  # reads better
)
_TYPES = {
    "1006": "LOGIN",
    "1100": "USER_AUTH",
    "1101": "USER_ACCT",
    "1103": "CRED_ACQ",
    "1104": "CRED_DISP",
    "1105": "USER_START",
    "1106": "USER_END",
    "1110": "CRED_REFR",
    "1112": "USER_LOGIN",
    "1123": "USER_CMD",
    "1130": "SERVICE_START",
    "1131": "SERVICE_STOP",
    "1300": "SYSCALL",
    "1302": "PATH",
    "1305": "CONFIG_CHANGE",
    "1306": "SOCKADDR",
    "1307": "CWD",
    "1309": "EXECVE",
    "1320": "EOE",
    "1325": "NETFILTER_CFG",
    "1326": "SECCOMP",
    "1327": "PROCTITLE",
    "1334": "BPF",
    "1400": "AVC",
    "1700": "ANOM_PROMISCUOUS",
    "1701": "ANOM_ABEND",
}
"""As the kernel writes them where no daemon listens; source: linux/audit.h."""

_AUDITD = frozenset({"auditd"})
_CLASS = EventClass(product="linux", services=_AUDITD)
_CLASS_OF = {
    category: EventClass(product="linux", services=_AUDITD, categories=frozenset({category}))
    for category in ("process_creation", "network_connection", "file_event")
}
_EXEC = frozenset({"execve", "execveat"})
_UNSET = "4294967295"
_PROCESSES_KEPT = 65_536
_EVENTS_KEPT = 2_000
"""Events whose records may lie among each other; the kernel interleaves a few."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record.

    Attributes:
        type: Such as ``SYSCALL``.
        id: Time and serial number as logged, with the node: what the records of an event share.
        at: Its time; without a zone where it was written for people.
        node: The machine, empty if the log does not say.
        native: Its fields, decoded.
        number: Line number.
        original: The line.
    """

    type: str
    id: str
    at: datetime | None
    node: str
    native: dict[str, str]
    number: int
    original: str


@dataclass(frozen=True, slots=True)
class Told:
    """A record with what its event says about it.

    Attributes:
        event_class: What it is.
        record: The record; its ``native`` has been completed.
        common: Fields under ECS names.
    """

    event_class: EventClass
    record: AuditRecord
    common: dict[str, str]


def has_audit_record(text: str) -> bool:
    """Tell whether a text is or holds an audit record."""
    return "audit(" in text and _HEAD.search(text) is not None


def read_audit_record(line: str, number: int = 0) -> AuditRecord | None:
    """Read a line, also one with something before the record; None if there is no record in it."""
    found = _HEAD.search(line) if "audit(" in line else None
    if found is None:
        return None
    node, kind, stamp, serial = found["node"] or "", found["type"], found["stamp"], found["serial"]
    kind = _TYPES.get(kind, kind)
    rest = line[found.end() :]
    if kind.startswith("AUOMS_") or ("/" in stamp and " msg='" not in f" {rest}"):
        native = {name: _unquoted(value) for name, value in _LOOSE_FIELD.findall(rest[:_LONGEST_LOOSE])}
        node = node or native.get("node", "")
    else:
        native = _fields(kind, rest)
    native = {"type": kind} | native
    if node:
        native["node"] = node
    return AuditRecord(
        type=kind,
        id=f"{node} {stamp}:{serial}",
        at=_time(stamp),
        node=node,
        native=native,
        number=number,
        original=line,
    )


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value.rstrip()


@lru_cache(maxsize=4096)
def _time(stamp: str) -> datetime | None:
    if found := _INTERPRETED_TIME.match(stamp):
        # ausearch -i writes dates as the C locale does: month first.
        month, day, year, clock, fraction = found.groups()
        year = f"20{year}" if len(year) == 2 else year
        digits = (fraction or ".0")[1:7]
        try:
            return datetime.fromisoformat(f"{year}-{int(month):02d}-{int(day):02d}T{clock}.{digits:0<6}")
        except ValueError:
            return None
    return read_instant(stamp) if stamp[:1].isdecimal() else None


def _fields(kind: str, text: str) -> dict[str, str]:
    native: dict[str, str] = {}
    if avc := _AVC.match(text):
        native["seresult"], native["seperms"] = avc.groups()
    parts: dict[int, list[tuple[int, str]]] = {}
    for name, value in _FIELD.findall(text):
        first = value[:1]
        if first == '"':
            native[name] = value[1:-1] if value[-1] == '"' and len(value) > 1 else value
        elif first == "'":
            inner = value.strip("'")
            native |= _fields(kind, inner) if "=" in inner else {name: inner}
        elif "[" in name and (part := _PART_OF_ARGUMENT.match(name)):
            parts.setdefault(int(part[1]), []).append((int(part[2]), value))
        elif kind == "EXECVE" and name[0] == "a" and _ARGUMENT.match(name):
            native[name] = _decoded(value)
        elif name in _ENCODED:
            native[name] = _decoded(value, " " if name == "proctitle" else ",")
        elif value or name not in native:
            native[name] = value
    for number, found in sorted(parts.items()):
        native[f"a{number}"] = _decoded("".join(value.strip('"') for _, value in sorted(found)))
    return native


@lru_cache(maxsize=65_536)
def _decoded(value: str, separator: str = " ") -> str:
    """Decode a value that was not in quotes; what cannot be hexadecimal is as logged."""
    if len(value) < 2 or not _HEX.match(value):
        return value
    text = bytes.fromhex(value).decode("utf-8", "replace")
    return text.rstrip("\x00").replace("\x00", separator).replace("\x01", separator)


@dataclass(slots=True)
class _Process:
    """What an ``execve`` made of a process."""

    id: str
    executable: str
    command_line: str


@dataclass(slots=True)
class AuditEvents:
    """Puts the records of a log together, however they are interleaved, and remembers who started whom.

    The parent of a process is whatever last ran under its number: a number that was used again in between without an
    ``execve`` shows as the older program.

    Attributes:
        machine: Whose log it is, for records that name no node.
    """

    machine: str = ""
    _open: OrderedDict[str, list[AuditRecord]] = field(default_factory=OrderedDict)
    _processes: OrderedDict[tuple[str, str], _Process] = field(default_factory=OrderedDict)

    def add(self, record: AuditRecord) -> Iterator[Told]:
        """Take a record, and yield those of events that are complete by now."""
        if record.type == "EOE":
            yield from self._told(self._open.pop(record.id, []))
            return
        self._open.setdefault(record.id, []).append(record)
        if len(self._open) > _EVENTS_KEPT:
            yield from self._told(self._open.popitem(last=False)[1])

    def rest(self) -> Iterator[Told]:
        """Yield the records of events that are still open."""
        while self._open:
            yield from self._told(self._open.popitem(last=False)[1])

    def _told(self, records: Sequence[AuditRecord]) -> Iterator[Told]:
        if not records:
            return
        event = _Event(records, self.machine)
        parent = self._processes.get((event.node, event.ppid)) if event.ppid else None
        if event.is_start:
            event.process_id = f"{event.node}:{event.pid}:{records[0].id.rpartition(' ')[2]}".lower()
            made = _Process(event.process_id, event.native.get("exe", ""), event.command_line)
            self._processes[event.node, event.pid] = made
            self._processes.move_to_end((event.node, event.pid))
            if len(self._processes) > _PROCESSES_KEPT:
                self._processes.popitem(last=False)
        elif own := self._processes.get((event.node, event.pid)):
            event.process_id = own.id
        for record in records:
            yield event.told(record, parent)


class _Event:
    """What the records of one event say together."""

    def __init__(self, records: Sequence[AuditRecord], machine: str) -> None:
        by_type = {record.type: record for record in reversed(records)}
        calling = by_type.get("SYSCALL") or by_type.get("AUOMS_EXECVE") or by_type.get("AUOMS_SYSCALL") or records[0]
        self.native: Mapping[str, str] = calling.native
        self.calling = calling
        self.node = calling.node.lower() or machine
        self.pid, self.ppid = self.native.get("pid", ""), self.native.get("ppid", "")
        self.process_id = ""
        self.syscall = _syscall(self.native)
        self.cwd = by_type["CWD"].native.get("cwd", "") if "CWD" in by_type else self.native.get("cwd", "")
        self.command_line = _command_line(by_type, self.native)
        self.address = _socket_address(by_type["SOCKADDR"].native) if "SOCKADDR" in by_type else ("", "")
        # EXECVE alone says that a program was started, but neither by whom nor whether that worked.
        is_exec = self.syscall in _EXEC or "EXECVE" in by_type
        self.is_start = is_exec and self.native.get("success", "yes") == "yes"
        self._starting = by_type.get("EXECVE", calling) if calling.type not in _CALLS else calling

    def told(self, record: AuditRecord, parent: _Process | None) -> Told:
        native, common = record.native, self._common(record)
        event_class = _CLASS
        if record is self.calling and record.type in _CALLS:
            if self.cwd:
                native.setdefault("cwd", self.cwd)
            if self.syscall:
                native.setdefault("SYSCALL", self.syscall)
        if self.is_start and record is self._starting:
            event_class = _CLASS_OF["process_creation"]
            self._add_start(native, common, parent)
        elif record.type == "PATH":
            path = self._path(native)
            if path:
                common["file.path"] = path
            if native.get("nametype") == "CREATE" and self.native.get("success", "yes") == "yes" and path:
                event_class = _CLASS_OF["file_event"]
                native["TargetFilename"] = path
                self._add_process(native)
        elif record.type == "SOCKADDR" and self.syscall == "connect" and self.address[0]:
            event_class = _CLASS_OF["network_connection"]
            native["Initiated"] = "true"
            native["DestinationIp"], native["DestinationPort"] = self.address
            self._add_process(native)
        return Told(event_class, record, common)

    def _add_process(self, native: dict[str, str]) -> None:
        for name, value in (
            ("Image", self.native.get("exe", "")),
            ("ProcessId", self.pid),
            ("User", _user(self.native, "uid")),
        ):
            if value:
                native.setdefault(name, value)

    def _add_start(self, native: dict[str, str], common: dict[str, str], parent: _Process | None) -> None:
        self._add_process(native)
        for name, value in (
            ("CommandLine", self.command_line),
            ("CurrentDirectory", self.cwd),
            ("ParentProcessId", self.ppid),
            ("LogonId", self.native.get("auid", "")),
        ):
            if value:
                native.setdefault(name, value)
        if parent:
            if parent.executable:
                native["ParentImage"] = common["process.parent.executable"] = parent.executable
            if parent.command_line:
                native["ParentCommandLine"] = parent.command_line
            common["process.parent.entity_id"] = parent.id

    def _common(self, record: AuditRecord) -> dict[str, str]:
        own, native = record.native, self.native
        said = {
            "host.name": self.node,
            "user.name": _user(native, "uid").lower(),
            "user.target.name": _target(own),
            "source.ip": address_in(own.get("addr", "")),
            "process.entity_id": self.process_id,
            "process.executable": native.get("exe", ""),
            "process.command_line": self.command_line,
            "event.action": self.syscall or own.get("op", "") or record.type,
            "event.outcome": _outcome(native),
            "service.name": own.get("unit", ""),
        }
        if self.address[0]:
            side = "destination.ip" if self.syscall not in {"accept", "accept4"} else "source.ip"
            said[side] = self.address[0]
            if side == "destination.ip":
                said["destination.port"] = self.address[1]
        return {name: value for name, value in said.items() if value}

    def _path(self, native: Mapping[str, str]) -> str:
        name = native.get("name", "")
        if name in {"", "(null)"}:
            return ""
        return name if name.startswith("/") or not self.cwd else f"{self.cwd.rstrip('/')}/{name.removeprefix('./')}"


_CALLS = frozenset({"SYSCALL", "AUOMS_EXECVE", "AUOMS_SYSCALL"})


def _syscall(native: Mapping[str, str]) -> str:
    if name := native.get("SYSCALL"):
        return name
    number = native.get("syscall", "")
    if not number.isdecimal():
        return number
    return syscall_name(native.get("ARCH") or ARCHITECTURES.get(native.get("arch", ""), ""), number)


def _command_line(by_type: Mapping[str, AuditRecord], native: Mapping[str, str]) -> str:
    if "EXECVE" in by_type:
        given = by_type["EXECVE"].native
        numbers = sorted(int(name[1:]) for name in given if _ARGUMENT.match(name))
        return " ".join(given[f"a{number}"] for number in numbers)
    if "cmdline" in native or "cmd" in native:
        return native.get("cmdline", "") or native.get("cmd", "")
    title = by_type["PROCTITLE"].native.get("proctitle", "") if "PROCTITLE" in by_type else native.get("proctitle", "")
    return "" if title == "(null)" else title


def _user(native: Mapping[str, str], name: str) -> str:
    """Return an account by its name where auditd looked it up, else by its number."""
    known = native.get(name.upper()) or (native.get("user", "") if name == "uid" else "")
    if known and known != "unknown":
        return known
    number = native.get(name, "")
    return "root" if number == "0" else "" if number in {_UNSET, "-1", "unset"} else number


def _target(native: Mapping[str, str]) -> str:
    account = native.get("acct", "")
    if account in {"", "?", "(unknown)"}:
        account = native.get("ID", "") if native.get("type", "").startswith(("ADD_", "DEL_", "USER_LOGIN")) else ""
    return "" if account == "?" else account.lower()


def _outcome(native: Mapping[str, str]) -> str:
    if native.get("exit") in {"-115", "EINPROGRESS(Operation now in progress)"}:
        return ""
    said = native.get("success") or native.get("res") or native.get("result") or ""
    return {"yes": "success", "success": "success", "1": "success"}.get(
        said, "failure" if said in {"no", "failed", "0", "fail"} else ""
    )


_NAMED_ADDRESS = re.compile(r"(?:laddr|addr)=(\S+)(?: (?:lport|port)=(\d+))?")


def _socket_address(native: Mapping[str, str]) -> tuple[str, str]:
    """Return address and port of a socket address, from its name or its bytes; empty for other families."""
    if found := _NAMED_ADDRESS.search(native.get("SADDR", "")):
        return address_in(found[1]), found[2] or ""
    try:
        raw = bytes.fromhex(native.get("saddr", ""))
    except ValueError:
        return "", ""
    family, port = raw[:2], str(int.from_bytes(raw[2:4], "big"))
    if family in {b"\x02\x00", b"\x00\x02"} and len(raw) >= 8:
        return address_in(str(ip_address(raw[4:8]))), port
    if family in {b"\x0a\x00", b"\x00\x0a"} and len(raw) >= 24:
        return address_in(str(ip_address(raw[8:24]))), port
    return "", ""
