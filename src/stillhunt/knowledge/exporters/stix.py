"""STIX 2.1: one bundle with every claim, from which the same claims can be read again.

An entity is a domain object, a claim between two is a relationship, a claim of a value is a note, a source is a report.
A denial is an opinion and never a relationship: who ignores our extension must not read it as an assertion.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid5

import msgspec

from stillhunt.knowledge.claim import NAMESPACE, Claim, Claims, Source, type_of
from stillhunt.knowledge.exporter import Exporter, chosen
from stillhunt.knowledge.stix import EXTENSION, PRODUCER, TO_STIX, claim_fields, end_of, source_fields, start_of
from stillhunt.knowledge.store import View
from stillhunt.terms.marking import MARKING_EXTENSION, Tlp

__all__ = ["EXPORTER", "bundle_of"]

_EPOCH = "2026-01-01T00:00:00.000Z"
"""When our own definitions were made."""

_TLP_MADE = "2022-10-01T00:00:00.000Z"
"""When the marking objects of TLP 2.0 were made; part of what every producer shares."""

_NAMED_ALIASES = frozenset(
    {"attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool"}
)
_URL = re.compile(r"^https?://[^\s<>\"{}|\\^`\[\]]+$")
_HTTP_HOST = re.compile(r"^https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#]|$)")


def bundle_of(claims: Claims) -> dict[str, Any]:
    """Return claims as a STIX 2.1 bundle.

    Args:
        claims: With all their sources. What must not leave must not be among them.
    """
    objects = list(_Writer(claims).objects())
    digest = uuid5(NAMESPACE, "".join(sorted(o["id"] for o in objects)))
    return {"type": "bundle", "id": f"bundle--{digest}", "objects": objects}


class _Writer:
    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._of: defaultdict[str, list[Claim]] = defaultdict(list)
        self._by_source: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in claims.claims.values():
            self._of[claim.subject].append(claim)
            self._by_source[claim.source].append(claim)
        self._asserted = {
            (c.subject, c.predicate, c.object): _relationship_id(c)
            for c in sorted(claims.claims.values(), key=lambda c: c.id, reverse=True)
            if c.object and not c.is_denial
        }

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield the objects of the bundle: definitions, entities, claims, sources."""
        yield from _definitions()
        used = {max(c.tlp, self._claims.sources[c.source].tlp) for c in self._claims.claims.values()}
        used |= {s.tlp for s in self._claims.sources.values()}
        yield from (_marking(mark) for mark in sorted(used))
        for entity in self._claims.entities():
            if entity != PRODUCER:
                yield self._entity(entity)
        for claim in self._claims.claims.values():
            yield self._claim(claim)
        for source in self._claims.sources.values():
            yield self._report(source)

    def _entity(self, entity: str) -> dict[str, Any]:
        said = [c for c in self._of.get(entity, ()) if not c.is_denial]
        names = sorted({c.value for c in said if c.predicate == "name"})
        aliases = sorted({c.value for c in said if c.predicate in {"name", "alias"}})
        name = names[0] if names else aliases[0] if aliases else entity
        made = min((c.recorded for c in self._of.get(entity, ()) if c.recorded), default="")
        shown = _base(type_of(entity), entity, start_of(made) if made else _EPOCH)
        kind = type_of(entity)
        if kind not in {"observed-data", "malware-analysis"}:
            shown["name"] = name
        others = [a for a in aliases if a != name]
        if others and kind in _NAMED_ALIASES:
            shown["aliases"] = others
        shown |= _required(kind, said)
        marks = [max(c.tlp, self._claims.sources[c.source].tlp) for c in said if c.predicate in {"name", "alias"}]
        if marks:
            shown["object_marking_refs"] = [max(marks).stix_id]
        return shown

    def _claim(self, claim: Claim) -> dict[str, Any]:
        source = self._claims.sources[claim.source]
        made = start_of(claim.recorded) if claim.recorded else _EPOCH
        if claim.is_denial:
            shown = _base("opinion", _own_id("opinion", claim), made)
            asserted = self._asserted.get((claim.subject, claim.predicate, claim.object))
            ends = [claim.subject, claim.object] if claim.object else [claim.subject]
            shown |= {
                "opinion": "strongly-disagree",
                "explanation": f"not {claim.predicate} {claim.value}: {claim.quote}".strip(),
                "object_refs": [asserted] if asserted else ends,
            }
        elif claim.object:
            shown = _base("relationship", _relationship_id(claim), made)
            shown |= {
                "relationship_type": TO_STIX.get(claim.predicate, claim.predicate),
                "source_ref": claim.subject,
                "target_ref": claim.object,
                "description": claim.quote,
            }
            shown |= _times(claim)
        else:
            shown = _base("note", _own_id("note", claim), made)
            shown |= {
                "abstract": f"{claim.predicate}: {claim.value}",
                "content": claim.quote,
                "object_refs": [claim.subject],
            }
        if type_of(claim.speaker) == "identity":
            shown["created_by_ref"] = claim.speaker
        shown["external_references"] = [_reference(source)]
        shown["object_marking_refs"] = [max(claim.tlp, source.tlp).stix_id]
        shown["extensions"] = {EXTENSION: {"extension_type": "property-extension", "claim": claim_fields(claim)}}
        return shown

    def _report(self, source: Source) -> dict[str, Any]:
        made = min((c.recorded for c in self._by_source[source.id] if c.recorded), default="")
        shown = _base("report", f"report--{source.id.partition('--')[2]}", start_of(made) if made else _EPOCH)
        refs = dict.fromkeys(
            ref for c in self._by_source[source.id] for ref in (_object_id(c), c.subject, c.object) if ref
        )
        return shown | {
            "name": source.title,
            "published": start_of(source.published) if source.published else shown["created"],
            "report_types": ["threat-report"],
            "object_refs": list(refs) or [PRODUCER],
            "created_by_ref": PRODUCER,
            "external_references": [_reference(source)],
            "object_marking_refs": [source.tlp.stix_id],
            "extensions": {EXTENSION: {"extension_type": "property-extension", "source": source_fields(source)}},
        }


def _base(kind: str, object_id: str, made: str) -> dict[str, Any]:
    return {"type": kind, "spec_version": "2.1", "id": object_id, "created": made, "modified": made}


def _required(kind: str, said: Sequence[Claim]) -> dict[str, Any]:
    """Return the properties that STIX asks for beside a name."""
    values: dict[str, str] = {}
    for claim in sorted(said, key=lambda c: c.id):
        values.setdefault(claim.predicate, claim.value)
    if kind == "malware":
        return {"is_family": True}
    if kind == "identity":
        return {"identity_class": values.get("identity-class", "unknown")}
    if kind == "location":
        code, region = values.get("country-code"), values.get("region", "")
        return {"country": code} if code else {"region": _SLUG.sub("-", region.casefold()) or "world"}
    if kind == "indicator":
        pattern = next((c for c in said if c.predicate == "pattern"), None)
        if pattern is None:
            return {"pattern": "[file:name = '']", "pattern_type": "stix", "valid_from": _EPOCH}
        since = {"valid_from": start_of(pattern.valid_from) if pattern.valid_from else _EPOCH}
        until = end_of(pattern.valid_until) if pattern.valid_until else ""
        bounds = since | ({"valid_until": until} if until > since["valid_from"] else {})
        confidence = _confidence(said)
        return {"pattern": pattern.value, "pattern_type": values.get("pattern-type", "stix"), **bounds, **confidence}
    if kind == "observed-data":
        return {"first_observed": _EPOCH, "last_observed": _EPOCH, "number_observed": 1, "object_refs": [PRODUCER]}
    if kind == "malware-analysis":
        return {"product": "unknown", "result": "unknown"}
    return {}


def _confidence(said: Sequence[Claim]) -> dict[str, int]:
    """Return how sure one is by now: of several sayings the last that was recorded."""
    given = [c for c in said if c.predicate == "confidence" and not c.is_denial and c.value.isdecimal()]
    last = max(given, key=lambda c: (c.recorded, c.id), default=None)
    return {} if last is None else {"confidence": min(100, int(last.value))}


_SLUG = re.compile(r"[^a-z0-9]+")


def _times(claim: Claim) -> dict[str, str]:
    since = start_of(claim.valid_from) if claim.valid_from else ""
    until = end_of(claim.valid_until) if claim.valid_until else ""
    times = {"start_time": since} if since else {}
    return times | ({"stop_time": until} if until > since else {})


def _reference(source: Source) -> dict[str, Any]:
    shown: dict[str, Any] = {"source_name": source.title}
    if _URL.match(source.url) and _HTTP_HOST.match(source.url):
        shown["url"] = source.url
    if source.sha256 and "url" in shown:
        shown["hashes"] = {"SHA-256": source.sha256}
    words = ", ".join(part for part in (source.publisher, source.published) if part)
    return shown | {"description": words or source.kind}


def _relationship_id(claim: Claim) -> str:
    return _own_id("relationship", claim)


def _own_id(kind: str, claim: Claim) -> str:
    return f"{kind}--{claim.id.partition('--')[2]}"


def _object_id(claim: Claim) -> str:
    return _own_id("opinion" if claim.is_denial else "relationship" if claim.object else "note", claim)


def _definitions() -> Iterator[dict[str, Any]]:
    yield _base("identity", PRODUCER, _EPOCH) | {"name": "stillhunt", "identity_class": "system"}
    yield _base("extension-definition", EXTENSION, _EPOCH) | {
        "created_by_ref": PRODUCER,
        "name": "stillhunt claims",
        "description": "Every column of a claim and of the source it rests on.",
        "schema": "docs/reference/knowledge.md of stillhunt",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


def _marking(mark: Tlp) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": mark.stix_id,
        "created": _TLP_MADE,
        "name": str(mark),
        "extensions": {
            MARKING_EXTENSION: {
                "extension_type": "property-extension",
                "tlp_2_0": str(mark).removeprefix("TLP:").lower(),
            }
        },
    }


def _write(view: View, entities: Sequence[str]) -> bytes:
    return msgspec.json.encode(bundle_of(chosen(view, entities))) + b"\n"


EXPORTER = Exporter(title="STIX 2.1 bundle", suffix=".json", write=_write)
