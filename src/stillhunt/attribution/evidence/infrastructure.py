"""Indicators shared with a group: decisive where they hit, rarely hit, and soon stale.

Of plays of one vendor, half share an indicator with another of the same actor; across vendors one in thirty does. What
a hit is worth depends on the kind: an address is rented again within months, a domain rarely changes hands, a hash of
a public tool is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from stillhunt.attribution.circumstances import Indicator
from stillhunt.attribution.evidence.line import Line, capped
from stillhunt.terms.ageing import left_after

__all__ = ["CAP", "indicator_lines"]

CAP = 6.0
_WORTH: Mapping[str, float] = {"domain": 4.0, "url": 3.5, "mail": 3.0, "hash": 3.0, "address": 2.0}
"""Log-odds of a fresh hit by kind; it fades by :data:`stillhunt.terms.ageing.HALF_LIFE_DAYS`."""

_UNDATED = 0.25
"""Share of its worth that a hit has if one of the two dates is unknown."""


def indicator_lines(seen: Iterable[Indicator], known: Mapping[str, Mapping[str, str]]) -> list[Line]:
    """Weigh indicators for groups that are said to have used them.

    Args:
        seen: Indicators of the case.
        known: Groups by value of an indicator, each with the last day it was seen in their hands, or nothing.
    """
    lines = []
    for one in sorted(seen, key=lambda i: (i.kind, i.value)):
        groups = known.get(one.value, {})
        worth = _WORTH.get(one.kind, 0.0)
        weights = {
            group: worth * _freshness(one.seen, dated, one.kind) / len(groups)
            for group, dated in sorted(groups.items())
        }
        if weights and worth:
            told = f"{one.kind} {one.value}, said to be theirs"
            lines.append(Line(kind="indicator", item=one.value, weights=weights, told=told))
    return capped(lines, CAP)


def _freshness(seen: date | None, dated: str, kind: str) -> float:
    if seen is None or len(dated) < 10:
        return _UNDATED
    return left_after(abs((seen - date.fromisoformat(dated[:10])).days), kind)
