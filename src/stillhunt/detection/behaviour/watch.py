"""All analytics over a hunt: what they keep while events pass, and their findings at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.join import condensed, empty, folded, joined
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Place, Setting
from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.desk import digest
from stillhunt.detection.evidence import PLAIN, EvidenceKey, ShiftOf, dated, moment
from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.detection.fold import Match, foremost, named
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch, EventClass

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
        self._counts: dict[str, int] = {}

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
        """Return what all analytics find, in order of analytic and identity.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
        """
        tables = {name: self._condensed(aggregate) for name, aggregate in sorted(self._aggregates.items())}
        found = []
        for name, analytic in self._analytics.items():
            if not self._is_active(analytic):
                continue
            observations = sorted(analytic.findings(tables, self._setting), key=lambda o: o.identity)
            self._counts[name] = len(observations)
            found += [Observed(analytic, observation, shift_s) for observation in observations]
        return found

    def states(self) -> tuple[RuleState, ...]:
        """Return what became of every analytic."""
        return tuple(self._state(name, analytic) for name, analytic in self._analytics.items())

    def _is_active(self, analytic: Analytic) -> bool:
        return any(aggregate.name in self._seen for aggregate in analytic.aggregates)

    def _state(self, name: str, analytic: Analytic) -> RuleState:
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
            n_findings=self._counts.get(name, 0),
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

    def _condensed(self, aggregate: Aggregate) -> pa.Table:
        if aggregate.name in self._settled:
            return self._settled[aggregate.name]
        whole = joined(aggregate, self._held.get(aggregate.name, []), is_final=True)
        self._held[aggregate.name] = [whole]
        return condensed(aggregate, whole)


class Observed:
    """A finding of an analytic whose evidence is chosen.

    Args:
        analytic: What found it.
        observation: What it found.
        shift_s: Seconds to add to the logged times of (file, host).
    """

    def __init__(self, analytic: Analytic, observation: Observation, shift_s: ShiftOf) -> None:
        self.analytic, self.observation = analytic, observation
        shifted = {(place, shift_s(place.file, place.host)) for place in observation.places}
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
        entities = foremost(seen.entities)
        kept = tuple(
            dated(self._shown(evidence[_key(place)]), _key(place).match, shift) for place, shift in self._places
        )
        (first, first_shift), (last, last_shift) = self._places[0], self._places[-1]
        return Finding(
            id="finding-" + digest([detector.id, list(seen.identity)])[:16],
            detector=replace(
                detector,
                level=seen.level or detector.level,
                techniques=detector.techniques if seen.techniques is None else seen.techniques,
            ),
            first_at=moment(first.at if seen.first_at is None else seen.first_at, first_shift),
            last_at=moment(last.at if seen.last_at is None else seen.last_at, last_shift),
            count=seen.count,
            entities=named(entities),
            evidence=kept,
            n_evidence_omitted=max(0, seen.count - len(kept)),
            has_all_entities=len(entities) == len(set(seen.entities)),
            n_days=seen.n_days,
        )

    def _shown(self, one: Evidence) -> Evidence:
        """Say of a record what it is part of."""
        why = tuple(Clause(kind="field", label=label, value=value) for label, value in self.observation.why)
        trouble = (one.matched,) if one.matched.label else ()
        return replace(one, matched=Clause(kind="and", label=self.observation.sentence, children=(*why, *trouble)))


def _key(place: Place) -> EvidenceKey:
    return EvidenceKey(PLAIN, place.file, Match(is_undated=False, at=place.at, number=place.number, place=place.place))
