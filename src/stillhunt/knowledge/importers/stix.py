"""STIX 2.1 bundles of anybody, and our own without loss.

Of our own bundles the claims are taken as they were written. Of others, an object says its name, aliases, description
and dates, a relationship is a claim of who created it, a report is the source of what it refers to, an opinion that
disagrees is a denial, and an indicator keeps its pattern with its validity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Claims, Source, source_of
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.knowledge.stix import EXTENSION, FROM_STIX, claim_from, source_from
from stillhunt.terms.marking import Tlp, parse_tlp

__all__ = ["IMPORTER", "stix_claims"]

_LITERALS = {
    "description": "description",
    "first_seen": "first-seen",
    "last_seen": "last-seen",
    "identity_class": "identity-class",
    "primary_motivation": "motivation",
    "resource_level": "resource-level",
    "sophistication": "sophistication",
}
_LISTS = {"aliases": "alias", "sectors": "sector", "goals": "goal", "roles": "role", "x_mitre_aliases": "alias"}
_DISAGREES = frozenset({"disagree", "strongly-disagree"})


class _Reference(msgspec.Struct):
    source_name: str = ""
    description: str = ""
    url: str = ""
    external_id: str = ""


class _Object(msgspec.Struct):
    """What is read of any object."""

    type: str
    id: str = ""
    name: str = ""
    aliases: list[str] = []  # msgspec copies a struct's empty default for each instance
    description: str = ""
    modified: str = ""
    published: str = ""
    created_by_ref: str = ""
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    start_time: str = ""
    stop_time: str = ""
    object_refs: list[str] = []
    object_marking_refs: list[str] = []
    external_references: list[_Reference] = []
    opinion: str = ""
    explanation: str = ""
    content: str = ""
    pattern: str = ""
    pattern_type: str = ""
    valid_from: str = ""
    valid_until: str = ""
    confidence: int | None = None
    country: str = ""
    region: str = ""
    revoked: bool = False
    extensions: dict[str, Any] = {}
    first_seen: str = ""
    last_seen: str = ""
    identity_class: str = ""
    primary_motivation: str = ""
    resource_level: str = ""
    sophistication: str = ""
    sectors: list[str] = []
    goals: list[str] = []
    roles: list[str] = []
    x_mitre_aliases: list[str] = []


class _Bundle(msgspec.Struct):
    objects: list[_Object]
    id: str = ""


def stix_claims(content: bytes, *, where: str, terms: Terms) -> Imported:
    """Return what a bundle says, as claims.

    Args:
        content: The bundle as JSON.
        where: Its name, for messages and for the source.
        terms: What the user says about it.

    Raises:
        InputError: It is no bundle.
    """
    try:
        bundle = msgspec.json.decode(content, type=_Bundle)
    except msgspec.DecodeError as error:
        raise InputError(f"is no STIX bundle: {error}", where=where) from error
    if any(o.id == EXTENSION for o in bundle.objects):
        return _own([o for o in bundle.objects if EXTENSION in o.extensions], where, terms)
    return _Reader(bundle, hashlib.sha256(content).hexdigest(), where, terms).read()


def _own(objects: Sequence[_Object], where: str, terms: Terms) -> Imported:
    """Take claims and sources as they were written; none may travel farther than the user says."""
    claims, problems = Claims(), []
    sources: dict[str, Source] = {}
    for one in objects:
        fields = one.extensions[EXTENSION]
        if isinstance(fields, dict) and "source" in fields:
            try:
                source = source_from(_stricter(fields["source"], terms.tlp))
            except (ClaimError, InputError, msgspec.ValidationError) as error:
                problems.append(_problem(error, where, one.id))
                continue
            sources[f"source--{one.id.partition('--')[2]}"] = source
    for one in objects:
        fields = one.extensions[EXTENSION]
        if not isinstance(fields, dict) or not isinstance(fields.get("claim"), dict):
            continue
        rests_on = sources.get(str(fields["claim"].get("source")))
        if rests_on is None:
            problems.append(_problem(ClaimError("its source is not in the bundle"), where, one.id))
            continue
        try:
            claim = claim_from(_stricter(fields["claim"], terms.tlp), rests_on)
        except (ClaimError, InputError, msgspec.ValidationError) as error:
            problems.append(_problem(error, where, one.id))
            continue
        claims.sources.setdefault(rests_on.id, rests_on)
        claims.claims.setdefault(claim.id, claim)
    return Imported(claims=claims, problems=tuple(problems))


def _stricter(fields: Mapping[str, Any], least: Tlp) -> Mapping[str, Any]:
    given = parse_tlp(str(fields.get("tlp", "CLEAR")))
    return {**fields, "tlp": str(max(given, least))}


def _problem(error: Exception, where: str, object_id: str) -> Problem:
    message = error.message if isinstance(error, InputError) else str(error)
    return Problem(code="claim", message=message, where=f"{where}: {object_id}")


class _Reader:
    """Reads a bundle of somebody else."""

    def __init__(self, bundle: _Bundle, sha256: str, where: str, terms: Terms) -> None:
        self._where = where
        self._terms = terms
        self._objects = {o.id: o for o in bundle.objects if o.id}
        self._sha256 = sha256
        self._problems: list[Problem] = []
        self._source = source_of(
            kind="bundle",
            title=terms.title or where,
            published=terms.published,
            sha256=sha256,
            tlp=terms.tlp,
        )
        speaker = terms.speaker or f"whoever wrote {where}"
        self._scribe = Scribe(speaker, self._source, method="import:stix", recorded=terms.recorded)
        self._reports = self._by_report()

    def read(self) -> Imported:
        """Return the claims of all objects."""
        for one in self._objects.values():
            try:
                self._object(one)
            except ClaimError as error:
                self._problems.append(_problem(error, self._where, one.id))
        return Imported(claims=self._scribe.claims, problems=tuple(self._problems))

    def _by_report(self) -> dict[str, _Object]:
        """Return the first report that refers to each object."""
        found: dict[str, _Object] = {}
        for one in self._objects.values():
            if one.type == "report":
                for ref in one.object_refs:
                    found.setdefault(ref, one)
        return found

    def _object(self, one: _Object) -> None:
        if one.type == "relationship":
            self._relationship(one, polarity_of=None)
        elif one.type == "opinion":
            self._opinion(one)
        elif one.type == "note":
            for ref in one.object_refs:
                if ref in self._objects and self._objects[ref].name:
                    self._say(one, ref, "note", value=one.content, quote=one.content)
        elif one.name or one.type == "indicator":
            self._describe(one)

    def _describe(self, one: _Object) -> None:
        if one.type in {"report", "grouping", "extension-definition", "marking-definition"} or one.type.startswith(
            "x-"
        ):
            return
        if one.name:
            self._say(one, one.id, "name", value=one.name, quote=record(name=one.name))
        for key, predicate in _LITERALS.items():
            value = getattr(one, key)
            if value:
                dated = value[:10] if predicate.endswith("-seen") else value
                quote = value if key == "description" else record(**{key: value})
                self._say(one, one.id, predicate, value=dated, quote=quote)
        for key, predicate in _LISTS.items():
            for value in dict.fromkeys(getattr(one, key)):
                if value.strip() and value != one.name:
                    self._say(one, one.id, predicate, value=value, quote=record(**{key: [value]}))
        for reference in one.external_references:
            if reference.external_id:
                quote = record(source_name=reference.source_name, external_id=reference.external_id)
                self._say(one, one.id, "external-id", value=reference.external_id, quote=quote)
        if one.country:
            self._say(one, one.id, "country-code", value=one.country, quote=record(country=one.country))
        if one.region:
            self._say(one, one.id, "region", value=one.region, quote=record(region=one.region))
        if one.pattern:
            since, until = _instant(one.valid_from), _instant(one.valid_until)
            self._say(one, one.id, "pattern", value=one.pattern, quote=one.pattern, valid_from=since, valid_until=until)
            kind = one.pattern_type or "stix"
            self._say(one, one.id, "pattern-type", value=kind, quote=record(pattern_type=kind))
            if one.confidence is not None:
                self._say(one, one.id, "confidence", value=str(one.confidence), quote=record(confidence=one.confidence))

    def _relationship(self, one: _Object, polarity_of: _Object | None) -> None:
        """Write a relationship down, or what somebody who disagrees with it denies."""
        said = polarity_of or one
        if one.revoked or not {one.source_ref, one.target_ref} <= self._objects.keys():
            return
        predicate = FROM_STIX.get(one.relationship_type, one.relationship_type)
        fields = {"source_ref": one.source_ref, "relationship_type": predicate, "target_ref": one.target_ref}
        words = said.explanation if polarity_of else one.description
        self._say(
            said,
            one.source_ref,
            predicate,
            object=one.target_ref,
            quote=words.strip() or record(**fields),
            polarity="denies" if polarity_of else "asserts",
            valid_from=_instant(one.start_time),
            valid_until=_instant(one.stop_time),
        )

    def _opinion(self, one: _Object) -> None:
        if one.opinion in _DISAGREES:
            for ref in one.object_refs:
                if ref in self._objects and self._objects[ref].type == "relationship":
                    self._relationship(self._objects[ref], polarity_of=one)

    def _say(self, one: _Object, subject: str, predicate: str, **rest: Any) -> None:
        speaker = one.created_by_ref if one.created_by_ref.startswith("identity--") else ""
        for source in self._sources(one):
            self._scribe.say(subject, predicate, source=source, speaker=speaker, **rest)

    def _sources(self, one: _Object) -> Iterable[Source]:
        """Return the reports that an object cites or is part of; else the bundle itself."""
        mark = max([self._terms.tlp, *self._marks(one)])
        cited = [
            r for r in one.external_references if not r.external_id and r.source_name and one.type == "relationship"
        ]
        if cited:
            return [source_of(kind="report", title=r.source_name, url=r.url, tlp=mark) for r in cited]
        report = self._reports.get(one.id)
        if report is None or not report.name:
            return [
                source_of(
                    kind="bundle",
                    title=self._source.title,
                    published=self._source.published,
                    sha256=self._sha256,
                    tlp=mark,
                )
            ]
        url = next((r.url for r in report.external_references if r.url), "")
        published = _instant(report.published)[:10]
        return [source_of(kind="report", title=report.name, published=published, url=url, tlp=mark)]

    def _marks(self, one: _Object) -> Iterable[Tlp]:
        for ref in one.object_marking_refs:
            try:
                yield parse_tlp(ref)
            except InputError:
                named = self._objects.get(ref)
                if named is not None and named.name.upper().startswith("TLP:"):
                    yield parse_tlp(named.name)


def _instant(written: str) -> str:
    """Return an instant of STIX as claims write it: no more than microseconds."""
    head, dot, tail = written.rstrip("Z").partition(".")
    return f"{head}{dot}{tail[:6]}Z" if written else ""


def _sniff(path: Path, head: bytes) -> bool:
    return path.suffix == ".json" and b'"bundle"' in head and b"x_mitre_" not in head


def _read(path: Path, terms: Terms) -> Imported:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return stix_claims(content, where=path.name, terms=terms)


IMPORTER = Importer(title="STIX 2.1 bundle", sniff=_sniff, read=_read)
