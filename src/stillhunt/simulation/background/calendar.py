"""When people work: days, holidays, summer time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

__all__ = ["days", "is_patch_day", "is_working_day", "office_hour"]

_HOLIDAYS = {
    (2021, 1): frozenset({1}),
    (2021, 4): frozenset({2, 5}),
    (2021, 5): frozenset({3, 31}),
    (2021, 8): frozenset({30}),
    (2021, 12): frozenset({27, 28}),
    (2022, 1): frozenset({3}),
    (2022, 4): frozenset({15, 18}),
    (2022, 5): frozenset({2}),
    (2022, 6): frozenset({2, 3}),
    (2022, 8): frozenset({29}),
    (2022, 9): frozenset({19}),
    (2022, 12): frozenset({26, 27}),
    (2023, 1): frozenset({2}),
    (2023, 4): frozenset({7, 10}),
    (2023, 5): frozenset({1, 8, 29}),
    (2023, 8): frozenset({28}),
    (2024, 3): frozenset({29}),
    (2024, 4): frozenset({1}),
    (2024, 5): frozenset({6, 27}),
    (2024, 8): frozenset({26}),
    (2025, 4): frozenset({18, 21}),
    (2025, 5): frozenset({5, 26}),
}
"""Bank holidays in England and Wales: (year, month) to days. Source: gov.uk/bank-holidays."""


def days(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every midnight (UTC) from ``start`` to before ``end``."""
    day = start
    while day < end:
        yield day
        day += timedelta(days=1)


def is_working_day(day: datetime) -> bool:
    """Tell whether offices are open: not at weekends, on bank holidays, or between Christmas and New Year."""
    between_the_years = (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1)
    return day.weekday() < 5 and day.day not in _HOLIDAYS.get((day.year, day.month), ()) and not between_the_years


def is_patch_day(day: datetime) -> bool:
    """Tell whether this is the Thursday after the month's second Tuesday."""
    return day.weekday() == 3 and 10 <= day.day <= 16


def office_hour(day: datetime, hour: float) -> float:
    """Return the hour in UTC of an hour on the office's clock (Europe/London).

    >>> office_hour(datetime(2021, 7, 1, tzinfo=UTC), 9), office_hour(datetime(2021, 12, 1, tzinfo=UTC), 9)
    (8, 9)
    """
    begins = _last_sunday(day.year, 3)
    ends = _last_sunday(day.year, 10)
    return hour - 1 if begins <= day < ends else hour


def _last_sunday(year: int, month: int) -> datetime:
    """The last Sunday of a month with 31 days."""
    last = datetime(year, month, 31, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
