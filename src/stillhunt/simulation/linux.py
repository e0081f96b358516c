"""A Linux server: logins, commands and requests go in; auth.log, audit.log and Apache's access log come out.

Sources of the forms: sshd, PAM, sudo and cron as rsyslog's traditional format writes them (no year, no zone);
auditd's records SYSCALL, EXECVE, CWD, PATH, SOCKADDR and PROCTITLE as they lie in audit.log; Apache's combined log.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from random import Random

from stillhunt.simulation.chance import stream
from stillhunt.simulation.estate import Host
from stillhunt.simulation.feed import Feed, monthly

__all__ = ["LinuxServer", "fingerprint"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSET = 4294967295


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A system call, as auditd shows it: its number, who made it with which program, and the rule that matched."""

    number: int
    login: str
    image: str
    pid: int
    parent: int
    n_items: int
    key: str


@dataclass(slots=True)
class LinuxServer:
    """The logs of one server.

    Attributes:
        host: Which.
        seed: Seed of the simulation.
        auth: Its auth.log.
        audit: Its audit.log.
        access: Apache's access log.
    """

    host: Host
    seed: int
    auth: Feed = field(init=False)
    audit: Feed = field(init=False)
    access: Feed = field(init=False)
    _random: Random = field(init=False)
    _serial: int = 0

    def __post_init__(self) -> None:
        name = self.host.name
        self._random = stream(self.seed, f"linux {name}")
        self._serial = self._random.randrange(1_000, 90_000)
        self.auth = Feed(f"auth {name}", self.host.fqdn, monthly(f"{name}/var/log/auth-{{month}}.log"))
        self.audit = Feed(f"auditd {name}", self.host.fqdn, monthly(f"{name}/var/log/audit/audit-{{month}}.log.gz"))
        self.access = Feed(f"apache {name}", self.host.fqdn, monthly(f"{name}/var/log/apache2/access-{{month}}.log.gz"))

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """Its logs."""
        return self.auth, self.audit, self.access

    def accept(self, at: datetime, login: str, address: str, *, key: str = "") -> int:
        """Log that somebody logged on over SSH, with a key or a password. Returns the number of the process."""
        pid = self._random.randrange(800, 32_000)
        how = "publickey" if key else "password"
        mark = f": ED25519 SHA256:{fingerprint(key)}" if key else ""
        self._syslog(at, f"sshd[{pid}]", f"Accepted {how} for {login} from {address} port {self._port()} ssh2{mark}")
        opened = f"pam_unix(sshd:session): session opened for user {login}(uid={_uid(login)}) by (uid=0)"
        self._syslog(at, f"sshd[{pid}]", opened)
        self._syslog(at, "systemd-logind[611]", f"New session {self._random.randrange(20, 9000)} of user {login}.")
        return pid

    def leave(self, at: datetime, login: str, pid: int) -> None:
        """Log that somebody logged off."""
        self._syslog(at, f"sshd[{pid}]", f"pam_unix(sshd:session): session closed for user {login}")

    def refuse(self, at: datetime, login: str, address: str, *, exists: bool = False) -> None:
        """Log a wrong password over SSH."""
        pid = self._random.randrange(800, 32_000)
        who = login if exists else f"invalid user {login}"
        if not exists:
            self._syslog(at, f"sshd[{pid}]", f"Invalid user {login} from {address} port {self._port()}")
        self._syslog(at, f"sshd[{pid}]", f"Failed password for {who} from {address} port {self._port()} ssh2")
        kind = "authenticating" if exists else "invalid"
        ended = f"Connection closed by {kind} user {login} {address} port {self._port()} [preauth]"
        self._syslog(at + timedelta(seconds=1), f"sshd[{pid}]", ended)

    def sudo(self, at: datetime, login: str, line: str, *, directory: str = "") -> None:
        """Log a command run as root."""
        place = directory or f"/home/{login}"
        self._syslog(at, "sudo", f"   {login} : TTY=pts/0 ; PWD={place} ; USER=root ; COMMAND={line}")
        self._syslog(at, "sudo", f"pam_unix(sudo:session): session opened for user root(uid=0) by (uid={_uid(login)})")
        self._syslog(at + timedelta(seconds=1), "sudo", "pam_unix(sudo:session): session closed for user root")

    def cron(self, at: datetime, login: str) -> None:
        """Log that cron ran something."""
        pid = self._random.randrange(800, 32_000)
        opened = f"pam_unix(cron:session): session opened for user {login}(uid={_uid(login)}) by (uid=0)"
        self._syslog(at, f"CRON[{pid}]", opened)
        closed = f"pam_unix(cron:session): session closed for user {login}"
        self._syslog(at + timedelta(seconds=2), f"CRON[{pid}]", closed)

    def execute(
        self,
        at: datetime,
        login: str,
        image: str,
        arguments: tuple[str, ...],
        *,
        parent: int = 0,
        directory: str = "/",
        key: str = "exec",
    ) -> int:
        """Log that a program was started (execve, with its arguments). Returns the number of the process."""
        pid = self._random.randrange(1_200, 32_000)
        head = self._head(at)
        values = " ".join(f"a{i}={_value(argument)}" for i, argument in enumerate(arguments))
        call = _Call(number=59, login=login, image=image, pid=pid, parent=parent or 1, n_items=2, key=key)
        lines = [
            self._syscall(head, call),
            f"type=EXECVE {head} argc={len(arguments)} {values}",
            f'type=CWD {head} cwd="{directory}"',
            f"type=PATH {head} item=0 {_path(image, 'NORMAL', '0100755', 0)}",
            f"type=PATH {head} item=1 {_path('/lib64/ld-linux-x86-64.so.2', 'NORMAL', '0100755', 0)}",
            f"type=PROCTITLE {head} proctitle={_hex(chr(0).join(arguments))}",
        ]
        self._audit(at, lines)
        return pid

    def write_file(
        self, at: datetime, login: str, image: str, path: str, *, kind: str = "CREATE", key: str = "webroot"
    ) -> None:
        """Log that a program created, or deleted, a file in a watched folder."""
        head = self._head(at)
        uid, folder = _uid(login), path.rpartition("/")[0] + "/"
        number = 87 if kind == "DELETE" else 257
        pid = self._random.randrange(1_200, 32_000)
        call = _Call(number=number, login=login, image=image, pid=pid, parent=1, n_items=2, key=key)
        lines = [
            self._syscall(head, call),
            f'type=CWD {head} cwd="/"',
            f"type=PATH {head} item=0 {_path(folder, 'PARENT', '040755', uid)}",
            f"type=PATH {head} item=1 {_path(path, kind, '0100644', uid)}",
            f"type=PROCTITLE {head} proctitle={_hex(image)}",
        ]
        self._audit(at, lines)

    def connect(self, at: datetime, login: str, image: str, address: str, port: int, *, pid: int) -> None:
        """Log that a program connected to an address."""
        head = self._head(at)
        socket = f"0200{port:04X}{IPv4Address(address).packed.hex().upper()}" + "0" * 16
        call = _Call(number=42, login=login, image=image, pid=pid, parent=1, n_items=0, key="outbound")
        lines = [
            self._syscall(head, call),
            f"type=SOCKADDR {head} saddr={socket}",
            f"type=PROCTITLE {head} proctitle={_hex(image)}",
        ]
        self._audit(at, lines)

    def request(
        self,
        at: datetime,
        method: str,
        target: str,
        *,
        client: str,
        agent: str,
        status: int = 200,
        size: int | None = None,
        referrer: str = "-",
    ) -> datetime:
        """Log a request, and return the instant its line shows: whole seconds."""
        n_bytes = self._random.randrange(300, 40_000) if size is None else size
        stamp = f"{at.day:02}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"
        line = f'{client} - - [{stamp}] "{method} {target} HTTP/1.1" {status} {n_bytes or "-"} "{referrer}" "{agent}"'
        self.access.note(at, line)
        return at.replace(microsecond=0)

    def _syslog(self, at: datetime, program: str, text: str) -> None:
        stamp = f"{_MONTHS[at.month - 1]} {at.day:2} {at:%H:%M:%S}"
        self.auth.note(at, f"{stamp} {self.host.name} {program}: {text}")

    def _head(self, at: datetime) -> str:
        self._serial += 1
        return f"msg=audit({int(at.timestamp())}.{at.microsecond // 1000:03}:{self._serial}):"

    def _syscall(self, head: str, call: _Call) -> str:
        uid, is_service = _uid(call.login), call.login == "www-data"
        name = call.image.rpartition("/")[2]
        session = _UNSET if is_service else self._random.randrange(20, 9000)
        return (
            f"type=SYSCALL {head} arch=c000003e syscall={call.number} success=yes exit=0 a0=55d0{call.pid:08x}"
            f" a1=7ffc{uid:08x} a2=241 a3=8 items={call.n_items} ppid={call.parent} pid={call.pid}"
            f" auid={_UNSET if is_service else uid} {_ids(uid)} tty=(none) ses={session}"
            f' comm="{name[:15]}" exe="{call.image}" subj=unconfined key="{call.key}"'
        )

    def _audit(self, at: datetime, lines: list[str]) -> None:
        for line in lines:
            self.audit.note(at, line)

    def _port(self) -> int:
        return self._random.randrange(32_768, 61_000)


def fingerprint(key: str) -> str:
    """Return the fingerprint of an invented key, in the form of OpenSSH.

    >>> len(fingerprint("deploy"))
    43
    """
    return b64encode(stream(0, f"ssh key {key}").randbytes(32)).decode().rstrip("=")


def _uid(login: str) -> int:
    return {"root": 0, "www-data": 33}.get(login, 1000 + sum(login.encode()) % 900)


def _ids(uid: int) -> str:
    return " ".join(f"{name}={uid}" for name in ("uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid"))


def _value(text: str) -> str:
    """An argument as auditd writes it: quoted, or in hexadecimal if it holds a space, a quote or worse.

    >>> _value("-la"), _value("id; ls")
    ('"-la"', '69643B206C73')
    """
    return _hex(text) if set(text) & set(' "') or not text.isprintable() else f'"{text}"'


def _hex(text: str) -> str:
    return text.encode().hex().upper()


def _path(name: str, kind: str, mode: str, owner: int) -> str:
    return (
        f'name="{name}" inode={_inode(name)} dev=fd:00 mode={mode} ouid={owner} ogid={owner} rdev=00:00'
        f" nametype={kind} cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
    )


def _inode(path: str) -> int:
    return 130_000 + sum(i * c for i, c in enumerate(path.encode(), start=1)) % 900_000
