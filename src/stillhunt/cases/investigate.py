"""Findings to cases: link, weigh, date, scope, and open each with one sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stillhunt.cases.case import BreakIn, Case, Link
from stillhunt.cases.link import host_of, link
from stillhunt.cases.moves import moves
from stillhunt.cases.opening import in_list, opening
from stillhunt.cases.outside import Outside, outside
from stillhunt.cases.scope import scope
from stillhunt.cases.timeline import break_in, core, quiet_periods, signs, stages
from stillhunt.cases.trail import Trail
from stillhunt.cases.triage import case_level, is_case
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import Coverage, HostSpan, LoggingChange
from stillhunt.terms.level import Level
from stillhunt.terms.period import instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["investigate", "regroup"]

_CLOCKS_TOLD = 2
"""Clock faults told with a break-in; the coverage has all."""

_NEAR_END = 0.01
_NOT_NEAR_END = 0.1
"""A last sign counts as still active within a hundredth of the hosts' span of its end, at least within an hour, but
never further from it than a tenth of the span."""


def investigate(
    findings: Sequence[Finding], trail: Trail, coverage: Coverage, *, folded: Collection[str] = ()
) -> tuple[Case, ...]:
    """Group findings into cases, most serious first.

    Args:
        findings: All findings.
        folded: Ids of those that are habits, and open no case.
        trail: What the rest of the logs remembers, in corrected time.
        coverage: What was read; hosts' spans date and censor the break-in.
    """
    spans = {span.host: span for span in coverage.hosts}
    suspicious = [f for f in findings if f.detector.level is not Level.INFORMATIONAL and f.id not in folded]
    known = outside(trail)
    components = link(suspicious, trail, n_hosts=len(spans), known=known)
    seen = _Seen(known, spans, coverage)
    cases = [_case(members, links, seen) for members, links in components if is_case(members)]
    return tuple(sorted(cases, key=lambda c: (-c.level.rank, -len(c.stages), -len(c.findings), c.id)))


def regroup(case: str, findings: Sequence[Finding], coverage: Coverage) -> Case:
    """Make a case of some findings, as an analyst chose them; what lies behind them is not looked back at again.

    Args:
        case: Its id.
        findings: Its findings, at least one.
        coverage: What was read.
    """
    spans = {span.host: span for span in coverage.hosts}
    return replace(_case(tuple(findings), (), _Seen(outside(Trail()), spans, coverage)), id=case)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the logs say beside findings: who did what, where everybody usually is, and what was read."""

    known: Outside
    spans: dict[str, HostSpan]
    coverage: Coverage


def _case(members: tuple[Finding, ...], links: tuple[Link, ...], seen: _Seen) -> Case:
    known, spans, coverage = seen.known, seen.spans, seen.coverage
    trail = known.trail
    carrying = core(members, trail)
    carried = {f.id for f in carrying}
    level, level_why = case_level(members, links, known=known)
    started = _with_clocks(break_in(carrying, trail, spans, known=known), coverage)
    times = signs(carrying)
    last = times[-1] if times else None
    touched = scope(carrying, trail, level, known=known)
    dwell = int((last - started.latest).total_seconds()) if last and started.latest else None
    case = Case(
        id=f"case-{_digest(carrying)}",
        opening="",
        level=level,
        level_why=level_why,
        break_in=started,
        first_at=times[0] if times else None,
        last_at=last,
        dwell_s=dwell,
        is_active_at_end=_is_active_at_end(carrying, spans, last),
        hosts=tuple(sorted({host for f in carrying if (host := host_of(f))})),
        entities=touched,
        stages=stages(carrying),
        techniques=tuple(sorted({t for f in carrying for t in f.detector.techniques})),
        software=tuple(sorted({s for f in carrying for s in f.detector.software})),
        findings=tuple(f.id for f in carrying),
        context=tuple(f.id for f in members if f.id not in carried),
        links=links,
        quiet=quiet_periods(times),
        blind=_blind(carrying, coverage),
        moves=moves(touched, trail, since=times[0] if times else None, until=last),
    )
    return replace(case, opening=opening(case))


def _with_clocks(started: BreakIn, coverage: Coverage) -> BreakIn:
    """Say which clock the date rests on, where the clocks of its host disagree."""
    faults = [c for c in coverage.clocks if c.host == started.host and c.shift_s]
    said = dict.fromkeys(f"the {c.trusted} is believed, not the {c.distrusted}: {c.why}" for c in faults)
    return replace(started, grounds=(*started.grounds, *list(said)[:_CLOCKS_TOLD]))


def _digest(members: Sequence[Finding]) -> str:
    return hashlib.sha256("\n".join(sorted(f.id for f in members)).encode()).hexdigest()[:12]


def _is_active_at_end(members: Sequence[Finding], spans: dict[str, HostSpan], last: datetime | None) -> bool:
    ends = [(spans[h].first_at, spans[h].last_at) for h in {host_of(f) for f in members} if h in spans]
    known = [(a, b) for a, b in ends if a is not None and b is not None]
    if not known or last is None:
        return False
    begin, end = min(a for a, _ in known), max(b for _, b in known)
    span = end - begin
    return end - last <= min(max(timedelta(hours=1), span * _NEAR_END), span * _NOT_NEAR_END)


def _blind(members: Sequence[Finding], coverage: Coverage) -> tuple[str, ...]:
    hosts = {host_of(f) for f in members}
    sentences = [
        f"no logs of {gap.host} ({gap.channel}) between {instant_words(gap.start_at)} and {instant_words(gap.end_at)}"
        for gap in coverage.gaps
        if gap.host in hosts
    ]
    sentences += [_changed(c) for c in coverage.changes if c.host in hosts and not c.is_routine]
    if coverage.verdict is not None and coverage.verdict.blind_tactics:
        names = in_list([tactic_title(t).lower() for t in coverage.verdict.blind_tactics])
        sentences.append(f"nothing in these logs could have shown {names}")
    return tuple(sentences)


def _changed(change: LoggingChange) -> str:
    when = f" at {instant_words(change.first_at)}" if change.first_at else ""
    who = f" by {change.who}" if change.who else ""
    return f"{change.what} on {change.host}{when}{who}"
