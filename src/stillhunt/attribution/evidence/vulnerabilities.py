"""Vulnerabilities exploited: telling before they are public, next to nothing soon after.

Days after disclosure everybody uses it; before, few can. So the weight follows the time between first use here and
publication. A CVE number alone gives the year it was reserved, which is no date of publication: without dates the
lowest weight is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stillhunt.attribution.circumstances import Exploited
from stillhunt.attribution.evidence.line import Line, capped

__all__ = ["CAP", "vulnerability_lines"]

CAP = 2.0
_FACTORS = ((0, 0.5), (7, 0.25), (30, 0.1))
"""Days after publication, and the share of rarity that use within them is worth."""

_LATE = 0.04


def vulnerability_lines(
    exploited: Iterable[Exploited], users: Mapping[str, frozenset[str]], *, n_groups: int
) -> list[Line]:
    """Weigh vulnerabilities for groups said to have used them.

    Args:
        exploited: What was exploited, and when.
        users: Groups by CVE id.
        n_groups: Groups that are weighed.
    """
    lines = []
    for one in sorted(exploited, key=lambda e: e.vulnerability):
        groups = users.get(one.vulnerability, frozenset())
        if not groups:
            continue
        weight = _factor(one) * math.log(1 + (n_groups - len(groups) + 0.5) / (len(groups) + 0.5))
        lines.append(
            Line(
                kind="vulnerability",
                item=one.vulnerability,
                weights=dict.fromkeys(sorted(groups), weight),
                told=f"{one.vulnerability}, {_when(one)}",
            )
        )
    return capped(lines, CAP)


def _factor(one: Exploited) -> float:
    if one.used is None or one.published is None:
        return _LATE
    days = (one.used - one.published).days
    return next((factor for until, factor in _FACTORS if days < until or (until and days <= until)), _LATE)


def _when(one: Exploited) -> str:
    if one.used is None or one.published is None:
        return "used at an unknown time from its publication"
    days = (one.used - one.published).days
    return f"used {-days} days before it was public" if days < 0 else f"used {days} days after it was public"
