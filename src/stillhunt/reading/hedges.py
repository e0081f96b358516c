"""How sure a speaker is: estimative words, allegation, hearsay, possibility, and the words that soften numbers."""

from __future__ import annotations

import re

from stillhunt.knowledge.claim import Likelihood
from stillhunt.reading.draft import Hedge
from stillhunt.terms.likelihood import YARDSTICK, YARDSTICK_SYNONYMS

__all__ = ["hedge_in", "likelihood_of", "strongest"]

_CLASSES: tuple[tuple[str, str], ...] = (
    ("mixed", r"confirmed and potential|confirmed and suspected|actual and attempted|attempted and successful"),
    (
        "almost-certain",
        (
            r"almost certain(?:ly)?|near(?:ly)? certain(?:ly)?|virtually certain|undoubtedly|beyond doubt|certainly|"
            r"overwhelmingly likely"
        ),
    ),
    (
        "unlikely",
        (
            r"(?:highly |very )?unlikely|improbabl[ey]|remote chance|doubtful|not even sure|(?:do|does|"
            r"did) ?n[o’']t (?:think|believe)|not sure"
        ),
    ),
    (
        "likely",
        (
            r"(?:highly|very|most|more) (?:likely|probabl[ey])|more likely than not|(?<!un)likely|probabl[ey]|"
            r"in all likelihood|high confidence|with confidence"
        ),
    ),
    (
        "possible",
        (
            r"realistic possibility|roughly even chance|possibl[ey]|possibility|potential(?:ly)?|perhaps|"
            r"may(?: have)?(?! \d)|might|could|would have had|suspected|moderate confidence|low confidence|can"
        ),
    ),
    ("alleged", r"alleg(?:ed|edly|es|ing)|accus(?:ed|es|ing)|purported(?:ly)?|charged with|claim(?:s|ed) to"),
    (
        "reported",
        (
            r"reported(?:ly)?|said to (?:be|have)|thought to|believed to|understood to|apparently|seemingly|"
            r"appears? to|presumably|assessed to|rumoured|ostensibly"
        ),
    ),
    (
        "attempted",
        (
            r"attempt(?:s|ed|ing)?(?: to)?|tr(?:y|ies|ied|ying) to|s(?:eek|eeks|ought|eeking) to|efforts? to|"
            r"unsuccessful(?:ly)?|fail(?:ed|s)? to|tried"
        ),
    ),
    (
        "approx",
        (
            r"about(?= \d| [a-z]+ty\b)|around(?= \d)|approximately|roughly|nearly|almost(?! certain)|at least|"
            r"more than|over(?= \d)|up to|some(?= \d)|circa|or about|mostly"
        ),
    ),
)
_RE = {cls: re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE) for cls, pattern in _CLASSES}
_TERMS = {term: (low, high) for term, low, high in YARDSTICK}
_ADVERBS = {
    "almost certainly": "almost certain",
    "probably": "likely",
    "probable": "likely",
    "very likely": "highly likely",
}


def hedge_in(text: str, start: int, end: int, *, skip: frozenset[str] = frozenset()) -> Hedge | None:
    """Return the hedge that stands in a stretch of text, the one that weighs most first; None if there is none.

    Args:
        text: The document's text.
        start: Where the stretch begins.
        end: Where it ends.
        skip: Classes that do not count here.
    """
    for cls, pattern in _RE.items():
        if cls in skip:
            continue
        found = pattern.search(text, start, end)
        if found is not None:
            return Hedge(phrase=" ".join(found.group().split()), cls=cls, start=found.start(), end=found.end())
    return None


def strongest(own: Hedge | None, *, alleged_by: str = "") -> Hedge:
    """Return the hedge of a claim: its own words, else that its speaker only alleges."""
    if own is not None and own.cls != "approx":
        return own
    if alleged_by:
        return Hedge(phrase=alleged_by, cls="alleged")
    return own or Hedge()


def likelihood_of(hedge: Hedge) -> Likelihood | None:
    """Return a hedge on the yardstick, where its words are a term of it.

    >>> likelihood_of(Hedge(phrase="almost certainly", cls="almost-certain"))
    Likelihood(term='almost certain', scale='phia', low=0.95, high=1.0)
    """
    phrase = hedge.phrase.casefold()
    term = _ADVERBS.get(phrase, YARDSTICK_SYNONYMS.get(phrase, phrase))
    if term not in _TERMS:
        return None
    low, high = _TERMS[term]
    return Likelihood(term=term, scale="phia", low=low, high=high)
