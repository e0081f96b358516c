"""Who says what a sentence says: reporting verbs, `according to`, quotations that go on, papers that speak.

A document is the first speaker of everything in it. Inside it a sentence, or a part of one, may have a speaker of its
own: the subject of a reporting verb speaks its complement, a quotation goes on in the next sentence until somebody else
speaks, and what a paper says goes on while its subject stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stillhunt.reading.draft import ARTICLE
from stillhunt.reading.grammar.clauses import REPORTING, Clause
from stillhunt.reading.grammar.phrases import Phrase, noun_phrase
from stillhunt.reading.scene import Scene

__all__ = ["ALLEGING", "Said", "Talk", "speakers_in"]

ALLEGING = frozenset(["allege", "accuse", "charge", "claim", "suspect", "blame"])
"""Verbs that say that something is only alleged."""

_ACCUSING = frozenset({"accuse", "blame", "suspect", "condemn", "criticise", "criticize"})
_CALLING = frozenset({"call", "describe", "brand", "label", "denounce", "characterise", "characterize"})
_SHOWING = frozenset({"show", "reveal", "suggest", "indicate", "describe", "illustrate", "detail"})
_NEVER = frozenset(
    {"find", "judge", "determine", "observe", "see", "think", "believe", "assess", "conclude", "suspect", "maintain"}
)
_IMPERSONAL = frozenset({"it", "this", "that", "which", "there", "these"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A stretch of a sentence that somebody says.

    Attributes:
        first: Index of its first token.
        last: Index after its last.
        speaker: Who, resolved.
        verb: Base of the verb that says so, ``according to``, or empty for a quotation that goes on.
        of: Index of the first token of the speaker's name; None if it is not in this sentence.
        paper: Whether the speaker is a document.
    """

    first: int
    last: int
    speaker: str
    verb: str
    of: int | None = None
    paper: bool = False


@dataclass(slots=True)
class Talk:
    """Who spoke last.

    Attributes:
        speaker: Who; empty if the document itself spoke.
        verb: How.
        paper: Whether it was a document.
        paragraph: In which paragraph.
        quoting: Whether a quotation is still open.
        subject: What the last sentence was about.
    """

    speaker: str = ""
    verb: str = ""
    paper: bool = False
    paragraph: int = -1
    quoting: bool = False
    subject: str = ""
    quoted: bool = False
    listing: str = ""
    listing_paper: bool = False


def speakers_in(scene: Scene, talk: Talk) -> list[Said]:
    """Return who says which part of a sentence; parts without an entry are the document's own.

    Args:
        scene: The sentence.
        talk: Who spoke last; brought up to date.
    """
    found = [*_according(scene), *(s for c in scene.clauses if (s := _reported(scene, c)) is not None)]
    opening = next((t for t in scene.toks if t.tag == "Q"), None)
    starts_quoted = scene.toks[0].tag == "Q" or (talk.quoting and opening is not None and opening.text == "”")
    if not found:
        carried = _carried(scene, talk, starts_quoted=starts_quoted)
        if carried is not None:
            found = [carried]
        elif talk.listing and _is_item(scene):
            found = [
                Said(
                    first=0,
                    last=len(scene.toks),
                    speaker=talk.listing,
                    verb="allege" if talk.listing_paper else "",
                    paper=talk.listing_paper,
                )
            ]
    opens = scene.toks[-1].text == ":" or "following" in scene.lows(len(scene.toks) - 6, len(scene.toks))
    if opens and found:
        talk.listing, talk.listing_paper = found[-1].speaker, found[-1].paper
    elif not _is_item(scene):
        talk.listing = ""
    _bring_up(scene, talk, found)
    return found


def _is_item(scene: Scene) -> bool:
    """Say whether a sentence is an item of a list: it has no main verb of its own, or ends like one."""
    if scene.toks[-1].text in {";", ":"} or scene.toks[0].text in {"-", "–"}:
        return True
    return not any(c.shape == "finite" and not c.relative and c.subjects for c in scene.clauses)


def _bring_up(scene: Scene, talk: Talk, found: list[Said]) -> None:
    if found:
        last = found[-1]
        talk.speaker, talk.verb, talk.paper = last.speaker, last.verb or talk.verb, last.paper
    elif talk.paragraph != scene.paragraph or not talk.quoting:
        talk.speaker = talk.speaker if talk.paragraph == scene.paragraph else ""
    talk.paragraph = scene.paragraph
    opened = sum(t.text == "“" for t in scene.toks)
    closed = sum(t.text == "”" for t in scene.toks)
    talk.quoting = (opened > closed) or (talk.quoting and not closed)
    talk.quoted = scene.toks[0].text in {"“", '"'} or any(t.text == "”" for t in scene.toks[-2:])


def _carried(scene: Scene, talk: Talk, *, starts_quoted: bool) -> Said | None:
    """Return the last speaker where the sentence goes on with what that one says."""
    if not talk.speaker:
        return None
    whole = Said(first=0, last=len(scene.toks), speaker=talk.speaker, verb="", paper=talk.paper)
    if talk.quoting:
        return whole
    if talk.paragraph != scene.paragraph:
        return None
    if starts_quoted and not talk.paper:
        return whole
    low = scene.toks[0].low
    second = scene.low(1)
    if talk.paper and (
        low in {"its", "it", "they", "their", "since", "the", "he"}
        or "allegedly" in {t.low for t in scene.toks}
        or second == "also"
    ):
        return (
            whole
            if low != "the" or scene.low(1) in {"group", "hackers", "defendants", "conspirators", "team", "men"}
            else None
        )
    if "allegedly" in {t.low for t in scene.toks[:8]} and talk.verb in ALLEGING:
        return whole
    return None


def _according(scene: Scene) -> list[Said]:
    found = []
    for i, token in enumerate(scene.toks):
        start = None
        if token.low == "according" and scene.low(i + 1) == "to":
            start = i + 2
        elif (
            token.low == "in"
            and scene.low(i + 1) == "the"
            and scene.low(i + 2) in {"words", "view", "opinion"}
            and scene.low(i + 3) == "of"
        ):
            start = i + 4
        elif token.low == "as" and scene.low(i + 1) == "alleged":
            after = i + 2
            last_paper = scene.memory.last("paper", token.start) or "the indictment"
            speaker = (
                scene.plain(phrase)
                if scene.low(after) == "in" and (phrase := noun_phrase(scene.toks, after + 1))
                else last_paper
            )
            found.append(Said(first=i, last=len(scene.toks), speaker=_paper_name(speaker), verb="allege", paper=True))
            continue
        if start is None:
            continue
        phrase = noun_phrase(scene.toks, start, deep=True)
        if phrase is None:
            continue
        paper = "paper" in scene.sorts(phrase)
        first, last = (
            (0, len(scene.toks))
            if i < 3 or i > len(scene.toks) - (phrase.last - i) - 3
            else (_clause_edge(scene, i), len(scene.toks))
        )
        found.append(
            Said(
                first=first, last=last, speaker=_name(scene, phrase), verb="according to", of=phrase.first, paper=paper
            )
        )
    return found


def _clause_edge(scene: Scene, i: int) -> int:
    for j in range(i - 1, -1, -1):
        if scene.toks[j].text in {";", ":", "—"}:
            return j + 1
    return 0


_TELLING = frozenset({"tell", "inform", "remind", "assure"})


def _reported(scene: Scene, clause: Clause) -> Said | None:
    """Return what a clause reports, if it does."""
    toks = scene.toks
    if clause.passive or clause.shape not in {"finite", "ing"}:
        return None
    if clause.base in _ACCUSING:
        return _from(scene, clause, clause.after) if clause.shape == "finite" else None
    if clause.base == "put" and scene.low(clause.after) == "it" and clause.subjects:
        return _from(scene, clause, clause.after)
    if clause.base not in REPORTING and clause.base not in {"charge", "praise"} and clause.base not in _CALLING:
        return None
    # `said Holm` is turned round, `told reporters` is not
    inverted = _inverted(scene, clause) if clause.base not in _TELLING else None
    if inverted is not None:
        return inverted
    if clause.shape != "finite":
        return None
    quoted = clause.after < len(toks) and toks[clause.after].text in {"“", '"', ":"}
    following = scene.low(clause.after)
    if clause.base in _TELLING and _told_before(scene, clause):
        told = _from(scene, clause, 0, last=clause.first)
        named = _in_apposition(scene, clause.subjects[0])
        return replace(told, speaker=_name(scene, named)) if told is not None and named is not None else told
    if clause.base in {*_TELLING, "warn"}:
        listener = noun_phrase(toks, clause.after)
        if listener is not None and scene.low(listener.last) in {"that", ":", ",", "how"}:
            return _from(scene, clause, listener.last)
        if following != "that" and not quoted:
            return None
    if clause.base in {"charge", "praise"} and following != "that":
        return None
    if clause.base in _CALLING:
        return (
            _from(scene, clause, clause.after)
            if any(t.tag == "Q" for t in toks[clause.after :]) or clause.base == "describe"
            else None
        )
    # at the end, behind what was said
    if _speech_before(scene, clause):
        return _from(scene, clause, 0, last=clause.first)
    if following == "that" or quoted or clause.base in {"say", "add", "claim"}:
        return _from(scene, clause, clause.after)
    if clause.base in {
        "allege",
        "assess",
        "believe",
        "judge",
        "think",
        "warn",
        "reveal",
        "note",
        "conclude",
        "report",
        "confirm",
        "deny",
        "announce",
        "estimate",
        "suspect",
        "show",
        "suggest",
        "indicate",
        "state",
        "disclose",
        "describe",
        "find",
        "observe",
        "acknowledge",
    }:
        if clause.subjects and ("paper" in scene.sorts(clause.subjects[-1]) or clause.base not in _NEVER | _SHOWING):
            return _from(scene, clause, clause.after)
        if any(
            c.first > clause.after
            and c.shape == "finite"
            and c.governor is not None
            and scene.clauses[c.governor] is clause
            for c in scene.clauses
        ):
            return _from(scene, clause, clause.after)
    return None


def _speech_before(scene: Scene, clause: Clause) -> bool:
    """Say whether `X said` stands behind the speech: nothing follows, a comma or quotation mark precedes."""
    if not clause.subjects:
        return False
    first = clause.subjects[0].first
    rest = [t for t in scene.toks[clause.after :] if t.tag not in {"P", "Q", "ADV", "DATE"} and t.tag != "PREP"]
    before = scene.toks[first - 1] if first else None
    ends = (
        not rest or scene.toks[clause.after].text in {".", ":", ","} or scene.toks[clause.after].tag in {"PREP", "DATE"}
    )
    goes_on = "that" in scene.lows(clause.after, clause.after + 5)
    return (
        before is not None and (before.text in {",", "”"} or before.tag == "Q") and ends and first > 2 and not goes_on
    )


def _in_apposition(scene: Scene, phrase: Phrase) -> Phrase | None:
    """Return who has an office: `Ada Holm` of `Ada Holm, the director, told`."""
    if not phrase.first or scene.toks[phrase.first - 1].text != ",":
        return None
    near = [p for p in scene.phrases if p.last == phrase.first - 1 and scene.toks[p.head].tag == "PN"]
    return near[-1] if near else None


def _told_before(scene: Scene, clause: Clause) -> bool:
    """Say whether `X told reporters` stands behind a quotation."""
    first = clause.subjects[0].first if clause.subjects else 0
    return (
        first > 2
        and any(t.text == "”" for t in scene.toks[:first])
        and not clause.negated
        and ("that" not in scene.lows(clause.after, clause.after + 5))
    )


def _inverted(scene: Scene, clause: Clause) -> Said | None:
    """Return the speaker of `..., says X`."""
    toks = scene.toks
    before = toks[clause.first - 1] if clause.first else None
    if (
        before is None
        or not (before.text in {",", "”"} or before.tag == "Q")
        or clause.base not in {"say", "tell", "write", "add", "explain", "warn", "note", "argue", "state"}
    ):
        return None
    phrase = noun_phrase(toks, clause.after)
    if phrase is None or not (
        {"person", "safe", "role", "agency", "company", "defender", "country"} & scene.sorts(phrase)
        or toks[phrase.head].tag == "PN"
    ):
        return None
    if any(c.shape == "finite" and c.subjects and c.subjects[0].first == phrase.first for c in scene.clauses):
        return None
    return Said(
        first=0, last=clause.first, speaker=_name(scene, phrase), verb=clause.base, of=phrase.first, paper=False
    )


def _from(scene: Scene, clause: Clause, first: int, *, last: int | None = None) -> Said | None:
    subjects = list(clause.subjects)
    if not subjects or scene.toks[subjects[0].head].low in _IMPERSONAL:
        return None
    kinds = scene.sorts(subjects[-1])
    if {"group", "malware", "actor", "attack"} & kinds and not {"person", "paper", "safe", "agency"} & kinds:
        return None
    stop = len(scene.toks) if last is None else last
    if last is None:
        stop = _end_of_speech(scene, first)
    names = [_name(scene, p) for p in subjects]
    return Said(
        first=first,
        last=stop,
        speaker="; ".join(dict.fromkeys(names)),
        verb=clause.base,
        of=subjects[0].first,
        paper="paper" in kinds,
    )


def _end_of_speech(scene: Scene, first: int) -> int:
    """Return where a speech ends: at the end of the sentence, or where `but` or `while` begins with another subject."""
    quoted = False
    for i in range(first, len(scene.toks)):
        token = scene.toks[i]
        if token.text == "“":
            quoted = True
        elif token.text == "”":
            quoted = False
        elif (
            not quoted
            and token.low in {"while", "whereas", "although"}
            and i > first + 2
            and scene.toks[i - 1].text == ","
        ) or (not quoted and token.text == ";" and i > first + 2):
            return i
    return len(scene.toks)


def _paper_name(words: str) -> str:
    plain = words[4:] if words.casefold().startswith("the ") else words
    head = plain.split()[-1].casefold() if plain else ""
    for paper in ("indictment", "complaint", "affidavit", "advisory", "report"):
        if paper in plain.casefold().split() and head != paper:
            return f"the {paper}"
    return f"the {plain}" if plain[:1].islower() else plain


def _name(scene: Scene, phrase: Phrase) -> str:
    kinds = scene.sorts(phrase)
    if "person" in kinds:
        token = scene.toks[phrase.head]
        if token.tag == "PRON":
            return scene.memory.last("person", token.start) or token.text
        return _with_employer(scene, scene.slot(Phrase(phrase.first, phrase.last, phrase.head)).text)
    if scene.toks[phrase.head].low in {"we", "i", "us"}:
        return ARTICLE
    if scene.toks[phrase.head].tag == "PRON":
        return scene.memory.last("subject", scene.toks[phrase.head].start) or ARTICLE
    text = scene.slot(phrase).text
    if "paper" in kinds:
        return _paper_of(scene, phrase, text)
    return text


def _with_employer(scene: Scene, name: str) -> str:
    # "Mark Kelly of Recorded Future" is the person; the employer is kept with the roles
    head, _, tail = name.partition(" of ")
    del scene
    return f"{head} ({tail})" if tail and tail[0].isupper() else head


def _paper_of(scene: Scene, phrase: Phrase, text: str) -> str:
    """Return the name of a paper: `the document` is the one that was named last."""
    low = text.casefold()
    for paper in ("indictment", "complaint", "affidavit"):
        if paper in low:
            return f"the {paper}"
    if scene.head(phrase) == "document":
        for paper in ("indictment", "complaint", "affidavit", "report", "advisory"):
            if any(paper in words.casefold() for _, words in reversed(scene.memory.seen.get("paper", []))):
                return f"the {paper}"
    return f"the {text}" if text[:1].islower() else text
