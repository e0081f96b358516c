"""How the claims of one document stand to each other: what a denial denies, and which speakers contradict each other.

Nothing is dropped and nobody is believed: both claims stay, each with its speaker, and say that the other is there.
A denial rarely repeats what it denies. Whom it concerns is told by who denies (a government and its groups, a company,
a person), by whose allegations they are, and by words that the denial has in common with what was said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from stillhunt.reading import sorts
from stillhunt.reading.draft import ARTICLE, ReadClaim, Relation

__all__ = ["related"]

_ACCUSING: tuple[frozenset[str], ...] = (
    frozenset({"attribution"}),
    frozenset({"charge", "sanction", "sponsor", "front-company"}),
    frozenset({"incident", "target", "capability"}),
)
"""Kinds that accuse somebody, the plainest first: of these a denial denies the first that are there."""

_OWNERSHIP = frozenset({"sponsor", "front-company", "alias/part-of", "attribution", "role"})
_SERVICES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (country, re.compile(rf"\b(?:{words})\b"))
    for country, words in (
        (
            "China",
            "MSS|Ministry of State Security|PLA|People[’']s Liberation Army|State Security (?:Bureau|Department)",
        ),
        ("Russia", "GRU|FSB|SVR|KGB|Main (?:Intelligence )?Directorate|Federal Security Service|Foreign Intelligence"),
        ("Iran", "IRGC|MOIS|Revolutionary Guards?|Ministry of Intelligence"),
        ("North Korea", "RGB|Reconnaissance General Bureau"),
    )
)
_WORD = re.compile(r"[A-Za-z][\w’'-]{3,}")
_EMPTY = frozenset(
    [
        *("accusation", "allegation", "claim", "charge", "involvement", "report", "assertion", "attribution", "such"),
        *("responsibility", "smear", "slander", "wrongdoing", "indictment", "finding", "suggestion", "these", "those"),
        *("that", "this", "being", "been", "having", "have", "with", "from", "behind", "their", "were", "they", "into"),
        *("hacking", "attack", "cyber", "cyberattack", "cyber-attack", "espionage", "cyber-espionage", "campaign"),
        *(
            "cyber-attacks",
            "cyberattacks",
            "incident",
            "activity",
            "groundless",
            "baseless",
            "called",
            "denied",
            "said",
        ),
        *("government", "against", "about", "which", "would", "other", "country", "made", "group", "hackers", "hacker"),
    ]
)
"""Words of a denial that do not tell which accusation it is about."""

_NEAR = 1_200


def related(claims: Sequence[ReadClaim], *, origins: Mapping[str, str] = MappingProxyType({})) -> tuple[ReadClaim, ...]:
    """Return the claims of one document with how they stand to each other.

    Args:
        claims: In order of place.
        origins: States that stand behind actors as others say, by name in lower case.
    """
    found: defaultdict[str, list[Relation]] = defaultdict(list)
    states = {name: frozenset({state}) for name, state in origins.items()} | _states_of(claims)
    for denial in claims:
        if denial.kind == "denial" and denial.polarity == "affirmed":
            for denied, why in _denied_by(denial, claims, states):
                found[denial.id].append(Relation(kind="denies", to=denied.id, reason=why))
                found[denied.id].append(Relation(kind="denied-by", to=denial.id, reason=why))
    for one, other in _contradictions(claims):
        why = f"{one.said_by} says so, {other.said_by} says not"
        found[one.id].append(Relation(kind="contradicts", to=other.id, reason=why))
        found[other.id].append(Relation(kind="contradicts", to=one.id, reason=why))
    return tuple(replace(claim, relations=tuple(found[claim.id])) if claim.id in found else claim for claim in claims)


def _states_of(claims: Iterable[ReadClaim]) -> dict[str, frozenset[str]]:
    """Return the states that stand behind an actor, and those that a speaker speaks for, by name in lower case."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for claim in claims:
        if claim.kind not in _OWNERSHIP or claim.polarity == "negated":
            continue
        behind = _state(claim.object.text) if claim.kind != "attribution" else _state(claim.subject.text)
        if claim.kind in {"alias/part-of", "role"} and not behind:
            behind = _state(claim.quote)
        if behind:
            found[claim.subject.text.casefold()].add(behind)
    return {name: frozenset(states) for name, states in found.items()}


def _state(text: str) -> str:
    return sorts.country_of(text) or next((state for state, service in _SERVICES if service.search(text)), "")


def _denied_by(
    denial: ReadClaim, claims: Sequence[ReadClaim], states: dict[str, frozenset[str]]
) -> list[tuple[ReadClaim, str]]:
    side = _sides(denial.subject.text, states)
    accused = [c for c in claims if c is not denial and _accuses(c, denial, side, states)]
    why = f"accuses {', '.join(sorted(side)) or denial.subject.text}" if accused else ""
    if not accused:
        # Whoever denies is not named, or nothing says whose group it is: what was said last before it is meant.
        accused = _last(denial, claims, states)
        why = "is the last accusation before it"
    whose = _state(denial.object.text)
    if whose and whose not in side:
        by_them = [c for c in accused if whose in _speaks_for(c, states)]
        accused, why = (by_them, f"{why}, said by {whose}") if by_them else (accused, why)
    unclaimed = [c for c in claims if c is not denial and _is_accusation(c) and not _behind(c, states)]
    shared = _sharing(denial, accused) or _sharing(denial, unclaimed)
    if shared:
        return shared
    for kinds in _ACCUSING:
        plain = [c for c in accused if c.kind in kinds]
        if plain:
            return [(c, why) for c in plain]
    return []


def _sides(name: str, states: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return the states that somebody who denies stands for."""
    own = _state(name)
    return frozenset({own}) if own else states.get(name.casefold(), frozenset())


def _is_accusation(claim: ReadClaim) -> bool:
    return claim.polarity == "affirmed" and any(claim.kind in kinds for kinds in _ACCUSING)


def _accuses(claim: ReadClaim, denial: ReadClaim, side: frozenset[str], states: dict[str, frozenset[str]]) -> bool:
    """Say whether a claim accuses whoever denies, or those who stand behind or below them."""
    if not _is_accusation(claim):
        return False
    if claim.said_by.casefold() == denial.said_by.casefold() and claim.said_by != ARTICLE:
        return False
    if side and side & _speaks_for(claim, states):
        return False
    if side:
        return bool(side & _behind(claim, states))
    actor = _actor(claim)
    name = denial.subject.text.casefold()
    return len(name) > 2 and any(
        _names(name, text.casefold()) for text in (actor, claim.subject.text, claim.object.text)
    )


def _actor(claim: ReadClaim) -> str:
    return claim.object.text if claim.kind in {"charge", "sanction"} else claim.subject.text


def _behind(claim: ReadClaim, states: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return the states that stand behind whom a claim accuses."""
    actor = _actor(claim)
    found = states.get(actor.casefold(), frozenset()) | {_state(actor)}
    if claim.kind == "sponsor" or claim.predicate.startswith(("attributed", "linked")):
        found |= {_state(claim.object.text)}
    return found - {""}


def _names(name: str, text: str) -> bool:
    return name == text or (len(name) >= 4 and (name in text or (len(text) >= 4 and text in name)))


def _speaks_for(claim: ReadClaim, states: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return the states in whose name a claim is made; for its own voice in none."""
    found: set[str] = set()
    for speaker in claim.speakers:
        if speaker != ARTICLE:
            found |= states.get(speaker.casefold(), frozenset()) | ({_state(speaker)} - {""})
    if claim.kind in {"charge", "sanction"}:
        found |= {_state(claim.subject.text)} - {""}
    return frozenset(found)


def _last(denial: ReadClaim, claims: Sequence[ReadClaim], states: dict[str, frozenset[str]]) -> list[ReadClaim]:
    side = _sides(denial.subject.text, states)
    before = [
        c
        for c in claims
        if c.end <= denial.start
        and denial.start - c.end <= _NEAR
        and _is_accusation(c)
        and not side & _speaks_for(c, states)
        and not any(side.isdisjoint({s}) for s in _behind(c, states))
    ]
    return [c for c in before if c.start == before[-1].start] if before else []


def _sharing(denial: ReadClaim, accused: Sequence[ReadClaim]) -> list[tuple[ReadClaim, str]]:
    """Return what the denial repeats in words of its own: `denied stealing the blueprints`."""
    own = _content(denial.object.text) - _content(denial.subject.text)
    found = []
    for claim in accused:
        common = own & _content(f"{claim.object.text} {claim.quote}")
        if common:
            found.append((claim, f"both speak of {', '.join(sorted(common))}", len(common)))
    most = max((n for _, _, n in found), default=0)
    return [(claim, why) for claim, why, n in found if n == most]


def _content(text: str) -> frozenset[str]:
    words = {sorts.singular(w.casefold().removesuffix("’s").removesuffix("'s")) for w in _WORD.findall(text)}
    return frozenset(w for w in words if w not in _EMPTY and w not in sorts.COUNTRIES)


def _contradictions(claims: Sequence[ReadClaim]) -> Iterable[tuple[ReadClaim, ReadClaim]]:
    """Yield pairs of which one says what the other says is not so, where two different speakers say it."""
    by_kind: defaultdict[str, list[ReadClaim]] = defaultdict(list)
    for claim in claims:
        if claim.kind != "denial":
            by_kind[claim.kind].append(claim)
    for same in by_kind.values():
        negated = [c for c in same if c.polarity == "negated"]
        for one in same if negated else ():
            for other in negated:
                if one.polarity == "affirmed" and one.speakers != other.speakers and _is_same(one, other):
                    yield one, other


def _is_same(one: ReadClaim, other: ReadClaim) -> bool:
    if one.subject.text.casefold() != other.subject.text.casefold():
        return False
    mine, theirs = _content(one.object.text), _content(other.object.text)
    return one.object.text.casefold() == other.object.text.casefold() or (
        bool(mine & theirs) and (mine <= theirs or theirs <= mine)
    )
