"""How much is written about a group: the active ones are reported, and the reported ones are found."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["reporting_line"]


def reporting_line(table: Table, weights: Mapping[str, float]) -> Line:
    """Weigh every group by the number of reports on it, whatever was seen: a prior, not an observation."""
    factor = weights["reporting"]
    return Line(
        kind="reporting", item="", weights={g: factor * math.log(p.n_reports + 1) for g, p in table.profiles.items()}
    )
