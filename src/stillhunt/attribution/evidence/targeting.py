"""Who the victim is: groups have habits, and the user knows the victim for free. Never the deciding item.

The weight is the logarithm of how much more often a group that is said to attack such victims appears than any group,
shrunk because victims in profiles may come from the very campaign at hand. Groups of whom no victim is known stand
where they were. Chosen before measuring; the note of 2026 found a gain of eight points on twenty-four campaigns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stillhunt.attribution.evidence.line import Line, capped

__all__ = ["CAP", "targeting_lines"]

CAP = 1.5
_SHRINK = 0.6
_MISS = 0.5
"""Share of its weight that a group keeps whose known victims are others."""


def targeting_lines(
    kind: str, seen: Iterable[str], known: Mapping[str, frozenset[str]], *, told: Mapping[str, str]
) -> list[Line]:
    """Weigh sectors or countries of the victim.

    Args:
        kind: ``victim-sector`` or ``victim-country``.
        seen: Sectors or countries of the victim.
        known: Those that each group is said to attack; no entry where nothing is known.
        told: What to call each.
    """
    lines = []
    for item in sorted(set(seen)):
        share = sum(1 for victims in known.values() if item in victims) / max(1, len(known))
        if not share:
            continue
        # The mean over groups of whom victims are known is 1: what one side gains the other loses.
        hit = 1 / (share + _MISS * (1 - share))
        weights = {
            group: _SHRINK * math.log(hit if item in victims else hit * _MISS) for group, victims in known.items()
        }
        lines.append(Line(kind=kind, item=item, weights=weights, told=f"the victim: {told.get(item, item)}"))
    return capped(lines, CAP)
