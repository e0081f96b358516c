"""Many matches of one rule to one finding, in memory that does not grow with their number.

What is kept does not depend on the order in which files or batches arrive: of times the first and last, of
records the first four and the last, of entities the first by name, of more value sets than a finding each
can be afforded for those with the smallest hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from stillhunt.detection.finding import Clause
from stillhunt.terms.entity import Entity, EntityKind

__all__ = ["N_ENTITIES", "N_FIRST", "N_VALUE_SETS", "Fold", "Match", "Record", "Shelf", "Tally"]

N_FIRST = 4
"""Records kept from the beginning of a finding; the last one is kept beside them."""

N_ENTITIES = 50
"""Entities of one kind that a finding keeps."""

_POOL = 200
"""Entities collected, at least, before the surplus is looked for: looking costs more than holding them."""

N_VALUE_SETS = 200
"""Findings of one rule on one host; further sets of values share one finding that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One matching record that is kept.

    Attributes:
        at: Microseconds since 1970 UTC as logged, or None.
        number: Record id or line in its file.
        clock: Field the time came from.
        original: The raw record as text.
        matched: Why it matched.
    """

    at: int | None
    number: int
    clock: str
    original: str
    matched: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One matching record that may be kept: what decides that, and how to get the rest."""

    at: int | None
    number: int
    keep: Callable[[], Record]


@dataclass(slots=True)
class Tally:
    """The matches of one finding in one file.

    Attributes:
        count: Matching records.
        first: Time of the first, or None if none has a time.
        last: Time of the last.
        records: Records kept, in order of time; those without a time come last.
    """

    count: int = 0
    first: int | None = None
    last: int | None = None
    records: list[Record] = field(default_factory=list)

    def add(self, matches: Sequence[Match]) -> None:
        """Count matches, and keep those that are among the first or the last."""
        self.count += len(matches)
        self._span(m.at for m in matches)
        candidates = _outermost([*self.records, *matches])
        self.records = [c.keep() if isinstance(c, Match) else c for c in candidates]

    def merge(self, other: Tally) -> None:
        """Take in the matches of another finding in the same file."""
        self.count += other.count
        self._span((other.first, other.last))
        self.records = [c for c in _outermost([*self.records, *other.records]) if isinstance(c, Record)]

    def _span(self, times: Iterable[int | None]) -> None:
        known = [at for at in (self.first, self.last, *times) if at is not None]
        if known:
            self.first, self.last = min(known), max(known)


def _outermost(candidates: Sequence[Record | Match]) -> list[Record | Match]:
    """Return the first four and the last, in order of time; what has no time is neither if it can be helped."""
    ordered = sorted(candidates, key=lambda c: (c.at is None, c.at or 0, c.number))
    if len(ordered) <= N_FIRST + 1:
        return ordered
    n_dated = sum(c.at is not None for c in ordered)
    last = ordered[max(n_dated, N_FIRST + 1) - 1]
    return [*ordered[:N_FIRST], last]


@dataclass(slots=True)
class Fold:
    """One finding in the making.

    Attributes:
        tallies: Matches by input file, since each file may have its own clock to correct.
        has_all_entities: False if some were left out.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    has_all_entities: bool = True
    _entities: set[Entity] = field(default_factory=set)
    _pool: int = _POOL

    def add(self, file: str, matches: Sequence[Match], entities: Iterable[Entity]) -> None:
        """Take in matches from one file."""
        self.tallies.setdefault(file, Tally()).add(matches)
        self._entities.update(entities)
        self._trim()

    def merge(self, other: Fold) -> None:
        """Take in another finding."""
        for file, tally in other.tallies.items():
            self.tallies.setdefault(file, Tally()).merge(tally)
        self._entities |= other._entities
        self.has_all_entities &= other.has_all_entities
        self._trim()

    def entities(self) -> tuple[Entity, ...]:
        """Return what the matches are about, of each kind the first by name."""
        self._trim_entities()
        return tuple(sorted(self._entities))

    def _trim(self) -> None:
        if len(self._entities) > self._pool:
            self._trim_entities()
            self._pool = max(_POOL, 2 * len(self._entities))
        holders = [(file, tally) for file, tally in self.tallies.items() if tally.records]
        if len(holders) > N_FIRST + 1:
            holders.sort(key=lambda pair: (pair[1].first is None, pair[1].first or 0, pair[0]))
            latest = max(holders, key=lambda pair: (pair[1].last is not None, pair[1].last or 0, pair[0]))
            for file, tally in holders[N_FIRST:]:
                if file != latest[0]:
                    tally.records = []

    def _trim_entities(self) -> None:
        by_kind: dict[EntityKind, list[Entity]] = {}
        for entity in self._entities:
            by_kind.setdefault(entity.kind, []).append(entity)
        for named in by_kind.values():
            if len(named) > N_ENTITIES:
                named.sort(key=lambda entity: (entity.value, entity.role))
                self._entities.difference_update(named[N_ENTITIES:])
                self.has_all_entities = False


@dataclass(slots=True)
class Shelf:
    """The findings of one rule on one host by the hash of their values, and the one that further values share."""

    folds: dict[str, Fold] = field(default_factory=dict)
    further: Fold | None = None

    def make_room(self, key: str) -> None:
        """See to it that a set of values has a finding of its own or shares one."""
        if key in self.folds:
            return
        if len(self.folds) < N_VALUE_SETS:
            self.folds[key] = Fold()
            return
        self.further = self.further or Fold()
        largest = max(self.folds)
        if key < largest:
            self.further.merge(self.folds.pop(largest))
            self.folds[key] = Fold()

    def fold_for(self, key: str) -> Fold:
        """Return the finding of a set of values for which room was made: its own, or the shared one."""
        fold = self.folds.get(key, self.further)
        if fold is None:
            message = "no room was made for these values"
            raise AssertionError(message)
        return fold

    def __len__(self) -> int:
        return len(self.folds) + (self.further is not None)
