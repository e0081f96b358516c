"""Where sources put what they read, until it is handed on as batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from stillhunt.telemetry.columns import text_column
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.shapes import Recipe, Structure, joined_cells, recipe_of, take_apart
from stillhunt.telemetry.table import Batches, Piece, Rows

__all__ = ["Collector", "Outlet", "WindowsRecords"]

_RECORDS_AT_ONCE = 15_000
"""Decoded records that are held; as columns they take a fifth of the room."""

_RECIPES_KEPT = 10_000
"""Structures of records that are remembered; ordinary exports have some hundreds."""

_CELLS_AT_ONCE = 1_000_000
"""Rows times columns of one piece, unless one structure has more of its own."""


@dataclass(slots=True)
class _Group:
    """Records of one structure and one class."""

    recipe: Recipe
    rows: list[list[object]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)


class WindowsRecords:
    """Decoded Windows events, to be made into pieces.

    Args:
        zone: Zone of local times that name none.

    Attributes:
        n_zoneless: Events whose time named no zone, by file.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.n_zoneless: Counter[str] = Counter()
        self._zone = zone
        self._recipes: dict[Structure, Recipe | None] = {}
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._n_records = 0

    @property
    def is_full(self) -> bool:
        """Whether as many are held as is wise."""
        return self._n_records >= _RECORDS_AT_ONCE

    def add(
        self, record: Mapping[str, Any], *, file: str, number: int | None, place: int | None = None
    ) -> Recipe | None:
        """Take a record, and return what its structure says; None if it is no Windows event, and not taken.

        Args:
            record: The decoded object.
            file: Input file.
            number: What finds the record again in that file; None for its EventRecordID.
            place: Where in the file to look for it, if the source says so.

        Raises:
            RecursionError: It is nested too deeply.
        """
        structure, values = take_apart(record)
        if structure in self._recipes:
            recipe = self._recipes[structure]
        else:
            if len(self._recipes) >= _RECIPES_KEPT:
                self._recipes.clear()
            recipe = self._recipes[structure] = recipe_of(structure)
        if recipe is None or not recipe.is_event(values):
            return None
        key = (id(recipe), *(str(values[place]) for place in recipe.origin))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(recipe)
        group.rows.append(values)
        group.files.append(file)
        group.numbers.append(recipe.number(values) if number is None else number)
        group.places.append(place)
        self._n_records += 1
        return recipe

    def pieces(self) -> Iterator[Piece]:
        """Yield what is there as columns, and forget it."""
        groups, self._groups, self._n_records = self._groups, {}, 0
        # Optional fields give one class many structures; few rows each would make columns cost more than events.
        families: dict[tuple[object, ...], list[_Group]] = {}
        for (_, *origin), group in groups.items():
            families.setdefault((group.recipe.frame, *origin), []).append(group)
        for part in (part for family in families.values() for part in _parts(family)):
            recipe, cells = joined_cells([(group.recipe, group.rows) for group in part])
            files = [file for group in part for file in group.files]
            table = recipe.table(cells, self._zone)
            self.n_zoneless.update(file for file, is_local in zip(files, table.is_local, strict=False) if is_local)
            event_class, columns = table.native()
            columns["@timestamp"] = table.at
            columns["event.clock"] = table.clock
            columns["event.file"] = text_column(files)
            columns["event.record"] = pa.array([n for group in part for n in group.numbers], pa.int64())
            columns["event.place"] = pa.array([place for group in part for place in group.places], pa.int64())
            yield Piece(event_class=event_class, columns=columns)


def _parts(family: list[_Group]) -> Iterator[list[_Group]]:
    """Split groups whose joined columns would be mostly empty: an attacker may give every event new field names."""
    part: list[_Group] = []
    paths: set[str] = set()
    n_rows = 0
    for group in family:
        paths.update(group.recipe.paths)
        n_rows += len(group.rows)
        if part and n_rows * len(paths) > _CELLS_AT_ONCE:
            yield part
            part, paths, n_rows = [], set(group.recipe.paths), len(group.rows)
        part.append(group)
    yield part


class Collector(Protocol):
    """Holds what a source read until it is worth making columns of it."""

    @property
    def is_full(self) -> bool:
        """Whether it is time to do so."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Yield what is there as columns, and forget it."""
        ...


_C = TypeVar("_C", bound=Collector)


class Outlet:
    """Takes what sources read of many files and hands it on as batches.

    Args:
        zone: Zone of local times that name none, in events that do not come as rows.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.rows = Rows()
        self.records = WindowsRecords(zone)
        self._own: dict[type, Collector] = {}
        self._batches = Batches()

    def collector(self, kind: type[_C]) -> _C:
        """Return the one collector of a kind that a source brings along."""
        found = self._own.get(kind)
        if not isinstance(found, kind):
            found = self._own[kind] = kind()
        return found

    def due(self) -> Iterator[EventBatch]:
        """Yield what has grown large enough to be handed on."""
        for collector in (*self._own.values(), self.records, self.rows):
            if collector.is_full:
                yield from self._collected(collector.pieces())
        if self._batches.is_full:
            yield from self._batches.due()

    def rest(self) -> Iterator[EventBatch]:
        """Yield all that is still there."""
        for collector in (*self._own.values(), self.records, self.rows):
            yield from self._collected(collector.pieces())
        yield from self._batches.rest()

    def _collected(self, pieces: Iterator[Piece]) -> Iterator[EventBatch]:
        for piece in pieces:
            self._batches.add(piece)
            if self._batches.is_full:
                yield from self._batches.due()
