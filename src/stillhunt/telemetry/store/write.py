"""Batches of events to Parquet files: sorted, with the same columns in every file of a product.

Inside a file the events of a class lie together, in order of host and time; so equal texts are neighbours, and the
statistics of the file tell which rows a reader may leave out. What the classes are, exactly, is in the file's
metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhunt.telemetry.columns import whole_numbers
from stillhunt.telemetry.event import COMMON, EventBatch, EventClass
from stillhunt.telemetry.store.manifest import Group, Part, synced
from stillhunt.telemetry.store.schema import CLASS, FORMAT, IDENTITY, REST, columns, native_columns, stored_type
from stillhunt.telemetry.store.words import MOST_GROUPS, index_path, save_index

__all__ = ["METADATA", "PartWriter", "Slice", "folder_name"]

METADATA = "stillhunt"
"""Key of the metadata of a Parquet file."""

_ROWS_AT_ONCE = 250_000
_BYTES_AT_ONCE = 96 << 20
"""What is held before it is written."""

_ROW_GROUP = 4_096
"""Rows of a row group at least. A search reads whole ones, and each costs some bytes and time for every column."""

_HOSTS_NAMED = 50
_UNKNOWN = "unknown"


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive rows of a Parquet file that are of one class.

    Attributes:
        product: As in :class:`EventClass`, like the following.
        categories: Sorted.
        services: Sorted.
        channel: Windows channel.
        provider: Windows provider.
        event_id: Windows event id.
        n_rows: How many they are.
        common: Common columns with a value in any of them.
        native: Native fields with a column of their own and a value in any of them.
        rest: Native fields that are in the column for all others.
    """

    product: str
    categories: tuple[str, ...]
    services: tuple[str, ...]
    channel: str | None
    provider: str | None
    event_id: str | None
    n_rows: int
    common: tuple[str, ...]
    native: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def event_class(self) -> EventClass:
        """The class."""
        return EventClass(
            product=self.product,
            categories=frozenset(self.categories),
            services=frozenset(self.services),
            channel=self.channel,
            provider=self.provider,
            event_id=self.event_id,
        )


class PartWriter:
    """Writes the events of one unit; none of its files is part of the store before the manifest says so.

    Args:
        folder: The store.
        unit: Id of the unit.
    """

    def __init__(self, folder: Path, unit: str) -> None:
        self._folder, self._unit = folder, unit
        self._held: dict[tuple[str, str], dict[EventClass, list[pa.RecordBatch]]] = {}
        self._n_rows = self._n_bytes = self._n_flushes = 0
        self._parts: list[Part] = []
        self._groups: dict[tuple[str, str, str], Group] = {}

    def add(self, batch: EventBatch) -> None:
        """Take events; they are written when enough are there."""
        if not batch.data.num_rows:
            return
        self._note_groups(batch)
        for month, data in _by_month(batch.data):
            held = self._held.setdefault((batch.event_class.product, month), {})
            held.setdefault(batch.event_class, []).append(data)
        self._n_rows += batch.data.num_rows
        self._n_bytes += batch.data.get_total_buffer_size()
        if self._n_rows >= _ROWS_AT_ONCE or self._n_bytes >= _BYTES_AT_ONCE:
            self._flush()

    def close(self) -> tuple[tuple[Part, ...], tuple[Group, ...]]:
        """Write the rest, and return the files and what they hold of events that have an identity.

        Raises:
            OSError: A file cannot be written.
        """
        self._flush()
        return tuple(self._parts), tuple(self._groups[key] for key in sorted(self._groups))

    def _flush(self) -> None:
        held, self._held, self._n_rows, self._n_bytes = self._held, {}, 0, 0
        for (product, month), classes in sorted(held.items()):
            self._parts.append(self._write(product, month, classes))
        self._n_flushes += 1

    def _write(self, product: str, month: str, classes: dict[EventClass, list[pa.RecordBatch]]) -> Part:
        ordered = [(event_class, classes[event_class]) for event_class in sorted(classes, key=_class_key)]
        table, slices = _stored(product, ordered)
        metadata = {METADATA: msgspec.json.encode({"format": FORMAT, "slices": slices}).decode()}
        name = f"part-{self._unit}-{self._n_flushes}.parquet"
        path = self._folder / "events" / f"sigma_product={folder_name(product)}" / f"month={month}" / name
        rows_per_group = max(_ROW_GROUP, -(-table.num_rows // MOST_GROUPS))
        with synced(path) as beside:
            _write_table(table, beside, metadata, rows_per_group)
        save_index(index_path(self._folder, path.relative_to(self._folder).as_posix()), table, rows_per_group)
        times: Any = pc.min_max(table[0].cast(pa.int64())).as_py()
        hosts = sorted({h for h in pc.unique(table["host.name"]).to_pylist() if h})
        counts: dict[str, int] = {}
        for slice_ in slices:
            counts[slice_.event_class.name] = counts.get(slice_.event_class.name, 0) + slice_.n_rows
        return Part(
            path=path.relative_to(self._folder).as_posix(),
            product=product,
            month=month,
            n_rows=table.num_rows,
            n_bytes=path.stat().st_size,
            first=times["min"],
            last=times["max"],
            classes=counts,
            hosts=tuple(hosts[:_HOSTS_NAMED]),
            n_hosts=len(hosts),
        )

    def _note_groups(self, batch: EventBatch) -> None:
        """Note between which times and record ids events lie that have an identity."""
        event_class, names = batch.event_class, batch.data.schema.names
        fields = IDENTITY.get(event_class.product, ())
        if not fields or any(field not in names for field in fields):
            return
        _, numbers = whole_numbers(batch.data.column(fields[0]))
        table = pa.table(
            {
                "host": batch.data.column("host.name"),
                "at": batch.data.column("@timestamp").cast(pa.int64()),
                "number": numbers,
                "has": batch.data.column(fields[0]).is_valid(),
            }
        )
        table = table.filter(table["has"])
        ends = table.group_by("host").aggregate([("at", "min"), ("at", "max"), ("number", "min"), ("number", "max")])
        for row in ends.to_pylist():
            key = (event_class.product, row["host"] or "", (event_class.channel or "").lower())
            found = Group(*key, row["at_min"] or 0, row["at_max"] or 0, row["number_min"] or 0, row["number_max"] or 0)
            known = self._groups.get(key)
            self._groups[key] = found if known is None else _joined(known, found)


def folder_name(text: str) -> str:
    """Return a name for a folder: what is neither letter, digit, dot nor dash becomes an underscore.

    >>> folder_name("windows"), folder_name("../x=y")
    ('windows', '.._x_y')
    """
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in text)[:100] or "_"


def _joined(one: Group, other: Group) -> Group:
    return Group(
        *one[:3],
        min(one.first, other.first),
        max(one.last, other.last),
        min(one.lowest, other.lowest),
        max(one.highest, other.highest),
    )


def _class_key(event_class: EventClass) -> tuple[str, ...]:
    parts = (event_class.name, event_class.channel, event_class.provider, event_class.event_id)
    rest = (",".join(sorted(event_class.categories)), ",".join(sorted(event_class.services)))
    return (*(part or "" for part in parts), *rest)


def _by_month(data: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    times: Any = data.column("@timestamp")
    months: Any = pc.add(pc.multiply(pc.year(times), _HUNDRED), pc.month(times))
    distinct = pc.unique(months).to_pylist()
    for number in sorted(distinct, key=lambda n: (n is None, n or 0)):
        name = _UNKNOWN if number is None else f"{number // 100:04}-{number % 100:02}"
        if len(distinct) == 1:
            yield name, data
        else:
            is_in: Any = pc.is_null(months) if number is None else pc.equal(months, pa.scalar(number, pa.int64()))
            yield name, data.filter(is_in)


_HUNDRED = pa.scalar(100, pa.int64())


def _stored(
    product: str, classes: Sequence[tuple[EventClass, Sequence[pa.RecordBatch]]]
) -> tuple[pa.Table, list[Slice]]:
    """Return events with the columns of their product, sorted by class, host and time, and what their classes are."""
    batches = [batch for _, held in classes for batch in held]
    held = [_held(batch) for batch in batches]
    rests = [_rest(batch.num_rows, columns_, product) for batch, columns_ in zip(batches, held, strict=True)]
    order = _order(classes)
    arrays: dict[str, Any] = {}
    for name in columns(product):
        if name == CLASS:
            arrays[name] = _class_names(classes)
        elif name == REST:
            arrays[name] = pa.concat_arrays([texts for texts, _ in rests]).take(order)
        else:
            arrays[name] = _joined_column(name, [columns_.get(name) for columns_ in held], batches, order)
    return pa.table(arrays), list(_slices(classes, held, [names for _, names in rests]))


def _class_names(classes: Sequence[tuple[EventClass, Sequence[pa.RecordBatch]]]) -> pa.Array[Any]:
    # A scalar or a list whose type Arrow has to infer costs more than the column: it looks for pandas each time.
    return pa.concat_arrays(
        [
            pa.repeat(pa.scalar(event_class.name, pa.string()), sum(batch.num_rows for batch in batches))
            for event_class, batches in classes
        ]
    )


def _held(batch: pa.RecordBatch) -> dict[str, Any]:
    """Return the columns that have a value."""
    pairs = zip(batch.schema.names, batch.columns, strict=True)
    return {name: column for name, column in pairs if column.null_count < batch.num_rows}


def _joined_column(name: str, held: Sequence[Any], batches: Sequence[pa.RecordBatch], order: Any) -> Any:
    kind: Any = stored_type(name)
    if all(column is None for column in held):
        return pa.nulls(len(order), kind)
    plain = [
        pa.nulls(batch.num_rows, kind) if column is None else column.cast(kind)
        for column, batch in zip(held, batches, strict=True)
    ]
    return pa.chunked_array(plain, type=kind).combine_chunks().take(order)


def _slices(
    classes: Sequence[tuple[EventClass, Sequence[pa.RecordBatch]]],
    columns_: Sequence[Mapping[str, Any]],
    rests: Sequence[frozenset[str]],
) -> Iterator[Slice]:
    at = 0
    for event_class, batches in classes:
        rest = frozenset[str]().union(*rests[at : at + len(batches)])
        held = {name for of_batch in columns_[at : at + len(batches)] for name in of_batch}
        at += len(batches)
        yield Slice(
            product=event_class.product,
            categories=tuple(sorted(event_class.categories)),
            services=tuple(sorted(event_class.services)),
            channel=event_class.channel,
            provider=event_class.provider,
            event_id=event_class.event_id,
            n_rows=sum(batch.num_rows for batch in batches),
            common=tuple(name for name in COMMON if name in held),
            native=tuple(name for name in native_columns(event_class.product) if name in held),
            rest=tuple(sorted(rest)),
        )


def _rest(n_rows: int, columns_: Mapping[str, Any], product: str) -> tuple[Any, frozenset[str]]:
    """Return the fields without a column of their own as JSON text, and which of them have a value."""
    own = frozenset(native_columns(product))
    held = [name for name in columns_ if name not in COMMON and name not in own]
    if not held:
        return pa.nulls(n_rows, pa.string()), frozenset()
    encode = msgspec.json.Encoder().encode
    rows = zip(*(columns_[name].to_pylist() for name in held), strict=True)
    texts = [
        encode(found) if found else None
        for row in rows
        for found in ({name: value for name, value in zip(held, row, strict=True) if value is not None},)
    ]
    return pa.array(texts, pa.string()), frozenset(held)


def _order(classes: Sequence[tuple[EventClass, Sequence[pa.RecordBatch]]]) -> Any:
    """Return the places of the rows in order of class, host, time and record."""
    batches = [(number, batch) for number, (_, held) in enumerate(classes) for batch in held]
    keys = pa.table(
        {
            "class": pa.concat_arrays(
                [pa.repeat(pa.scalar(number, pa.int64()), batch.num_rows) for number, batch in batches]
            ),
            "host": pa.concat_arrays([batch.column("host.name").cast(pa.string()) for _, batch in batches]),
            "at": pa.concat_arrays([batch.column("@timestamp") for _, batch in batches]),
            "record": pa.concat_arrays([batch.column("event.record") for _, batch in batches]),
        }
    )
    return pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])


def _write_table(table: pa.Table, path: Path, metadata: dict[str, str], rows_per_group: int) -> None:
    # A dictionary for a column without values costs more than all of its values elsewhere.
    held: Any = [f.name for f in table.schema if f.type == pa.string() and table[f.name].null_count < table.num_rows]
    with pq.ParquetWriter(
        path,
        table.schema,
        use_dictionary=held,
        compression="zstd",
        compression_level=3,
        # Half of the bytes of a small file, and nothing that the columns do not say: text is text to every engine.
        store_schema=False,
        write_statistics=["@timestamp", "host.name", CLASS, "event.record"],
    ) as writer:
        writer.write_table(table, row_group_size=rows_per_group)
        writer.add_key_value_metadata(metadata)
