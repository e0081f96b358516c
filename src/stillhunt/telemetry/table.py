"""Columns to batches: the one place where batches are built.

Files are often tiny and event classes many, so what is read is collected across files, class by class, and handed
on in batches that are worth a pass of thousands of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import pyarrow as pa

from stillhunt.telemetry.columns import expressible, text_column, text_list_column
from stillhunt.telemetry.event import COMMON, LIST_FIELDS, TEXT, TEXT_LIST, EventBatch, EventClass
from stillhunt.telemetry.windows import WRITER, common_columns

__all__ = ["Batches", "Piece", "Row", "Rows", "Value", "build_batch"]

_BATCH_BYTES = 32 << 20
"""Size of all columns held after which they are handed on as batches."""

_BATCH_CELLS = 2_500_000
"""Rows times columns of one class after which they are handed on: an attacker may give every event new field names."""

_ROWS_AT_ONCE = 15_000
"""Rows that are held; as columns they take a fraction of the room."""

Value = str | list[str] | None
"""What a native field may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One event on its way into a batch.

    Attributes:
        at: When it happened, UTC, or None.
        clock: The field that ``at`` was read from.
        file: The input file.
        record: Record id or line number in it.
        original: The raw record.
        common: Further common columns by ECS name.
        native: Native fields by native name; text, or a list of text for :data:`LIST_FIELDS`.
    """

    at: datetime | None
    clock: str
    file: str
    record: int
    original: str
    common: Mapping[str, str]
    native: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Events of one class as columns, on their way into a batch.

    Attributes:
        event_class: What they are.
        columns: Some common columns, at least ``@timestamp``, ``event.clock``, ``event.file`` and ``event.record``,
            and native ones; those that are missing are null.
    """

    event_class: EventClass
    columns: Mapping[str, pa.Array[Any]]

    @property
    def n_rows(self) -> int:
        """Number of events."""
        return len(self.columns["@timestamp"])


@dataclass(slots=True)
class Rows:
    """Rows of several classes, to be made into pieces."""

    _rows: dict[EventClass, list[Row]] = field(default_factory=dict)
    _n_rows: int = 0

    @property
    def is_full(self) -> bool:
        """Whether as many are held as is wise."""
        return self._n_rows >= _ROWS_AT_ONCE

    def add(self, event_class: EventClass, row: Row) -> None:
        """Take a row."""
        self._rows.setdefault(event_class, []).append(row)
        self._n_rows += 1

    def pieces(self) -> Iterator[Piece]:
        """Yield what is there, one piece per class, and forget it."""
        taken, self._rows, self._n_rows = self._rows, {}, 0
        for event_class, rows in taken.items():
            yield _piece(event_class, rows)


def _piece(event_class: EventClass, rows: Sequence[Row]) -> Piece:
    columns: dict[str, pa.Array[Any]] = {
        "@timestamp": pa.array([r.at for r in rows], COMMON["@timestamp"][0]),
        "event.clock": text_column([r.clock for r in rows]),
        "event.file": text_column([r.file for r in rows]),
        "event.record": pa.array([r.record for r in rows], pa.int64()),
    }
    for name, values in _by_name([r.common for r in rows]):
        columns[name] = text_column(values)
    for name, values in _by_name([r.native for r in rows]):
        if name not in COMMON:
            columns[expressible(name)] = text_list_column(values) if name in LIST_FIELDS else text_column(values)
    return Piece(event_class=event_class, columns=columns)


def _by_name(rows: Sequence[Mapping[str, Value]]) -> Iterator[tuple[str, Sequence[Value]]]:
    """Turn rows into columns at a step per value there is: cloud services have hundreds of names, an event few."""
    columns: dict[str, list[Value]] = {}
    for at, row in enumerate(rows):
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
            if len(column) < at:
                column += [None] * (at - len(column))
            column.append(value)
    for name, column in columns.items():
        yield name, column + [None] * (len(rows) - len(column))


@dataclass(slots=True)
class _Held:
    """Pieces of one class."""

    pieces: list[Piece] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    n_rows: int = 0
    n_bytes: int = 0

    @property
    def is_wide(self) -> bool:
        """Whether as columns they would have too many cells."""
        return self.n_rows * len(self.names) >= _BATCH_CELLS


@dataclass(slots=True)
class Batches:
    """Pieces of several classes and files, handed on as batches before they grow large.

    A batch costs a pass of all rules, whether it is small or large, and of most classes a log has few events. So
    only the largest are handed on when room is needed, and the small ones grow on.
    """

    _held: dict[EventClass, _Held] = field(default_factory=dict)
    _n_bytes: int = 0
    _n_wide: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time for :meth:`due`."""
        return self._n_bytes >= _BATCH_BYTES or self._n_wide > 0

    def add(self, piece: Piece) -> None:
        """Take events."""
        held = self._held.setdefault(piece.event_class, _Held())
        was_wide = held.is_wide
        held.pieces.append(piece)
        held.names.update(piece.columns)
        held.n_rows += piece.n_rows
        n_bytes = sum(column.get_total_buffer_size() for column in piece.columns.values())
        held.n_bytes += n_bytes
        self._n_bytes += n_bytes
        self._n_wide += held.is_wide - was_wide

    def due(self) -> Iterator[EventBatch]:
        """Yield the largest batches, and those that are wide, until half the room is free."""
        largest = sorted(self._held, key=lambda key: -self._held[key].n_bytes)
        for event_class in largest:
            if self._n_bytes > _BATCH_BYTES // 2 or self._held[event_class].is_wide:
                yield self._batch(event_class)

    def rest(self) -> Iterator[EventBatch]:
        """Yield all that is there, one batch per class in the order they were first seen."""
        for event_class in list(self._held):
            yield self._batch(event_class)

    def _batch(self, event_class: EventClass) -> EventBatch:
        held = self._held.pop(event_class)
        self._n_bytes -= held.n_bytes
        self._n_wide -= held.is_wide
        return build_batch(event_class, held.pieces)


def build_batch(event_class: EventClass, pieces: Sequence[Piece]) -> EventBatch:
    """Join pieces of one class: common columns first, native ones after them by name."""
    names = {name for piece in pieces for name in piece.columns}
    joined = {name: _joined([(piece.columns.get(name), piece.n_rows) for piece in pieces]) for name in sorted(names)}
    if event_class.product == "windows":
        joined |= common_columns(event_class, joined)
        joined.pop(WRITER, None)
    n_rows = sum(piece.n_rows for piece in pieces)
    columns: dict[str, Any] = {}
    for name, (kind, _) in COMMON.items():
        columns[name] = joined.pop(name) if name in joined else pa.nulls(n_rows, cast("Any", kind))
    columns |= joined
    data = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return EventBatch(event_class=event_class, data=data)


def _joined(parts: Sequence[tuple[Any, int]]) -> Any:
    kind = next(column.type for column, _ in parts if column is not None)
    columns = [pa.nulls(n_rows, kind) if column is None else column for column, n_rows in parts]
    if len(columns) == 1:
        return columns[0]
    chunked: Any = pa.chunked_array(columns, type=kind)
    if kind == TEXT:
        return chunked.unify_dictionaries().combine_chunks()
    if kind == TEXT_LIST:
        return _joined_lists(columns)
    return chunked.combine_chunks()


def _joined_lists(columns: Sequence[Any]) -> Any:
    offsets, missing, at = [0], [], 0
    for column in columns:
        for length in column.value_lengths().to_pylist():
            at += length or 0
            offsets.append(at)
            missing.append(length is None)
    kind: Any = TEXT
    items: Any = pa.chunked_array([column.flatten() for column in columns], type=kind)
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        items.unify_dictionaries().combine_chunks(),
        type=TEXT_LIST,
        mask=pa.array(missing, pa.bool_()),
    )
