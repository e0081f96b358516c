"""A line of evidence: one observation and what it adds to the score of each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One observation and what it adds to each group's score.

    A score is the sum of a group's weights over all lines and nothing else, so that every score can be told
    as a list of reasons.

    Attributes:
        kind: ``technique``, ``parent-technique``, ``software``, ``software-exclusivity``, ``reporting``; for the
            unknown group ``prior`` and ``case-size``.
        item: What was observed: a technique or software id; empty if the line is about no item.
        weights: Contribution in log-odds by group; groups not named get nothing.
    """

    kind: str
    item: str
    weights: Mapping[str, float]
