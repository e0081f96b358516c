"""Parquet files of a store back to batches: the events that were written, class by class, field by field."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhunt.errors import InputError
from stillhunt.telemetry.columns import text_column, text_list_column
from stillhunt.telemetry.event import COMMON, LIST_FIELDS, TEXT, EventBatch, EventClass
from stillhunt.telemetry.store.schema import FORMAT, REST, columns, stored_type
from stillhunt.telemetry.store.write import METADATA, Slice

__all__ = ["Asked", "OpenPart", "everything", "open_part", "read_part", "records", "slices"]

Asked = Callable[[EventClass], Collection[str | None]]
"""Native fields that somebody asks for of events of a class; None among them stands for all."""


def everything(event_class: EventClass) -> Collection[str | None]:
    """Ask for all fields."""
    del event_class
    return (None,)


class _Metadata(msgspec.Struct):
    format: int
    slices: tuple[Slice, ...]


def slices(file: pq.ParquetFile, where: Path) -> tuple[Slice, ...]:
    """Return what a file says of its rows.

    Raises:
        InputError: It says nothing, or what this version does not understand.
    """
    try:
        found = msgspec.json.decode((file.metadata.metadata or {})[METADATA.encode()], type=_Metadata)
    except (KeyError, msgspec.MsgspecError) as error:
        raise InputError(
            "is no file of a store, or is damaged", where=str(where), hint="hunt into a new store"
        ) from error
    if found.format != FORMAT or sum(s.n_rows for s in found.slices) != file.metadata.num_rows:
        raise InputError("does not hold what it says", where=str(where), hint="hunt into a new store")
    return found.slices


def read_part(path: Path, asked: Asked = everything, *, content: bytes | None = None) -> Iterator[EventBatch]:
    """Yield the events of a file, one batch per class.

    Args:
        path: The file.
        asked: Which native fields are needed; others may be left out.
        content: What is in it, if it was read already.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with pq.ParquetFile(path if content is None else pa.BufferReader(content)) as file:
            found = slices(file, path)
            wanted = [_wanted(slice_, asked(slice_.event_class)) for slice_ in found]
            table = file.read(columns=sorted({name for names in wanted for name in names}), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), hint="hunt into a new store") from error
    start = 0
    for slice_, names in zip(found, wanted, strict=True):
        yield _batch(slice_, table.slice(start, slice_.n_rows), names)
        start += slice_.n_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPart:
    """A file of a store whose rows are read in part.

    Attributes:
        file: The file.
        slices: What it says of its rows.
        starts: Where each slice begins, and the number of rows.
        groups: Where each row group begins, and the number of rows.
    """

    file: pq.ParquetFile
    slices: tuple[Slice, ...]
    starts: tuple[int, ...]
    groups: tuple[int, ...]

    @property
    def n_groups(self) -> int:
        """How many row groups it has."""
        return len(self.groups) - 1

    def times(self, group: int) -> tuple[datetime | None, datetime | None]:
        """Return the times between which those of a row group are; None where that is not known."""
        said = self.file.metadata.row_group(group).column(0).statistics
        return (said.min, said.max) if said is not None and said.has_min_max else (None, None)

    def among(self, start: int, stop: int) -> list[int]:
        """Return the numbers of the slices that have some rows."""
        return list(range(bisect_right(self.starts, start) - 1, bisect_left(self.starts, stop)))

    def read(self, first: int, last: int, columns: Collection[str]) -> pa.Table:
        """Return columns of row groups, text as it is encoded in the file; a dictionary may differ by chunk."""
        return self.file.read_row_groups(list(range(first, last + 1)), columns=sorted(columns), use_threads=False)


@contextmanager
def open_part(path: Path, product: str) -> Iterator[OpenPart]:
    """Open a file with events of a product to read some of its rows.

    Raises:
        InputError: It cannot be read; also later, while it is open.
    """
    try:
        stat = path.stat()
        known = _described(path, stat.st_size, stat.st_mtime_ns)
        with pq.ParquetFile(path, read_dictionary=_text_places(product), metadata=known.metadata) as file:
            yield OpenPart(file=file, slices=known.slices, starts=known.starts, groups=known.groups)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), hint="hunt into a new store") from error


def records(
    path: Path, files: Collection[str], numbers: Collection[int], *, content: bytes | None = None
) -> Iterator[EventBatch]:
    """Yield the events of a file that come from some logs and have some record numbers."""
    logs, wanted = pa.array(sorted(files), pa.string()), pa.array(sorted(numbers), pa.int64())
    for batch in read_part(path, content=content):
        is_from: Any = pc.is_in(batch.data.column("event.file").cast(pa.string()), logs)
        is_wanted: Any = pc.and_(is_from, pc.is_in(batch.data.column("event.record"), wanted))
        if pc.any(is_wanted).as_py():
            yield EventBatch(event_class=batch.event_class, data=batch.data.filter(is_wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    """What the end of a file says of it."""

    metadata: pq.FileMetaData
    slices: tuple[Slice, ...]
    starts: tuple[int, ...]
    groups: tuple[int, ...]


@lru_cache(maxsize=32)
def _described(path: Path, n_bytes: int, mtime_ns: int) -> _Description:
    """Return what the end of a file says; a search comes to the same files twice, for what fits and for the rest."""
    del n_bytes, mtime_ns  # with other ones it is another file
    with pq.ParquetFile(path) as file:
        found, metadata = slices(file, path), file.metadata
    n_rows = (metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    return _Description(
        metadata=metadata,
        slices=found,
        starts=tuple(accumulate((s.n_rows for s in found), initial=0)),
        groups=tuple(accumulate(n_rows, initial=0)),
    )


@lru_cache
def _text_places(product: str) -> Any:
    """Return the places of columns of text; the types of Arrow know their names only, which take longer."""
    return [place for place, name in enumerate(columns(product)) if stored_type(name) == pa.string()]


def _wanted(slice_: Slice, asked: Collection[str | None]) -> tuple[str, ...]:
    if None in asked:
        return (*slice_.common, *slice_.native, *([REST] if slice_.rest else []))
    native = [name for name in slice_.native if name in asked]
    return (*slice_.common, *native, *([REST] if any(name in asked for name in slice_.rest) else []))


def _batch(slice_: Slice, table: pa.Table, names: Sequence[str]) -> EventBatch:
    n_rows = slice_.n_rows
    found: dict[str, Any] = {}
    for name in names:
        if name != REST:
            found[name] = _column(name, table[name])
    if REST in names:
        found |= _rest(table[REST], slice_.rest)
    columns: dict[str, Any] = {}
    for name, (kind, _) in COMMON.items():
        columns[name] = found.pop(name) if name in found else pa.nulls(n_rows, cast("Any", kind))
    columns |= {name: found[name] for name in sorted(found)}
    data = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return EventBatch(event_class=slice_.event_class, data=data)


def _column(name: str, stored: pa.ChunkedArray[Any]) -> Any:
    if name in COMMON and COMMON[name][0] != TEXT:
        return stored.combine_chunks()
    if name in LIST_FIELDS:
        return text_list_column(stored.to_pylist())
    return stored.combine_chunks().dictionary_encode()


def _rest(stored: pa.ChunkedArray[Any], names: Sequence[str]) -> dict[str, Any]:
    decode = msgspec.json.Decoder(dict[str, str | list[str]]).decode
    nothing: dict[str, str | list[str]] = {}
    rows = [nothing if text is None else decode(text) for text in stored.to_pylist()]
    return {
        name: text_list_column(values) if name in LIST_FIELDS else text_column(values)
        for name in names
        for values in ([row.get(name) for row in rows],)
    }
