"""Assessments as lines of text, for ``stillhunt attribute``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, EvidenceItem, Hypothesis
from stillhunt.attribution.selftest import SelfTest
from stillhunt.report.escape import for_terminal
from stillhunt.report.layers import INCONSISTENT, names_of, what_if_words
from stillhunt.report.wording import plural

__all__ = ["assessment_lines", "contrast_lines", "selftest_lines"]

_N_GROUPS = 5
_N_ITEMS = 12
_N_WHAT_IF = 5


def assessment_lines(assessment: Assessment) -> Iterator[str]:
    """Yield the three layers, the evidence of the leading groups, what would change it, and what would decide."""
    names = names_of(assessment)
    yield from map(for_terminal, _layers(assessment))
    yield ""
    shown = [h for h in assessment.hypotheses if h.group != UNKNOWN_GROUP][:_N_GROUPS]
    unknown = [h for h in assessment.hypotheses if h.group == UNKNOWN_GROUP]
    for hypothesis in sorted([*shown, *unknown], key=lambda h: -h.probability):
        yield for_terminal(_ranked(hypothesis, names))
    leader = next(iter(shown), None)
    if leader is not None and leader.probability > 0:
        yield ""
        yield from _evidence(leader)
    about = f"What if it were not so ({leader.name if leader else ''})"
    yield from _section(about, what_if_words(assessment, most=_N_WHAT_IF))
    yield from _section("What would decide", assessment.would_decide)
    yield from _section("Cautions", assessment.cautions)
    yield from _section("Weighed", assessment.basis)
    yield ""
    yield for_terminal(f"{plural(assessment.n_candidates, 'group')} weighed, known from {assessment.knowledge}")


def contrast_lines(
    one: str, other: str, items: Sequence[tuple[str, str, str, float, float]], difference: float
) -> Iterator[str]:
    """Yield what speaks for one group and for another, most different first; the differences add up."""
    yield for_terminal(f"{'difference':>10}  {one[:12]:>12}  {other[:12]:>12}")
    for kind, item, title, mine, theirs in items:
        about = f"{title} ({kind}{f', {item}' if item else ''})" if title != kind else kind
        yield for_terminal(f"{mine - theirs:>+10.2f}  {mine:>+12.2f}  {theirs:>+12.2f}  {about}")
    yield f"{difference:>+10.2f}  in all: log-odds of {for_terminal(one)} against {for_terminal(other)}"


def selftest_lines(found: SelfTest) -> Iterator[str]:
    """Yield the table of a self-test."""
    yield for_terminal(f"Leave one report out, on {found.knowledge}")
    yield (
        f"{found.n_cases:,} cases of {found.n_groups} groups, out of {found.n_reports:,} reports with five techniques "
        f"or more of one group; {plural(found.n_lost, 'more case')} left the group nothing and could not be played"
    )
    yield ""
    for row in found.rows:
        yield f"  {row.name:<45} {row.value:>6.3f}  [{row.low:.3f} to {row.high:.3f}]"
    yield ""
    share = f" ({found.n_right / found.n_named:.0%})" if found.n_named else ""
    yield f"  leading group at 0.55 or above: {found.n_named} of {found.n_cases}; right: {found.n_right}{share}"
    yield f"  with the true group taken out, somebody at 0.55 or above: {found.n_removed_named} of {found.n_cases}"
    yield ""
    yield "Kinder than real life: the catalogue maps new reports to what is there already. See the explanation."


def _layers(assessment: Assessment) -> Iterator[str]:
    yield f"Resemblance: {assessment.resemblance}"
    yield f"Country:     {assessment.origin}"
    yield f"Group:       {assessment.statement}"
    yield f"Analytic confidence: {assessment.confidence}. {assessment.confidence_why}"
    if assessment.is_inconsistent:
        yield INCONSISTENT


def _ranked(hypothesis: Hypothesis, names: dict[str, str]) -> str:
    kin = [names.get(g, g) for g in hypothesis.inseparable[:3]]
    beside = f"; cannot be told from {', '.join(kin)}" if kin else ""
    place = f", {hypothesis.country}" if hypothesis.country else ""
    return f"  {hypothesis.probability:>6.1%}  {hypothesis.name}{place} ({hypothesis.term}){beside}"


def _evidence(hypothesis: Hypothesis) -> Iterator[str]:
    yield for_terminal(f"Evidence about {hypothesis.name}, in log-odds; it adds up to {hypothesis.score:+.2f}:")
    items = sorted((*hypothesis.evidence_for, *hypothesis.evidence_against), key=lambda i: -abs(i.weight))
    for item in items[:_N_ITEMS]:
        yield for_terminal(_told(item))
        if item.quote:
            yield for_terminal(f"          “{item.quote[:160]}”")
    rest = items[_N_ITEMS:]
    if rest:
        yield f"  {sum(i.weight for i in rest):>+6.2f}  {plural(len(rest), 'more item')}, all of them in --json"


def _told(item: EvidenceItem) -> str:
    users = f", {plural(item.n_groups, 'group')}" if item.family and item.n_groups else ""
    grade = f" [{item.grade}]" if item.grade else ""
    about = f" ({item.id})" if item.family in {"techniques", "software"} else ""
    kind = item.kind.replace("-", " ")
    return f"  {item.weight:>+6.2f}  {item.title}{about}: {kind}{users}{grade} {item.source}".rstrip()


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (for_terminal(f"  - {line}") for line in lines)
