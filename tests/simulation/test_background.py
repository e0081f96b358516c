"""Ordinary life keeps the hours of an office."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stillhunt.simulation.background.calendar import days, is_patch_day, is_working_day, office_hour

DAYS = st.dates(date(2021, 1, 1), date(2022, 12, 31)).map(lambda d: datetime(d.year, d.month, d.day, tzinfo=UTC))


@given(DAYS)
def test_nobody_works_at_weekends(day):
    assert not (is_working_day(day) and day.weekday() >= 5)


@given(DAYS)
def test_summer_time_is_one_hour_and_lasts_from_march_to_october(day):
    shift = 9 - office_hour(day, 9)
    assert shift in {0, 1}
    assert shift == 1 or not 4 <= day.month <= 9
    assert shift == 0 or 3 <= day.month <= 10


def test_summer_time_changes_on_the_last_sundays():
    changes = [
        day.date()
        for day in days(datetime(2021, 1, 2, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))
        if office_hour(day, 9) != office_hour(day - timedelta(days=1), 9)
    ]
    assert changes == [date(2021, 3, 28), date(2021, 10, 31)]


def test_there_is_one_patch_day_a_month():
    year = list(days(datetime(2021, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC)))
    assert [d.month for d in year if is_patch_day(d)] == list(range(1, 13))


def test_holidays_are_kept():
    assert not is_working_day(datetime(2021, 8, 30, tzinfo=UTC))
    assert not is_working_day(datetime(2021, 12, 24, tzinfo=UTC))
    assert is_working_day(datetime(2021, 8, 31, tzinfo=UTC))
