"""ATT&CK Navigator layer 4.5 of a case: its techniques, scored by the gravest finding that shows each.

Source: MITRE ATT&CK Navigator, layer format 4.5.
"""

from __future__ import annotations

from typing import Any

from stillhunt.detection.finding import Finding
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import CaseExporter
from stillhunt.report.marking import marking_of
from stillhunt.report.stix import encoded, said
from stillhunt.terms.level import Level

__all__ = ["EXPORTER"]

_SCORES = {Level.INFORMATIONAL: 10, Level.LOW: 25, Level.MEDIUM: 50, Level.HIGH: 75, Level.CRITICAL: 100}
_TITLES = 5


def _write(brief: Brief) -> bytes:
    case = brief.cases[0]
    findings = {finding.id: finding for finding in brief.findings}
    cells = [
        _cell(technique, stage.tactic, [findings[f] for f in stage.findings if f in findings])
        for stage in case.stages
        for technique in stage.techniques
        if stage.tactic in brief.technique_tactics.get(technique, (stage.tactic,))
    ]
    layer = {
        "name": f"{case.id} ({marking_of(brief)})",
        "versions": {"attack": "18", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": said(case.opening),
        "sorting": 3,
        "hideDisabled": False,
        "techniques": cells,
        "gradient": {"colors": ["#f2eee5", "#e2bd5e", "#8a1428"], "minValue": 0, "maxValue": 100},
        "legendItems": [],
        "metadata": [{"name": "tlp", "value": str(marking_of(brief))}, {"name": "case", "value": case.id}],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": False,
        "selectSubtechniquesWithParent": False,
    }
    return encoded(layer)


def _cell(technique: str, tactic: str, members: list[Finding]) -> dict[str, Any]:
    shown = [f for f in members if technique in f.detector.techniques]
    titles = list(dict.fromkeys(f.detector.title for f in shown))
    more = f"; and {len(titles) - _TITLES} more" if len(titles) > _TITLES else ""
    return {
        "techniqueID": technique,
        "tactic": tactic,
        "score": max((_SCORES[f.detector.level] for f in shown), default=0),
        "comment": said("; ".join(titles[:_TITLES]) + more),
        "enabled": True,
        "metadata": [{"name": "findings", "value": str(len(shown))}],
        "showSubtechniques": "." in technique,
    }


EXPORTER = CaseExporter(
    title="ATT&CK Navigator layer 4.5", suffix=".layer.json", media_type="application/json", write=_write
)
