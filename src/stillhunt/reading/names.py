"""Names in a text that the knowledge base knows: groups, malware and tools, each with who is meant.

Names are found by one pass of an automaton. A name that is also a word of the language counts only where it is
written as a name is: with a capital letter or a digit, and not at the beginning of a sentence alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import ahocorasick_rs

from stillhunt.knowledge.claim import type_of
from stillhunt.reading.mention import Mention

__all__ = ["Mention", "Names"]

_KINDS = {
    "intrusion-set": "group",
    "threat-actor": "group",
    "campaign": "campaign",
    "malware": "malware",
    "tool": "tool",
}
_SHORTEST = 3
_CALENDAR = frozenset(
    [
        *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
        *("December", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ]
)
"""Words that some malware is called too: in prose they are days and months."""

_ORDER = ("group", "malware", "tool", "campaign")
_LETTER = re.compile(r"\w")


class Names:
    """Finds names.

    Args:
        known: Pairs of a name and the entity that bears it.
    """

    def __init__(self, known: Iterable[tuple[str, str]]) -> None:
        bearers: dict[str, set[str]] = {}
        for name, entity in known:
            if name in _CALENDAR:
                continue
            if type_of(entity) in _KINDS and len(name) >= _SHORTEST and not name.islower() and not name.isdecimal():
                bearers.setdefault(name, set()).add(entity)
        self._names = sorted(bearers)
        self._bearers = [tuple(sorted(bearers[name])) for name in self._names]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def mentions(self, text: str) -> list[Mention]:
        """Return the names in a text, in order of place."""
        found = []
        for number, start, end in self._automaton.find_matches_as_indexes(text):
            if _is_whole(text, start, end) and not _is_word(text, start, self._names[number]):
                entities = self._bearers[number]
                kinds = {_KINDS[type_of(entity)] for entity in entities}
                kind = next(kind for kind in _ORDER if kind in kinds)
                found.append(Mention(kind=kind, start=start, end=end, text=text[start:end], entities=entities))
        return found


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_LETTER.match(before) or _LETTER.match(after))


def _is_word(text: str, start: int, name: str) -> bool:
    """Tell whether a single capitalised word begins a sentence, where every word is capitalised."""
    is_plain = name.isalpha() and name[0].isupper() and name[1:].islower()
    before: Sequence[str] = text[max(0, start - 3) : start].rstrip()
    return is_plain and len(name) <= 5 and (not before or before[-1] in ".!?\n")
