"""The case as one self-contained page: a minister reads the first screen, an analyst checks the rest.

No script, style, font or picture comes from elsewhere, and a content security policy forbids it. Without
scripts everything can still be read; scripts only filter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case, Scope, ScopedEntity
from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.report.brief import Brief
from stillhunt.report.escape import for_html
from stillhunt.report.wording import break_in_words, coverage_words, levels_words, plural, quiet_words, summary_words
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["render"]

_RECORD_CHARACTERS = 16_000
"""A raw record longer than this is cut."""

_CASE_CHARACTERS = 1_400_000
"""Raw records in one case."""

_PAGE_CHARACTERS = 8_000_000
"""Raw records on the whole page."""

_FINDINGS_WITH_EVIDENCE = 300
_OPEN_CASES = 3
"""Cases unfolded when the page opens."""

_MAIN_KINDS = (EntityKind.HOST, EntityKind.ACCOUNT, EntityKind.MAILBOX)
"""What can be compromised; the other entities are traces."""


def render(brief: Brief) -> str:
    """Return the page of a brief."""
    findings = {f.id: f for f in brief.findings}
    budget = _Budget(_PAGE_CHARACTERS)
    cases = [
        _CaseView(case, assessment, findings, brief, budget.part(_CASE_CHARACTERS))
        for case, assessment in zip(brief.cases, brief.assessments, strict=True)
    ]
    in_a_case = {f for case in brief.cases for f in (*case.findings, *case.context)}
    return (
        _environment()
        .get_template("case.html.j2")
        .render(
            brief=brief,
            cases=cases,
            open_cases=_OPEN_CASES,
            summary=summary_words(brief),
            coverage=brief.coverage,
            coverage_said=coverage_words(brief.coverage),
            rules_by_reason=_rules_by_reason(brief),
            loose=[f for f in brief.findings if f.id not in in_a_case],
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stillhunt.report"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "instant": _instant,
        "tactic": tactic_title,
        "counted": plural,
        "duration": duration_words,
        "levels": levels_words,
    }
    return environment


def _finalize(value: object) -> object:
    """Pass every printed value through the escaping of hostile text; the template engine escapes HTML after it."""
    return for_html(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "no time"


@dataclass(slots=True)
class _Budget:
    """Characters of raw records that may still be shown."""

    left: int
    parent: _Budget | None = None

    def part(self, most: int) -> _Budget:
        return _Budget(most, self)

    def take(self, n_characters: int) -> bool:
        if n_characters > self.left or (self.parent is not None and not self.parent.take(n_characters)):
            return False
        self.left -= n_characters
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordView:
    file: str
    record: int
    at: str
    clock: str
    text: str
    note: str
    reasons: tuple[tuple[int, Clause], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FindingView:
    finding: Finding
    host: str
    search: str
    records: tuple[_RecordView, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    left: float
    width: float
    level: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    title: str
    marks: tuple[_Mark, ...]


@dataclass(slots=True)
class _CaseView:
    """A case with all that its part of the page says."""

    case: Case
    assessment: Assessment
    _findings: Mapping[str, Finding]
    _brief: Brief
    _budget: _Budget
    findings: list[_FindingView] = field(init=False)

    def __post_init__(self) -> None:
        members = [self._findings[f] for f in self.case.findings]
        self.findings = [self._view(number, finding) for number, finding in enumerate(members)]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The figures beside the opening."""
        case = self.case
        found = [("Broke in", break_in_words(case.break_in))]
        if case.last_at is not None:
            tail = ", still active when the logs end" if case.is_active_at_end else ""
            found.append(("Last sign", instant_words(case.last_at) + tail))
        if case.dwell_s is not None:
            found.append(("Stayed", duration_words(case.dwell_s)))
        if case.quiet:
            found.append(("Slept", quiet_words(case)))
        found.append(("Under control", self._held()))
        found.append(("Who", self._who()))
        return found

    def _held(self) -> str:
        counts = [
            (sum(t.scope is Scope.CONFIRMED and t.entity.kind is kind for t in self.case.entities), noun)
            for kind, noun in ((EntityKind.HOST, "host"), (EntityKind.ACCOUNT, "account"))
        ]
        return " and ".join(plural(n, noun) for n, noun in counts if n) or "nothing confirmed"

    def _who(self) -> str:
        return "not enough to name anyone" if self.assessment.is_abstention else self.assessment.hypotheses[0].name

    @property
    def context(self) -> list[Finding]:
        """Weak findings beside the case."""
        return [self._findings[f] for f in self.case.context]

    @property
    def hosts(self) -> list[str]:
        return sorted({v.host for v in self.findings if v.host})

    @property
    def levels(self) -> list[str]:
        ranked = sorted({v.finding.detector.level for v in self.findings}, key=lambda level: -level.rank)
        return [str(level) for level in ranked]

    @property
    def scope(self) -> list[tuple[str, list[ScopedEntity]]]:
        """Hosts, accounts and mailboxes, the confirmed first."""
        return self._scoped(main=True)

    @property
    def traces(self) -> list[tuple[str, list[ScopedEntity]]]:
        """Addresses, names, processes, files, hashes and services."""
        return self._scoped(main=False)

    def _scoped(self, *, main: bool) -> list[tuple[str, list[ScopedEntity]]]:
        chosen = [t for t in self.case.entities if (t.entity.kind in _MAIN_KINDS) is main]
        chosen.sort(key=lambda t: (_kind_rank(t.entity.kind), t.scope is not Scope.CONFIRMED, t.entity.value))
        return [(str(kind), list(group)) for kind, group in groupby(chosen, key=lambda t: t.entity.kind)]

    @property
    def matrix(self) -> list[tuple[str, list[tuple[str, str, int]]]]:
        """Per tactic its techniques: (id, name, findings); a rule may be tagged with tactics its techniques lack."""
        tactics = self._brief.technique_tactics
        columns = []
        for stage in self.case.stages:
            members = [self._findings[f] for f in stage.findings]
            cells = [
                (t, self._brief.technique_names.get(t, ""), sum(t in f.detector.techniques for f in members))
                for t in stage.techniques
                if stage.tactic in tactics.get(t, (stage.tactic,))
            ]
            columns.append((stage.tactic, cells))
        return columns

    @property
    def software(self) -> list[str]:
        names = self._brief.software_names
        return [f"{names[s]} ({s})" if s in names else s for s in self.case.software]

    @property
    def lanes(self) -> list[_Lane]:
        """Findings over time, a lane per tactic."""
        begin, end = self._span()
        if begin is None or end is None:
            return []
        return [
            _Lane(
                title=tactic_title(stage.tactic),
                marks=tuple(m for f in stage.findings for m in _marks(self._findings[f], begin, end)),
            )
            for stage in self.case.stages
        ]

    @property
    def silences(self) -> list[_Mark]:
        begin, end = self._span()
        if begin is None or end is None:
            return []
        return [
            _Mark(
                left=_place(start, begin, end),
                width=_place(stop, begin, end) - _place(start, begin, end),
                level="quiet",
                label=f"quiet for {duration_words((stop - start).total_seconds())}",
            )
            for start, stop in self.case.quiet
        ]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        begin, end = self._span()
        if begin is None or end is None or begin == end:
            return []
        seconds = (end - begin).total_seconds()
        form = "%b %Y" if seconds > 90 * 86_400 else "%d %b" if seconds > 3 * 86_400 else "%d %b %H:%M"
        form = form if seconds > 3_600 else "%H:%M:%S"
        return [(step * 20.0, (begin + (end - begin) * step / 5).strftime(form)) for step in range(6)]

    def _span(self) -> tuple[datetime | None, datetime | None]:
        times = [t for t in (self.case.break_in.latest, self.case.first_at, self.case.last_at) if t is not None]
        return (min(times), max(times)) if times else (None, None)

    def _view(self, number: int, finding: Finding) -> _FindingView:
        host = next((e.value for e in finding.entities if e.kind is EntityKind.HOST), "")
        detector = finding.detector
        words = [detector.title, host, *detector.techniques, *(e.value for e in finding.entities)]
        if number >= _FINDINGS_WITH_EVIDENCE:
            note = f"only the first {_FINDINGS_WITH_EVIDENCE} findings show their records here"
            records: tuple[_RecordView, ...] = ()
        else:
            records = tuple(self._record(e) for e in finding.evidence)
            omitted = finding.n_evidence_omitted
            note = f"{plural(omitted, 'further record')} matched in the same way" if omitted else ""
        return _FindingView(
            finding=finding,
            host=host,
            search=" ".join(words).lower(),
            records=records,
            note=f"{note}; findings.jsonl has what is kept of them" if note else "",
        )

    def _record(self, evidence: Evidence) -> _RecordView:
        text, note = _pretty(evidence.original), ""
        if len(text) > _RECORD_CHARACTERS:
            note = f"cut after {_RECORD_CHARACTERS:,} of {len(text):,} characters; findings.jsonl has it whole"
            text = text[:_RECORD_CHARACTERS]
        if not self._budget.take(len(text)):
            text, note = "", "left out to keep this page small; findings.jsonl has it"
        ref = evidence.ref
        return _RecordView(
            file=ref.file,
            record=ref.record,
            at=_instant(ref.at),
            clock=ref.clock,
            text=text,
            note=note,
            reasons=tuple(_flat(evidence.matched, 0)),
        )


def _flat(clause: Clause, depth: int) -> Iterator[tuple[int, Clause]]:
    yield depth, clause
    for child in clause.children:
        yield from _flat(child, depth + 1)


def _pretty(original: str) -> str:
    try:
        return json.dumps(json.loads(original), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return original


def _kind_rank(kind: EntityKind) -> int:
    return list(EntityKind).index(kind)


def _place(at: datetime, begin: datetime, end: datetime) -> float:
    seconds = (end - begin).total_seconds()
    return round(100 * (at - begin).total_seconds() / seconds, 3) if seconds else 50.0


def _marks(finding: Finding, begin: datetime, end: datetime) -> Iterator[_Mark]:
    times = {t for t in (finding.first_at, finding.last_at, *(e.ref.at for e in finding.evidence)) if t is not None}
    for at in sorted(t for t in times if begin <= t <= end):
        label = f"{_instant(at)} {finding.detector.title}"
        yield _Mark(left=_place(at, begin, end), width=0, level=str(finding.detector.level), label=label)


def _rules_by_reason(brief: Brief) -> list[tuple[str, str, list[str]]]:
    """Return (status, reason, titles) of the rules that did not run, the inert first."""
    quiet = [r for r in brief.coverage.rules if r.status != "active"]
    by_reason: dict[tuple[str, str], list[str]] = {}
    for rule in sorted(quiet, key=lambda r: (r.status != "inert", r.reason, r.title)):
        by_reason.setdefault((rule.status, rule.reason), []).append(rule.title or rule.path)
    return [(status, reason, titles) for (status, reason), titles in by_reason.items()]
