"""A person or organisation on a sanctions list, whatever its format, as claims of the authority that keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET  # parsed only by `elements`, which refuses entities

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Source, entity_id, is_date
from stillhunt.knowledge.importer import Imported, Terms
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.scribe import Scribe, record

__all__ = ["Designation", "Listed", "day_of", "designated", "elements"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Designation:
    """An entry of a list.

    Attributes:
        id: What the list calls it.
        kind: What it is; ``unknown`` becomes an organisation of unknown class.
        names: Names of its own; the first is the one it is listed under.
        aliases: Other names, in any script.
        programmes: Programmes or regimes it is listed under.
        listed: Since when, as claims write dates; empty if the list does not say.
        legal_basis: Act that lists it.
        reasons: Statement of reasons, in the list's words.
        born: Dates of birth, as written.
        countries: Countries of nationality or seat.
        positions: Offices and roles, as written.
        linked_to: Names of others on the list it is said to be linked to.
        identifiers: Numbers of papers and registers, as written.
    """

    id: str
    kind: Literal["individual", "organization", "vessel", "aircraft", "unknown"]
    names: Sequence[str]
    aliases: Sequence[str] = ()
    programmes: Sequence[str] = ()
    listed: str = ""
    legal_basis: str = ""
    reasons: str = ""
    born: Sequence[str] = ()
    countries: Sequence[str] = ()
    positions: Sequence[str] = ()
    linked_to: Sequence[str] = ()
    identifiers: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list and who keeps it.

    Attributes:
        key: Short name under which its entries have their ids.
        authority: Who keeps it, and speaks.
        source: The edition that was read.
        method: How its claims are marked.
    """

    key: str
    authority: str
    source: Source
    method: str


def designated(entries: Iterable[Designation], listed: Listed, terms: Terms) -> Imported:
    """Return what a list says, as claims of its authority."""
    entries = list(entries)
    scribe = Scribe(
        terms.speaker or listed.authority, listed.source, method=listed.method, recorded=terms.recorded, tlp=terms.tlp
    )
    by_name = {name_key(n): _entity(listed, e) for e in reversed(entries) for n in (*e.aliases, *e.names)}
    problems = []
    for entry in entries:
        try:
            _write(scribe, listed, entry, by_name)
        except ClaimError as error:
            where = f"{listed.source.title}: {entry.id}"
            problems.append(Problem(code=error.code, message=error.message, where=where, hint=error.hint))
    return Imported(claims=scribe.claims, problems=tuple(problems))


def _entity(listed: Listed, entry: Designation) -> str:
    return entity_id("identity", f"{listed.key}:{entry.id}")


def _write(scribe: Scribe, listed: Listed, entry: Designation, by_name: dict[str, str]) -> None:
    subject, say = _entity(listed, entry), scribe.say
    names = [n for n in dict.fromkeys(_clean(n) for n in entry.names) if n]
    if not names:
        raise ClaimError("the entry has no name", hint="it is left out")
    for name in names:
        say(subject, "name", value=name, quote=record(id=entry.id, name=name))
    for alias in dict.fromkeys(_clean(a) for a in entry.aliases):
        if alias and alias not in names:
            say(subject, "alias", value=alias, quote=record(id=entry.id, alias=alias))
    say(subject, "identity-class", value=entry.kind, quote=record(id=entry.id, type=entry.kind))
    say(subject, "external-id", value=f"{listed.key} {entry.id}", quote=record(id=entry.id))
    for programme in dict.fromkeys(entry.programmes or [listed.authority]):
        quote = record(id=entry.id, name=names[0], programme=programme, listed=entry.listed, basis=entry.legal_basis)
        since = entry.listed if is_date(entry.listed) else ""
        say(subject, "sanctioned", value=f"{listed.authority}: {programme}", quote=quote, valid_from=since)
    literals = (
        ("legal-basis", [entry.legal_basis]),
        ("statement-of-reasons", [entry.reasons]),
        ("birth-date", entry.born),
        ("position", entry.positions),
        ("identifier", entry.identifiers),
    )
    for predicate, values in literals:
        for value in dict.fromkeys(_clean(v) for v in values):
            if value:
                say(subject, predicate, value=value, quote=value)
    for country in dict.fromkeys(entry.countries):
        place = find_place(country)
        if place is not None:
            say(subject, "located-at", object=scribe.place(place), quote=record(id=entry.id, country=country))
    for name in dict.fromkeys(entry.linked_to):
        other = by_name.get(name_key(name))
        if other is not None and other != subject:
            say(subject, "linked-to", object=other, quote=record(id=entry.id, linked_to=name))


def _clean(text: str) -> str:
    return " ".join(text.split())


_WRITTEN = (
    (re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})"), (1, 2, 3)),
    (re.compile(r"^(\d{1,2})[./](\d{1,2})[./](\d{4})"), (3, 2, 1)),
    (re.compile(r"^(\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\d{4})"), (3, 2, 1)),
)


def day_of(written: str, *, is_american: bool = False) -> str:
    """Return a day as claims write it, from how lists write it; empty if it is none.

    >>> day_of("25 Mar 2024"), day_of("30.7.2020"), day_of("03/25/2024", is_american=True)
    ('2024-03-25', '2020-07-30', '2024-03-25')
    """
    for pattern, (year, month, day) in _WRITTEN:
        match = pattern.match(written.strip())
        if match is None:
            continue
        middle = match[month].lower()
        number = _MONTHS.index(middle) + 1 if middle in _MONTHS else int(middle) if middle.isdigit() else 0
        days = int(match[day])
        if is_american and "/" in written:
            number, days = days, number
        found = f"{match[year]}-{number:02}-{days:02}"
        return found if is_date(found) else ""
    return ""


def elements(path: Path, *tags: str) -> Iterator[ET.Element]:
    """Yield the elements of these names in a file as they end, without their namespace; one at a time is in memory.

    Raises:
        InputError: It is not XML, or declares entities, which no list does.
    """
    try:
        with path.open("rb") as file:
            if b"<!ENTITY" in file.read(65_536):
                raise InputError("declares entities, as no sanctions list does", where=str(path), hint="not read")
        for _, element in ET.iterparse(path):  # noqa: S314  # without entities there is nothing to expand
            for inner in element.iter() if element.tag.rpartition("}")[2] in tags else (element,):
                inner.tag = inner.tag.rpartition("}")[2]
            if element.tag in tags:
                yield element
                element.clear()
    except (OSError, ET.ParseError) as error:
        raise InputError(f"cannot be read as XML: {error}", where=str(path)) from error
