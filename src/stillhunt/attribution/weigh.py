"""Weigh all lines of evidence for all groups: the one sum that ranking, probability and explanation share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.calibrate import probabilities_of, restraint_line, scores_of, unknown_lines
from stillhunt.attribution.constants import Constants, constants
from stillhunt.attribution.evidence import hours, infrastructure, language, software, targeting, techniques
from stillhunt.attribution.evidence import vulnerabilities as cves
from stillhunt.attribution.evidence.line import Line, capped
from stillhunt.attribution.evidence.reporting import reporting_line
from stillhunt.attribution.profile import Table

__all__ = ["CAPS", "FAMILIES", "KINDS", "MOST_BY_KINDS", "Ranking", "core_lines", "weigh"]

FAMILIES: Mapping[str, frozenset[str]] = {
    "techniques": frozenset({"technique", "by-chance", "parent-technique", "implied-technique"}),
    "software": frozenset({"software", "tool", "software-exclusivity"}),
    "infrastructure": frozenset({"indicator"}),
    "targeting": frozenset({"victim-sector", "victim-country"}),
    "hours": frozenset({"hours", "weekend", "holiday"}),
    "vulnerabilities": frozenset({"vulnerability"}),
    "language": frozenset({"language"}),
}
"""Families of evidence, and the kinds of line that belong to each."""

KINDS = ("techniques", "software", "infrastructure", "targeting", "hours", "vulnerabilities")
"""Families that count as independent kinds of evidence; language does not, being too easily faked."""

CAPS: Mapping[str, float] = {
    "techniques": techniques.CAP,
    "software": software.CAP,
    "infrastructure": infrastructure.CAP,
    "targeting": targeting.CAP,
    "hours": hours.CAP,
    "vulnerabilities": cves.CAP,
    "language": language.CAP,
}
"""Most log-odds that each family may add."""

MOST_BY_KINDS: Mapping[int, float] = {0: 0.49, 1: 0.49, 2: 0.79}
"""Highest probability of a group by the independent kinds that single it out: two for *likely*, three for more."""

_STANDING_OUT = 0.25  # share of the known groups that may do as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every group's score and probability, and the lines that add up to them.

    Attributes:
        lines: All lines of evidence.
        scores: Sum of a group's weights; the unknown group among them.
        probabilities: Share of each group; they sum to 1.
        unrestrained: Probability of the leading group before the number of independent kinds held it back.
    """

    lines: tuple[Line, ...]
    scores: Mapping[str, float]
    probabilities: Mapping[str, float]
    unrestrained: float = 0.0

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
        return _supporting_kinds(self.lines, group, len(self.scores) - 1)


def core_lines(
    seen_techniques: Collection[str], seen_software: Collection[str], table: Table, of: Constants
) -> list[Line]:
    """Return the lines of techniques and software, each family capped."""
    return [
        *capped(techniques.technique_lines(seen_techniques, table, of.weights), techniques.CAP),
        *capped(software.software_lines(seen_software, table, of.weights), software.CAP),
    ]


def weigh(
    seen_techniques: Collection[str],
    seen_software: Collection[str],
    table: Table,
    *,
    beside: Sequence[Line] = (),
    of: Constants | None = None,
    without: Collection[str] = (),
) -> Ranking:
    """Weigh what was seen against everything known.

    Args:
        seen_techniques: Technique ids of the knowledge base, each once.
        seen_software: Software ids of the knowledge base, each once.
        table: What every group is known for.
        beside: Lines of what else is known of the case.
        of: The numbers of the model; those that come with stillhunt if None.
        without: Groups that are no candidates.
    """
    of = of or constants()
    reporting = _only(reporting_line(table, of.weights), without)
    core = [_only(line, without) for line in core_lines(seen_techniques, seen_software, table, of)]
    lines = [
        *core,
        *(_only(line, without) for line in beside),
        reporting,
        *unknown_lines(len(seen_techniques), core, reporting, of.unknown),
    ]
    scores = scores_of(lines)
    probabilities = probabilities_of(scores)
    leader = min((g for g in scores if g != UNKNOWN_GROUP), key=lambda g: (-scores[g], g))
    unrestrained = probabilities[leader]
    most = MOST_BY_KINDS.get(len(_supporting_kinds(lines, leader, len(scores) - 1)))
    restraint = None if most is None else restraint_line(leader, scores, most)
    if restraint is not None:
        lines.append(restraint)
        scores = scores_of(lines)
        probabilities = probabilities_of(scores)
    return Ranking(lines=tuple(lines), scores=scores, probabilities=probabilities, unrestrained=unrestrained)


def _only(line: Line, without: Collection[str]) -> Line:
    if not without:
        return line
    kept = {g: w for g, w in line.weights.items() if g not in without}
    return Line(kind=line.kind, item=line.item, weights=kept, told=line.told)


def _supporting_kinds(lines: Sequence[Line], group: str, n_groups: int) -> tuple[str, ...]:
    return tuple(kind for kind in KINDS if _stands_out(lines, group, FAMILIES[kind], n_groups))


def _stands_out(lines: Sequence[Line], group: str, parts: frozenset[str], n_groups: int) -> bool:
    within = [line for line in lines if line.kind in parts]
    if not any(line.item and line.weights.get(group, 0.0) > 0 for line in within):
        return False
    scores = scores_of(within)
    own = scores.get(group, 0.0)
    n_equal_or_above = sum(1 for score in scores.values() if score >= own)
    return n_equal_or_above <= _STANDING_OUT * n_groups
