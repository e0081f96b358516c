"""Rows to Arrow: the one place where batches are built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from stillhunt.telemetry.event import COMMON, TEXT, TEXT_LIST, EventBatch, EventClass

__all__ = ["LIST_FIELDS", "Row", "RowBuffer", "Value", "build_batch"]

_BATCH_BYTES = 8 * 1024 * 1024
_BATCH_EVENTS = 20_000
"""Raw text and events after which rows are handed on as batches."""

_BATCH_CELLS = 4_000_000
"""Rows times columns of one class after which they are handed on: an attacker may give every event new field names."""

LIST_FIELDS = frozenset({"Data"})
"""Native fields with several values in one event."""

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


def build_batch(event_class: EventClass, rows: Sequence[Row]) -> EventBatch:
    """Turn rows of one class into a batch: common columns first, native ones after them by name."""
    columns: dict[str, pa.Array[Any]] = {
        "@timestamp": pa.array([r.at for r in rows], COMMON["@timestamp"][0]),
        "event.clock": _text([r.clock for r in rows]),
        "event.file": _text([r.file for r in rows]),
        "event.record": pa.array([r.record for r in rows], pa.int64()),
        "event.original": pa.array([r.original for r in rows], pa.string()),
    }
    for name in COMMON:
        if name not in columns:
            columns[name] = _text([r.common.get(name) for r in rows])
    for name in sorted({n for r in rows for n in r.native} - columns.keys()):
        values = [r.native.get(name) for r in rows]
        columns[_expressible(name)] = _list(values) if name in LIST_FIELDS else _text(values)
    data = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return EventBatch(event_class=event_class, data=data)


@dataclass(slots=True)
class RowBuffer:
    """Rows of several classes and files, handed on as batches before they grow large.

    Files are often tiny and classes many, so batches run across files.
    """

    rows: dict[EventClass, list[Row]] = field(default_factory=dict)
    names: dict[EventClass, set[str]] = field(default_factory=dict)
    n_rows: int = 0
    n_bytes: int = 0

    def add(self, event_class: EventClass, row: Row) -> bool:
        """Take a row; True once it is time to :meth:`flush`."""
        rows = self.rows.setdefault(event_class, [])
        names = self.names.setdefault(event_class, set())
        rows.append(row)
        names.update(row.native)
        self.n_rows += 1
        self.n_bytes += len(row.original)
        is_wide = len(rows) * len(names) >= _BATCH_CELLS
        return self.n_rows >= _BATCH_EVENTS or self.n_bytes >= _BATCH_BYTES or is_wide

    def flush(self) -> Iterator[EventBatch]:
        """Yield what is there, one batch per class in the order they were first seen, and forget it."""
        rows, self.rows, self.names, self.n_rows, self.n_bytes = self.rows, {}, {}, 0, 0
        for event_class, members in rows.items():
            yield build_batch(event_class, members)


def _text(values: Sequence[Value]) -> pa.Array[Any]:
    try:
        return pa.array(values, pa.string()).dictionary_encode()
    except UnicodeEncodeError:
        clean = [_expressible(v) if isinstance(v, str) else None for v in values]
        return pa.array(clean, pa.string()).dictionary_encode()


def _expressible(text: str) -> str:
    """Return a text that UTF-8 has a form for: JSON may escape half a surrogate pair, file names may hold any byte."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _list(values: Sequence[Value]) -> pa.Array[Any]:
    flat: list[str] = []
    offsets: list[int | None] = [0]
    missing: list[bool] = []
    for value in values:
        flat.extend([value] if isinstance(value, str) else value or [])
        offsets.append(len(flat))
        missing.append(value is None)
    items = _text(flat) if flat else pa.array([], TEXT)
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), items, type=TEXT_LIST, mask=pa.array(missing, pa.bool_())
    )
