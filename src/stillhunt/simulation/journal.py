"""What every log of a machine needs: identifiers that fit together, and the processes that run from boot to boot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from stillhunt.simulation.chance import hexadecimal, stream, wobble
from stillhunt.simulation.estate import Estate, Host
from stillhunt.simulation.kinds import Kind
from stillhunt.simulation.programs import EXCHANGE, SYSTEM32
from stillhunt.simulation.windows import SYSTEM_SID, Process, Session, WindowsEvent

__all__ = ["Journal"]

_NETWORK_SERVICE_SID = "S-1-5-20"
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)

_STANDING: dict[str, str] = {
    "System": "System",
    "services.exe": SYSTEM32 + "services.exe",
    "lsass.exe": SYSTEM32 + "lsass.exe",
    "winlogon.exe": SYSTEM32 + "winlogon.exe",
    "svchost.exe:schedule": SYSTEM32 + "svchost.exe",
    "svchost.exe:netsvcs": SYSTEM32 + "svchost.exe",
    "svchost.exe:iis": SYSTEM32 + "svchost.exe",
    "wmiprvse.exe": SYSTEM32 + "wbem\\WmiPrvSE.exe",
    "w3wp.exe:owa": SYSTEM32 + "inetsrv\\w3wp.exe",
    "w3wp.exe:site": SYSTEM32 + "inetsrv\\w3wp.exe",
    "mailboxreplication": EXCHANGE + "Bin\\MSExchangeMailboxReplication.exe",
    "msmpeng.exe": "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2104.14-0\\MsMpEng.exe",
}
_STANDING_LINES = {
    "svchost.exe:schedule": SYSTEM32 + "svchost.exe -k netsvcs -p -s Schedule",
    "svchost.exe:netsvcs": SYSTEM32 + "svchost.exe -k netsvcs -p",
    "svchost.exe:iis": SYSTEM32 + "svchost.exe -k iissvcs",
    "wmiprvse.exe": SYSTEM32 + "wbem\\wmiprvse.exe -secured -Embedding",
    "w3wp.exe:owa": (
        'c:\\windows\\system32\\inetsrv\\w3wp.exe -ap "MSExchangeOWAAppPool" -v "v4.0"'
        f' -c "{EXCHANGE}bin\\GenericAppPoolConfigWithGCServerEnabledFalse.config" -a \\\\.\\pipe\\iisipm'
        ' -h "C:\\inetpub\\temp\\apppools\\MSExchangeOWAAppPool\\MSExchangeOWAAppPool.config" -w "" -m 0'
    ),
    "w3wp.exe:site": (
        'c:\\windows\\system32\\inetsrv\\w3wp.exe -ap "DefaultAppPool" -v "v4.0" -l "webengine4.dll"'
        ' -a \\\\.\\pipe\\iisipm -h "C:\\inetpub\\temp\\apppools\\DefaultAppPool\\DefaultAppPool.config" -w "" -m 0'
    ),
}


@dataclass
class Journal:
    """The log of one host, at its barest.

    Attributes:
        host: Which.
        estate: The estate it belongs to.
        seed: Seed of the simulation.
        events: What it has logged so far, in the order it was told.
    """

    host: Host
    estate: Estate
    seed: int
    events: list[WindowsEvent] = field(default_factory=list)
    _boots: list[datetime] = field(default_factory=lambda: [_EPOCH])
    _standing: dict[tuple[str, datetime], Process] = field(default_factory=dict)
    _service_pids: dict[str, int] = field(default_factory=dict)
    _count: int = 0
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = stream(self.seed, f"machine {self.host.name}")

    @property
    def system(self) -> Session:
        """The session of the system itself."""
        return Session(
            domain="NT AUTHORITY",
            login="SYSTEM",
            sid=SYSTEM_SID,
            logon_id="0x3e7",
            logon_guid=f"{self.host.machine_guid}-0000-0000-0020-E70300000000",
            integrity="System",
        )

    @property
    def network_service(self) -> Session:
        """The session of services that act over the network."""
        return Session(
            domain="NT AUTHORITY",
            login="NETWORK SERVICE",
            sid=_NETWORK_SERVICE_SID,
            logon_id="0x3e4",
            logon_guid=f"{self.host.machine_guid}-0000-0000-0020-E40300000000",
            integrity="System",
        )

    @property
    def app_pool(self) -> Session:
        """The session of the web server's own account."""
        return Session(
            domain="IIS APPPOOL",
            login="DefaultAppPool",
            sid="S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415",
            logon_id="0x5c2f1",
            logon_guid=f"{self.host.machine_guid}-0000-0000-0020-F1C205000000",
            integrity="High",
        )

    def log(
        self, at: datetime, kind: Kind, data: Mapping[str, Any] | list[str], *, user_id: str | None = None
    ) -> WindowsEvent:
        """Log an event as it stands."""
        event = WindowsEvent(at, self.host, kind, data, user_id, kind.pid or self._service_pid(kind.provider))
        self.events.append(event)
        return event

    def standing(self, name: str, at: datetime) -> Process:
        """Return a process that runs from boot to boot, such as ``services.exe`` or ``w3wp.exe:owa``."""
        boot = self._boots[bisect_right(self._boots, at) - 1]
        if (name, boot) not in self._standing:
            random = stream(self.seed, f"{self.host.name} {name} {boot.isoformat()}")
            image = _STANDING[name]
            started = wobble(random, boot, 8, 60)
            self._standing[name, boot] = Process(
                at=started,
                image=image,
                command_line=_STANDING_LINES.get(name, image),
                pid=4 if name == "System" else 4 * random.randrange(120, 1500),
                guid=self._guid(started, random.getrandbits(16)),
                session=self._session_of(name),
            )
        return self._standing[name, boot]

    def _session_of(self, name: str) -> Session:
        return {"wmiprvse.exe": self.network_service, "w3wp.exe:site": self.app_pool}.get(name, self.system)

    def unlogged(self, at: datetime, image: str, command_line: str, session: Session) -> Process:
        """Return a process that runs without its start having been logged."""
        return Process(
            at=at,
            image=image,
            command_line=command_line,
            pid=4 * self._random.randrange(250, 3500),
            guid=self._guid(at, self._next()),
            session=session,
        )

    def port(self) -> int:
        """Return an ephemeral port."""
        return self._random.randrange(49152, 65535)

    def _as_security(self, session: Session) -> Session:
        """The Security log calls the system by the name of the computer account."""
        if session.sid not in {SYSTEM_SID, _NETWORK_SERVICE_SID}:
            return session
        return Session(
            domain=self.estate.organisation.netbios,
            login=f"{self.host.name}$",
            sid=session.sid,
            logon_id=session.logon_id,
            logon_guid=session.logon_guid,
            integrity=session.integrity,
        )

    def _service_pid(self, provider: str) -> int:
        if provider not in self._service_pids:
            self._service_pids[provider] = 4 * stream(self.seed, f"{self.host.name} {provider}").randrange(120, 900)
        return self._service_pids[provider]

    def _guid(self, at: datetime, number: int) -> str:
        """A Sysmon GUID: the machine's digits, the second of its start, and a number that is not repeated."""
        second = f"{int(at.timestamp()):08X}"
        return f"{self.host.machine_guid}-{second[4:]}-{second[:4]}-{number & 0xFFFF:04X}-{number >> 16:04X}00001000"

    def _windows_guid(self) -> str:
        drawn = hexadecimal(self._random, 32).upper()
        return f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"

    def _logon_id(self, at: datetime) -> str:
        return f"0x{int((at - _EPOCH).total_seconds()) % 9_999_991 * 97 + self._next() % 97:x}"

    def _next(self) -> int:
        self._count += 1
        return 0x10000 + self._count
