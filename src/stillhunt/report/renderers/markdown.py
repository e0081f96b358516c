"""A brief as Markdown: for a ticket, a wiki, or a diff. Every string of a log is escaped or a span of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stillhunt.attribution.assessment import Assessment, Hypothesis
from stillhunt.cases.case import Case, Scope
from stillhunt.detection.finding import Clause, Finding
from stillhunt.report.brief import Brief
from stillhunt.report.escape import as_markdown_code, for_markdown
from stillhunt.report.layers import INCONSISTENT, grade_words, layers, what_if_words
from stillhunt.report.path import path_of
from stillhunt.report.wording import (
    break_in_words,
    coverage_words,
    plural,
    problem_words,
    quiet_words,
    summary_words,
)
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["render"]

_LONGEST = 600
_FINDINGS = 300
_ROWS = 100
_ITEMS = 8
_WHAT_IF = 8


def render(brief: Brief) -> str:
    """Return a brief as CommonMark with the tables of GitHub's flavour."""
    findings = {finding.id: finding for finding in brief.findings}
    parts = [*_head(brief)]
    for case, assessment in zip(brief.cases, brief.assessments, strict=True):
        parts += _case(case, assessment, findings, brief)
    parts += _sighted(brief)
    parts += _annex(brief)
    return "\n\n".join(parts) + "\n"


def _text(words: str) -> str:
    return for_markdown(
        words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ... ({len(words):,} characters in all)"
    )


def _code(words: str) -> str:
    return as_markdown_code(words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ...")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, most: int = _ROWS) -> Iterator[str]:
    if not rows:
        return
    shown = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows[:most])]
    yield "\n".join(shown)
    if len(rows) > most:
        yield f"{plural(len(rows) - most, 'further row')} left out here."


def _list(sentences: Sequence[str], *, most: int = _ROWS) -> Iterator[str]:
    if sentences:
        more = [f"- and {len(sentences) - most:,} more"] if len(sentences) > most else []
        yield "\n".join([*(f"- {_text(sentence)}" for sentence in sentences[:most]), *more])


def _head(brief: Brief) -> Iterator[str]:
    if brief.tlp:
        yield f"**{_text(brief.tlp)}**"
    yield f"# {_text(summary_words(brief))}"
    yield "\n".join(f"- {name}: {_text(sentence)}" for name, sentence in coverage_words(brief.coverage))
    yield from _list(problem_words(brief.coverage), most=20)


def _case(case: Case, assessment: Assessment, findings: Mapping[str, Finding], brief: Brief) -> Iterator[str]:
    yield f"## {_text(case.opening)}"
    yield f"{_code(case.id)}, {case.level}: {_text(case.level_why)}"
    yield "### What could not be seen"
    yield from _list(case.blind)
    if not case.blind:
        yield "No gap was seen in the logs of these hosts."
    yield "### Over time"
    yield from _list(_dates(case))
    stages = [[tactic_title(s.tactic), _at(s.first_at), _at(s.last_at), str(len(s.findings))] for s in case.stages]
    yield from _table(["Tactic", "First", "Last", "Findings"], stages)
    graph = path_of(case, findings)
    if graph and graph.arrows:
        yield "### The path through hosts and accounts"
        steps = [
            [_at(a.first_at), _code(a.origin), _code(a.host), _code(a.account), _text(a.how)] for a in graph.arrows
        ]
        yield from _table(["First", "From", "To", "As", "Shown by"], steps)
    yield "### How far"
    for how_sure in Scope:
        rows = [
            [t.entity.kind, _code(t.entity.value), _text(t.why), _at(t.first_at), _at(t.last_at)]
            for t in case.entities
            if t.scope is how_sure
        ]
        yield f"#### {how_sure.capitalize()}"
        yield from _table(["Kind", "What", "Why", "First", "Last"], rows) if rows else ("Nothing.",)
    yield "### ATT&CK"
    names = brief.technique_names
    techniques = [[t, _text(names.get(t, "")), tactic_title(s.tactic)] for s in case.stages for t in s.techniques]
    yield from _table(["Technique", "Name", "Tactic"], techniques)
    yield from _who(assessment)
    yield "### Evidence"
    for number, name in enumerate(case.findings[:_FINDINGS]):
        if name in findings:
            yield from _finding(findings[name], has_reasons=number < _ROWS)
    if len(case.findings) > _FINDINGS:
        yield f"{plural(len(case.findings) - _FINDINGS, 'further finding')} in findings.jsonl."


def _dates(case: Case) -> list[str]:
    said = [f"broke in: {break_in_words(case.break_in)}", *case.break_in.grounds]
    if case.last_at is not None:
        tail = "; the logs end there: they may still be inside" if case.is_active_at_end else ""
        said.append(f"last sign: {instant_words(case.last_at)}{tail}")
    if case.dwell_s is not None:
        said.append(f"stayed {duration_words(case.dwell_s)}")
    return [*said, *([quiet_words(case)] if case.quiet else [])]


def _who(assessment: Assessment) -> Iterator[str]:
    yield "### Who: an assessment, not a fact"
    if assessment.is_inconsistent:
        yield f"**{INCONSISTENT}**"
    yield "\n".join(f"- {question}: {_text(answer)}" for question, answer in layers(assessment))
    yield f"Analytic confidence: **{assessment.confidence}**. {_text(assessment.confidence_why)}"
    countries = [[_text(c.name), f"{c.probability:.1%}", _text(c.term)] for c in assessment.countries]
    yield from _table(["Country", "Probability", "In words"], countries)
    rows = [[_text(h.name), h.country, f"{h.probability:.1%}", _text(h.term)] for h in assessment.hypotheses]
    yield from _table(["Group", "Said to be of", "Probability", "In words"], rows)
    for hypothesis in assessment.hypotheses[:3]:
        yield from _weighed(hypothesis)
    if assessment.what_if:
        yield "#### What if it were not so"
        yield from _list(what_if_words(assessment, most=_WHAT_IF))
    if assessment.would_decide:
        yield "What would decide:"
        yield from _list(assessment.would_decide, most=20)
    if assessment.cautions:
        yield "Cautions:"
        yield from _list(assessment.cautions)
    if assessment.basis:
        yield "What was weighed:"
        yield from _list(assessment.basis)


def _weighed(hypothesis: Hypothesis) -> Iterator[str]:
    for side, items in (("For", hypothesis.evidence_for), ("Against", hypothesis.evidence_against)):
        rows = [[f"{i.weight:+.2f}", _text(i.title), grade_words(i), _text(i.quote), _text(i.source)] for i in items]
        if rows:
            yield f"#### {side} {_text(hypothesis.name)}"
            yield from _table(["Weight", "What", "How good", "Quote", "Who says so"], rows, most=_ITEMS)


def _finding(finding: Finding, *, has_reasons: bool) -> Iterator[str]:
    times = f", {plural(finding.count, 'time')}, last {_at(finding.last_at)}" if finding.count > 1 else ""
    things = ", ".join(_code(e.value) for e in finding.entities[:_ITEMS])
    lines = [f"**{_text(finding.detector.title)}** ({finding.detector.level}), {_at(finding.first_at)}{times}"]
    lines += [f"- about: {things}"] if things else []
    if has_reasons and finding.evidence:
        first = finding.evidence[0]
        lines.append(f"- record {first.ref.record} of {_code(first.ref.file)}")
        lines += [f"  - {_text(label)}: {_code(value)}" for label, value in _leaves(first.matched)]
    lines.append(f"- rule {_code(finding.detector.id)}, {_code(finding.id)}")
    yield "\n".join(lines)


def _leaves(clause: Clause) -> list[tuple[str, str]]:
    if not clause.children:
        return [(clause.label, clause.value)] if clause.value is not None else []
    return [leaf for child in clause.children for leaf in _leaves(child)][:_ITEMS]


def _sighted(brief: Brief) -> Iterator[str]:
    if not brief.sighted:
        return
    yield "## Indicators of others that were met"
    head = ["Indicator", "Met", "Machines", "First", "Last", "Confidence", "Why", "Said by"]
    rows = [
        [
            f"{_text(one.title)} {_code(one.pattern)}",
            f"{one.count:,}",
            f"{one.n_hosts:,}{f' of {one.n_machines:,}' if one.n_machines else ''}" if one.n_hosts else "",
            _at(one.first_at),
            _at(one.last_at),
            f"{one.before} to {one.after} ({one.delta:+})",
            _text(one.why),
            _text("; ".join(one.sources)),
        ]
        for one in brief.sighted
    ]
    yield from _table(head, rows)


def _annex(brief: Brief) -> Iterator[str]:
    yield "## Annex: to do it again"
    if brief.origin.command:
        yield _code(" ".join(brief.origin.command))
    yield ", ".join(f"{name} {version}" for name, version in brief.origin.packages) or f"stillhunt {brief.version}"
    authors: dict[str, set[str]] = {}
    for finding in brief.findings:
        authors.setdefault(finding.detector.author or "no author named", set()).add(finding.detector.title)
    rows = [[_text(author), _text("; ".join(sorted(titles)))] for author, titles in sorted(authors.items())]
    yield from _table(["Author", "Rules that found something"], rows)
    yield from _table(
        ["File", "Bytes", "SHA-256"],
        [[_code(file.path), f"{file.n_bytes:,}", _code(file.sha256)] for file in brief.origin.inputs],
        most=500,
    )


def _at(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "no time"
