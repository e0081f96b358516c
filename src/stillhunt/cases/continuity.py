"""Which case of a new hunt is which case of an earlier one: ids, notes and decisions survive more logs.

The ids of findings do not depend on how many logs were read, so cases are recognised by the findings they share.
Pairs are taken by how many they share, the largest first; a case keeps its id if it holds at least half of the
findings of its former self, or they are at least half of its own. What is left over is new, or gone; a former case
most of whose findings are now in another is said to have become part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stillhunt.cases.case import Case

__all__ = ["Continuity", "continued"]

_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuity:
    """How the cases of a new hunt go on from former ones.

    Attributes:
        cases: The new ones, in their order, under the ids of their former selves where they have one.
        absorbed: Former id to the id of the case that it became part of.
        gone: Former ids of which nothing is left.
    """

    cases: tuple[Case, ...]
    absorbed: Mapping[str, str]
    gone: tuple[str, ...]


def continued(former: Mapping[str, Sequence[str]], cases: Sequence[Case]) -> Continuity:
    """Recognise cases.

    Args:
        former: Id of a former case to the ids of its findings.
        cases: The new ones.
    """
    now = {case.id: set(_findings(case)) for case in cases}
    then = {case: set(findings) for case, findings in former.items()}
    shared = [(-len(both), old, new) for old, held in then.items() for new, own in now.items() if (both := held & own)]
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for count, old, new in sorted(shared):
        is_same = -count >= _SHARE * min(len(then[old]), len(now[new]))
        if is_same and old not in taken and new not in renamed:
            renamed[new] = old
            taken.add(old)
    ids = {case.id: renamed.get(case.id) or _free(case.id, taken) for case in cases}
    absorbed: dict[str, str] = {}
    for _, old, new in sorted(shared):
        if old not in taken:
            absorbed.setdefault(old, ids[new])
    return Continuity(
        cases=tuple(replace(case, id=ids[case.id]) for case in cases),
        absorbed=absorbed,
        gone=tuple(sorted(then.keys() - taken - absorbed.keys())),
    )


def _free(case: str, taken: set[str]) -> str:
    """Return an id that no former case goes on under."""
    while case in taken:
        case += "-new"
    return case


def _findings(case: Case) -> tuple[str, ...]:
    return (*case.findings, *case.context)
