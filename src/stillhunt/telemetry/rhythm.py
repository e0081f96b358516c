"""The rhythm of a log, and the silences that do not belong to it.

Kept are the hours in which something was logged. A silence is a gap if, measured by the log itself,

1. it lasts three days, or twelve hours in a log of three weeks that is busy in four of five hours;
2. at least twelve busy hours were to be expected in it: for each hour of the week, how often it was busy in the rest
   of the log says how often it would have been (a log of less than three weeks goes by the hour of the day). Since
   events come in heaps, busy days were to be expected too: on half of its days, or five in a long silence;
3. it is more than twice as long as the silences that come back: as the third longest, and in a log of more than a
   year as the longest that comes about every four months.

Logs with fewer than a hundred busy hours have no rhythm to judge by. So nights and weekends count for nothing where
they are always quiet, a holiday is no gap, and a machine that is often off has long silences of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["BusyHours", "Silence", "silences"]

_FEWEST_HOURS = 100
_MISSED = 12
_MISSED_DAYS = 5
_TIMES_USUAL = 2
_WEEK, _DAY = 168, 24
_COMES_BACK = 120 * 24
_AT_LEAST_THIRD = 2
_WEEKS_TO_KNOW = 3
_SHORTEST = 72
_NEVER_SLEEPS = 0.8


@dataclass(slots=True)
class BusyHours:
    """The hours since 1970 in which something happened: a few bytes per day, however many events."""

    days: dict[int, int] = field(default_factory=dict)

    def add(self, hour: int) -> None:
        """Take an hour."""
        day, bit = divmod(hour, _DAY)
        self.days[day] = self.days.get(day, 0) | 1 << bit

    def take(self, other: BusyHours) -> None:
        """Take the hours of another."""
        for day, bits in other.days.items():
            self.days[day] = self.days.get(day, 0) | bits

    def hours(self) -> list[int]:
        """Return all hours in order."""
        return [day * _DAY + bit for day in sorted(self.days) for bit in range(_DAY) if self.days[day] >> bit & 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence that is a gap, in hours since 1970.

    Attributes:
        start: First silent hour.
        end: First busy hour after it.
        n_missed: Busy hours that were to be expected.
        usual: Length of the silences that come back.
    """

    start: int
    end: int
    n_missed: int
    usual: int


def silences(hours: Sequence[int]) -> list[Silence]:
    """Return the silences between busy hours, given in order, that do not belong to their rhythm."""
    if len(hours) < _FEWEST_HOURS:
        return []
    span = hours[-1] - hours[0] + 1
    knows_week = span >= _WEEKS_TO_KNOW * _WEEK
    profile = _Profile(hours, _WEEK if knows_week else _DAY)
    lengths = sorted((b - a - 1 for a, b in pairwise(hours)), reverse=True)
    n_days = len({hour // _DAY for hour in hours})
    busy_days = min(1.0, n_days * _DAY / span)
    place = max(_AT_LEAST_THIRD, round(span / _COMES_BACK))
    # A log with less than one busy hour for each of those has no silence that comes back.
    usual = lengths[place] if place < len(lengths) else 0
    shortest = _MISSED if knows_week and len(hours) >= _NEVER_SLEEPS * span else _SHORTEST
    least = max(shortest, _TIMES_USUAL * usual + 1)
    found = []
    for a, b in pairwise(hours):
        length = b - a - 1
        is_busy = busy_days * length / _DAY >= min(_MISSED_DAYS, length / _DAY / 2)
        if length >= least and is_busy and (missed := profile.expected(a + 1, b)) >= _MISSED:
            found.append(Silence(start=a + 1, end=b, n_missed=round(missed), usual=usual))
    return found


class _Profile:
    """How often each hour of a week, or of a day, is busy."""

    def __init__(self, hours: Sequence[int], cycle: int) -> None:
        self._cycle = cycle
        self._n_busy = _counts(hours, cycle)
        self._n_there = self._slots(hours[0], hours[-1] + 1)

    def expected(self, start: int, end: int) -> float:
        """Return how many hours from one to before another would be busy, going by the rest of the log."""
        inside = self._slots(start, end)
        return sum(
            here * busy / (there - here)
            for here, busy, there in zip(inside, self._n_busy, self._n_there, strict=True)
            if there > here
        )

    def _slots(self, start: int, end: int) -> list[int]:
        whole, rest = divmod(end - start, self._cycle)
        counts = [whole] * self._cycle
        for hour in range(start, start + rest):
            counts[hour % self._cycle] += 1
        return counts


def _counts(hours: Iterable[int], cycle: int) -> list[int]:
    counts = [0] * cycle
    for hour in hours:
        counts[hour % cycle] += 1
    return counts
