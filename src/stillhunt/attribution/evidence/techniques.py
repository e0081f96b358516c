"""Techniques seen: each speaks for the groups known to use it, more if few are, and if many of their reports say so.

Two measures are added for every technique. Okapi BM25 over reports (see :class:`stillhunt.attribution.profile.Usage`)
asks how few groups use it. The share of a group's reports that tell of it, against the share of all reports, asks how
often the group does: the likelihood of seeing it in the group's next report, with two reports' worth of everybody's
habits mixed in (a beta-binomial estimate). That likelihood has a price, told as one line of its own: of a group with
fifty reports much is known, and some of it fits anything.

Two further lines fill gaps of what is written: a rule that names only the parent technique speaks for groups known for
one of its sub-techniques, and a technique that a group's malware can do speaks for the group.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["CAP", "technique_lines"]

CAP = 9.0
"""Most log-odds that techniques may add: about the weight of two of the rarest software."""

_EVERYBODY = 2.0
"""Reports' worth of everybody's habits that are mixed into those of a group."""


def technique_lines(techniques: Iterable[str], table: Table, weights: Mapping[str, float]) -> list[Line]:
    """Weigh techniques, parents that stand for their sub-techniques, and what malware of a group can do."""
    seen = sorted(set(techniques))
    known = [t for t in seen if table.techniques.users(t)]
    return [
        *(_technique_line(t, table, weights) for t in seen),
        *([_by_chance(len(known), table, weights["report-share"])] if known else []),
        *(_parent_line(t, table, weights["parent-technique"], seen) for t in seen if "." not in t),
        *(_line("implied-technique", t, weights["implied-technique"], table.implied(t)) for t in seen),
    ]


def _technique_line(technique: str, table: Table, weights: Mapping[str, float]) -> Line:
    rarity, share = weights["technique"], weights["report-share"]
    usual = _EVERYBODY * table.rate(technique)
    return Line(
        kind="technique",
        item=technique,
        weights={
            group: rarity * weight + share * math.log(1 + table.profiles[group].techniques[technique] / usual)
            for group, weight in table.techniques.weights(technique).items()
        },
    )


def _by_chance(n_techniques: int, table: Table, factor: float) -> Line:
    """Take from groups of many reports, and give to those of few, what fits by chance; on average nothing."""
    prices = {g: n_techniques * math.log(1 + p.n_reports / _EVERYBODY) for g, p in table.profiles.items()}
    mean = math.fsum(prices.values()) / len(prices)
    return Line(kind="by-chance", item="", weights={g: factor * (mean - price) for g, price in prices.items()})


def _parent_line(technique: str, table: Table, factor: float, seen: Collection[str]) -> Line:
    """Weigh a parent for groups known for its sub-techniques alone; not where the case shows one of these too."""
    has_exact = any(t.startswith(f"{technique}.") for t in seen)
    own = table.techniques.weights(technique)
    known = {} if has_exact else table.parents.weights(technique)
    return _line("parent-technique", technique, factor, {g: w for g, w in known.items() if g not in own})


def _line(kind: str, item: str, factor: float, weights: Mapping[str, float]) -> Line:
    return Line(kind=kind, item=item, weights={g: factor * w for g, w in weights.items()})
