"""The tables of the store and the steps that lead an older store to them.

Rows of ``source``, ``entity`` and ``claim`` are never changed in what they say. Whether a claim stands is a column of
its own, and ``event`` keeps every time it was taken in, taken back or restored, and by which operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    inspect,
    text,
)

from stillhunt.errors import EngineError

__all__ = ["CLAIM", "ENTITY", "EVENT", "META", "OPERATION", "SOURCE", "VERSION", "index_text", "migrate"]

TABLES = MetaData()

META = Table("meta", TABLES, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

SOURCE = Table(
    "source",
    TABLES,
    Column("n", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("published", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("tlp", SmallInteger, nullable=False),
    Column("reliability", Text, nullable=False),
    Column("text", Text, nullable=False),
)

ENTITY = Table(
    "entity",
    TABLES,
    Column("n", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
)

OPERATION = Table(
    "operation",
    TABLES,
    Column("n", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # import, retract, undo ...
    Column("note", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("undoes", Integer, ForeignKey("operation.n")),
)

CLAIM = Table(
    "claim",
    TABLES,
    Column("n", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("subject", Integer, ForeignKey("entity.n"), nullable=False),
    Column("predicate", Text, nullable=False),
    Column("object", Integer, ForeignKey("entity.n")),
    Column("value", Text, nullable=False),
    Column("key", Text),  # of a name: under which its spellings meet
    Column("polarity", SmallInteger, nullable=False),  # 1 asserts, -1 denies
    Column("speaker", Integer, ForeignKey("entity.n"), nullable=False),
    Column("source", Integer, ForeignKey("source.n"), nullable=False),
    Column("quote", Text, nullable=False),
    Column("start", Integer),
    Column("term", Text),
    Column("scale", Text),
    Column("low", Float),
    Column("high", Float),
    Column("confidence", Text, nullable=False),
    Column("credibility", SmallInteger),
    Column("valid_from", Text, nullable=False),
    Column("valid_until", Text, nullable=False),
    Column("tlp", SmallInteger, nullable=False),
    Column("marking", SmallInteger, nullable=False),  # the stricter of the claim's and its source's
    Column("method", Text, nullable=False),
    Column("known", Text, nullable=False),  # day by which it was published, else recorded
    Column("recorded", Text, nullable=False),
    Column("retracted", Text, nullable=False),
    Index("claim_subject", "subject", "predicate"),
    Index("claim_object", "object", "predicate"),
    Index("claim_predicate", "predicate", "subject"),
    Index("claim_key", "key"),
    Index("claim_source", "source"),
    Index("claim_denial", "polarity", sqlite_where=text("polarity < 0"), postgresql_where=text("polarity < 0")),
)

EVENT = Table(
    "event",
    TABLES,
    Column("operation", Integer, ForeignKey("operation.n"), primary_key=True),
    Column("claim", Integer, ForeignKey("claim.n"), primary_key=True),
    Column("verb", Text, nullable=False),  # add, retract, restore
)

VERSION = "1"
"""Of the tables above; kept in ``meta``."""


def _first(connection: Connection) -> None:
    """Lay the tables, and the index of words."""
    TABLES.create_all(connection)
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                "CREATE VIRTUAL TABLE IF NOT EXISTS claim_text USING fts5(value, quote, content='claim', "
                "content_rowid='n', tokenize=\"unicode61 remove_diacritics 2\")"
            )
        )
    else:
        connection.execute(
            text(
                "CREATE INDEX IF NOT EXISTS claim_text ON claim "
                "USING gin (to_tsvector('simple', value || ' ' || quote))"
            )
        )


_STEPS: Sequence[tuple[str, Callable[[Connection], None]]] = (("1", _first),)
"""(version it leads to, what it does), in order. A step of a release stays as it is."""


def migrate(connection: Connection) -> None:
    """Lead a store, or an empty database, to the tables of this version.

    Raises:
        EngineError: It was written by a later version of stillhunt.
    """
    known = [version for version, _ in _STEPS]
    has_meta = inspect(connection).has_table("meta")
    found = connection.scalar(text("SELECT value FROM meta WHERE key = 'version'")) if has_meta else None
    if found is not None and found not in known:
        raise EngineError(
            f"the knowledge base has tables of version {found}, this stillhunt knows {VERSION}",
            hint="use the stillhunt that wrote it, or a newer one",
        )
    if found == VERSION:
        return
    for version, step in _STEPS[0 if found is None else known.index(found) + 1 :]:
        step(connection)
        connection.execute(META.delete().where(META.c.key == "version"))
        connection.execute(META.insert().values(key="version", value=version))


def index_text(connection: Connection, after: int) -> None:
    """Put the words of the claims above a number into the index; a server does so by itself."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("INSERT INTO claim_text (rowid, value, quote) SELECT n, value, quote FROM claim WHERE n > :after"),
            {"after": after},
        )
