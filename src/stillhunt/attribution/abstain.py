"""When nobody may be named: the guard rails between a probability and a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stillhunt.attribution.consistency import Mismatch, exclusive_items, mismatch
from stillhunt.attribution.constants import Constants, constants
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import Ranking, weigh
from stillhunt.terms.likelihood import YARDSTICK, term_for

__all__ = ["THRESHOLD", "Left", "Verdict", "capped_term", "exclusive_items", "judge", "without_each"]

THRESHOLD = 0.55
"""Probability below which nobody is named: where the yardstick's *likely* begins."""

_ENOUGH_TECHNIQUES = 5
_HANGING = 0.2
"""Probability without some one item below which a name is not given: it would be that item's word alone."""

_STRONGEST_BY_KINDS = {0: "realistic possibility", 1: "realistic possibility", 2: "likely"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of the leading group without one thing.

    Attributes:
        item: What is left out: an id, or ``software`` for all of it.
        probability: Of the same group, then.
        leader: Who leads, then.
    """

    item: str
    probability: float
    leader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether somebody may be named.

    Attributes:
        named: The group's id, or None to abstain.
        reason: Why nobody is named; empty if somebody is.
        left: What the leading group's probability would be without each item, lowest first; empty if nobody stands
            out at all.
        planted: The same without any of its software, as if all of it had been laid.
        mismatch: What is left of the techniques fits another country's group, if it does so clearly.
        is_conflicting: Malware points to different groups that alone are known for it.
    """

    named: str | None
    reason: str = ""
    left: tuple[Left, ...] = ()
    planted: Left | None = None
    mismatch: Mismatch | None = None
    is_conflicting: bool = False

    @property
    def fragile(self) -> dict[str, float]:
        """Probability of the leading group without each item that alone keeps it above the threshold."""
        return {one.item: one.probability for one in self.left if one.probability < THRESHOLD}

    @property
    def weakest(self) -> Left | None:
        """The item whose absence costs the leading group most."""
        return self.left[0] if self.left else None

    @property
    def hangs_on_one(self) -> bool:
        """Whether next to nothing is left of the leading group without some one item."""
        return self.weakest is not None and self.weakest.probability < _HANGING

    @property
    def is_inconsistent(self) -> bool:
        """Whether the evidence may be a false flag."""
        return self.is_conflicting or self.mismatch is not None


def judge(
    seen: Seen,
    ranking: Ranking,
    table: Table,
    *,
    beside: Callable[[str], Sequence[Line]] | None = None,
    besides: Sequence[str] = (),
    of: Constants | None = None,
) -> Verdict:
    """Decide whether the leading group may be named, or say what is missing.

    Named is who reaches the threshold on at least two independent kinds of evidence, whose name does not hang on one
    item alone, and against whom no malware of another group speaks.

    Args:
        seen: What the case shows.
        ranking: What it was weighed to.
        table: What every group is known for.
        beside: Lines of what else is known, without one item; an empty word leaves out none.
        besides: The items of these lines.
        of: The numbers of the model.
    """
    leader = ranking.known[0] if ranking.known else None
    has_malware = any(s not in table.tools for s in seen.software)
    if not seen.items or leader is None:
        return Verdict(named=None, reason="there is no technique and no software to weigh")
    is_conflicting = len(exclusive_items(seen, table)) > 1
    if len(seen.techniques) < _ENOUGH_TECHNIQUES and not has_malware:
        return Verdict(
            named=None,
            reason="fewer than five techniques and no malware were seen",
            is_conflicting=is_conflicting,
        )
    if max(ranking.unrestrained, ranking.probabilities[leader]) < THRESHOLD:
        reason = "no known group stands out from what anybody might do"
        return Verdict(named=None, reason=reason, is_conflicting=is_conflicting)
    left = without_each(leader, seen, table, beside=beside, besides=besides, of=of)
    verdict = Verdict(
        named=None,
        left=left,
        planted=_without_software(leader, seen, table, beside=beside, of=of),
        mismatch=_clear_mismatch(leader, seen, table, of),
        is_conflicting=is_conflicting,
    )
    reason = _reason(leader, ranking, verdict)
    return replace(verdict, named=None if reason else leader, reason=reason)


def without_each(
    leader: str,
    seen: Seen,
    table: Table,
    *,
    beside: Callable[[str], Sequence[Line]] | None = None,
    besides: Sequence[str] = (),
    of: Constants | None = None,
) -> tuple[Left, ...]:
    """Weigh a case again without each of its items, those that cost a group most first."""
    all_beside = beside("") if beside else ()
    left = []
    for item in (*seen.items, *besides):
        rest = seen.without(item)
        lines = beside(item) if beside and item in besides else all_beside
        ranking = weigh(rest.techniques, rest.software, table, beside=lines, of=of)
        left.append(Left(item=item, probability=ranking.probabilities[leader], leader=ranking.known[0]))
    return tuple(sorted(left, key=lambda one: (one.probability, one.item)))


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


def _reason(leader: str, ranking: Ranking, verdict: Verdict) -> str:
    kinds = ranking.supporting_kinds(leader)
    if len(kinds) < 2:
        return f"only one kind of evidence, {kinds[0]}, stands out" if kinds else "no kind of evidence stands out"
    if verdict.is_conflicting:
        return "malware points to different groups"
    if verdict.hangs_on_one:
        return "the name would hang on a single item"
    if ranking.probabilities[leader] < THRESHOLD:
        return "no known group stands out from what anybody might do"
    return ""


def _without_software(
    leader: str, seen: Seen, table: Table, *, beside: Callable[[str], Sequence[Line]] | None, of: Constants | None
) -> Left | None:
    laid = [s for s in seen.software if leader in table.software.users(s)]
    if not laid:
        return None
    kept = [s for s in seen.software if s not in laid]
    ranking = weigh(seen.techniques, kept, table, beside=beside("") if beside else (), of=of)
    return Left(item="software", probability=ranking.probabilities[leader], leader=ranking.known[0])


def _clear_mismatch(leader: str, seen: Seen, table: Table, of: Constants | None) -> Mismatch | None:
    found = mismatch(leader, seen, table, of=of)
    return found if found is not None and found.by > (of or constants()).mismatch else None
