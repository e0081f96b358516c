"""The mail server's web log: requests go in, W3C extended log lines come out.

Source of the form: W3C extended log file format, with the fields that Internet Information Services 10 logs by
default plus the referrer; a space inside a value is written as ``+``, an empty value as ``-``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from stillhunt.simulation.chance import stream
from stillhunt.simulation.estate import Host

__all__ = ["Request", "WebServer", "render"]

_FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer)"
    " sc-status sc-substatus sc-win32-status time-taken"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the front end logs it.

    Attributes:
        at: When it was answered.
        method: HTTP method.
        path: Stem of the address.
        query: Query of the address, or empty.
        username: Account that authenticated, or empty.
        client: Address it came from.
        agent: User agent, with spaces.
        status: HTTP status, with IIS's substatus after a point where it has one (``404``, ``401.1``).
        win32: Windows status.
        taken_ms: Milliseconds it took.
    """

    at: datetime
    method: str
    path: str
    query: str
    username: str
    client: str
    agent: str
    status: str
    win32: int
    taken_ms: int


@dataclass(slots=True)
class WebServer:
    """The web log of one server.

    Attributes:
        host: Which server.
        seed: Seed of the simulation.
        requests: What it has logged so far, in the order it was told.
        starts: When the service started; each start writes the log's head again.
    """

    host: Host
    seed: int
    requests: list[Request] = field(default_factory=list)
    starts: list[datetime] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = stream(self.seed, f"web {self.host.name}")

    def request(
        self,
        at: datetime,
        method: str,
        path: str,
        query: str = "",
        *,
        client: str,
        agent: str,
        username: str = "",
        status: str = "200",
        win32: int = 0,
        taken_ms: int | None = None,
    ) -> datetime:
        """Log a request and return the instant its log line shows: whole seconds."""
        taken = self._random.randrange(4, 380) if taken_ms is None else taken_ms
        self.requests.append(Request(at, method, path, query, username, client, agent, status, win32, taken))
        return at.replace(microsecond=0)

    def stop(self, at: datetime) -> None:
        """Stop the service: nothing is logged from here on."""
        self.requests[:] = [r for r in self.requests if r.at < at]


def render(server: WebServer) -> dict[str, str]:
    """Return the log files of a server, one a month: name to content."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    starts = sorted(server.starts, reverse=True)
    for request in sorted(server.requests, key=_when):
        month = lines[f"u_ex{request.at:%y%m}.log"]
        while starts and starts[-1] <= request.at:
            started = starts.pop()
            if started.month == request.at.month and month:
                month.extend(_head(started))
        if not month:
            month.extend(_head(request.at))
        month.append(_line(server.host.address, request))
    return {name: "\r\n".join([*content, ""]) for name, content in sorted(lines.items())}


def _when(request: Request) -> datetime:
    return request.at


def _head(at: datetime) -> Iterable[str]:
    yield "#Software: Microsoft Internet Information Services 10.0"
    yield "#Version: 1.0"
    yield f"#Date: {at:%Y-%m-%d %H:%M:%S}"
    yield f"#Fields: {_FIELDS}"


def _line(address: str, request: Request) -> str:
    status, _, substatus = request.status.partition(".")
    agent = request.agent.replace(" ", "+") or "-"
    return (
        f"{request.at:%Y-%m-%d %H:%M:%S} {address} {request.method} {request.path} {request.query or '-'} 443"
        f" {request.username or '-'} {request.client} {agent} - {status} {substatus or '0'} {request.win32}"
        f" {request.taken_ms}"
    )
