"""What may be seen of a store: at a date, up to a marking. Every reader and exporter asks here and nowhere else.

A claim is seen at a date if its source was published by then (if that is not known: if it had been recorded), and it
had not been taken back. What lies above the ceiling does not exist: no name, no count, no error speaks of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, distinct, exists, func, or_, select, text

from stillhunt.knowledge.claim import Claim, Claims, Source
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.store.rows import NAMING, to_claim, to_source
from stillhunt.knowledge.store.schema import CLAIM, ENTITY, EVENT, OPERATION, SOURCE
from stillhunt.terms.marking import Tlp

__all__ = ["Found", "View"]

_SUBJECT, _OBJECT, _SPEAKER = ENTITY.alias("subject"), ENTITY.alias("object"), ENTITY.alias("speaker")
_AT_ONCE = 500
"""Ids in one question: SQLite allows some thousand, older ones 999."""

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts without spaces between words, or whose words are found by parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A claim that a search found.

    Attributes:
        claim: The claim.
        where: ``value`` or ``quote``: where the words lie.
    """

    claim: Claim
    where: str


class View:
    """The claims of a store that may be seen.

    Args:
        connection: To the store.
        as_of: Day (``2024-03-25``) up to which claims are seen; None for all that stand.
        ceiling: Strictest marking that is seen.
    """

    def __init__(self, connection: Connection, *, as_of: str | None = None, ceiling: Tlp = Tlp.RED) -> None:
        self._connection = connection
        self.as_of = as_of
        self.ceiling = ceiling
        self._names: dict[str, str] = {}
        self._sources: dict[str, Source] = {}

    def count(self) -> int:
        """Return the number of claims seen."""
        return self._connection.scalar(select(func.count()).select_from(CLAIM).where(*self._seen())) or 0

    def stamp(self) -> str:
        """Return a word that changes whenever what stands may have; cheap, unlike a digest."""
        events = self._connection.scalar(select(func.count()).select_from(EVENT)) or 0
        last = self._connection.scalar(select(func.coalesce(func.max(OPERATION.c.n), 0))) or 0
        first = self._connection.scalar(select(CLAIM.c.id).order_by(CLAIM.c.n).limit(1)) or ""
        return f"{last}:{events}:{first}"

    def counts(self) -> dict[str, int]:
        """Return the number of claims seen by predicate, most common first."""
        asked = (
            select(CLAIM.c.predicate, func.count().label("n"))
            .where(*self._seen())
            .group_by(CLAIM.c.predicate)
            .order_by(text("n DESC"), CLAIM.c.predicate)
        )
        return {row.predicate: row.n for row in self._connection.execute(asked)}

    def claims(self, ids: Iterable[str]) -> list[Claim]:
        """Return the claims of these ids that are seen, in order of id."""
        return self._in_parts(sorted(set(ids)), CLAIM.c.id.in_)

    def about(self, entities: Iterable[str], *predicates: str) -> list[Claim]:
        """Return the claims whose subject is one of these entities, in order of predicate and id.

        Args:
            entities: Their ids.
            predicates: Only these; all if none is given.
        """
        wanted = [CLAIM.c.predicate.in_(predicates)] if predicates else []
        return self._in_parts(sorted(set(entities)), lambda some: and_(_is_in(CLAIM.c.subject, some), *wanted))

    def pointing_at(self, entities: Iterable[str], *predicates: str) -> list[Claim]:
        """Return the claims whose object is one of these entities, in order of predicate and id."""
        wanted = [CLAIM.c.predicate.in_(predicates)] if predicates else []
        return self._in_parts(sorted(set(entities)), lambda some: and_(_is_in(CLAIM.c.object, some), *wanted))

    def n_pointing_at(self, entities: Iterable[str], *predicates: str) -> dict[str, int]:
        """Return how many subjects assert one of these things of each of these entities; of none, no entry."""
        found: dict[str, int] = {}
        for some in _parts(sorted(set(entities))):
            asked = (
                select(_OBJECT.c.id, func.count(distinct(CLAIM.c.subject)).label("count"))
                .join(_OBJECT, CLAIM.c.object == _OBJECT.c.n)
                .where(_is_in(CLAIM.c.object, some), CLAIM.c.predicate.in_(predicates), CLAIM.c.polarity > 0)
                .where(*self._seen())
                .group_by(_OBJECT.c.id)
            )
            found |= {row.id: row.count for row in self._connection.execute(asked)}
        return found

    def saying(self, *predicates: str) -> list[Claim]:
        """Return all claims that say one of these things, in order of id."""
        return self._ask(self._select().where(CLAIM.c.predicate.in_(predicates)).order_by(CLAIM.c.id))

    def denials(self) -> list[Claim]:
        """Return all claims that something is not so, in order of id."""
        return self._ask(self._select().where(CLAIM.c.polarity < 0).order_by(CLAIM.c.id))

    def named(self, name: str) -> list[Claim]:
        """Return the claims that give this name, in whatever spelling, or id of a catalogue, to an entity."""
        key = name_key(name)
        return self._ask(self._select().where(CLAIM.c.key == key).order_by(CLAIM.c.id)) if key else []

    def with_keys(self, keys: Iterable[str]) -> list[Claim]:
        """Return the claims that give one of these names, as keys, to an entity."""
        return self._in_parts(sorted(set(keys)), CLAIM.c.key.in_)

    def names(self) -> list[tuple[str, str]]:
        """Return every (name, entity) that a claim asserts, in order; what fuzzy matching looks through."""
        asked = (
            select(CLAIM.c.value, _SUBJECT.c.id)
            .join(_SUBJECT, CLAIM.c.subject == _SUBJECT.c.n)
            .where(CLAIM.c.predicate.in_(NAMING - {"external-id"}), CLAIM.c.polarity > 0, *self._seen())
            .distinct()
            .order_by(CLAIM.c.value, _SUBJECT.c.id)
        )
        return [(row.value, row.id) for row in self._connection.execute(asked)]

    def search(self, words: str, *, limit: int = 20) -> list[Found]:
        """Return the claims whose quote or value holds all these words, best first.

        Args:
            words: Words in any order; the last may be unfinished.
            limit: At most so many.
        """
        terms = re.findall(r"\w+", words)
        if not terms:
            return []
        numbers = self._numbers_of(terms, limit)
        rows = self._rows(self._select().where(CLAIM.c.n.in_(numbers)))
        by_number = {row.n: to_claim(row) for row in rows}
        first = terms[0].casefold()
        found = [by_number[n] for n in numbers if n in by_number]
        return [Found(claim=c, where="value" if first in c.value.casefold() else "quote") for c in found]

    def sources(self, ids: Iterable[str]) -> dict[str, Source]:
        """Return the sources of these ids that a claim seen here rests on."""
        wanted = set(ids)
        used = exists().where(CLAIM.c.source == SOURCE.c.n, *self._seen())
        for some in _parts(sorted(wanted - self._sources.keys())):
            for row in self._connection.execute(select(SOURCE).where(SOURCE.c.id.in_(some), used)):
                self._sources[row.id] = to_source(row)
        return {i: self._sources[i] for i in sorted(wanted) if i in self._sources}

    def everything(self) -> Claims:
        """Return all claims seen with their sources, in order of id."""
        claims = {c.id: c for c in self._ask(self._select().order_by(CLAIM.c.id))}
        used = select(CLAIM.c.source).where(*self._seen())
        rows = self._connection.execute(select(SOURCE).where(SOURCE.c.n.in_(used)).order_by(SOURCE.c.id))
        return Claims(sources={row.id: to_source(row) for row in rows}, claims=claims)

    def name_of(self, entity: str) -> str:
        """Return the name that an entity goes by here; its id if it has none."""
        return self.names_of([entity])[entity]

    def names_of(self, entities: Iterable[str]) -> dict[str, str]:
        """Return the name of each entity: its own before an alias, then the one said most often, then by spelling."""
        wanted = set(entities)
        missing = sorted(wanted - self._names.keys() - {""})
        counts: dict[str, dict[tuple[int, str], int]] = {}
        for claim in self.about(missing, "name", "alias") if missing else ():
            if not claim.is_denial:
                rank = (0 if claim.predicate == "name" else 1, claim.value)
                counted = counts.setdefault(claim.subject, {})
                counted[rank] = counted.get(rank, 0) + 1
        for entity in missing:
            best = min(counts.get(entity, {}).items(), key=lambda i: (i[0][0], -i[1], i[0][1]), default=None)
            self._names[entity] = entity if best is None else best[0][1]
        return {entity: self._names[entity] for entity in wanted if entity}

    def _numbers_of(self, terms: Sequence[str], limit: int) -> list[int]:
        if any(_UNSPACED.search(term) for term in terms):
            held = [or_(CLAIM.c.value.contains(t), CLAIM.c.quote.contains(t)) for t in terms]
            return list(
                self._connection.scalars(select(CLAIM.c.n).where(*held, *self._seen()).order_by(CLAIM.c.n).limit(limit))
            )
        if self._connection.dialect.name != "sqlite":
            query = " & ".join([*terms[:-1], f"{terms[-1]}:*"])
            words = func.to_tsvector(text("'simple'"), CLAIM.c.value + " " + CLAIM.c.quote)
            asked = func.to_tsquery(text("'simple'"), query)
            statement = select(CLAIM.c.n).where(words.op("@@")(asked), *self._seen()).order_by(CLAIM.c.n)
            return list(self._connection.scalars(statement.limit(limit)))
        return self._full_text(" ".join([*(f'"{t}"' for t in terms[:-1]), f'"{terms[-1]}"*']), limit)

    def _full_text(self, query: str, limit: int) -> list[int]:
        """Return numbers by rank; of very common words the first claims only, since ranking reads them all."""
        hits = select(text("rowid AS n")).select_from(text("claim_text")).where(text("claim_text MATCH :query"))
        common = self._connection.scalar(
            select(func.count()).select_from(hits.limit(_RANKED + 1).subquery()), {"query": query}
        )
        order = text("bm25(claim_text, 4.0, 1.0), rowid") if (common or 0) <= _RANKED else text("rowid")
        numbers = list(self._connection.scalars(hits.order_by(order).limit(_RANKED), {"query": query}))
        seen: list[int] = []
        for some in _parts(numbers):
            allowed = set(self._connection.scalars(select(CLAIM.c.n).where(CLAIM.c.n.in_(some), *self._seen())))
            seen += [n for n in some if n in allowed]
        return seen[:limit]

    def _seen(self) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if self.ceiling < Tlp.RED:
            conditions.append(CLAIM.c.marking <= int(self.ceiling))
        if self.as_of is None:
            conditions.append(CLAIM.c.retracted == "")
        else:
            conditions.append(CLAIM.c.known <= self.as_of)
            conditions.append(or_(CLAIM.c.retracted == "", func.substr(CLAIM.c.retracted, 1, 10) > self.as_of))
        return conditions

    def _select(self) -> Select[Any]:
        return (
            select(
                CLAIM,
                _SUBJECT.c.id.label("subject_id"),
                _OBJECT.c.id.label("object_id"),
                _SPEAKER.c.id.label("speaker_id"),
                SOURCE.c.id.label("source_id"),
            )
            .join(_SUBJECT, CLAIM.c.subject == _SUBJECT.c.n)
            .outerjoin(_OBJECT, CLAIM.c.object == _OBJECT.c.n)
            .join(_SPEAKER, CLAIM.c.speaker == _SPEAKER.c.n)
            .join(SOURCE, CLAIM.c.source == SOURCE.c.n)
            .where(*self._seen())
        )

    def _rows(self, asked: Select[Any]) -> Iterator[Any]:
        yield from self._connection.execute(asked)

    def _ask(self, asked: Select[Any]) -> list[Claim]:
        return [to_claim(row) for row in self._rows(asked)]

    def _in_parts(self, ids: Sequence[str], condition: Callable[[Sequence[str]], ColumnElement[bool]]) -> list[Claim]:
        found = [c for some in _parts(ids) for c in self._ask(self._select().where(condition(some)))]
        return sorted(found, key=lambda c: (c.predicate, c.id))


_RANKED = 2_000
"""Hits that are ranked or looked through; more are taken in the order in which they were recorded."""


def _is_in(column: ColumnElement[Any], ids: Sequence[str]) -> ColumnElement[bool]:
    """Say that a column leads to one of these entities, so that its index is used whatever is known of the table."""
    return column.in_(select(ENTITY.c.n).where(ENTITY.c.id.in_(ids)))


def _parts(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(ids), _AT_ONCE):
        yield ids[begin : begin + _AT_ONCE]
