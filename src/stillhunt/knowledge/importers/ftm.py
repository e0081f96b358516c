"""FollowTheMoney: entities as JSON lines, or statements as CSV; persons, companies, and what lies between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Source, entity_id, is_date, source_of
from stillhunt.knowledge.ftm import COLUMNS, INTERVALS, LITERALS, SCHEMATA
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.knowledge.tabular import rows

__all__ = ["IMPORTER"]

_OURS = ("identity--", "intrusion-set--", "threat-actor--")
_COUNTRIES = ("country", "nationality", "jurisdiction", "mainCountry", "citizenship")


@dataclass(slots=True, kw_only=True)
class _Entity:
    """An entity of FollowTheMoney: its properties with the datasets that state them."""

    id: str
    schema: str
    properties: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def _read(path: Path, terms: Terms) -> Imported:
    entities = list(_statements(path) if path.suffix == ".csv" else _lines(path))
    reader = _Reader(path, terms, {e.id: e for e in entities})
    problems = []
    for entity in entities:
        try:
            reader.take(entity)
        except ClaimError as error:
            where = f"{path.name}: {entity.id}"
            problems.append(Problem(code=error.code, message=error.message, where=where, hint=error.hint))
    return Imported(claims=reader.scribe.claims, problems=tuple(problems))


def _lines(path: Path) -> Iterator[_Entity]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _entity(msgspec.json.decode(line), f"{path}:{number}")
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"is no FollowTheMoney entity: {error}", where=str(path)) from error


def _entity(raw: Any, where: str) -> _Entity:
    if not (isinstance(raw, dict) and isinstance(raw.get("id"), str) and isinstance(raw.get("schema"), str)):
        raise InputError("is no FollowTheMoney entity: it has no `id` or `schema`", where=where)
    entity = _Entity(id=raw["id"], schema=raw["schema"])
    datasets = raw.get("datasets")
    dataset = str(datasets[0]) if isinstance(datasets, list) and datasets else ""
    properties = raw.get("properties")
    for prop, values in properties.items() if isinstance(properties, dict) else ():
        for value in values if isinstance(values, list) else [values]:
            text = value.get("id", "") if isinstance(value, dict) else str(value)
            entity.properties[prop].setdefault(text, dataset)
    return entity


def _statements(path: Path) -> Iterator[_Entity]:
    entities: dict[str, _Entity] = {}
    for row in rows(path, heading=COLUMNS):
        number = row.get("canonical_id") or row.get("entity_id", "")
        if number and row.get("value") and row.get("prop") != "id":
            entity = entities.setdefault(number, _Entity(id=number, schema=row.get("schema", "")))
            entity.properties[row["prop"]].setdefault(row["value"], row.get("dataset", ""))
    yield from entities.values()


class _Reader:
    def __init__(self, path: Path, terms: Terms, known: dict[str, _Entity]) -> None:
        self._terms = terms
        self._known = known
        self._title = terms.title or path.name
        source = self._source("")
        speaker = terms.speaker or f"whoever wrote {path.name}"
        self.scribe = Scribe(speaker, source, method="import:ftm", recorded=terms.recorded, tlp=terms.tlp)

    def take(self, entity: _Entity) -> None:
        """Write down what an entity says of somebody, or of what lies between two."""
        if entity.schema in INTERVALS:
            self._interval(entity)
        elif entity.schema == "Sanction":
            self._sanction(entity)
        elif entity.schema in SCHEMATA:
            self._somebody(entity)

    def _somebody(self, entity: _Entity) -> None:
        subject = self._ref(entity.id)
        for prop, values in entity.properties.items():
            for value, dataset in values.items():
                quote, source = record(id=entity.id, **{prop: value}), self._source(dataset)
                if prop in LITERALS and value.strip():
                    self.scribe.say(subject, LITERALS[prop], value=value, quote=quote, source=source)
                elif prop in _COUNTRIES and (place := find_place(value)) is not None:
                    there = self.scribe.place(place)
                    self.scribe.say(subject, "located-at", object=there, quote=quote, source=source)
        quote = record(id=entity.id, schema=entity.schema)
        self.scribe.say(subject, "identity-class", value=SCHEMATA[entity.schema], quote=quote)

    def _interval(self, entity: _Entity) -> None:
        one, other, predicate = INTERVALS[entity.schema]
        since, until = self._span(entity)
        for subject, dataset in entity.properties.get(one, {}).items():
            for end in entity.properties.get(other, {}):
                quote = record(
                    id=entity.id, schema=entity.schema, **{one: subject, other: end}, role=self._role(entity)
                )
                self.scribe.say(
                    self._ref(subject),
                    predicate,
                    object=self._ref(end),
                    quote=quote,
                    source=self._source(dataset),
                    valid_from=since,
                    valid_until=until,
                )

    def _sanction(self, entity: _Entity) -> None:
        since, until = self._span(entity)
        authority = next(iter(entity.properties.get("authority", {})), "an authority")
        programmes = entity.properties.get("program") or entity.properties.get("programId") or {"sanctions": ""}
        for subject, dataset in entity.properties.get("entity", {}).items():
            for programme in programmes:
                self.scribe.say(
                    self._ref(subject),
                    "sanctioned",
                    value=f"{authority}: {programme}",
                    quote=record(id=entity.id, authority=authority, program=programme, startDate=since),
                    source=self._source(dataset),
                    valid_from=since,
                    valid_until=until,
                )

    def _role(self, entity: _Entity) -> str:
        return "; ".join(entity.properties.get("role", {}))

    def _span(self, entity: _Entity) -> tuple[str, str]:
        dates = (next(iter(entity.properties.get(p, {})), "") for p in ("startDate", "endDate"))
        since, until = (d if is_date(d) else "" for d in dates)
        return since, until

    def _ref(self, number: str) -> str:
        return number if number.startswith(_OURS) else entity_id("identity", f"ftm:{number}")

    def _source(self, dataset: str) -> Source:
        title = f"{self._title}: {dataset}" if dataset else self._title
        return source_of(kind="catalogue", title=title, published=self._terms.published, tlp=self._terms.tlp)


def _sniff(path: Path, head: bytes) -> bool:
    first = head.split(b"\n", 1)[0]
    if path.suffix == ".csv":
        return b"canonical_id" in first and b"prop" in first
    return path.suffix in {".json", ".jsonl", ".ijson"} and b'"schema"' in first and b'"properties"' in first


IMPORTER = Importer(title="FollowTheMoney entities or statements", sniff=_sniff, read=_read)
