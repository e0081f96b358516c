"""Matches that correlations look at: kept in columns while events pass, numbered by record at the end."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.correlation.gather import field_column
from stillhunt.detection.facts import ENTITY_COLUMNS
from stillhunt.telemetry.event import TEXT, EventBatch

__all__ = ["Occurrences", "Recorded"]

_IDENTITY = ("file", "number", "place", "logged")
"""What makes two matches matches of one record, in the order in which records are numbered."""

_CASED = "is cased"
_PENDING = 64
"""Pieces of one rule that are held before they become one: each carries dictionaries of its own."""

_INT: Any = pa.int64()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """All matches of the rules that correlations refer to.

    Attributes:
        by_rule: By number of the rule its matches, in the columns that
            :func:`~stillhunt.detection.correlation.correlate.correlate` asks for; ``ref`` is a row of ``records``.
        records: The records that matched, each once: ``file``, ``number``, ``place`` (-1: not said), ``logged``
            (microseconds since 1970, null without a time), ``is cased``, and common columns that say what they are
            about.
    """

    by_rule: Mapping[int, pa.Table]
    records: pa.Table


@dataclass(slots=True)
class Occurrences:
    """Matches of the rules that correlations refer to.

    Attributes:
        fields: Number of a rule to the fields that correlations need of its events.
    """

    fields: Mapping[int, Sequence[str]]
    _parts: dict[int, list[pa.Table]] = field(default_factory=dict)

    def add(self, rule: int, batch: EventBatch, rows: Sequence[int]) -> None:
        """Keep the matches of a rule in a batch."""
        taken = batch.data.take(pa.array(rows, _INT))
        columns: dict[str, Any] = {
            "file": _compact(taken.column("event.file")),
            "number": pc.fill_null(taken.column("event.record"), pa.scalar(0, _INT)),
            "place": pc.fill_null(taken.column("event.place"), pa.scalar(-1, _INT)),
            "logged": taken.column("@timestamp").cast(_INT),
            _CASED: pa.repeat(pa.scalar(batch.event_class.product != "windows", pa.bool_()), taken.num_rows),
        }
        for name, _, _ in ENTITY_COLUMNS:
            column = taken.column(name)
            if column.null_count < len(column):
                columns[name] = _compact(column)
        for name in self.fields[rule]:
            if name in taken.schema.names:
                columns[field_column(name)] = _compact(taken.column(name))
        self._keep(rule, [pa.table(columns)])

    def take(self, other: Occurrences) -> None:
        """Take in what another worker kept."""
        for rule, parts in other._parts.items():
            self._keep(rule, parts)

    @property
    def tables(self) -> dict[int, pa.Table]:
        """What is kept, by number of the rule."""
        return {rule: _joined(parts) for rule, parts in sorted(self._parts.items())}

    def add_tables(self, tables: Mapping[int, pa.Table]) -> None:
        """Take in what :attr:`tables` gave elsewhere."""
        for rule, table in tables.items():
            self._keep(rule, [table])

    def count(self, rule: int) -> int:
        """Return how many matches of a rule were kept."""
        return sum(part.num_rows for part in self._parts.get(rule, ()))

    def recorded(self, shift_s: Callable[[str, str], int]) -> Recorded:
        """Return all of them, in an order that does not depend on that of batches.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
        """
        rules = sorted(self._parts)
        if not rules:
            return Recorded(by_rule={}, records=pa.table({}))
        whole = _joined([_joined(self._parts[rule]) for rule in rules])
        refs, firsts = _numbered(whole)
        at = pc.add(whole.column("logged"), _shifts(whole, shift_s))
        by_rule: dict[int, pa.Table] = {}
        begin = 0
        for rule in rules:
            n_rows = self.count(rule)
            columns: dict[str, Any] = {"at": at.slice(begin, n_rows), "ref": refs.slice(begin, n_rows)}
            for name in map(field_column, self.fields[rule]):
                known = name in whole.column_names
                columns[name] = whole.column(name).slice(begin, n_rows) if known else pa.nulls(n_rows, _TEXT)
            by_rule[rule] = pa.table(columns)
            begin += n_rows
        kept = [*_IDENTITY, _CASED, *(name for name, _, _ in ENTITY_COLUMNS if name in whole.column_names)]
        return Recorded(by_rule=by_rule, records=whole.select(kept).take(firsts).combine_chunks())

    def _keep(self, rule: int, parts: Sequence[pa.Table]) -> None:
        held = self._parts.setdefault(rule, [])
        held.extend(parts)
        if len(held) >= _PENDING:
            self._parts[rule] = [_joined(held)]


_TEXT: Any = TEXT


def _joined(parts: Sequence[pa.Table]) -> pa.Table:
    joined = pa.concat_tables(parts, promote_options="default")
    return joined.unify_dictionaries().combine_chunks()


def _compact(column: Any) -> Any:
    """Return a column of text with only those texts in its dictionary that it holds."""
    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "\n")
    elif pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    encoded: Any = column.cast(pa.string()).dictionary_encode()
    return encoded


def _numbered(whole: pa.Table) -> tuple[Any, Any]:
    """Number the records by file, record number, place and time; return the numbers, and a row of each record."""
    keys = pa.table(
        {
            "file": _ranks(whole.column("file").combine_chunks()),
            "number": whole.column("number"),
            "place": whole.column("place"),
            "logged": pc.fill_null(whole.column("logged"), pa.scalar(-(1 << 63), _INT)),
        }
    )
    order: Any = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])
    ordered = keys.take(order).combine_chunks()
    n_rows = ordered.num_rows
    changes = functools.reduce(
        pc.or_,
        (
            pc.not_equal(column.slice(1), column.slice(0, n_rows - 1))
            for column in (ordered.column(name).combine_chunks() for name in ordered.column_names)
        ),
    )
    is_first: Any = pa.concat_arrays([pa.array([True], pa.bool_()), changes])
    numbers: Any = pc.subtract(pc.cumulative_sum(is_first.cast(_INT)), pa.scalar(1, _INT))
    return numbers.take(pc.array_sort_indices(order)), order.filter(is_first)


def _ranks(column: Any) -> Any:
    """Return for each text its place among all in order."""
    order = pc.array_sort_indices(column.dictionary)
    ranks: Any = pc.array_sort_indices(order).cast(_INT)
    return ranks.take(column.indices)


def _shifts(whole: pa.Table, shift_s: Callable[[str, str], int]) -> Any:
    """Return microseconds to add to each time."""
    files: Any = whole.column("file").combine_chunks()
    if "host.name" not in whole.column_names:
        whole = whole.append_column("host.name", pa.nulls(whole.num_rows, _TEXT))
    hosts: Any = whole.column("host.name").combine_chunks()
    n_hosts = len(hosts.dictionary)
    host_codes = pc.fill_null(hosts.indices.cast(_INT), pa.scalar(n_hosts, _INT))
    pairs: Any = pc.add(pc.multiply(files.indices.cast(_INT), pa.scalar(n_hosts + 1, _INT)), host_codes)
    encoded = pairs.dictionary_encode()
    file_names, host_names = files.dictionary.to_pylist(), [*hosts.dictionary.to_pylist(), ""]
    shifts = [
        1_000_000 * shift_s(file_names[pair // (n_hosts + 1)], host_names[pair % (n_hosts + 1)])
        for pair in encoded.dictionary.to_pylist()
    ]
    return pa.array(shifts, _INT).take(encoded.indices)
