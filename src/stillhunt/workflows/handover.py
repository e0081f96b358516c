"""What a hunt hands over to attribution: techniques and software of a case's findings, and what else it shows of them.

Beside these go the hours of hands-on activity, vulnerabilities that the rules of its findings are tagged with,
addresses, names and hashes it talked to or left, others' indicators it met, and groups that rules name. Who the victim
is only the user knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stillhunt.attribution.assessment import Assessment
from stillhunt.attribution.circumstances import Circumstances, Exploited, Indicator, Named
from stillhunt.attribution.rank import assess
from stillhunt.cases.case import Case
from stillhunt.cases.operator import is_external
from stillhunt.cases.presence import at_the_keyboard
from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Finding
from stillhunt.knowledge import KnowledgeBase
from stillhunt.telemetry.coverage import Coverage
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level
from stillhunt.workflows.indicated import indicators_met

__all__ = ["assess_cases", "circumstances_in", "looked_for", "shown"]

_KINDS: Mapping[EntityKind, str] = {
    EntityKind.ADDRESS: "address",
    EntityKind.DOMAIN: "domain",
    EntityKind.HASH: "hash",
}


def assess_cases(
    cases: Sequence[Case],
    findings: Mapping[str, Finding],
    trail: Trail,
    *,
    coverage: Coverage,
    knowledge: KnowledgeBase,
    victim: Circumstances,
) -> tuple[Assessment, ...]:
    """Weigh every case of a hunt.

    Args:
        cases: The cases.
        findings: All findings by id.
        trail: What the rest of the logs remembers, in corrected time.
        coverage: Its rules say what was looked for.
        knowledge: The base to weigh against.
        victim: Sectors and countries, as the user gave them.
    """
    active = looked_for(coverage, findings.values())
    assessments = []
    for case in cases:
        techniques, software = shown(case, findings)
        assessments.append(
            assess(
                case_id=case.id,
                techniques=techniques,
                software=software,
                knowledge=knowledge,
                looked_for=active,
                circumstances=circumstances_in(case, findings, trail, knowledge=knowledge).joined(victim),
            )
        )
    return tuple(assessments)


def shown(case: Case, findings: Mapping[str, Finding]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the findings of a case that show each technique, and each software."""
    techniques: dict[str, list[str]] = {}
    software: dict[str, list[str]] = {}
    for finding in _members(case, findings):
        for found, items in ((techniques, finding.detector.techniques), (software, finding.detector.software)):
            for item in items:
                found.setdefault(item, []).append(finding.id)
    return techniques, software


def circumstances_in(
    case: Case, findings: Mapping[str, Finding], trail: Trail, *, knowledge: KnowledgeBase
) -> Circumstances:
    """Return what a case shows of whoever is behind it, beside techniques and software."""
    members = _members(case, findings)
    return Circumstances(
        hours=at_the_keyboard(case, findings, trail),
        exploited=_exploited(members),
        indicators=tuple({i.value: i for i in (*_indicators(case, members), *indicators_met(members))}.values()),
        named=_named(members, knowledge),
    )


def looked_for(coverage: Coverage, findings: Iterable[Finding]) -> frozenset[str]:
    """Return the techniques that an active rule could have shown."""
    found = {t for f in findings for t in f.detector.techniques}
    return frozenset({t for r in coverage.rules if r.status == "active" for t in r.techniques} | found)


def _members(case: Case, findings: Mapping[str, Finding]) -> list[Finding]:
    return [findings[f] for f in case.findings if f in findings]


def _exploited(members: Iterable[Finding]) -> tuple[Exploited, ...]:
    """Return vulnerabilities that rules of at least medium level are tagged with; when they were published is not held.

    A low one speaks of somebody trying doors, which everybody does.
    """
    first: dict[str, Exploited] = {}
    for finding in members:
        if finding.detector.level.rank < Level.MEDIUM.rank:
            continue
        for vulnerability in finding.detector.vulnerabilities:
            used = finding.first_at.date() if finding.first_at is not None else None
            known = first.get(vulnerability)
            if known is None or (used is not None and (known.used is None or used < known.used)):
                first[vulnerability] = Exploited(vulnerability=vulnerability, used=used)
    return tuple(first[v] for v in sorted(first))


def _indicators(case: Case, members: Iterable[Finding]) -> tuple[Indicator, ...]:
    """Return what may be the intruder's own: outside addresses, names, hashes of findings of medium level or more."""
    suspicious = {
        e
        for f in members
        if f.detector.level.rank >= Level.MEDIUM.rank and f.detector.kind != "indicator"
        for e in f.entities
    }
    wanted = {(e.kind, e.value) for e in suspicious if _may_be_theirs(e)}
    found: dict[tuple[str, str], Indicator] = {}
    for touched in case.entities:
        key = (touched.entity.kind, touched.entity.value)
        if key in wanted:
            at = touched.last_at or touched.first_at
            one = Indicator(
                kind=_KINDS[touched.entity.kind], value=touched.entity.value.lower(), seen=at.date() if at else None
            )
            found[one.kind, one.value] = one
    return tuple(found[key] for key in sorted(found))


def _may_be_theirs(entity: Entity) -> bool:
    return entity.kind in _KINDS and (entity.kind is not EntityKind.ADDRESS or is_external(entity.value))


def _named(members: Iterable[Finding], knowledge: KnowledgeBase) -> tuple[Named, ...]:
    """Return groups that rules are tagged with: their author's claim about whoever he had in mind."""
    found = {
        (knowledge.groups[group].name, finding.detector.title, finding.detector.id)
        for finding in members
        for group in finding.detector.groups
        if group in knowledge.groups
    }
    return tuple(Named(name=name, quote=title, source=f"rule {rule}") for name, title, rule in sorted(found))
