"""A line of evidence: one observation and what it adds to the score of each group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

__all__ = ["Line", "capped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One observation and what it adds to each group's score.

    A score is the sum of a group's weights over all lines and nothing else, so that every score can be told
    as a list of reasons.

    Attributes:
        kind: What sort of line it is, such as ``technique`` or ``software-exclusivity``; see
            :data:`stillhunt.attribution.weigh.FAMILIES`.
        item: What was observed: a technique or software id, a sector ...; empty if the line is about no item.
        weights: Contribution in log-odds by group; groups not named get nothing.
        told: What it says, for lines that are about no technique and no software.
    """

    kind: str
    item: str
    weights: Mapping[str, float]
    told: str = ""


def capped(lines: Iterable[Line], cap: float) -> list[Line]:
    """Scale lines of one family so that no group gets more than the cap from all of them, nor loses more."""
    lines = list(lines)
    totals: dict[str, list[float]] = {}
    for line in lines:
        for group, weight in line.weights.items():
            totals.setdefault(group, []).append(weight)
    scales = {g: cap / abs(t) for g, w in totals.items() if abs(t := math.fsum(w)) > cap}
    if not scales:
        return lines
    return [replace(line, weights={g: w * scales.get(g, 1.0) for g, w in line.weights.items()}) for line in lines]
