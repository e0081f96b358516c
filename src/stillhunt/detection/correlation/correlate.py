"""Correlate the matches of rules: a pure function over Arrow tables.

What a window is stands in :mod:`stillhunt.detection.correlation.sweep`. Overlapping windows of one group that
satisfy a correlation without pause are one alert; where a window in between does not, it ends, and a later one is
another alert, even if it shares events with it.

Chains: where a correlation refers to another, every event that made an alert below stands for it once, at the
moment a window with this event satisfied the correlation below. So an alert is present as long as it lasts, has
the fields of its events, and a correlation may group by others than the one below does. ``event_count`` counts an
alert once in each of its groups, at the first of these moments; the ``value_`` types count and calculate with the
values of the events.

Choices where the specification is silent:

- a field that is missing or empty forms no group, and is no value; how often is told;
- a record that several rules match is one event for the counting types, and stands for every one of them for the
  temporal types;
- equal times are in order for ``temporal_ordered``, since a log that writes whole seconds cannot tell;
- ``temporal_ordered`` with a number counts the rules that came in their order, leaving out the others;
- a rule after ``not`` must not have matched within the timespan before, in either order;
- a number is written in decimal or as ``0x…``; sums, averages, medians and percentiles are exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.correlation.chain import link
from stillhunt.detection.correlation.gather import Gathered, Part, gather, part_of_rule
from stillhunt.detection.correlation.model import Alert, Correlated, Correlation, Tally
from stillhunt.detection.correlation.sweep import Run, Stand, sweep

__all__ = ["N_FIRST", "correlate"]

N_FIRST = 4
"""Records of an alert that are kept from its beginning, beside the last."""


def correlate(correlations: Sequence[Correlation], occurrences: Mapping[str, pa.Table]) -> Correlated:
    """Find what satisfies correlations.

    Takes n log n time in the events of a group, and memory in proportion to all of them; the result does not
    depend on the order of rows.

    Args:
        correlations: In any order.
        occurrences: By detector id of a rule, its matches: ``at`` (int64, microseconds since 1970 UTC; null for
            no time), ``ref`` (int64, finds the record again) and a column of text for every field that
            :func:`~stillhunt.detection.correlation.chain.needed_fields` names, called as
            :func:`~stillhunt.detection.correlation.gather.field_column` says; null for a field that the event
            lacks. A rule that is absent matched nothing.

    Returns:
        Alerts of all correlations, also of those that others refer to, and what was left out.

    Raises:
        RuleError: Correlations refer to each other in a circle.
        EngineError: Occurrences lack a field that is needed.
    """
    linked = link(correlations)
    if linked.refused:
        raise linked.refused[0][1]
    by_id = {one.detector.id: one for one in linked.correlations}
    referred = {rule for one in correlations for rule in one.rules}
    parts = {
        rule: [part_of_rule(rule, table)] for rule, table in occurrences.items() if rule in referred - by_id.keys()
    }
    alerts: list[Alert] = []
    tallies: dict[str, Tally] = {}
    for one in linked.correlations:
        below = [(place, part) for place, rule in enumerate(one.rules) for part in parts.get(rule, [])]
        events, tally = gather(one, below, by_id)
        stand = Stand() if one.detector.id in referred else None
        runs = sweep(one, events, stand)
        if stand is not None:
            parts[one.detector.id] = list(_standing(one, events, stand))
        alerts += _alerts(one, events, runs)
        tallies[one.detector.id] = replace(tally, n_alerts=len(runs))
    places = {one.detector.id: place for place, one in enumerate(correlations)}
    alerts.sort(key=lambda a: (a.first_at, a.last_at, places[a.correlation.detector.id], a.group, a.held_at))
    return Correlated(alerts=tuple(alerts), tallies=tuple(tallies[one.detector.id] for one in correlations))


def _standing(correlation: Correlation, events: Gathered, stand: Stand) -> Iterator[Part]:
    """Yield what stands for the alerts of a correlation, apart for every way it came."""
    places = pa.array(stand.events, pa.int64())
    at, runs = pa.array(stand.at, pa.int64()), pa.array(stand.runs, pa.int64())
    part, row = events.part.take(places), events.row.take(places)
    for number, source in enumerate(events.parts):
        chosen = pc.equal(part, pa.scalar(number, pa.int64()))
        yield Part(
            path=(correlation.detector.id, *source.path),
            table=source.table,
            rows=row.filter(chosen),
            at=at.filter(chosen),
            alert=runs.filter(chosen),
        )


def _alerts(correlation: Correlation, events: Gathered, runs: Sequence[Run]) -> list[Alert]:
    firsts = pa.array([run.first for run in runs], pa.int64())
    names = events.names.take(firsts)
    columns = [names.column(place).to_pylist() for place in range(names.num_columns)]
    groups = zip(*columns, strict=True) if columns else [()] * len(runs)
    return [
        Alert(
            correlation=correlation,
            group=tuple(zip(correlation.group_by, group, strict=True)),
            first_at=first_at,
            last_at=events.at[run.last],
            held_at=events.at[run.held],
            value=_plain(Fraction(run.above, run.below)),
            refs=_refs(events.refs, run),
            n_occurrences=run.last - run.first + 1,
            members=events.ref_column.slice(run.first, run.last - run.first + 1),
            steps=tuple(events.refs[place] for place in run.steps),
        )
        for run, group, first_at in zip(runs, groups, _earliest(events.since, runs), strict=True)
    ]


def _plain(number: Fraction) -> int | float:
    return number.numerator if number.denominator == 1 else float(number)


def _refs(refs: Sequence[int], run: Run) -> tuple[int, ...]:
    """Return the first records of a run and the last, each once."""
    kept: dict[int, None] = {}
    for place in range(run.first, run.last):
        if len(kept) == N_FIRST:
            break
        kept[refs[place]] = None
    return tuple({**kept, refs[run.last]: None})


def _earliest(since: Sequence[int], runs: Sequence[Run]) -> Iterator[int]:
    """Yield the earliest time of each run: both its ends move forward only, so each event is looked at once."""
    falling: deque[int] = deque()  # places whose times rise, each earlier than all that follow
    following = 0
    for run in runs:
        for place in range(max(following, run.first), run.last + 1):
            while falling and since[falling[-1]] >= since[place]:
                falling.pop()
            falling.append(place)
        following = max(following, run.last + 1)
        while falling[0] < run.first:
            falling.popleft()
        yield since[falling[0]]
