"""ATT&CK, as STIX: every relationship with its words, resting on each of the reports that it cites.

Reads bundles of any version, Enterprise, Mobile or ICS. What MITRE says of an object without citing anybody rests on
the object's own page, dated by its last change.

Source: MITRE ATT&CK, (c) The MITRE Corporation, reproduced and distributed with its permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import Claims, Source, is_date, source_of
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.markup import cited, plain
from stillhunt.knowledge.scribe import Scribe, record

__all__ = ["IMPORTER", "AttackObject", "Reference", "attack_claims", "references_of"]

MITRE = "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5"
"""MITRE's own id for itself in every bundle."""

_NAMED = frozenset({"intrusion-set", "malware", "tool", "campaign", "attack-pattern"})
_KEPT = {"uses": "uses", "attributed-to": "attributed-to", "revoked-by": "same-as"}
"""Relationships that are claims about who is out there, and what they are called here."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATED = re.compile(r"\((?P<year>(?:19|20)\d\d)(?:,\s*(?P<month>[A-Z][a-z]{2})[a-z]*[.]?(?:\s+(?P<day>\d{1,2}))?)?\)")
_TITLE = re.compile(r"\([^)]*\d{4}[^)]*\)[.]?\s*(?P<title>.+?)[.]?\s*Retrieved\b", re.DOTALL)


class Reference(msgspec.Struct):
    """An external reference of a STIX object."""

    source_name: str = ""
    description: str = ""
    url: str = ""
    external_id: str = ""


class AttackObject(msgspec.Struct):
    """What is read of an object of a bundle; the rest is skipped while decoding."""

    type: str
    id: str = ""
    name: str = ""
    description: str = ""
    modified: str = ""
    aliases: list[str] = []  # msgspec copies a struct's empty default for each instance
    x_mitre_aliases: list[str] = []
    external_references: list[Reference] = []
    revoked: bool = False
    x_mitre_deprecated: bool = False
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    first_seen: str = ""
    last_seen: str = ""
    x_mitre_first_seen_citation: str = ""
    x_mitre_last_seen_citation: str = ""
    x_mitre_version: str = ""


class _Bundle(msgspec.Struct):
    objects: list[AttackObject]


def attack_claims(
    objects: Sequence[AttackObject],
    *,
    edition: Source,
    known: Mapping[str, Source] | None = None,
    recorded: str = "",
) -> Claims:
    """Return what ATT&CK says, as claims.

    Args:
        objects: Of a bundle.
        edition: The bundle itself: what an object without a date rests on.
        known: Reports by the name under which they are cited, if some are known beside those in ``objects``.
        recorded: When this was taken in; empty for the store's own time.
    """
    reports = {**(known or {}), **references_of(objects)}
    scribe = Scribe("The MITRE Corporation", edition, method="import:attack", speaker_id=MITRE, recorded=recorded)
    standing = {o.id for o in objects if o.type in _NAMED and not o.x_mitre_deprecated}
    for one in objects:
        if one.id in standing:
            _describe(scribe, one, edition, reports)
        elif _is_claim(one) and {one.source_ref, one.target_ref} <= standing:
            _relate(scribe, one, reports)
    return scribe.claims


def _is_claim(one: AttackObject) -> bool:
    is_current = not (one.revoked or one.x_mitre_deprecated)
    return one.type == "relationship" and one.relationship_type in _KEPT and is_current


def references_of(objects: Iterable[AttackObject]) -> dict[str, Source]:
    """Return the reports that objects refer to, by the name under which they are cited."""
    found: dict[str, Source] = {}
    for one in objects:
        for reference in one.external_references:
            if reference.external_id or not reference.source_name or cited(reference.description):
                continue
            found.setdefault(reference.source_name, _report(reference))
    return found


def _report(reference: Reference) -> Source:
    """Make a source of a reference, whose description reads ``Author. (2021, May 4). Title. Retrieved ...``."""
    date, title = _DATED.search(reference.description), _TITLE.search(reference.description)
    published = ""
    if date:
        published = date["year"]
        month = (date["month"] or "").lower()
        if month in _MONTHS:
            published += f"-{_MONTHS.index(month) + 1:02}"
            day = f"{published}-{int(date['day'] or 0):02}"
            published = day if is_date(day) else published
    return source_of(
        kind="report",
        title=(" ".join(title["title"].split()) if title else "") or reference.source_name,
        publisher=_host(reference.url),
        published=published,
        url=reference.url,
    )


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _cited(name: str, reports: Mapping[str, Source]) -> Source:
    return reports.get(name) or source_of(kind="report", title=name)


def _describe(scribe: Scribe, one: AttackObject, edition: Source, reports: Mapping[str, Source]) -> None:
    external = next((r for r in one.external_references if r.external_id and "attack" in r.source_name), None)
    page = _page(one, external, edition)
    scribe.say(one.id, "name", value=one.name, quote=record(name=one.name), source=page)
    if external is not None:
        quote = record(external_id=external.external_id)
        scribe.say(one.id, "external-id", value=external.external_id, quote=quote, source=page)
    words = plain(one.description)
    if words:
        scribe.say(one.id, "description", value=words, quote=words, source=page)
    basis = {r.source_name: cited(r.description) for r in one.external_references}
    for alias in dict.fromkeys([*one.aliases, *one.x_mitre_aliases]):
        if alias == one.name or not alias.strip():
            continue
        for name in basis.get(alias) or ():
            quote = f"{alias} (Citation: {name})"
            scribe.say(one.id, "alias", value=alias, quote=quote, source=_cited(name, reports))
        if not basis.get(alias):
            scribe.say(one.id, "alias", value=alias, quote=record(aliases=[alias]), source=page)
    _seen(scribe, one, page, reports)


def _page(one: AttackObject, external: Reference | None, edition: Source) -> Source:
    if not one.modified:
        return edition
    return source_of(
        kind="catalogue",
        title=f"ATT&CK: {one.name} {one.x_mitre_version}".strip(),
        publisher="The MITRE Corporation",
        published=one.modified[:10],
        url=external.url if external else "",
    )


def _seen(scribe: Scribe, one: AttackObject, page: Source, reports: Mapping[str, Source]) -> None:
    pairs = (
        ("first-seen", one.first_seen, one.x_mitre_first_seen_citation),
        ("last-seen", one.last_seen, one.x_mitre_last_seen_citation),
    )
    for predicate, at, citation in pairs:
        if at:
            quote = f"{record(**{predicate.replace('-', '_'): at})} {citation}".strip()
            sources = [_cited(name, reports) for name in cited(citation)] or [page]
            for source in sources:
                scribe.say(one.id, predicate, value=at[:10], quote=quote, source=source)


def _relate(scribe: Scribe, one: AttackObject, reports: Mapping[str, Source]) -> None:
    named = [r.source_name for r in one.external_references if r.source_name and not r.external_id]
    names = dict.fromkeys([*named, *cited(one.description)])
    fields = {"source_ref": one.source_ref, "relationship_type": one.relationship_type, "target_ref": one.target_ref}
    quote = plain(one.description) or record(**fields)
    predicate = _KEPT[one.relationship_type]
    sources = [_cited(name, reports) for name in names] or [scribe.source]
    for source in sources:
        scribe.say(one.source_ref, predicate, object=one.target_ref, quote=quote, source=source)


def _sniff(path: Path, head: bytes) -> bool:
    return path.suffix == ".json" and b'"bundle"' in head and b"x_mitre_" in head


def _read(path: Path, terms: Terms) -> Imported:
    try:
        bundle = msgspec.json.decode(path.read_bytes(), type=_Bundle)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"is no bundle of ATT&CK: {error}", where=str(path)) from error
    collection = next((o for o in bundle.objects if o.type == "x-mitre-collection"), None)
    title = f"{collection.name} {collection.x_mitre_version}" if collection else f"ATT&CK ({path.name})"
    edition = source_of(
        kind="catalogue",
        title=terms.title or title,
        publisher="The MITRE Corporation",
        published=terms.published or (collection.modified[:10] if collection else ""),
        tlp=terms.tlp,
    )
    return Imported(claims=attack_claims(bundle.objects, edition=edition, recorded=terms.recorded))


IMPORTER = Importer(title="MITRE ATT&CK as a STIX bundle", sniff=_sniff, read=_read)
