"""The network sensor: connections go in, Zeek's tab-separated logs come out (conn, dns, http, ssl).

It listens where the workstations and the web server meet the way out, so it sees nothing of what servers inside say to
each other. Source of the form: the headers and columns that Zeek 4 writes with its default scripts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from stillhunt.simulation.chance import hexadecimal, stream, wobble
from stillhunt.simulation.estate import Host
from stillhunt.simulation.feed import Feed, LogFile, Record, packed

__all__ = ["Sensor"]

_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "conn": (
        ("proto", "enum"),
        ("service", "string"),
        ("duration", "interval"),
        ("orig_bytes", "count"),
        ("resp_bytes", "count"),
        ("conn_state", "string"),
        ("local_orig", "bool"),
        ("local_resp", "bool"),
        ("missed_bytes", "count"),
        ("history", "string"),
        ("orig_pkts", "count"),
        ("orig_ip_bytes", "count"),
        ("resp_pkts", "count"),
        ("resp_ip_bytes", "count"),
        ("tunnel_parents", "set[string]"),
    ),
    "dns": (
        ("proto", "enum"),
        ("trans_id", "count"),
        ("rtt", "interval"),
        ("query", "string"),
        ("qclass", "count"),
        ("qclass_name", "string"),
        ("qtype", "count"),
        ("qtype_name", "string"),
        ("rcode", "count"),
        ("rcode_name", "string"),
        ("AA", "bool"),
        ("TC", "bool"),
        ("RD", "bool"),
        ("RA", "bool"),
        ("Z", "count"),
        ("answers", "vector[string]"),
        ("TTLs", "vector[interval]"),
        ("rejected", "bool"),
    ),
    "http": (
        ("trans_depth", "count"),
        ("method", "string"),
        ("host", "string"),
        ("uri", "string"),
        ("referrer", "string"),
        ("version", "string"),
        ("user_agent", "string"),
        ("origin", "string"),
        ("request_body_len", "count"),
        ("response_body_len", "count"),
        ("status_code", "count"),
        ("status_msg", "string"),
        ("info_code", "count"),
        ("info_msg", "string"),
        ("tags", "set[enum]"),
        ("username", "string"),
        ("password", "string"),
        ("proxied", "set[string]"),
        ("orig_fuids", "vector[string]"),
        ("orig_filenames", "vector[string]"),
        ("orig_mime_types", "vector[string]"),
        ("resp_fuids", "vector[string]"),
        ("resp_filenames", "vector[string]"),
        ("resp_mime_types", "vector[string]"),
    ),
    "ssl": (
        ("version", "string"),
        ("cipher", "string"),
        ("curve", "string"),
        ("server_name", "string"),
        ("resumed", "bool"),
        ("last_alert", "string"),
        ("next_protocol", "string"),
        ("established", "bool"),
        ("cert_chain_fuids", "vector[string]"),
        ("client_cert_chain_fuids", "vector[string]"),
        ("subject", "string"),
        ("issuer", "string"),
        ("client_subject", "string"),
        ("client_issuer", "string"),
        ("ja3", "string"),
        ("ja3s", "string"),
    ),
}
_HEAD = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Sensor:
    """Zeek's logs of one network.

    Attributes:
        resolver: Address of the name server that everybody inside asks.
        seed: Seed of the simulation.
        feeds: What it has logged, by log.
    """

    resolver: str
    seed: int
    feeds: dict[str, Feed] = field(init=False)
    _random: Random = field(init=False)
    _last_port: int = 0

    def __post_init__(self) -> None:
        self._random = stream(self.seed, "sensor")
        self.feeds = {path: Feed(f"zeek {path}", "", _zeek_files(path)) for path in _COLUMNS}

    def look_up(self, at: datetime, client: str, name: str, answer: str = "", *, kind: str = "A") -> datetime:
        """Log a question to the name server; without an answer, there is no such name. Returns when it is answered."""
        took = self._random.uniform(0.0004, 0.04)
        uid, port = self._uid(), self._random.randrange(49152, 65535)
        number = {"A": 1, "TXT": 16, "AAAA": 28, "PTR": 12}[kind]
        answers, ttl = (answer, f"{self._random.choice((60, 300, 3600)):.6f}") if answer else ("-", "-")
        code, meaning = (0, "NOERROR") if answer else (3, "NXDOMAIN")
        who = (uid, client, port, self.resolver, 53)
        values = ["udp", self._random.randrange(65536), f"{took:.6f}", name, 1, "C_INTERNET", number, kind]
        values += [code, meaning, "F", "F", "T", "T", 0, answers, ttl, "F"]
        self._note("dns", at, who, values)
        asked, told = len(name) + 18, len(name) + 18 + (16 if answer else 0)
        self._conn(at, who, proto="udp", service="dns", lasted=took, sent=asked, received=told, history="Dd")
        return at + timedelta(seconds=took)

    def connect(
        self,
        at: datetime,
        client: Host | str,
        server: str,
        port: int,
        *,
        name: str = "",
        lasted: float = 0.0,
        sent: int,
        received: int,
        service: str = "ssl",
        is_inbound: bool = False,
    ) -> str:
        """Log a connection; with TLS also its handshake. Returns its uid.

        Args:
            at: When it began.
            client: Who opened it.
            server: Address it went to.
            port: Port it went to.
            name: Name that the client asked for in the handshake, or empty.
            lasted: Seconds it lasted; a second or so if 0.
            sent: Bytes from client to server.
            received: Bytes from server to client.
            service: What Zeek took it for: ``ssl``, ``http``, ``ssh``, or ``-``.
            is_inbound: True if it came from outside.
        """
        address = client if isinstance(client, str) else client.address
        uid = self._uid()
        who = (uid, address, self._random.randrange(49152, 65535), server, port)
        took = lasted or self._random.uniform(0.15, 4.0)
        history = "ShADadFf" if sent + received else "S"
        self._conn(
            at,
            who,
            proto="tcp",
            service=service,
            lasted=took,
            sent=sent,
            received=received,
            history=history,
            is_inbound=is_inbound,
        )
        if service == "ssl":
            self._handshake(wobble(self._random, at, 0.01, 0.09), who, name)
        return uid

    def request(
        self,
        at: datetime,
        client: Host,
        server: str,
        name: str,
        uri: str,
        *,
        agent: str,
        received: int,
        status: int = 200,
    ) -> None:
        """Log a request in clear with its connection."""
        sent = 180 + len(uri) + len(agent)
        uid = self.connect(at, client, server, 80, sent=sent, received=received + 240, service="http")
        meaning = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found"}[status]
        who = (uid, client.address, self._last_port, server, 80)
        values = [1, "GET", name, uri, "-", "1.1", agent, "-", 0, received, status, meaning, "-", "-", "(empty)"]
        values += ["-", "-", "-", "-", "-", "-", "-", "-", "text/plain" if received else "-"]
        self._note("http", wobble(self._random, at, 0.02, 0.1), who, values)

    def _handshake(self, at: datetime, who: tuple[str, str, int, str, int], name: str) -> None:
        client_print = hexadecimal(stream(self.seed, f"ja3 {who[1]}"), 32)
        server_print = hexadecimal(stream(self.seed, f"ja3s {name}"), 32)
        values = [
            "TLSv12",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "secp256r1",
            name or "-",
            "F",
            "-",
            "http/1.1",
            "T",
        ]
        values += ["-", "-", f"CN={name}" if name else "-", "CN=Sample Root,O=Sample Trust", "-", "-"]
        self._note("ssl", at, who, [*values, client_print, server_print])

    def _conn(
        self,
        at: datetime,
        who: tuple[str, str, int, str, int],
        *,
        proto: str,
        service: str,
        lasted: float,
        sent: int,
        received: int,
        history: str,
        is_inbound: bool = False,
    ) -> None:
        self._last_port = who[2]
        out, back = 3 + sent // 1200, 3 + received // 1200
        state = "S0" if history == "S" else "SF"
        is_inside = who[3] == self.resolver
        local = ["F" if is_inbound else "T", "T" if is_inbound or is_inside else "F"]
        values = [proto, service, f"{lasted:.6f}", sent, received, state, *local, 0, history]
        values += [out, sent + 40 * out, back, received + 40 * back, "-"]
        self._note("conn", at, who, values, after_s=lasted)

    def _note(
        self,
        path: str,
        at: datetime,
        who: tuple[str, str, int, str, int],
        values: Sequence[object],
        *,
        after_s: float = 0.0,
    ) -> None:
        """Log a row; a connection's row bears its beginning and is written when it ends."""
        stamp = f"{int(at.timestamp())}.{at.microsecond:06}"
        self.feeds[path].note(at + timedelta(seconds=after_s), "\t".join(map(str, (stamp, *who, *values))))

    def _uid(self) -> str:
        return "C" + "".join(self._random.choices(_DIGITS, k=17))


def _zeek_files(path: str) -> Callable[[Sequence[Record]], Iterator[LogFile]]:
    columns = (*_HEAD, *_COLUMNS[path])

    def bind(records: Sequence[Record]) -> Iterator[LogFile]:
        months: defaultdict[datetime, list[str]] = defaultdict(list)
        for record in records:
            months[datetime(record.at.year, record.at.month, 1, tzinfo=UTC)].append(record.text)
        for month, lines in sorted(months.items()):
            after = (month + timedelta(days=32)).replace(day=1)
            head = [
                "#separator \\x09",
                "#set_separator\t,",
                "#empty_field\t(empty)",
                "#unset_field\t-",
                f"#path\t{path}",
                f"#open\t{month:%Y-%m-%d-%H-%M-%S}",
                "\t".join(("#fields", *(name for name, _ in columns))),
                "\t".join(("#types", *(kind for _, kind in columns))),
            ]
            text = "\n".join([*head, *lines, f"#close\t{after:%Y-%m-%d-%H-%M-%S}", ""])
            yield packed(f"zeek/{month:%Y-%m}/{path}.log.gz", text, len(lines))

    return bind
