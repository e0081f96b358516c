"""Events: what a store holds, and what is found in it, without a hunt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stillhunt.telemetry.store.manifest import Manifest
from stillhunt.telemetry.store.schema import documentation
from stillhunt.telemetry.store.search import ClassCount, Found, Query, count_by, query, search, summary
from stillhunt.telemetry.store.sql import run_sql

__all__ = ["Overview", "Store", "documentation", "query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a store holds.

    Attributes:
        classes: By class, the most frequent first.
        n_parts: Parquet files.
        n_bytes: Their size.
    """

    classes: tuple[ClassCount, ...]
    n_parts: int
    n_bytes: int


class Store:
    """A store to look into.

    Args:
        folder: Where it lies.

    Raises:
        InputError: It is no store, or its manifest is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._manifest = folder, Manifest(folder)

    def overview(self) -> Overview:
        """Return what it holds; no event is read."""
        parts = [part for unit in self._manifest.units.values() for part in unit.parts]
        n_bytes = sum(part.n_bytes for part in parts)
        return Overview(classes=summary(self._manifest), n_parts=len(parts), n_bytes=n_bytes)

    def search(self, wanted: Query, *, limit: int, newest: bool = False, after: str = "") -> Found:
        """Return the first events that fit, in order of time, and count all.

        Raises:
            InputError: A file of the store is damaged, or ``after`` is nothing that a search says.
        """
        return search(self._folder, self._manifest, wanted, limit=limit, newest=newest, after=after)

    def first(
        self,
        wanted: Query,
        *,
        limit: int,
        goes_on: Callable[[], bool] | None = None,
        newest: bool = False,
        after: str = "",
    ) -> Found:
        """Return the first events that fit, and stop there: how many there are in all is not counted.

        Args:
            wanted: What is looked for.
            limit: At most so many.
            goes_on: Asked before each file whether to look into it; None to look into all.
            newest: Whether the latest come first.
            after: What an earlier search of the same said is next.

        Raises:
            InputError: A file of the store is damaged, or ``after`` is nothing that a search says.
        """
        return search(
            self._folder,
            self._manifest,
            wanted,
            limit=limit,
            counts_all=False,
            goes_on=goes_on,
            newest=newest,
            after=after,
        )

    def count_by(self, wanted: Query, field: str) -> list[tuple[str, int]]:
        """Count the events that fit by the value of a field, the most frequent first.

        Raises:
            InputError: A file of the store is damaged.
        """
        return count_by(self._folder, self._manifest, wanted, field)

    def sql(self, statement: str) -> tuple[Sequence[str], Iterator[dict[str, object]]]:
        """Run one SELECT over the view ``events``: the names of its columns, and its rows.

        Raises:
            InputError: DuckDB is missing, or the statement fails.
        """
        batches = run_sql(self._folder, self._manifest, statement)
        return next(batches).schema.names, _rows(batches)


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, object]]:
    for batch in batches:
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield dict(zip(batch.schema.names, values, strict=True))
