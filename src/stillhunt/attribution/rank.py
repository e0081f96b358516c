"""Assess a case: weigh what was seen against every known group and nobody known, and say what that allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from stillhunt.attribution.abstain import THRESHOLD, Verdict, capped_term, judge
from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, Hypothesis
from stillhunt.attribution.explain import evidence_against, evidence_for, would_decide
from stillhunt.attribution.profile import Table, table_of
from stillhunt.attribution.seen import Seen, resolve
from stillhunt.attribution.statement import cautions, statement
from stillhunt.attribution.weigh import Ranking, weigh
from stillhunt.knowledge import KnowledgeBase
from stillhunt.terms.likelihood import term_for

__all__ = ["assess"]

_N_FOR_MODERATE = 10


def assess(
    *,
    case_id: str,
    techniques: Mapping[str, Sequence[str]],
    software: Mapping[str, Sequence[str]],
    knowledge: KnowledgeBase,
    looked_for: frozenset[str] = frozenset(),
    n_leading: int | None = 10,
) -> Assessment:
    """Assess who a case most likely is, or that nobody can be named.

    Args:
        case_id: The case.
        techniques: Ids of the findings that show it, by ATT&CK technique id.
        software: Ids of the findings that show it, by ATT&CK software id.
        knowledge: Whom and what is known.
        looked_for: Technique ids that active rules could have shown; used to say what was looked for and not
            seen, never to lower a score.
        n_leading: Known groups to keep, the unknown one always beside them; None for all. Probabilities are
            over all groups, so those kept sum to 1 only with all of them; a caution says what the others share.

    >>> from stillhunt.knowledge import load_knowledge
    >>> assess(case_id="case-1", techniques={}, software={}, knowledge=load_knowledge()).is_abstention
    True
    """
    table = table_of(knowledge)
    seen = resolve(techniques, software, knowledge)
    ranking = weigh(seen.techniques, seen.software, table)
    verdict = judge(seen, ranking, table)
    kept = {*ranking.known[:n_leading], UNKNOWN_GROUP}
    hypotheses = tuple(
        _hypothesis(group, ranking, verdict=verdict, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for)
        for group in ranking.order
        if group in kept
    )
    confidence, why = _confidence(verdict, seen)
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
        )
    return Hypothesis(
        group=group,
        name=knowledge.groups[group].name,
        aliases=knowledge.groups[group].aliases,
        probability=probability,
        term=capped_term(probability, n_kinds=len(ranking.supporting_kinds(group)), may_name=group == verdict.named),
        score=ranking.scores[group],
        evidence_for=reasons,
        evidence_against=evidence_against(group, seen=seen, table=table, knowledge=knowledge, looked_for=looked_for),
    )


def _confidence(verdict: Verdict, seen: Seen) -> tuple[Literal["low", "moderate", "high"], str]:
    """Rate how far the material carries the judgement; never high, since public reporting is all there is."""
    if verdict.named is None:
        return "low", "The evidence does not carry a name, and all that is known here comes from public reporting."
    if len(seen.items) < _N_FOR_MODERATE:
        return "low", f"The judgement rests on {len(seen.items)} items and on public reporting alone."
    agreement = f"Two kinds of evidence agree over {len(seen.items)} items and no single one carries the name"
    return "moderate", f"{agreement}, but all of it comes from public reporting."
