"""What an analyst decided about cases: an append-only log, applied when cases are looked at.

Nothing that a hunt found is changed. A decision that no longer fits, since its case is gone, is kept and explained.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from stillhunt.cases.case import BreakIn, Case, Scope, ScopedEntity
from stillhunt.cases.opening import opening
from stillhunt.cases.timeline import quiet_periods, stages
from stillhunt.detection.finding import Finding

__all__ = ["VERDICTS", "CaseView", "Decision", "Docket", "Regroup", "Verdict", "docket"]

Verdict = Literal["true-positive", "false-positive", "benign", "inconclusive"]
VERDICTS: tuple[Verdict, ...] = ("true-positive", "false-positive", "benign", "inconclusive")

Kind = Literal["note", "close", "reopen", "merge", "split", "undo"]

Regroup = Callable[[str, Sequence[Finding]], Case]
"""Makes a case of an id and some findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the log.

    Attributes:
        id: ``d-`` and a hash of the rest; empty until it is in the log.
        at: When.
        by: Who.
        kind: What.
        case: The case; of an ``undo`` empty.
        text: A note, or the reason.
        verdict: Of ``close``.
        cases: Of ``merge``, the cases that become part of ``case``.
        findings: Of ``split``, those that become a case of their own.
        undoes: Of ``undo``, the decision that no longer holds.
    """

    id: str = ""
    at: datetime
    by: str
    kind: Kind
    case: str = ""
    text: str = ""
    verdict: Verdict | None = None
    cases: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    undoes: str = ""


@dataclass(slots=True, kw_only=True)
class CaseView:
    """A case as it is looked at.

    Attributes:
        case: The case, after merging and splitting.
        is_open: False once it is closed.
        verdict: Why it was closed.
        decisions: What was decided about it, in order.
    """

    case: Case
    is_open: bool = True
    verdict: Verdict | None = None
    decisions: list[Decision] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """All cases as they are looked at.

    Attributes:
        views: In the order of the cases; what was split off follows what it was split from.
        dangling: Decisions that could not be applied, with the reason.
    """

    views: tuple[CaseView, ...]
    dangling: tuple[tuple[Decision, str], ...]

    def of(self, case: str) -> CaseView | None:
        """Return a case by its id."""
        return next((view for view in self.views if view.case.id == case), None)


def docket(
    cases: Sequence[Case], findings: Mapping[str, Finding], decisions: Sequence[Decision], *, regroup: Regroup
) -> Docket:
    """Apply decisions.

    Args:
        cases: What the hunt made.
        findings: All findings by id.
        decisions: In the order in which they were made.
        regroup: Makes the cases that a split leaves.
    """
    table = _Table(cases, findings, regroup)
    undone = _undone(decisions)
    for decision in decisions:
        if decision.kind != "undo" and decision.id not in undone:
            table.apply(decision)
    return Docket(views=tuple(table.views), dangling=tuple(table.dangling))


def _undone(decisions: Sequence[Decision]) -> set[str]:
    """Return what no longer holds; an undo that was undone itself undoes nothing."""
    undone: set[str] = set()
    for decision in reversed(decisions):
        if decision.kind == "undo" and decision.id not in undone:
            undone.add(decision.undoes)
    return undone


class _Table:
    def __init__(self, cases: Sequence[Case], findings: Mapping[str, Finding], regroup: Regroup) -> None:
        self.views = [CaseView(case=case) for case in cases]
        self.dangling: list[tuple[Decision, str]] = []
        self._findings = findings
        self._regroup = regroup
        self._now_in: dict[str, str] = {}

    def apply(self, decision: Decision) -> None:
        view = self._view(decision.case)
        if view is None:
            self.dangling.append((decision, f"there is no case {decision.case} any more"))
            return
        trouble = ""
        match decision.kind:
            case "close":
                view.is_open, view.verdict = False, decision.verdict
            case "reopen":
                view.is_open, view.verdict = True, None
            case "merge":
                trouble = self._merge(view, decision)
            case "split":
                trouble = self._split(view, decision)
            case _:
                pass
        if trouble:
            self.dangling.append((decision, trouble))
        else:
            view.decisions.append(decision)

    def _view(self, case: str) -> CaseView | None:
        while case in self._now_in:
            case = self._now_in[case]
        return next((view for view in self.views if view.case.id == case), None)

    def _merge(self, view: CaseView, decision: Decision) -> str:
        others = [self._view(case) for case in decision.cases]
        missing = [case for case, other in zip(decision.cases, others, strict=True) if other is None]
        if missing:
            return f"there is no case {missing[0]} any more"
        for other in others:
            if other is None or other is view:
                continue
            view.case = _merged(view.case, other.case, self._findings)
            view.decisions += other.decisions
            self._now_in[other.case.id] = view.case.id
            self.views.remove(other)
        return ""

    def _split(self, view: CaseView, decision: Decision) -> str:
        chosen = set(decision.findings)
        own = (*view.case.findings, *view.case.context)
        missing = sorted(chosen - set(own))
        if missing:
            return f"{missing[0]} is no finding of {view.case.id} any more"
        left = [finding for finding in own if finding not in chosen]
        if not left:
            return f"nothing would be left of {view.case.id}"
        apart = self._made(f"{view.case.id}-{decision.id}", chosen)
        view.case = self._kept(view.case, set(left))
        self.views.insert(self.views.index(view) + 1, CaseView(case=apart, decisions=[decision]))
        return ""

    def _kept(self, case: Case, left: Collection[str]) -> Case:
        """Return what a split leaves of a case; its date stands if what it rests on is still there."""
        kept = self._made(case.id, left)
        if not set(case.break_in.findings) <= set(left):
            return kept
        kept = replace(kept, break_in=case.break_in, dwell_s=_dwell(case.break_in, kept.last_at))
        return replace(kept, opening=opening(kept))

    def _made(self, case: str, chosen: Collection[str]) -> Case:
        return self._regroup(case, [self._findings[finding] for finding in sorted(chosen) if finding in self._findings])


def _merged(one: Case, other: Case, findings: Mapping[str, Finding]) -> Case:
    carrying = _in_time((*one.findings, *other.findings), findings)
    earlier = min((one, other), key=_begin)
    firsts = [case.first_at for case in (one, other) if case.first_at]
    lasts = [case.last_at for case in (one, other) if case.last_at]
    times = sorted({t for f in carrying for t in (findings[f].first_at, findings[f].last_at) if t is not None})
    last = max(lasts, default=None)
    joined = replace(
        max((one, other), key=lambda case: case.level.rank),
        id=one.id,
        break_in=earlier.break_in,
        first_at=min(firsts, default=None),
        last_at=last,
        dwell_s=_dwell(earlier.break_in, last),
        is_active_at_end=any(case.is_active_at_end for case in (one, other) if case.last_at == last),
        hosts=tuple(sorted({*one.hosts, *other.hosts})),
        entities=_entities(one.entities, other.entities),
        stages=stages([findings[f] for f in carrying]),
        techniques=tuple(sorted({*one.techniques, *other.techniques})),
        software=tuple(sorted({*one.software, *other.software})),
        findings=carrying,
        context=tuple(f for f in dict.fromkeys((*one.context, *other.context)) if f not in carrying),
        links=(*one.links, *other.links),
        quiet=quiet_periods(times),
        blind=tuple(dict.fromkeys((*one.blind, *other.blind))),
        moves=tuple(sorted(dict.fromkeys((*one.moves, *other.moves)), key=lambda m: (m.first_at, m.host, m.account))),
    )
    return replace(joined, opening=opening(joined))


def _in_time(ids: Sequence[str], findings: Mapping[str, Finding]) -> tuple[str, ...]:
    def order(finding: str) -> tuple[bool, float, str]:
        at = findings[finding].first_at
        return at is None, at.timestamp() if at else 0.0, finding

    return tuple(sorted({finding for finding in ids if finding in findings}, key=order))


def _begin(case: Case) -> tuple[bool, float, str]:
    at = case.break_in.latest
    return at is None, at.timestamp() if at else 0.0, case.id


def _dwell(started: BreakIn, last: datetime | None) -> int | None:
    return int((last - started.latest).total_seconds()) if last and started.latest else None


def _entities(one: Sequence[ScopedEntity], other: Sequence[ScopedEntity]) -> tuple[ScopedEntity, ...]:
    found: dict[tuple[str, str], ScopedEntity] = {}
    for touched in (*one, *other):
        key = (touched.entity.kind, touched.entity.value)
        known = found.get(key)
        found[key] = touched if known is None else _surer(known, touched)
    return tuple(sorted(found.values(), key=lambda t: (t.entity.kind, t.scope, t.entity.value)))


def _surer(one: ScopedEntity, other: ScopedEntity) -> ScopedEntity:
    first, second = sorted((one, other), key=lambda touched: touched.scope is not Scope.CONFIRMED)
    firsts = [touched.first_at for touched in (one, other) if touched.first_at]
    lasts = [touched.last_at for touched in (one, other) if touched.last_at]
    return replace(
        first,
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        findings=tuple(dict.fromkeys((*first.findings, *second.findings))),
    )
