"""All analytics over a hunt: what they keep while events pass, and their findings at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.happening import Happening, happenings
from stillhunt.detection.behaviour.join import condensed, empty, folded, joined
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Place, Setting
from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.desk import digest
from stillhunt.detection.evidence import PLAIN, EvidenceKey, ShiftOf, dated
from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.detection.fold import Match, foremost, named
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.moment import moment

__all__ = ["Aggregates", "Observed", "Watch"]

_ROWS_HELD = 400_000
"""Rows that are held, at least, before they are joined."""


@dataclass(slots=True)
class Aggregates:
    """What analytics keep of events, by name of the aggregate.

    Attributes:
        tables: Joined rows.
        undated: Rows left out because their events have no time.
        seen: Aggregates that met events of a class they are about.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


class Watch:
    """Run analytics over batches, in any order.

    Args:
        names: Which analytics, by name.
        networks: Databases of addresses that the user has.
    """

    def __init__(self, names: Sequence[str], networks: Networks | None = None) -> None:
        self._analytics: dict[str, Analytic] = {name: ANALYTICS[name] for name in sorted(names)}
        self._aggregates = {a.name: a for analytic in self._analytics.values() for a in analytic.aggregates}
        self._setting = Setting(networks=networks or Networks())
        self._held: dict[str, list[pa.Table]] = {}
        self._settled: dict[str, pa.Table] = {}
        self._limits: dict[str, int] = {}
        self._undated: dict[str, int] = {}
        self._seen: set[str] = set()
        self._counts: Counter[str] = Counter()

    def feed(self, batch: EventBatch) -> None:
        """Fold a batch."""
        for name, aggregate in self._aggregates.items():
            if not aggregate.wants(batch.event_class):
                continue
            self._seen.add(name)
            table, n_undated = folded(aggregate, batch)
            self._undated[name] = self._undated.get(name, 0) + n_undated
            if table is not None:
                self._hold(aggregate, table)

    def fields(self, event_class: EventClass) -> tuple[str, ...]:
        """Return the native fields that are asked for of a class, sorted."""
        wanted = (a for a in self._aggregates.values() if a.wants(event_class))
        return tuple(sorted({name for aggregate in wanted for name in aggregate.fields}))

    def take(self, state: Aggregates) -> None:
        """Take in what another worker kept."""
        self._seen |= state.seen
        for name, count in state.undated.items():
            self._undated[name] = self._undated.get(name, 0) + count
        for name, table in state.tables.items():
            if name in self._aggregates:
                aggregate = self._aggregates[name]
                # What was saved has its texts coded.
                self._hold(aggregate, table.cast(empty(aggregate).schema))

    def settle(self, tables: Mapping[str, pa.Table]) -> None:
        """Take tables that are whole and condensed already: nothing is joined to them any more."""
        self._settled.update(tables)

    def state(self) -> Aggregates:
        """Return what was kept so far."""
        tables = {name: joined(self._aggregates[name], held) for name, held in sorted(self._held.items())}
        return Aggregates(tables=tables, undated=dict(sorted(self._undated.items())), seen=set(self._seen))

    def hand_over(self) -> Aggregates:
        """Return what was kept so far, and begin anew."""
        state = self.state()
        self._held, self._limits, self._undated, self._seen = {}, {}, {}, set()
        return state

    def observed(self, shift_s: ShiftOf) -> list[Observed]:
        """Return what all analytics find, in order of analytic and identity; what tells one happening is one.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
        """
        tables = _Tables(self._condensed)
        # Analytics of the same events come one after another, and a table goes with the last that wants it.
        waiting = {n: a for n, a in self._analytics.items() if self._is_active(a)}
        wanting = Counter(aggregate.name for analytic in waiting.values() for aggregate in analytic.aggregates)
        found: list[tuple[Analytic, Observation]] = []
        for name in sorted(waiting, key=lambda n: (tuple(a.name for a in waiting[n].aggregates), n)):
            analytic = waiting[name]
            found += [(analytic, one) for one in analytic.findings(tables, self._setting)]
            for aggregate in analytic.aggregates:
                wanting[aggregate.name] -= 1
                if not wanting[aggregate.name]:
                    tables.drop(aggregate.name)
        found.sort(key=lambda one: (one[0].detector.path, one[1].identity))
        told = [Observed(happening, shift_s) for happening in happenings(found)]
        self._counts = Counter(path for one in told for path in {part.detector.path for part, _ in one.parts})
        return told

    def states(self) -> tuple[RuleState, ...]:
        """Return what became of every analytic."""
        return tuple(self._state(analytic) for analytic in self._analytics.values())

    def _is_active(self, analytic: Analytic) -> bool:
        return any(aggregate.name in self._seen for aggregate in analytic.aggregates)

    def _state(self, analytic: Analytic) -> RuleState:
        detector = analytic.detector
        is_active = self._is_active(analytic)
        n_undated = sum(self._undated.get(aggregate.name, 0) for aggregate in analytic.aggregates)
        left_out = f"not used: {n_undated:,} events without a time" if n_undated else ""
        return RuleState(
            id=detector.id,
            title=detector.title,
            path=detector.path,
            status="active" if is_active else "dormant",
            reason=left_out if is_active else f"no such logs: {analytic.logs}",
            kind="analytic",
            tactics=detector.tactics,
            techniques=detector.techniques,
            n_findings=self._counts[detector.path],
        )

    def _hold(self, aggregate: Aggregate, table: pa.Table) -> None:
        held = self._held.setdefault(aggregate.name, [])
        held.append(table)
        n_rows = sum(part.num_rows for part in held)
        if n_rows > self._limits.get(aggregate.name, _ROWS_HELD):
            whole = joined(aggregate, held)
            self._held[aggregate.name] = [whole]
            # What does not shrink is not joined again before it has doubled.
            self._limits[aggregate.name] = max(_ROWS_HELD, 2 * whole.num_rows)

    def _condensed(self, name: str) -> pa.Table:
        if name in self._settled:
            return self._settled[name]
        aggregate = self._aggregates[name]
        whole = joined(aggregate, self._held.pop(name, []), is_final=True)
        self._held[name] = [whole]
        return condensed(aggregate, whole)


class _Tables(Mapping[str, pa.Table]):
    """Tables that are made when an analytic asks for them first.

    Args:
        made: Gives one by name.
    """

    def __init__(self, made: Callable[[str], pa.Table]) -> None:
        self._made = made
        self._there: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._there:
            self._there[name] = self._made(name)
        return self._there[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._there)

    def __len__(self) -> int:
        return len(self._there)

    def drop(self, name: str) -> None:
        """Forget one that nobody will ask for."""
        self._there.pop(name, None)


class Observed:
    """A finding of analytics whose evidence is chosen.

    Args:
        happening: What they found.
        shift_s: Seconds to add to the logged times of (file, host).
    """

    def __init__(self, happening: Happening, shift_s: ShiftOf) -> None:
        self.parts = happening.parts
        self.analytic, self.observation = happening.parts[0]
        self._happening = happening
        every = {place for _, seen in self.parts for place in seen.places}
        shifted = {(place, shift_s(place.file, place.host)) for place in every}
        self._places = sorted(shifted, key=lambda one: (one[0].at + one[1] * 1_000_000, one[0]))

    @property
    def keys(self) -> Iterator[EvidenceKey]:
        """What has to be read again."""
        return (_key(place) for place, _ in self._places)

    def finding(self, evidence: Mapping[EvidenceKey, Evidence]) -> Finding:
        """Return the finding.

        Args:
            evidence: What was read again.
        """
        seen, detector = self.observation, self.analytic.detector
        every = [key for _, part in self.parts for key in part.entities]
        entities = foremost(dict.fromkeys(every))
        kept = tuple(
            dated(self._shown(place, evidence[_key(place)]), _key(place).match, shift) for place, shift in self._places
        )
        first, last = self._ends()
        return Finding(
            id="finding-" + digest([detector.id, list(seen.identity)])[:16],
            detector=replace(
                detector,
                level=seen.level or detector.level,
                tactics=tuple(dict.fromkeys(t for analytic, _ in self.parts for t in analytic.detector.tactics)),
                techniques=tuple(dict.fromkeys(t for part in self.parts for t in _techniques(part))),
            ),
            first_at=first,
            last_at=last,
            count=seen.count,
            entities=named(entities),
            evidence=kept,
            n_evidence_omitted=max(0, seen.count - len(kept)),
            has_all_entities=len(entities) == len(set(every)),
            n_days=max(part.n_days for _, part in self.parts),
        )

    def _ends(self) -> tuple[datetime, datetime]:
        """Return when it began and ended."""
        shifts = {(place.file, place.host): shift for place, shift in self._places}
        begins, ends = [], []
        for _, part in self.parts:
            own = ((place.at + shifts[place.file, place.host] * 1_000_000, place) for place in part.places)
            places = [place for _, place in sorted(own)]
            first, last = places[0], places[-1]
            first_at = first.at if part.first_at is None else part.first_at
            last_at = last.at if part.last_at is None else part.last_at
            begins.append(moment(first_at, shifts[first.file, first.host]))
            ends.append(moment(last_at, shifts[last.file, last.host]))
        return min(begins), max(ends)

    def _shown(self, place: Place, one: Evidence) -> Evidence:
        """Say of a record what it is part of, and of a finding in parts what the others are."""
        seen = self._happening.observation_at(place)
        why = [Clause(kind="field", label=label, value=value) for label, value in seen.why]
        others = [(analytic, part) for analytic, part in self.parts if part is not seen]
        why += [
            Clause(kind="field", label=f"also: {analytic.detector.title}", value=part.sentence)
            for analytic, part in others
        ]
        trouble = (one.matched,) if one.matched.label else ()
        return replace(one, matched=Clause(kind="and", label=seen.sentence, children=(*why, *trouble)))


def _techniques(part: tuple[Analytic, Observation]) -> tuple[str, ...]:
    analytic, seen = part
    return analytic.detector.techniques if seen.techniques is None else seen.techniques


def _key(place: Place) -> EvidenceKey:
    return EvidenceKey(PLAIN, place.file, Match(is_undated=False, at=place.at, number=place.number, place=place.place))
