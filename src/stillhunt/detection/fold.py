"""Many matches of one rule to one finding, in memory that does not grow with their number.

What is kept does not depend on the order in which files or batches arrive, nor on how they were shared out among
workers: of times the first and last, of records where the first four and the last lie, of entities the first by
name, of more value sets than a finding each can be afforded for those with the smallest hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar

from stillhunt.terms.entity import Entity, EntityKind

__all__ = [
    "N_ENTITIES",
    "N_FIRST",
    "N_VALUE_SETS",
    "EntityKey",
    "Fold",
    "Match",
    "Shelf",
    "Tally",
    "first_and_last",
    "foremost",
    "named",
]

N_FIRST = 4
"""Records kept from the beginning of a finding; the last one is kept beside them."""

N_ENTITIES = 50
"""Entities of one kind that a finding keeps."""

_POOL = 200
"""Entities collected, at least, before the surplus is looked for: looking costs more than holding them."""

_PENDING = 64
"""Matches collected before those that will not be kept are dropped."""

N_VALUE_SETS = 200
"""Findings of one rule on one host; further sets of values share one finding that says so."""

_DAY = 86_400_000_000

T = TypeVar("T")

EntityKey = tuple[str, str, str]
"""Kind, value and role of an entity: quicker to hash than the entity itself."""


class Match(NamedTuple):
    """Where one matching record lies; matches sort by time, those without one last.

    Attributes:
        is_undated: Whether the record has no usable time.
        at: Microseconds since 1970 UTC as logged; 0 without a time.
        number: Record id or line in its file.
        place: Where in the file to look for it first; -1 if its source does not say.
    """

    is_undated: bool
    at: int
    number: int
    place: int


def _outermost(matches: Iterable[Match]) -> list[Match]:
    """Return the first four and the last, in order of time; what has no time is neither if it can be helped."""
    ordered = sorted(matches)
    return first_and_last(ordered, sum(not match.is_undated for match in ordered))


def first_and_last(ordered: list[T], n_dated: int) -> list[T]:
    """Return the first four and the last.

    Args:
        ordered: In order of time, those without one behind the others.
        n_dated: How many have a time.
    """
    if len(ordered) <= N_FIRST + 1:
        return ordered
    return [*ordered[:N_FIRST], ordered[max(n_dated, N_FIRST + 1) - 1]]


@dataclass(slots=True)
class Tally:
    """The matches of one finding in one file.

    Attributes:
        count: Matching records.
        first: Time of the first, or None if none has a time.
        last: Time of the last.
        days: Days since 1970 on which there was one, as logged.
    """

    count: int = 0
    first: int | None = None
    last: int | None = None
    days: set[int] = field(default_factory=set)
    _kept: list[Match] = field(default_factory=list)

    def add(self, matches: Sequence[Match]) -> None:
        """Count matches, and keep those that may be among the first or the last."""
        self.count += len(matches)
        times = [match.at for match in matches if not match.is_undated]
        self._widen(times)
        self.days.update(at // _DAY for at in times)
        self._kept += matches if len(matches) < _PENDING else _outermost(matches)
        if len(self._kept) >= _PENDING:
            self._kept = _outermost(self._kept)

    def _widen(self, times: list[int]) -> None:
        known = [*times, *(at for at in (self.first, self.last) if at is not None)]
        if known:
            self.first, self.last = min(known), max(known)

    def merge(self, other: Tally) -> None:
        """Take in the matches of another finding in the same file."""
        self.count += other.count
        self._widen([at for at in (other.first, other.last) if at is not None])
        self.days |= other.days
        self._kept = _outermost([*self._kept, *other._kept])

    @property
    def matches(self) -> list[Match]:
        """The first four and the last."""
        return _outermost(self._kept)


@dataclass(slots=True)
class Fold:
    """One finding in the making.

    Attributes:
        tallies: Matches by input file, since each file may have its own clock to correct.
        has_all_entities: False if some were left out.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    has_all_entities: bool = True
    _entities: set[EntityKey] = field(default_factory=set)
    _pool: int = _POOL

    def add(self, file: str, matches: Sequence[Match]) -> None:
        """Take in matches in a file."""
        tally = self.tallies.get(file)
        if tally is None:
            tally = self.tallies[file] = Tally()
        tally.add(matches)

    def name(self, entities: Iterable[EntityKey]) -> None:
        """Take in what matches are about."""
        self._entities.update(entities)
        if len(self._entities) > self._pool:
            self._trim_pool()

    def merge(self, other: Fold) -> None:
        """Take in another finding."""
        for file, tally in other.tallies.items():
            self.tallies.setdefault(file, Tally()).merge(tally)
        self._entities |= other._entities
        self.has_all_entities &= other.has_all_entities
        if len(self._entities) > self._pool:
            self._trim_pool()

    def of_file(self, file: str) -> Fold:
        """Return the matches in one file by themselves, with what all of them are about."""
        part = Fold(tallies={file: Tally()}, has_all_entities=self.has_all_entities, _entities=set(self._entities))
        part.tallies[file].merge(self.tallies[file])
        return part

    def entities(self) -> tuple[Entity, ...]:
        """Return what the matches are about, of each kind the first by name."""
        self._trim()
        return named(self._entities)

    def _trim_pool(self) -> None:
        self._trim()
        self._pool = max(_POOL, 2 * len(self._entities))

    def _trim(self) -> None:
        n_before = len(self._entities)
        self._entities = foremost(self._entities)
        self.has_all_entities &= len(self._entities) == n_before


def foremost(entities: Iterable[EntityKey]) -> set[EntityKey]:
    """Return of each kind the first by name."""
    by_kind: dict[str, list[EntityKey]] = {}
    for entity in entities:
        by_kind.setdefault(entity[0], []).append(entity)
    kept: set[EntityKey] = set()
    for of_kind in by_kind.values():
        if len(of_kind) > N_ENTITIES:
            of_kind.sort(key=lambda entity: (entity[1], entity[2]))
        kept.update(of_kind[:N_ENTITIES])
    return kept


def named(entities: Iterable[EntityKey]) -> tuple[Entity, ...]:
    """Return entities as a finding has them, sorted."""
    return tuple(
        sorted(_shared(*key) if key[0] in _RECURS else Entity(EntityKind(key[0]), *key[1:]) for key in entities)
    )


_RECURS = frozenset({EntityKind.HOST, EntityKind.ACCOUNT, EntityKind.ADDRESS, EntityKind.DOMAIN, EntityKind.PROCESS})
"""Kinds of things that many findings name: one object is enough for each."""


def _entity(kind: str, value: str, role: str) -> Entity:
    return Entity(EntityKind(kind), value, role)


_shared = lru_cache(200_000)(_entity)


@dataclass(slots=True)
class Shelf:
    """The findings of one rule on one host by the hash of their values, and the one that further values share."""

    folds: dict[str, Fold] = field(default_factory=dict)
    further: Fold | None = None
    _largest: str = ""

    def make_room(self, key: str) -> None:
        """See to it that a set of values has a finding of its own or shares one."""
        if key in self.folds:
            return
        if len(self.folds) < N_VALUE_SETS:
            self.folds[key] = Fold()
            self._largest = max(self._largest, key)
            return
        self.further = self.further or Fold()
        if key < self._largest:
            self.further.merge(self.folds.pop(self._largest))
            self.folds[key] = Fold()
            self._largest = max(self.folds)

    def fold_for(self, key: str) -> Fold:
        """Return the finding of a set of values for which room was made: its own, or the shared one."""
        fold = self.folds.get(key, self.further)
        if fold is None:
            message = "no room was made for these values"
            raise AssertionError(message)
        return fold

    def __len__(self) -> int:
        return len(self.folds) + (self.further is not None)

    def merge(self, other: Shelf) -> None:
        """Take in the findings of another worker."""
        if other.further is not None:
            self.further = self.further or Fold()
            self.further.merge(other.further)
        for key, fold in other.folds.items():
            self.make_room(key)
            self.fold_for(key).merge(fold)
