"""A correlation ready to run, what it finds, and what it had to leave out.

Source of the words: Sigma specification 2.1, "Sigma Correlation Rules", and pySigma 2.0.1 (``sigma.correlations``)
for what it adds: medians, percentiles, sums, averages, and conditions that join rules with ``and``, ``or``, ``not``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from stillhunt.detection.correlation.condition import Comparison, Expression, can_hold
from stillhunt.detection.finding import Detector

__all__ = ["COUNTS", "TEMPORAL", "Alert", "Alias", "Correlated", "Correlation", "CorrelationType", "Tally"]

CorrelationType = Literal[
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
]

TEMPORAL: frozenset[CorrelationType] = frozenset({"temporal", "temporal_ordered"})
COUNTS: frozenset[CorrelationType] = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
"""Types that measure a whole number, at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One name for what is called differently in the events of different rules.

    Attributes:
        name: The name.
        fields: (detector id of a rule, field of its events). A rule that is not listed has a field of that name.
    """

    name: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A correlation ready to run.

    Attributes:
        detector: What its findings say of it; of kind ``sigma-correlation``.
        type: What is measured.
        rules: Detector ids of the rules and correlations it refers to, each once, in its order.
        timespan_us: Length of a window in microseconds.
        group_by: Fields or aliases whose values must agree; empty if all events are one group.
        aliases: Names that stand for fields.
        comparisons: What must hold of the measured number, all of it; empty if there is an ``expression``.
        expression: Which rules must have matched, of types ``temporal`` and ``temporal_ordered``.
        fields: Fields or aliases whose values are counted (several: their combinations) or calculated with (one).
        percentile: Which one, 0 to 100, of type ``value_percentile``.
        generate: Whether the rules it refers to have findings of their own as well.
    """

    detector: Detector
    type: CorrelationType
    rules: tuple[str, ...]
    timespan_us: int
    group_by: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    expression: Expression | None = None
    fields: tuple[str, ...] = ()
    percentile: int | float | None = None
    generate: bool = False

    @property
    def needs_all(self) -> bool:
        """Whether nothing can satisfy it unless every rule that it refers to matches."""
        if self.type not in TEMPORAL or self.expression is not None:
            return False
        return not can_hold(self.comparisons, least=1, most=len(self.rules) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Windows of one group that satisfy a correlation one after the other.

    Attributes:
        correlation: What was satisfied.
        group: (name, value) of what the events have in common, as the first of them writes it.
        first_at: First event of the first window, in microseconds since 1970 UTC.
        last_at: Last event of the last window; of a chain, the moment the last alert below was satisfied.
        held_at: The event that satisfied it first: when a live system would have spoken.
        value: The number measured: of all these windows the greatest, or the least where only too little is sought.
        refs: The first four records and the last, each once, in order of time.
        members: The records of all that took part, int64; some may be there more than once.
        n_occurrences: All that took part: events, counted once for every rule they match; of an ``event_count`` of
            correlations, their alerts.
        steps: Of the temporal types one record for each rule, as they satisfied it first: in the order of the
            rules.
    """

    correlation: Correlation
    group: tuple[tuple[str, str], ...]
    first_at: int
    last_at: int
    held_at: int
    value: int | float
    refs: tuple[int, ...]
    n_occurrences: int
    members: pa.Array[Any] = field(compare=False, repr=False)
    steps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the occurrences that a correlation was given.

    Attributes:
        id: Detector id of the correlation.
        n_occurrences: Events of its rules, and of its correlations those that took part in an alert.
        n_without_time: Of these, without a time: never correlated.
        n_without_group: With a time, but without one of the fields to group by.
        n_without_value: With these, but without the value to count, or with one that is no number.
        n_alerts: What came of the rest.
    """

    id: str
    n_occurrences: int = 0
    n_without_time: int = 0
    n_without_group: int = 0
    n_without_value: int = 0
    n_alerts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """What came of all correlations.

    Attributes:
        alerts: Sorted by first event, last event, place of the correlation, group.
        tallies: One for each correlation, in their order.
    """

    alerts: tuple[Alert, ...]
    tallies: tuple[Tally, ...]
