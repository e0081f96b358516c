"""Software seen: the strongest evidence there is in logs, and the easiest to plant."""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["software_lines"]

# Per unit of BM25, and per full exclusivity; made like those in `techniques.py`.
_SOFTWARE = 0.354
_EXCLUSIVITY = 3.456
# A tool that ATT&CK knows of one group only is an artefact of what was written about, not a signature. The
# confident errors of the undiscounted model were ransomware crews with tools that anybody can download.
_TOOL_SHARE = 0.25


def software_lines(software: Iterable[str], table: Table) -> list[Line]:
    """Weigh software by who is known to use it, and add to it for each that few do.

    Exclusivity is one over the number of groups that use it; a tool, which has honest users too, gets a quarter.
    """
    lines: list[Line] = []
    for item in sorted(set(software)):
        weights = table.software.weights(item)
        lines.append(Line(kind="software", item=item, weights={g: _SOFTWARE * w for g, w in weights.items()}))
        if weights:
            share = (_TOOL_SHARE if item in table.tools else 1.0) * _EXCLUSIVITY / len(weights)
            lines.append(Line(kind="software-exclusivity", item=item, weights=dict.fromkeys(weights, share)))
    return lines
