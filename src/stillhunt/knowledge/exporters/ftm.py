"""FollowTheMoney statements as CSV: persons, organisations and groups, and what lies between them.

FollowTheMoney has no denial, no likelihood and no quote: denials are left out, since a consumer would read them as
assertions, and ``origin`` names the claim behind every statement. For everything, write STIX.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence

from stillhunt.knowledge.claim import Claim, Claims, Source, type_of
from stillhunt.knowledge.exporter import Exporter, chosen
from stillhunt.knowledge.ftm import CLASSES, COLUMNS, LITERALS, REVERSED
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import place_of
from stillhunt.knowledge.store import View

__all__ = ["EXPORTER", "statements"]

_PROPERTIES = {predicate: prop for prop, predicate in reversed(list(LITERALS.items()))}
"""Predicate to property: of several, the first that is listed."""

_PLACES = {"located-at": "country", "originates-from": "country", "sponsored-by": "country"}
_TYPES = frozenset({"identity", "intrusion-set", "threat-actor"})


def statements(claims: Claims) -> Iterator[dict[str, str]]:
    """Yield claims as statements, in order of claim."""
    classes = {
        c.subject: c.value for c in claims.claims.values() if c.predicate == "identity-class" and not c.is_denial
    }
    for claim in claims.claims.values():
        if claim.is_denial or type_of(claim.subject) not in _TYPES or classes.get(claim.subject) == "class":
            continue
        source = claims.sources[claim.source]
        schema = _schema(claim.subject, classes)
        if not claim.object and claim.predicate in _PROPERTIES:
            yield _statement(
                claim, source, entity=claim.subject, schema=schema, prop=_PROPERTIES[claim.predicate], value=claim.value
            )
        elif claim.predicate in _PLACES and (place := place_of(claim.object)) is not None:
            yield _statement(
                claim, source, entity=claim.subject, schema=schema, prop="country", value=place.code.lower()
            )
        elif claim.predicate == "sanctioned":
            yield from _sanction(claim, source)
        elif claim.object and claim.predicate in REVERSED and type_of(claim.object) in _TYPES:
            yield from _interval(claim, source)


def _schema(entity: str, classes: dict[str, str]) -> str:
    return "Organization" if type_of(entity) != "identity" else CLASSES.get(classes.get(entity, ""), "LegalEntity")


def _sanction(claim: Claim, source: Source) -> Iterator[dict[str, str]]:
    authority, _, programme = claim.value.partition(": ")
    own = claim.id
    for prop, value in (
        ("entity", claim.subject),
        ("authority", authority),
        ("program", programme),
        ("startDate", claim.valid_from),
        ("endDate", claim.valid_until),
        ("sourceUrl", source.url),
    ):
        if value:
            yield _statement(claim, source, entity=own, schema="Sanction", prop=prop, value=value)


def _interval(claim: Claim, source: Source) -> Iterator[dict[str, str]]:
    schema, one, other = REVERSED[claim.predicate]
    for prop, value in (
        (one, claim.subject),
        (other, claim.object),
        ("startDate", claim.valid_from),
        ("endDate", claim.valid_until),
        ("summary", claim.quote),
    ):
        if value:
            yield _statement(claim, source, entity=claim.id, schema=schema, prop=prop, value=value)


def _statement(claim: Claim, source: Source, *, entity: str, schema: str, prop: str, value: str) -> dict[str, str]:
    dataset = "_".join(name_key(word) for word in source.title.split() if name_key(word)).lower()[:60] or "claims"
    content = f"{dataset}.{entity}.{prop}.{value}"
    return {
        "id": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
        "entity_id": entity,
        "canonical_id": entity,
        "prop": prop,
        "schema": schema,
        "value": value,
        "dataset": dataset,
        "lang": "",
        "original_value": "",
        "external": "f",
        "first_seen": claim.recorded,
        "last_seen": claim.recorded,
        "origin": claim.id,
    }


def _write(view: View, entities: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(statements(chosen(view, entities)))
    return out.getvalue().encode()


EXPORTER = Exporter(title="FollowTheMoney statements as CSV", suffix=".csv", write=_write)
