"""What a trail works out when it is asked, and works out anew when there is more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stillhunt.cases.trail import Logon, Trail

_AT = datetime(2024, 3, 1, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def _trail(at: datetime, *, own: str = "web") -> Trail:
    trail = Trail(own_addresses={own: {"10.0.0.1"}})
    trail.logons["dc", "corp\\a", "10.0.0.1", "3"] = Logon(
        host="dc", account="corp\\a", address="10.0.0.1", logon_type="3", first_at=at, last_at=at, count=1, file="log"
    )
    return trail


def test_what_was_asked_before_follows_the_correction_of_clocks() -> None:
    trail = _trail(_AT)
    assert trail.logons_begin("dc") == _AT
    trail.shift(lambda file, host: 3_600)
    assert trail.logons_begin("dc") == _AT + _HOUR
    assert trail.way_begins("corp\\a", "10.0.0.1") == _AT + _HOUR
    assert [logon.host for logon in trail.logons_begun([_AT + _HOUR], timedelta(minutes=5))] == ["dc"]


def test_what_was_asked_before_follows_what_another_worker_saw() -> None:
    trail = _trail(_AT)
    assert trail.logons_begin("dc") == _AT
    assert trail.host_of_address("10.0.0.1") == "web"
    trail.take(_trail(_AT - _HOUR, own="proxy"))
    assert trail.logons_begin("dc") == _AT - _HOUR
    assert trail.host_of_address("10.0.0.1") is None
