"""What is known of an event that matched something: where it lies, and what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from stillhunt.detection.fold import EntityKey, Match
from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.entity import EntityKind

__all__ = ["ENTITY_COLUMNS", "PLACE_COLUMNS", "Fact", "Facts", "entities_of"]

ENTITY_COLUMNS: tuple[tuple[str, EntityKind, str], ...] = (
    ("host.name", EntityKind.HOST, ""),
    ("user.name", EntityKind.ACCOUNT, "subject"),
    ("user.target.name", EntityKind.ACCOUNT, "target"),
    ("source.ip", EntityKind.ADDRESS, "source"),
    ("destination.ip", EntityKind.ADDRESS, "destination"),
    ("destination.domain", EntityKind.DOMAIN, "destination"),
    ("process.executable", EntityKind.PROCESS, ""),
    ("process.entity_id", EntityKind.PROCESS_ID, "subject"),
    ("process.parent.entity_id", EntityKind.PROCESS_ID, "parent"),
    ("file.path", EntityKind.FILE, ""),
    ("file.hash.sha256", EntityKind.HASH, ""),
    ("service.name", EntityKind.SERVICE, ""),
    ("url.path", EntityKind.URL, ""),
    ("email.mailbox", EntityKind.MAILBOX, ""),
)
"""(common column, kind, role) of what a finding is about."""

_CASED = frozenset({EntityKind.PROCESS, EntityKind.FILE, EntityKind.SERVICE})
"""Kinds whose case matters, except on Windows."""

_NOTHING = frozenset({"", "-"})


class Fact(NamedTuple):
    """What is known of one row that matched something."""

    host: str
    file: str
    match: Match
    entities: tuple[EntityKey, ...]


class Facts:
    """The common columns of some rows."""

    def __init__(self, batch: EventBatch, rows: Sequence[int]) -> None:
        taken = (
            batch.data.select(PLACE_COLUMNS).take(pa.array(rows, pa.int64())) if len(rows) else batch.data.slice(0, 0)
        )
        self._taken = taken
        is_cased = batch.event_class.product != "windows"
        columns = [
            entities_of(taken.column(name), kind, role, is_cased=is_cased) for name, kind, role in ENTITY_COLUMNS
        ]
        named = [tuple(e for e in row if e is not None) for row in zip(*columns, strict=True)]
        times = taken.column("@timestamp").cast(pa.int64()).to_pylist()
        places = taken.column("event.place").to_pylist()
        facts = zip(
            _plain(taken.column("host.name")),
            _plain(taken.column("event.file")),
            times,
            taken.column("event.record").to_pylist(),
            places,
            named,
            strict=True,
        )
        self._by_row = {
            row: Fact(
                host or "",
                file or "",
                Match(at is None, at or 0, number or 0, -1 if place is None else place),
                entities,
            )
            for row, (host, file, at, number, place, entities) in zip(rows, facts, strict=True)
        }
        self._places = {row: place for place, row in enumerate(rows)}

    def of(self, row: int) -> Fact:
        """Return what is known of a row."""
        return self._by_row[row]

    def clock(self, row: int) -> str:
        """The field that the time came from."""
        return str(self._taken.column("event.clock")[self._places[row]].as_py() or "")


PLACE_COLUMNS = [
    "@timestamp",
    "event.record",
    "event.place",
    "event.file",
    "event.clock",
    *(column for column, _, _ in ENTITY_COLUMNS),
]


def entities_of(column: Any, kind: EntityKind, role: str, *, is_cased: bool) -> list[EntityKey | None]:
    """Return for each row of a column of text what it says the event is about, or None."""
    if column.null_count == len(column):
        return [None] * len(column)
    known: list[EntityKey | None] = []
    for value in column.dictionary.to_pylist():
        if value is None or value.strip() in _NOTHING:
            known.append(None)
        else:
            known.append((kind.value, value if is_cased and kind in _CASED else value.lower(), role))
    return [None if code is None else known[code] for code in column.indices.to_pylist()]


def _plain(column: Any) -> list[str | None]:
    texts = column.dictionary.to_pylist()
    return [None if code is None else texts[code] for code in column.indices.to_pylist()]
