"""Organisations in Latin text: by a list, by the word that ends or begins their name, by the short form a text gives.

`Kite Trading Company Ltd`, `Ministry of Foreign Affairs of Norway`, `University of Holm`, `Norwegian government`,
`Bureau of Tests (BOT)` and `BOT` from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import dropwhile

import ahocorasick_rs

from stillhunt.reading.chains import Chain
from stillhunt.reading.lists import organisation_names, place_names
from stillhunt.reading.mention import Mention

__all__ = ["find_bodies"]

_FORMS = frozenset(
    [
        *("Ltd", "Limited", "Inc", "LLC", "LLP", "Corp", "Corporation", "GmbH", "AG", "PLC", "Plc", "BV", "AB", "ASA"),
        *("Incorporated", "Co", "SA", "SpA", "Oy", "JSC", "OOO", "ZAO", "PJSC", "KK", "SARL", "Pte", "Pty", "Holdings"),
    ]
)
_SHOUTED = frozenset({"Ltd", "Inc", "Llc", "Co", "Corp", "Limited"})
_LAST = frozenset(
    [
        *("University", "Institute", "Academy", "College", "School", "Ministry", "Department", "Bureau", "Agency"),
        *("Commission", "Committee", "Council", "Company", "Technologies", "Foundation", "Association", "Federation"),
        *("Bank", "Party", "Parliament", "Senate", "Congress", "Court", "Embassy", "Consulate", "Directorate"),
        *(
            "Administration",
            "Authority",
            "Secretariat",
            "Command",
            "Army",
            "Navy",
            "Police",
            "Guard",
            "Corps",
            "Airlines",
        ),
        *(
            "Hospital",
            "Clinic",
            "Laboratory",
            "Laboratories",
            "Labs",
            "Union",
            "Society",
            "Organization",
            "Organisation",
        ),
        *("Consortium", "Alliance", "Fund", "Museum", "Telecom"),
        *("Enterprises", "Consulting", "Forces", "Chamber", "Assembly", "Railways", "Airways", "Motors", "Electronics"),
    ]
)
_WEAK = frozenset(
    [
        *(
            "Service",
            "Services",
            "Office",
            "Center",
            "Centre",
            "Command",
            "Systems",
            "Networks",
            "Solutions",
            "Partners",
        ),
        *("Industries", "Exchange", "Times", "Post", "Trust", "School", "Union", "Society", "Alliance"),
    ]
)
"""Last words that products have too: only where a word of a state stands before them."""

_OF_STATE = frozenset(
    [
        *("Federal", "National", "Foreign", "Secret", "State", "Royal", "Joint", "Central", "European", "Intelligence"),
        *("Serious", "Crown", "Immigration", "Internal", "Postal", "Military", "Naval", "Supreme", "International"),
    ]
)

_FIRST = frozenset(
    [
        *("Ministry", "Department", "Bureau", "Office", "University", "Institute", "Embassy", "Bank", "Academy"),
        *("Government", "House", "Council", "Commission", "Committee", "Center", "Centre", "Organization", "Court"),
        *("Organisation", "Association", "Society", "Federation", "Ministries", "Directorate", "Agency", "Library"),
        *("Chamber", "Parliament", "School", "College", "Board", "Service", "Guard", "Union", "League", "Authority"),
        *("Supreme", "Federal", "National", "General", "Joint", "Main", "Central"),
    ]
)
_AFTER_COUNTRY = re.compile(
    r"\s+(?:federal\s+|central\s+|national\s+)?(?:government|military|army|navy|parliament|embassy|police|air force|"
    r"intelligence services?|intelligence agenc(?:y|ies)|armed forces|foreign ministry|defen[cs]e ministry|"
    r"central bank|authorities)\b"
)
_SHORT = re.compile(r"\s*\(\s*[“\"']?(?P<short>[A-Z][A-Za-z&/-]{1,11})[”\"']?\s*\)")
_NOT_BODIES = frozenset(
    ["National", "Federal", "General", "Central", "Supreme", "Joint", "Main", "House", "Board", "Service", "Union"]
)
_CRIMES = re.compile(r"^(?:Security Service|Command and Control|Remote Services?|Domain Name System)", re.IGNORECASE)


@cache
def _automaton() -> tuple[ahocorasick_rs.AhoCorasick, tuple[str, ...]]:
    names = tuple(sorted(organisation_names()))
    return ahocorasick_rs.AhoCorasick(names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest), names


def find_bodies(text: str, chains: Sequence[Chain]) -> Iterator[Mention]:
    """Yield the organisations in a text; they may overlap.

    Args:
        text: The document's text.
        chains: Its stretches of capitalised words.
    """
    yield from _listed(text)
    yield from _of_countries(text)
    shorts: dict[str, str] = {}
    for chain in chains:
        for start, end, score, how in _formed(chain, text):
            name = " ".join(text[start:end].split())
            explained = _SHORT.match(text, end)
            if explained is not None and _abbreviates(explained["short"], name):
                shorts.setdefault(explained["short"], name)
            yield Mention(kind="organisation", start=start, end=end, text=text[start:end], how=how, score=score)
    for short, name in sorted(shorts.items()):
        for match in re.finditer(rf"(?<![\w.-]){re.escape(short)}(?![\w-])", text):
            yield Mention(
                kind="organisation",
                start=match.start(),
                end=match.end(),
                text=short,
                how="short form that the text explains",
                score=0.9,
                forms=(name,),
                stands_for=name,
            )


def _listed(text: str) -> Iterator[Mention]:
    automaton, names = _automaton()
    for number, start, end in automaton.find_matches_as_indexes(text):
        before, after = text[start - 1 : start], text[end : end + 1]
        if before.isalnum() or after.isalnum() or before in {".", "/", "@", "_", "-", "\\"} or after in {"_", "@"}:
            continue
        if after == "." and text[end + 1 : end + 2].isalnum():
            continue
        listed = organisation_names()[names[number]]
        yield Mention(
            kind="organisation",
            start=start,
            end=end,
            text=text[start:end],
            how="list of organisations",
            score=0.9,
            forms=() if listed == names[number] else (listed,),
            stands_for=_in_full().get(listed, "") if listed == names[number] else listed,
        )


@cache
def _in_full() -> dict[str, str]:
    """Return the full names of organisations that the list calls by their short form."""
    found: dict[str, str] = {}
    for name, listed in sorted(organisation_names().items()):
        if listed.isupper() and len(name) > max(len(listed), len(found.get(listed, ""))):
            found[listed] = name
    return found


@cache
def _countries() -> re.Pattern[str]:
    names = sorted((n for n in place_names() if n[0].isupper()), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})(?:[’']s)?(?={_AFTER_COUNTRY.pattern})")


def _of_countries(text: str) -> Iterator[Mention]:
    for match in _countries().finditer(text):
        behind = _AFTER_COUNTRY.match(text, match.end())
        assert behind is not None, "looked ahead"
        country = match.group().removesuffix("’s").removesuffix("'s")
        yield Mention(
            kind="organisation",
            start=match.start(),
            end=behind.end(),
            text=text[match.start() : behind.end()],
            how="body of a country",
            score=0.85,
            stands_for=place_names().get(country, ""),
        )


def _formed(chain: Chain, text: str) -> Iterator[tuple[int, int, float, str]]:
    """Yield (start, end, score, how) of the organisations in a chain, told by the form of their names."""
    for piece in _pieces(chain):
        words = list(dropwhile(lambda word: word[2].islower(), piece))
        if not words:
            continue
        plain = [w.rstrip(".’'").removesuffix("’s").removesuffix("'s") for _, _, w in words]
        start, end = words[0][0], words[-1][0] + len(words[-1][2].rstrip("’'"))
        if plain[-1] != words[-1][2].rstrip("."):
            end = words[-1][0] + len(plain[-1])
        if _CRIMES.match(text[start:end]):
            continue
        if len(words) >= 2 and (plain[-1] in _FORMS or plain[-1].capitalize() in _SHOUTED) and not plain[0].islower():
            dot = text[end : end + 1] == "." and plain[-1] in {"Ltd", "Inc", "Co", "Corp"}
            yield start, end + dot, 0.95, "legal form"
        elif len(words) >= 3 and plain[0] in _FIRST and plain[1] in {"of", "for", "on"}:
            yield start, end, 0.9, "word of an organisation"
        elif plain[-1] in _WEAK and not (plain[0] in _OF_STATE or plain[0] in place_names()):
            continue
        elif _ends_as_body(plain):
            yield start, end, 0.8, "word of an organisation"
        elif len(words) >= 4 and any(
            w in _LAST and plain[i + 1] in {"of", "for"} for i, w in enumerate(plain[:-2]) if i
        ):
            yield start, end, 0.85, "word of an organisation"


def _ends_as_body(words: Sequence[str]) -> bool:
    if len(words) >= 3 and words[-1] in {"Technology", "Trading"}:
        return True
    return len(words) >= 2 and words[-1] in _LAST | _WEAK and words[0] not in {"Security", "Web", "Windows", "Active"}


def _pieces(chain: Chain) -> Iterator[list[tuple[int, int, str]]]:
    """Yield a chain in pieces where `and` or `in` joins two names, not two words of one."""
    piece: list[tuple[int, int, str]] = []
    for number, word in enumerate(chain.words):
        if word[2] == "of" and piece and piece[-1][2].rstrip(".") in _FORMS:
            # `Ltd. of Oslo` says where it is, and is no part of its name.
            yield piece
            piece = []
            continue
        if word[2] in {"and", "in"}:
            rest = chain.words[number + 1 :]
            if word[2] == "in" or not _joins(piece, rest):
                if piece:
                    yield piece
                piece = []
                continue
        piece.append(word)
    if piece:
        yield piece


def _joins(before: Sequence[tuple[int, int, str]], after: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether `and` stands inside a name: `Ministry of Awqaf and Islamic Affairs`, `Trade and Industry Council`."""
    if not before or not after:
        return False
    words = [w for _, _, w in before]
    rest = [w for _, _, w in after]
    if rest[0] in _FIRST and len(rest) > 1 and rest[1] in {"of", "for"}:
        return False
    if words[0] in _FIRST and "of" in words:
        return " ".join(rest[:1]) not in organisation_names() and rest[0] not in place_names()
    if words[-1] in _LAST | _FORMS or " ".join(words) in organisation_names() or words[-1] in place_names():
        return False
    return rest[-1].rstrip(".") in _LAST | _FORMS and len(words) <= 4 and len(rest) <= 4


def _abbreviates(short: str, name: str) -> bool:
    """Say whether a short form is made of the first letters of a name."""
    words = re.findall(r"[A-Za-z]+", name)
    letters = re.sub(r"[^A-Z]", "", short)
    firsts = "".join(w[0] for w in words).upper()
    capitals = "".join(w[0] for w in words if w[0].isupper())
    return len(letters) >= 2 and (letters in {firsts, capitals} or _in_order(letters, capitals))


def _in_order(letters: str, capitals: str) -> bool:
    rest = iter(capitals)
    return letters[0] == capitals[:1] and all(letter in rest for letter in letters)
