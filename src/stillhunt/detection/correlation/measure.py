"""What is measured of a sliding window, kept up to date as events enter and leave it.

Every step costs constant time, or the logarithm of the number of events for medians and percentiles; beside that
only the number of rules of one correlation counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

from stillhunt.detection.correlation.condition import Alternative, alternatives, holding
from stillhunt.detection.correlation.gather import Gathered
from stillhunt.detection.correlation.model import Correlation

__all__ = ["Measure", "measures"]


class Measure(Protocol):
    """What is measured of the window of one group; events are places in :class:`Gathered`."""

    def add(self, event: int, /) -> None:
        """Let an event enter; events enter in their order."""

    def remove(self, event: int, /) -> None:
        """Let the oldest event leave."""

    def level(self, start: int, /) -> tuple[int, int]:
        """Return the number measured, as numerator and positive denominator, of a window from a time on."""

    def steps(self, start: int, /) -> tuple[int, ...]:
        """Return one event for each rule that the window satisfies a temporal correlation by."""


def measures(correlation: Correlation, events: Gathered) -> Callable[[int, int], Measure]:
    """Return what makes the measure of a group, given the places of its first event and after its last."""
    match correlation.type:
        case "event_count":
            return lambda _begin, _end: _Count()
        case "value_count":
            return lambda _begin, _end: _Distinct(events.values)
        case "value_sum":
            return lambda _begin, _end: _Sum(events.values, events.scale)
        case "value_avg":
            return lambda _begin, _end: _Average(events.values, events.scale)
        case "value_median" | "value_percentile":
            part = Fraction(str(correlation.percentile)) / 100 if correlation.percentile is not None else Fraction(1, 2)
            return lambda begin, end: _Quantile(events.values, begin, end, part=part, scale=events.scale)
        case "temporal":
            ways = _masks(correlation)
            return lambda _begin, _end: _Together(events.rules, ways)
        case "temporal_ordered":
            return _ordered(correlation, events)


class _Count:
    """How many events."""

    def __init__(self) -> None:
        self._n = 0

    def add(self, _event: int) -> None:
        self._n += 1

    def remove(self, _event: int) -> None:
        self._n -= 1

    def level(self, _start: int) -> tuple[int, int]:
        return self._n, 1

    def steps(self, _start: int) -> tuple[int, ...]:
        return ()


class _Distinct(_Count):
    """How many different values."""

    def __init__(self, values: Sequence[int]) -> None:
        self._values = values
        self._counts: dict[int, int] = {}

    def add(self, event: int) -> None:
        value = self._values[event]
        self._counts[value] = self._counts.get(value, 0) + 1

    def remove(self, event: int) -> None:
        value = self._values[event]
        left = self._counts[value] - 1
        if left:
            self._counts[value] = left
        else:
            del self._counts[value]

    def level(self, _start: int) -> tuple[int, int]:
        return len(self._counts), 1


class _Sum(_Count):
    """Sum of the values: whole numbers, so that nothing is rounded however many come and go."""

    def __init__(self, values: Sequence[int], scale: int) -> None:
        super().__init__()
        self._values = values
        self._scale = scale
        self._sum = 0

    def add(self, event: int) -> None:
        self._n += 1
        self._sum += self._values[event]

    def remove(self, event: int) -> None:
        self._n -= 1
        self._sum -= self._values[event]

    def level(self, _start: int) -> tuple[int, int]:
        return self._sum, self._scale


class _Average(_Sum):
    """Sum of the values by their number."""

    def level(self, _start: int) -> tuple[int, int]:
        return self._sum, self._scale * self._n


class _Quantile(_Count):
    """The value that a part of all values lies below, between two values in proportion; a half is the median.

    Two heaps meet at it. What leaves the window is only marked, and thrown away when it comes to the top of its heap.

    Source: Hyndman and Fan 1996, definition 7, which is also ``PERCENTILE_CONT`` of SQL.
    """

    def __init__(self, values: Sequence[int], begin: int, end: int, *, part: Fraction, scale: int) -> None:
        super().__init__()
        order = sorted(range(begin, end), key=values.__getitem__)
        self._values = [values[event] for event in order]
        self._begin = begin
        self._ranks = [0] * len(order)
        for rank, event in enumerate(order):
            self._ranks[event - begin] = rank
        self._part, self._parts = part.as_integer_ratio()
        self._unit = scale * self._parts
        self._low: list[int] = []  # negative ranks, the greatest on top
        self._high: list[int] = []
        self._is_low = bytearray(len(order))
        self._is_gone = bytearray(len(order))
        self._n_low = 0

    def add(self, event: int) -> None:
        rank = self._ranks[event - self._begin]
        self._n += 1
        if self._low and rank < -self._low[0]:
            self._to_low(rank)
        else:
            heapq.heappush(self._high, rank)

    def remove(self, event: int) -> None:
        rank = self._ranks[event - self._begin]
        self._n -= 1
        self._n_low -= self._is_low[rank]
        self._is_gone[rank] = 1

    def level(self, _start: int) -> tuple[int, int]:
        place, rest = divmod((self._n - 1) * self._part, self._parts)
        self._settle(place + 1)
        above = self._values[-self._low[0]] * (self._parts - rest)
        if rest:
            above += self._values[self._high[0]] * rest
        return above, self._unit

    def _settle(self, n_low: int) -> None:
        """Bring the lowest ``n_low`` values into the lower heap, and living ones to the top of both."""
        self._clear()
        while self._n_low < n_low:
            self._to_low(heapq.heappop(self._high))
            self._clear()
        while self._n_low > n_low:
            rank = -heapq.heappop(self._low)
            self._is_low[rank] = 0
            self._n_low -= 1
            heapq.heappush(self._high, rank)
            self._clear()

    def _to_low(self, rank: int) -> None:
        heapq.heappush(self._low, -rank)
        self._is_low[rank] = 1
        self._n_low += 1

    def _clear(self) -> None:
        while self._low and self._is_gone[-self._low[0]]:
            heapq.heappop(self._low)
        while self._high and self._is_gone[self._high[0]]:
            heapq.heappop(self._high)


_Masks = Sequence[tuple[int, int]]
"""Ways in which an expression holds: (rules that must be present, rules that must be absent), a bit for each rule."""


class _Together(_Count):
    """How many rules matched; 0 where there is an expression that does not hold."""

    def __init__(self, rules: Sequence[int], ways: _Masks) -> None:
        super().__init__()
        self._rules = rules
        self._ways = ways
        self._counts: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._present = 0

    def add(self, event: int) -> None:
        rule = self._rules[event]
        self._counts[rule] = self._counts.get(rule, 0) + 1
        self._last[rule] = event
        self._present |= 1 << rule

    def remove(self, event: int) -> None:
        rule = self._rules[event]
        self._counts[rule] -= 1
        if not self._counts[rule]:
            self._present ^= 1 << rule

    def level(self, _start: int) -> tuple[int, int]:
        present = self._present
        if any(present & wanted == wanted and not present & unwanted for wanted, unwanted in self._ways):
            return present.bit_count(), 1
        return 0, 1

    def steps(self, _start: int) -> tuple[int, ...]:
        return tuple(self._last[rule] for rule in sorted(self._last) if self._counts[rule])


def _masks(correlation: Correlation) -> _Masks:
    return [(_mask(correlation, way.present), _mask(correlation, way.absent)) for way in _alternatives(correlation)]


def _mask(correlation: Correlation, rules: frozenset[str]) -> int:
    return sum(1 << place for place, rule in enumerate(correlation.rules) if rule in rules)


def _alternatives(correlation: Correlation) -> tuple[Alternative, ...]:
    if correlation.expression is None:
        return (Alternative(present=frozenset(), absent=frozenset()),)
    return alternatives(correlation.expression)


_Link = tuple[int, "_Link | None"]
"""An event, and the one before it in a sequence."""

_NEVER = -(1 << 80)


class _Sequence:
    """The rules of one alternative in their order: for every length, the latest start of a sequence so far."""

    def __init__(self, order: Sequence[int], unwanted: int) -> None:
        self.n_rules = len(order)
        self.unwanted = unwanted
        self._starts = [_NEVER] * len(order)
        self._links: list[_Link | None] = [None] * len(order)

    def take(self, place: int, event: int, at: int) -> None:
        """Let an event of the rule at a place continue a sequence."""
        if place == 0:
            self._starts[0], self._links[0] = at, (event, None)
        elif self._starts[place - 1] > self._starts[place]:
            self._starts[place], self._links[place] = self._starts[place - 1], (event, self._links[place - 1])

    def is_whole(self, start: int) -> bool:
        """Say whether all rules came in their order from a time on."""
        return not self.n_rules or self._starts[-1] >= start

    def steps(self) -> tuple[int, ...]:
        """Return the events of the sequence that starts last."""
        return _unwound(self._links[-1]) if self._links else ()


class _InOrder(_Count):
    """How many rules came in their order: all that one alternative asks for, or 0."""

    def __init__(self, events: Gathered, orders: Sequence[tuple[Sequence[int], int]]) -> None:
        super().__init__()
        self._rules = events.rules
        self._at = events.at
        self._sequences = [_Sequence(order, unwanted) for order, unwanted in orders]
        self._takers: dict[int, list[tuple[_Sequence, int]]] = {}
        for sequence, (order, _) in zip(self._sequences, orders, strict=True):
            for place, rule in enumerate(order):
                self._takers.setdefault(rule, []).append((sequence, place))
        self._counts: dict[int, int] = {}
        self._present = 0

    def add(self, event: int) -> None:
        rule = self._rules[event]
        self._counts[rule] = self._counts.get(rule, 0) + 1
        self._present |= 1 << rule
        for sequence, place in self._takers.get(rule, ()):
            sequence.take(place, event, self._at[event])

    def remove(self, event: int) -> None:
        rule = self._rules[event]
        self._counts[rule] -= 1
        if not self._counts[rule]:
            self._present ^= 1 << rule

    def level(self, start: int) -> tuple[int, int]:
        return max((max(one.n_rules, 1) for one in self._whole(start)), default=0), 1

    def steps(self, start: int) -> tuple[int, ...]:
        return max(self._whole(start), key=lambda one: one.n_rules).steps()

    def _whole(self, start: int) -> Iterator[_Sequence]:
        return (one for one in self._sequences if not self._present & one.unwanted and one.is_whole(start))


class _LongestInOrder(_Count):
    """How many of the rules came in their order, leaving out the others: for every length and last rule, as above."""

    def __init__(self, events: Gathered, n_rules: int) -> None:
        super().__init__()
        self._rules = events.rules
        self._at = events.at
        self._starts = [[_NEVER] * n_rules for _ in range(n_rules)]
        self._links: list[list[_Link | None]] = [[None] * n_rules for _ in range(n_rules)]
        self._latest: list[tuple[int, _Link | None]] = [(_NEVER, None)] * n_rules

    def add(self, event: int) -> None:
        rule = self._rules[event]
        for length in range(rule, 0, -1):
            before = self._starts[length - 1]
            last = max(range(rule), key=before.__getitem__)
            self._keep(length, rule, before[last], (event, self._links[length - 1][last]))
        self._keep(0, rule, self._at[event], (event, None))

    def remove(self, event: int) -> None:
        """Nothing: what starts before a window does not count."""

    def level(self, start: int) -> tuple[int, int]:
        return self._length(start), 1

    def steps(self, start: int) -> tuple[int, ...]:
        return _unwound(self._latest[self._length(start) - 1][1])

    def _length(self, start: int) -> int:
        # A longer sequence that starts late enough holds shorter ones that do.
        return next((n for n, (latest, _) in enumerate(self._latest) if latest < start), len(self._latest))

    def _keep(self, length: int, rule: int, start: int, link: _Link) -> None:
        if start > self._starts[length][rule]:
            self._starts[length][rule], self._links[length][rule] = start, link
            if start > self._latest[length][0]:
                self._latest[length] = (start, link)


def _ordered(correlation: Correlation, events: Gathered) -> Callable[[int, int], Measure]:
    places = {rule: place for place, rule in enumerate(correlation.rules)}
    if correlation.expression is not None:
        orders: list[tuple[Sequence[int], int]] = [
            (sorted(places[rule] for rule in way.present), _mask(correlation, way.absent))
            for way in _alternatives(correlation)
        ]
        return lambda _begin, _end: _InOrder(events, orders)
    n_rules = len(places)
    holds = holding(correlation.comparisons)
    if any(holds(number, 1) for number in range(n_rules)):
        return lambda _begin, _end: _LongestInOrder(events, n_rules)
    return lambda _begin, _end: _InOrder(events, [(range(n_rules), 0)])


def _unwound(link: _Link | None) -> tuple[int, ...]:
    events = []
    while link:
        event, link = link
        events.append(event)
    return tuple(reversed(events))
