"""Lines of evidence told to a reader: in whose words, from which reports, shown by which findings."""

from __future__ import annotations

from stillhunt.attribution.abstain import exclusive_items
from stillhunt.attribution.assessment import UNKNOWN_GROUP, EvidenceItem
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import Ranking
from stillhunt.knowledge import Edge, KnowledgeBase, Provenance

__all__ = ["evidence_against", "evidence_for", "title_of", "would_decide"]

_N_CITED = 3
_N_NOT_SEEN = 5
_N_DECIDING_GROUPS = 3
_N_DECIDING_ITEMS = 2
_WORTH_DECIDING = 0.01
_GRADES = (Provenance.QUOTED, Provenance.CITED, Provenance.BARE)


def evidence_for(
    group: str, ranking: Ranking, *, seen: Seen, table: Table, knowledge: KnowledgeBase
) -> tuple[EvidenceItem, ...]:
    """Return every line that raises a group, strongest first; their weights sum to its score."""
    items = (
        _item(line, group, seen=seen, table=table, knowledge=knowledge)
        for line in ranking.lines
        if line.weights.get(group)
    )
    return tuple(sorted(items, key=lambda i: (-i.weight, i.kind, i.id)))


def evidence_against(
    group: str, *, seen: Seen, table: Table, knowledge: KnowledgeBase, looked_for: frozenset[str]
) -> tuple[EvidenceItem, ...]:
    """Return what points to others, and what this group is known for that was looked for and not seen.

    All of it has weight 0: the model adds up what was seen, and takes nothing away. What points to others lowers
    a probability only by raising theirs.
    """
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
    return (*elsewhere, *not_seen)


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
    """Return the name of a technique, with its parent's, or of a software."""
    if item in knowledge.software:
        return knowledge.software[item].name
    technique = knowledge.techniques[item]
    parent = knowledge.techniques.get(technique.parent)
    return f"{parent.name}: {technique.name}" if parent else technique.name


def _item(line: Line, group: str, *, seen: Seen, table: Table, knowledge: KnowledgeBase) -> EvidenceItem:
    weight = line.weights[group]
    if group == UNKNOWN_GROUP or line.kind == "reporting":
        return _general(line, group, weight=weight, seen=seen, table=table, knowledge=knowledge)
    is_parent = line.kind == "parent-technique"
    users = (table.parents if is_parent else table.techniques).users(line.item) or table.software.users(line.item)
    edge = _best_edge(group, line.item, knowledge)
    return EvidenceItem(
        kind=line.kind,
        id=line.item,
        title=title_of(line.item, knowledge),
        weight=weight,
        n_groups=len(users),
        quote=edge.quote if edge else "",
        source=_source(group, line.item, knowledge),
        findings=seen.findings(line.item) if is_parent else _exactly(line.item, seen),
    )


def _general(
    line: Line, group: str, *, weight: float, seen: Seen, table: Table, knowledge: KnowledgeBase
) -> EvidenceItem:
    """Tell a line that is about no group's use of anything: it speaks for every group, or for nobody known."""
    titles = {
        "prior": "somebody who is not in the knowledge base, before anything was seen",
        "reporting": f"{table.profiles[group].n_reports} reports on this group" if group in table.profiles else "",
        "case-size": f"{title_of(line.item, knowledge)}: anybody might" if line.item else "",
    }
    return EvidenceItem(
        kind=line.kind,
        id=line.item or group,
        title=titles[line.kind],
        weight=weight,
        n_groups=len(table.profiles),
        source=knowledge.edition if line.kind == "reporting" else "calibration on past cases",
        findings=_exactly(line.item, seen),
    )


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
