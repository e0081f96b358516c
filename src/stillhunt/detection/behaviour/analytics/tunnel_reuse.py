"""Two tunnels of one account at once: another hand signs in by VPN while the owner is there.

Method: what a gateway says of one account and address makes sessions, from the record that a tunnel opened to the next
that one closed. A session from a network strange to the account that begins and ends while another of the account, from
another network, goes on, is told of. That order matters: who changes from the train to the office opens the new
tunnel while the old one waits for its time-out, which then ends first. A telephone beside a computer does the same
every week and so is no stranger. Gateways that do not log how a session ends say nothing here.
Source: MITRE ATT&CK T1133, T1078, detection (concurrent use of one account); Mandiant, "Suspected APT actors leverage
authentication bypass techniques in Pulse Secure" (2021), sessions that were taken over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import is_outside, network_of
from stillhunt.detection.behaviour.sign_ins import is_person
from stillhunt.detection.behaviour.taking import DAY_US, Taken
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.behaviour.whereabouts import THRESHOLDS, is_rare
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "TUNNELS", "Session", "inside", "sessions"]

_PRODUCTS = frozenset({"cisco", "fortigate", "openvpn", "pulsesecure", "netscaler"})
_OPENS = frozenset({"session", "tunnel-up", "connection", "login"})
_CLOSES = frozenset({"disconnect", "tunnel-down", "logout"})
_LONGEST_US = 2 * DAY_US
_SAME_US = 60_000_000
"""Gateways say in several records within seconds that one tunnel opened."""

Row = Mapping[str, Any]


def _is_gateway(event_class: EventClass) -> bool:
    return event_class.product in _PRODUCTS and "auth" in event_class.services


def _rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    columns = (took.texts(name) for name in ("user.target.name", "source.ip", "event.action", "event.outcome"))
    accounts, phases, kept = [], [], []
    for account, address, action, outcome in zip(*columns, strict=True):
        phase = "closed" if action in _CLOSES else "opened" if action in _OPENS and outcome == "success" else ""
        name = account_name(account)
        kept.append(bool(phase) and is_person(name) and is_outside(address))
        accounts.append(name)
        phases.append(phase)
    table = took.table(
        {
            "account": pa.array(accounts, pa.string()),
            "address": took.column("source.ip"),
            "phase": pa.array(phases, pa.string()),
            "times": took.times(),
        }
    )
    return None if table is None else table.filter(pa.array(kept, pa.bool_()))


TUNNELS = Aggregate(
    name="tunnels",
    wants=_is_gateway,
    fields=(),
    keys=("account", "address", "phase"),
    measures={"times": "times"},
    rows=_rows,
)
"""When tunnels of an account opened and closed, by address."""


class Session(NamedTuple):
    """A tunnel, microseconds."""

    begin: int
    end: int
    address: str


def sessions(address: str, opened: Sequence[int], closed: Sequence[int]) -> list[Session]:
    """Return the sessions of one account and address whose end was logged.

    >>> sessions("192.0.2.1", [0, 2_000_000, 900_000_000], [500_000_000, 950_000_000])
    [Session(begin=0, end=500000000, address='192.0.2.1'), Session(begin=900000000, end=950000000, address='192.0.2.1')]
    """
    found: list[Session] = []
    begin: int | None = None
    marks = sorted([*((at, 1) for at in opened), *((at, 0) for at in closed)])
    for at, is_opening in marks:
        if is_opening:
            # What opened and was never closed is forgotten for what opened later.
            begin = at if begin is None or at - begin > _SAME_US else begin
        elif begin is not None:
            if at - begin <= _LONGEST_US:
                found.append(Session(begin, at, address))
            begin = None
    return found


def inside(own: Sequence[Session]) -> list[tuple[Session, Session]]:
    """Return pairs of sessions, the second of which begins and ends within the first, from another network."""
    found = []
    open_: list[Session] = []
    for one in sorted(own):
        open_ = [other for other in open_ if other.end > one.begin]
        network = network_of(one.address)
        around = [o for o in open_ if o.end > one.end and o.begin < one.begin and network_of(o.address) != network]
        found += [(max(around), one)] if around else []
        open_.append(one)
    return found


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    accounts: dict[str, dict[str, dict[str, Row]]] = {}
    for row in rows_of(tables[TUNNELS.name]):
        accounts.setdefault(row["account"], {}).setdefault(row["address"], {})[row["phase"]] = row
    for account, addresses in accounts.items():
        days: dict[str, set[int]] = {}
        own: list[Session] = []
        for address, phases in addresses.items():
            times = {phase: row["times"] for phase, row in phases.items()}
            days.setdefault(network_of(address), set()).update(at // DAY_US for at in times.get("opened", ()))
            own += sessions(address, times.get("opened", ()), times.get("closed", ()))
        active = set().union(*days.values())
        pairs = [pair for pair in inside(own) if is_rare(days[network_of(pair[1].address)], active)]
        if pairs:
            yield _observed(account, pairs, addresses)


def _observed(
    account: str, pairs: Sequence[tuple[Session, Session]], addresses: Mapping[str, Mapping[str, Row]]
) -> Observation:
    around, other = pairs[0]
    strange = {one.address for _, one in pairs}
    more = f", and {number(len(pairs) - 1, 'further time')}" if len(pairs) > 1 else ""
    rows = [row for address in sorted(strange) for row in addresses[address].values()]
    rows += addresses[around.address].values()
    return Observation(
        identity=(account,),
        sentence=f"{account} had a tunnel from {other.address} on {time_text(other.begin)}, a network strange to that"
        f" account, while another from {around.address} went on before and after{more}.",
        why=(
            ("sessions within another", f"{len(pairs)}"),
            ("lasted", f"{(other.end - other.begin) // 60_000_000} minutes"),
            ("strange addresses", among(strange)),
        ),
        places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
        entities=(
            ("account", account, "subject"),
            *(("address", address, "source") for address in sorted(strange | {around.address})),
        ),
        count=len(pairs),
        n_days=len({one.begin // DAY_US for _, one in pairs}),
        first_at=other.begin,
        last_at=pairs[-1][1].end,
        strange=frozenset(strange),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-tunnel-reuse",
        title="Two VPN tunnels of one account at once, one from a strange network",
        description="While an account is connected by VPN from one network, it connects from another that it hardly"
        " ever uses, and leaves before the first does.",
        level=Level.MEDIUM,
        path="behaviour/tunnel_reuse",
        tactics=("initial-access", "persistence"),
        techniques=("T1133", "T1078"),
        false_positives=("A telephone on a journey beside a computer at home", "One account that several people share"),
    ),
    logs="VPN gateways that log how sessions end (Cisco ASA, FortiGate, NetScaler)",
    thresholds={
        "order": "begins and ends within the other session: who changes networks leaves the older one first",
        "share of days": THRESHOLDS["share of days"],
        "history": THRESHOLDS["history"],
        "longest": "sessions of more than two days are taken for two whose ends were not logged",
    },
    aggregates=(TUNNELS,),
    findings=_findings,
)
