"""Places: countries, regions, cities and provinces, and the adjectives of countries, in Latin and Han letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import ahocorasick_rs

from stillhunt.reading.lists import place_names
from stillhunt.reading.mention import Mention

__all__ = ["find_places"]

_AMBIGUOUS = frozenset(
    ["Georgia", "Jordan", "Chad", "Guinea", "Lima", "Sofia", "Orange", "Wellington", "Salisbury", "Columbia"]
)
"""Names that are also words or names of persons: only behind a word that places follow."""

_BEFORE = re.compile(
    r"(?:\b(?:in|from|of|to|at|near|across|throughout|within|and|against|targeting|,)|,)\s+(?:the\s+)?$"
)


@cache
def _automaton() -> tuple[ahocorasick_rs.AhoCorasick, tuple[str, ...]]:
    names = tuple(sorted(place_names()))
    return ahocorasick_rs.AhoCorasick(names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest), names


def find_places(text: str) -> Iterator[Mention]:
    """Yield the places in a text, in order."""
    automaton, names = _automaton()
    listed = place_names()
    for number, start, end in automaton.find_matches_as_indexes(text):
        if _is_inside(text, start, end):
            continue
        name = names[number]
        if name in _AMBIGUOUS and not _BEFORE.search(text[max(0, start - 24) : start]):
            continue
        where = listed[name]
        yield Mention(
            kind="place",
            start=start,
            end=end,
            text=text[start:end],
            how="list of places",
            score=0.75 if name in _AMBIGUOUS else 0.95,
            stands_for="" if where == name else where,
        )


def _is_inside(text: str, start: int, end: int) -> bool:
    """Say whether a match is only a part of a word, an address or the name of a file."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum() or before in {"_", "@", "/", "\\"} or after in {"_", "@"}:
        return True
    return (before == "." and start > 1) or (after == "." and text[end + 1 : end + 2].isalnum())
