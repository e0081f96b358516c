"""How much is written about a group: the active ones are reported, and the reported ones are found."""

from __future__ import annotations

import math

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["reporting_line"]

_REPORTS = 0.611  # per log(reports + 1); made like those in `techniques.py`


def reporting_line(table: Table) -> Line:
    """Weigh every group by the number of reports on it, whatever was seen: a prior, not an observation."""
    weights = {g: _REPORTS * math.log(p.n_reports + 1) for g, p in table.profiles.items()}
    return Line(kind="reporting", item="", weights=weights)
