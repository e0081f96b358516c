"""A store of claims: opened by path or URL, added to, taken back from, undone, looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, insert, select, update
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from stillhunt.errors import EngineError, InputError, MissingExtraError
from stillhunt.knowledge.claim import Claims, type_of
from stillhunt.knowledge.store.rows import claim_row, now, source_row
from stillhunt.knowledge.store.schema import CLAIM, ENTITY, EVENT, META, OPERATION, SOURCE, index_text, migrate
from stillhunt.knowledge.store.view import View
from stillhunt.terms.marking import Tlp

__all__ = ["Operation", "Store"]

_AT_ONCE = 5_000
"""Rows written by one statement."""

_ASKED = 500
"""Ids in one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something that was done to a store.

    Attributes:
        n: Its number; operations are numbered from 1 in the order in which they were done.
        kind: ``import``, ``retract``, ``undo`` ...
        note: What it was about, in words.
        at: When, in UTC.
        undoes: Number of the operation that it undid; None for others.
        n_added: Claims that stand since.
        n_retracted: Claims that no longer stand since.
    """

    n: int
    kind: str
    note: str
    at: str
    undoes: int | None = None
    n_added: int = 0
    n_retracted: int = 0


class Store:
    """Claims in one SQLite file, or in a PostgreSQL database.

    Args:
        where: Path of the file, or a URL such as ``postgresql+psycopg://user@host/name``.
        must_exist: Refuse to create a file.
        read_only: Open a file without writing to it, not even a lock beside it.

    Raises:
        InputError: There is no such file, or the URL is none.
        EngineError: The database cannot be opened, or is of a later version.
        MissingExtraError: The driver for the URL is not installed.
    """

    def __init__(self, where: str | Path, *, must_exist: bool = False, read_only: bool = False) -> None:
        self.where = str(where)
        self._engine = _engine(where, must_exist=must_exist, read_only=read_only)
        if not read_only:
            with self._begin() as connection:
                migrate(connection)

    def close(self) -> None:
        """Let go of the file or server."""
        self._engine.dispose()

    @contextmanager
    def view(self, *, as_of: str | None = None, ceiling: Tlp = Tlp.RED) -> Iterator[View]:
        """Look at what stands, or stood at a day, up to a marking; one consistent state for as long as it is open."""
        with _told(self.where), self._engine.connect() as connection:
            yield View(connection, as_of=as_of, ceiling=ceiling)

    def add(self, claims: Claims, *, kind: str = "import", note: str = "") -> Operation:
        """Take in claims; those that stand already change nothing, those that were taken back stand again.

        Args:
            claims: With all their sources.
            kind: What the operation is called.
            note: What it is about.

        Returns:
            What was done; ``n_added`` counts the claims that did not stand before.
        """
        at = now()
        with self._begin() as connection:
            known = _numbers(connection, CLAIM, claims.claims)
            fresh = [c for c in claims.claims if c not in known]
            back = _retracted(connection, known.values())
            operation = _log(connection, kind=kind, note=note, at=at)
            last = connection.scalar(select(func.coalesce(func.max(CLAIM.c.n), 0))) or 0
            self._insert(connection, claims, fresh, at=at)
            _stand(connection, back, retracted="")
            added = list(connection.scalars(select(CLAIM.c.n).where(CLAIM.c.n > last).order_by(CLAIM.c.n)))
            _write(connection, EVENT, ({"operation": operation, "claim": n, "verb": "add"} for n in added))
            _write(connection, EVENT, ({"operation": operation, "claim": n, "verb": "restore"} for n in back))
            index_text(connection, last)
        return Operation(n=operation, kind=kind, note=note, at=at, n_added=len(added) + len(back))

    def retract(self, ids: Iterable[str], *, note: str) -> Operation:
        """Take claims back; they stay on record, and can be restored by undoing this.

        Args:
            ids: Ids of claims that stand.
            note: Why.

        Raises:
            InputError: One of them does not stand here.
        """
        at, wanted = now(), sorted(set(ids))
        with self._begin() as connection:
            numbers = _numbers(connection, CLAIM, wanted)
            gone = set(_retracted(connection, numbers.values()))
            absent = [i for i in wanted if i not in numbers or numbers[i] in gone]
            if absent:
                raise InputError(f"no claim `{absent[0]}` stands", where=self.where, hint="`know search` shows ids")
            operation = _log(connection, kind="retract", note=note, at=at)
            found = sorted(numbers.values())
            _stand(connection, found, retracted=at)
            _write(connection, EVENT, ({"operation": operation, "claim": n, "verb": "retract"} for n in found))
        return Operation(n=operation, kind="retract", note=note, at=at, n_retracted=len(found))

    def undo(self, number: int | None = None) -> Operation:
        """Undo an operation: what it added no longer stands, what it took back stands again.

        Args:
            number: Which one; the last that has not been undone if None. Only that one can be undone: an earlier
                one would take away what later ones rest on.

        Raises:
            InputError: There is nothing to undo, or later operations have to be undone first.
        """
        at = now()
        with self._begin() as connection:
            last = _last(connection)
            if last is None:
                raise InputError("nothing is left to undo", where=self.where, hint="`know log` shows what was done")
            if number is not None and number != last:
                hint = f"undo operation {last} first; `know log` shows what was done"
                raise InputError(f"operation {number} is not the last that stands", where=self.where, hint=hint)
            operation = _log(connection, kind="undo", note=f"operation {last}", at=at, undoes=last)
            done = connection.execute(select(EVENT.c.claim, EVENT.c.verb).where(EVENT.c.operation == last)).all()
            gone = sorted(row.claim for row in done if row.verb != "retract")
            back = sorted(row.claim for row in done if row.verb == "retract")
            _stand(connection, gone, retracted=at)
            _stand(connection, back, retracted="")
            _write(connection, EVENT, ({"operation": operation, "claim": n, "verb": "retract"} for n in gone))
            _write(connection, EVENT, ({"operation": operation, "claim": n, "verb": "restore"} for n in back))
        return Operation(
            n=operation,
            kind="undo",
            note=f"operation {last}",
            at=at,
            undoes=last,
            n_added=len(back),
            n_retracted=len(gone),
        )

    def operations(self) -> list[Operation]:
        """Return everything that was done, in order."""
        counted = select(
            EVENT.c.operation,
            func.sum((EVENT.c.verb == "retract").cast(CLAIM.c.n.type)).label("gone"),
            func.count().label("n"),
        ).group_by(EVENT.c.operation)
        with _told(self.where), self._engine.connect() as connection:
            by_number = {row.operation: (row.n - row.gone, row.gone) for row in connection.execute(counted)}
            rows = connection.execute(select(OPERATION).order_by(OPERATION.c.n)).all()
        return [
            Operation(
                n=row.n,
                kind=row.kind,
                note=row.note,
                at=row.at,
                undoes=row.undoes,
                n_added=by_number.get(row.n, (0, 0))[0],
                n_retracted=by_number.get(row.n, (0, 0))[1],
            )
            for row in rows
        ]

    def digest(self) -> str:
        """Return a SHA-256 over the ids of the claims that stand: equal for equal knowledge, whatever led to it."""
        whole = hashlib.sha256()
        with _told(self.where), self._engine.connect() as connection:
            for claim in connection.scalars(select(CLAIM.c.id).where(CLAIM.c.retracted == "").order_by(CLAIM.c.id)):
                whole.update(claim.encode() + b"\n")
        return whole.hexdigest()

    def remember(self, key: str, value: str) -> None:
        """Keep a word about the store itself, such as what it was built from."""
        with self._begin() as connection:
            connection.execute(META.delete().where(META.c.key == key))
            connection.execute(META.insert().values(key=key, value=value))

    def recall(self, key: str) -> str:
        """Return what was kept under a key; empty if nothing was."""
        with _told(self.where), self._engine.connect() as connection:
            return connection.scalar(select(META.c.value).where(META.c.key == key)) or ""

    def shrink(self) -> None:
        """Gather statistics for the planner; for a file, put it in order and leave no log beside it."""
        with _told(self.where), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("INSERT INTO claim_text (claim_text) VALUES ('optimize')")
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
                connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
            else:
                connection.exec_driver_sql("ANALYZE claim")
                connection.commit()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with _told(self.where), self._engine.begin() as connection:
            yield connection

    def _insert(self, connection: Connection, claims: Claims, fresh: list[str], *, at: str) -> None:
        chosen = [claims.claims[c] for c in fresh]
        used = {c.source for c in chosen}
        sources = {s.id: s for s in claims.sources.values() if s.id in used}
        entities = list(dict.fromkeys(e for c in chosen for e in (c.subject, c.object, c.speaker) if e))
        known = _numbers(connection, SOURCE, sources)
        _write(connection, SOURCE, (source_row(s) for s in sources.values() if s.id not in known))
        known = _numbers(connection, ENTITY, entities)
        _write(connection, ENTITY, ({"id": e, "type": type_of(e)} for e in entities if e not in known))
        source_numbers = _numbers(connection, SOURCE, sources)
        entity_numbers = _numbers(connection, ENTITY, entities)
        rows = (
            claim_row(c, sources[c.source], entities=entity_numbers, source_n=source_numbers[c.source], at=at)
            for c in chosen
        )
        _write(connection, CLAIM, rows)


def _engine(where: str | Path, *, must_exist: bool, read_only: bool) -> Engine:
    if "://" in str(where):
        try:
            return create_engine(str(where), poolclass=NullPool)
        except (ArgumentError, NoSuchModuleError) as error:
            raise InputError(f"no database can be reached by this: {error}", hint="postgresql+psycopg://…") from error
        except ModuleNotFoundError as error:
            raise MissingExtraError(str(error.name), "postgres") from error
    path = Path(where)
    if (must_exist or read_only) and not path.is_file():
        raise InputError("there is no knowledge base", where=str(path), hint="`know import` makes one")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    # immutable: the file is ours, whole, and written by nobody any more.
    tail = "?mode=ro&immutable=1&uri=true" if read_only else "?uri=true"
    engine = create_engine(f"sqlite:///file:{quote(str(path.absolute()))}{tail}", poolclass=NullPool)
    event.listen(engine, "connect", _read_settings if read_only else _write_settings)
    return engine


def _read_settings(raw: Any, record: object) -> None:
    del record
    raw.execute("PRAGMA mmap_size = 268435456")


def _write_settings(raw: Any, record: object) -> None:
    del record
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = NORMAL")
    raw.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say where the trouble is if the database itself refuses."""
    try:
        yield
    except OperationalError as error:
        raise EngineError(f"the knowledge base cannot be used: {error.orig}", where=where) from error
    except DatabaseError as error:
        hint = "it is no knowledge base of stillhunt, or it is damaged"
        raise EngineError(f"the knowledge base cannot be read: {error.orig}", where=where, hint=hint) from error


def _log(connection: Connection, *, kind: str, note: str, at: str, undoes: int | None = None) -> int:
    row = insert(OPERATION).values(kind=kind, note=note, at=at, undoes=undoes).returning(OPERATION.c.n)
    number: int = connection.execute(row).scalar_one()
    return number


def _last(connection: Connection) -> int | None:
    """Return the number of the last operation that is neither an undoing nor undone."""
    undone = select(OPERATION.c.undoes).where(OPERATION.c.undoes.is_not(None))
    standing = select(func.max(OPERATION.c.n)).where(OPERATION.c.undoes.is_(None), OPERATION.c.n.not_in(undone))
    last: int | None = connection.scalar(standing)
    return last


def _numbers(connection: Connection, table: Any, ids: Iterable[str]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for some in _parts(list(ids), _ASKED):
        found |= {
            row.id: row.n for row in connection.execute(select(table.c.id, table.c.n).where(table.c.id.in_(some)))
        }
    return found


def _retracted(connection: Connection, numbers: Iterable[int]) -> list[int]:
    gone: list[int] = []
    for some in _parts(sorted(numbers), _ASKED):
        asked: Select[Any] = select(CLAIM.c.n).where(CLAIM.c.n.in_(some), CLAIM.c.retracted != "")
        gone += connection.scalars(asked)
    return sorted(gone)


def _stand(connection: Connection, numbers: list[int], *, retracted: str) -> None:
    for some in _parts(numbers, _ASKED):
        connection.execute(update(CLAIM).where(CLAIM.c.n.in_(some)).values(retracted=retracted))


def _write(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    for some in _parts(list(rows), _AT_ONCE):
        connection.execute(insert(table), some)


def _parts(things: list[Any], size: int) -> Iterator[list[Any]]:
    for begin in range(0, len(things), size):
        yield things[begin : begin + size]
