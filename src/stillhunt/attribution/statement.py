"""The words of an assessment: how likely, and apart from it, how sure we are of saying so."""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.attribution.abstain import THRESHOLD, Verdict, exclusive_items
from stillhunt.attribution.assessment import UNKNOWN_GROUP, Hypothesis
from stillhunt.attribution.explain import title_of
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.knowledge import KnowledgeBase
from stillhunt.terms.likelihood import term_for

__all__ = ["cautions", "statement"]

_N_NEAREST = 3


def statement(verdict: Verdict, hypotheses: Sequence[Hypothesis]) -> str:
    """Say who it most likely is, or that nobody can be named, in estimative words.

    Args:
        verdict: Whether somebody may be named.
        hypotheses: Ranked, the unknown group among them.
    """
    if verdict.named is not None:
        return _naming(next(h for h in hypotheses if h.group == verdict.named))
    nearest = [h for h in hypotheses if h.group != UNKNOWN_GROUP][:_N_NEAREST]
    if not nearest or not _has_sightings(nearest):
        return f"Not enough to name anyone: {verdict.reason}."
    unknown = next(h for h in hypotheses if h.group == UNKNOWN_GROUP)
    names = _listed([f"{h.name} ({_held(h)})" for h in nearest])
    return (
        f"Not enough to name anyone: {verdict.reason}. The nearest known groups are {names}; "
        f"that it is none of the known ones: {unknown.term}, {_percent(unknown.probability)}."
    )


def cautions(
    verdict: Verdict, hypotheses: Sequence[Hypothesis], *, seen: Seen, table: Table, knowledge: KnowledgeBase
) -> tuple[str, ...]:
    """Say what speaks against trusting the assessment."""
    told = [_fragility(verdict, hypotheses, knowledge), _contradiction(seen, table, knowledge)]
    if seen.unrecognised:
        told.append(
            f"not in the knowledge base, and left out: {', '.join(seen.unrecognised)} ({len(seen.unrecognised)})"
        )
    if seen.items and not seen.software:
        told.append("techniques are the only kind of evidence: they alone name the right group about once in six cases")
    if any(h.evidence_against for h in hypotheses):
        told.append("evidence against carries no weight in the model: a probability falls only as others rise")
    if seen.items:
        told.append(_remainder(hypotheses, table))
    return tuple(text for text in told if text)


def _naming(leader: Hypothesis) -> str:
    names = f"{leader.name} ({', '.join(leader.aliases[:3])})" if leader.aliases else leader.name
    said = f"It is {leader.term} ({_percent(leader.probability)}) that this was {names}."
    uncapped = term_for(leader.probability)
    if uncapped == leader.term:
        return said
    return f"{said} The number alone would read “{uncapped}”; stronger words need three independent kinds of evidence."


def _held(hypothesis: Hypothesis) -> str:
    number = _percent(hypothesis.probability)
    if hypothesis.term == term_for(hypothesis.probability):
        return f"{hypothesis.term}, {number}"
    return f"held at {hypothesis.term}, though the sum says {number}"


def _has_sightings(hypotheses: Sequence[Hypothesis]) -> bool:
    return any(item.kind != "reporting" for h in hypotheses for item in h.evidence_for)


def _fragility(verdict: Verdict, hypotheses: Sequence[Hypothesis], knowledge: KnowledgeBase) -> str:
    leader = next((h for h in hypotheses if h.group != UNKNOWN_GROUP), None)
    if leader is None:
        return ""
    if verdict.weakest is not None:
        item, probability = verdict.weakest
        name = f"{title_of(item, knowledge)} ({item})"
        return f"without {name} the probability of {leader.name} would be {_percent(probability)}"
    if not verdict.fragile:
        return ""
    falls = _listed([f"{_percent(p)} without {title_of(i, knowledge)} ({i})" for i, p in verdict.fragile.items()])
    return (
        f"{leader.name} has {_percent(leader.probability)}, above the {_percent(THRESHOLD)} for a name, "
        f"but only with every item in place: {falls}"
    )


def _contradiction(seen: Seen, table: Table, knowledge: KnowledgeBase) -> str:
    owners = exclusive_items(seen, table)
    if len(owners) < 2:
        return ""
    claims = [
        f"{_listed([title_of(i, knowledge) for i in items])} of {knowledge.groups[group].name}"
        for group, items in owners.items()
    ]
    return f"inconsistent, possible false flag: malware that different groups alone are known for, {_listed(claims)}"


def _remainder(hypotheses: Sequence[Hypothesis], table: Table) -> str:
    n_others = len(table.profiles) + 1 - len(hypotheses)
    if n_others == 0:
        return ""
    rest = max(0.0, 1.0 - sum(h.probability for h in hypotheses))
    return f"{n_others} further groups share {_percent(rest)} between them"


def _percent(probability: float) -> str:
    return (
        "under 1 %"
        if probability < 0.005
        else "over 99 %"
        if probability > 0.995
        else f"{probability:.0%}".replace("%", " %")
    )


def _listed(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
