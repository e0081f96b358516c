"""A name to everybody who is called so, with who calls them so.

Spellings of one name meet (:func:`~stillhunt.knowledge.names.name_key`). A name that several bear returns them all.
Names that only sound or look alike are candidates for a person to judge and join nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from stillhunt.knowledge.alike import Alike, Lookalikes
from stillhunt.knowledge.claim import Claim, type_of
from stillhunt.knowledge.identity import Identity, identities
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.store import View

__all__ = ["GROUPS", "Candidate", "resolve", "who_may_be"]

GROUPS = ("intrusion-set", "threat-actor")
"""Types of what commands call a group."""

_ORDER = ("intrusion-set", "threat-actor", "campaign", "identity", "malware", "tool", "attack-pattern", "location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who may be meant by a name.

    Attributes:
        identity: Entities taken for one.
        name: What they go by here.
        match: ``name``: it is one of their own; ``alias``: somebody lists it; ``id``: of a catalogue; else how it is
            merely alike: ``transliteration``, ``fuzzy``.
        score: 1 for the name itself, else how alike, 0 to 1.
        claims: Who uses the name.
        denials: Who says that it is not theirs.
    """

    identity: Identity
    name: str
    match: Literal["name", "alias", "id", "transliteration", "fuzzy"]
    score: float = 1.0
    claims: tuple[Claim, ...] = ()
    denials: tuple[Claim, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Whether the name itself was found, not one like it."""
        return self.match in {"name", "alias", "id"}


def resolve(view: View, name: str, *, types: Collection[str] = ()) -> list[Candidate]:
    """Return everybody who bears a name or id, the likeliest first; nobody for one that is not known.

    Args:
        view: What may be seen.
        name: A name in any spelling, an id of a catalogue, or the id of an entity.
        types: Only entities of these STIX types; all if none is given.
    """
    claims = [c for c in view.named(name) if not types or type_of(c.subject) in types]
    if not claims and view.about([name]):
        return _candidates(view, {name: []})
    by_entity: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_entity[claim.subject].append(claim)
    held = {e: said for e, said in by_entity.items() if any(not c.is_denial for c in said)}
    return _candidates(view, held)


def who_may_be(view: View, name: str, *, types: Collection[str] = (), limit: int = 10) -> list[Candidate]:
    """Return those whose names are like a name, the likest first: candidates, never answers.

    Args:
        view: What may be seen.
        name: A name in any script.
        types: Only entities of these STIX types; all if none is given.
        limit: At most so many.

    Raises:
        MissingExtraError: The package that transliterates is not installed.
    """
    known = [(written, e) for written, e in view.names() if not types or type_of(e) in types]
    found = Lookalikes(known).find(name, limit=4 * limit)
    best: dict[str, Alike] = {}
    for one in found:
        best.setdefault(one.entity, one)
    listed: dict[tuple[str, ...], Candidate] = {}
    for candidate in _candidates(view, {e: [] for e in best}):
        one = max((best[m] for m in candidate.identity.members if m in best), key=lambda a: a.score)
        said = [c for c in view.named(one.name) if c.subject in candidate.identity.members]
        listed[candidate.identity.members] = Candidate(
            identity=candidate.identity,
            name=candidate.name,
            match=one.how,
            score=one.score,
            claims=tuple(said),
        )
    return sorted(listed.values(), key=lambda c: (-c.score, _rank(c), c.name))[:limit]


def _candidates(view: View, by_entity: dict[str, list[Claim]]) -> list[Candidate]:
    found = []
    for identity in identities(view, by_entity):
        said = [c for m in identity.members for c in by_entity.get(m, ())]
        found.append(
            Candidate(
                identity=identity,
                name=best_name(view, identity.members),
                match=_match(said),
                claims=tuple(c for c in said if not c.is_denial),
                denials=tuple(c for c in said if c.is_denial),
            )
        )
    return sorted(found, key=lambda c: (_rank(c), -len({x.speaker for x in c.claims}), c.name, c.identity.members))


def best_name(view: View, members: Iterable[str]) -> str:
    """Return what an identity goes by: the own name that most members share, ATT&CK's before others."""
    counts: defaultdict[str, int] = defaultdict(int)
    written: dict[str, str] = {}
    for claim in view.about(members, "name", "external-id"):
        if claim.is_denial:
            continue
        if claim.predicate == "external-id":
            continue
        key = name_key(claim.value)
        counts[key] += 2 if "mitre" in view.name_of(claim.speaker).casefold() else 1
        written[key] = min(written.get(key, claim.value), claim.value)
    if not counts:
        return view.name_of(min(members))
    return written[min(counts, key=lambda k: (-counts[k], k))]


def _match(said: Iterable[Claim]) -> Literal["name", "alias", "id"]:
    predicates = {c.predicate for c in said if not c.is_denial}
    return "name" if "name" in predicates or not predicates else "id" if "external-id" in predicates else "alias"


def _rank(candidate: Candidate) -> tuple[int, int]:
    kind = type_of(candidate.identity.members[0])
    return (
        _ORDER.index(kind) if kind in _ORDER else len(_ORDER),
        ("id", "name", "alias", "transliteration", "fuzzy").index(candidate.match),
    )
