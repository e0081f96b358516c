"""Cases and decisions as lines of text, for ``stillhunt case``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Scope, ScopedEntity
from stillhunt.cases.decision import CaseView, Decision
from stillhunt.cases.suppression import Suppressed
from stillhunt.report.escape import for_terminal
from stillhunt.report.wording import break_in_words, plural, quiet_words
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.period import instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["case_lines", "decision_lines", "list_lines", "suppression_lines"]

_SHOWN = 30


def list_lines(views: Sequence[CaseView], *, hidden: Sequence[CaseView] = ()) -> Iterator[str]:
    """Yield one line or two for each case, and how many are not shown."""
    for view in views:
        case = view.case
        state = "" if view.is_open else f"  closed: {view.verdict or 'without a verdict'}"
        notes = sum(decision.kind == "note" for decision in view.decisions)
        said = f"  {plural(notes, 'note')}" if notes else ""
        yield for_terminal(f"{case.id}  {case.level:<13} {break_in_words(case.break_in)}{state}{said}")
        yield for_terminal(f"    {case.opening}")
    if not views:
        yield "no case"
    if hidden:
        closed = sum(not view.is_open for view in hidden)
        kinds = [
            f"{closed} closed" if closed else "",
            f"{len(hidden) - closed} suppressed" if closed < len(hidden) else "",
        ]
        yield f"{plural(len(hidden), 'case')} not shown ({', '.join(kind for kind in kinds if kind)}): --all shows them"


def case_lines(view: CaseView, assessment: Assessment | None, *, n_suppressed: int) -> Iterator[str]:
    """Yield everything about a case that fits a screen or two."""
    case = view.case
    yield for_terminal(f"{case.id}  {case.level}{'' if view.is_open else f'  closed: {view.verdict}'}")
    yield for_terminal(case.opening)
    yield ""
    yield for_terminal(f"Why {case.level}: {case.level_why}")
    yield for_terminal(f"Break-in: {break_in_words(case.break_in)}")
    yield from (for_terminal(f"  - {ground}") for ground in case.break_in.grounds)
    if case.last_at:
        ending = ", at the end of the logs" if case.is_active_at_end else ""
        yield f"Last sign: {instant_words(case.last_at)}{ending}"
    if case.quiet:
        yield f"Quiet: {quiet_words(case)}"
    for stage in case.stages:
        begun = instant_words(stage.first_at) if stage.first_at else "at no known time"
        yield for_terminal(f"  {tactic_title(stage.tactic)}: {begun}, {plural(len(stage.findings), 'finding')}")
    for how_sure in Scope:
        touched = sorted((t for t in case.entities if t.scope is how_sure), key=_importance)
        if touched:
            yield f"{how_sure.capitalize()}:"
        yield from (for_terminal(f"  {t.entity.kind} {t.entity.value}: {t.why}") for t in touched[:_SHOWN])
        if len(touched) > _SHOWN:
            yield f"  and {len(touched) - _SHOWN} more in cases.json"
    if assessment is not None:
        yield for_terminal(f"Assessment: {assessment.statement}")
    yield from (for_terminal(f"Not seen: {sentence}") for sentence in case.blind)
    context = f", {plural(len(case.context), 'weak one')} beside" if case.context else ""
    hidden = f", {n_suppressed} of them suppressed" if n_suppressed else ""
    yield f"{plural(len(case.findings), 'finding')}{context}{hidden}"
    if view.decisions:
        yield ""
        yield from decision_lines(view.decisions)


_FOREMOST = (EntityKind.HOST, EntityKind.ACCOUNT, EntityKind.MAILBOX, EntityKind.ADDRESS, EntityKind.DOMAIN)


def _importance(touched: ScopedEntity) -> int:
    kind = touched.entity.kind
    return _FOREMOST.index(kind) if kind in _FOREMOST else len(_FOREMOST)


def decision_lines(decisions: Sequence[Decision]) -> Iterator[str]:
    """Yield each decision as one line."""
    for d in decisions:
        parts = [
            d.case,
            d.verdict or "",
            f"with {', '.join(d.cases)}" if d.cases else "",
            plural(len(d.findings), "finding") if d.findings else "",
            d.undoes,
            d.text,
        ]
        yield for_terminal(f"{d.at:%Y-%m-%d %H:%M} UTC  {d.id}  {d.by}  {d.kind}: {' '.join(p for p in parts if p)}")


def suppression_lines(found: Suppressed) -> Iterator[str]:
    """Yield what suppressions hide, and which of them hold no longer or hide nothing."""
    if found.by_finding:
        yield f"{plural(len(found.by_finding), 'finding')} suppressed"
    for entry in found.expired:
        yield for_terminal(f"suppression {entry.id} expired on {entry.expires} and hides nothing ({entry.where})")
    for entry in found.idle:
        yield for_terminal(f"suppression {entry.id} fits no finding ({entry.where})")
