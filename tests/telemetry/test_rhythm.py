"""A silence is a gap only against the rhythm of the log itself."""

from __future__ import annotations

import random

import pytest

from stillhunt.telemetry.rhythm import BusyHours, silences

WEEK = 168
MONDAY = 4 * 24  # the first of January 1970 was a Thursday


def office(n_weeks, *, without=()):
    hours = range(MONDAY, MONDAY + n_weeks * WEEK)
    return [
        h for h in hours if (h - MONDAY) // 24 % 7 < 5 and 8 <= h % 24 < 18 and not any(a <= h < b for a, b in without)
    ]


def day(week, weekday):
    return MONDAY + week * WEEK + weekday * 24


def test_nights_weekends_and_holidays_of_an_office_are_none():
    easter = (day(12, 4), day(13, 1))
    assert silences(office(26, without=[easter])) == []


def test_a_week_without_anything_in_an_office_is_one():
    [found] = silences(office(26, without=[(day(12, 0), day(13, 0))]))
    assert (found.start, found.end) == (day(11, 4) + 18, day(13, 0) + 8)
    assert (found.usual, 48 <= found.n_missed <= 52) == (62, True)


def test_half_a_day_in_a_server_that_never_sleeps_is_one():
    hours = [h for h in range(40 * 24) if not 500 <= h < 514]
    [found] = silences(hours)
    assert (found.start, found.end, found.usual) == (500, 514, 0)
    assert silences([h for h in range(40 * 24) if not 500 <= h < 508]) == []


def test_a_server_that_reboots_every_week_keeps_its_own_pauses():
    assert silences([h for h in range(100 * 24) if h % WEEK > 8]) == []


def test_a_laptop_that_is_used_now_and_then_has_long_pauses_of_its_own():
    chance = random.Random(4)
    hours = sorted({d * 24 + 9 + h for d in range(300) if chance.random() < 0.3 for h in range(chance.randrange(1, 8))})
    assert silences(hours) == []


def test_sessions_months_apart_are_the_rhythm_of_a_machine_that_is_often_off():
    hours = [start * 24 + h for start in (0, 50, 110, 190) for h in range(0, 20 * 24, 4)]
    assert silences(hours) == []


@pytest.mark.parametrize("n_hours", [5, 99])
def test_few_busy_hours_have_no_rhythm(n_hours):
    assert silences([40 * h for h in range(n_hours)]) == []


def test_a_log_of_two_weeks_may_be_silent_over_a_weekend():
    hours = [h for h in range(14 * 24) if not 120 <= h < 168]
    assert silences(hours) == []
    assert len(silences([h for h in range(14 * 24) if not 120 <= h < 210])) == 1


def test_busy_hours_come_back_in_order_and_join():
    one, other = BusyHours(), BusyHours()
    for hour in (49, 3, 3, 23):
        one.add(hour)
    other.add(24)
    one.take(other)
    assert one.hours() == [3, 23, 24, 49]


def test_a_few_hours_in_a_century_have_no_silence_that_comes_back():
    """A clock that stood at 1970, or at 2099, stretches a log beyond what its hours can fill."""
    hours = [*range(60), *(1_000_000 + hour for hour in range(60))]
    assert [(found.start, found.end, found.usual) for found in silences(hours)] == [(60, 1_000_000, 0)]
