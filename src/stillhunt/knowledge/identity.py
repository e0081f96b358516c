"""Which entities are one: a view over claims that they are the same, cut by what says that they are not.

Nothing is merged in the store. Three things say that two entities are one: a claim that they are the same; entries of
two catalogues that carry one id of ATT&CK; entries of two catalogues of which each lists the other's name. They are
taken in order of strength; a step is left out if it would join

- two entities of which somebody says that they are not the same,
- two entries of one catalogue, unless that catalogue itself says they are one or lists the name of one among the
  aliases of the other: who keeps a list keeps its entries apart,
- two entities that are said to belong to different states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from stillhunt.knowledge.claim import Claim, type_of
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.store import View

__all__ = ["Apart", "Identity", "identities", "identity_of"]

_OUTRIGHT = 1.0
_MUTUAL = 0.5
"""Strength of names that two catalogues share: below any claim that says so itself."""

_NAMED_ALIKE = frozenset({"campaign", "intrusion-set", "malware", "threat-actor", "tool"})
"""Types whose entries may be joined by names. Persons and companies may not: many share one."""
_SAME = "same-as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A claim that two entities are the same which was not followed.

    Attributes:
        ends: The two entities.
        claim: Who says that they are.
        reason: Why they are kept apart all the same.
    """

    ends: tuple[str, str]
    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Entities that are taken for one.

    Attributes:
        members: Their ids, sorted.
        links: Claims that join them.
        apart: Claims that would have joined others, and why they were not followed.
    """

    members: tuple[str, ...]
    links: tuple[Claim, ...] = ()
    apart: tuple[Apart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    ends: tuple[str, str]
    strength: float
    claim: Claim


def identity_of(view: View, entity: str) -> Identity:
    """Return the identity that an entity belongs to."""
    found = identities(view, [entity])
    return next(i for i in found if entity in i.members)


def identities(view: View, entities: Iterable[str]) -> list[Identity]:
    """Return the identities that these entities belong to, in order of their members."""
    wanted = set(entities)
    reached, edges, denied = _component(view, wanted)
    facts = _Facts(view, reached)
    parts = _Parts(reached)
    links: defaultdict[str, list[Claim]] = defaultdict(list)
    apart: list[Apart] = []
    for edge in sorted(edges, key=lambda e: (-e.strength, e.ends, e.claim.id)):
        one, other = (parts.of(end) for end in edge.ends)
        if one is other:
            links[edge.ends[0]].append(edge.claim)
            continue
        reason = facts.reason_against(edge, one, other, denied)
        if reason:
            apart.append(Apart(ends=edge.ends, claim=edge.claim, reason=reason))
        else:
            parts.join(one, other)
            links[edge.ends[0]].append(edge.claim)
    found = {min(members): members for members in (parts.of(e) for e in wanted)}
    return [_identity(members, links, apart) for _, members in sorted(found.items())]


def _identity(members: set[str], links: Mapping[str, list[Claim]], apart: Iterable[Apart]) -> Identity:
    return Identity(
        members=tuple(sorted(members)),
        links=tuple(sorted((c for m in members for c in links.get(m, ())), key=lambda c: c.id)),
        apart=tuple(a for a in apart if set(a.ends) & members),
    )


class _Parts:
    """Sets that grow together; every member leads to its set."""

    def __init__(self, members: Iterable[str]) -> None:
        self._sets = {m: {m} for m in members}

    def of(self, member: str) -> set[str]:
        return self._sets[member]

    def join(self, one: set[str], other: set[str]) -> None:
        one |= other
        for member in other:
            self._sets[member] = one


def _component(view: View, wanted: set[str]) -> tuple[set[str], list[_Edge], set[frozenset[str]]]:
    """Return all entities that claims lead to from these, the claims, and the pairs that are denied."""
    reached, fresh = set(wanted), set(wanted)
    edges: dict[tuple[str, str], _Edge] = {}
    denied: set[frozenset[str]] = set()
    while fresh:
        said = [*view.about(fresh, _SAME), *view.pointing_at(fresh, _SAME)]
        following: set[str] = set()
        for claim in said:
            if not _are_of_a_kind(claim.subject, claim.object):
                continue
            ends = (claim.subject, claim.object)
            following |= set(ends)
            if claim.is_denial:
                denied.add(frozenset(ends))
            else:
                edges[claim.id, ""] = _Edge(ends=ends, strength=_strength(claim), claim=claim)
        for edge in (*_by_catalogue_id(view, fresh), *_by_mutual_names(view, fresh)):
            following |= set(edge.ends)
            edges[edge.claim.id, edge.ends[1]] = edge
        fresh = following - reached
        reached |= fresh
    return reached, list(edges.values()), denied


def _by_catalogue_id(view: View, entities: set[str]) -> Iterable[_Edge]:
    """Return links between entries that carry one id of ATT&CK."""
    ids = [c for c in view.about(entities, "external-id") if not c.is_denial]
    for key, mine in _grouped(ids).items():
        others = [c for c in view.named(key) if c.predicate == "external-id" and not c.is_denial]
        for one, other in product(mine, others):
            if one.subject != other.subject and _are_of_a_kind(one.subject, other.subject):
                ends = (min(one.subject, other.subject), max(one.subject, other.subject))
                yield _Edge(ends=ends, strength=_OUTRIGHT, claim=min(one, other, key=lambda c: c.id))


def _by_mutual_names(view: View, entities: set[str]) -> Iterable[_Edge]:
    """Return links between entries of which each lists the other's own name."""
    mine = _Names(view.about((e for e in entities if type_of(e) in _NAMED_ALIKE), "name", "alias"))
    near = view.with_keys(key for keys in mine.own.values() for key in keys)
    others = {c.subject for c in near if c.predicate != "external-id" and not c.is_denial}
    theirs = _Names(view.about(others, "name", "alias"))
    for one, keys in mine.own.items():
        for other in sorted({e for key in keys for e in theirs.bearers.get(key, ())} - {one}):
            claim = mine.lists(one, theirs.own.get(other, set()))
            if claim is not None and _are_of_a_kind(one, other):
                yield _Edge(ends=(min(one, other), max(one, other)), strength=_MUTUAL, claim=claim)


class _Names:
    """Who bears which names."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self.own: defaultdict[str, set[str]] = defaultdict(set)
        self.bearers: defaultdict[str, set[str]] = defaultdict(set)
        self._said: dict[tuple[str, str], Claim] = {}
        for claim in claims:
            key = name_key(claim.value)
            if claim.is_denial or not key:
                continue
            self.bearers[key].add(claim.subject)
            self._said.setdefault((claim.subject, key), claim)
            if claim.predicate == "name":
                self.own[claim.subject].add(key)

    def lists(self, entity: str, keys: Iterable[str]) -> Claim | None:
        """Return a claim that gives an entity one of these names, or None."""
        found = [self._said[entity, key] for key in keys if (entity, key) in self._said]
        return min(found, key=lambda c: c.id, default=None)


def _are_of_a_kind(one: str, other: str) -> bool:
    kinds = {type_of(one), type_of(other)}
    return len(kinds) == 1 or kinds <= {"intrusion-set", "threat-actor"} or kinds <= {"malware", "tool"}


def _grouped(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    found: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        found[claim.value].append(claim)
    return found


def _strength(claim: Claim) -> float:
    likelihood = claim.likelihood
    if likelihood is None:
        return _OUTRIGHT
    bounds = [b for b in (likelihood.low, likelihood.high) if b is not None]
    return sum(bounds) / len(bounds) if bounds else 0.0


class _Facts:
    """What speaks against two entities being one."""

    def __init__(self, view: View, entities: set[str]) -> None:
        self._listed: defaultdict[str, set[str]] = defaultdict(set)  # entity to who lists it under a name of its own
        self._names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # (entity, speaker) to keys
        self._aliases: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._states: defaultdict[str, set[str]] = defaultdict(set)
        for claim in view.about(entities, "name", "alias", "originates-from", "sponsored-by"):
            if claim.is_denial:
                continue
            place = (claim.subject, claim.speaker)
            if claim.predicate == "name":
                self._listed[claim.subject].add(claim.speaker)
                self._names[place].add(name_key(claim.value))
            elif claim.predicate == "alias":
                self._aliases[place].add(name_key(claim.value))
            else:
                self._states[claim.subject].add(claim.object)

    def reason_against(self, edge: _Edge, one: set[str], other: set[str], denied: set[frozenset[str]]) -> str:
        """Return why two sets of entities must not be joined, or nothing."""
        for left, right in product(sorted(one), sorted(other)):
            if frozenset((left, right)) in denied:
                return "somebody denies that they are the same"
            if self._states[left] and self._states[right] and not self._states[left] & self._states[right]:
                return "they are said to belong to different states"
            for speaker in self._listed[left] & self._listed[right]:
                is_own_word = edge.claim.speaker == speaker and edge.claim.predicate == _SAME
                if not (is_own_word and edge.strength == _OUTRIGHT) and not self._lists_as_one(left, right, speaker):
                    return "one catalogue lists them as two"
        return ""

    def _lists_as_one(self, left: str, right: str, speaker: str) -> bool:
        for one, other in ((left, right), (right, left)):
            if self._names[one, speaker] & (self._aliases[other, speaker] | self._names[other, speaker]):
                return True
        return False
