"""Indicators that a case met, as evidence of whom they indicate: what attribution is given of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stillhunt.attribution.circumstances import Indicator
from stillhunt.cases.sighted import Sighted
from stillhunt.detection.finding import Finding
from stillhunt.detection.indicators.observable import of_pattern
from stillhunt.detection.indicators.saying import Said
from stillhunt.knowledge import KnowledgeBase
from stillhunt.knowledge.entry import Trait
from stillhunt.terms.level import Level
from stillhunt.terms.moment import microseconds, moment
from stillhunt.workflows.intelligence import Intelligence

__all__ = ["indicators_met", "with_indicators"]


def indicators_met(findings: Iterable[Finding]) -> tuple[Indicator, ...]:
    """Return the plain indicators that findings met, with the last day, for attribution; shared things are left out."""
    found: dict[tuple[str, str], Indicator] = {}
    for finding in findings:
        if not _counts(finding):
            continue
        for one in of_pattern(finding.detector.description) or ():
            seen = None if finding.last_at is None else finding.last_at.date()
            before = found.get(one)
            if before is None or (seen is not None and (before.seen is None or seen > before.seen)):
                found[one] = Indicator(kind=one.kind, value=one.value, seen=seen)
    return tuple(found[key] for key in sorted(found))


def with_indicators(
    knowledge: KnowledgeBase, met: Sequence[Sighted], indicators: Intelligence, findings: Sequence[Finding]
) -> KnowledgeBase:
    """Return a base that knows whose the indicators are that were met; the same base if nobody is named.

    A name that several groups bear counts for all of them, and their weight is divided.

    Args:
        knowledge: The base.
        met: Indicators that were met.
        indicators: All indicators of the hunt.
        findings: All findings.
    """
    by_pattern = {f.detector.description: f for f in findings if _counts(f)}
    traits: dict[str, tuple[Trait, ...]] = {}
    for one in met:
        finding = by_pattern.get(one.pattern)
        observables = of_pattern(one.pattern) or ()
        for said in () if finding is None else indicators.said_of(finding):
            groups = {g.id for name in said.saying.indicates for g in knowledge.find_groups(name)}
            for group in sorted(groups):
                found = tuple(_trait(observable.value, said, finding) for observable in observables)
                traits[group] = (*traits.get(group, ()), *found)
    if not traits:
        return knowledge
    known = {group: (*knowledge.traits.get(group, ()), *dict.fromkeys(new)) for group, new in traits.items()}
    return replace(knowledge, traits=dict(sorted({**knowledge.traits, **known}.items())))


def _counts(finding: Finding) -> bool:
    """Tell whether a finding is evidence of a group: an indicator that is nobody else's, and not long expired."""
    detector = finding.detector
    return detector.kind == "indicator" and not detector.false_positives and detector.level.rank >= Level.LOW.rank


def _trait(value: str, said: Said, finding: Finding | None) -> Trait:
    """Return an indicator as what is said of a group, dated by the day of its time that is nearest to the event."""
    seen = None if finding is None or finding.last_at is None else microseconds(finding.last_at)
    if seen is None:
        at = said.since if said.until is None else said.until
    elif said.since is None or (said.until is None and seen > said.since):
        at = said.since if said.until is None else min(seen, said.until)
    else:
        at = max(said.since, seen if said.until is None else min(seen, said.until))
    dated = said.saying.published[:10] if at is None else moment(at).date().isoformat()
    return Trait(kind="indicator", value=value, source=said.saying.source, quote=said.saying.quote, dated=dated)
