"""Noun phrases and lists of them: where they begin, how far they go, what their head is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.reading.grammar.tokens import Token

__all__ = ["Phrase", "hangs", "is_finite", "items", "noun_phrase", "phrase_before", "skip"]

_INSIDE = frozenset({"N", "PN", "NUM"})
_START = frozenset({"DET", "POSS", "N", "PN", "NUM", "PRON"})
_POSTMODIFIERS = frozenset(
    [
        "of",
        "in",
        "at",
        "from",
        "for",
        "within",
        "with",
        "around",
        "inside",
        "outside",
        "on",
        "near",
        "relating",
        "related",
        "belonging",
    ]
)
_CLOSERS = frozenset("—–;:.?!•·")
_ADJECTIVAL = frozenset(
    {
        "steal",
        "leak",
        "classify",
        "compromise",
        "target",
        "allege",
        "relate",
        "associate",
        "know",
        "select",
        "hack",
        "infect",
        "connect",
        "own",
        "encrypt",
        "establish",
        "contract",
        "affiliate",
        "elect",
        "appoint",
        "retire",
        "exile",
    }
)
_LOCATING = frozenset({"include", "locate", "base", "headquarter", "deem", "situate", "relate"})
_OF_ONLY = frozenset({"of"})
_VAGUE = frozenset(
    {"including", "such", "namely", "like", "especially", "notably", "particularly", "e.g.", "involving"}
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: tokens ``first`` up to, not with, ``last``.

    Attributes:
        first: Index of its first token.
        last: Index after its last.
        head: Index of its head noun.
        example: Whether it stands behind `including` or the like.
    """

    first: int
    last: int
    head: int
    example: bool = False


def is_finite(toks: Sequence[Token], i: int) -> bool:
    """Say whether a finite verb group begins at a token."""
    while i < len(toks) and toks[i].tag in {"ADV", "NEG"}:
        i += 1
    if i >= len(toks):
        return False
    token = toks[i]
    return (
        token.tag == "MOD"
        or (token.tag == "AUX" and token.form == "")
        or (token.tag == "V" and token.form in {"s", "past", "ed", "base"} and not hangs(toks, i))
    )


def hangs(toks: Sequence[Token], i: int) -> bool:
    """Say whether a form in -ed hangs on the noun before it: `hackers linked to`, `firms targeted by`."""
    if toks[i].form not in {"ed", "pp"}:
        return False
    following = toks[i + 1] if i + 1 < len(toks) else None
    if following is None:
        return False
    if following.low in {"by", "as"}:
        return True
    return toks[i].base in _HANGING and following.tag in {"PREP", "TO", "Q", "PN"}


_HANGING = frozenset(
    [
        "link",
        "affiliate",
        "associate",
        "believe",
        "base",
        "know",
        "suspect",
        "sponsor",
        "back",
        "locate",
        "call",
        "dub",
        "name",
        "track",
        "tie",
        "connect",
        "allege",
        "deem",
        "consider",
        "relate",
        "design",
        "intend",
        "aim",
        "involve",
        "include",
        "identify",
        "title",
        "entitle",
        "label",
        "attribute",
        "sanction",
        "hire",
        "own",
        "base",
        "use",
        "assess",
        "employ",
        "control",
        "direct",
        "contract",
        "train",
        "assign",
        "station",
        "dedicate",
    ]
) - frozenset(
    {
        "sanction",
        "hire",
        "use",
        "identify",
        "include",
        "involve",
        "attribute",
        "assess",
        "employ",
        "direct",
        "call",
        "name",
        "track",
    }
)


def skip(toks: Sequence[Token], i: int) -> int:
    """Return the index after a bracket that opens at ``i``; ``i`` itself if none does."""
    if i < len(toks) and toks[i].text in "([":
        depth = 0
        for j in range(i, min(len(toks), i + 60)):
            depth += toks[j].text in {"(", "["}
            depth -= toks[j].text in {")", "]"}
            if not depth:
                return j + 1
    return i


def noun_phrase(toks: Sequence[Token], i: int, *, deep: bool = True) -> Phrase | None:
    """Return the noun phrase that begins at a token, with what hangs on it; None if none does.

    Args:
        toks: Tokens of a sentence.
        i: Where it begins; quotation marks before it are taken in.
        deep: Take in prepositional phrases other than those with `of`.
    """
    first = i
    while (
        i < len(toks)
        and (
            toks[i].tag == "Q"
            or toks[i].low
            in {
                "at",
                "least",
                "more",
                "than",
                "about",
                "nearly",
                "around",
                "over",
                "approximately",
                "almost",
                "some",
                "up",
                "to",
                "roughly",
                "mostly",
                "mainly",
                "primarily",
                "also",
            }
        )
        and i - first < 4
    ):
        if toks[i].tag in {"PREP", "ADV", "TO"} and not _leads_to_number(toks, i):
            if toks[i].tag == "ADV":
                i += 1
                continue
            break
        if toks[i].tag == "DET" and not _leads_to_number(toks, i):
            break
        i += 1
    if i >= len(toks) or not (
        toks[i].tag in _START
        or _is_modifier(toks, i)
        or (toks[i].text in {"$", "£", "€"} and i + 1 < len(toks) and toks[i + 1].tag == "NUM")
    ):
        return None
    if toks[i].tag == "PRON":
        return Phrase(i, i + 1, i)
    core = _core(toks, i)
    if core is None:
        return None
    head, j = core
    while j < len(toks):
        hung = _hung(toks, j, deep=deep)
        if hung is None:
            break
        j = hung
    if (toks[first].tag == "Q" and first < i and j < len(toks) and toks[j].tag == "Q") or (
        j < len(toks)
        and toks[j].tag == "Q"
        and any(t.tag == "Q" for t in toks[i:j])
        and sum(t.tag == "Q" for t in toks[i:j]) % 2
    ):
        j += 1
    return Phrase(first, j, head)


def _leads_to_number(toks: Sequence[Token], i: int) -> bool:
    return any(t.tag == "NUM" for t in toks[i + 1 : i + 4]) and toks[i].low != "to"


def _is_modifier(toks: Sequence[Token], i: int) -> bool:
    """Say whether a verb's form is an adjective here: `leaked documents`, `so-called front`, `alleged members`."""
    token = toks[i]
    following = toks[i + 1] if i + 1 < len(toks) else None
    return (
        token.tag == "V"
        and token.form in {"ed", "pp", "ing"}
        and following is not None
        and following.tag in {"N", "PN"}
    )


def _core(toks: Sequence[Token], i: int) -> tuple[int, int] | None:
    """Return (index of the head, index after the core)."""
    head = None
    j = i
    while j < len(toks):
        token = toks[j]
        if token.tag in _INSIDE:
            head = j
        elif (token.tag == "GEN" and head is not None) or (
            token.low == "such" and head is not None and toks[head].tag == "NUM"
        ):
            pass
        elif (
            token.text == "("
            and head is not None
            and j + 3 < len(toks)
            and toks[j + 2].text == ")"
            and toks[j + 1].text.isupper()
            and toks[j + 3].tag == "N"
            and not is_finite(toks, j + 3)
        ):
            j += 2
        elif (
            (
                token.tag in {"DET", "POSS"}
                and (head is None or toks[j - 1].low in {"all", "both", "most", "some", "any", "these"})
            )
            or (token.tag == "ADV" and head is None and j + 1 < len(toks) and toks[j + 1].tag in {*_INSIDE, "V"})
            or (
                token.tag == "V"
                and token.form in {"ed", "pp", "ing"}
                and j + 1 < len(toks)
                and _modifies(toks, j, head)
            )
            or (token.text in {"&", "/"} and head is not None and j + 1 < len(toks) and toks[j + 1].tag in _INSIDE)
            or (
                token.text == "!"
                and head is not None
                and j + 1 < len(toks)
                and (toks[j + 1].text in {"”", ")"} or toks[j + 1].tag == "N")
            )
        ):
            pass
        elif (
            token.tag == "Q"
            and head is not None
            and j + 1 < len(toks)
            and token.text == "”"
            and toks[j + 1].text == "("
            and any(t.text == "“" for t in toks[i:j])
        ):
            after = skip(toks, j + 1)
            if after < len(toks) and toks[after].tag == "N" and not is_finite(toks, after):
                j = after - 1
        elif (
            (token.text in {"$", "£", "€"} and head is None)
            or (
                token.tag == "Q"
                and j + 1 < len(toks)
                and (
                    (head is None and toks[j + 1].tag in {*_INSIDE, "DET", "V"})
                    or (head is not None and (toks[j + 1].tag in {"N", "PN"} or _quoted_name(toks, j)))
                )
            )
            or (token.tag == "CC" and head is not None and (_joint_modifiers(toks, j) or _joint_name(toks, j)))
            or (token.tag == "DATE" and head is None and j > i)
        ):
            pass
        else:
            break
        j += 1
    if head is None:
        # "these", "both", "others" alone
        if toks[i].tag == "DET" and j > i:
            return i, j
        return None
    while j > head + 1 and toks[j - 1].tag in {"DET", "POSS", "ADV"}:
        j -= 1
    return head, j


def _modifies(toks: Sequence[Token], j: int, head: int | None) -> bool:
    following = toks[j + 1]
    if following.tag not in {"N", "PN"} and not (
        following.tag == "V" and j + 2 < len(toks) and toks[j + 2].tag == "N" and following.form != "ing"
    ):
        return False
    if toks[j].form == "ing" and toks[j].base in {"author", "participate", "partner", "govern"}:
        return True
    if head is None:
        return toks[j].form != "ing" or j == 0 or toks[j - 1].tag in {"DET", "POSS", "PREP", "NUM", "CC", "P", "N"}
    # a noun before: "hackers targeting firms" is a clause, "data mining tools" is not
    return False


def _quoted_name(toks: Sequence[Token], j: int) -> bool:
    return (
        toks[j].text in {"“", '"'}
        and j + 2 < len(toks)
        and toks[j + 1].tag in {"N", "PN"}
        and any(t.text in {"”", '"'} for t in toks[j + 2 : j + 7])
    )


def _joint_modifiers(toks: Sequence[Token], j: int) -> bool:
    """Say whether `and` joins two modifiers of one noun: `work and personal email accounts`."""
    if toks[j].low not in {"and", "or"} or toks[j - 1].tag != "N" or toks[j - 1].low.endswith("s"):
        return False
    after = [t.tag for t in toks[j + 1 : j + 3]]
    return after == ["N", "N"] and not is_finite(toks, j + 3)


_JOINED = frozenset(
    [
        "science",
        "security",
        "trade",
        "infrastructure",
        "technology",
        "research",
        "belt",
        "intelligence",
        "culture",
        "health",
        "defence",
        "defense",
        "industry",
        "commerce",
        "cybersecurity",
        "energy",
        "oil",
        "telecommunications",
        "information",
        "finance",
        "foreign",
        "law",
        "justice",
        "education",
        "communications",
        "atlantic",
        "homeland",
        "transport",
        "food",
        "drug",
        "immigration",
        "customs",
        "border",
    ]
)


def _joint_name(toks: Sequence[Token], j: int) -> bool:
    """Say whether `and` stands inside a name: `Science and Technology Laboratory`."""
    return (
        toks[j].low == "and"
        and toks[j - 1].tag == "PN"
        and toks[j - 1].low in _JOINED
        and j + 1 < len(toks)
        and toks[j + 1].tag == "PN"
        and (toks[j + 1].low in _JOINED or toks[j + 1].low in {"road", "enforcement", "commonwealth", "protection"})
    )


def _hung(toks: Sequence[Token], j: int, *, deep: bool) -> int | None:
    """Return the index after what hangs on a noun at ``j``: a short bracket, a prepositional phrase."""
    token = toks[j]
    if (
        deep
        and token.tag == "V"
        and token.base in _LOCATING
        and token.form in {"ed", "pp"}
        and j + 1 < len(toks)
        and toks[j + 1].low in {"in", "at", "of", "to", "by"}
    ):
        inner = noun_phrase(toks, j + 2, deep=False)
        return inner.last if inner is not None else None
    if token.text == "(":
        after = skip(toks, j)
        return after if after > j and after - j <= 12 else None
    if token.tag != "PREP" or token.low not in (_POSTMODIFIERS if deep else _OF_ONLY):
        return None
    if (
        token.low == "for"
        and j + 1 < len(toks)
        and (toks[j + 1].tag == "POSS" or toks[j + 1].low in {"having", "allegedly", "its"})
    ):
        return None
    if token.low == "with" and toks[j - 1].low not in {
        "companies",
        "people",
        "persons",
        "firms",
        "ties",
        "links",
        "those",
    }:
        return None
    if token.low == "in" and j + 1 < len(toks) and toks[j + 1].tag == "DATE":
        return None
    if j + 1 < len(toks) and toks[j + 1].tag == "DATE":
        return None
    if j + 1 < len(toks) and toks[j + 1].low in {
        "order",
        "addition",
        "particular",
        "connection",
        "which",
        "behalf",
        "part",
    }:
        return None
    inner = noun_phrase(toks, j + 1, deep=deep)
    if inner is None or toks[inner.head].tag == "PRON":
        return None
    end = inner.last
    if token.low in {"in", "of", "across", "from", "within"}:
        end = _joined(toks, inner)
    return end


def _joined(toks: Sequence[Token], inner: Phrase) -> int:
    """Return the end of a phrase with a second one joined to it: `in America and elsewhere`, `of A and B`."""
    j = inner.last
    if j + 1 < len(toks) and toks[j].low in {"and", "or"}:
        if toks[j + 1].low in {"elsewhere", "abroad", "beyond", "overseas"}:
            return j + 2
        if toks[inner.head].tag == "PN" and toks[j + 1].tag == "PN":
            other = noun_phrase(toks, j + 1, deep=False)
            if other is not None and not is_finite(toks, other.last) and toks[other.head].tag == "PN":
                return other.last
    return inner.last


def phrase_before(toks: Sequence[Token], end: int, *, floor: int = 0) -> Phrase | None:
    """Return the longest noun phrase that ends right before a token."""
    for i in range(floor, end):
        if toks[i].tag not in _START and toks[i].tag != "Q" and not _is_modifier(toks, i):
            continue
        if i > floor and toks[i - 1].tag in _INSIDE and toks[i].tag in {*_INSIDE, "V"}:
            continue  # not from its middle, and not from a verb
        found = noun_phrase(toks, i)
        if found is not None and found.last >= end and found.head < end:
            return Phrase(found.first, end, found.head)
    return None


def items(toks: Sequence[Token], i: int, *, deep: bool = True, until: int | None = None) -> tuple[list[Phrase], int]:
    """Return the items of the list that begins at a token, and the index after it.

    A list is noun phrases between commas, semicolons, `and`, `as well as`; what stands behind `including` or
    `such as` are examples; numbers and bullets of items are passed over. A phrase with a verb behind it begins a
    clause of its own, unless the list is known to go ``until`` there.
    """
    found: list[Phrase] = []
    example = False
    while True:
        i = _past_numbering(toks, i)
        if (
            found
            and i < len(toks)
            and toks[i].tag == "V"
            and (toks[i].form == "ing" or toks[i].base not in _ADJECTIVAL)
        ):
            break
        phrase = noun_phrase(toks, i, deep=deep)
        if phrase is None or (found and phrase.last != until and not _may_join(toks, phrase)):
            break
        found.append(Phrase(phrase.first, phrase.last, phrase.head, example))
        end = phrase.last
        after, opens, closes = _separator(toks, end)
        if after is None:
            return found, end
        example = (example or opens) and not closes
        i = after
    return found, found[-1].last if found else i


def _may_join(toks: Sequence[Token], phrase: Phrase) -> bool:
    return not is_finite(toks, phrase.last) and toks[phrase.head].tag != "PRON"


def _past_numbering(toks: Sequence[Token], i: int) -> int:
    if i + 2 < len(toks) and toks[i].text == "(" and toks[i + 2].text == ")" and len(toks[i + 1].text) <= 3:
        return i + 3
    while i < len(toks) and toks[i].text in {"•", "·", "-"}:
        i += 1
    return i


def _separator(toks: Sequence[Token], i: int) -> tuple[int | None, bool, bool]:
    """Return (index after a separator at ``i`` or None, whether examples begin, whether they end)."""
    n = len(toks)
    j = i
    comma = False
    closes = False
    while j < n and (toks[j].text in {",", ";"} or (toks[j].tag == "Q" and comma)):
        comma = True
        j += 1
        if j < n and toks[j].tag == "Q" and toks[j].text in {"“", '"'}:
            break
    if j < n and toks[j].text in {"—", "–"} and j + 1 < n:
        lead = toks[j + 1].low
        if lead in _VAGUE:
            j += 1
            comma = True
        elif lead in {"as", "and"}:
            j += 1
            closes = True
            comma = True
    if j >= n:
        return None, False, False
    low = toks[j].low
    following = toks[j + 1].low if j + 1 < n else ""
    if low == "as" and following == "well" and j + 2 < n and toks[j + 2].low == "as":
        return j + 3, False, True
    if low in {"along", "together"} and following == "with":
        return j + 2, False, True
    if low == "including" or (low == "such" and following == "as"):
        after = j + (2 if low == "such" else 1)
        while (
            after < n
            and toks[after].low
            in {"those", "in", "relating", "related", "to", "the", "following", ":", "but", "not", "limited"}
            and toks[after].text != "“"
        ):
            after += 1
        return after, True, False
    if low in {"and", "or"}:
        j += 1
        while j < n and toks[j].tag == "ADV":
            j += 1
        if j < n and toks[j].low in {"in", "across", "to", "against", "from"}:
            return None, False, False
        if j + 1 < n and toks[j].low == "other" and toks[j + 1].low == "than":
            return None, False, False
        return j, False, closes
    if comma and j > i:
        return j, False, closes
    return None, False, False
