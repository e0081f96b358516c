"""What was opened: files on shares, messages in mailboxes, documents in the cloud, by account and address.

Scope asks it how far somebody came: not only that a server was reached, but how many files and messages were read
there, and whether from the intruder's own addresses. What it keeps grows with the number of different things opened.
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

__all__ = ["Access", "Accesses"]

_ROWS_HELD = 200_000
_KEYS = ["kind", "account", "address", "container", "item", "host", "file"]
_INT: Any = pa.int64()
_TIME: Any = pa.timestamp("us", tz="UTC")
_STRING: Any = pa.string()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Access:
    """One account's accesses from one address to one share, mailbox folder or site.

    Attributes:
        kind: ``share``, ``mailbox`` or ``site``.
        container: Its name; of a mailbox its owner and the folder, joined by ``: ``.
        account: Who.
        address: From where; empty if it is not said.
        first_at: First of them, in corrected time.
        last_at: Last of them.
        n_items: Different things opened; 0 if only the container was.
    """

    kind: EntityKind
    container: str
    account: str
    address: str
    first_at: datetime
    last_at: datetime
    n_items: int


class Accesses:
    """First and last access to everything that was opened."""

    def __init__(self) -> None:
        self._held: list[pa.Table] = []
        self._n_held = 0
        self._shift_s: Callable[[str, str], int] | None = None

    def table(self) -> pa.Table:
        """Return all that is known, for :meth:`add` elsewhere."""
        return self._sum_up()

    def add(self, table: pa.Table) -> None:
        """Take in what :meth:`table` gave elsewhere."""
        self._held.append(table)
        self._n_held += table.num_rows

    def observe(self, batch: EventBatch) -> None:
        """Take note of what a batch says was opened."""
        for kind, container, item, rows in _opened(batch):
            data = batch.data if rows is None else batch.data.take(rows)
            n_rows = data.num_rows
            at = data.column("@timestamp")
            self._held.append(
                pa.table(
                    {
                        "kind": pa.repeat(pa.scalar(kind.value, _STRING), n_rows),
                        "account": pc.coalesce(
                            *(data.column(n).cast(_STRING) for n in ("user.name", "user.target.name"))
                        ),
                        "address": data.column("source.ip").cast(_STRING),
                        "container": container,
                        "item": item,
                        "host": data.column("host.name").cast(_STRING),
                        "file": data.column("event.file").cast(_STRING),
                        "first": at,
                        "last": at,
                    }
                )
            )
            self._n_held += n_rows
        if self._n_held > _ROWS_HELD:
            self._sum_up()

    def take(self, other: Accesses) -> None:
        """Take in what another worker saw."""
        self._held += other._held
        self._n_held += other._n_held
        if self._n_held > _ROWS_HELD:
            self._sum_up()

    def shift(self, shift_s: Callable[[str, str], int]) -> None:
        """Correct the times of what is returned from now on."""
        self._shift_s = shift_s

    def by(self, accounts: Collection[str], *, since: datetime) -> tuple[Access, ...]:
        """Return what some accounts opened from a time on, sorted."""
        table = self._sum_up()
        rows = table.filter(pc.is_in(table["account"], value_set=pa.array(sorted(accounts), _STRING)))
        found: dict[tuple[str, str, str, str], list[tuple[datetime, datetime, str]]] = {}
        for row in rows.to_pylist():
            delta = timedelta(seconds=self._shift_s(row["file"], row["host"]) if self._shift_s else 0)
            first, last = row["first"] + delta, row["last"] + delta
            if last >= since:
                key = (row["kind"], row["container"], row["account"], row["address"])
                found.setdefault(key, []).append((max(first, since), last, row["item"]))
        return tuple(
            Access(
                kind=EntityKind(kind),
                container=container,
                account=account,
                address=address,
                first_at=min(first for first, _, _ in opened),
                last_at=max(last for _, last, _ in opened),
                n_items=len({item for _, _, item in opened if item}),
            )
            for (kind, container, account, address), opened in sorted(found.items())
        )

    def _sum_up(self) -> pa.Table:
        whole = _summed(pa.concat_tables(self._held)) if self._held else _EMPTY
        self._held, self._n_held = [whole], 0
        return whole


_EMPTY = pa.schema([*((name, _STRING) for name in _KEYS), ("first", _TIME), ("last", _TIME)]).empty_table()


def _summed(table: pa.Table) -> pa.Table:
    is_known = pc.and_(
        pc.is_valid(table["account"]), pc.and_(pc.is_valid(table["container"]), pc.is_valid(table["first"]))
    )
    grouped = table.filter(is_known).group_by(_KEYS).aggregate([("first", "min"), ("last", "max")])
    nothing = pa.scalar("", _STRING)
    columns: dict[str, Any] = {name: pc.fill_null(grouped[name], nothing) for name in _KEYS}
    return pa.table({**columns, "first": grouped["first_min"], "last": grouped["last_max"]})


def _opened(batch: EventBatch) -> Iterator[tuple[EntityKind, Any, Any, Any]]:
    """Yield what was opened.

    Yields:
        Kind of container; for each access its name and that of the item, null where there is none; and the rows that
        the accesses are of, None for one access a row.
    """
    names = batch.data.schema.names
    event = batch.event_class
    if "security" in event.services and event.event_id in _SHARE_EVENTS and "ShareName" in names:
        share = pc.replace_substring(_text(batch, "ShareName"), pattern="\\\\*\\", replacement="\\")
        host = pc.fill_null(_text(batch, "host.name"), _NOTHING)
        named = pc.binary_join_element_wise(pa.scalar("\\\\", _STRING), host, share, _NOTHING)
        # Pipes to services, not content.
        is_pipe = pc.ends_with(share, pattern="\\IPC$")
        container = pc.if_else(pc.fill_null(is_pipe, pa.scalar(True, pa.bool_())), pa.scalar(None, _STRING), named)
        yield EntityKind.SHARE, container, _text(batch, "RelativeTargetName"), None
    if event.product == "m365":
        yield _mails(batch)
        is_document = pc.is_in(_text(batch, "event.action"), value_set=_DOCUMENT_ACTIONS)
        site = pc.if_else(is_document, _text(batch, "SiteUrl"), pa.scalar(None, _STRING))
        yield EntityKind.SITE, site, _text(batch, "file.path"), None


_DOCUMENT_ACTIONS = pa.array(["FileAccessed", "FileDownloaded", "FileSyncDownloadedFull", "FilePreviewed"], _STRING)


def _mails(batch: EventBatch) -> tuple[EntityKind, Any, Any, Any]:
    """Return each message that a record of MailItemsAccessed names; one that names none is one access."""
    is_read: Any = pc.equal(_text(batch, "event.action"), pa.scalar("MailItemsAccessed", _STRING))
    mailbox = pc.if_else(pc.fill_null(is_read, _FALSE), _text(batch, "email.mailbox"), pa.scalar(None, _STRING))
    named = pc.fill_null(_text(batch, "Folders.FolderItems.InternetMessageId"), _NOTHING)
    items: Any = pc.split_pattern(named, pattern="\n")
    rows = pc.list_parent_indices(items)
    return EntityKind.MAILBOX, mailbox.take(rows), items.flatten(), rows


_SHARE_EVENTS = frozenset({"5140", "5145"})
_NOTHING = pa.scalar("", _STRING)
_FALSE = pa.scalar(False, pa.bool_())


def _text(batch: EventBatch, name: str) -> Any:
    if name not in batch.data.schema.names or batch.data.column(name).type != TEXT:
        return pa.nulls(batch.data.num_rows, _STRING)
    return batch.data.column(name).cast(_STRING)
