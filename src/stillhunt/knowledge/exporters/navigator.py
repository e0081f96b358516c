"""ATT&CK Navigator layer 4.5: techniques that claims say are used, scored by how many claims say so.

Techniques that are only denied are left out. Source: MITRE ATT&CK Navigator, layer format 4.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from stillhunt.knowledge.claim import Claim, type_of
from stillhunt.knowledge.exporter import Exporter
from stillhunt.knowledge.store import View

__all__ = ["EXPORTER", "layer_of"]

_SPEAKERS = 3
"""Sources of a technique that its comment names."""


def layer_of(view: View, entities: Sequence[str]) -> dict[str, Any]:
    """Return a layer of the techniques that some entities, or all groups, are said to use."""
    claims = view.about(entities, "uses") if entities else view.saying("uses")
    used = [c for c in claims if type_of(c.object) == "attack-pattern" and not c.is_denial]
    codes = _codes(view, used)
    by_code: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in used:
        if claim.object in codes:
            by_code[codes[claim.object]].append(claim)
    sources = view.sources(c.source for c in used)
    names = sorted(set(view.names_of(entities).values())) if entities else ["all groups"]
    techniques = []
    for code, said in sorted(by_code.items()):
        titles = list(dict.fromkeys(sources[c.source].title for c in said))
        more = f"; and {len(titles) - _SPEAKERS} more" if len(titles) > _SPEAKERS else ""
        techniques.append(
            {
                "techniqueID": code,
                "score": len(said),
                "comment": "; ".join(titles[:_SPEAKERS]) + more,
                "enabled": True,
                "metadata": [{"name": "claims", "value": str(len(said))}],
            }
        )
    most = max((len(said) for said in by_code.values()), default=1)
    return {
        "name": ", ".join(names)[:120],
        "versions": {"attack": "18", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Techniques that claims say are used; the score is the number of claims.",
        "sorting": 3,
        "hideDisabled": False,
        "techniques": techniques,
        "gradient": {"colors": ["#ffffff", "#d9534f"], "minValue": 0, "maxValue": most},
        "legendItems": [],
        "metadata": [],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _codes(view: View, used: Sequence[Claim]) -> dict[str, str]:
    ids = view.about({c.object for c in used}, "external-id")
    return {c.subject: c.value for c in ids if not c.is_denial and c.value.startswith("T") and c.value[1:5].isdigit()}


def _write(view: View, entities: Sequence[str]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(layer_of(view, entities)), indent=1) + b"\n"


EXPORTER = Exporter(title="ATT&CK Navigator layer 4.5", suffix=".json", write=_write)
