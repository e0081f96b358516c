"""ATT&CK techniques in a report: by id, by name, and by what is described.

An id or a name in the text is what the report itself says. A description is a suggestion with a probability: cues, our
own list of how reports put a technique (``data/cues.txt``), and words that ATT&CK's own descriptions and examples of
procedures use of one technique and hardly of another (log odds with a Dirichlet prior; Monroe, Colaresi and Quinn,
"Fightin' Words", Political Analysis 16, 2008). No model comes from outside: the statistics are counted from the
packages that carry ATT&CK when they are first needed.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Literal, Protocol

import ahocorasick_rs
import re2

from stillhunt.knowledge.attack import load_knowledge, technique_texts
from stillhunt.reading.draft import ReadClaim, Slot
from stillhunt.reading.passages import passages
from stillhunt.terms.technique import parent_of

__all__ = ["LEAST", "Technique", "find_techniques", "technique_claims"]

_ID = re.compile(r"(?<![A-Za-z0-9])T(1\d{3})(?:[./](\d{3}))?(?![A-Za-z0-9]|\.\d)")
_WORD = re.compile(r"[a-z][a-z0-9&./$-]*[a-z0-9]|[a-z]")
_GAP = r"(?:\W+[\w./$%-]+){0,5}?\W+"


class _Named(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A technique that a sentence of a report speaks of.

    Attributes:
        id: In ATT&CK, with its sub-technique as far as the words tell.
        name: In ATT&CK.
        start: Where the words begin: an id or a name, else the sentence.
        end: Where they end.
        how: ``id``, ``name`` or ``description``.
        probability: That the words mean this technique.
        grounds: The words by which it was recognised.
    """

    id: str
    name: str
    start: int
    end: int
    how: Literal["id", "name", "description"]
    probability: float
    grounds: str = ""


@cache
def _cues() -> tuple[Any, tuple[tuple[str, Any], ...]]:
    """Return all cues as one automaton, and each with its technique."""
    lines = resources.files("stillhunt.reading").joinpath("data/cues.txt").read_text("utf-8").splitlines()
    both = [line.split("\t") for line in lines if line and not line.startswith("#")]
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 256 << 20
    every = re2.Set.SearchSet(options)
    cues = []
    for technique, written in both:
        pattern = rf"\b(?:{written.replace(' .. ', _GAP)})"
        every.Add(pattern)
        cues.append((technique, re2.compile(pattern, options)))
    every.Compile()
    return every, tuple(cues)


@cache
def _names() -> tuple[Any, tuple[str, ...]]:
    """Return an automaton of the techniques' names in lower case, and the technique of each."""
    vague = set(resources.files("stillhunt.reading").joinpath("data/vague.txt").read_text("utf-8").splitlines())
    found: dict[str, str] = {}
    for technique in load_knowledge().techniques.values():
        low = technique.name.casefold()
        for form in {low, low.replace("-", " "), low.replace(" ", ""), low.split("/")[0]}:
            if len(form) > 7 and form not in vague and low not in vague:
                found.setdefault(form, technique.id)
    listed = sorted(found)
    automaton = ahocorasick_rs.AhoCorasick(listed, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
    return automaton, tuple(found[n] for n in listed)


def _features(text: str) -> set[str]:
    words = [_stem(w) for w in _WORD.findall(text.casefold())]
    return {w for w in words if len(w) > 2 and w not in _COMMON} | {
        f"{a} {b}" for a, b in pairwise(words) if a not in _COMMON and b not in _COMMON
    }


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COMMON = _set(
    "the and for with that has have can use used uses via from this its into been such as also are was were which "
    "when may will their they victim adversari malware group includ during other target actor attack attacker "
    "infect "
)


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "er", "ers"):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            return word[: -len(ending)]
    return word


@cache
def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Return the techniques that each word or pair of words speaks for, with weights.

    The weight is the z-score of the log odds of a word in sentences on the technique against all others, with all
    sentences as the prior; weak ones are left out.
    """
    seen: Counter[str] = Counter()
    by_technique: dict[str, Counter[str]] = {}
    for technique, text in technique_texts():
        counts = by_technique.setdefault(parent_of(technique), Counter())
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            found = _features(sentence)
            counts.update(found)
            seen.update(found)
    total = seen.total()
    weights: dict[str, list[tuple[str, float]]] = {}
    for technique in sorted(by_technique):
        counts = by_technique[technique]
        size = counts.total()
        for word, n in counts.items():
            if n < _SEEN:
                continue
            prior = seen[word] / total * _PRIOR
            mine = (n + prior) / (size + _PRIOR - n - prior)
            rest = (seen[word] - n + prior) / (total - size + _PRIOR - seen[word] + n - prior)
            z = math.log(mine / rest) / math.sqrt(1 / (n + prior) + 1 / (seen[word] - n + prior))
            if z > _STRONG:
                weights.setdefault(word, []).append((technique, z))
    return {word: tuple(found) for word, found in weights.items()}


_SEEN = 3
_PRIOR = 2000.0
_STRONG = 2.5


def _statistics(sentence: str) -> dict[str, float]:
    """Return how strongly the words of a sentence speak for techniques: the sum of the three strongest weights."""
    weights = _weights()
    strong: dict[str, list[float]] = {}
    for feature in _features(sentence):
        for technique, z in weights.get(feature, ()):
            strong.setdefault(technique, []).append(z)
    return {t: sum(sorted(zs, reverse=True)[:3]) for t, zs in strong.items()}


@dataclass(slots=True)
class _Evidence:
    """What a report says for one technique, over all its sentences."""

    sentences: int = 0  # with a cue
    strong: int = 0  # whose words alone speak for it
    strength: float = 0.0
    technique: str = ""
    place: tuple[int, int] = (0, 0)
    grounds: str = ""
    best: tuple[bool, bool, float] = (False, False, 0.0)


def find_techniques(text: str, *, described: bool = True) -> list[Technique]:
    """Return the techniques that a report speaks of, each once, in order of place.

    What it names by id or name comes with the words themselves; what it describes, with the sentence that says so most
    clearly, and a probability that counts all sentences.

    Args:
        text: The report.
        described: Whether to suggest what is described; only what is named counts otherwise.
    """
    named: dict[str, Technique] = {}
    told: dict[str, _Evidence] = {}
    for passage in passages(text):
        for technique in _written(text, passage.start, passage.end):
            known = named.get(technique.id)
            if known is None or known.probability < technique.probability:
                named[technique.id] = technique
        if described:
            _weigh(text, passage.start, passage.end, told)
    had = {parent_of(t) for t in named}
    out = [*named.values(), *(_described(parent, told[parent]) for parent in sorted(told.keys() - had))]
    return sorted((t for t in out if t.probability >= LEAST), key=lambda t: (t.start, t.end, t.id))


def _weigh(text: str, start: int, end: int, told: dict[str, _Evidence]) -> None:
    """Add what a sentence says to the evidence for techniques."""
    sentence = text[start:end]
    if sum(c.isalpha() for c in sentence) < _SHORTEST:
        return
    known = load_knowledge().techniques
    strength = _statistics(sentence)
    every, cues = _cues()
    cued: dict[str, list[int]] = {}
    for number in sorted(every.Match(sentence) or ()):  # None where nothing matches
        cued.setdefault(parent_of(cues[number][0]), []).append(number)
    for parent in cued.keys() | strength.keys():
        if parent not in known:
            continue
        evidence = told.setdefault(parent, _Evidence())
        z = strength.get(parent, 0.0)
        evidence.sentences += parent in cued
        evidence.strong += z > _CLEAR
        evidence.strength = max(evidence.strength, z)
        # the narrowest technique that a cue names
        number = max(cued[parent], key=lambda n: ("." in cues[n][0], -n)) if parent in cued else None
        technique = cues[number][0] if number is not None and cues[number][0] in known else parent
        rank = (number is not None, technique != parent, z)
        if not evidence.technique or rank > evidence.best:
            found = cues[number][1].search(sentence) if number is not None else None
            evidence.technique, evidence.place, evidence.best = technique, (start, end), rank
            evidence.grounds = found.group() if found else ""


_SHORTEST = 12
_CLEAR = 20.0
_MOST = 60.0
LEAST = 0.25
"""Probability from which on a described technique is suggested; the best cut on AnnoCTR's training reports."""

_BIAS, _CUED, _MORE, _STRENGTH, _OFTEN = -4.7, 2.29, 0.553, 0.0383, 0.185
"""A logistic curve fitted to AnnoCTR's training reports: a cue, further ones, strength, clear sentences."""


def _described(parent: str, evidence: _Evidence) -> Technique:
    z = (
        _BIAS
        + _CUED * (evidence.sentences > 0)
        + _MORE * math.log1p(max(0, evidence.sentences - 1))
        + _STRENGTH * min(evidence.strength, _MOST)
        + _OFTEN * math.log1p(evidence.strong)
    )
    return Technique(
        id=evidence.technique or parent,
        name=load_knowledge().techniques[evidence.technique or parent].name,
        start=evidence.place[0],
        end=evidence.place[1],
        how="description",
        probability=round(1 / (1 + math.exp(-z)), 3),
        grounds=evidence.grounds,
    )


def _written(text: str, start: int, end: int) -> Iterator[Technique]:
    """Yield what a sentence names by id or name."""
    knowledge = load_knowledge()
    had: set[str] = set()
    for match in _ID.finditer(text, start, end):
        written = f"T{match[1]}" + (f".{match[2]}" if match[2] else "")
        current = knowledge.successors.get(written, written)
        if current in knowledge.techniques and current not in had:
            had.add(current)
            yield Technique(
                id=current,
                name=knowledge.techniques[current].name,
                start=match.start(),
                end=match.end(),
                how="id",
                probability=0.98,
                grounds=match.group(),
            )
    automaton, techniques = _names()
    low = text[start:end].lower()
    if len(low) != end - start:
        return
    for number, a, b in automaton.find_matches_as_indexes(low):
        whole = not low[a - 1 : a].isalnum() and not low[b : b + 1].isalnum()
        technique = techniques[number]
        if whole and technique not in had:
            had.add(technique)
            yield Technique(
                id=technique,
                name=knowledge.techniques[technique].name,
                start=start + a,
                end=start + b,
                how="name",
                probability=0.85,
                grounds=text[start + a : start + b],
            )


def technique_claims(
    text: str, mentions: Iterable[_Named] = (), *, principal: str = "", described: bool = True
) -> list[ReadClaim]:
    """Return a claim for each technique of a text: that somebody uses it.

    Who does is the group, else the malware or tool, named in the same sentence; else whom the whole report is about.

    Args:
        text: The report.
        mentions: Names in it.
        principal: Whom it is about; empty if nobody stands out.
        described: Whether to suggest what is described, and not named.
    """
    users = [m for m in mentions if m.kind in _USERS]
    return [_claim(text, found, users, principal) for found in find_techniques(text, described=described)]


_USERS = ("group", "campaign", "malware", "tool")
_SOMEBODY = "the intruders"
_ACCEPT = 0.8
"""As in :mod:`stillhunt.reading.claims`."""


def _claim(text: str, found: Technique, users: Sequence[_Named], principal: str) -> ReadClaim:
    quote = text[found.start : found.end]
    content = "\x1f".join((str(found.start), quote, "technique", found.id))
    score = found.probability
    if found.how == "description":
        score = min(score, _SUGGESTED)  # a suggestion, never a fact, unless the text names it
    reasons = {"id": (), "name": (), "description": (f"described: {found.grounds or 'by its words'}",)}[found.how]
    return ReadClaim(
        id=f"read-{hashlib.sha256(content.encode()).hexdigest()[:16]}",
        kind="technique",
        subject=_user(found, users, text, principal),
        predicate="uses-technique",
        object=Slot(text=f"{found.id} {found.name}", how="implied"),
        quote=quote,
        start=found.start,
        end=found.end,
        score=score,
        accepted=score >= _ACCEPT,
        method=f"technique:{found.how}",
        reasons=reasons,
    )


_SUGGESTED = 0.79


def _user(found: Technique, users: Sequence[_Named], text: str, principal: str) -> Slot:
    near = [m for m in users if found.start <= m.start and m.end <= found.end]
    if near:
        best = min(near, key=lambda m: (_USERS.index(m.kind), m.start))
        written = text[best.start : best.end]
        return Slot(text=written, written=written, start=best.start, end=best.end)
    return Slot(text=principal or _SOMEBODY, how="implied")
