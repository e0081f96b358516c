"""When nobody may be named: the guard rails between a probability and a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import Ranking, weigh
from stillhunt.terms.likelihood import YARDSTICK, term_for

__all__ = ["THRESHOLD", "Verdict", "capped_term", "exclusive_items", "judge"]

THRESHOLD = 0.55
"""Probability below which nobody is named: where the yardstick's *likely* begins."""

_ENOUGH_TECHNIQUES = 5
_STRONGEST_BY_KINDS = {0: "realistic possibility", 1: "realistic possibility", 2: "likely"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether somebody may be named.

    Attributes:
        named: The group's id, or None to abstain.
        reason: Why nobody is named; empty if somebody is.
        fragile: Probability of the leading group without each item that alone keeps it above the threshold.
        weakest: The item whose absence costs a named group most, and its probability then; None if nobody is named.
    """

    named: str | None
    reason: str = ""
    fragile: Mapping[str, float]
    weakest: tuple[str, float] | None = None


def judge(seen: Seen, ranking: Ranking, table: Table) -> Verdict:
    """Decide whether the leading group may be named, or say what is missing.

    Named is who reaches the threshold, on at least two independent kinds of evidence, and still does with any
    one item left out: an item can be mistaken, or planted. Malware that different groups alone are known for
    speaks against naming any of them.
    """
    leader = ranking.known[0] if ranking.known else None
    has_malware = any(s not in table.tools for s in seen.software)
    if not seen.items or leader is None:
        return Verdict(named=None, reason="there is no technique and no software to weigh", fragile={})
    if len(seen.techniques) < _ENOUGH_TECHNIQUES and not has_malware:
        return Verdict(named=None, reason="fewer than five techniques and no malware were seen", fragile={})
    if ranking.probabilities[leader] < THRESHOLD:
        return Verdict(named=None, reason="no known group stands out from what anybody might do", fragile={})
    kinds = ranking.supporting_kinds(leader)
    if len(kinds) < 2:
        reason = f"only one kind of evidence, {kinds[0]}, stands out" if kinds else "no kind of evidence stands out"
        return Verdict(named=None, reason=reason, fragile={})
    without = {item: _probability_without(item, seen, table, group=leader) for item in seen.items}
    fragile = {item: p for item, p in without.items() if p < THRESHOLD}
    if fragile:
        return Verdict(named=None, reason="the name would hang on a single item", fragile=fragile)
    if len(exclusive_items(seen, table)) > 1:
        return Verdict(named=None, reason="malware points to different groups", fragile={})
    weakest = min(without, key=lambda item: (without[item], item))
    return Verdict(named=leader, fragile={}, weakest=(weakest, without[weakest]))


def capped_term(probability: float, *, n_kinds: int, may_name: bool) -> str:
    """Return the estimative term for a probability, no stronger than its evidence allows.

    *Likely* needs two independent kinds of evidence and a verdict that names somebody, *highly likely* and
    above need three.

    >>> capped_term(0.97, n_kinds=2, may_name=True)
    'likely'
    >>> capped_term(0.97, n_kinds=2, may_name=False)
    'realistic possibility'
    """
    order = [term for term, _, _ in YARDSTICK]
    strongest = _STRONGEST_BY_KINDS.get(n_kinds if may_name else 0, order[-1])
    return min(term_for(probability), strongest, key=order.index)


def exclusive_items(seen: Seen, table: Table) -> dict[str, tuple[str, ...]]:
    """Return malware of the case that one group alone is known for, by that group."""
    found: dict[str, list[str]] = {}
    for item in seen.software:
        users = table.software.users(item)
        if len(users) == 1 and item not in table.tools:
            found.setdefault(users[0], []).append(item)
    return {group: tuple(found[group]) for group in sorted(found)}


def _probability_without(item: str, seen: Seen, table: Table, *, group: str) -> float:
    rest = seen.without(item)
    return weigh(rest.techniques, rest.software, table).probabilities[group]
