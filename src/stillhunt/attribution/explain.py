"""Lines of evidence told to a reader: in whose words, from which reports, shown by which findings."""

from __future__ import annotations

import math

from stillhunt.attribution.assessment import EvidenceItem
from stillhunt.attribution.consistency import exclusive_items
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import CAPS, FAMILIES, Ranking
from stillhunt.knowledge import Edge, KnowledgeBase, Provenance
from stillhunt.knowledge.places import country_name

__all__ = ["evidence_against", "evidence_for", "title_of", "would_decide"]

_N_CITED = 3
_N_NOT_SEEN = 5
_N_DECIDING_GROUPS = 3
_N_DECIDING_ITEMS = 2
_WORTH_DECIDING = 0.01
_ABOUT_USE = frozenset({"techniques", "software"})
_HOW = {
    "parent-technique": ": known for one of its sub-techniques",
    "implied-technique": ": malware of this group can do it",
}
_BESIDE_GRADES = {
    "victim-sector": "C3",
    "victim-country": "C3",
    "hours": "F6",
    "weekend": "F6",
    "holiday": "F6",
    "language": "F6",
    "vulnerability": "B3",
    "indicator": "C3",
    "name": "F6",
}
"""Admiralty grades of what is known beside: galaxies are fairly reliable (C); what an intruder shows us of himself,
such as hours and language, comes from a source whose reliability cannot be judged (F)."""

_GRADES = (Provenance.QUOTED, Provenance.CITED, Provenance.BARE)


def evidence_for(
    group: str, ranking: Ranking, *, seen: Seen, table: Table, knowledge: KnowledgeBase
) -> tuple[EvidenceItem, ...]:
    """Return every line that raises a group, or names it, strongest first.

    Their weights and those of the evidence against sum to its score.
    """
    items = (
        _item(line, group, seen=seen, table=table, knowledge=knowledge)
        for line in ranking.lines
        if line.weights.get(group, 0.0) > 0 or (line.kind == "name" and group in line.weights)
    )
    return tuple(sorted(items, key=lambda i: (-i.weight, i.kind, i.id)))


def evidence_against(
    group: str, ranking: Ranking, *, seen: Seen, table: Table, knowledge: KnowledgeBase, looked_for: frozenset[str]
) -> tuple[EvidenceItem, ...]:
    """Return what lowers a group, what points to others, and what it is known for that was looked for and not seen.

    The last two have weight 0: of techniques and software the model adds up what was seen, and takes nothing away for
    silence. What points to others lowers a probability only by raising theirs.
    """
    lowering = sorted(
        (
            _item(line, group, seen=seen, table=table, knowledge=knowledge)
            for line in ranking.lines
            if line.weights.get(group, 0.0) < 0
        ),
        key=lambda i: (i.weight, i.kind, i.id),
    )
    if group not in table.profiles:
        return tuple(lowering)
    elsewhere = (
        _against("points-elsewhere", item, owner=owner, seen=seen, table=table, knowledge=knowledge)
        for owner, items in exclusive_items(seen, table).items()
        if owner != group
        for item in items
    )
    missing = sorted(
        {t for t in table.profiles[group].techniques if t in looked_for and t not in seen.techniques},
        key=lambda t: (-table.techniques.weights(t)[group], t),
    )
    not_seen = (
        _against("looked-for-not-seen", t, owner=group, seen=seen, table=table, knowledge=knowledge)
        for t in missing[:_N_NOT_SEEN]
    )
    return (*lowering, *elsewhere, *not_seen)


def would_decide(
    ranking: Ranking, *, seen: Seen, table: Table, knowledge: KnowledgeBase, looked_for: frozenset[str]
) -> tuple[str, ...]:
    """Return what to look for next: the hallmarks of the leading groups that were not seen.

    Of up to three groups, the second and third only while they have a chance of 1 % or more.
    """
    return tuple(
        _to_look_for(item, group, table=table, knowledge=knowledge, looked_for=looked_for)
        for place, group in enumerate(ranking.known[:_N_DECIDING_GROUPS])
        if place == 0 or ranking.probabilities[group] >= _WORTH_DECIDING
        for item in _hallmarks(group, seen, table)
    )


def title_of(item: str, knowledge: KnowledgeBase) -> str:
    """Return the name of a technique, with its parent's, or of a software; anything else as it is."""
    if item in knowledge.software:
        return knowledge.software[item].name
    if item not in knowledge.techniques:
        return item
    technique = knowledge.techniques[item]
    parent = knowledge.techniques.get(technique.parent)
    return f"{parent.name}: {technique.name}" if parent else technique.name


def _item(line: Line, group: str, *, seen: Seen, table: Table, knowledge: KnowledgeBase) -> EvidenceItem:
    weight = line.weights[group]
    family = next((name for name, kinds in FAMILIES.items() if line.kind in kinds), "")
    if family not in _ABOUT_USE or not line.item:
        return _general(line, group, family=family, table=table, knowledge=knowledge)
    users, edge = _users(line, table), _best_edge(group, line.item, knowledge)
    how = _HOW.get(line.kind, "")
    return EvidenceItem(
        kind=line.kind,
        id=line.item,
        title=title_of(line.item, knowledge) + how,
        weight=weight,
        n_groups=len(users),
        quote=edge.quote if edge else "",
        source=_source(group, line.item, knowledge),
        findings=seen.findings(line.item) if line.kind == "parent-technique" else _exactly(line.item, seen),
        family=family,
        likelihood=math.exp(weight),
        cap=CAPS[family],
        grade=_grade(edge, is_indirect=bool(how)),
        diagnosticity=_diagnosticity(len(users), table),
    )


def _general(line: Line, group: str, *, family: str, table: Table, knowledge: KnowledgeBase) -> EvidenceItem:
    """Tell a line that is about no group's use of techniques or software."""
    titles = {
        "prior": "somebody who is not in the knowledge base, before anything was seen",
        "reporting": _reporting(group, table),
        "by-chance": f"of {_reporting(group, table)} so much fits by chance, against the mean of all groups",
        "case-size": "what a case of this size would show of anybody",
        "resemblance": "what fits known groups fits somebody new nearly as well",
        "restraint": "held back: too few independent kinds of evidence for a higher probability",
    }
    calibrated = "calibration on past cases"
    sources = dict.fromkeys(("reporting", "by-chance"), knowledge.edition) | dict.fromkeys(
        ("prior", "case-size", "resemblance", "restraint"), calibrated
    )
    n_groups = sum(1 for weight in line.weights.values() if weight > 0) if family else len(table.profiles)
    return EvidenceItem(
        kind=line.kind,
        id=line.item or group,
        title=line.told or titles[line.kind],
        weight=line.weights[group],
        n_groups=n_groups,
        source=sources.get(line.kind) or _beside_source(line, group, knowledge),
        family=family,
        likelihood=math.exp(line.weights[group]),
        cap=CAPS.get(family, 0.0),
        grade=_BESIDE_GRADES.get(line.kind, ""),
        diagnosticity=_diagnosticity(n_groups, table) if family else 0.0,
    )


def _reporting(group: str, table: Table) -> str:
    profile = table.profiles.get(group)
    if profile is None:
        return ""
    return (
        f"{profile.n_reports} reports on this group, which tell of techniques {sum(profile.techniques.values())} times"
    )


def _users(line: Line, table: Table) -> tuple[str, ...]:
    if line.kind == "parent-technique":
        return table.parents.users(line.item)
    if line.kind == "implied-technique":
        return tuple(sorted(table.implied(line.item)))
    return table.users(line.item)


def _diagnosticity(n_users: int, table: Table) -> float:
    """Return how telling an item is: 1 if one group uses it, 0 if all do, by the logarithm of their number."""
    n_groups = len(table.profiles)
    if n_users == 0 or n_groups < 2:
        return 0.0
    return round(1 - math.log(n_users) / math.log(n_groups), 3)


def _grade(edge: Edge | None, *, is_indirect: bool) -> str:
    """Return the Admiralty grade of a claim: reliability of the catalogue, credibility by what is held behind it.

    MITRE as a catalogue is usually reliable (B). Two reports or more confirm each other as far as public reporting can
    (2, probably true); one alone is possibly true (3); a claim without a report, or drawn from what malware can do,
    cannot be judged (6).
    """
    if edge is None or is_indirect or not edge.citations:
        return "B6"
    return "B2" if len(edge.citations) > 1 else "B3"


def _beside_source(line: Line, group: str, knowledge: KnowledgeBase) -> str:
    if line.kind in {"hours", "weekend", "holiday", "language"}:
        return f"{country_name(knowledge.origin_of(group))}: where {knowledge.groups[group].name} is said to work from"
    kinds = {"victim-sector": "victim-sector", "victim-country": "victim-country", "indicator": "indicator"}
    said = knowledge.traits_of(group, kinds.get(line.kind, ""))
    sources = sorted({t.source for t in said if t.value == line.item} or {t.source for t in said})
    return "; ".join(sources) or knowledge.edition


def _against(kind: str, item: str, *, owner: str, seen: Seen, table: Table, knowledge: KnowledgeBase) -> EvidenceItem:
    name = title_of(item, knowledge)
    is_elsewhere = kind == "points-elsewhere"
    edge = _best_edge(owner, item, knowledge)
    return EvidenceItem(
        kind=kind,
        id=item,
        title=f"{name}: known of {knowledge.groups[owner].name} alone"
        if is_elsewhere
        else f"{name}: looked for, not seen",
        weight=0.0,
        n_groups=len(table.users(item)),
        quote=edge.quote if edge else "",
        source=_source(owner, item, knowledge),
        findings=_exactly(item, seen),
        family="software" if item in seen.software else "techniques",
        grade=_grade(edge, is_indirect=False),
        diagnosticity=_diagnosticity(len(table.users(item)), table),
    )


def _exactly(item: str, seen: Seen) -> tuple[str, ...]:
    return seen.techniques.get(item, ()) or seen.software.get(item, ())


def _best_edge(group: str, item: str, knowledge: KnowledgeBase) -> Edge | None:
    """Return the claim of which most is held; the group's own before those about one campaign."""
    edges = [e for e in knowledge.edges_of(group) if e.item == item]
    return min(edges, key=lambda e: (not e.quote, _GRADES.index(e.provenance), e.campaign), default=None)


def _source(group: str, item: str, knowledge: KnowledgeBase) -> str:
    edges = [e for e in knowledge.edges_of(group) if e.item == item]
    citations = list(dict.fromkeys(c for e in edges for c in e.citations))
    if not citations:
        return knowledge.edition
    more = f" and {len(citations) - _N_CITED} more" if len(citations) > _N_CITED else ""
    return f"{knowledge.edition}: {'; '.join(citations[:_N_CITED])}{more}"


def _hallmarks(group: str, seen: Seen, table: Table) -> list[str]:
    profile = table.profiles[group]
    software = sorted(
        (s for s in profile.software if s not in seen.software and s not in table.tools),
        key=lambda s: (len(table.software.users(s)), -table.software.weights(s)[group], s),
    )
    techniques = sorted(
        (t for t in profile.techniques if t not in seen.techniques),
        key=lambda t: (-table.techniques.weights(t)[group], t),
    )
    return [*software[:_N_DECIDING_ITEMS], *techniques[:_N_DECIDING_ITEMS]]


def _to_look_for(item: str, group: str, *, table: Table, knowledge: KnowledgeBase, looked_for: frozenset[str]) -> str:
    users = table.users(item)
    name = knowledge.groups[group].name
    whom = f"{name} alone" if len(users) == 1 else f"{name} and {len(users) - 1} other group{'s'[: len(users) > 2]}"
    what = f"{title_of(item, knowledge)} ({item}), known of {whom}"
    if not looked_for or item in knowledge.software:
        return what
    return f"{what}; rules looked for it" if item in looked_for else f"{what}; no active rule looks for it"
