"""Cuts a text into tokens that know where they lie, and says of each what kind of word it is here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.reading.grammar import words

__all__ = ["Token", "tokens_of"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark.

    Attributes:
        text: As written.
        low: In lower case, with straight apostrophes.
        start: Where it begins in the document's text.
        end: Where it ends.
        tag: ``N`` ``PN`` ``NUM`` ``DET`` ``PREP`` ``CC`` ``SUB`` ``AUX`` ``MOD`` ``NEG`` ``TO`` ``PRON`` ``POSS``
            ``ADV`` ``V`` ``DATE`` ``GEN`` (the genitive) ``Q`` (a quotation mark) or ``P`` (other marks).
        base: Base form of a verb or auxiliary; else empty.
        form: ``base`` ``s`` ``past`` ``pp`` ``ing`` of a verb; ``ed`` where past and participle cannot be told apart.
    """

    text: str
    low: str
    start: int
    end: int
    tag: str
    base: str = ""
    form: str = ""

    @property
    def is_capital(self) -> bool:
        """Whether it is written like a name."""
        return self.text[:1].isupper() or any(c.isupper() for c in self.text)


_TOKEN = re.compile(
    r"People[’']s Republic of China|(?:Islamic )?Republic of (?:Iran|Korea)"
    r"|(?:[A-Z]\.){2,}"  # U.S., J.R.
    r"|\d[\d,.]*\d(?![\w-])%?|\d(?![\w-])%?"
    r"|[a-z]/[a-z](?:/[a-z])+"  # a/k/a
    r"|\w+\!(?=\w)\w+"  # O!cers: a ligature that was lost
    r"|\w+?n[’']t\b"
    r"|[^\W_]+(?:[-‐‑–_.&/@+#][^\W_]+)*"
    r"|[’']s\b|[’'](?=\s)|—|–|--|[“”\"‘’']|[()\[\];:,.!?•·|&$£€%\-/]|\S"
)
_GENITIVE = re.compile(r"(?<=\w)[’']s$")
_ROMAN = re.compile(r"^[ivx]+$")
_BETWEEN = frozenset({"of", "in", "on", "at", "by", "for", "with", "from", "into", "against", "to"})
_COUNTED = frozenset({"N", "PN", "NUM"})
_OPEN = frozenset({"DET", "POSS", "GEN", "PREP", "NUM"})


def tokens_of(
    text: str, start: int = 0, end: int | None = None, *, dates: Sequence[tuple[int, int]] = ()
) -> list[Token]:
    """Return the tokens of a stretch of text, tagged.

    Args:
        text: The document's text.
        start: Where the stretch begins.
        end: Where it ends; the end of the text if None.
        dates: Spans of date expressions, sorted; each becomes one token.
    """
    pieces = _pieces(text, start, len(text) if end is None else end, dates)
    return _tagged(pieces)


def _pieces(text: str, start: int, end: int, dates: Sequence[tuple[int, int]]) -> list[tuple[str, int, int, bool]]:
    pieces: list[tuple[str, int, int, bool]] = []
    at = start
    for begin, stop in [*((b, s) for b, s in dates if start <= b and s <= end), (end, end)]:
        if begin < at:
            continue
        pieces += [(m.group(), m.start(), m.end(), False) for m in _TOKEN.finditer(text, at, begin)]
        if stop > begin:
            pieces.append((text[begin:stop], begin, stop, True))
        at = stop
    return _split_genitives(pieces)


def _split_genitives(pieces: list[tuple[str, int, int, bool]]) -> list[tuple[str, int, int, bool]]:
    """Join an abbreviation with its full stop; a plural's apostrophe becomes a genitive."""
    out: list[tuple[str, int, int, bool]] = []
    for piece in pieces:
        word, begin, stop, dated = piece
        last = out[-1] if out else None
        initial = last is not None and len(last[0]) == 1 and last[0].isupper()
        if (
            word == "."
            and last
            and not last[3]
            and last[2] == begin
            and (initial or last[0].casefold() in words.ABBREVIATIONS)
        ):
            out[-1] = (last[0] + ".", last[1], stop, False)
            continue
        if word in {"’", "'"} and last and last[2] == begin and last[0].endswith("s") and not dated:
            out.append(("’s", begin, stop, False))
            continue
        out.append(piece)
    return out


def _tagged(pieces: list[tuple[str, int, int, bool]]) -> list[Token]:
    forms = words.verb_forms()
    out: list[Token] = []
    n = len(pieces)
    for i, (word, begin, stop, dated) in enumerate(pieces):
        low = word.casefold().replace("’", "'")
        if dated:
            out.append(Token(word, low, begin, stop, "DATE"))
            continue
        following = pieces[i + 1][0].casefold() if i + 1 < n else ""
        dated_next = i + 1 < n and pieces[i + 1][3]
        capital_next = i + 1 < n and pieces[i + 1][0][0].isupper() and not dated_next
        tag, base, form = _tag(word, low, out, following, dated_next, capital_next, forms)
        out.append(Token(word, low, begin, stop, tag, base, form))
    return out


_BEFORE_NAMES = frozenset({"PN", "DET", "GEN", "PREP", "N", "P", "Q", "CC", "NUM", "V"})


def _named(word: str, before: list[Token], *, following_capital: bool) -> bool:
    """Say whether the first word of a sentence is a name: in capitals or with digits, or a capital follows."""
    del before
    return (
        any(c.isdigit() or c.isupper() for c in word[1:])
        or (following_capital and word.casefold() not in words.ADJECTIVES and not _closed_class(word.casefold()))
        or word.casefold() in _PLACES
    )


def _closed_class(low: str) -> bool:
    return (
        low in words.PREPOSITIONS
        or low in words.DETERMINERS
        or low in words.SUBORDINATORS
        or low in words.CONJUNCTIONS
        or low in words.PRONOUNS
        or low in words.POSSESSIVES
        or low in words.ADVERBS
        or low in words.AUXILIARIES
        or low in words.MODALS
    )


_PLACES = frozenset(
    [
        "america",
        "britain",
        "china",
        "russia",
        "iran",
        "ukraine",
        "france",
        "germany",
        "india",
        "japan",
        "taiwan",
        "israel",
        "beijing",
        "moscow",
        "tehran",
        "pyongyang",
        "washington",
        "london",
        "canada",
        "australia",
        "microsoft",
        "google",
        "mandiant",
        "crowdstrike",
        "kaspersky",
        "eset",
        "symantec",
        "facebook",
        "meta",
    ]
)


def _tag(
    word: str,
    low: str,
    before: list[Token],
    following: str,
    following_date: bool,  # noqa: FBT001  # of one place
    following_capital: bool,  # noqa: FBT001  # of one place
    forms: dict[str, tuple[tuple[str, str], ...]],
) -> tuple[str, str, str]:
    last = before[-1] if before else None
    capital = word[0].isupper()
    first = last is None or (last.tag in {"P", "Q"} and last.text in '•·“"—:;.')
    if low == "'s":
        return "GEN", "", ""
    if not word[0].isalnum():
        return ("Q" if word in "“”\"‘’'" else "P"), "", ""
    if (word[0].isdigit() and not any(c.isalpha() for c in word)) or low in words.NUMBERS:
        if low == "one" and following == "of":
            return "DET", "", ""
        if low == "first" and last is not None and last.tag in {"AUX", "ADV"}:
            return "ADV", "", ""
        return "NUM", "", ""
    if low == "that" and last is not None and (last.tag == "PREP" or last.low == "of"):
        return "DET", "", ""
    if low == "according" and following == "to":
        return "PREP", "", ""
    if capital and low not in forms and any(c.isupper() or c.isdigit() for c in word[1:]):
        return "PN", "", ""
    if (
        capital
        and first
        and low not in forms
        and following[:1].isalpha()
        and _named(word, before, following_capital=following_capital)
    ):
        return "PN", "", ""
    never = (
        words.PREPOSITIONS,
        words.DETERMINERS,
        words.AUXILIARIES,
        words.MODALS,
        words.CONJUNCTIONS,
        words.POSSESSIVES,
    )
    named = low not in forms or last is None or last.tag in _BEFORE_NAMES
    if capital and not first and low != "i" and named and not any(low in some for some in never):
        return "PN", "", ""
    if (
        capital
        and not first
        and following_capital
        and low in words.PREPOSITIONS
        and low in {"under", "inside", "outside"}
    ):
        return "PN", "", ""
    if low in {"responsible", "aware", "able", "capable", "unable", "liable"}:
        return "ADJ", "", ""
    closed = _closed(low, last, following)
    if closed is not None:
        return (
            closed,
            (forms[low][0][0] if closed == "AUX" and low in forms else low if closed == "AUX" else ""),
            ("ing" if low in {"being", "having"} else "pp" if low == "been" else ""),
        )
    if low in words.ADVERBS or (low.endswith("ly") and low not in _LY_NOT):
        return "ADV", "", ""
    if low in forms:
        found = _verb(low, forms[low], last, following, following_date, before)
        if found:
            return "V", *found
    return ("PN" if capital and not first else "N"), "", ""


_LY_NOT = frozenset(
    {
        "supply",
        "family",
        "ally",
        "assembly",
        "early",
        "italy",
        "anomaly",
        "monopoly",
        "elderly",
        "friendly",
        "july",
        "apply",
        "imply",
        "rely",
        "reply",
        "comply",
    }
)


def _closed(low: str, last: Token | None, following: str) -> str | None:
    if low in words.NEGATIONS or low.endswith(("n't",)):
        return "NEG"
    if low == "to":
        return "TO"
    if low in words.AUXILIARIES:
        return "AUX"
    if low in words.MODALS:
        return "MOD" if not (low == "may" and last is not None and last.low in {"in", "of"}) else "PN"
    if low == "that":
        return "SUB"
    if low in words.SUBORDINATORS:
        return "SUB"
    if low in words.POSSESSIVES:
        return "POSS"
    if low in {"all", "both", "each"} and last is not None and (last.tag == "AUX" or last.low in {"which", "who"}):
        return "ADV"
    if low in words.DETERMINERS:
        return "DET"
    if low in words.CONJUNCTIONS:
        return "CC"
    if low in words.PREPOSITIONS:
        return "PREP"
    if low in words.PRONOUNS:
        return "PRON"
    del following
    return None


def _verb(
    low: str,
    found: tuple[tuple[str, str], ...],
    last: Token | None,
    following: str,
    following_date: bool,  # noqa: FBT001  # of one place
    before: list[Token],
) -> tuple[str, str] | None:
    """Return (base, form) where a word that can be a verb is one here."""
    shapes = {form for _, form in found}
    base = found[0][0]
    after_determiner = last is not None and (
        last.tag in {"DET", "POSS", "GEN", "NUM"}
        or (
            last.tag == "PREP"
            and last.low
            not in {
                "by",
                "after",
                "before",
                "since",
                "while",
                "without",
                "of",
                "for",
                "in",
                "from",
                "on",
                "to",
                "including",
                "with",
                "than",
                "as",
                "like",
            }
        )
    )
    if "base" in shapes and "past" not in shapes and "pp" not in shapes:
        return _bare(base, "base", last, following, following_date, before)
    if "s" in shapes:
        return _bare(base, "s", last, following, following_date, before)
    if "ing" in shapes:
        if after_determiner and following not in {"the", "a", "an", "its", "their"}:
            return None
        if (
            last is not None
            and last.tag in {"N", "PN"}
            and following
            and (following in words.PREPOSITIONS or following in {"and", ",", "."})
            and low
            in {
                "hacking",
                "phishing",
                "spearphishing",
                "spying",
                "testing",
                "engineering",
                "lobbying",
                "spear-phishing",
                "accounting",
                "manufacturing",
                "processing",
                "shipping",
                "funding",
                "training",
                "banking",
            }
        ):
            return None
        if low in {
            "hacking",
            "phishing",
            "spearphishing",
            "spear-phishing",
            "engineering",
            "manufacturing",
            "shipping",
            "banking",
            "following",
            "accounting",
            "lobbying",
            "computing",
        } and not (last is not None and (last.tag == "AUX" or last.low == "by")):
            return None
        return base, "ing"
    # past, participle, or both; also verbs whose base is the same (set, put, hit)
    if last is not None and last.tag in {"DET", "POSS", "GEN", "NUM"} and following != "by":
        return None
    if low == "found" or "base" not in shapes:
        if (last is not None and last.tag == "AUX") or (
            last is not None and last.tag in {"ADV", "NEG"} and any(t.tag == "AUX" for t in before[-4:])
        ):
            return base, "pp"
        if "past" in shapes and "pp" in shapes:
            return base, "ed"
        return base, ("past" if "past" in shapes else "pp")
    if last is not None and last.tag in {"MOD", "TO"}:
        return base, "base"
    if last is not None and last.tag == "AUX":
        return base, "pp"
    return _bare(base, "ed", last, following, following_date, before) if low in words.NOUNISH else (base, "ed")


def _bare(
    base: str,
    form: str,
    last: Token | None,
    following: str,
    following_date: bool,  # noqa: FBT001  # of one place
    before: list[Token],
) -> tuple[str, str] | None:
    if last is None:
        return None if base in words.NOUNISH or form == "s" else (base, form)
    if last.tag in {"MOD", "TO"} or (last.tag == "ADV" and len(before) > 1 and before[-2].tag in {"MOD", "TO"}):
        return base, form
    if last.tag == "NEG" or (last.low in {"and", "or"} and _after_infinitive(before)):
        return base, form
    if last.tag in {"DET", "POSS", "GEN", "PREP", "NUM"}:
        return None
    if last.tag == "AUX":
        return (base, form) if last.low in {"do", "does", "did"} else None
    if last.tag == "PRON":
        return base, form
    if last.low in {"which", "who", "that", "also"}:
        return base, form
    if base not in words.NOUNISH:
        if (
            form == "s"
            and last.tag == "N"
            and not (
                following in words.DETERMINERS
                or following in words.POSSESSIVES
                or following in words.PREPOSITIONS
                or following in {"that", "to", "“", "how", "what", "it", "them", "about"}
                or following.endswith("ly")
                or following_date
            )
            and not last.low.endswith(("er", "or", "ing", "ion"))
        ):
            return None
        if (
            form == "base"
            and last.tag in {"V", "CC", "P", "Q", "N", "PN"}
            and not (last.tag in {"N", "PN"} and last.low.endswith("s"))
        ):
            return (base, form) if last.text in {",", "•", "·"} else None
        return base, form
    next_opens = (
        following in words.DETERMINERS
        or following in words.POSSESSIVES
        or following_date
        or following in {"“", "on", "in", "against", "for", "with", "at", "to"}
    )
    if (
        form == "s"
        and base in _STEADY
        and (last.tag == "PN" or last.text == ")")
        and following in {"for", "on", "to", "under", "with"}
    ):
        return base, form
    if form == "s" and base in _STEADY and last.tag == "N" and following in {"for", "under", "out", "on"}:
        return base, form
    if last.tag in {"PN", "N"} or last.text == ")":
        plural = last.low.endswith("s")
        if form == "base":
            return (
                (base, form)
                if plural and next_opens and following not in {"on", "in", "against", "for", "at", "to", "with"}
                else None
            )
        if last.tag == "PN" and (
            following in words.DETERMINERS or following in words.POSSESSIVES or not _ends(following)
        ):
            return (
                (base, form)
                if following not in words.PREPOSITIONS
                and following not in words.AUXILIARIES
                and following not in {"and", "or"}
                else None
            )
        return (
            (base, form)
            if next_opens and not plural and following not in {"on", "in", "against", "for", "at", "to", "with"}
            else None
        )
    if last.tag == "ADV":
        return base, form
    return None


_STEADY = frozenset({"work", "focus", "report", "answer", "act", "operate"})


def _ends(following: str) -> bool:
    return not following or not (following[0].isalnum() or following[0] in '“"')


def _after_infinitive(before: list[Token]) -> bool:
    """Say whether a bare verb after `and` goes on an infinitive or a modal."""
    for token in reversed(before[:-1]):
        if token.tag in {"TO", "MOD"}:
            return True
        if token.text in {".", ";"} or (token.tag == "V" and token.form in {"s", "past", "ed"}):
            return False
    return False
