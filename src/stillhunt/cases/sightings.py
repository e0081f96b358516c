"""When everything was first and last seen on every host, over all events and not only findings.

Dating looks back with it: to the first time an address was met, a file written, a page asked for, long before a rule
had anything to say. Linking learns from it what is common in an estate. What it keeps grows with the number of
different things, not with the number of events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.event import TEXT, EventBatch
from stillhunt.terms.entity import EntityKind

__all__ = ["Sighting", "Sightings"]

_TRACKED: tuple[tuple[str, EntityKind], ...] = (
    ("source.ip", EntityKind.ADDRESS),
    ("destination.ip", EntityKind.ADDRESS),
    ("destination.domain", EntityKind.DOMAIN),
    ("user.name", EntityKind.ACCOUNT),
    ("user.target.name", EntityKind.ACCOUNT),
    ("file.path", EntityKind.FILE),
    ("process.executable", EntityKind.FILE),
    ("file.hash.sha256", EntityKind.HASH),
    ("service.name", EntityKind.SERVICE),
    ("url.path", EntityKind.URL),
)
"""(common column, kind): a program that runs is a file that is there."""

_CAME_FROM = "came from"
"""Kind of a row that says of an account from which address it acted, as ``account address``."""

_NO_ENTRY = frozenset({"4625", "4768", "4769", "4771", "4776"})
"""Windows events that name an account and an address although nobody need have come in."""

_ROWS_HELD = 200_000
"""Rows that are held before they are summed up: one pass over many costs less than many over few."""

_KEYS = ["kind", "value", "host", "file"]
_INT: Any = pa.int64()
_TIME: Any = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Sighting:
    """One thing on one host in one file.

    Attributes:
        first_at: First of its events, in corrected time.
        last_at: Last of them.
        host: Where; empty if the events name no host.
        file: Input file.
        n_events: How many.
    """

    first_at: datetime
    last_at: datetime
    host: str
    file: str
    n_events: int


class Sightings:
    """First and last sight of addresses, domains, accounts, files, hashes, services and pages, by host."""

    def __init__(self) -> None:
        self._held: list[pa.Table] = []
        self._n_held = 0
        self._shift_s: Callable[[str, str], int] | None = None
        self._arrivals: tuple[pa.Table, dict[tuple[str, str], tuple[Sighting, ...]]] | None = None

    def table(self) -> pa.Table:
        """Return all that is known, for :meth:`add` elsewhere."""
        return self._sum_up()

    def add(self, table: pa.Table) -> None:
        """Take in what :meth:`table` gave elsewhere."""
        self._held.append(table)
        self._n_held += table.num_rows

    def observe(self, batch: EventBatch) -> None:
        """Take note of what a batch names."""
        data = batch.data
        for name, kind in _TRACKED:
            values = data.column(name)
            if values.null_count == len(values):
                continue
            self._hold(batch, kind.value, values)
        self._observe_arrivals(batch)
        if self._n_held > _ROWS_HELD:
            self._sum_up()

    def _observe_arrivals(self, batch: EventBatch) -> None:
        """Note which account acted from which address, where both are said and nothing failed."""
        data = batch.data
        if batch.event_class.event_id in _NO_ENTRY or data.column("source.ip").null_count == data.num_rows:
            return
        account: Any = pc.coalesce(*(data.column(name).cast(pa.string()) for name in ("user.target.name", "user.name")))
        address: Any = data.column("source.ip").cast(pa.string())
        failed: Any = pc.equal(data.column("event.outcome").cast(pa.string()), pa.scalar("failure", pa.string()))
        came: Any = pc.binary_join_element_wise(account, address, pa.scalar(" ", pa.string()))
        came = pc.if_else(pc.fill_null(failed, pa.scalar(False, pa.bool_())), pa.scalar(None, pa.string()), came)
        if came.null_count < len(came):
            self._hold(batch, _CAME_FROM, came.dictionary_encode())

    def _hold(self, batch: EventBatch, kind: str, values: Any) -> None:
        data = batch.data
        at = data.column("@timestamp")
        self._held.append(
            pa.table(
                {
                    "kind": _constant(kind, len(values)),
                    "value": values,
                    "host": data.column("host.name"),
                    "file": data.column("event.file"),
                    "first": at,
                    "last": at,
                    "n": pa.repeat(_ONE, len(values)),
                }
            )
        )
        self._n_held += len(values)

    def take(self, other: Sightings) -> None:
        """Take in what another worker saw."""
        self._held += other._held
        self._n_held += other._n_held
        if self._n_held > _ROWS_HELD:
            self._sum_up()

    def shift(self, shift_s: Callable[[str, str], int]) -> None:
        """Correct the times of what is returned from now on."""
        self._shift_s = shift_s
        self._arrivals = None

    def of(self, kind: EntityKind, values: Collection[str]) -> dict[str, tuple[Sighting, ...]]:
        """Return where and when some things of one kind were seen, each in order of time.

        Args:
            kind: Which kind.
            values: Names in lower case.
        """
        table = self._sum_up()
        wanted = pa.array(sorted(values), pa.string())
        of_kind = table.filter(pc.equal(table["kind"], pa.scalar(kind.value, pa.string())))
        return self._told(of_kind.filter(pc.is_in(of_kind["value"], value_set=wanted)))

    def began(self) -> datetime | None:
        """Return when the first account was seen, as logged; None if there is none."""
        table = self._sum_up()
        of_accounts = table.filter(pc.equal(table["kind"], pa.scalar(EntityKind.ACCOUNT.value, pa.string())))
        found: Any = pc.min(of_accounts["first"]).as_py()
        return found if isinstance(found, datetime) else None

    def arrivals(self) -> dict[tuple[str, str], tuple[Sighting, ...]]:
        """Return for each account and address when the account acted from there, each in order of time."""
        table = self._sum_up()
        if self._arrivals is not None and self._arrivals[0] is table:
            return self._arrivals[1]
        told = self._told(table.filter(pc.equal(table["kind"], pa.scalar(_CAME_FROM, pa.string()))))
        found: dict[tuple[str, str], tuple[Sighting, ...]] = {}
        for value, seen in told.items():
            account, _, address = value.rpartition(" ")
            found[account, address] = seen
        self._arrivals = table, found
        return found

    def _told(self, rows: pa.Table) -> dict[str, tuple[Sighting, ...]]:
        found: dict[str, list[Sighting]] = {}
        for row in rows.to_pylist():
            delta = timedelta(seconds=self._shift_s(row["file"], row["host"]) if self._shift_s else 0)
            found.setdefault(row["value"], []).append(
                Sighting(
                    first_at=row["first"] + delta,
                    last_at=row["last"] + delta,
                    host=row["host"],
                    file=row["file"],
                    n_events=row["n"],
                )
            )
        return {value: tuple(sorted(seen)) for value, seen in sorted(found.items())}

    def _sum_up(self) -> pa.Table:
        """Make one table of what is held."""
        if len(self._held) == 1 and not self._n_held:
            return self._held[0]  # it was made before, and nothing came since
        tables = [_summed(part) for part in _alike(self._held)]
        whole = _summed(pa.concat_tables(tables)) if tables else _EMPTY
        self._held, self._n_held = [whole], 0
        return whole


_ONE = pa.scalar(1, _INT)
_EMPTY = pa.schema(
    [
        *((name, pa.string()) for name in _KEYS),
        ("first", _TIME),
        ("last", _TIME),
        ("n", _INT),
    ]
).empty_table()


def _constant(text: str, n_rows: int) -> Any:
    zeros = pa.repeat(pa.scalar(0, pa.int32()), n_rows)
    return pa.DictionaryArray.from_arrays(zeros, pa.array([text], pa.string()))


def _alike(tables: list[pa.Table]) -> Iterator[pa.Table]:
    """Join tables whose texts are coded, and those whose texts are not."""
    for is_coded in (True, False):
        chosen = [table for table in tables if (table.schema.field("value").type == TEXT) == is_coded]
        if chosen:
            yield pa.concat_tables(chosen)


def _summed(table: pa.Table) -> pa.Table:
    """Return one row for each thing, host and file, texts in lower case and no longer coded."""
    table = table.filter(pc.and_(pc.is_valid(table["value"]), pc.is_valid(table["first"])))
    if pa.types.is_dictionary(table.schema.field("value").type):
        table = table.unify_dictionaries().combine_chunks()
    grouped = table.group_by(_KEYS).aggregate([("first", "min"), ("last", "max"), ("n", "sum")])
    columns: dict[str, Any] = {}
    for name in _KEYS:
        column: Any = grouped[name].cast(pa.string())
        column = pc.utf8_lower(column) if name == "value" else column
        columns[name] = pc.fill_null(column, pa.scalar("", pa.string()))
    columns |= {"first": grouped["first_min"], "last": grouped["last_max"], "n": grouped["n_sum"]}
    return pa.table(columns)
