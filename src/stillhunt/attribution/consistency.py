"""Does the evidence hang together, or could somebody have laid part of it?

Two questions. Does the case hold malware that groups of different countries alone are known for? And: if the
five techniques that fit the leading group best, and all its software, were laid on purpose, would what is left of
the techniques fit a group of another country much better? Laid evidence fits where it was meant to, and the rest of
the case fits somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass

from stillhunt.attribution.calibrate import scores_of
from stillhunt.attribution.constants import Constants, constants
from stillhunt.attribution.evidence.reporting import reporting_line
from stillhunt.attribution.evidence.techniques import technique_lines
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen

__all__ = ["Mismatch", "exclusive_items", "mismatch"]

_LAID = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """What is left of the techniques after those that may have been laid.

    Attributes:
        group: The group of another country that it fits best.
        by: How much better than the leading group, in log-odds.
        n_left: Techniques left.
    """

    group: str
    by: float
    n_left: int


def exclusive_items(seen: Seen, table: Table) -> dict[str, tuple[str, ...]]:
    """Return malware of the case that one group alone is known for, by that group."""
    found: dict[str, list[str]] = {}
    for item in seen.software:
        users = table.software.users(item)
        if len(users) == 1 and item not in table.tools:
            found.setdefault(users[0], []).append(item)
    return {group: tuple(found[group]) for group in sorted(found)}


def mismatch(leader: str, seen: Seen, table: Table, *, of: Constants | None = None) -> Mismatch | None:
    """Say which group of another country fits what is left better, or None if the case is too small to say.

    Args:
        leader: The leading known group.
        seen: What the case shows.
        table: What every group is known for.
        of: The numbers of the model.
    """
    # By rarity alone: shares of reports would favour groups of which little is told.
    weights = {**(of or constants()).weights, "report-share": 0.0}
    lines = {line.item: line for line in technique_lines(seen.techniques, table, weights) if line.kind == "technique"}
    best = sorted(lines, key=lambda t: (-lines[t].weights.get(leader, 0.0), t))
    left = best[_LAID:]
    others = [g for g in table.profiles if g != leader and not _same_country(g, leader, table)]
    if not left or not others:
        return None
    scores = scores_of([*(lines[t] for t in left), reporting_line(table, weights)])
    rival = min(others, key=lambda g: (-scores[g], g))
    return Mismatch(group=rival, by=scores[rival] - scores[leader], n_left=len(left))


def _same_country(one: str, other: str, table: Table) -> bool:
    return bool(table.origins.get(one)) and table.origins.get(one) == table.origins.get(other)
