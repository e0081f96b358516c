"""Groups that the evidence cannot tell apart: sister groups, and names of overlapping people."""

from __future__ import annotations

from stillhunt.attribution.profile import Table
from stillhunt.attribution.weigh import Ranking

__all__ = ["inseparable"]

_EVEN = 3.0
"""Odds below which one group is not preferred to another."""

_RELATED = 10.0
"""Odds below which a group that shares malware with it is not preferred to it."""

_WORTH_TELLING = 0.02


def inseparable(group: str, ranking: Ranking, table: Table) -> tuple[str, ...]:
    """Return the groups that the evidence cannot tell from this one, the most probable first.

    Those of about the same probability; and those less probable that share malware which few others have, since one
    vendor's group is often a part of another's.
    """
    own = ranking.probabilities[group]
    if own < _WORTH_TELLING:
        return ()
    return tuple(
        other
        for other in ranking.known
        if other != group and _is_close(own, ranking.probabilities[other], is_kin=_share_malware(group, other, table))
    )


def _is_close(own: float, other: float, *, is_kin: bool) -> bool:
    if min(own, other) < _WORTH_TELLING / _RELATED:
        return False
    odds = max(own, other) / min(own, other)
    return odds < (_RELATED if is_kin else _EVEN)


def _share_malware(one: str, other: str, table: Table) -> bool:
    both = set(table.profiles[one].software) & set(table.profiles[other].software)
    return any(len(table.software.users(s)) <= 3 and s not in table.tools for s in both)
