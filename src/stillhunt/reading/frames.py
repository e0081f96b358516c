"""Who acts on whom: the subject and objects of a verb, turned round where it is passive, owners behind campaigns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Kind, Slot
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items
from stillhunt.reading.scene import Scene, squeeze

__all__ = [
    "ADVERSE_AGENCY",
    "Frame",
    "Setting",
    "agent_slot",
    "agents_of",
    "draft",
    "frame_of",
    "implied",
    "is_hostile",
    "named_places",
    "quote_end",
]

ADVERSE_AGENCY = re.compile(
    r"\b(?:Federal Security Service|FSB|GRU|Main Intelligence Directorate|Main Directorate|SVR|"
    r"Foreign Intelligence Service|MSS|"
    r"Ministry of State Security|State Security (?:Bureau|Department)|MOIS|Ministry of Intelligence|IRGC|"
    r"Revolutionary Guard|"
    r"Reconnaissance General Bureau|RGB|People[’']s Liberation Army|PLA|KGB|Ministry of Public Security|"
    r"Unit \d{5}|Bureau 121)\b"
)
"""Services that public reports name behind intrusions."""

_AVOIDING = frozenset({"avoid", "prevent", "stop", "detect", "refrain", "cease", "deny", "hinder"})
_CONTINENTS = frozenset(
    {"europe", "asia", "africa", "north america", "latin america", "the middle east", "middle east"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the document as a whole says about its sentences.

    Attributes:
        kind: ``press`` ``release`` ``indictment`` ``advisory`` ``sanctions`` ``statement`` ``vendor`` ``report``.
        speaker: Who speaks where nobody else does.
        alleged: Whether what it says in its own voice is only alleged, as in an indictment.
        country: Country whose authorities speak; empty if unknown.
        principal: The group or actor that the whole document is about; empty if there are several or none.
        suspects: Names of persons that the document accuses, in lower case.
    """

    kind: str = "report"
    speaker: str = "article"
    alleged: bool = False
    country: str = ""
    principal: str = ""
    suspects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A verb with who does it and whom it befalls.

    Attributes:
        clause: The verb.
        agents: Who does it, resolved.
        patients: Whom it befalls.
        hostile: Whether the agents are, or may be, intruders.
        first: Index of the first token of agents, verb and patients.
        last: Index after the last.
    """

    clause: Clause
    agents: tuple[Slot, ...]
    patients: tuple[Phrase, ...]
    hostile: bool
    first: int
    last: int


def frame_of(scene: Scene, clause: Clause, setting: Setting, *, over: Sequence[str] = ()) -> Frame:
    """Return the frame of a verb.

    Args:
        scene: The sentence.
        clause: The verb.
        setting: The document.
        over: Prepositions behind which the object stands: `break into`, `spy on`.
    """
    if clause.passive:
        by = scene.after(clause, "by")
        agents = agents_of(scene, by, setting)
        patients = clause.subjects
        last = max((p.last for p in by), default=clause.after)
        hostile = any(is_hostile(scene, p, setting) for p in by) or not by
        first = min((p.first for p in patients), default=clause.first)
        return Frame(
            clause=clause,
            agents=agents,
            patients=tuple(patients),
            hostile=hostile,
            first=min(first, clause.first),
            last=last,
        )
    agents = agents_of(scene, clause.subjects, setting)
    avoided = bool(set(clause.chain) & _AVOIDING)
    found: list[Phrase] = scene.after(clause, *over) if over else scene.objects(clause)[0]
    hostile = any(is_hostile(scene, p, setting) for p in clause.subjects) and not avoided
    if not clause.subjects and setting.principal:
        hostile = True
        agents = (implied(setting.principal),)
    near = [p for p in clause.subjects if p.first >= 0]
    first = min((p.first for p in near), default=clause.first)
    last = max((p.last for p in found), default=clause.after)
    return Frame(
        clause=clause,
        agents=agents,
        patients=tuple(found),
        hostile=hostile,
        first=min(first, clause.first),
        last=max(last, clause.after),
    )


def implied(name: str) -> Slot:
    """Return a slot that no words of the sentence fill."""
    return Slot(text=name, how="implied")


def agents_of(scene: Scene, phrases: Sequence[Phrase], setting: Setting) -> tuple[Slot, ...]:
    """Return who stands behind the subject of a hostile verb; behind a campaign, whoever wages it."""
    return tuple(agent_slot(scene, p, setting) for p in phrases)


def agent_slot(scene: Scene, phrase: Phrase, setting: Setting) -> Slot:
    """Return one subject of a hostile verb as a slot."""
    kinds = scene.sorts(phrase)
    copula = next(
        (
            c
            for c in scene.clauses
            if c.base == "be"
            and c.subjects
            and c.after <= phrase.first <= c.after + 1
            and scene.toks[c.subjects[0].head].tag == "PN"
        ),
        None,
    )
    if copula is not None:
        return scene.slot(copula.subjects[0], actor=True)
    slot = scene.slot(phrase, actor=True)
    if ("attack" in kinds and not {"group", "actor"} & kinds) or (
        "attack" in kinds and scene.head(phrase) in sorts.ATTACKS
    ):
        owner = _owner_of(scene, phrase, setting)
        if owner:
            return Slot(text=owner, written=slot.written, start=slot.start, end=slot.end, how="resolved")
    if (
        setting.principal
        and scene.head(phrase) in {"conspiracy", "conspirator", "co-conspirator", "defendant"}
        and setting.principal not in slot.text
    ):
        return Slot(
            text=f"{slot.text} ({setting.principal})",
            written=slot.written,
            start=slot.start,
            end=slot.end,
            how="resolved",
        )
    return slot


def _owner_of(scene: Scene, phrase: Phrase, setting: Setting) -> str:
    """Return whose campaign a phrase names: by genitive, by a name in front, by a verb that governs it, by context."""
    toks = scene.toks
    for i in range(phrase.first, phrase.head):
        if toks[i].tag == "GEN":
            return scene.slot(Phrase(phrase.first, i, i - 1), actor=True).text
        if toks[i].tag == "POSS" and toks[i].low in {"its", "their"}:
            return scene.memory.last("group", toks[i].start) or scene.memory.last("actor", toks[i].start)
    group = scene.group_in(phrase)
    if group:
        return group
    for clause in scene.clauses:
        if (
            clause.shape == "finite"
            and clause.after <= phrase.first
            and not clause.passive
            and clause.subjects
            and scene.limit(clause) >= phrase.first
        ):
            subject = clause.subjects[-1]
            if (
                subject.first != phrase.first
                and is_hostile(scene, subject, setting)
                and "attack" not in scene.sorts(subject)
            ):
                return scene.slot(subject, actor=True).text
    country = sorts.country_of(scene.words(phrase))
    if country in sorts.ADVERSE_NATIONS:
        return scene.plain(phrase)
    at = toks[phrase.first].start
    agent = scene.memory.last("agent", at, after=scene.paragraph_start - 1)
    return agent or setting.principal or scene.memory.last("group", at, after=scene.paragraph_start - 1)


def is_hostile(scene: Scene, phrase: Phrase, setting: Setting) -> bool:
    """Say whether a phrase names an intruder, or what may be one."""
    kinds = scene.sorts(phrase)
    words = scene.words(phrase)
    if {"group", "actor"} & kinds and scene.head(phrase) not in sorts.SAFE_HEADS:
        return True
    if "person" in kinds:
        name = scene.slot(phrase).text.casefold()
        return setting.kind in {"indictment", "sanctions"} or any(
            name == s or name in s or s in name for s in setting.suspects
        )
    if "defender" in kinds or "paper" in kinds:
        return False
    if "malicious" in words.casefold().split():
        return True
    if "malware" in kinds or "attack" in kinds:
        return True
    if "pronoun" in kinds:
        at = scene.toks[phrase.first].start
        if scene.toks[phrase.head].low in {"i", "we", "you", "us"}:
            return False
        return bool(scene.memory.last("group", at) or scene.memory.last("actor", at))
    if "safe" in kinds and sorts.country_of(words) not in sorts.ADVERSE_NATIONS:
        return False
    if ADVERSE_AGENCY.search(words) or "front" in scene.lows(phrase.first, phrase.last):
        return True
    head = scene.head(phrase)
    if head in {
        "regime",
        "officer",
        "intelligence",
        "service",
        "military",
        "army",
        "unit",
        "spy",
        "company",
        "front",
        "contractor",
        "individual",
        "man",
        "men",
        "other",
        "national",
        "firm",
        "government",
        "gru",
        "mss",
        "svr",
        "fsb",
        "irgc",
        "pla",
        "employee",
        "citizen",
        "infrastructure",
    }:
        return (
            sorts.country_of(words) in sorts.ADVERSE_NATIONS
            or bool({"gru", "mss", "svr", "fsb", "irgc", "pla"} & {w.casefold() for w in words.split()})
            or setting.kind in {"indictment", "sanctions"}
            or (scene.low(phrase.first) in {"these", "the"} and setting.principal != "")
        )
    return "country" in kinds and sorts.country_of(words) in sorts.ADVERSE_NATIONS


def draft(
    scene: Scene,
    kind: Kind,
    subject: Slot,
    predicate: str,
    obj: Slot | str,
    *,
    first: int,
    last: int,
    at: int,
    negated: bool = False,
    score: float = 0.9,
    method: str,
    speaker: str = "",
    qualifiers: tuple[tuple[str, str], ...] = (),
) -> Draft:
    """Return a draft; an object given as words is implied."""
    toks = scene.toks
    while (
        last < len(toks)
        and toks[last].text in {"”", "’", ")"}
        and sum(t.text in {"“", "("} for t in toks[first:last]) > sum(t.text in {"”", ")"} for t in toks[first:last])
    ):
        last += 1
    return Draft(
        kind=kind,
        subject=subject,
        predicate=predicate,
        object=obj if isinstance(obj, Slot) else implied(squeeze(obj)),
        first=max(first, 0),
        last=min(last, len(toks)),
        at=at,
        negated=negated,
        score=score,
        method=method,
        speaker=speaker,
        qualifiers=qualifiers,
    )


def named_places(scene: Scene, start: int, stop: int) -> list[Phrase]:
    """Return the places that stand in a list behind `in`, `across`, `throughout`, `including in`."""
    toks = scene.toks
    found: list[Phrase] = []
    i = start
    while i < stop:
        if toks[i].low in {
            "in",
            "across",
            "throughout",
            "around",
            "from",
            "and",
            "including",
            "spanning",
            "within",
        } and toks[i].tag in {"PREP", "CC"}:
            j = i + 1
            while (
                scene.low(j)
                in {"in", "the", "including", "countries", "such", "as", "at", "least", "multiple", "several"}
                and j < stop
                and scene.low(j) != "the"
            ):
                j += 1
            listed, after = items(toks, j)
            spread = toks[i].low in {"across", "throughout"}
            places = [p for p in listed if _is_place(scene, p) or (spread and _may_be_place(scene, p))]
            if places and len(places) * 2 >= len(listed):
                found += [p for p in places if all(p.first != q.first for q in found)]
                i = after
                continue
        i += 1
    return found


def _may_be_place(scene: Scene, phrase: Phrase) -> bool:
    """Say whether a name behind `across` or `throughout` is likely a place that no table here has."""
    return scene.toks[phrase.head].tag == "PN" and not {"group", "malware", "company", "system"} & scene.sorts(phrase)


def _is_place(scene: Scene, phrase: Phrase) -> bool:
    words = scene.words(phrase)
    plain = scene.plain(phrase).casefold()
    return (
        "country" in scene.sorts(phrase)
        or plain in sorts.COUNTRIES
        or plain in _CONTINENTS
        or (
            bool(sorts.country_of(words))
            and scene.head(phrase)
            in {"area", "region", "sea", "asia", "europe", "america", "east", "state", "kingdom", "korea", "emirate"}
            and len(words.split()) <= 6
        )
    )


def quote_end(scene: Scene, clause: Clause) -> int:
    """Return where the quote of a clause ends at the latest."""
    return min(scene.limit(clause), len(scene.toks))
