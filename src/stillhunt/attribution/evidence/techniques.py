"""Techniques seen: each speaks for the groups known to use it, more if few are.

Okapi BM25 over reports (see :class:`stillhunt.attribution.profile.Usage`) corrects for how much is written about a
group. Two further lines fill gaps of what is written: a rule that names only the parent technique speaks for groups
known for one of its sub-techniques, and a technique that a group's malware can do speaks for the group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["CAP", "technique_lines"]

CAP = 9.0
"""Most log-odds that techniques may add: about the weight of two of the rarest software."""


def technique_lines(techniques: Iterable[str], table: Table, weights: Mapping[str, float]) -> list[Line]:
    """Weigh techniques, parents that stand for their sub-techniques, and what malware of a group can do."""
    seen = sorted(set(techniques))
    return [
        *(_line("technique", t, weights["technique"], table.techniques.weights(t)) for t in seen),
        *(_parent_line(t, table, weights["parent-technique"], seen) for t in seen if "." not in t),
        *(_line("implied-technique", t, weights["implied-technique"], table.implied(t)) for t in seen),
    ]


def _parent_line(technique: str, table: Table, factor: float, seen: Collection[str]) -> Line:
    """Weigh a parent for groups known for its sub-techniques alone; not where the case shows one of these too."""
    has_exact = any(t.startswith(f"{technique}.") for t in seen)
    own = table.techniques.weights(technique)
    known = {} if has_exact else table.parents.weights(technique)
    return _line("parent-technique", technique, factor, {g: w for g, w in known.items() if g not in own})


def _line(kind: str, item: str, factor: float, weights: Mapping[str, float]) -> Line:
    return Line(kind=kind, item=item, weights={g: factor * w for g, w in weights.items()})
