"""OCSF 1.3 findings of a case, a line of JSON each: one incident finding, and a detection finding for each finding.

Source: Open Cybersecurity Schema Framework 1.3, classes 2004 (Detection Finding) and 2005 (Incident Finding).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from stillhunt.cases.case import Case
from stillhunt.detection.finding import Finding
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import CaseExporter
from stillhunt.report.marking import marking_of
from stillhunt.report.stix import encoded, said
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.technique import tactic_title

__all__ = ["EXPORTER"]

_VERSION = "1.3.0"
_DETECTION, _INCIDENT = 2004, 2005
_CREATE = 1
_SEVERITY = {Level.INFORMATIONAL: 1, Level.LOW: 2, Level.MEDIUM: 3, Level.HIGH: 4, Level.CRITICAL: 5}
_OBSERVABLE = {
    EntityKind.HOST: 1,
    EntityKind.ADDRESS: 2,
    EntityKind.ACCOUNT: 4,
    EntityKind.MAILBOX: 5,
    EntityKind.URL: 6,
    EntityKind.FILE: 7,
    EntityKind.HASH: 8,
    EntityKind.PROCESS: 9,
}
"""Observable type ids: hostname, IP address, user name, email address, URL string, file name, hash, process name."""

_OTHER = 99


def _write(brief: Brief) -> bytes:
    case = brief.cases[0]
    findings = {finding.id: finding for finding in brief.findings}
    members = [findings[f] for f in case.findings if f in findings]
    rows = [_incident(case, members, brief), *(_detection(finding, case, brief) for finding in members)]
    return b"".join(encoded(row, indent=None) for row in rows)


def _common(class_uid: int, level: Level, at: datetime | None, brief: Brief) -> dict[str, Any]:
    return {
        "activity_id": _CREATE,
        "category_uid": 2,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + _CREATE,
        "severity_id": _SEVERITY[level],
        "severity": level.capitalize(),
        "status_id": 1,
        "time": _milliseconds(at),
        "metadata": {
            "version": _VERSION,
            "product": {"name": "stillhunt", "vendor_name": "stillhunt", "version": brief.version},
            "labels": [str(marking_of(brief))],
        },
    }


def _incident(case: Case, members: list[Finding], brief: Brief) -> dict[str, Any]:
    found = _common(_INCIDENT, case.level, case.first_at, brief) | {
        "message": said(case.opening),
        "desc": said(case.level_why),
        "finding_info_list": [{"uid": f.id, "title": said(f.detector.title)} for f in members],
        "attacks": [a for f in members for a in _attacks(f, brief)],
    }
    if case.first_at is not None and case.last_at is not None:
        found |= {"start_time": _milliseconds(case.first_at), "end_time": _milliseconds(case.last_at)}
    found["attacks"] = list({(a["technique"]["uid"], a["tactic"]["name"]): a for a in found["attacks"]}.values())
    return found


def _detection(finding: Finding, case: Case, brief: Brief) -> dict[str, Any]:
    detector = finding.detector
    info = {
        "uid": finding.id,
        "title": said(detector.title),
        "desc": said(detector.description),
        "analytic": {"name": said(detector.title), "uid": detector.id, "type_id": 1, "type": "Rule"},
        "attacks": list(_attacks(finding, brief)),
        "related_events_count": finding.count,
    }
    if finding.first_at is not None and finding.last_at is not None:
        info |= {
            "first_seen_time": _milliseconds(finding.first_at),
            "last_seen_time": _milliseconds(finding.last_at),
        }
    return _common(_DETECTION, detector.level, finding.first_at, brief) | {
        "message": said(detector.title),
        "count": finding.count,
        "finding_info": info,
        "observables": [
            {"name": str(e.kind), "type_id": _OBSERVABLE.get(e.kind, _OTHER), "value": said(e.value)}
            for e in finding.entities
        ],
        "evidences": [
            {"data": {"file": said(e.ref.file), "record": e.ref.record, "original": said(e.original)}}
            for e in finding.evidence
        ],
        "unmapped": {"case": case.id},
    }


def _attacks(finding: Finding, brief: Brief) -> Iterator[dict[str, Any]]:
    for technique in finding.detector.techniques:
        listed = brief.technique_tactics.get(technique, finding.detector.tactics)
        for tactic in [t for t in finding.detector.tactics if t in listed] or listed[:1]:
            yield {
                "version": "18.1",
                "technique": {"uid": technique, "name": brief.technique_names.get(technique, technique)},
                "tactic": {"name": tactic_title(tactic)},
            }


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp() * 1000)


EXPORTER = CaseExporter(
    title="OCSF 1.3 findings, a line each", suffix=".ocsf.jsonl", media_type="application/x-ndjson", write=_write
)
