"""From a batch to the rows of an aggregate: which records, and what is worked out of their fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.join import places, text
from stillhunt.detection.behaviour.model import How
from stillhunt.telemetry.event import EventBatch

__all__ = ["DAYS", "DAY_US", "Taken", "days_between", "days_of", "is_in", "taken"]

DAY_US = 86_400_000_000
"""Microseconds of a day."""

DAYS: Mapping[str, How] = {"days": "least", "late_days": "least"}
"""Measures that keep the days of a key: the first 256 and, counted backwards, the last 256."""


def is_in(batch: EventBatch, name: str, values: Collection[str]) -> Any:
    """Return for each row whether a column of text holds one of some values, given in lower case."""
    column = text(batch, name)
    known = [value is not None and value.lower() in values for value in column.dictionary.to_pylist()]
    return pc.fill_null(pa.array(known, pa.bool_()).take(column.indices), pa.scalar(False))


class Taken:
    """Some rows of a batch.

    Args:
        batch: Events.
        mask: For each row whether it is taken; None for all.
    """

    def __init__(self, batch: EventBatch, mask: Any = None) -> None:
        self._batch = batch
        self._rows = None if mask is None else pc.indices_nonzero(mask).cast(pa.int64())
        self.n_rows = batch.data.num_rows if self._rows is None else len(self._rows)

    def column(self, name: str, of: Callable[[str], str] | None = None) -> Any:
        """Return a column of text, each different value changed once by a function; null stays null."""
        column = self._at(text(self._batch, name))
        if of is None:
            return column.cast(pa.string())
        changed = [None if value is None else of(value) for value in column.dictionary.to_pylist()]
        return pa.array(changed, pa.string()).take(column.indices)

    def coded(self, name: str) -> Any:
        """Return a column of text as it is encoded."""
        return self._at(text(self._batch, name))

    def texts(self, name: str) -> list[str]:
        """Return a column as plain texts; empty ones for null."""
        return [value or "" for value in self.column(name).to_pylist()]

    def numbers(self, name: str, *, default: int) -> Any:
        """Return a column of text as whole numbers; a default where it is none."""
        column = self._at(text(self._batch, name))
        known = [
            int(value) if value and value.isdecimal() and len(value) < 16 else default
            for value in column.dictionary.to_pylist()
        ]
        return pc.fill_null(pa.array(known, pa.int64()).take(column.indices), pa.scalar(default, pa.int64()))

    def times(self) -> Any:
        """Return the microseconds since 1970 of each row."""
        return self._at(self._batch.data.column("@timestamp")).cast(pa.int64())

    def days(self) -> dict[str, Any]:
        """Return the measures of :data:`DAYS`."""
        day = pc.divide(self.times(), pa.scalar(DAY_US, pa.int64()))
        return {"days": day, "late_days": pc.negate(day)}

    def hours(self) -> Any:
        """Return the hour since 1970 of each row, as text."""
        return pc.divide(self.times(), pa.scalar(3_600_000_000, pa.int64())).cast(pa.string())

    def table(self, columns: Mapping[str, Any]) -> pa.Table | None:
        """Return keys and measures with the places of their records; None if there is no row.

        A key called ``host`` is the record's own: :func:`stillhunt.detection.behaviour.join.places` has that column.
        """
        if not self.n_rows:
            return None
        return pa.table({**columns, **places(self._batch, self._rows)})

    def _at(self, column: Any) -> Any:
        return column if self._rows is None else column.take(self._rows)


def taken(batch: EventBatch, name: str, values: Collection[str]) -> Taken | None:
    """Return the rows of which a column holds one of some values in lower case; None if there is none."""
    found = Taken(batch, is_in(batch, name, values))
    return found if found.n_rows else None


def days_of(row: Mapping[str, Any]) -> set[int]:
    """Return the days since 1970 of a joined row that has :data:`DAYS`: all, if there are at most 512."""
    return {*row["days"], *(-day for day in row["late_days"])}


def days_between(days: Sequence[int] | set[int], first: int, last: int) -> int:
    """Count the days from one to before another."""
    return sum(first <= day < last for day in days)
