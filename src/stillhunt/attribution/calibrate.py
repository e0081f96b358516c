"""Scores to probabilities, with the unknown group among them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.evidence.line import Line

__all__ = ["probabilities_of", "scores_of", "tempered", "unknown_lines"]

# Made by `benchmarks/attribution_fit.py`: maximum likelihood over the development cases of sets R and B, with
# the cases of actors that were in the knowledge base and of those that were not weighted to one half each,
# since 57 % of newly reported intrusions are by groups that were not in ATT&CK one release before.
_TEMPERATURE = 1.05
_UNKNOWN_PER_TECHNIQUE = 0.17
_UNKNOWN_PER_SOFTWARE = 0.28


def tempered(line: Line) -> Line:
    """Scale a line of known groups into the log-odds that the probabilities are made of."""
    return Line(kind=line.kind, item=line.item, weights={g: _TEMPERATURE * w for g, w in line.weights.items()})


def unknown_lines(techniques: Collection[str], software: Collection[str], reporting: Line) -> list[Line]:
    """Return the lines of the unknown group: a prior, and what any group would get from a case of this size.

    The prior equals all known groups together before anything is seen: even odds, whatever the size of the
    knowledge base. After that a known group must beat chance: more seen means more chance matches with everybody.

    Args:
        techniques: Technique ids seen.
        software: Software ids seen.
        reporting: What known groups start from, tempered.
    """
    prior = _log_sum_exp(list(reporting.weights.values()))
    sizes = ((techniques, _UNKNOWN_PER_TECHNIQUE), (software, _UNKNOWN_PER_SOFTWARE))
    return [
        Line(kind="prior", item="", weights={UNKNOWN_GROUP: prior}),
        *(
            Line(kind="case-size", item=item, weights={UNKNOWN_GROUP: weight})
            for items, weight in sizes
            for item in sorted(items)
        ),
    ]


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


def _log_sum_exp(scores: Sequence[float]) -> float:
    highest = max(scores)
    return highest + math.log(math.fsum(math.exp(score - highest) for score in scores))
