"""How they went from machine to machine: remote logons that lead from one place of a case to another.

A move is taken from the logs' own remote logons, and only where both ends are known: an account under control came to
a host of the case, from an address that the case names or from a host that was under control by then. What nobody
logged is no move; a host that was reached without one says so by having none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stillhunt.cases.case import Move, Scope, ScopedEntity
from stillhunt.cases.trail import Trail
from stillhunt.terms.entity import EntityKind

__all__ = ["moves"]


def moves(
    entities: Iterable[ScopedEntity], trail: Trail, *, since: datetime | None, until: datetime | None
) -> tuple[Move, ...]:
    """Return the moves of a case in order of time.

    Args:
        entities: What it touched, with scope.
        trail: What the rest of the logs remembers, in corrected time.
        since: First sign.
        until: Last sign.
    """
    if since is None or until is None:
        return ()
    touched = list(entities)
    hosts = {t.entity.value for t in touched if t.entity.kind is EntityKind.HOST}
    confirmed = [t for t in touched if t.scope is Scope.CONFIRMED]
    held = {t.entity.value: t.first_at or since for t in confirmed if t.entity.kind is EntityKind.HOST}
    accounts = {t.entity.value for t in confirmed if t.entity.kind is EntityKind.ACCOUNT}
    addresses = {t.entity.value for t in touched if t.entity.kind is EntityKind.ADDRESS}
    found: dict[tuple[str, str, str], Move] = {}
    for logon in trail.logons_at(hosts=hosts):
        if logon.account not in accounts:
            continue
        origin = trail.host_of_address(logon.address)
        if origin == logon.host or (origin not in held and logon.address not in addresses):
            continue
        start = origin if origin in held and origin is not None else logon.address
        begin = held.get(start, since)
        if logon.last_at < begin or logon.first_at > until:
            continue
        move = Move(
            origin=start,
            host=logon.host,
            account=logon.account,
            # An account may have come this way before the intruder had it.
            first_at=max(logon.first_at, begin),
            last_at=min(logon.last_at, until),
            count=logon.count,
        )
        known = found.get((start, logon.host, logon.account))
        found[start, logon.host, logon.account] = move if known is None else _joined(known, move)
    return tuple(sorted(found.values(), key=lambda m: (m.first_at, m.origin, m.host, m.account)))


def _joined(one: Move, other: Move) -> Move:
    return Move(
        origin=one.origin,
        host=one.host,
        account=one.account,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        count=one.count + other.count,
    )
