"""Names that look or sound like another: candidates for a person to judge, never answers.

A name is alike if it sounds the same in another romanisation, if its words are among the other's, or if few letters
differ. Names whose numbers differ are never alike: APT31 is not APT30.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from stillhunt.knowledge.romanise import Folded, fold, sound_of

__all__ = ["Alike", "Lookalikes", "likeness", "similarity"]

_LIKE = 0.84
"""Similarity from which names count as alike: one letter in seven."""

_SOUNDS_SAME = 0.95
_SAME_BONES = 0.86
_SAME_WORDS = 0.9
_SAME_WORD = 0.7
_SHORT = 4
"""Letters below which nothing but the same sound counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A name that is like the one asked for.

    Attributes:
        name: As written.
        entity: Who bears it.
        how: ``transliteration``: it sounds the same; ``fuzzy``: it is nearly the same.
        score: How alike, 0 to 1.
        because: What is alike, in words.
    """

    name: str
    entity: str
    how: Literal["transliteration", "fuzzy"]
    score: float
    because: str


class Lookalikes:
    """Finds names like a given one among many.

    Args:
        names: (name, entity) of each.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._names = [(name, entity, fold(name)) for name, entity in names]
        self._by_sound: defaultdict[str, list[int]] = defaultdict(list)
        self._by_bones: defaultdict[str, list[int]] = defaultdict(list)
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._by_gram: defaultdict[str, list[int]] = defaultdict(list)
        for number, (_, _, folded) in enumerate(self._names):
            self._by_sound[folded.sound].append(number)
            self._by_bones[folded.bones].append(number)
            for word in set(folded.words):
                self._by_word[word].append(number)
            for gram in _grams(folded.plain):
                self._by_gram[gram].append(number)

    def find(self, name: str, *, limit: int = 20) -> list[Alike]:
        """Return names like this one, the likest first; those written the same in the same script too."""
        asked = fold(name)
        if not asked.plain:
            return []
        found = []
        for number in self._near(asked):
            written, entity, folded = self._names[number]
            like = likeness(asked, folded)
            if like is not None:
                how, score, because = like
                found.append(Alike(name=written, entity=entity, how=how, score=score, because=because))
        return sorted(found, key=lambda a: (-a.score, a.name, a.entity))[:limit]

    def _near(self, asked: Folded) -> set[int]:
        near = set(self._by_sound.get(asked.sound, ()))
        near |= set(self._by_bones.get(asked.bones, ()))
        rare = sorted((self._by_word.get(w, []) for w in set(asked.words)), key=len)
        near |= {n for some in rare[:2] for n in some}
        shared = Counter(n for gram in _grams(asked.plain) for n in self._by_gram.get(gram, ()))
        enough = max(1, len(asked.plain) // 3)
        near |= {n for n, count in shared.items() if count >= enough}
        return near


def likeness(one: Folded, other: Folded) -> tuple[Literal["transliteration", "fuzzy"], float, str] | None:
    """Return how two names are alike, how much, and why in words; None if they are not."""
    if one.numbers != other.numbers or not one.plain or not other.plain:
        return None
    if one.sound == other.sound or _sorted_sound(one) == _sorted_sound(other):
        return "transliteration", 1.0 if one.plain == other.plain else _SOUNDS_SAME, "sounds the same"
    if min(len(one.plain), len(other.plain)) < _SHORT:
        return None
    if (one.has_no_vowels or other.has_no_vowels) and one.bones == other.bones and len(one.bones) >= 3:
        return "transliteration", _SAME_BONES, "has the same consonants"
    fewer, more = sorted((one, other), key=lambda f: len(f.words))
    is_within = len(fewer.words) < len(more.words) and _within(fewer, more)
    if is_within and len(fewer.words) > 1:
        return "fuzzy", _SAME_WORDS, "all words of one are in the other"
    alike = similarity(one.plain, other.plain)
    if alike >= _LIKE:
        return "fuzzy", round(alike, 3), f"{alike:.0%} of the letters agree"
    if is_within and len(fewer.plain) > _SHORT:
        return "fuzzy", _SAME_WORD, "one is a word of the other"
    return None


def similarity(one: str, other: str) -> float:
    """Return how alike two texts are: 1 less the edits between them by the longer one's length.

    Edits are insertions, deletions and replacements of a letter, counted with one bit per letter (Myers 1999, in the
    form of Hyyr\u00f6 2003).

    >>> similarity("gaobin", "gaobing")
    0.8571428571428572
    """
    if not one or not other:
        return float(one == other)
    mask, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    places: dict[str, int] = {}
    for place, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << place
    more, less, edits = mask, 0, len(one)
    for letter in other:
        same = places.get(letter, 0)
        across = (((same & more) + more) ^ more) | same | less
        up, down = less | ~(across | more), more & across
        edits += bool(up & last) - bool(down & last)
        up = up << 1 | 1
        more = (down << 1 | ~(across | up)) & mask
        less = up & across & mask
    return 1 - edits / max(len(one), len(other))


def _sorted_sound(folded: Folded) -> tuple[str, ...]:
    return tuple(sorted(map(sound_of, folded.words)))


def _within(fewer: Folded, more: Folded) -> bool:
    return set(map(sound_of, fewer.words)) <= set(map(sound_of, more.words))


def _grams(text: str) -> Iterator[str]:
    padded = f" {text} "
    yield from {padded[i : i + 3] for i in range(len(padded) - 2)}
