"""Checks estimative language in a text: the words of likelihood, and that confidence stands apart from them.

Sources: the PHIA probability yardstick (gov.uk, 24 March 2025) and ICD 203 (2 January 2015), which asks that a product
keep to one row of its table and never give a confidence level and a likelihood in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from stillhunt.terms.likelihood import ICD_203, YARDSTICK, YARDSTICK_SYNONYMS

__all__ = ["Remark", "lint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something in a text that is probably not meant.

    Attributes:
        check: ``confidence-with-likelihood``, ``mixed-rows``, ``mixed-scales`` or ``unknown-term``.
        line: Line of the text, from 1.
        column: Column, from 1.
        sentence: The sentence it stands in.
        message: What is wrong, and what to do.
    """

    check: str
    line: int
    column: int
    sentence: str
    message: str


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    text: str
    term: str


_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*|\n(?!\s*\n)[^.!?\n]*)*[.!?]?", re.DOTALL)
_CONFIDENCE = re.compile(
    r"\b(?:(?:very\s+)?(?:low|moderate|medium|high)(?:\s+(?:analytic(?:al)?|degree\s+of))?\s+confidence"
    r"|confidence\s+(?:level\s+)?(?:is\s+)?(?:low|moderate|medium|high))\b",
    re.IGNORECASE,
)
_MEDIUM = re.compile(r"\b(?:medium|very\s+high|very\s+low)\b", re.IGNORECASE)
_JUDGED = r"(?:we\s+(?:judge|assess|estimate)|it\s+is|is|are|was|were|will|would|has|have|had|almost|which|that|this)"
_UNKNOWN: Mapping[str, str] = {
    "almost certainly not": "remote chance, or almost no chance",
    "fairly likely": "likely",
    "good chance": "likely",
    "more likely than not": "likely",
    "quite likely": "likely, or highly likely",
    "rather likely": "likely",
    "slim chance": "remote chance, or almost no chance",
    "virtually certain": "almost certain",
    "near certain": "almost certain, or nearly certain",
    "somewhat likely": "realistic possibility, or roughly even chance",
    "somewhat unlikely": "unlikely",
    "extremely likely": "almost certain",
    "extremely unlikely": "remote chance, or almost no chance",
    "reasonable chance": "realistic possibility",
    "even chance": "roughly even chance, or realistic possibility",
    "fifty-fifty": "roughly even chance, or realistic possibility",
    "50-50": "roughly even chance, or realistic possibility",
}
"""Phrases that sound like a term and are on neither scale, and what may be meant."""

_ADVERBS = {
    "almost certainly": "almost certain",
    "nearly certainly": "nearly certain",
    "very probably": "highly probable",
    "highly probably": "highly probable",
    "probably": "probable",
    "improbably": "improbable",
}
_ONLY_PHIA = frozenset({"remote chance", "highly unlikely", "realistic possibility", "highly likely"})


def lint(text: str) -> list[Remark]:
    """Return remarks on the estimative language of a text, in order of place.

    >>> [r.check for r in lint("We assess with high confidence that it is likely Sandworm.")]
    ['confidence-with-likelihood']
    """
    found: list[Remark] = []
    rows: dict[str, _Word] = {}
    scales: dict[str, _Word] = {}
    for start, sentence in _sentences(text):
        words = list(_terms(sentence))
        found += (_unknown(text, start, sentence, m) for m in _unknown_pattern().finditer(sentence))
        found += _with_confidence(text, start, sentence, words)
        for word in words:
            here = _Word(start + word.start, word.text, word.term)
            for scale in _scales_of(word.term):
                scales.setdefault(scale, here)
            row = _row_of(word.term)
            if row:
                rows.setdefault(row, here)
    found += _mixed(text, scales, "mixed-scales", "words of the yardstick and of ICD 203")
    if "icd203" in scales or "phia" not in scales:
        found += _mixed(text, rows, "mixed-rows", "words of both rows of ICD 203")
    return sorted(found, key=lambda r: (r.line, r.column, r.check))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    for match in _SENTENCE.finditer(text):
        if match.group().strip():
            yield match.start(), match.group()


def _terms(sentence: str) -> Iterator[_Word]:
    for match in _term_pattern().finditer(sentence):
        written = " ".join(match.group().casefold().split())
        yield _Word(match.start(), match.group(), _ADVERBS.get(written, written))


@cache
def _term_pattern() -> re.Pattern[str]:
    terms = [t for t, _, _ in YARDSTICK] + list(YARDSTICK_SYNONYMS) + [t for ts, _, _ in ICD_203 for t in ts]
    terms = [t for t in terms if t != "remote"] + list(_ADVERBS)
    return _any_of(terms)


@cache
def _unknown_pattern() -> re.Pattern[str]:
    return _any_of(list(_UNKNOWN))


def _any_of(phrases: list[str]) -> re.Pattern[str]:
    longest_first = sorted(set(phrases), key=lambda t: (-len(t), t))
    written = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)
    qualified = "|".join(r"\s+".join(map(re.escape, p.split()[:-1])) for p in _UNKNOWN if p.endswith(("likely",)))
    guard = "" if phrases == list(_UNKNOWN) else f"(?<!not )(?<!{')(?<!'.join(_before(qualified))})"
    return re.compile(rf"(?<![\w-]){guard}(?:{written})(?![\w-])", re.IGNORECASE)


def _before(qualified: str) -> list[str]:
    return [q.replace(r"\s+", " ") + " " for q in dict.fromkeys(qualified.split("|"))]


def _scales_of(term: str) -> list[str]:
    """Return the scale that a term gives away, if it stands on one of them only."""
    on_phia = term in {t for t, _, _ in YARDSTICK} or term in YARDSTICK_SYNONYMS
    on_icd = any(term in terms for terms, _, _ in ICD_203)
    return [] if on_phia and on_icd else ["phia"] if on_phia else ["icd203"]


def _row_of(term: str) -> str:
    if term in YARDSTICK_SYNONYMS or term in {t for t, _, _ in YARDSTICK}:
        return ""
    return next((str(row) for terms, _, _ in ICD_203 for row in (0, 1) if terms[row] == term), "")


def _with_confidence(text: str, start: int, sentence: str, words: list[_Word]) -> Iterator[Remark]:
    match = _CONFIDENCE.search(sentence)
    if match and words:
        message = f"`{match.group()}` and `{words[0].text}` in one sentence: say how likely, and how sure, in two"
        yield _remark("confidence-with-likelihood", text, start + match.start(), sentence, message)


def _unknown(text: str, start: int, sentence: str, match: re.Match[str]) -> Remark:
    phrase = " ".join(match.group().casefold().split())
    message = f"`{match.group()}` is on no scale: write {_UNKNOWN[phrase]}"
    return _remark("unknown-term", text, start + match.start(), sentence, message)


def _mixed(text: str, first: Mapping[str, _Word], check: str, what: str) -> Iterator[Remark]:
    if len(first) > 1:
        one, other = sorted(first.values(), key=lambda w: w.start)[:2]
        message = f"{what} in one text: `{one.text}` and `{other.text}`; keep to one"
        sentence = next((s for at, s in _sentences(text) if at <= other.start < at + len(s)), other.text)
        yield _remark(check, text, other.start, sentence, message)


def _remark(check: str, text: str, at: int, sentence: str, message: str) -> Remark:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return Remark(check=check, line=line, column=column, sentence=" ".join(sentence.split()), message=message)
