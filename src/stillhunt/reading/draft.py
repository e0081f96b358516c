"""What the grammar finds before it is checked: slots, hedges, times, and the claim that a document makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ARTICLE", "ClaimTime", "Draft", "Hedge", "Kind", "ReadClaim", "Relation", "Slot"]

Kind = Literal[
    "alias/part-of",
    "assessment",
    "attribution",
    "capability",
    "charge",
    "date/founding",
    "denial",
    "front-company",
    "incident",
    "indicator",
    "leak",
    "role",
    "sanction",
    "sponsor",
    "statement",
    "target",
    "technique",
]

ARTICLE = "article"
"""The speaker of what a document says in its own voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Who or what a claim is about.

    Attributes:
        text: Its name, with pronouns and short forms replaced by what they stand for.
        written: As written in the document; empty if it is implied.
        start: Where that is written; None if it is implied.
        end: Where it ends; likewise.
        how: ``written``; ``resolved``: a pronoun or short form was replaced; ``implied``: by the document as a whole.
    """

    text: str
    written: str = ""
    start: int | None = None
    end: int | None = None
    how: Literal["written", "resolved", "implied"] = "written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """How sure a speaker is.

    Attributes:
        phrase: The words that say so; empty if there are none.
        cls: ``asserted`` ``alleged`` ``reported`` ``possible`` ``likely`` ``unlikely`` ``almost-certain`` ``approx``
            ``mixed`` ``attempted`` or ``denied``.
        start: Where the words lie; None if there are none.
        end: Where they end; likewise.
    """

    phrase: str = ""
    cls: str = "asserted"
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTime:
    """When something was so.

    Attributes:
        text: The words that say when; empty if the time is inherited.
        start: First day, ``2021-01-01``; empty if open.
        end: Last day; empty if open.
        precision: ``day`` ``month`` ``year`` ``range`` ``duration`` or ``open``.
        inherited: Whether it comes from another sentence.
    """

    text: str
    start: str = ""
    end: str = ""
    precision: str = ""
    inherited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A claim as an extractor finds it, in tokens of its sentence.

    Attributes:
        kind: Kind of claim.
        subject: Who.
        predicate: Does what.
        object: To whom.
        first: Index of the first token of the quote.
        last: Index after the last.
        at: Index of the token that the claim hangs on; speaker, hedge and time are those that hold there.
        negated: Whether it is said not to be so.
        speaker: Who says so, where the pattern itself tells; else empty.
        hedge: How sure, where the pattern itself tells.
        time: When, where the pattern itself tells.
        score: How sure the grammar is that the text says this, 0 to 1.
        method: Name of the pattern.
        qualifiers: Further values, in order: ``count`` ...
    """

    kind: Kind
    subject: Slot
    predicate: str
    object: Slot
    first: int
    last: int
    at: int
    negated: bool = False
    speaker: str = ""
    hedge: Hedge | None = None
    time: ClaimTime | None = None
    score: float = 0.9
    method: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How a claim stands to another one of its document.

    Attributes:
        kind: ``denies`` it, is ``denied-by`` it, or ``contradicts`` it.
        to: Id of the other.
        reason: Why they are taken to be about the same.
    """

    kind: Literal["denies", "denied-by", "contradicts"]
    to: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClaim:
    """A claim that a document makes, with the words that make it.

    ``document.text[start:end] == quote``, always.

    Attributes:
        id: ``read-`` and a short hash of document, words and statement: the same document gives the same ids.
        kind: Kind of claim.
        subject: Who.
        predicate: Does what; lower case, joined by dashes.
        object: To whom, or what.
        polarity: ``affirmed``, or ``negated`` where it is said not to be so.
        time: When; None if nothing says.
        speakers: From the document to whoever says so in the end.
        hedge: How sure the last of them is.
        quote: The words.
        start: Where they begin in the document's text.
        end: Where they end.
        page: Page they begin on, from 1; None if the document has none.
        score: How sure the reader is that the words say this, 0 to 1; not how true it is.
        accepted: Whether the score reaches the threshold; a proposal for the reading queue if not.
        method: Pattern, or reader, that found it.
        reasons: What lowered the score.
        qualifiers: Further values.
        relations: How it stands to other claims of the document.
    """

    id: str
    kind: Kind
    subject: Slot
    predicate: str
    object: Slot
    polarity: Literal["affirmed", "negated"] = "affirmed"
    time: ClaimTime | None = None
    speakers: tuple[str, ...] = (ARTICLE,)
    hedge: Hedge = Hedge()
    quote: str
    start: int
    end: int
    page: int | None = None
    score: float = 0.9
    accepted: bool = True
    method: str = ""
    reasons: tuple[str, ...] = ()
    qualifiers: tuple[tuple[str, str], ...] = ()
    relations: tuple[Relation, ...] = ()

    @property
    def said_by(self) -> str:
        """Who says so in the end."""
        return self.speakers[-1]
