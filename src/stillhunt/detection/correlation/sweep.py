"""Slide a window over the events of every group, and note where it satisfies a correlation.

A window ends at an event and holds what happened at that moment and within the timespan before it, both ends
included: events that are exactly a timespan apart are in one window. Events of the same moment enter together, so
that their order does not matter. Every window holds an event, so one that asks for few (``lt``, ``lte``, ``eq``)
says: few, up to and including this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stillhunt.detection.correlation.condition import holding
from stillhunt.detection.correlation.gather import Gathered
from stillhunt.detection.correlation.measure import Measure, measures
from stillhunt.detection.correlation.model import Correlation

__all__ = ["Run", "Stand", "sweep"]


@dataclass(slots=True)
class Run:
    """Windows that satisfy a correlation one after the other.

    Attributes:
        first: Place of the first event of the first window.
        last: Place of the last event of the last window; all between took part.
        held: Place of the last event of the first window.
        above: Numerator of the number measured, the farthest from what does not satisfy.
        below: Its denominator.
        steps: Places of events that satisfied it first, one for each rule.
    """

    first: int
    last: int
    held: int
    above: int
    below: int
    steps: tuple[int, ...]


@dataclass(slots=True)
class Stand:
    """Which events stand for runs where another correlation looks: each once, as soon as a satisfying window has it.

    Attributes:
        events: Their places.
        at: The moments.
        runs: The numbers of the runs.
    """

    events: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


def sweep(correlation: Correlation, events: Gathered, stand: Stand | None = None) -> list[Run]:
    """Return the runs of all groups.

    Args:
        correlation: What to look for.
        events: Where.
        stand: Filled with what stands for the runs, if given.
    """
    comparisons = correlation.comparisons
    holds = holding(comparisons)
    is_least_told = bool(comparisons) and all(one.operator in {"lt", "lte"} for one in comparisons)
    needs_level = correlation.expression is not None
    make = measures(correlation, events)
    runs: list[Run] = []
    for begin, end in _groups(events.groups):
        run: Run | None = None
        n_told = begin
        measure = make(begin, end)
        for low, high, start in _windows(events.at[begin:end], measure, begin, correlation.timespan_us):
            above, below = measure.level(start)
            if not holds(above, below) or (needs_level and not above):
                run = None
                continue
            if run is None:
                run = Run(low, high, high, above, below, measure.steps(start))
                runs.append(run)
            elif (above * run.below < run.above * below) if is_least_told else (above * run.below > run.above * below):
                run.above, run.below = above, below
            run.last = high
            if stand is not None:
                _tell(stand, range(max(low, n_told), high + 1), events.at[high], len(runs) - 1)
                n_told = high + 1
    return runs


def _groups(groups: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the place of the first event of every group and after its last."""
    begin = 0
    for place in range(1, len(groups) + 1):
        if place == len(groups) or groups[place] != groups[begin]:
            yield begin, place
            begin = place


def _windows(at: list[int], measure: Measure, begin: int, timespan: int) -> Iterator[tuple[int, int, int]]:
    """Yield for every moment of a group its window: place of its first event, place of its last, and its start.

    Args:
        at: Times of the group.
        measure: Kept up to date.
        begin: Place of the first of them.
        timespan: Length of a window.
    """
    low = high = 0
    n_events = len(at)
    while high < n_events:
        now = at[high]
        while high < n_events and at[high] == now:
            measure.add(begin + high)
            high += 1
        start = now - timespan
        while at[low] < start:
            measure.remove(begin + low)
            low += 1
        yield begin + low, begin + high - 1, start


def _tell(stand: Stand, events: range, at: int, run: int) -> None:
    stand.events.extend(events)
    stand.at.extend([at] * len(events))
    stand.runs.extend([run] * len(events))
