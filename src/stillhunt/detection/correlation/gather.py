"""The occurrences that concern one correlation: in groups, in order of time, each once.

Groups and values are compared as Sigma compares text, without case. A field that is missing or empty has no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.correlation.chain import field_of
from stillhunt.detection.correlation.model import Correlation, Tally
from stillhunt.errors import EngineError
from stillhunt.kernel.text import folded, number_of

__all__ = ["Gathered", "Part", "field_column", "gather", "part_of_rule"]


def field_column(name: str) -> str:
    """Return what the column of a field is called: no field of an event can be taken for another column."""
    return f"field {name}"


_EVENT = -1
"""Kind of an occurrence that is an event, whatever rule it matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Occurrences that come to a correlation by one way.

    Attributes:
        path: Detector ids from what the correlation refers to down to the rule.
        table: The rule's occurrences: ``at``, ``ref`` and its fields, named by :func:`field_column`.
        rows: Which rows of it; None for all.
        at: When each occurred for the correlation: of a chain, when the correlation below was first satisfied by
            windows with it; int64.
        alert: Number of the alert below that each is part of, int64; None if they are events.
        n_without_time: Rows left out of the table, as they have no time.
    """

    path: tuple[str, ...]
    table: pa.Table
    rows: pa.Array[Any] | None
    at: pa.Array[Any]
    alert: pa.Array[Any] | None = None
    n_without_time: int = 0

    def __len__(self) -> int:
        return len(self.at)

    def column(self, name: str) -> pa.Array[Any]:
        """Return a column, one value for each occurrence.

        Raises:
            EngineError: The occurrences were given without it.
        """
        if name not in self.table.column_names:
            raise EngineError(f"the occurrences have no column `{name}`", where=self.path[-1])
        whole: Any = self.table.column(name).combine_chunks()
        taken: pa.Array[Any] = whole if self.rows is None else whole.take(self.rows)
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Occurrences sorted by group, time, rule, time of the event, and record; all lists are of one length.

    Attributes:
        groups: Number of the group.
        at: When it occurred for this correlation, microseconds since 1970.
        since: When the event itself happened: in a chain earlier or the same.
        rules: Place of the rule in the correlation's list.
        values: Of ``value_count`` a number for each different value, of the other ``value_`` types the value times
            ``scale``; else empty.
        scale: What makes whole numbers of all values.
        refs: The record.
        ref_column: The same as a column.
        names: What the fields to group by hold, as logged; one column each.
        parts: Where each comes from.
        part: Place in ``parts``, int64.
        row: Row of that part's table, int64.
    """

    groups: list[int]
    at: list[int]
    since: list[int]
    rules: list[int]
    values: list[int]
    scale: int
    refs: list[int]
    ref_column: pa.Array[Any]
    names: pa.Table
    parts: tuple[Part, ...]
    part: pa.Array[Any]
    row: pa.Array[Any]


def part_of_rule(rule: str, table: pa.Table) -> Part:
    """Return a rule's occurrences as others refer to them, without those that have no time."""
    timed = table.filter(pc.is_valid(table.column("at"))) if table.column("at").null_count else table
    return Part(
        path=(rule,),
        table=timed,
        rows=None,
        at=timed.column("at").combine_chunks(),
        n_without_time=table.num_rows - timed.num_rows,
    )


def gather(
    correlation: Correlation, parts: Sequence[tuple[int, Part]], by_id: Mapping[str, Correlation]
) -> tuple[Gathered, Tally]:
    """Gather what concerns a correlation.

    Args:
        correlation: For whom.
        parts: (place of the rule in its list, occurrences).
        by_id: All correlations.

    Raises:
        EngineError: Occurrences lack a field that :func:`needed_fields` names.
    """
    table = _joined(correlation, parts, by_id)
    tally = Tally(
        id=correlation.detector.id,
        n_occurrences=table.num_rows + sum(part.n_without_time for _, part in parts),
        n_without_time=sum(part.n_without_time for _, part in parts),
    )
    n_before = table.num_rows
    table = _numbered(table, "group", len(correlation.group_by))
    tally = replace(tally, n_without_group=n_before - table.num_rows)
    n_before = table.num_rows
    table, values, scale = _valued(correlation, table)
    tally = replace(tally, n_without_value=n_before - table.num_rows)
    table = table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in _ORDER]))
    if correlation.type != "value_count":  # of one event with several values, each counts
        table = _once(table)
    codes = _numbers(table, "value")
    return (
        Gathered(
            groups=_numbers(table, "group"),
            at=_numbers(table, "at"),
            since=_numbers(table, "since"),
            rules=_numbers(table, "rule"),
            values=[values[code] for code in codes] if values else codes,
            scale=scale,
            refs=_numbers(table, "ref"),
            ref_column=table.column("ref").combine_chunks(),
            names=table.select([f"group{place}" for place in range(len(correlation.group_by))]),
            parts=tuple(part for _, part in parts),
            part=table.column("part").combine_chunks(),
            row=table.column("row").combine_chunks(),
        ),
        tally,
    )


def _numbers(table: pa.Table, name: str) -> list[int]:
    return cast("list[int]", table.column(name).to_pylist())


_ORDER = ("group", "at", "rule", "since", "ref")


def _joined(correlation: Correlation, parts: Sequence[tuple[int, Part]], by_id: Mapping[str, Correlation]) -> pa.Table:
    """Return all occurrences in one table: what they are, and the texts of groups and values."""
    texts = {
        **{f"group{place}": name for place, name in enumerate(correlation.group_by)},
        **{f"value{place}": name for place, name in enumerate(correlation.fields)},
    }
    schema = pa.schema(
        [(name, pa.int64()) for name in ("at", "since", "rule", "ref", "part", "row", "kind", "id")]
        + [(name, pa.string()) for name in texts]
    )
    tables = []
    for number, (rule, part) in enumerate(parts):
        kind, identity = _identity(correlation, rule, part)
        columns = {
            "at": part.at,
            "since": part.column("at"),
            "rule": _constant(rule, len(part)),
            "ref": part.column("ref"),
            "part": _constant(number, len(part)),
            "row": pa.array(range(len(part)), pa.int64()) if part.rows is None else part.rows,
            "kind": _constant(kind, len(part)),
            "id": identity,
        }
        for name, meant in texts.items():
            columns[name] = part.column(field_column(field_of(correlation, part.path, meant, by_id=by_id)))
        tables.append(pa.table({name: columns[name].cast(schema.field(name).type) for name in schema.names}))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _identity(correlation: Correlation, rule: int, part: Part) -> tuple[int, pa.Array[Any]]:
    """Say what makes two occurrences in one group the same, so that they count once."""
    if correlation.type == "event_count" and part.alert is not None:
        return rule, part.alert
    is_temporal = correlation.type in {"temporal", "temporal_ordered"}
    return rule if is_temporal else _EVENT, part.column("ref")


def _constant(number: int, n_rows: int) -> pa.Array[Any]:
    return pa.repeat(pa.scalar(number, pa.int64()), n_rows)


def _numbered(table: pa.Table, name: str, n_columns: int) -> pa.Table:
    """Number the combinations of some columns of text, and leave out rows in which one is missing."""
    number = _constant(0, table.num_rows)
    for place in range(n_columns):
        codes, n_codes = _codes(table.column(f"{name}{place}"))
        joined = pc.add(pc.multiply(number, n_codes), codes)
        # Numbered anew after every column, so that a product of two never outgrows 64 bits.
        number = joined.dictionary_encode().indices.cast(pa.int64())
    return table.append_column(name, number).filter(pc.is_valid(number))


def _codes(column: pa.ChunkedArray[Any]) -> tuple[pa.Array[Any], int]:
    """Return a number for every text, the same for texts that differ by case, and how many there are."""
    encoded = column.combine_chunks().dictionary_encode()
    known: dict[str, int] = {}
    codes = [known.setdefault(folded(text), len(known)) if text else None for text in encoded.dictionary.to_pylist()]
    return pa.array(codes, pa.int64()).take(encoded.indices), max(len(known), 1)


def _valued(correlation: Correlation, table: pa.Table) -> tuple[pa.Table, list[int], int]:
    """Return the rows that have a value, with its code; what the codes stand for; and what they are scaled by."""
    if not correlation.fields:
        return table.append_column("value", _constant(0, table.num_rows)), [], 1
    if correlation.type == "value_count":
        return _numbered(table, "value", len(correlation.fields)), [], 1
    encoded = table.column("value0").combine_chunks().dictionary_encode()
    exact = [_exact(text) for text in encoded.dictionary.to_pylist()]
    scale = lcm(*(number.denominator for number in exact if number is not None))
    codes = pa.array([None if number is None else code for code, number in enumerate(exact)], pa.int64())
    value = codes.take(encoded.indices)
    scaled = [0 if number is None else int(number * scale) for number in exact]
    return table.append_column("value", value).filter(pc.is_valid(value)), scaled, scale


def _exact(text: str | None) -> Fraction | None:
    """Read a number as rules read it, but without rounding it."""
    number = None if text is None else number_of(text)
    if text is None or number is None:
        return None
    return Fraction(text) if isinstance(number, float) else Fraction(number)


def _once(table: pa.Table) -> pa.Table:
    """Leave out what occurs again in its group: the same event by another rule or way, or the same alert."""
    keys = ["group", "kind", "id"]
    placed = table.select(keys).append_column("place", pa.array(range(table.num_rows), pa.int64()))
    first = placed.group_by(keys).aggregate([("place", "min")]).column("place_min").combine_chunks()
    return table if len(first) == table.num_rows else table.take(first.take(pc.array_sort_indices(first)))
