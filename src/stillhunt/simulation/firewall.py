"""The firewall that lets staff in from outside: sessions go in, syslog lines come out, in one of two products' forms.

Sources of the forms: the message catalogue of Cisco's ASA (113xxx, 722xxx), as a collector writes it after the
header of RFC 3164; and FortiOS's log reference (event/vpn), as a collector writes it after the header of RFC 5424.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.chance import stream
from stillhunt.simulation.estate import Host
from stillhunt.simulation.feed import Feed, monthly

__all__ = ["Firewall", "Tunnel"]

_GROUP = "STAFF-VPN"
_Kind = tuple[str, str, str, str]
"""A FortiOS log id with its description, action and level."""
_UP: _Kind = ("0101039947", "SSL VPN tunnel up", "tunnel-up", "information")
_DOWN: _Kind = ("0101039948", "SSL VPN tunnel down", "tunnel-down", "information")
_REFUSED: _Kind = ("0101039426", "SSL VPN login fail", "ssl-login-fail", "alert")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """One connection of somebody from outside.

    Attributes:
        at: When it was opened.
        login: Account name.
        client: Address outside.
        inside: Address it was given inside.
        number: The firewall's own number for it.
    """

    at: datetime
    login: str
    client: str
    inside: str
    number: int


@dataclass(slots=True)
class Firewall:
    """The log of the firewall.

    Attributes:
        host: Which machine.
        network: First two numbers of the addresses inside.
        seed: Seed of the simulation.
        is_rfc5424: Which of the two forms it writes.
        feed: What it has logged.
    """

    host: Host
    network: str
    seed: int
    is_rfc5424: bool = field(init=False)
    feed: Feed = field(init=False)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = stream(self.seed, "firewall")
        self.is_rfc5424 = self._random.random() < 0.5
        self.feed = Feed("vpn", self.host.fqdn, monthly(f"{self.host.name}/vpn-{{month}}.log"))

    def open(self, at: datetime, login: str, client: str) -> Tunnel:
        """Let somebody in, and log it."""
        inside = f"{self.network}.60.{self._random.randrange(10, 250)}"
        tunnel = Tunnel(at=at, login=login, client=client, inside=inside, number=self._random.randrange(10**8, 10**9))
        if self.is_rfc5424:
            self._forti(tunnel, at, _UP, reason="tunnel established")
            return tunnel
        self._asa(at, 6, 113012, f"AAA user authentication Successful : local database : user = {login}")
        self._asa(at, 6, 113008, f"AAA transaction status ACCEPT : user = {login}")
        who = f"Group <{_GROUP}> User <{login}> IP <{client}>"
        later = at + timedelta(seconds=1)
        self._asa(later, 6, 113039, f"{who} AnyConnect parent session started.")
        self._asa(later, 4, 722051, f"{who} IPv4 Address <{inside}> IPv6 address <::> assigned to session")
        return tunnel

    def close(self, at: datetime, tunnel: Tunnel, *, sent: int, received: int) -> None:
        """Log that a connection ended; ``sent`` is what the client was sent, ``received`` what it sent."""
        lasted = int((at - tunnel.at).total_seconds())
        if self.is_rfc5424:
            extra = f" duration={lasted} sentbyte={sent} rcvdbyte={received}"
            self._forti(tunnel, at, _DOWN, reason="N/A", extra=extra)
            return
        hours, rest = divmod(lasted, 3600)
        self._asa(
            at,
            4,
            113019,
            f"Group = {_GROUP}, Username = {tunnel.login}, IP = {tunnel.client}, Session disconnected."
            f" Session Type: AnyConnect-Parent, Duration: {hours}h:{rest // 60:02}m:{rest % 60:02}s,"
            f" Bytes xmt: {sent}, Bytes rcv: {received}, Reason: User Requested",
        )

    def refuse(self, at: datetime, login: str, client: str) -> None:
        """Log a wrong password."""
        if self.is_rfc5424:
            tunnel = Tunnel(at=at, login=login, client=client, inside="N/A", number=0)
            self._forti(tunnel, at, _REFUSED, reason="sslvpn_login_permission_denied")
            return
        self._asa(
            at,
            6,
            113015,
            "AAA user authentication Rejected : reason = Invalid password : local database :"
            f" user = {login} : user IP = {client}",
        )

    def _asa(self, at: datetime, severity: int, number: int, text: str) -> None:
        stamp = f"{_MONTHS[at.month - 1]} {at.day:2} {at:%H:%M:%S}"
        self.feed.note(at, f"<{20 * 8 + severity}>{stamp} {self.host.name} %ASA-{severity}-{number}: {text}")

    def _forti(self, tunnel: Tunnel, at: datetime, kind: _Kind, *, reason: str, extra: str = "") -> None:
        log_id, title, action, level = kind
        body = (
            f'date={at:%Y-%m-%d} time={at:%H:%M:%S} devname="{self.host.name}" devid="SAMPLE0000000001"'
            f' logid="{log_id}" type="event" subtype="vpn" level="{level}" vd="root"'
            f' eventtime={int(at.timestamp()) * 1_000_000_000} tz="+0000" logdesc="{title}" action="{action}"'
            f' tunneltype="ssl-tunnel" tunnelid={tunnel.number} remip={tunnel.client} tunnelip={tunnel.inside}'
            f' user="{tunnel.login}" group="{_GROUP}" dst_host="N/A" reason="{reason}"{extra} msg="{title}"'
        )
        priority = 23 * 8 + (1 if level == "alert" else 6)
        self.feed.note(at, f"<{priority}>1 {at:%Y-%m-%dT%H:%M:%S}Z {self.host.name} - - - - {body}")
