"""A watchlist: millions of indicators in one Arrow file, sorted, that all processes of a hunt map into memory.

One record batch per kind of observable, its rows in order of ``key`` (:mod:`stillhunt.kernel.lookup`):

- ``key``: int64; ``value``: the observable, of a hash its bytes (large_binary)
- ``row``: where in its list (int32); ``since``, ``until``: int64 microseconds, null where not said
- ``saying``: number of what the source says of it (int32), in the schema's metadata
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from stillhunt.detection.indicators.observable import KINDS, Observable
from stillhunt.detection.indicators.saying import Said, Saying
from stillhunt.errors import InputError
from stillhunt.kernel.lookup import SortedKeys, key_of, keys_of
from stillhunt.terms.marking import strictest

__all__ = ["Listed", "Watchlist", "digest_of", "write"]

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("key", pa.int64()),
    ("value", pa.large_binary()),
    ("row", pa.int32()),
    ("since", pa.int64()),
    ("until", pa.int64()),
    ("saying", pa.int32()),
]
_SCHEMA = pa.schema(_COLUMNS)
_KINDS, _PREFIXES, _SAYINGS, _NOTE = (f"stillhunt {name}".encode() for name in ("kinds", "prefixes", "sayings", "note"))


@dataclass(slots=True)
class Listed:
    """Indicators on their way into a watchlist.

    Attributes:
        sayings: What sources say, each once; the place is its number.
        n_rows: Indicators taken in.
        prefixes: (version of IP, length) of the prefixes of networks.
    """

    sayings: dict[Saying, int] = field(default_factory=dict)
    n_rows: int = 0
    prefixes: set[tuple[int, int]] = field(default_factory=set)
    _single: dict[str, list[tuple[str, int, int | None, int | None, int]]] = field(default_factory=dict)
    _sites: set[str] = field(default_factory=set)
    _columns: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)

    def number_of(self, saying: Saying) -> int:
        """Return the number of what a source says."""
        return self.sayings.setdefault(saying, len(self.sayings))

    def add(self, one: Observable, said: Said) -> None:
        """Take in one indicator."""
        row = (one.value, said.row, said.since, said.until, self.number_of(said.saying))
        self._single.setdefault(one.kind, []).append(row)

    def add_all(
        self,
        kind: str,
        values: pa.Array[Any],
        *,
        rows: pa.Array[Any],
        since: pa.Array[Any],
        until: pa.Array[Any],
        sayings: pa.Array[Any],
    ) -> None:
        """Take in many of one kind; all columns are equally long.

        Args:
            kind: One of :data:`stillhunt.detection.indicators.observable.KINDS`.
            values: Canonical forms.
            rows: Where in the list each stands.
            since: Microseconds from which on it is valid, or null.
            until: Before which.
            sayings: Number of what is said of it.
        """
        if not len(values):
            return
        columns = [keys_of(values), _held(kind, values), rows, since, until, sayings]
        self._columns.setdefault(kind, []).append(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        self.n_rows += len(values)
        if kind == "url":
            self._sites.update(str(value).partition("/")[0].partition(":")[0] for value in values.to_pylist())
        if kind == "network":
            self.prefixes.update(_prefix(str(value)) for value in values.to_pylist())

    def gather(self) -> None:
        """Put what was taken in one by one beside the rest."""
        for kind, rows in sorted(self._single.items()):
            values, places, since, until, sayings = (list(column) for column in zip(*rows, strict=True))
            self.add_all(
                kind,
                pa.array(values, pa.string()),
                rows=pa.array(places, pa.int32()),
                since=pa.array(since, pa.int64()),
                until=pa.array(until, pa.int64()),
                sayings=pa.array(sayings, pa.int32()),
            )
        self._single = {}

    @property
    def kinds(self) -> list[str]:
        """The kinds that there are, in order; with ``site`` for the hosts of URLs."""
        return sorted({*self._columns, *(["site"] if self._sites else [])})

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield every kind with its rows in order; what was yielded is let go of."""
        for kind in self.kinds:
            if kind == "site":
                yield kind, _ordered(_sites(self._sites))
                continue
            whole = pa.Table.from_batches(self._columns.pop(kind)).combine_chunks()
            yield kind, _ordered(whole)


def _ordered(table: pa.Table) -> pa.RecordBatch:
    order = SortedKeys.order(table["key"].combine_chunks())
    return table.take(order).combine_chunks().to_batches()[0]


def _held(kind: str, values: pa.Array[Any]) -> Any:
    if kind != "hash":
        return values.cast(pa.large_binary())
    return pa.array([bytes.fromhex(str(value)) for value in values.to_pylist()], pa.large_binary())


def _prefix(network: str) -> tuple[int, int]:
    return 6 if ":" in network else 4, int(network.rpartition("/")[2])


def _sites(hosts: set[str]) -> pa.Table:
    values = pa.array(sorted(hosts), pa.string())
    nothing = [pa.nulls(len(values), kind) for kind in (pa.int32(), pa.int64(), pa.int64(), pa.int32())]
    return pa.Table.from_arrays([keys_of(values), _held("site", values), *nothing], schema=_SCHEMA)


def write(listed: Listed, path: Path, *, note: bytes = b"") -> None:
    """Write a watchlist, whole or not at all.

    Args:
        listed: What to write; it is empty afterwards.
        path: Where.
        note: What else to keep with it, in UTF-8.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".indicators-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    listed.gather()
    try:
        told = {
            _KINDS: msgspec.json.encode(listed.kinds),
            _PREFIXES: msgspec.json.encode(sorted(listed.prefixes, reverse=True)),
            _SAYINGS: msgspec.json.encode(list(listed.sayings)),
            _NOTE: note,
        }
        with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA.with_metadata(told)) as file:
            for _, batch in listed.batches():
                file.write_batch(batch)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class Watchlist:
    """A watchlist that was written, mapped into memory.

    Args:
        path: The file.

    Attributes:
        prefixes: (version of IP, length) of the prefixes of networks, longest first.
        note: What else was kept with it.

    Raises:
        InputError: It is missing, or is none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        try:
            source = pa.memory_map(self.path)
            file = pa.ipc.open_file(source)
            metadata = file.schema.metadata or {}
            kinds = msgspec.json.decode(metadata[_KINDS], type=list[str])
            self.prefixes = msgspec.json.decode(metadata[_PREFIXES], type=list[tuple[int, int]])
            self._batches = {kind: file.get_batch(place) for place, kind in enumerate(kinds)}
        except (OSError, pa.ArrowException, KeyError, msgspec.MsgspecError) as error:
            hint = "hunt again: it is made anew from your lists"
            raise InputError(f"is no watchlist: {error}", where=self.path, hint=hint) from error
        self.note = metadata.get(_NOTE, b"")
        self._told = metadata[_SAYINGS]
        self._keys = {kind: SortedKeys(batch.column("key")) for kind, batch in self._batches.items()}

    @property
    def counts(self) -> dict[str, int]:
        """Indicators by kind."""
        return {kind: len(self._keys[kind]) for kind in KINDS if kind in self._keys}

    def __contains__(self, one: Observable) -> bool:
        return bool(self._rows(one))

    def has(self, kind: str) -> bool:
        """Whether there are indicators of a kind."""
        return kind in self._keys

    def said_of(self, one: Observable) -> tuple[Said, ...]:
        """Return what sources say of an observable, in the order of the lists; nothing if it is no indicator."""
        rows = self._rows(one)
        if not rows:
            return ()
        batch = self._batches[one.kind]
        taken = batch.select(["row", "since", "until", "saying"]).take(pa.array(rows, pa.int64())).to_pylist()
        return tuple(
            Said(saying=self._sayings[row["saying"]], since=row["since"], until=row["until"], row=row["row"])
            for row in taken
        )

    @cached_property
    def marking(self) -> str:
        """Strictest marking of any of its indicators."""
        return str(strictest({one.marking for one in self._sayings}))

    @cached_property
    def _sayings(self) -> list[Saying]:
        return msgspec.json.decode(self._told, type=list[Saying])

    def _rows(self, one: Observable) -> list[int]:
        keys = self._keys.get(one.kind)
        if keys is None:
            return []
        rows = keys.rows_of(key_of(one.value))
        if not rows:
            return []
        values = self._batches[one.kind].column("value")
        wanted = bytes.fromhex(one.value) if one.kind == "hash" else one.value.encode("utf-8", "surrogatepass")
        return [row for row in rows if values[row].as_py() == wanted]


def digest_of(parts: object) -> str:
    """Return a short hash of plain data, to name a file by."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:24]
