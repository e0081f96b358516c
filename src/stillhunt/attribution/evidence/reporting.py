"""How much is written about a group: the active ones are reported, and the reported ones are found."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["reporting_line"]


def reporting_line(table: Table, weights: Mapping[str, float]) -> Line:
    """Weigh every group by the reports on it and by how much they tell, whatever was seen: a prior, no observation."""
    by_reports, by_tellings = weights["reporting"], weights["breadth"]
    return Line(
        kind="reporting",
        item="",
        weights={
            g: by_reports * math.log(p.n_reports + 1) + by_tellings * math.log(1 + sum(p.techniques.values()))
            for g, p in table.profiles.items()
        },
    )
