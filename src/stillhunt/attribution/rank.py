"""Assess a case: weigh what was seen against every known group and nobody known, and say what that allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from stillhunt.attribution.abstain import THRESHOLD, Verdict, capped_term, judge
from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, CountryShare, Hypothesis, WhatIf
from stillhunt.attribution.basis import basis
from stillhunt.attribution.circumstances import Circumstances
from stillhunt.attribution.constants import constants
from stillhunt.attribution.countries import origins_of
from stillhunt.attribution.explain import evidence_against, evidence_for, title_of, would_decide
from stillhunt.attribution.kin import inseparable
from stillhunt.attribution.profile import Table, table_of
from stillhunt.attribution.seen import Seen, resolve
from stillhunt.attribution.statement import cautions, origin, resemblance, statement
from stillhunt.attribution.surroundings import lines_beside
from stillhunt.attribution.weigh import MOST_BY_KINDS, Ranking, weigh
from stillhunt.knowledge import KnowledgeBase
from stillhunt.knowledge.places import country_name
from stillhunt.terms.likelihood import term_for

__all__ = ["assess"]

_N_FOR_MODERATE = 10
_N_COUNTRIES = 5
_N_GROUPS_OF_COUNTRY = 5
_N_WHAT_IF = 10
_NOTHING = Circumstances()


def assess(
    *,
    case_id: str,
    techniques: Mapping[str, Sequence[str]],
    software: Mapping[str, Sequence[str]],
    knowledge: KnowledgeBase,
    looked_for: frozenset[str] = frozenset(),
    n_leading: int | None = 10,
    circumstances: Circumstances = _NOTHING,
) -> Assessment:
    """Assess who a case most likely is, or that nobody can be named.

    Args:
        case_id: The case.
        techniques: Ids of the findings that show it, by ATT&CK technique id.
        software: Ids of the findings that show it, by ATT&CK software id.
        knowledge: Whom and what is known.
        looked_for: Technique ids that active rules could have shown; used to say what was looked for and not
            seen, never to lower a score.
        n_leading: Known groups to keep, the unknown one and those whose indicators were met always beside them; None
            for all. Probabilities are
            over all groups, so those kept sum to 1 only with all of them; a caution says what the others share.
        circumstances: What is known beside: victim, hours, vulnerabilities, language, indicators, names.

    >>> from stillhunt.knowledge import load_knowledge
    >>> assess(case_id="case-1", techniques={}, software={}, knowledge=load_knowledge()).is_abstention
    True
    """
    table, of = table_of(knowledge), constants()
    seen = resolve(techniques, software, knowledge)
    beside = lines_beside(circumstances, knowledge)
    ranking = weigh(seen.techniques, seen.software, table, beside=beside)
    verdict = judge(
        seen,
        ranking,
        table,
        beside=lambda item: lines_beside(circumstances.without(item), knowledge) if item else beside,
        # What speaks for nobody changes nothing when it is left out.
        besides=tuple(item for item in circumstances.items if any(line.item == item for line in beside)),
    )
    # Whose indicator was met is told, also if everything else speaks for others.
    indicated = {g for line in beside if line.kind == "indicator" for g, weight in line.weights.items() if weight > 0}
    kept = {*ranking.known[:n_leading], *indicated, UNKNOWN_GROUP}
    hypotheses = tuple(
        _hypothesis(group, ranking, verdict=verdict, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for)
        for group in ranking.order
        if group in kept
    )
    countries = _countries(ranking, table, verdict) if seen.items else ()
    confidence, why = _confidence(verdict, seen, hypotheses)
    return Assessment(
        case=case_id,
        statement=statement(verdict, hypotheses),
        is_abstention=verdict.named is None,
        threshold=THRESHOLD,
        confidence=confidence,
        confidence_why=why,
        hypotheses=hypotheses,
        n_candidates=len(table.profiles),
        would_decide=would_decide(ranking, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for)
        if seen.items
        else (),
        cautions=cautions(verdict, hypotheses, seen=seen, table=table, knowledge=knowledge),
        knowledge=knowledge.name,
        resemblance=resemblance(case_id, hypotheses),
        countries=countries,
        origin=origin(countries, is_inconsistent=verdict.is_inconsistent) if seen.items else "",
        shortlist=tuple(ranking.known[: of.shortlist]) if seen.items else (),
        what_if=_what_if(verdict, knowledge),
        is_inconsistent=verdict.is_inconsistent,
        circumstances=circumstances,
        basis=basis(seen, circumstances, beside),
    )


def _countries(ranking: Ranking, table: Table, verdict: Verdict) -> tuple[CountryShare, ...]:
    """Weigh countries, held back as groups are: by the kinds of evidence that the best group has, and single items."""
    found = origins_of(ranking, table, constants().country)[:_N_COUNTRIES]
    shares = []
    for one in found:
        n_kinds = 1 if verdict.hangs_on_one else len(ranking.supporting_kinds(one.groups[0]))
        most = MOST_BY_KINDS.get(n_kinds, 1.0)
        probability = min(one.probability, most)
        shares.append(
            CountryShare(
                country=one.country,
                name=country_name(one.country),
                probability=probability,
                term=capped_term(probability, n_kinds=n_kinds, may_name=not verdict.is_inconsistent),
                groups=one.groups[:_N_GROUPS_OF_COUNTRY],
            )
        )
    return tuple(shares)


def _what_if(verdict: Verdict, knowledge: KnowledgeBase) -> tuple[WhatIf, ...]:
    told = [*([verdict.planted] if verdict.planted is not None else []), *verdict.left[:_N_WHAT_IF]]
    return tuple(
        WhatIf(
            item=one.item,
            title="all its software" if one.item == "software" else title_of(one.item, knowledge),
            probability=one.probability,
            term=term_for(one.probability),
            leader=one.leader,
        )
        for one in told
    )


def _hypothesis(
    group: str,
    ranking: Ranking,
    *,
    verdict: Verdict,
    seen: Seen,
    table: Table,
    knowledge: KnowledgeBase,
    looked_for: frozenset[str],
) -> Hypothesis:
    probability = ranking.probabilities[group]
    reasons = evidence_for(group, ranking, seen=seen, table=table, knowledge=knowledge)
    if group == UNKNOWN_GROUP:
        return Hypothesis(
            group=group,
            name=group,
            aliases=(),
            probability=probability,
            term=term_for(probability),
            score=ranking.scores[group],
            evidence_for=reasons,
            evidence_against=evidence_against(
                group, ranking, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for
            ),
        )
    kinds = ranking.supporting_kinds(group)
    return Hypothesis(
        group=group,
        name=knowledge.groups[group].name,
        aliases=knowledge.groups[group].aliases,
        probability=probability,
        term=capped_term(
            probability,
            n_kinds=min(len(kinds), 2) if verdict.is_inconsistent else len(kinds),
            may_name=group == verdict.named,
        ),
        score=ranking.scores[group],
        evidence_for=reasons,
        evidence_against=evidence_against(
            group, ranking, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for
        ),
        country=table.origins.get(group, ""),
        kinds=kinds,
        inseparable=inseparable(group, ranking, table),
    )


def _confidence(
    verdict: Verdict, seen: Seen, hypotheses: Sequence[Hypothesis]
) -> tuple[Literal["low", "moderate", "high"], str]:
    """Rate how far the material carries the judgement; never high, since public reporting is all there is."""
    if verdict.named is None:
        return "low", "The evidence does not carry a name, and all that is known here comes from public reporting."
    if len(seen.items) < _N_FOR_MODERATE:
        return "low", f"The judgement rests on {len(seen.items)} items and on public reporting alone."
    if verdict.fragile:
        return "low", "The judgement would fall with a single item, and all of it comes from public reporting."
    if verdict.is_inconsistent:
        return "low", "Parts of the evidence point to different groups, and all of it comes from public reporting."
    n_kinds = next(len(h.kinds) for h in hypotheses if h.group == verdict.named)
    agreement = f"{n_kinds} kinds of evidence agree over {len(seen.items)} items and no single one carries the name"
    return "moderate", f"{agreement}, but all of it comes from public reporting."
