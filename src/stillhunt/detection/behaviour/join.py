"""Rows with equal keys to one row, whatever the order and however they were grouped before.

Whole numbers only are added up, so the result is the same to the last bit. Where the first and the last record of a
key lie is found by ranks: rows are numbered in order of their places, the smallest and the largest number of a key
are kept, and what stands at those places is looked up once.

Texts are coded in all tables: a row costs four bytes for each, however long it is. Large tables are joined in parts, so
that what is needed on the way does not grow with them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.model import LEAST_KEPT, TIMES_KEPT, Aggregate, How, Place
from stillhunt.telemetry.event import TEXT, EventBatch

__all__ = [
    "Columns",
    "bucketed",
    "condensed",
    "distinct",
    "empty",
    "first_place",
    "folded",
    "hash_of",
    "hashed",
    "in_order_of",
    "joined",
    "last_place",
    "places",
    "rows_of",
    "text",
]

_INT: Any = pa.int64()
_STRING: Any = pa.string()
_CODED: Any = pa.dictionary(pa.int32(), _STRING)
_LIST: Any = pa.large_list(pa.int64())
_PLACE: Mapping[str, Any] = {"at": _INT, "file": _STRING, "host": _STRING, "number": _INT, "place": _INT}
_ZERO, _NONE, _NOWHERE = pa.scalar(0, _INT), pa.scalar("", _STRING), pa.scalar(-1, _INT)
_IS_LIST = {"times", "least"}

_BUCKET_ROWS = 50_000
"""Rows that are condensed at a time."""

_ROWS_JOINED = 100_000
"""Rows that are joined at a time, about."""


def places(batch: EventBatch, rows: Any = None) -> dict[str, Any]:
    """Return the columns that say where records lie: ``at``, ``file``, ``host``, ``number``, ``place``.

    Args:
        batch: Events.
        rows: Which of them, as an array of numbers; None for all.
    """
    data = batch.data
    found = {
        "at": data.column("@timestamp").cast(_INT),
        "file": data.column("event.file"),
        "host": data.column("host.name"),
        "number": pc.fill_null(data.column("event.record"), _ZERO),
        "place": pc.fill_null(data.column("event.place"), _NOWHERE),
    }
    return found if rows is None else {name: column.take(rows) for name, column in found.items()}


def text(batch: EventBatch, name: str) -> Any:
    """Return a column of text as such, null in every row if the batch has none of that name."""
    data = batch.data
    if name not in data.schema.names or data.column(name).type != TEXT:
        return pa.nulls(data.num_rows, _STRING).dictionary_encode()
    return data.column(name)


def hashed(texts: Any) -> Any:
    """Return a whole number for every text of a dictionary-encoded column: the same text has the same everywhere."""
    known = [None if value is None else hash_of(value) for value in texts.dictionary.to_pylist()]
    return pa.array(known, _INT).take(texts.indices)


def hash_of(value: str) -> int:
    """Return the whole number that :func:`hashed` gives for a text."""
    # Two different checksums make 63 bits of hash at the price of two passes in C.
    raw = value.encode("utf-8", "surrogatepass")
    return (zlib.crc32(raw) << 31) | (zlib.crc32(raw[::-1], 0x5BD1E995) >> 1)


def distinct(least: Sequence[int]) -> int:
    """Estimate how many different hashes there were from the least of them.

    Source: Bar-Yossef et al., "Counting distinct elements in a data stream" (2002): of evenly spread hashes the k-th
    smallest lies at about k/n of their range.
    """
    if len(least) < LEAST_KEPT:
        return len(least)
    return max(LEAST_KEPT, round((LEAST_KEPT - 1) * (1 << 63) / max(1, least[LEAST_KEPT - 1])))


def rows_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table one after another, with one copy of every text, however often it comes."""
    names = table.column_names
    columns = [_Values(_one(column)) for column in table.columns]
    for start in range(0, table.num_rows, _ROWS_AT_ONCE):
        for values in zip(*(column.part(start, _ROWS_AT_ONCE) for column in columns), strict=True):
            yield dict(zip(names, values, strict=True))


_ROWS_AT_ONCE = 10_000


class Columns:
    """A joined table whose rows are looked at one by one, without an object for every value.

    Args:
        table: With coded texts and without nulls, as :func:`joined` gives it.
    """

    def __init__(self, table: pa.Table) -> None:
        self._values = {name: _Values(_one(table[name])) for name in table.column_names}
        self._n_rows = table.num_rows

    def values(self, name: str) -> Iterator[Any]:
        """Yield the values of a column."""
        for start in range(0, self._n_rows, _ROWS_AT_ONCE):
            yield from self._values[name].part(start, _ROWS_AT_ONCE)

    def distinct(self, name: str) -> Sequence[str]:
        """Return the different texts of a column, and maybe some that no row has."""
        return self._values[name].texts

    def first(self, number: int) -> Place:
        """Return where the first record of a row lies."""
        return self._place("first", number)

    def last(self, number: int) -> Place:
        """Return where the last record of a row lies."""
        return self._place("last", number)

    def _place(self, which: str, number: int) -> Place:
        at, file, host, record, place = (self._values[f"{which}_{name}"].part(number, 1)[0] for name in _PLACE)
        return Place(at=at, file=file, host=host, number=record, place=place)


def in_order_of(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return a joined table in order of some columns."""
    columns = [_one(table[name]) for name in names]
    codes = {
        name: column if pa.types.is_integer(column.type) else _codes(column)
        for name, column in zip(names, columns, strict=True)
    }
    return table.take(pc.sort_indices(pa.table(codes), [(name, "ascending") for name in names]))


class _Values:
    """A column as values of Python: Arrow makes an object of every value on the way, which a buffer of numbers spares.

    Args:
        column: Of any type.
    """

    def __init__(self, column: Any) -> None:
        self._texts: list[str] | None = None
        if pa.types.is_string(column.type) and not column.null_count:
            column = column.dictionary_encode()
        if pa.types.is_dictionary(column.type) and not column.null_count:
            self._texts, column = column.dictionary.to_pylist(), column.indices
        self._column = column
        self._numbers: memoryview | None = None
        if column.type in {pa.int32(), pa.int64()} and not column.null_count and len(column):
            content = memoryview(column.buffers()[1]).cast("B")
            whole = content.cast("i") if column.type == pa.int32() else content.cast("q")
            self._numbers = whole[column.offset : column.offset + len(column)]

    @property
    def texts(self) -> Sequence[str]:
        """Different texts; none of a column of numbers."""
        return self._texts or ()

    def part(self, start: int, n_rows: int) -> list[Any]:
        """Return some values."""
        if self._numbers is None:
            return list(self._column.slice(start, n_rows).to_pylist())
        numbers = self._numbers[start : start + n_rows].tolist()
        return numbers if self._texts is None else [self._texts[number] for number in numbers]


def first_place(row: Mapping[str, Any]) -> Place:
    """Return where the first record of a joined row lies."""
    return _place(row, "first")


def last_place(row: Mapping[str, Any]) -> Place:
    """Return where the last record of a joined row lies."""
    return _place(row, "last")


def _place(row: Mapping[str, Any], which: str) -> Place:
    return Place(
        at=row[f"{which}_at"],
        file=row[f"{which}_file"],
        host=row[f"{which}_host"],
        number=row[f"{which}_number"],
        place=row[f"{which}_place"],
    )


def empty(aggregate: Aggregate) -> pa.Table:
    """Return a joined table without rows."""
    kinds = [(name, _CODED) for name in aggregate.keys]
    kinds += [(name, _LIST if how in _IS_LIST else _INT) for name, how in aggregate.measures.items()]
    kinds.append(("n", _INT))
    kinds += [
        (f"{which}_{name}", _CODED if kind is _STRING else kind)
        for which in ("first", "last")
        for name, kind in _PLACE.items()
    ]
    return pa.schema(kinds).empty_table()


def folded(aggregate: Aggregate, batch: EventBatch) -> tuple[pa.Table | None, int]:
    """Fold one batch.

    Returns:
        A joined table, None if there is nothing in it; and how many rows were left out for want of a time.
    """
    if not batch.data.num_rows or not aggregate.wants(batch.event_class):
        return None, 0
    rows = aggregate.rows(batch)
    if rows is None or not rows.num_rows:
        return None, 0
    dated = rows.filter(pc.is_valid(rows["at"])) if rows["at"].null_count else rows
    n_undated = rows.num_rows - dated.num_rows
    if not dated.num_rows:
        return None, n_undated
    columns: dict[str, Any] = {name: _distinct_codes(_one(dated[name])) for name in aggregate.keys}
    for name in aggregate.measures:
        columns[name] = pc.fill_null(_one(dated[name]), _ZERO)
    columns["n"] = pa.repeat(pa.scalar(1, _INT), dated.num_rows)
    place = {name: _one(dated[name]) for name in _PLACE}
    place |= {name: _filled(place[name]) for name in ("file", "host")}
    ranks = _ranks(place)
    grouped, found = _grouped(aggregate, columns, {"first": ranks, "last": ranks})
    found |= {name: _coded(found[name]) for name in aggregate.keys}
    for which in ("first", "last"):
        at_ = _inverse(ranks).take(grouped[which])
        found |= {f"{which}_{name}": _coded(place[name].take(at_)) for name in _PLACE}
    return _table(aggregate, found), n_undated


def joined(aggregate: Aggregate, tables: Sequence[pa.Table], *, is_final: bool = False) -> pa.Table:
    """Join tables that :func:`folded` or this function gave.

    Args:
        aggregate: Whose tables they are.
        tables: In any order.
        is_final: Whether lists are to be put in order; between joins it need not be.

    Returns:
        One row per key, in no order.
    """
    whole = _whole([empty(aggregate), *tables])
    if not whole.num_rows:
        return whole
    if sum(table.num_rows > 0 for table in tables) < 2:
        return _in_order(aggregate, whole) if is_final else whole
    n_parts = -(-whole.num_rows // _ROWS_JOINED)
    if n_parts == 1:
        return _joined(aggregate, whole, is_final=is_final)
    numbers, parts = _bucket_numbers(aggregate, whole, n_parts), []
    for number in range(n_parts):
        rows = whole.filter(pc.equal(numbers, pa.scalar(number, _INT)))
        parts.append(_joined(aggregate, rows, is_final=is_final))
    del whole
    return _whole(parts)


def _joined(aggregate: Aggregate, whole: pa.Table, *, is_final: bool) -> pa.Table:
    """Join the rows of a table whose dictionaries are each one."""
    columns = {name: _one(whole[name]) for name in (*aggregate.keys, *aggregate.measures, "n")}
    ranks, place = {}, {}
    for which in ("first", "last"):
        place[which] = {name: _one(whole[f"{which}_{name}"]) for name in _PLACE}
        ranks[which] = _ranks(place[which])
    grouped, found = _grouped(aggregate, columns, ranks)
    for which in ("first", "last"):
        at_ = _inverse(ranks[which]).take(grouped[which])
        found |= {f"{which}_{name}": place[which][name].take(at_) for name in _PLACE}
    table = _table(aggregate, found)
    return _in_order(aggregate, table) if is_final or _is_long(aggregate, table) else table


def _whole(tables: Sequence[pa.Table]) -> pa.Table:
    """Return tables as one, each column in one piece with one dictionary."""
    whole = pa.concat_tables(tables)
    return pa.table({name: _unified(whole[name]) for name in whole.column_names})


def _unified(column: Any) -> Any:
    filled = [chunk for chunk in column.chunks if len(chunk)] or column.chunks[:1]
    return _one(pa.chunked_array(filled, column.type).unify_dictionaries())


def condensed(aggregate: Aggregate, whole: pa.Table) -> pa.Table:
    """Return a joined table as analytics see it.

    Args:
        aggregate: Whose table it is.
        whole: What :func:`joined` gave at last (``is_final``); all of it, or all of some keys.
    """
    if aggregate.condense is None:
        return whole
    starts = range(0, max(1, whole.num_rows), _BUCKET_ROWS)
    return pa.concat_tables([aggregate.condense(_decoded(whole.slice(start, _BUCKET_ROWS))) for start in starts])


def bucketed(aggregate: Aggregate, table: pa.Table, n_buckets: int) -> dict[int, pa.Table]:
    """Divide a joined table among buckets, by a hash of its keys: rows of one key meet in one bucket everywhere.

    Returns:
        The tables of buckets that get any rows.
    """
    if n_buckets < 2 or not table.num_rows:
        return {0: table} if table.num_rows else {}
    bucket = _bucket_numbers(aggregate, table, n_buckets)
    order = pc.sort_indices(bucket)
    # What is sent away is plain: each part would carry the dictionaries of all.
    ordered, counts = _decoded(table.take(order)), _counts(bucket.take(order), n_buckets)
    begins = _offsets(counts).to_pylist()
    return {at: ordered.slice(begin, end - begin) for at, (begin, end) in enumerate(pairwise(begins)) if end > begin}


def _bucket_numbers(aggregate: Aggregate, table: pa.Table, n_buckets: int) -> Any:
    """Return for each row a number below that of buckets, by a hash of its keys."""
    total: Any = pa.repeat(_ZERO, table.num_rows)
    for name in aggregate.keys:
        column = _one(table[name])
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        sums = pa.array(
            [zlib.crc32(value.encode("utf-8", "surrogatepass")) for value in coded.dictionary.to_pylist()], _INT
        )
        total = pc.add(total, sums.take(coded.indices))
    # Arrow has no remainder.
    number = pa.scalar(n_buckets, _INT)
    return pc.subtract(total, pc.multiply(pc.divide(total, number), number))


def _grouped(
    aggregate: Aggregate, columns: Mapping[str, Any], ranks: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Group by the keys; return the ranks of the first and last row of each, and all but the places."""
    keys = list(aggregate.keys)
    lists = [name for name, how in aggregate.measures.items() if how in _IS_LIST]
    plain = {name: column for name, column in columns.items() if name not in lists}
    n_rows = len(columns["n"])
    if lists:
        plain["rows of a key"] = pa.array(range(n_rows), _INT)
    asked: list[tuple[str, Any]] = [("n", "sum"), ("rank first", "min"), ("rank last", "max")]
    asked += [(name, how) for name, how in aggregate.measures.items() if how not in _IS_LIST]
    asked += [("rows of a key", "list")] if lists else []
    table = pa.table({**plain, "rank first": ranks["first"], "rank last": ranks["last"]})
    # One thread keeps the rows of a key in their order.
    grouped = table.group_by(keys, use_threads=False).aggregate(asked)
    found: dict[str, Any] = {name: _one(grouped[name]) for name in keys}
    found |= {name: _one(grouped[f"{name}_{how}"]) for name, how in asked if name in {"n", *aggregate.measures}}
    if lists:
        members = _one(grouped["rows of a key_list"])
        found |= {name: _gathered(columns[name], members) for name in lists}
    return {"first": _one(grouped["rank first_min"]), "last": _one(grouped["rank last_max"])}, found


def _gathered(column: Any, members: Any) -> Any:
    """Join values, or lists of values, of the rows of each key into one list."""
    order = members.flatten()
    if not pa.types.is_large_list(column.type):
        offsets = pc.cast(members.offsets, _INT)
        return pa.LargeListArray.from_arrays(offsets, column.take(order))
    taken = column.take(order)
    # Where the first row of a key begins among the values, its list begins.
    begins = taken.offsets.take(members.offsets)
    return pa.LargeListArray.from_arrays(begins, taken.flatten())


def _in_order(aggregate: Aggregate, table: pa.Table) -> pa.Table:
    for name, how in aggregate.measures.items():
        if how in _IS_LIST:
            table = table.set_column(table.column_names.index(name), name, _sorted(_one(table[name]), how))
    return table


def _is_long(aggregate: Aggregate, table: pa.Table) -> bool:
    """Tell whether some list holds much more than is kept."""
    return any(
        (pc.max(pc.list_value_length(_one(table[name]))).as_py() or 0) > 2 * _KEPT[how]
        for name, how in aggregate.measures.items()
        if how in _IS_LIST
    )


_KEPT = {"times": TIMES_KEPT, "least": LEAST_KEPT}


def _sorted(lists: Any, how: How) -> Any:
    """Sort every list; keep of times the latest, of others the least, each once."""
    owner, value = pc.list_parent_indices(lists), lists.flatten()
    order = pc.sort_indices(
        pa.table({"owner": owner, "value": value}), [("owner", "ascending"), ("value", "ascending")]
    )
    value = value.take(order)
    if how == "least":
        # Owners stay in their order, only values move within them.
        is_new = (
            pa.concat_arrays(
                [
                    pa.array([True]),
                    pc.or_(pc.not_equal(value[1:], value[:-1]), pc.not_equal(owner[1:], owner[:-1])),
                ]
            )
            if len(value)
            else pa.array([], pa.bool_())
        )
        owner, value = owner.filter(is_new), value.filter(is_new)
    lengths = _counts(owner, len(lists))
    begins = _offsets(lengths)
    if (pc.max(lengths).as_py() or 0) > _KEPT[how]:
        nth = pc.subtract(pa.array(range(len(value)), _INT), begins.take(owner))
        if how == "times":
            nth = pc.subtract(pc.subtract(lengths.take(owner), pa.scalar(1, _INT)), nth)
        is_kept = pc.less(nth, pa.scalar(_KEPT[how], _INT))
        owner, value = owner.filter(is_kept), value.filter(is_kept)
        begins = _offsets(_counts(owner, len(lists)))
    return pa.LargeListArray.from_arrays(begins, value)


def _counts(owner: Any, n_lists: int) -> Any:
    """Return how often each number from 0 on occurs among sorted ones."""
    encoded = pc.value_counts(owner)
    at_ = pc.index_in(pa.array(range(n_lists), owner.type), encoded.field("values"))
    return pc.fill_null(encoded.field("counts").take(at_), _ZERO)


def _offsets(lengths: Any) -> Any:
    return pa.concat_arrays([pa.array([0], _INT), pc.cumulative_sum(lengths).cast(_INT)])


def _ranks(place: Mapping[str, Any]) -> Any:
    """Number rows in order of their places; what lies at equal places is the same record."""
    n_rows = len(place["at"])
    if _is_rising(place["at"]):
        return pa.array(range(n_rows), _INT)
    names = ["at", "file", "number", "place", "host"]
    codes = {name: place[name] if pa.types.is_integer(place[name].type) else _codes(place[name]) for name in names}
    order = pc.sort_indices(pa.table(codes), [(name, "ascending") for name in names])
    return _inverse(order.cast(_INT))


def _is_rising(values: Any) -> bool:
    return len(values) < 2 or bool(pc.all(pc.greater(values[1:], values[:-1])).as_py())


def _codes(texts: Any) -> Any:
    """Number texts in their order."""
    coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    return _inverse(order.cast(_INT)).take(coded.indices)


def _inverse(permutation: Any) -> Any:
    place: Any = pc
    return place.inverse_permutation(permutation).cast(_INT)


def _filled(column: Any) -> Any:
    if not column.null_count:
        return column
    return pc.fill_null(column.cast(_STRING), _NONE)


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _distinct_codes(column: Any) -> Any:
    """Return a column where equal texts have equal codes; a dictionary made by changing texts may repeat some."""
    if not pa.types.is_dictionary(column.type) or len(pc.unique(column.dictionary)) == len(column.dictionary):
        return column
    again = column.dictionary.dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(column.indices), again.dictionary)


def _coded(column: Any) -> Any:
    """Return a column whose texts are coded, without those that no row has; null is an empty text."""
    if pa.types.is_integer(column.type):
        return column
    decoded = column.cast(_STRING) if pa.types.is_dictionary(column.type) else column
    return pc.fill_null(decoded, _NONE).dictionary_encode()


def _decoded(table: pa.Table) -> pa.Table:
    kinds = [pa.field(f.name, _STRING if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(kinds))


def _table(aggregate: Aggregate, found: Mapping[str, Any]) -> pa.Table:
    names = empty(aggregate).column_names
    return pa.table({name: found[name] for name in names})
