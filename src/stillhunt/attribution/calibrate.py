"""Scores to probabilities, with the unknown group among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.constants import UnknownGroup
from stillhunt.attribution.evidence.line import Line

__all__ = ["log_sum_exp", "probabilities_of", "restraint_line", "scores_of", "unknown_lines"]

_SMALLEST = 4
"""Items below which the prior no longer changes: it is even odds, near enough, before anything is seen."""


def unknown_lines(n_items: int, core: Sequence[Line], reporting: Line, of: UnknownGroup) -> list[Line]:
    """Return the lines of the unknown group: a prior, the size of the case, and what its evidence does for everybody.

    The prior equals all known groups together, whatever the size of the knowledge base. Many techniques without a
    group that they fit speak for somebody new; and of what lifts the known groups together, the unknown one gets the
    larger part: somebody new works much like somebody known.

    Args:
        n_items: Techniques seen.
        core: Lines of techniques and software.
        reporting: What known groups start from.
        of: The fitted numbers.
    """
    start = log_sum_exp(list(reporting.weights.values()))
    uplift = log_sum_exp(list(scores_of([*core, reporting]).values())) - start
    size = of.base + of.per_size * math.log(1 + max(n_items, _SMALLEST))
    return [
        Line(kind="prior", item="", weights={UNKNOWN_GROUP: start}),
        Line(kind="case-size", item="", weights={UNKNOWN_GROUP: size}),
        Line(kind="resemblance", item="", weights={UNKNOWN_GROUP: (1 + of.per_uplift) * uplift}),
    ]


def restraint_line(group: str, scores: Mapping[str, float], most: float) -> Line | None:
    """Return the line that keeps a group's probability at the most that its evidence allows, if it is above."""
    others = log_sum_exp([s for g, s in scores.items() if g != group])
    allowed = others + math.log(most / (1 - most))
    if scores[group] <= allowed:
        return None
    return Line(kind="restraint", item="", weights={group: allowed - scores[group]})


def scores_of(lines: Sequence[Line]) -> dict[str, float]:
    """Return the sum of each group's weights, in order of group."""
    parts: dict[str, list[float]] = {}
    for line in lines:
        for group, weight in line.weights.items():
            parts.setdefault(group, []).append(weight)
    return {group: math.fsum(parts[group]) for group in sorted(parts)}


def probabilities_of(scores: Mapping[str, float]) -> dict[str, float]:
    """Return each group's share of the exponentials of the scores; they sum to 1.

    >>> probabilities_of({"G0001": 0.0, "G0002": 0.0})
    {'G0001': 0.5, 'G0002': 0.5}
    """
    highest = max(scores.values())
    odds = {group: math.exp(score - highest) for group, score in scores.items()}
    total = math.fsum(odds.values())
    return {group: odd / total for group, odd in odds.items()}


def log_sum_exp(scores: Sequence[float]) -> float:
    """Return the logarithm of the sum of the exponentials."""
    highest = max(scores)
    return highest + math.log(math.fsum(math.exp(score - highest) for score in scores))
