"""Claims of a chat: message by message, each said by who sent it, with times that count from when it was sent.

A message is read alone. What `it` or `the group` refers to in a message before is not guessed: in a chat of many people
it would be wrong too often.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stillhunt.reading.claims import Known, Mention, claims_in
from stillhunt.reading.document import Document, Message
from stillhunt.reading.draft import ARTICLE, Hedge, ReadClaim, Slot
from stillhunt.reading.extract.indicators import indicator_claims
from stillhunt.reading.extract.techniques import technique_claims
from stillhunt.reading.frames import Setting
from stillhunt.reading.times import dates_in

__all__ = ["UNNAMED", "claims_of_chat", "said_in_chat"]

UNNAMED = "unnamed sender"
"""The speaker of a message that does not say who sent it."""

_FEWEST_WORDS = 3
"""A claim needs a subject, a verb and an object."""


def claims_of_chat(document: Document, mentions: Iterable[Mention] = ()) -> tuple[ReadClaim, ...]:
    """Return the claims of a stretch of a chat, in order of place.

    Args:
        document: With its messages.
        mentions: Names in its text, in order of place.
    """
    waiting = sorted(mentions, key=lambda m: m.start)
    found: list[ReadClaim] = []
    at = 0
    for message in document.messages:
        while at < len(waiting) and waiting[at].start < message.start:
            at += 1
        behind = at
        while behind < len(waiting) and waiting[behind].end <= message.end:
            behind += 1
        found += _claims_of(document, message, waiting[at:behind])
    found += _facts(document, waiting)
    return tuple(sorted(found, key=lambda c: (c.start, c.end, c.kind, c.id)))


def _facts(document: Document, mentions: Sequence[Mention]) -> Iterator[ReadClaim]:
    """Yield indicators, and techniques that are named: what a chat only seems to describe is small talk too often."""
    spans = [(m.start, m.end) for m in document.messages]
    for claim in (
        *indicator_claims(document.text),
        *technique_claims(document.text, mentions, described=False),
    ):
        k = bisect_right(spans, (claim.start, len(document.text))) - 1
        if k >= 0 and claim.end <= spans[k][1]:
            message = document.messages[k]
            said = said_in_chat(claim, document)
            sent = (("sent", message.sent),) if message.sent else ()
            yield replace(said, qualifiers=(*said.qualifiers, *sent))


def said_in_chat(claim: ReadClaim, document: Document) -> ReadClaim:
    """Return a claim of a chat with the sender of the message in its chain; one of another document as it is."""
    k = bisect_right(document.messages, claim.start, key=lambda m: m.start) - 1
    if k < 0 or claim.start >= document.messages[k].end:
        return claim
    sender = document.messages[k].sender or UNNAMED
    return replace(claim, speakers=tuple(dict.fromkeys((ARTICLE, sender, *claim.speakers))))


def _claims_of(document: Document, message: Message, mentions: list[Mention]) -> list[ReadClaim]:
    words = document.text[message.start : message.end]
    if len(words.split(None, _FEWEST_WORDS)) < _FEWEST_WORDS:
        return []
    spans = [(m.kind, m.start - message.start, m.end - message.start) for m in mentions]
    known = Known(
        groups=tuple((a, b, words[a:b]) for kind, a, b in spans if kind in {"group", "campaign"}),
        software=tuple((a, b, words[a:b]) for kind, a, b in spans if kind in {"malware", "tool"}),
        people=tuple((a, b, words[a:b]) for kind, a, b in spans if kind == "person"),
        dates=tuple(dates_in(words, published=message.sent[:10])),
    )
    sender = message.sender or UNNAMED
    return [
        _placed(claim, message, sender)
        for claim in claims_in(words, known, setting=Setting(kind="chat", speaker=sender))
    ]


def _placed(claim: ReadClaim, message: Message, sender: str) -> ReadClaim:
    """Return a claim of a message with its place in the document, said by the sender."""
    by = message.start
    chain = tuple(dict.fromkeys((ARTICLE, sender, *claim.speakers)))
    return replace(
        claim,
        id=f"{claim.id}-{by:x}",
        start=claim.start + by,
        end=claim.end + by,
        subject=_slot(claim.subject, by),
        object=_slot(claim.object, by),
        hedge=_hedge(claim.hedge, by),
        speakers=chain,
        qualifiers=(*claim.qualifiers, *((("sent", message.sent),) if message.sent else ())),
    )


def _slot(slot: Slot, by: int) -> Slot:
    return slot if slot.start is None or slot.end is None else replace(slot, start=slot.start + by, end=slot.end + by)


def _hedge(hedge: Hedge, by: int) -> Hedge:
    if hedge.start is None or hedge.end is None:
        return hedge
    return replace(hedge, start=hedge.start + by, end=hedge.end + by)
