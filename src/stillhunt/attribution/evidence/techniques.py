"""Techniques seen: each speaks for the groups known to use it, more if few are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table
from stillhunt.terms.technique import parent_of

__all__ = ["technique_lines"]

# Per unit of BM25, from the conditional logit over the development cases of 2026;
# `benchmarks/attribution_fit.py` fits them again in every fold and shows that they hold.
_TECHNIQUE = 0.289
_PARENT = 0.013


def technique_lines(techniques: Iterable[str], table: Table) -> list[Line]:
    """Weigh techniques and, very lightly, their parents.

    A group is often described by a neighbouring sub-technique, or a rule tagged with the parent; measured,
    that is worth a twentieth of the technique itself.
    """
    seen = sorted(set(techniques))
    own = [_line("technique", t, factor=_TECHNIQUE, weights=table.techniques.weights(t)) for t in seen]
    parents = sorted({parent_of(t) for t in seen})
    return own + [_line("parent-technique", p, factor=_PARENT, weights=table.parents.weights(p)) for p in parents]


def _line(kind: str, item: str, *, factor: float, weights: Mapping[str, float]) -> Line:
    return Line(kind=kind, item=item, weights={g: factor * w for g, w in weights.items()})
