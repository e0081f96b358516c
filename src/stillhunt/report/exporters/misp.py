"""A MISP event of a case: what it touched as attributes, its techniques as tags, the brief as an event report.

Nothing is marked for detection: a host of ours in a block list helps nobody. Only addresses and names outside, and
hashes, may be correlated. Sources: MISP core format; MISP taxonomies ``tlp``, ``estimative-language``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment
from stillhunt.cases.case import ScopedEntity
from stillhunt.knowledge.claim import NAMESPACE
from stillhunt.knowledge.stix import PRODUCER
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import CaseExporter
from stillhunt.report.marking import marking_of
from stillhunt.report.renderers import markdown
from stillhunt.report.stix import encoded, instant, said
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["EXPORTER"]

_THREAT = {Level.CRITICAL: "1", Level.HIGH: "1", Level.MEDIUM: "2", Level.LOW: "3", Level.INFORMATIONAL: "4"}
_TYPES = {
    EntityKind.DOMAIN: ("domain", "Network activity"),
    EntityKind.URL: ("uri", "Network activity"),
    EntityKind.FILE: ("filename", "Payload delivery"),
    EntityKind.PROCESS: ("filename", "Payload delivery"),
    EntityKind.HOST: ("target-machine", "Targeting data"),
    EntityKind.ACCOUNT: ("target-user", "Targeting data"),
    EntityKind.MAILBOX: ("target-email", "Targeting data"),
    EntityKind.SERVICE: ("windows-service-name", "Artifacts dropped"),
}
_HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
_REPORT_CHARACTERS = 200_000


def _write(brief: Brief) -> bytes:
    case, assessment = brief.cases[0], brief.assessments[0]
    uuid = str(uuid5(NAMESPACE, f"misp-case:{case.id}"))
    at = case.first_at or datetime(2026, 1, 1, tzinfo=UTC)
    event = {
        "uuid": uuid,
        "info": said(case.opening)[:500],
        "date": f"{at:%Y-%m-%d}",
        "threat_level_id": _THREAT[case.level],
        "analysis": "1",
        "distribution": "0",
        "published": False,
        "Orgc": {"name": "stillhunt", "uuid": PRODUCER.partition("--")[2]},
        "Tag": [{"name": name} for name in _tags(brief, assessment)],
        "Attribute": [a for touched in case.entities for a in _attribute(touched, uuid)],
        "EventReport": [
            {
                "uuid": str(uuid5(NAMESPACE, f"{uuid}:report")),
                "name": case.id,
                "content": markdown.render(brief)[:_REPORT_CHARACTERS],
                "distribution": "5",
            }
        ],
    }
    return encoded({"Event": event})


def _tags(brief: Brief, assessment: Assessment) -> Iterator[str]:
    yield str(marking_of(brief)).lower()
    for technique in brief.cases[0].techniques:
        name = brief.technique_names.get(technique)
        if name:
            yield f'misp-galaxy:mitre-attack-pattern="{name} - {technique}"'
    named = next((h for h in assessment.hypotheses if h.group != UNKNOWN_GROUP), None)
    if named is not None and not assessment.is_abstention:
        yield f'misp-galaxy:mitre-intrusion-set="{named.name} - {named.group}"'
        yield f'estimative-language:likelihood-probability="{named.term.replace(" ", "-")}"'


def _attribute(touched: ScopedEntity, event: str) -> Iterator[dict[str, Any]]:
    found = _type_of(touched)
    if found is None:
        return
    kind, category, may_correlate = found
    shown = {
        "uuid": str(uuid5(NAMESPACE, f"{event}:{touched.entity.kind}:{touched.entity.value}")),
        "type": kind,
        "category": category,
        "value": said(touched.entity.value),
        "comment": said(f"{touched.scope}: {touched.why}"),
        "to_ids": False,
        "disable_correlation": not may_correlate,
        "distribution": "5",
    }
    if touched.first_at is not None and touched.last_at is not None:
        shown |= {"first_seen": instant(touched.first_at), "last_seen": instant(touched.last_at)}
    yield shown


def _type_of(touched: ScopedEntity) -> tuple[str, str, bool] | None:
    kind, value = touched.entity.kind, touched.entity.value
    if kind is EntityKind.ADDRESS:
        try:
            is_outside = ipaddress.ip_address(value).is_global
        except ValueError:
            return None
        return "ip-src", "Network activity", is_outside
    if kind is EntityKind.HASH:
        return (_HASHES[len(value)], "Payload delivery", True) if len(value) in _HASHES else None
    known = _TYPES.get(kind)
    return (*known, kind is EntityKind.DOMAIN) if known else None


EXPORTER = CaseExporter(title="MISP event", suffix=".misp.json", media_type="application/json", write=_write)
