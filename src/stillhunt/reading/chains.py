"""Stretches of capitalised words: where names of persons and organisations are looked for in Latin text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Chain", "chains_in"]

_WORD = (
    r"(?:(?:Co|Corp|Inc|Ltd|Pte|Pty)\.|[A-ZÀ-ÖØ-Þ][\w’'-]*(?:\.(?=[A-Za-z]\.?))?[\w’'-]*|[A-Z]\.|"
    r"(?:al|bin|ibn|van|von|de|del|der|di|da|la|le)(?=\s[A-Z]))"
)
_LINK = r"(?:\s+|\s*&\s*|\s+(?:of|for|and|on|in)\s+(?:the\s+)?|,?\s+(?=(?i:Ltd|Inc|LLC|Co|Corp|Limited|GmbH|PLC)\b))"
_CHAIN = re.compile(rf"(?<![\w@./\\-]){_WORD}(?:{_LINK}{_WORD})*")
_TOKEN = re.compile(r"[^\s,&]+|&")

_LEADING = frozenset(
    [
        *("The", "A", "An", "In", "On", "At", "By", "For", "From", "To", "Of", "And", "But", "Or", "If", "As", "When"),
        *("While", "This", "That", "These", "Those", "It", "Its", "He", "She", "His", "Her", "They", "Their", "We"),
        *(
            "Our",
            "You",
            "Your",
            "I",
            "There",
            "Here",
            "What",
            "Who",
            "How",
            "Why",
            "Where",
            "Which",
            "According",
            "After",
        ),
        *("Before", "Since", "Until", "During", "With", "Without", "Both", "Some", "Many", "Most", "All", "Each"),
        *("Several", "Other", "Another", "One", "Two", "Three", "Also", "However", "Although", "Because", "Despite"),
        *("Like", "Then", "Now", "Not", "No", "Yes", "So", "Such", "Just", "Even", "Only", "Still", "Once", "Between"),
        *("Among", "Last", "Next", "First", "Second", "Earlier", "Later", "Meanwhile", "Additionally", "Finally"),
        *("Former", "Late", "New", "Defendant", "Defendants", "About", "Over", "Under", "Using", "Based", "Named"),
    ]
)
_KEPT_NEW = frozenset({"York", "Zealand", "Delhi", "Jersey", "Mexico", "Hampshire", "Orleans", "South"})


@dataclass(frozen=True, slots=True)
class Chain:
    """A stretch of capitalised words, with words such as `of` inside it.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        words: (start, end, word) of each.
    """

    start: int
    end: int
    words: tuple[tuple[int, int, str], ...]


def chains_in(text: str) -> Iterator[Chain]:
    """Yield the stretches of capitalised words in a text, without the function word that begins a sentence."""
    for found in _CHAIN.finditer(text):
        if "\n\n" in found.group():
            pieces = re.finditer(r"(?:(?!\n\s*\n).)+", found.group(), re.DOTALL)
            spans = [(found.start() + p.start(), found.start() + p.end()) for p in pieces]
        else:
            spans = [found.span()]
        for start, end in spans:
            words = [(t.start(), t.end(), t.group()) for t in _TOKEN.finditer(text, start, end)]
            while words and words[0][2] in _LEADING and not _is_new_place(words):
                words = words[1:]
            while words and (words[0][2].islower() and words[0][2] in {"of", "for", "and", "on", "in", "the"}):
                words = words[1:]
            while words and words[-1][2].islower():
                words = words[:-1]
            if words:
                yield Chain(words[0][0], words[-1][1], tuple(words))


def _is_new_place(words: list[tuple[int, int, str]]) -> bool:
    return words[0][2] == "New" and len(words) > 1 and words[1][2] in _KEPT_NEW
