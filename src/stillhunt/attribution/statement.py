"""The words of an assessment: how likely, and apart from it, how sure we are of saying so."""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.attribution.abstain import THRESHOLD, Verdict
from stillhunt.attribution.assessment import UNKNOWN_GROUP, CountryShare, Hypothesis
from stillhunt.attribution.consistency import exclusive_items
from stillhunt.attribution.explain import title_of
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.knowledge import KnowledgeBase
from stillhunt.terms.likelihood import term_for

__all__ = ["cautions", "origin", "resemblance", "statement"]

_N_NEAREST = 3
_NAMING_TERMS = frozenset({"likely", "highly likely", "almost certain"})


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
    told = [
        _fragility(verdict, hypotheses, knowledge),
        _planted(verdict, hypotheses, knowledge),
        _contradiction(seen, table, knowledge),
        _mismatch(verdict, knowledge),
        _named_in_evidence(hypotheses),
    ]
    if seen.unrecognised:
        told.append(
            f"not in the knowledge base, and left out: {', '.join(seen.unrecognised)} ({len(seen.unrecognised)})"
        )
    if seen.items and not seen.software:
        told.append("techniques are the only kind of evidence: they alone name the right group about once in six cases")
    if any(i.kind in {"points-elsewhere", "looked-for-not-seen"} for h in hypotheses for i in h.evidence_against):
        told.append(
            "what points to others, and what was not seen, carries no weight: a probability falls only as others rise"
        )
    if seen.items:
        told.append(_remainder(hypotheses, table))
    return tuple(text for text in told if text)


def resemblance(case_id: str, hypotheses: Sequence[Hypothesis]) -> str:
    """Say what a case resembles: the first layer, which names nobody as the one who did it."""
    leader = next((h for h in hypotheses if h.group != UNKNOWN_GROUP), None)
    if leader is None or not _has_sightings([leader]):
        return f"{case_id} resembles nobody known."
    names = {h.group: h.name for h in hypotheses}
    kin = [names[g] for g in leader.inseparable if g in names]
    beside = f", and cannot be told from {_listed(kin)} by this evidence" if kin else ""
    return f"{case_id} resembles what is published about {leader.name}{beside}."


def origin(countries: Sequence[CountryShare], *, is_inconsistent: bool) -> str:
    """Say which country the case points to, if any."""
    if not countries:
        return "No country can be named: the knowledge base does not say where its groups work from."
    first = countries[0]
    share = f"{first.term}, {_percent(first.probability)}"
    if first.term not in _NAMING_TERMS or is_inconsistent:
        why = "parts of the evidence point to different ones" if is_inconsistent else "none stands out on two kinds"
        return f"No country is named, since {why}. The nearest is {first.name} ({share})."
    return f"It is {first.term} ({_percent(first.probability)}) that whoever did this works from {first.name}."


def _naming(leader: Hypothesis) -> str:
    names = f"{leader.name} ({', '.join(leader.aliases[:3])})" if leader.aliases else leader.name
    said = f"It is {leader.term} ({_percent(leader.probability)}) that this was {names}."
    if term_for(leader.probability) == leader.term and not any(i.kind == "restraint" for i in leader.evidence_against):
        return said
    return f"{said} The sum alone would give more; stronger words need three independent kinds of evidence."


def _held(hypothesis: Hypothesis) -> str:
    number = _percent(hypothesis.probability)
    if hypothesis.term == term_for(hypothesis.probability):
        return f"{hypothesis.term}, {number}"
    return f"held at {hypothesis.term}, though the sum says {number}"


def _has_sightings(hypotheses: Sequence[Hypothesis]) -> bool:
    return any(item.kind not in {"reporting", "by-chance"} for h in hypotheses for item in h.evidence_for)


def _fragility(verdict: Verdict, hypotheses: Sequence[Hypothesis], knowledge: KnowledgeBase) -> str:
    leader = next((h for h in hypotheses if h.group != UNKNOWN_GROUP), None)
    if leader is None or verdict.weakest is None:
        return ""
    fragile = list(verdict.fragile.items())
    if not fragile:
        name = f"{title_of(verdict.weakest.item, knowledge)} ({verdict.weakest.item})"
        return f"without {name} the probability of {leader.name} would be {_percent(verdict.weakest.probability)}"
    falls = _listed([f"{_percent(p)} without {title_of(i, knowledge)} ({i})" for i, p in fragile[:_N_NEAREST]])
    return (
        f"{leader.name} has {_percent(leader.probability)}, and falls below the {_percent(THRESHOLD)} for a name "
        f"if one item is mistaken or planted: {falls}{_more(len(fragile) - _N_NEAREST)}"
    )


def _planted(verdict: Verdict, hypotheses: Sequence[Hypothesis], knowledge: KnowledgeBase) -> str:
    leader = next((h for h in hypotheses if h.group != UNKNOWN_GROUP), None)
    if leader is None or verdict.planted is None:
        return ""
    if verdict.planted.leader == leader.group:
        then = f"{_percent(verdict.planted.probability)}, still before all other known groups"
    else:
        then = f"{_percent(verdict.planted.probability)}, behind {knowledge.groups[verdict.planted.leader].name}"
    return f"if all software of {leader.name} had been planted, its probability would be {then}"


def _mismatch(verdict: Verdict, knowledge: KnowledgeBase) -> str:
    if verdict.mismatch is None:
        return ""
    rival = knowledge.groups[verdict.mismatch.group].name
    return (
        "inconsistent, possible false flag: without its software and the five techniques that fit it best, the other "
        f"{verdict.mismatch.n_left} techniques fit {rival}, of another country, clearly better; that cannot be told "
        "from planted evidence, though many an honest case looks so too"
    )


def _named_in_evidence(hypotheses: Sequence[Hypothesis]) -> str:
    named = [f"{h.name} is {i.title}" for h in hypotheses for i in h.evidence_for if i.kind == "name"]
    return _listed(named[:_N_NEAREST]) if named else ""


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


def _more(n: int) -> str:
    return f", and {n} more" if n > 0 else ""
