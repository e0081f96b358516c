"""Persons in Latin text: two to four capitalised words with something beside or in them that shows a person.

A title, a verb of speech, a role behind a comma, a given name that is common, a Chinese surname before one or two
syllables of pinyin, a Russian patronymic. Capitals alone are not enough: most such pairs in reports are products.
Chinese names come with both orders; what they may be in Han letters is told by :mod:`stillhunt.reading.naming`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stillhunt.reading.chains import Chain
from stillhunt.reading.lists import given_names, organisation_names, place_names, surnames_pinyin
from stillhunt.reading.mention import Mention

__all__ = ["find_persons", "is_pinyin_name"]

_TITLES = frozenset(
    [
        *("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Professor", "Sir", "Lord", "Lady", "Dame", "Baroness", "President"),
        *("Minister", "Secretary", "Director", "Colonel", "Lieutenant", "Captain", "Major", "General", "Admiral"),
        *("Senator", "Congressman", "Congresswoman", "Representative", "Ambassador", "Chancellor", "Premier", "Judge"),
        *("Attorney", "Commissioner", "Governor", "Mayor", "Chairman", "Chairwoman", "Sergeant", "Agent", "Officer"),
        *(
            "Spokesman",
            "Spokeswoman",
            "Spokesperson",
            "Deputy",
            "Justice",
            "King",
            "Queen",
            "Prince",
            "Pope",
            "Ayatollah",
        ),
        *("Gen", "Col", "Lt", "Capt", "Sen", "Rep", "Gov", "Maj", "Adm", "Special", "Assistant", "Acting", "Vice"),
        *("Researcher", "Analyst", "Defendant", "Comrade", "Undersecretary", "Chief", "Executive", "Prosecutor"),
    ]
)
_BEFORE_LAST = frozenset(
    [
        *("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Professor", "Sir", "Lord", "Lady", "Dame", "Baroness", "President"),
        *("Minister", "Secretary", "Colonel", "Lieutenant", "Captain", "Admiral", "Senator", "Congressman", "Judge"),
        *(
            "Chancellor",
            "Premier",
            "Governor",
            "Mayor",
            "Congresswoman",
            "Ayatollah",
            "Gen",
            "Col",
            "Lt",
            "Capt",
            "Sen",
        ),
        *("Ambassador", "Comrade", "Defendant", "Justice"),
    ]
)
"""Titles that stand before a last name alone."""

_SAYS = (
    r"(?:said|says|told|tells|added|adds|wrote|writes|explained|noted|stated|argued|warned|tweeted|testified|claimed|"
    r"denied)"
)
_BEHIND = re.compile(rf"\s*,?\s*(?:who\s+)?{_SAYS}\b")
_BEFORE = re.compile(
    rf"(?:\b{_SAYS}|\baccording to|\bby|\bnamed|\bcalled|\bknown as|\balias|\ba/?k/?a\.?)\s*[,:“\"]?\s*$"
)
_ROLE = re.compile(
    r"\s*,\s*(?:\d{1,2},\s*)?(?:an?\s+|the\s+|its\s+|his\s+|her\s+|\w+[’']s\s+|[A-Z][\w’'-]*(?:[’']s)?\s+)*(?:former\s+|then\s+|senior\s+|"
    r"deputy\s+|chief\s+|co-)*(?:minister|secretary|director|head|chief|officer|attorney|spokes\w+|agent|analyst|founder|"
    r"researcher|president|commissioner|chair\w*|executive|CEO|CTO|CISO|manager|ambassador|professor|senator|"
    r"representative|employee|engineer|hacker|developer|leader|journalist|activist|national|citizen|member|lawyer|of)\b"
)
_PATRONYMIC = re.compile(r"\w{2,}(?:ovich|evich|ovna|evna|ich|OVICH|EVICH|OVNA|EVNA)$")
_SYLLABLE = (
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ueng|ang|eng|ing|ong|ian|iao|uai|uan|van|ai|ei|ao|ou|an|en|"
    r"in|un|vn|ia|ie|iu|ua|ui|uo|ue|ve|er|a|o|e|i|u|v|ü))"
)
_PINYIN = re.compile(rf"{_SYLLABLE}(?:['’-]?{_SYLLABLE})?", re.IGNORECASE)
_NAME_WORD = re.compile(
    r"(?:[A-ZÀ-ÞĀ-Ž][a-zß-ÿā-ž’'-]+(?:-?[A-Z][a-zß-ÿ’'-]+)*|[A-Z]\.|[A-Z]{2,}|al|bin|ibn|van|von|de|del|der|di|da)"
)
_NOT_NAMES = frozenset(
    [
        *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
        *("December", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "North", "South"),
        *("East", "West", "Group", "Team", "Windows", "Linux", "Office", "Server", "Exchange", "Security", "Cyber"),
        *(
            "Threat",
            "Intelligence",
            "Report",
            "Advisory",
            "Bear",
            "Panda",
            "Kitten",
            "Typhoon",
            "Blizzard",
            "Sandstorm",
        ),
        *("Strike", "Cobalt", "Ministry", "Department", "University", "Street", "Avenue", "Road", "Party", "Republic"),
        *("Spider", "Chollima", "Operation", "Campaign", "Trojan", "Ransomware", "Malware", "Red", "Blue", "Black"),
        *(
            "Dark",
            "Web",
            "Internet",
            "Explorer",
            "Active",
            "Directory",
            "Command",
            "Control",
            "Remote",
            "Desktop",
            "Act",
        ),
        *(
            "Service",
            "Services",
            "Company",
            "Bank",
            "House",
            "Court",
            "State",
            "States",
            "United",
            "National",
            "Federal",
        ),
        *("PowerShell", "Visual", "Basic", "Google", "Microsoft", "Apple", "Indictment", "Counts", "Count", "Figure"),
        *("Table", "Section", "Chapter", "Part", "Appendix", "Page", "Grand", "Jury", "District", "County", "Case"),
        *("Initial", "Access", "Execution", "Persistence", "Privilege", "Escalation", "Defense", "Evasion", "Lateral"),
        *("Movement", "Collection", "Exfiltration", "Impact", "Discovery", "Credential", "Reconnaissance", "Resource"),
        *("Lee", "Kit", "Pro", "Edition", "Plus", "Home", "News", "Blog", "Labs", "Research", "Update", "Version"),
    ]
) - {"Lee", "April", "May", "June", "August"}


def find_persons(text: str, chains: Sequence[Chain]) -> Iterator[Mention]:
    """Yield the persons in a text; what is only a last name where a title stands before it, or the text has it in full.

    Args:
        text: The document's text.
        chains: Its stretches of capitalised words.
    """
    full: dict[str, str] = {}
    titled: list[tuple[int, int]] = []
    for chain in chains:
        for piece in _pieces(chain):
            names = _without_title(piece)
            has_title = len(names) < len(piece)
            if has_title and len(names) == 1 and piece[-2][2].rstrip(".") in _BEFORE_LAST:
                titled.append((names[0][0], names[0][0] + len(_bare(names[0][2]))))
                continue
            found = _person(text, names, has_title=has_title)
            if found is not None:
                words = [_bare(w) for _, _, w in names]
                last = words[0] if found.how == "Chinese name in Latin letters" else words[-1]
                full.setdefault(last.casefold(), " ".join(found.text.split()))
                yield found
    for start, end in titled:
        name = text[start:end]
        if name in place_names() or name in organisation_names() or name in _NOT_NAMES or name in _TITLES:
            continue
        whole = full.get(name.casefold(), "")
        yield Mention(
            kind="person",
            start=start,
            end=end,
            text=name,
            how="title",
            score=0.9 if whole else 0.7,
            forms=(whole,) if whole else (),
            stands_for=whole,
        )


def _pieces(chain: Chain) -> Iterator[list[tuple[int, int, str]]]:
    piece: list[tuple[int, int, str]] = []
    for word in chain.words:
        if word[2] in {"of", "for", "and", "on", "in", "the", "&"}:
            if piece:
                yield piece
            piece = []
        else:
            piece.append(word)
            if word[2].endswith(("’s", "'s")):
                yield piece
                piece = []
    if piece:
        yield piece


def _without_title(words: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    k = 0
    while k < len(words) and words[k][2].rstrip(".") in _TITLES:
        k += 1
    return words[k:]


def _bare(word: str) -> str:
    return word.removesuffix("’s").removesuffix("'s").rstrip("’'")


def _person(text: str, names: Sequence[tuple[int, int, str]], *, has_title: bool) -> Mention | None:
    words = [_bare(w) for _, _, w in names]
    if not 2 <= len(words) <= 4 or not all(_NAME_WORD.fullmatch(w) for w in words):
        return None
    if any(w.capitalize() in _NOT_NAMES for w in words) or " ".join(words) in place_names():
        return None
    if words[0] in place_names() or words[-1] in place_names() or words[0] in organisation_names():
        return None
    start, end = names[0][0], names[-1][0] + len(words[-1])
    how, score = _evidence(text, words, start, end, has_title=has_title)
    if not how:
        return None
    forms = (f"{words[1]} {words[0]}",) if how == "Chinese name in Latin letters" and len(words) == 2 else ()
    return Mention(kind="person", start=start, end=end, text=text[start:end], how=how, score=score, forms=forms)


def _evidence(text: str, words: Sequence[str], start: int, end: int, *, has_title: bool) -> tuple[str, float]:
    """Return what shows that words are the name of a person, and how sure that is; nothing if nothing does."""
    shouts = all(w.isupper() for w in words)
    if is_pinyin_name(words):
        return "Chinese name in Latin letters", 0.9 if has_title or not shouts else 0.8
    if any(_PATRONYMIC.match(w) for w in words[1:]) and len(words) >= 2:
        return "patronymic", 0.9
    given = words[0].capitalize() if shouts else words[0]
    is_common = given in given_names() or given.split("-")[0] in given_names()
    says = _BEHIND.match(text, end) is not None or _BEFORE.search(text[max(0, start - 24) : start]) is not None
    if has_title and not shouts:
        return "title", 0.95 if is_common else 0.85
    if is_common and words[-1] not in given_names() | {"I", "II", "III"}:
        return "given name", 0.9 if says or _ROLE.match(text, end) else 0.85
    if is_common:
        return "given name", 0.85 if says or _ROLE.match(text, end) else 0.7
    if shouts:
        return "", 0.0
    if _ROLE.match(text, end) is not None and _is_plain(words):
        return "role behind it", 0.8
    return ("verb of speech", 0.75) if says and _is_plain(words) and _BEHIND.match(text, end) else ("", 0.0)


def _is_plain(words: Sequence[str]) -> bool:
    return all(w[0].isupper() and w[1:].islower() and len(w) > 2 for w in words)


def is_pinyin_name(words: Sequence[str]) -> bool:
    """Say whether words are a Chinese name in pinyin: a surname, then one or two syllables, or the other way round.

    >>> is_pinyin_name(["Ni", "Gaobin"]), is_pinyin_name(["Gaobin", "Ni"]), is_pinyin_name(["Red", "Fox"])
    (True, True, False)
    """
    if len(words) == 3:
        words = [words[0], words[1] + words[2].casefold()]
    if len(words) != 2:
        return False
    one, two = (w.casefold().replace("ü", "u") for w in words)
    return any(
        surname in surnames_pinyin() and _PINYIN.fullmatch(given) is not None and (len(given) > 3 or is_first)
        for surname, given, is_first in ((one, two, True), (two, one, False))
    )
