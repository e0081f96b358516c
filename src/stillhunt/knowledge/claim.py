"""The three nouns of knowledge: a source, an entity, and a claim that a source makes about an entity.

Everything else is a view over claims: names, sponsors, sanctions, that two entities are one, that they are not.
An entity is a bare anchor, its id says its type. Ids of sources and claims are made of their content, so the
same statement read twice is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

import msgspec

from stillhunt.errors import ClaimError
from stillhunt.terms.marking import Tlp

__all__ = [
    "NAMESPACE",
    "Claim",
    "Claims",
    "Confidence",
    "Likelihood",
    "Polarity",
    "Source",
    "claim_of",
    "entity_id",
    "is_date",
    "source_of",
    "type_of",
]

NAMESPACE = UUID("83fe2a92-cf0c-5d8f-aecc-62d1706b7838")
"""Under which the ids of sources, claims and named entities are made (UUIDv5)."""

Polarity = Literal["asserts", "denies"]
Confidence = Literal["low", "moderate", "high"]

_ENTITY_ID = re.compile(r"^([a-z][a-z0-9-]*)--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_PREDICATE = re.compile(r"^[a-z][a-z0-9-]*$")
_DATE = re.compile(r"^\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:[.]\d{1,6})?Z)?)?)?$", re.ASCII)
_TYPES = frozenset(
    {
        *("attack-pattern", "campaign", "course-of-action", "identity", "incident", "indicator", "infrastructure"),
        *("intrusion-set", "location", "malware", "malware-analysis", "observed-data", "threat-actor", "tool"),
        "vulnerability",
    }
)
"""STIX 2.1 domain objects that claims may speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely a speaker calls something, in the speaker's own words.

    Attributes:
        term: The word used, such as ``likely``.
        scale: The scale it belongs to: ``phia``, ``icd203``, ``stix`` or another's name.
        low: Lower bound on that scale, 0 to 1; None where the scale gives none.
        high: Upper bound, likewise.
    """

    term: str
    scale: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that was read: a document, or a record set such as a catalogue or a sanctions list.

    Attributes:
        id: ``source--`` and a UUIDv5 of the rest.
        kind: ``catalogue``, ``report``, ``sanctions-list``, ``indictment``, ``press``, ``analyst``, ``bundle`` ...
        title: Its title, or the name by which others cite it.
        publisher: Who published it, as written; empty if unknown.
        published: When, as far as known: ``2024``, ``2024-03``, ``2024-03-25``, or an instant; else empty.
        url: Its address. Never fetched.
        sha256: Of the file it was read from; empty if it was not read as a file.
        lang: Language, as a BCP 47 tag; empty if unknown.
        tlp: How far it may travel; no claim of it travels farther.
        reliability: ``A`` to ``F`` of the Admiralty scale; empty if not judged.
        text: The text in which quotes lie, where it is held; else empty.
    """

    id: str
    kind: str
    title: str
    publisher: str = ""
    published: str = ""
    url: str = ""
    sha256: str = ""
    lang: str = ""
    tlp: Tlp = Tlp.CLEAR
    reliability: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """That somebody says something about an entity, where, and in which words.

    Attributes:
        id: ``claim--`` and a UUIDv5 of the statement: of all that follows but ``method``, ``recorded`` and
            ``retracted``.
        subject: Entity it is about.
        predicate: What is said: ``name``, ``uses``, ``attributed-to``, ``same-as`` ...
        object: Entity it leads to; empty where ``value`` is said instead.
        value: Literal that is said; empty where ``object`` is.
        polarity: ``denies`` where the speaker says that it is not so.
        speaker: Entity that says it.
        source: Where it is said.
        quote: The words, or the record, that say it. Never empty.
        start: Where the quote begins in the source's text; None where no text is held.
        end: Where it ends, likewise.
        likelihood: How likely the speaker calls it.
        confidence: The speaker's analytic confidence, which is not likelihood; empty if not given.
        credibility: ``1`` to ``6`` of the Admiralty scale; None if not judged.
        valid_from: Since when it is so, to the precision it is written in; empty if not said.
        valid_until: Until when, likewise.
        tlp: How far it may travel, if not as far as its source.
        method: How it came here: ``human``, ``import:attack`` ...
        recorded: When this base took it in; empty until then.
        retracted: When it was taken back; empty while it stands.
    """

    id: str
    subject: str
    predicate: str
    object: str = ""
    value: str = ""
    polarity: Polarity = "asserts"
    speaker: str
    source: str
    quote: str
    start: int | None = None
    end: int | None = None
    likelihood: Likelihood | None = None
    confidence: Confidence | Literal[""] = ""
    credibility: int | None = None
    valid_from: str = ""
    valid_until: str = ""
    tlp: Tlp = Tlp.CLEAR
    method: str = "human"
    recorded: str = ""
    retracted: str = ""

    @property
    def is_denial(self) -> bool:
        """Whether the speaker says that it is not so."""
        return self.polarity == "denies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Claims and the sources that they rest on: what importers read and exporters write.

    Attributes:
        sources: By id; every claim's source is among them.
        claims: By id, in the order in which they were made.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.claims)

    def entities(self) -> list[str]:
        """Return every entity that is mentioned, sorted."""
        mentioned = {e for c in self.claims.values() for e in (c.subject, c.object, c.speaker)}
        return sorted(mentioned - {""})

    def update(self, others: Iterable[Claims]) -> None:
        """Take in others; of one statement made twice, the first stays."""
        for other in others:
            for source in other.sources.values():
                self.sources.setdefault(source.id, source)
            for claim in other.claims.values():
                self.claims.setdefault(claim.id, claim)


def type_of(entity: str) -> str:
    """Return the STIX type of an entity, which its id begins with.

    >>> type_of("intrusion-set--4283ae19-69c7-4347-a35e-b56f08eb660b")
    'intrusion-set'
    """
    return entity.rpartition("--")[0]


def entity_id(kind: str, key: str) -> str:
    """Return the id of an entity that has none of its own, from what tells it apart.

    >>> entity_id("location", "country:CN") == entity_id("location", "country:CN")
    True
    """
    return f"{kind}--{uuid5(NAMESPACE, f'{kind}:{key}')}"


def source_of(
    *,
    kind: str,
    title: str,
    publisher: str = "",
    published: str = "",
    url: str = "",
    sha256: str = "",
    lang: str = "",
    tlp: Tlp = Tlp.CLEAR,
    reliability: str = "",
    text: str = "",
) -> Source:
    """Make a source; its id follows from what it is. Arguments are those of :class:`Source`.

    Raises:
        ClaimError: It has no title, a date is none, or the reliability is not on the scale.
    """
    if not title:
        raise ClaimError("a source has no title", where=url or kind, hint="name the document or list")
    _check_date(published, title)
    if reliability not in {"", *"ABCDEF"}:
        raise ClaimError(f"`{reliability}` is no reliability", where=title, hint="A to F, or nothing")
    content = [kind, title, publisher, published, url, sha256, lang, int(tlp), reliability, text]
    return Source(
        id=_id("source", content),
        kind=kind,
        title=title,
        publisher=publisher,
        published=published,
        url=url,
        sha256=sha256,
        lang=lang,
        tlp=tlp,
        reliability=reliability,
        text=text,
    )


def claim_of(
    *,
    subject: str,
    predicate: str,
    speaker: str,
    source: Source,
    quote: str,
    object: str = "",  # noqa: A002  # the word of the model
    value: str = "",
    polarity: Polarity = "asserts",
    start: int | None = None,
    likelihood: Likelihood | None = None,
    confidence: Confidence | Literal[""] = "",
    credibility: int | None = None,
    valid_from: str = "",
    valid_until: str = "",
    tlp: Tlp = Tlp.CLEAR,
    method: str = "human",
    recorded: str = "",
) -> Claim:
    """Make a claim; its id follows from what it says. Arguments are those of :class:`Claim`.

    Raises:
        ClaimError: It has no quote, the quote does not lie where it is said to, it leads nowhere or to two ends,
            or a column holds what it cannot.
    """
    where = f"{source.title}: {subject} {predicate}"
    _check_ends((subject, speaker, object or subject), where)
    if not _PREDICATE.match(predicate):
        raise ClaimError(f"`{predicate}` is no predicate", where=where, hint="lower case, words joined by dashes")
    if bool(object) == bool(value):
        raise ClaimError("a claim leads to an entity or to a value, to one of them", where=where, hint="give one")
    end = _end_of(quote, start, source, where)
    _check_date(valid_from, where)
    _check_date(valid_until, where)
    if credibility is not None and not 1 <= credibility <= 6:
        raise ClaimError(f"`{credibility}` is no credibility", where=where, hint="1 to 6, or nothing")
    words = None if likelihood is None else [likelihood.term, likelihood.scale, likelihood.low, likelihood.high]
    content = [
        *(subject, predicate, object, value, polarity, speaker, source.id, quote, start, words),
        *(confidence, credibility, valid_from, valid_until, int(tlp)),
    ]
    return Claim(
        id=_id("claim", content),
        subject=subject,
        predicate=predicate,
        object=object,
        value=value,
        polarity=polarity,
        speaker=speaker,
        source=source.id,
        quote=quote,
        start=start,
        end=end,
        likelihood=likelihood,
        confidence=confidence,
        credibility=credibility,
        valid_from=valid_from,
        valid_until=valid_until,
        tlp=tlp,
        method=method,
        recorded=recorded,
    )


def _id(kind: str, content: Sequence[object]) -> str:
    return f"{kind}--{uuid5(NAMESPACE, msgspec.json.encode(content).decode())}"


def _check_ends(entities: Iterable[str], where: str) -> None:
    for entity in entities:
        if not _ENTITY_ID.match(entity) or type_of(entity) not in _TYPES:
            raise ClaimError(f"`{entity}` is no entity", where=where, hint="an id is `type--uuid` with a type of STIX")


def _end_of(quote: str, start: int | None, source: Source, where: str) -> int | None:
    if not quote.strip():
        raise ClaimError("a claim has no quote", where=where, hint="give the words or the record that say it")
    if start is None:
        return None
    end = start + len(quote)
    if source.text[start:end] != quote:
        raise ClaimError(f"the text at {start} is not the quote", where=where, hint="quote the text as it is")
    return end


def is_date(text: str) -> bool:
    """Say whether a text is a date as claims write it: a year, a month, a day, or an instant in UTC.

    >>> is_date("2024-03"), is_date("2024-02-30")
    (True, False)
    """
    if not _DATE.match(text):
        return False
    whole = text + "2000-01-01"[len(text) :] if len(text) < 10 else text
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return False
    return True


def _check_date(date: str, where: str) -> None:
    if date and not is_date(date):
        raise ClaimError(f"`{date}` is no date", where=where, hint="write 2024, 2024-03, 2024-03-25 or an instant")
