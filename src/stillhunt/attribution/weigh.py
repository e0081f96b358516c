"""Weigh all lines of evidence for all groups: the one sum that ranking, probability and explanation share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.calibrate import probabilities_of, scores_of, tempered, unknown_lines
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.evidence.reporting import reporting_line
from stillhunt.attribution.evidence.software import software_lines
from stillhunt.attribution.evidence.techniques import technique_lines
from stillhunt.attribution.profile import Table

__all__ = ["KINDS", "Ranking", "weigh"]

KINDS: Mapping[str, frozenset[str]] = {
    "techniques": frozenset({"technique", "parent-technique"}),
    "software": frozenset({"software", "software-exclusivity"}),
}
"""Independent kinds of evidence, and the kinds of line that belong to each."""

_STANDING_OUT = 0.25  # share of the known groups that may do as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every group's score and probability, and the lines that add up to them.

    Attributes:
        lines: All lines of evidence.
        scores: Sum of a group's weights; the unknown group among them.
        probabilities: Share of each group; they sum to 1.
    """

    lines: tuple[Line, ...]
    scores: Mapping[str, float]
    probabilities: Mapping[str, float]

    @property
    def order(self) -> list[str]:
        """All groups, the unknown one among them, most probable first."""
        return sorted(self.probabilities, key=lambda g: (-self.probabilities[g], g))

    @property
    def known(self) -> list[str]:
        """All known groups, most probable first."""
        return [g for g in self.order if g != UNKNOWN_GROUP]

    def supporting_kinds(self, group: str) -> tuple[str, ...]:
        """Return the independent kinds of evidence that single this group out.

        A kind counts if it adds more for the group than for three quarters of the known ones.
        """
        return tuple(kind for kind, parts in KINDS.items() if self._stands_out(group, parts))

    def _stands_out(self, group: str, parts: frozenset[str]) -> bool:
        scores = scores_of([line for line in self.lines if line.kind in parts])
        own = scores.get(group, 0.0)
        n_equal_or_above = sum(1 for score in scores.values() if score >= own)
        return own > 0 and n_equal_or_above <= _STANDING_OUT * (len(self.scores) - 1)


def weigh(techniques: Collection[str], software: Collection[str], table: Table) -> Ranking:
    """Weigh what was seen against everything known.

    Args:
        techniques: Technique ids of the knowledge base, each once.
        software: Software ids of the knowledge base, each once.
        table: What every group is known for.
    """
    reporting = tempered(reporting_line(table))
    sightings = (tempered(line) for line in (*technique_lines(techniques, table), *software_lines(software, table)))
    lines = (*sightings, reporting, *unknown_lines(techniques, software, reporting))
    scores = scores_of(lines)
    return Ranking(lines=lines, scores=scores, probabilities=probabilities_of(scores))
