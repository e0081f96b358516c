"""Which addresses an account of a cloud works from, and which of them are strange to it.

A view that several analytics share. Strange is what is rare for the one account, not what is new: logs may begin with
the intruder already inside. An address that several accounts use as a habit is the house's own, whoever else uses it;
one that many accounts use once is not, so an intruder who visits many accounts does not become familiar by it.

Method: the share of an account's active days on which it used an address, counted from the first day it did, so that
a new flat or office becomes familiar in some days and a burst of three days in half a year never does. Rare events
against the own history of an account: Chandola, Banerjee and Kumar, "Anomaly detection: a survey", ACM Computing
Surveys 41 (2009), on contextual anomalies; the denominator of at least ten days is a Laplace-like guard for short
histories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.join import rows_of
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.names import network_of
from stillhunt.detection.behaviour.taking import DAYS, Taken, days_of
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["THRESHOLDS", "WHEREABOUTS", "Habits", "gathered", "habits_of", "is_rare", "is_service", "share"]

_STRANGE_SHARE = 0.2
_LEAST_HISTORY = 10
_HOUSE_ACCOUNTS = 3

THRESHOLDS: Mapping[str, str] = {
    "share of days": "at most 0.2 of the account's active days since its first use: what somebody does once a week is"
    " a habit",
    "history": "at least 10 active days besides: who has worked for less has no habit to differ from",
    "house": "an address that 3 accounts use as a habit belongs to the house or a carrier and is strange to nobody",
}


def _rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    outcome = took.column("event.outcome")
    actor = took.column("user.name")
    address = took.column("source.ip")
    table = took.table({"actor": actor, "address": address, **took.days()})
    if table is None:
        return None
    kept = [
        bool(who) and bool(where) and how != "failure"
        for who, where, how in zip(actor.to_pylist(), address.to_pylist(), outcome.to_pylist(), strict=True)
    ]
    return table.filter(pa.array(kept, pa.bool_()))


def _is_tenant(event_class: EventClass) -> bool:
    return event_class.product == "m365"


WHEREABOUTS = Aggregate(
    name="tenant whereabouts",
    wants=_is_tenant,
    fields=(),
    keys=("actor", "address"),
    measures=DAYS,
    rows=_rows,
)
"""Days on which an account did something in the tenant, by address; what was refused is left out."""


def share(days: set[int], active: set[int]) -> float:
    """Return on which share of active days something was done, from the first day that it was.

    >>> share({100}, set(range(60, 101))), share(set(range(90, 101)), set(range(60, 101)))
    (0.1, 1.0)
    """
    if not days:
        return 0.0
    first = min(days)
    since = sum(day >= first for day in active)
    return len(days) / max(_LEAST_HISTORY, since, len(days))


def is_rare(days: set[int], active: set[int]) -> bool:
    """Tell whether something is rare for somebody who has a history besides.

    >>> is_rare({100}, set(range(60, 101))), is_rare({100}, {99, 100}), is_rare(set(range(90, 101)), set(range(101)))
    (True, False, False)
    """
    return share(days, active) <= _STRANGE_SHARE and len(active - days) >= _LEAST_HISTORY


@dataclass(slots=True)
class Habits:
    """Where accounts work from.

    Attributes:
        active: Days on which an account was active.
        by_network: Of an account, days by network.
        house: Networks' addresses that are the house's own.
    """

    active: dict[str, set[int]] = field(default_factory=dict)
    by_network: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    house: frozenset[str] = frozenset()

    def is_strange(self, actor: str, address: str) -> bool:
        """Tell whether an address is strange to an account that has a history."""
        if not address or address in self.house or actor not in self.active or is_service(address):
            return False
        return is_rare(self.by_network[actor].get(network_of(address), set()), self.active[actor])


_SERVICE = tuple(
    ip_network(text)
    for text in ("2a01:111::/32", "2603:1000::/24", "20.190.128.0/18", "40.126.0.0/18", "127.0.0.0/8", "::1/128")
)
"""Where Microsoft's own servers act for somebody. Source: Microsoft, "Office 365 URLs and IP address ranges"."""


@lru_cache(maxsize=65_536)
def is_service(address: str) -> bool:
    """Tell whether an address is one of the service itself, which says nothing of where somebody is."""
    try:
        where = ip_address(address)
    except ValueError:
        return True
    return any(where in network for network in _SERVICE if network.version == where.version)


def habits_of(table: pa.Table) -> Habits:
    """Return what is usual for accounts.

    Args:
        table: Of :data:`WHEREABOUTS`.
    """
    return gathered((row["actor"], row["address"], days_of(row)) for row in rows_of(table))


def gathered(rows: Iterable[tuple[Any, Any, set[int]]]) -> Habits:
    """Return what is usual from (account, address, days)."""
    known = Habits()
    addresses: dict[str, dict[str, set[int]]] = {}
    for actor, address, days in rows:
        known.active.setdefault(actor, set()).update(days)
        known.by_network.setdefault(actor, {}).setdefault(network_of(address), set()).update(days)
        addresses.setdefault(address, {}).setdefault(actor, set()).update(days)
    known.house = frozenset(
        address
        for address, users in addresses.items()
        if len(users) >= _HOUSE_ACCOUNTS
        and sum(share(days, known.active[actor]) > _STRANGE_SHARE for actor, days in users.items()) >= _HOUSE_ACCOUNTS
    )
    return known
