"""Names of every script in Latin letters, folded so that different romanisations of one name meet.

Words that companies and ministries share are translated first, from a list; what remains is spelled out. A folded name
serves for comparing and is never shown.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from stillhunt.errors import MissingExtraError

__all__ = ["Folded", "fold", "sound_of"]

_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")
_WORD = re.compile(r"[a-z]+|\d+")
_VOWELS = re.compile(r"[aeiouy]")

_SHARED = frozenset(
    {
        *("ag", "and", "ao", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "jsc"),
        *("limited", "llc", "ltd", "mr", "mrs", "ms", "of", "ojsc", "ooo", "pao", "pjsc", "plc", "pte", "pty", "sa"),
        *("sarl", "srl", "the"),
    }
)
"""Words that tell nobody from anybody: legal forms and the like."""

_SOUNDS = (
    ("sch", "sh"),
    ("tch", "ch"),
    ("ck", "k"),
    ("kh", "h"),
    ("ph", "f"),
    ("gh", "g"),
    ("zh", "j"),
    ("dj", "j"),
    ("ts", "c"),
    ("tz", "c"),
    ("ks", "x"),
    ("eo", "o"),
    ("eu", "u"),
    ("oe", "o"),
    ("ou", "u"),
    ("ar", "a"),
    ("ye", "e"),
    ("yo", "o"),
    ("yu", "u"),
    ("ya", "a"),
    ("ia", "a"),
    ("iu", "u"),
    ("io", "o"),
    ("ie", "e"),
    ("iy", "i"),
    ("ij", "i"),
    ("yi", "i"),
    ("y", "i"),
    ("w", "v"),
    ("q", "k"),
    ("l", "r"),
    ("g", "k"),
    ("b", "p"),
    ("d", "t"),
    ("z", "s"),
)
"""Spellings of near sounds across romanisations of Chinese, Korean, Persian and Russian, in order."""

_TWICE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Folded:
    """A name as it is compared.

    Attributes:
        plain: Its distinctive words in Latin letters, joined.
        words: Its distinctive words, each in Latin letters.
        sound: Its words as they sound, joined; the same for near romanisations.
        bones: Its consonants and numbers: what scripts that write no vowels have in common with others.
        numbers: Its numbers: names that differ in them are not alike.
        has_no_vowels: Whether it was written in a script that leaves vowels out.
    """

    plain: str
    words: tuple[str, ...]
    sound: str
    bones: str
    numbers: tuple[str, ...]
    has_no_vowels: bool


def fold(name: str) -> Folded:
    """Return a name as it is compared.

    >>> fold("Zhao Guangzong").sound == fold("\u8d75\u5149\u5b97").sound  # in Chinese letters
    True

    Raises:
        MissingExtraError: It needs transliteration, and the package for it is not installed.
    """
    written = unicodedata.normalize("NFKC", name)
    lower = _latin(written).casefold()
    words = _WORD.findall(lower.replace("'", ""))
    numbers = tuple(str(int(w)) for w in words if w.isdigit())
    letters = [w for w in words if not w.isdigit()]
    distinctive = [w for w in letters if w not in _SHARED] or letters
    plain = "".join([*distinctive, *numbers])
    sound = sound_of("".join(distinctive))
    return Folded(
        plain=plain,
        words=tuple(distinctive),
        sound=sound + "".join(numbers),
        bones=_VOWELS.sub("", plain),
        numbers=numbers,
        has_no_vowels=bool(_ARABIC.search(written)),
    )


@cache
def sound_of(word: str) -> str:
    """Return how a word in lower-case Latin letters sounds, roughly."""
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    return _TWICE.sub(r"\1", word)


def _latin(text: str) -> str:
    if text.isascii():
        return text
    for theirs, ours in _shared_words():
        text = text.replace(theirs, f" {ours} ")
    try:
        from anyascii import anyascii  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("anyascii", "know") from error
    return anyascii(text)


@cache
def _shared_words() -> tuple[tuple[str, str], ...]:
    """Return words of other scripts with their English, the longest first."""
    lines = (files("stillhunt.knowledge") / "data" / "words.tsv").read_text("utf-8").splitlines()[1:]
    pairs = [(theirs, ours) for theirs, ours in (line.split("\t") for line in lines)]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))
