"""Checks quotes by machine: where they stand, whether the slots stand in them, whether hedge and negation were kept.

A verbatim quote alone does not prove a claim: the names, the numbers, the hedge and the negation of what is claimed
have to be in it too. What the grammar finds quotes itself; what another reader proposes is checked here, claim by
claim, and dropped with its reason if it fails.
"""

from __future__ import annotations

import re

from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.hedges import hedge_in

__all__ = ["has_negation", "is_verbatim", "locate", "missing_names", "missing_numbers", "unsaid"]

_SAME = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "\u00a0": " ", "\u00ad": ""}
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|neither|nor|without|n['’]t|denied|denies|declined|refused)\b|n['’]t\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")
_NAME = re.compile(r"[A-Z一-鿿][\w’'&.-]*")
_COMMON = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "and",
        "or",
        "for",
        "on",
        "at",
        "to",
        "by",
        "mr",
        "mrs",
        "ms",
        "dr",
        "its",
        "their",
        "his",
        "her",
        "this",
        "that",
    ]
)


def is_verbatim(text: str, claim: ReadClaim) -> bool:
    """Say whether the quote of a claim stands where it is said to."""
    return bool(claim.quote) and text[claim.start : claim.end] == claim.quote


def locate(text: str, quote: str) -> tuple[int, int] | None:
    """Return where a quote stands in a text, apart from the kind of quotation marks, dashes and white space.

    Args:
        text: The document's text.
        quote: Words that are said to be in it.

    Returns:
        Start and end of the words as the text has them; None if they are not there, or there more than once.
    """
    words = quote.translate(_SAME).split()
    if not words:
        return None
    plain = text.translate(_SAME) if "\u00ad" not in text else text.replace("\u00ad", "\u200b").translate(_SAME)
    found = [m.span() for m in re.finditer(r"\s+".join(re.escape(w) for w in words), plain)]
    return found[0] if len(found) == 1 else None


def missing_names(slot: str, quote: str) -> list[str]:
    """Return the names in a slot that do not stand in a quote.

    >>> missing_names("APT99 group", "the group APT31 did it")
    ['APT99']
    """
    said = quote.translate(_SAME).casefold()
    return [
        n
        for n in _NAME.findall(slot)
        if n.casefold() not in _COMMON and n.translate(_SAME).casefold().strip(".'") not in said
    ]


def missing_numbers(slot: str, quote: str) -> list[str]:
    """Return the numbers in a slot that do not stand in a quote."""
    said = set(_NUMBER.findall(quote))
    return [n for n in _NUMBER.findall(slot) if n not in said]


def has_negation(quote: str) -> bool:
    """Say whether a quote says that something is not so."""
    return _NEGATION.search(quote) is not None


def unsaid(quote: str, *, subject: str, object: str, speaker: str, negated: bool, sure: bool) -> str:  # noqa: A002  # the word of the model
    """Return why a proposed claim is not what its quote says; empty if nothing speaks against it.

    Args:
        quote: The words, as the document has them.
        subject: Who, as proposed.
        object: To whom, as proposed.
        speaker: Who says so, as proposed; empty for the document.
        negated: Whether it is proposed as not so.
        sure: Whether it is proposed without any hedge.
    """
    for name, slot in (("subject", subject), ("object", object), ("speaker", speaker)):
        absent = missing_names(slot, quote)
        if absent:
            return f"the {name} `{absent[0]}` is not in the quote"
        numbers = missing_numbers(slot, quote)
        if numbers:
            return f"the number `{numbers[0]}` is not in the quote"
    if not subject.strip() or not any(w.casefold() in quote.casefold() for w in re.findall(r"\w{3,}", subject)):
        return "the subject is not in the quote"
    if has_negation(quote) != negated:
        return "the quote has a negation that the claim has not" if not negated else "the quote has no negation"
    hedge = hedge_in(quote, 0, len(quote), skip=frozenset({"approx"}))
    if sure and hedge is not None:
        return f"the quote says `{hedge.phrase}`, the claim does not"
    return ""
