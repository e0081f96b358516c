"""A move is told only where the logs name both ends and the account was taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stillhunt.cases.case import Scope, ScopedEntity
from stillhunt.cases.moves import moves
from stillhunt.cases.trail import Logon, Trail
from stillhunt.terms.entity import Entity, EntityKind

START = datetime(2021, 8, 26, tzinfo=UTC)
END = START + timedelta(days=30)


def _touched(kind: EntityKind, value: str, scope: Scope = Scope.CONFIRMED, day: int = 0) -> ScopedEntity:
    at = START + timedelta(days=day)
    return ScopedEntity(entity=Entity(kind, value), scope=scope, why="", first_at=at, last_at=END)


ENTITIES = [
    _touched(EntityKind.HOST, "web"),
    _touched(EntityKind.HOST, "dc", day=5),
    _touched(EntityKind.ACCOUNT, "adm"),
    _touched(EntityKind.ACCOUNT, "clerk", Scope.POTENTIAL),
    _touched(EntityKind.ADDRESS, "203.0.113.9", Scope.POTENTIAL),
]


def _trail(account: str, address: str, host: str, day: float) -> Trail:
    at = START + timedelta(days=day)
    trail = Trail(own_addresses={"web": {"10.0.0.1"}, "dc": {"10.0.0.2"}})
    trail.logons[host, account, address, "3"] = Logon(
        host=host, account=account, address=address, logon_type="3", first_at=at, last_at=at, count=1, file="x"
    )
    return trail


@pytest.mark.parametrize(
    ("account", "address", "host", "day", "origin"),
    [
        ("adm", "10.0.0.1", "dc", 6, "web"),
        ("adm", "203.0.113.9", "web", 1, "203.0.113.9"),
        ("clerk", "10.0.0.1", "dc", 6, None),  # its account may not have been taken
        ("adm", "10.0.0.2", "web", 1, None),  # dc was not under control yet
        ("adm", "10.0.0.2", "web", 6, "dc"),
        ("adm", "10.0.0.1", "web", 6, None),  # from itself
        ("adm", "10.0.0.1", "dc", -1, None),  # before the first sign
        ("adm", "10.0.0.1", "dc", 40, None),  # after the last
        ("adm", "198.51.100.7", "dc", 6, None),  # an address of nobody in the case
        ("adm", "10.0.0.1", "printer", 6, None),  # a host outside the case
    ],
)
def test_a_move_needs_both_ends_a_taken_account_and_a_time(account, address, host, day, origin):
    found = moves(ENTITIES, _trail(account, address, host, day), since=START, until=END)
    assert [move.origin for move in found] == ([origin] if origin else [])


def test_a_case_without_times_has_no_moves():
    assert moves(ENTITIES, _trail("adm", "10.0.0.1", "dc", 6), since=None, until=None) == ()
