"""When they broke in, how long they stayed, when they slept.

The first sign is the earliest *core* finding: one of medium level or above, or a lower one of the same process
tree. From each core finding the process tree is followed back, through all process starts and not only findings,
to where somebody came in (a document opened, a file run by a user, a web server's child).

The break-in is an instant if that entry itself was seen. If it was not, it is "no later than" the first sign,
however far the logs reach back: a way in that left no trace may lie in them or before them. What the case brought
along is looked for in all events (:mod:`stillhunt.cases.lookback`): a file or service that was there earlier moves
the latest time back, and an address met before, which knocked, bounds the earliest. Cleared logs are told beside it
and date nothing, unless they are all there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from stillhunt.cases.case import BreakIn, Stage
from stillhunt.cases.link import DOORS, INSTALLED, SERVERS, WEB_SERVERS, entry_process, host_of, is_visit
from stillhunt.cases.lookback import Trace, traces
from stillhunt.cases.outside import Outside, outside
from stillhunt.cases.trail import Process, Trail, file_name
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import HostSpan
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import parent_of, tactic_rank, tactic_title

__all__ = ["break_in", "core", "quiet_periods", "signs", "stages"]

_QUIET = timedelta(days=7)
_REACHES_BACK = timedelta(days=1)
"""Logs that begin less than this before the first sign cannot show what came before it."""

_TELLS_FIRST = timedelta(days=45)
"""Who comes back through a web shell, or with a password, looks the same each time. Only logs that reach back this
long make the first time seen the first time; intruders are silent for weeks, and seldom for longer."""

_RECURRING = frozenset({"T1078", "T1078.001", "T1078.002", "T1078.003", "T1078.004", "T1133", "T1505.003"})

_ENTRY_TACTICS = frozenset({"initial-access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    at: datetime
    host: str
    what: str
    is_entry: bool
    finding: Finding
    may_recur: bool = False


def core(findings: Sequence[Finding], trail: Trail) -> tuple[Finding, ...]:
    """Return the findings that carry a case: medium and above, and lower ones of the same process trees."""
    trees = {entry for f in findings if _is_strong(f) for entry in _entries(f, trail)}
    chosen = [f for f in findings if _is_strong(f) or trees.intersection(_entries(f, trail))]
    return tuple(chosen) or tuple(findings)


def _is_strong(finding: Finding) -> bool:
    return finding.detector.level.rank >= Level.MEDIUM.rank


def break_in(
    findings: Sequence[Finding], trail: Trail, spans: Mapping[str, HostSpan], *, known: Outside | None = None
) -> BreakIn:
    """Date the break-in of a case.

    Args:
        findings: The core findings of the case.
        trail: What the rest of the logs remembers, in corrected time.
        spans: Host to the span of its logs.
        known: What connects the inside with addresses outside; worked out if it is not given.
    """
    known = outside(trail) if known is None else known
    candidates = sorted(_signs_of_entry(findings, trail), key=lambda s: (s.at, not s.is_entry, s.finding.id))
    if not candidates:
        untimed = ("none of the records that show this case has a usable time",)
        return BreakIn(earliest=None, latest=None, is_censored=True, host="", grounds=untimed)
    erasures = [s for s in candidates if _is_erasure(s)]
    first = next((s for s in candidates if not _is_erasure(s)), candidates[0])
    where = f"from {first.host}" if is_visit(first.finding) else f"on {first.host or 'an unnamed host'}"
    grounds = [f"first sign {instant_words(first.at)} {where}: {first.what}"]
    grounds.extend(
        f"before that, {instant_words(s.at)} on {s.host}: {s.what}; it may have been them, and what it erased is gone"
        for s in erasures
        if s.at < first.at
    )
    earlier = [trace for trace in traces(findings, known, spans) if trace.at < first.at]
    present = next((trace for trace in earlier if trace.is_presence and not _is_delivery(trace, first)), None)
    latest, host = (present.at, present.host) if present else (first.at, first.host)
    if present:
        grounds.append(f"they were in before that: {present.what}")
    span = spans.get(host)
    begin = span.first_at if span else None
    if begin is not None:
        grounds.append(_reach(host, begin, latest))
    # In a cloud every address reaches everything, so the first of one bounds nothing.
    knock = next((t for t in earlier if t.host and t.host == host and latest - _KNOCKED_WITHIN <= t.at <= latest), None)
    if first.is_entry and not present and _is_by_password(first):
        grounds.append("that is a password or a token in use; how they came by it is not seen, nor when")
        earliest, is_censored = None, True
    elif present is not None and present.is_entry:
        grounds.append("that is how they came in, so the break-in is dated to it")
        earliest, is_censored = present.at, False
    elif first.is_entry and not present and first.may_recur and (begin is None or latest - begin < _TELLS_FIRST):
        grounds.append("somebody comes in, but these logs begin too late to tell whether it was the first time")
        earliest, is_censored = None, True
    elif first.is_entry and not present:
        grounds.append("that record is the entry itself, so the break-in is dated to it")
        earliest, is_censored = first.at, False
    elif knock is not None and not knock.is_presence:
        grounds.append(f"no way in was seen; their first trace: {knock.what}")
        earliest, is_censored = knock.at, False
    elif begin is None or latest - begin < _REACHES_BACK:
        grounds.append("no way in was seen; what happened before these logs begin cannot be known")
        earliest, is_censored = None, True
    else:
        grounds.append("no way in was seen: it left no trace in these logs, or lies before they begin")
        earliest, is_censored = None, True
    is_visited = host == host_of(first.finding) and is_visit(first.finding)
    if present is not None and not host:
        # A service names no machine of its own: what there is to say is where they came from.
        host, is_visited = present.came_from, bool(present.came_from)
    return BreakIn(
        earliest=earliest,
        latest=latest,
        is_censored=is_censored,
        host=host,
        grounds=tuple(dict.fromkeys(grounds)),
        findings=(first.finding.id,),
        is_from_outside=is_visited,
    )


_KNOCKED_WITHIN = timedelta(days=30)
"""An address that was met longer before they were in is no bound: it may have had another owner."""

_DELIVERED_WITHIN = timedelta(hours=1)


def _is_delivery(trace: Trace, first: _Sign) -> bool:
    """Tell whether a file was brought just before it was run, which is one entry and not two."""
    return first.is_entry and first.at - trace.at <= _DELIVERED_WITHIN


def signs(findings: Sequence[Finding]) -> list[datetime]:
    """Return every known time of the findings, sorted, without repetition."""
    times = {t for f in findings for t in (f.first_at, f.last_at, *(e.ref.at for e in f.evidence)) if t is not None}
    return sorted(times)


def quiet_periods(times: Sequence[datetime]) -> tuple[tuple[datetime, datetime], ...]:
    """Return the silences of more than a week between sorted times."""
    return tuple((a, b) for a, b in pairwise(times) if b - a > _QUIET)


def stages(findings: Sequence[Finding]) -> tuple[Stage, ...]:
    """Return the ATT&CK tactics reached, in matrix order."""
    tactics = sorted({t for f in findings for t in f.detector.tactics}, key=tactic_rank)
    return tuple(_stage(t, [f for f in findings if t in f.detector.tactics]) for t in tactics)


def _stage(tactic: str, findings: Sequence[Finding]) -> Stage:
    times = signs(findings)
    return Stage(
        tactic=tactic,
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        techniques=tuple(sorted({t for f in findings for t in f.detector.techniques})),
        findings=tuple(f.id for f in findings),
    )


def _signs_of_entry(findings: Sequence[Finding], trail: Trail) -> Iterator[_Sign]:
    for finding in findings:
        if finding.first_at is None:
            continue
        is_made = _is_page_written(finding) or _is_consent(finding)
        is_entry = is_made or bool(_ENTRY_TACTICS.intersection(finding.detector.tactics))
        tactic = ", ".join(tactic_title(t) for t in finding.detector.tactics) or "no tactic"
        what = f"{finding.detector.title} ({tactic})"
        may_recur = not is_made and bool(_RECURRING.intersection(finding.detector.techniques))
        yield _Sign(
            at=finding.first_at,
            host=host_of(finding),
            what=what,
            is_entry=is_entry,
            finding=finding,
            may_recur=may_recur,
        )
        for entry in sorted(_entries(finding, trail)):
            yield _from_process(trail.processes[entry], finding)


_WEB_SHELL, _CONSENT = "T1505.003", "T1528"


def _is_page_written(finding: Finding) -> bool:
    """Tell whether a web server's own process wrote a page that runs: somebody outside made it do so."""
    if _WEB_SHELL not in finding.detector.techniques or not any(e.kind is EntityKind.FILE for e in finding.entities):
        return False
    return any(e.kind is EntityKind.PROCESS and file_name(e.value) in WEB_SERVERS for e in finding.entities)


def _is_consent(finding: Finding) -> bool:
    """Tell whether somebody let an application in: that click is how whoever is behind it comes in."""
    return set(finding.detector.techniques) == {_CONSENT} and any(e.role == "target" for e in finding.entities)


_BY_PASSWORD = frozenset({"T1078", "T1078.001", "T1078.002", "T1078.003", "T1078.004", "T1550.001", "T1606.002"})


def _is_by_password(sign: _Sign) -> bool:
    """Tell whether a sign is no more than somebody else's account in use: something came before it."""
    techniques = sign.finding.detector.techniques
    return bool(techniques) and _BY_PASSWORD.issuperset(techniques)


def _is_erasure(sign: _Sign) -> bool:
    """Tell whether a sign is the removal of traces: that hides an intrusion, or begins a log, but is no way in."""
    techniques = sign.finding.detector.techniques
    return bool(techniques) and all(parent_of(t) == "T1070" for t in techniques)


def _from_process(process: Process, finding: Finding) -> _Sign:
    door = file_name(process.parent_image)
    opened = f", started by {door}" if door else ""
    what = f"{file_name(process.image)} run as {process.user or 'an unnamed account'}{opened}"
    what += f", from which came: {finding.detector.title}"
    return _Sign(
        at=process.at,
        host=process.host,
        what=what,
        is_entry=_is_way_in(process, door),
        finding=finding,
        may_recur=door in SERVERS,
    )


def _is_way_in(process: Process, door: str) -> bool:
    """Tell whether a process start shows somebody coming in.

    What a browser, a mail client, an office program or a web server starts does; what the desktop starts does only
    if it is no installed program: an administrator's own shell says that somebody sat there, not how they came.
    """
    if door == "explorer.exe":
        return not process.image.lower().startswith(INSTALLED)
    return door in DOORS


def _entries(finding: Finding, trail: Trail) -> set[str]:
    processes = [e.value for e in finding.entities if e.kind is EntityKind.PROCESS_ID and e.role != "parent"]
    return {entry for p in processes if (entry := entry_process(p, trail)) is not None}


def _reach(host: str, begin: datetime, latest: datetime) -> str:
    before = (latest - begin).total_seconds()
    return f"logs of {host or 'the service'} begin {instant_words(begin)}, {duration_words(before)} before"
