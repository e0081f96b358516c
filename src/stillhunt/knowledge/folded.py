"""A store of claims folded into the knowledge base that cases are weighed against: any base, packaged or not.

Entities that go by one ATT&CK id are one group. A group that ATT&CK does not have is kept under the id of its entity
if enough is said of what it uses. What somebody denies is left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from stillhunt.knowledge.base import KnowledgeBase
from stillhunt.knowledge.claim import Claim, Source, type_of
from stillhunt.knowledge.entry import Edge, Group, Provenance, Software, Technique, Trait
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import place_of
from stillhunt.knowledge.sectors import sector_of
from stillhunt.knowledge.store import View
from stillhunt.terms.technique import parent_of

__all__ = ["folded"]

_KINDS = frozenset({"intrusion-set", "malware", "tool", "attack-pattern", "campaign"})
_CODE = re.compile(r"^(?:T\d{4}(?:\.\d{3})?|[GSC]\d{4})$")
_VALUE = re.compile(r"= '((?:[^'\\]|\\.)*)'")
_ENOUGH = 5
"""Techniques and software that a group without an ATT&CK id must have to be weighed."""


def folded(view: View) -> KnowledgeBase:
    """Fold what a view shows into groups, software, techniques and the edges between them."""
    claims = [c for c in view.saying("name", "alias", "external-id", "description", "same-as") if not c.is_denial]
    ids, successors = _ids(claims)
    names, aliases, descriptions = _names(claims, ids)
    said = [c for c in view.saying("uses", "attributed-to") if not c.is_denial]
    traits_said = [
        c for c in view.saying("originates-from", "sponsored-by", "targets", "indicates", "pattern") if not c.is_denial
    ]
    sources = view.sources(c.source for c in (*said, *traits_said))
    edges = _edges(said, ids, successors, sources)
    counts: defaultdict[str, set[str]] = defaultdict(set)
    for edge in edges:
        counts[edge.group].add(edge.item)
    groups = {g for g in names if _is_group(g, ids) and (_CODE.match(g) or len(counts[g]) >= _ENOUGH)} - set(successors)
    kinds = {
        ids.get(entity, entity): type_of(entity) for c in (*claims, *said) for entity in (c.subject, c.object) if entity
    }
    return KnowledgeBase(
        edition="knowledge base",
        name=f"a knowledge base of {view.count():,} claims" + (f" as of {view.as_of}" if view.as_of else ""),
        groups={
            g: Group(id=g, name=names[g], aliases=aliases.get(g, ()), description=descriptions.get(g, ""))
            for g in sorted(groups)
        },
        software={
            s: Software(
                id=s, name=names[s], kind="tool" if kinds[s] == "tool" else "malware", aliases=aliases.get(s, ())
            )
            for s in sorted(names)
            if kinds.get(s) in {"malware", "tool"} and s not in successors
        },
        techniques={
            t: Technique(id=t, name=names[t], parent="" if parent_of(t) == t else parent_of(t))
            for t in sorted(names)
            if kinds.get(t) == "attack-pattern" and _CODE.match(t) and t not in successors
        },
        edges=tuple(e for e in edges if e.group in groups),
        successors=successors,
        urls={s.title: s.url for s in sorted(sources.values(), key=lambda s: (s.title, s.url)) if s.url},
        abilities=_abilities(said, ids, successors),
        traits=_traits(traits_said, ids, sources, groups),
    )


def _is_group(entry: str, ids: Mapping[str, str]) -> bool:
    return entry.startswith(("intrusion-set--",)) or (
        entry[:1] == "G" and bool(_CODE.match(entry)) and entry in ids.values()
    )


def _ids(claims: Iterable[Claim]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the id that each entity is known by, and what withdrawn ids became."""
    ids: dict[str, str] = {}
    for claim in sorted(claims, key=lambda c: (c.predicate != "external-id", c.id)):
        if (
            claim.predicate in {"external-id", "alias"}
            and type_of(claim.subject) in _KINDS
            and _CODE.match(claim.value)
        ):
            ids.setdefault(claim.subject, claim.value)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for claim in claims:
        if claim.predicate == "name" and claim.subject in ids and type_of(claim.subject) == "intrusion-set":
            owners[name_key(claim.value)].add(ids[claim.subject])
    for claim in claims:
        mine = owners.get(name_key(claim.value), set()) if claim.predicate == "name" else set()
        if claim.subject not in ids and type_of(claim.subject) == "intrusion-set" and len(mine) == 1:
            ids[claim.subject] = next(iter(mine))
    steps = {
        ids[c.subject]: ids[c.object]
        for c in claims
        if c.predicate == "same-as" and '"revoked-by"' in c.quote and c.subject in ids and c.object in ids
    }
    return ids, {old: _end(old, steps) for old in sorted(steps) if _end(old, steps) != old}


def _end(start: str, steps: Mapping[str, str]) -> str:
    seen = {start}
    while (following := steps.get(start)) is not None and following not in seen:
        seen.add(following)
        start = following
    return start


def _names(
    claims: Iterable[Claim], ids: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]], dict[str, str]]:
    names: defaultdict[str, list[tuple[bool, str]]] = defaultdict(list)
    aliases: defaultdict[str, set[str]] = defaultdict(set)
    descriptions: dict[str, str] = {}
    for claim in sorted(claims, key=lambda c: c.id):
        if type_of(claim.subject) not in _KINDS:
            continue
        entry = ids.get(claim.subject, claim.subject)
        if claim.predicate == "name":
            names[entry].append((claim.method != "import:attack", claim.value))
        elif claim.predicate == "alias":
            aliases[entry].add(claim.value)
        elif claim.predicate == "description" and claim.method == "import:attack":
            descriptions.setdefault(entry, claim.value)
    best = {entry: min(found)[1] for entry, found in names.items()}
    others = {e: tuple(sorted({n for _, n in names[e]} | aliases[e] - {best[e]} - {e})) for e in best}
    return best, {e: tuple(n for n in found if n != best[e]) for e, found in others.items()}, descriptions


def _edges(
    said: Iterable[Claim], ids: Mapping[str, str], successors: Mapping[str, str], sources: Mapping[str, Source]
) -> tuple[Edge, ...]:
    said = list(said)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for claim in said:
        if claim.predicate == "attributed-to" and type_of(claim.subject) == "campaign":
            owners[claim.subject].add(ids.get(claim.object, claim.object))
    told: defaultdict[tuple[str, str, str], list[Claim]] = defaultdict(list)
    for claim in said:
        if claim.predicate != "uses" or type_of(claim.object) not in {"malware", "tool", "attack-pattern"}:
            continue
        item = ids.get(claim.object, claim.object)
        item = successors.get(item, item)
        if type_of(claim.subject) == "intrusion-set":
            group = ids.get(claim.subject, claim.subject)
            told[successors.get(group, group), item, ""].append(claim)
        elif type_of(claim.subject) == "campaign":
            for group in owners[claim.subject]:
                told[group, item, ids.get(claim.subject, claim.subject)].append(claim)
    return tuple(
        _edge(group, item, campaign, sorted(claims, key=lambda c: c.id), sources)
        for (group, item, campaign), claims in sorted(told.items())
    )


def _edge(group: str, item: str, campaign: str, claims: list[Claim], sources: Mapping[str, Source]) -> Edge:
    reports = sorted({sources[c.source].title for c in claims if sources[c.source].kind != "catalogue"})
    quote = max((c.quote for c in claims if not c.quote.startswith("{")), key=len, default="")
    grade = Provenance.BARE if not reports else Provenance.QUOTED if quote else Provenance.CITED
    return Edge(group=group, item=item, quote=quote, citations=tuple(reports), provenance=grade, campaign=campaign)


def _abilities(
    said: Iterable[Claim], ids: Mapping[str, str], successors: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for claim in said:
        if type_of(claim.subject) in {"malware", "tool"} and type_of(claim.object or "x--") == "attack-pattern":
            technique = ids.get(claim.object, "")
            if technique:
                found[ids.get(claim.subject, claim.subject)].add(successors.get(technique, technique))
    return {software: tuple(sorted(found[software])) for software in sorted(found)}


def _traits(
    said: list[Claim], ids: Mapping[str, str], sources: Mapping[str, Source], groups: set[str]
) -> dict[str, tuple[Trait, ...]]:
    values = {
        c.subject: m.group(1).casefold() for c in said if c.predicate == "pattern" and (m := _VALUE.search(c.value))
    }
    found: defaultdict[str, list[Trait]] = defaultdict(list)
    for claim in sorted(said, key=lambda c: (c.predicate, c.id)):
        owner = claim.object if claim.predicate == "indicates" else claim.subject
        group = ids.get(owner, owner)
        if group in groups:
            found[group] += _trait(claim, values, sources[claim.source])
    return {group: tuple(dict.fromkeys(found[group])) for group in sorted(found) if found[group]}


def _trait(claim: Claim, values: Mapping[str, str], source: Source) -> Iterator[Trait]:
    title = source.title
    if claim.predicate == "indicates":
        if value := values.get(claim.subject):
            dated = claim.valid_until or claim.valid_from or source.published
            yield Trait(kind="indicator", value=value, source=title, dated=dated[:10])
        return
    place = place_of(claim.object)
    if claim.predicate in {"originates-from", "sponsored-by"}:
        if place is not None:
            yield Trait(kind="origin", value=place.code, source=title, quote=claim.quote)
        return
    if claim.predicate != "targets":
        return
    if place is not None:
        yield Trait(kind="victim-country", value=place.code, source=title, quote=claim.quote)
    elif sector := _sector_in(claim.quote):
        yield Trait(kind="victim-sector", value=sector, source=title, quote=claim.quote)


def _sector_in(quote: str) -> str | None:
    """Return the sector that a record such as ``{"target_categories":"Government"}`` names."""
    words = quote.rstrip("}").rsplit(":", 1)[-1].strip('" ')
    return sector_of(words)
