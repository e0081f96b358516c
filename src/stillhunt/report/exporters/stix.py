"""STIX 2.1 bundle of a case: the incident, what was observed, what was sighted, and who it may have been.

The incident carries the Incident Core extension. An attribution is a relationship only if somebody is named, with the
likelihood in an extension and an opinion beside it that says in words how far it goes; who ignores extensions still
reads the opinion. Where nobody is named there is a note and no relationship: nothing reads as an assertion that is
none. Sources: OASIS STIX 2.1; Incident Core extension 2.0.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, Hypothesis
from stillhunt.cases.case import Case, Scope
from stillhunt.detection.finding import Finding
from stillhunt.knowledge.stix import PRODUCER
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import CaseExporter
from stillhunt.report.marking import marking_of
from stillhunt.report.stix import base, bundle, encoded, instant, marking, own_id, producer, said
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

__all__ = ["EXPORTER"]

_INCIDENT_CORE = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
_LIKELIHOOD = own_id("extension-definition", "likelihood of an attribution")
_SCO_NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Of deterministic ids of cyber-observables (STIX 2.1, section 2.9)."""

_CRITICALITY = {Level.CRITICAL: 95, Level.HIGH: 75, Level.MEDIUM: 50, Level.LOW: 25, Level.INFORMATIONAL: 5}
_MOST_OBSERVED = 999_999_999
_HASHES = {32: "MD5", 40: "SHA-1", 64: "SHA-256"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""A name of the domain name system (RFC 1123, section 2.1)."""

_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CONFIDENCE = {"low": 15, "moderate": 50, "high": 85}
"""STIX 2.1, appendix A, "None / Low / Med / High"."""


def _write(brief: Brief) -> bytes:
    objects = _Writer(brief).objects()
    return encoded(bundle(objects))


class _Writer:
    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._case: Case = brief.cases[0]
        self._assessment: Assessment = brief.assessments[0]
        self._mark = marking_of(brief)
        self._made = instant(self._case.last_at)
        self._findings = {f.id: f for f in brief.findings}

    def objects(self) -> list[dict[str, Any]]:
        found = [producer(), marking(self._mark), *_definitions()]
        observed = list(self._observed())
        systems = list(self._systems())
        patterns = list(self._techniques())
        sightings = list(self._sightings({o["id"] for o in observed}))
        members = [*systems, *patterns, *observed, *sightings]
        who = list(self._who())
        incident = self._incident([o["id"] for o in members])
        found += [*members, incident, *who]
        grouped = [o["id"] for o in (*members, incident, *who)]
        return [*found, self._own("grouping", "case") | self._grouping(grouped)]

    def _own(self, kind: str, *seed: str) -> dict[str, Any]:
        return base(kind, own_id(kind, self._case.id, *seed), self._made, self._mark)

    def _grouping(self, refs: list[str]) -> dict[str, Any]:
        return {"name": self._case.id, "context": "suspicious-activity", "object_refs": list(dict.fromkeys(refs))}

    def _incident(self, refs: list[str]) -> dict[str, Any]:
        case = self._case
        is_confirmed = any(t.scope is Scope.CONFIRMED for t in case.entities)
        return self._own("incident") | {
            "name": said(case.opening)[:250],
            "description": said(" ".join((case.opening, *case.break_in.grounds, *case.blind))),
            "extensions": {
                _INCIDENT_CORE: {
                    "extension_type": "property-extension",
                    "determination": "successful-attempt" if is_confirmed else "suspected",
                    "investigation_status": "open",
                    "criticality": _CRITICALITY[case.level],
                    "detection_methods": ["automated-tool"],
                    "other_object_refs": list(dict.fromkeys(refs)),
                }
            },
        }

    def _observed(self) -> Iterator[dict[str, Any]]:
        for name in self._case.findings:
            finding = self._findings[name]
            things = [o for entity in finding.entities for o in _observable(entity)]
            things = things or [_file(e.ref.file) for e in finding.evidence[:1]]
            if not things:
                continue
            yield from things
            first = finding.first_at or self._case.first_at
            last = finding.last_at or first
            yield self._own("observed-data", finding.id) | {
                "first_observed": instant(first),
                "last_observed": instant(last),
                "number_observed": max(1, min(finding.count, _MOST_OBSERVED)),
                "object_refs": list(dict.fromkeys(o["id"] for o in things)),
                "labels": [said(finding.detector.title)[:200]],
                "external_references": [{"source_name": "stillhunt", "external_id": finding.id}],
            }

    def _systems(self) -> Iterator[dict[str, Any]]:
        for touched in self._case.entities:
            if touched.entity.kind is EntityKind.HOST:
                yield self._own("identity", touched.entity.value) | {
                    "name": said(touched.entity.value),
                    "identity_class": "system",
                    "description": said(f"{touched.scope}: {touched.why}"),
                    "labels": [f"scope:{touched.scope}"],
                }

    def _techniques(self) -> Iterator[dict[str, Any]]:
        for technique in self._case.techniques:
            shown = base("attack-pattern", _pattern_id(technique), instant(None), self._mark)
            shown |= {
                "name": self._brief.technique_names.get(technique, technique),
                "external_references": [{"source_name": "mitre-attack", "external_id": technique}],
            }
            tactics = self._brief.technique_tactics.get(technique, ())
            phases = [{"kill_chain_name": "mitre-attack", "phase_name": tactic} for tactic in tactics]
            yield shown | ({"kill_chain_phases": phases} if phases else {})

    def _sightings(self, observed: set[str]) -> Iterator[dict[str, Any]]:
        """Yield for each technique on each host what was sighted of it there."""
        seen: dict[tuple[str, str], list[Finding]] = {}
        for name in self._case.findings:
            finding = self._findings[name]
            host = next((e.value for e in finding.entities if e.kind is EntityKind.HOST), "")
            for technique in finding.detector.techniques:
                seen.setdefault((technique, host), []).append(finding)
        hosts = {t.entity.value for t in self._case.entities if t.entity.kind is EntityKind.HOST}
        for (technique, host), findings in sorted(seen.items()):
            times = [t for f in findings for t in (f.first_at, f.last_at) if t is not None]
            refs = [own_id("observed-data", self._case.id, f.id) for f in findings]
            shown = self._own("sighting", technique, host) | {
                "sighting_of_ref": _pattern_id(technique),
                "count": min(sum(f.count for f in findings), _MOST_OBSERVED),
                "observed_data_refs": [ref for ref in refs if ref in observed],
            }
            if times:
                shown |= {"first_seen": instant(min(times)), "last_seen": instant(max(times))}
            if host in hosts:
                shown["where_sighted_refs"] = [own_id("identity", self._case.id, host)]
            yield {name: value for name, value in shown.items() if value != []}

    def _who(self) -> Iterator[dict[str, Any]]:
        campaign = self._own("campaign") | {"name": self._case.id, "description": said(self._case.opening)}
        if self._case.first_at is not None:
            campaign |= {"first_seen": instant(self._case.first_at), "last_seen": instant(self._case.last_at)}
        yield campaign
        yield self._own("relationship", "campaign") | {
            "relationship_type": "related-to",
            "source_ref": own_id("incident", self._case.id),
            "target_ref": campaign["id"],
        }
        assessed = self._assessment
        yield self._own("note", "assessment") | {
            "abstract": "Attribution: an assessment, not a fact",
            "content": said(_weighing(assessed)),
            "authors": ["stillhunt"],
            "object_refs": [campaign["id"]],
        }
        named = next((h for h in assessed.hypotheses if h.group != UNKNOWN_GROUP), None)
        if assessed.is_abstention or named is None:
            return
        yield from self._attributed(named, campaign["id"])

    def _attributed(self, named: Hypothesis, campaign: str) -> Iterator[dict[str, Any]]:
        group = base("intrusion-set", own_id("intrusion-set", named.group), instant(None), self._mark)
        group |= {
            "name": named.name,
            "external_references": [{"source_name": "mitre-attack", "external_id": named.group}],
        }
        yield group | ({"aliases": list(named.aliases)} if named.aliases else {})
        relationship = self._own("relationship", named.group) | {
            "relationship_type": "attributed-to",
            "source_ref": campaign,
            "target_ref": group["id"],
            "description": said(self._assessment.statement),
            "confidence": _CONFIDENCE[self._assessment.confidence],
            "extensions": {
                _LIKELIHOOD: {
                    "extension_type": "property-extension",
                    "probability": round(named.probability, 4),
                    "term": named.term,
                    "scale": "PHIA probability yardstick",
                    "analytic_confidence": self._assessment.confidence,
                }
            },
        }
        yield relationship
        yield self._own("opinion", named.group) | {
            "opinion": _opinion(named.probability),
            "explanation": said(f"{named.name}: {named.term}. {self._assessment.confidence_why}"),
            "authors": ["stillhunt"],
            "object_refs": [relationship["id"]],
        }


def _weighing(assessed: Assessment) -> str:
    lines = [
        assessed.statement,
        f"Analytic confidence: {assessed.confidence}. {assessed.confidence_why}",
        *(f"{h.name}: {h.term} ({h.probability:.1%})" for h in assessed.hypotheses),
        *(f"Caution: {caution}" for caution in assessed.cautions),
    ]
    return "\n".join(lines)


def _opinion(probability: float) -> str:
    """Return the step of STIX's scale of agreement that a probability comes to."""
    steps = ((0.2, "strongly-disagree"), (0.4, "disagree"), (0.55, "neutral"), (0.8, "agree"))
    return next((word for bound, word in steps if probability < bound), "strongly-agree")


def _pattern_id(technique: str) -> str:
    return own_id("attack-pattern", technique)


def _definitions() -> Iterator[dict[str, Any]]:
    made = instant(None)
    for object_id, name, description, schema in (
        (
            _INCIDENT_CORE,
            "Incident Core",
            "Determination, status and scope of an incident.",
            "https://github.com/oasis-open/cti-stix-common-objects",
        ),
        (
            _LIKELIHOOD,
            "stillhunt likelihood",
            "How likely an attribution is, in words and as a number, apart from the confidence in it.",
            "docs/how-to/export.md of stillhunt",
        ),
    ):
        yield {
            "type": "extension-definition",
            "spec_version": "2.1",
            "id": object_id,
            "created_by_ref": PRODUCER,
            "created": made,
            "modified": made,
            "name": name,
            "description": description,
            "schema": schema,
            "version": "1.0.0",
            "extension_types": ["property-extension"],
        }


def _observable(entity: Entity) -> Iterator[dict[str, Any]]:
    """Yield the cyber-observable of an entity; nothing where STIX has none for it."""
    value = said(entity.value)
    match entity.kind:
        case EntityKind.ADDRESS:
            yield from _address(entity.value)
        case EntityKind.DOMAIN | EntityKind.HOST if len(value) < 254 and _NAME.fullmatch(value):
            yield _sco("domain-name", {"value": value})
        case EntityKind.ACCOUNT:
            yield _sco("user-account", {"account_login": value})
        case EntityKind.MAILBOX if _MAIL.fullmatch(value):
            yield _sco("email-addr", {"value": value})
        case EntityKind.MAILBOX:
            yield _sco("user-account", {"account_login": value})
        case EntityKind.FILE | EntityKind.PROCESS | EntityKind.SHARE:
            yield _file(entity.value)
        case EntityKind.URL | EntityKind.SITE if _URL.fullmatch(value):
            yield _sco("url", {"value": value})
        case EntityKind.HASH if len(value) in _HASHES and all(c in "0123456789abcdefABCDEF" for c in value):
            yield _sco("file", {"hashes": {_HASHES[len(value)]: value.lower()}})
        case _:
            return


def _address(value: str) -> Iterator[dict[str, Any]]:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return
    yield _sco(f"ipv{address.version}-addr", {"value": str(address)})


def _file(path: str) -> dict[str, Any]:
    return _sco("file", {"name": said(path)})


def _sco(kind: str, contributing: Mapping[str, Any]) -> dict[str, Any]:
    # Ids of observables are made of what contributes to them, as canonical JSON (STIX 2.1, section 2.9).
    canonical = msgspec.json.encode(dict(sorted(contributing.items()))).decode()
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid5(_SCO_NAMESPACE, canonical)}",
        **contributing,
    }


EXPORTER = CaseExporter(
    title="STIX 2.1 bundle", suffix=".stix.json", media_type="application/stix+json;version=2.1", write=_write
)
