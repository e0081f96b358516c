"""The case as one self-contained page: a minister reads the first screen, an analyst checks the rest.

No script, style, font or picture comes from elsewhere, and a content security policy forbids it. Without
scripts everything can still be read; scripts only filter.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, EvidenceItem, Hypothesis
from stillhunt.cases.case import Case, Scope, ScopedEntity
from stillhunt.detection.finding import Finding
from stillhunt.report.brief import Brief
from stillhunt.report.escape import for_html
from stillhunt.report.evidence import Budget, choose
from stillhunt.report.layers import INCONSISTENT, grade_words, layers, what_if_words
from stillhunt.report.path import PathGraph, path_of
from stillhunt.report.strip import Strip, host_bands, strip_of
from stillhunt.report.wording import (
    break_in_words,
    coverage_words,
    levels_words,
    plural,
    summary_words,
)
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["CaseView", "environment", "render"]

_CASE_BYTES = 1_900_000
"""Findings and raw records of one case."""

_PAGE_BYTES = 6_000_000
"""Findings and raw records on the whole page."""

_WHOLE_CASES = 20
"""Cases whose lists and weighing are shown at length; of the others, the beginning."""

_OPEN_CASES = 3
"""Cases unfolded when the page opens, if they are more than low."""

_LONGEST = 2_000
"""Characters of any one string but raw records."""

_MAIN_KINDS = (EntityKind.HOST, EntityKind.ACCOUNT, EntityKind.MAILBOX)
"""What can be compromised; the other entities are traces."""


def render(brief: Brief) -> str:
    """Return the page of a brief."""
    findings = {f.id: f for f in brief.findings}
    budget = Budget(_PAGE_BYTES)
    cases = [
        CaseView(
            case=case,
            assessment=assessment,
            number=number,
            brief=brief,
            all_findings=findings,
            budget=budget.part(_CASE_BYTES),
        )
        for number, (case, assessment) in enumerate(zip(brief.cases, brief.assessments, strict=True))
    ]
    in_a_case = set(chain.from_iterable((*case.findings, *case.context) for case in brief.cases))
    habitual = {habit.finding: habit.why for habit in brief.habits}
    hosts = brief.coverage.hosts[:300]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            brief=brief,
            cases=cases,
            summary=summary_words(brief),
            coverage=brief.coverage,
            coverage_said=coverage_words(brief.coverage),
            hosts=list(zip(hosts, host_bands(brief.coverage, hosts), strict=True)),
            rules_by_reason=_rules_by_reason(brief),
            authors=_authors(brief),
            n_rules=len({f.detector.id for f in brief.findings}),
            loose=[f for f in brief.findings if f.id not in in_a_case and f.id not in habitual],
            habits=[(f, habitual[f.id]) for f in brief.findings if f.id in habitual],
        )
    )


def environment(*loaders: BaseLoader) -> Environment:
    """Return the templates of pages, with what makes hostile text safe in all of them.

    Args:
        loaders: Where further templates are; those of the brief can be used in them.
    """
    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("stillhunt.report")]),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"inconsistent": INCONSISTENT}
    environment.filters |= {
        "instant": _instant,
        "tactic": tactic_title,
        "counted": plural,
        "levels": levels_words,
        "grade": grade_words,
        "shell": shlex.join,
    }
    return environment


def _finalize(value: object) -> object:
    """Pass every printed value through the escaping of hostile text; the template engine escapes HTML after it."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = f" ... ({len(value):,} characters in all)" if len(value) > _LONGEST else ""
    return for_html(value[:_LONGEST]) + cut


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "no time"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    name: str
    said: str
    beside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A technique in the matrix of a case."""

    id: str
    name: str
    n_findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """A hypothesis with as much of its evidence as is shown."""

    hypothesis: Hypothesis
    is_unknown: bool
    sides: tuple[tuple[str, tuple[EvidenceItem, ...], int], ...]


class CaseView:
    """A case with all that its part of the page says."""

    def __init__(
        self,
        *,
        case: Case,
        assessment: Assessment,
        number: int,
        brief: Brief,
        all_findings: Mapping[str, Finding],
        budget: Budget,
    ) -> None:
        self.case = case
        self.assessment = assessment
        self.is_whole = number < _WHOLE_CASES
        self.is_open = number < _OPEN_CASES and case.level.rank > Level.LOW.rank
        self._brief = brief
        self._all = all_findings
        self.findings, self.left_out = choose([all_findings[f] for f in case.findings], budget)
        self.shown = {v.finding.id for v in self.findings}

    @property
    def most(self) -> int:
        """Rows of a long list."""
        return 200 if self.is_whole else 20

    @property
    def facts(self) -> list[_Fact]:
        """The figures under the opening."""
        case = self.case
        where = "from" if case.break_in.is_from_outside else "on"
        seen = f"first seen {where} {case.break_in.host}" if case.break_in.host else ""
        facts = [_Fact(name="Broke in", said=break_in_words(case.break_in), beside=seen)]
        if case.last_at is not None:
            tail = "the logs end there: they may still be inside" if case.is_active_at_end else ""
            facts.append(_Fact(name="Last sign", said=instant_words(case.last_at), beside=tail))
        if case.dwell_s is not None:
            facts.append(_Fact(name="Stayed", said=duration_words(case.dwell_s), beside=self._slept()))
        facts.append(_Fact(name="Under control", said=self._held(Scope.CONFIRMED), beside=self._in_reach()))
        facts.append(self._who())
        return facts

    def _slept(self) -> str:
        if not self.case.quiet:
            return ""
        longest = max((end - start).total_seconds() for start, end in self.case.quiet)
        return f"{plural(len(self.case.quiet), 'quiet period')}, the longest {duration_words(longest)}"

    def _held(self, scope: Scope) -> str:
        nouns = ((EntityKind.HOST, "host"), (EntityKind.ACCOUNT, "account"), (EntityKind.MAILBOX, "mailbox"))
        counts = [(sum(t.scope is scope and t.entity.kind is kind for t in self.case.entities), n) for kind, n in nouns]
        words = [f"{n:,} mailboxes" if noun == "mailbox" and n > 1 else plural(n, noun) for n, noun in counts if n]
        return ", ".join(words) or "nothing confirmed"

    def _in_reach(self) -> str:
        reach = self._held(Scope.POTENTIAL)
        return "" if reach == "nothing confirmed" else f"within reach, no trace either way: {reach}"

    def _who(self) -> _Fact:
        confidence = f"assessment, {self.assessment.confidence} confidence"
        if self.assessment.is_abstention:
            return _Fact(name="Who", said="nobody can be named", beside=confidence)
        first = self.assessment.hypotheses[0]
        return _Fact(name="Who", said=f"{first.name} ({first.term})", beside=confidence)

    @property
    def reached(self) -> str:
        """Since when and how long, for the list of cases."""
        stayed = f", {duration_words(self.case.dwell_s)}" if self.case.dwell_s is not None else ""
        return f"{break_in_words(self.case.break_in)}{stayed}"

    @property
    def grounds(self) -> list[tuple[str, int]]:
        """The sentences that support the break-in, each once, with how often it is said."""
        counts: dict[str, int] = {}
        for ground in self.case.break_in.grounds:
            counts[ground] = counts.get(ground, 0) + 1
        return list(counts.items())

    @property
    def strip(self) -> Strip | None:
        """The case over time."""
        return strip_of(self.case, self._all, self._brief.coverage)

    @property
    def path(self) -> PathGraph | None:
        """The way through hosts and accounts."""
        return path_of(self.case, self._all)

    @property
    def context(self) -> list[Finding]:
        """Weak findings beside the case."""
        return [self._all[f] for f in self.case.context]

    @property
    def hosts(self) -> list[str]:
        """Hosts of the findings shown."""
        return sorted({v.host for v in self.findings if v.host})

    @property
    def levels(self) -> list[Level]:
        """Levels of all findings of the case."""
        return [self._all[f].detector.level for f in self.case.findings]

    @property
    def confirmed(self) -> list[ScopedEntity]:
        """Hosts, accounts and mailboxes under the intruder's control."""
        return self._scoped(main=True, scope=Scope.CONFIRMED)

    @property
    def potential(self) -> list[ScopedEntity]:
        """Hosts, accounts and mailboxes within reach."""
        return self._scoped(main=True, scope=Scope.POTENTIAL)

    @property
    def traces(self) -> list[ScopedEntity]:
        """Addresses, names, processes, files, hashes and services."""
        return self._scoped(main=False, scope=None)

    def _scoped(self, *, main: bool, scope: Scope | None) -> list[ScopedEntity]:
        kinds = list(EntityKind)
        chosen = [
            t
            for t in self.case.entities
            if (t.entity.kind in _MAIN_KINDS) is main and (scope is None or t.scope is scope)
        ]
        return sorted(chosen, key=lambda t: (kinds.index(t.entity.kind), t.entity.value))

    @property
    def matrix(self) -> list[tuple[str, list[_Cell]]]:
        """Per tactic its techniques; a rule may be tagged with tactics that its techniques lack."""
        tactics, names = self._brief.technique_tactics, self._brief.technique_names
        columns = []
        for stage in self.case.stages:
            members = [self._all[f] for f in stage.findings]
            cells = [
                _Cell(id=t, name=names.get(t, ""), n_findings=sum(t in f.detector.techniques for f in members))
                for t in stage.techniques
                if stage.tactic in tactics.get(t, (stage.tactic,))
            ]
            columns.append((stage.tactic, cells))
        return columns

    @property
    def software(self) -> list[str]:
        """Software named by its rules."""
        names = self._brief.software_names
        return [f"{names[s]} ({s})" if s in names else s for s in self.case.software]

    @property
    def bonds(self) -> list[tuple[str, list[Finding]]]:
        """Why findings belong together: what they share, and those that share it."""
        found: dict[str, dict[str, Finding]] = {}
        for link in self.case.links:
            members = found.setdefault(link.reason, {})
            members |= {f: self._all[f] for f in (link.a, link.b) if f in self._all}
        return [(reason, sorted(members.values(), key=_by_time)) for reason, members in found.items()]

    @property
    def weighed(self) -> list[_Weighed]:
        """The leading hypotheses and the unknown group, with their strongest evidence."""
        n_groups, n_items = (5, 12) if self.is_whole else (2, 5)
        leading = self.assessment.hypotheses[:n_groups]
        unknown = [h for h in self.assessment.hypotheses if h.group == UNKNOWN_GROUP and h not in leading]
        return [_weighed(h, n_items) for h in (*leading, *unknown)]

    @property
    def layers(self) -> list[tuple[str, str]]:
        """The three answers to the question who it was."""
        return layers(self.assessment)

    @property
    def what_if(self) -> list[str]:
        """What is left of the leading group without what carries it."""
        return what_if_words(self.assessment, most=8 if self.is_whole else 3)

    def seen_in(self, item: EvidenceItem) -> list[Finding]:
        """Return a few findings that show an item and that the page shows, each title once."""
        by_title = {self._all[f].detector.title: self._all[f] for f in reversed(item.findings) if f in self.shown}
        return list(reversed(by_title.values()))[:3]


def _by_time(finding: Finding) -> tuple[bool, float, str]:
    at = finding.first_at
    return at is None, at.timestamp() if at is not None else 0.0, finding.id


def _weighed(hypothesis: Hypothesis, n_items: int) -> _Weighed:
    sides = (("For", hypothesis.evidence_for), ("Against", hypothesis.evidence_against))
    return _Weighed(
        hypothesis=hypothesis,
        is_unknown=hypothesis.group == UNKNOWN_GROUP,
        sides=tuple((side, items[:n_items], max(0, len(items) - n_items)) for side, items in sides if items),
    )


def _authors(brief: Brief) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each author of rules that found something, with those rules."""
    by_author: dict[str, dict[str, str]] = {}
    for finding in brief.findings:
        detector = finding.detector
        by_author.setdefault(detector.author, {})[detector.id] = detector.title
    return [
        (author, sorted((title, id_) for id_, title in rules.items())) for author, rules in sorted(by_author.items())
    ]


def _rules_by_reason(brief: Brief) -> list[tuple[str, str, list[str]]]:
    """Return (status, reason, titles) of the rules that did not run, the inert first."""
    quiet = [r for r in brief.coverage.rules if r.status != "active"]
    by_reason: dict[tuple[str, str], list[str]] = {}
    for rule in sorted(quiet, key=lambda r: (r.status != "inert", r.reason, r.title)):
        by_reason.setdefault((rule.status, rule.reason), []).append(rule.title or rule.path)
    return [(status, reason, titles) for (status, reason), titles in by_reason.items()]
