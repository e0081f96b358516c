"""Attack Flow 2.0 of a case: what was done on which host, in the order in which it was first seen.

An arrow says *after*, not *because*: logs show order, and no more. Source: Attack Flow language 2.0.0 (Center for
Threat-Informed Defense).
"""

from __future__ import annotations

from typing import Any

from stillhunt.detection.finding import Finding
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import CaseExporter
from stillhunt.report.marking import marking_of
from stillhunt.report.stix import base, bundle, encoded, instant, marking, own_id, producer, said
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.technique import tactic_rank

__all__ = ["EXPORTER"]

_EXTENSION = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"
_AUTHOR = "identity--fb9c968a-745b-4ade-9b25-c324172197f4"
_MADE = "2022-08-02T19:34:35.143Z"
_SCHEMA = "https://center-for-threat-informed-defense.github.io/attack-flow/stix/attack-flow-schema-2.0.0.json"
_TACTIC_IDS = {
    "reconnaissance": "TA0043",
    "resource-development": "TA0042",
    "initial-access": "TA0001",
    "execution": "TA0002",
    "persistence": "TA0003",
    "privilege-escalation": "TA0004",
    "defense-evasion": "TA0005",
    "credential-access": "TA0006",
    "discovery": "TA0007",
    "lateral-movement": "TA0008",
    "collection": "TA0009",
    "command-and-control": "TA0011",
    "exfiltration": "TA0010",
    "impact": "TA0040",
}


def _write(brief: Brief) -> bytes:
    case, mark = brief.cases[0], marking_of(brief)
    made = instant(case.last_at)
    findings = {finding.id: finding for finding in brief.findings}
    extension = {"extensions": {_EXTENSION: {"extension_type": "new-sdo"}}}
    steps = _steps([findings[f] for f in case.findings if f in findings])
    ids = [own_id("attack-action", case.id, technique, host) for technique, host, _ in steps]
    actions, assets = [], {}
    for place, (technique, host, members) in enumerate(steps):
        action = base("attack-action", ids[place], made, mark) | extension
        action |= {
            "name": brief.technique_names.get(technique, technique),
            "technique_id": technique,
            "description": said("; ".join(dict.fromkeys(f.detector.title for f in members))),
        }
        tactics = sorted({t for f in members for t in f.detector.tactics} & _TACTIC_IDS.keys(), key=tactic_rank)
        action |= {"tactic_id": _TACTIC_IDS[tactics[0]]} if tactics else {}
        times = [t for f in members for t in (f.first_at, f.last_at) if t is not None]
        if times:
            action |= {"execution_start": instant(min(times)), "execution_end": instant(max(times))}
        if host:
            asset = base("attack-asset", own_id("attack-asset", case.id, host), made, mark) | extension
            assets[host] = asset | {"name": said(host)}
            action["asset_refs"] = [asset["id"]]
        if place + 1 < len(ids):
            action["effect_refs"] = [ids[place + 1]]
        actions.append(action)
    flow = base("attack-flow", own_id("attack-flow", case.id), made, mark) | extension
    flow |= {"name": case.id, "description": said(case.opening), "scope": "incident", "start_refs": ids[:1]}
    objects = [producer(), marking(mark), *_definition(), flow, *actions, *assets.values()]
    return encoded(bundle(objects))


def _steps(findings: list[Finding]) -> list[tuple[str, str, list[Finding]]]:
    """Return (technique, host, findings), in order of first sign."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        host = next((e.value for e in finding.entities if e.kind is EntityKind.HOST), "")
        for technique in finding.detector.techniques:
            found.setdefault((technique, host), []).append(finding)
    return [(technique, host, members) for (technique, host), members in found.items()]


def _definition() -> list[dict[str, Any]]:
    return [
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": _AUTHOR,
            "created": _MADE,
            "modified": _MADE,
            "name": "MITRE Center for Threat-Informed Defense",
            "identity_class": "organization",
        },
        {
            "type": "extension-definition",
            "spec_version": "2.1",
            "id": _EXTENSION,
            "created_by_ref": _AUTHOR,
            "created": _MADE,
            "modified": _MADE,
            "name": "Attack Flow",
            "description": "Extends STIX 2.1 with features to create Attack Flows.",
            "schema": _SCHEMA,
            "version": "2.0.0",
            "extension_types": ["new-sdo"],
        },
    ]


EXPORTER = CaseExporter(title="Attack Flow 2.0", suffix=".flow.json", media_type="application/stix+json", write=_write)
