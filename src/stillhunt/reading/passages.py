"""Cuts a document's text into paragraphs and sentences that the grammar reads, and leaves out what is not prose.

Hard line ends inside a paragraph, page numbers inside a sentence, bullets, and the tail of links and addresses behind
an article are the largest sources of error of a reader of reports; nothing is changed in the text, so offsets stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stillhunt.reading.grammar.words import ABBREVIATIONS

__all__ = ["Passage", "passages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence, or an item or heading that stands alone.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        paragraph: Number of its paragraph, from 0.
        holes: Stretches inside it that do not belong to it, such as a page number.
        heading: Whether it has no end of a sentence and stands alone.
    """

    start: int
    end: int
    paragraph: int
    holes: tuple[tuple[int, int], ...] = ()
    heading: bool = False


_TAIL = re.compile(
    r"^(?:Related (?:Content|Topics|Articles|Links|Stories)|Read More\b.*|Topics|Components|Attachments?|"
    r"Subscribers can .*|"
    r"Sign up (?:to|for) .*|Subscribe .*|Share this .*|Follow us .*|References|Notes to editors|Notes for editors|"
    r"Contact (?:us|information).*|Media (?:contact|enquiries).*|Press Release Number.*|About the author.*|"
    r"Updated [A-Z][a-z]+ \d.*|"
    r"More (?:from|on) .*|Explore more|Reuse this content.*|Most viewed|Advertisement|Version history|Revision history|"
    r"Disclaimer.*|###+)$",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"[^\S\n]*(?:Page\s+)?(?:\d{1,3}|[ivx]{1,4}|-\s?\d{1,3}\s?-|\d{1,3} of \d{1,3}|Case \d[^\n]{5,80}|"
    r"TLP:\s?\w+)[^\S\n]*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s*(?:[•·▪●◦‣*]|[-–—]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s)")
_END = re.compile(r"(?:[.!?]+[”\"’')\]]*|(?<=[a-z]{3})\.\d{1,2})(?=\s+[“\"‘(\[]?[A-Z0-9•·一-鿿]|\s*$)")
_GLUED = re.compile(
    r"(?<=\d{4})(?=[A-Z][a-z]+[A-Z][a-z])|(?<=[a-z])(?=(?:This|The|These|In|On|APT) ?[A-Z]?[a-z ])(?<=[a-z]{5})"
)
_META = re.compile(r"^(?:title|url|author|date|published|source|byline)\s*:", re.IGNORECASE)


def passages(text: str, *, start: int = 0, end: int | None = None) -> list[Passage]:
    """Return the sentences of a text in order.

    Args:
        text: The document's text.
        start: Where to begin.
        end: Where to end; the end of the text if None.
    """
    out: list[Passage] = []
    for number, (first, last, holes) in enumerate(_paragraphs(text, start, len(text) if end is None else end)):
        for a, b, heading in _sentences(text, first, last, holes):
            inside = tuple((h, k) for h, k in holes if a < h and k < b)
            out.append(Passage(start=a, end=b, paragraph=number, holes=inside, heading=heading))
    return out


_NOTED = re.compile(r"[^\W\d]{2}[.”]\d{1,2}$")
"""The end of a sentence with the number of a footnote."""

_NOTE = 5
"""Letters of it: two of a word, the stop, one or two digits."""


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield at, stop
        at = stop + 1


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Return (start, end, holes) of paragraphs: lines joined where a sentence runs over their end."""
    lines = list(_lines(text, start, end))
    wide = _width(text, lines)
    found: list[tuple[int, int, list[tuple[int, int]]]] = []
    open_at: int | None = None
    close_at = start
    holes: list[tuple[int, int]] = []
    gap = False

    def finish() -> None:
        nonlocal open_at, holes
        if open_at is not None and close_at > open_at:
            found.append((open_at, close_at, holes))
        open_at, holes = None, []

    for k, (a, b) in enumerate(lines):
        line = text[a:b].strip()
        if not line:
            gap = True
            continue
        if _TAIL.match(line) and k > len(lines) * 0.4 and not _prose_follows(text, lines, k):
            break
        if _META.match(line) and a < 2000:
            finish()
            continue
        if _PAGE.fullmatch(text[a:b]) and open_at is not None and not _ends_sentence(text, close_at):
            holes.append((a, b))
            continue
        runs_on = (
            open_at is not None
            and not _ends_sentence(text, close_at)
            and not _BULLET.match(line)
            and _runs_on(text, open_at, close_at, line, gap=gap, wide=wide, holes=holes)
        )
        if (
            open_at is not None
            and not gap
            and _ends_sentence(text, close_at)
            and not _BULLET.match(line)
            and wide
            and text[a:b].strip()[:1]
            and (close_at - text.rfind("\n", 0, close_at)) > wide * 0.8
        ):
            runs_on = True
        if not runs_on:
            finish()
            open_at = a + (len(text[a:b]) - len(text[a:b].lstrip()))
        close_at = a + len(text[a:b].rstrip())
        gap = False
    finish()
    return found


def _prose_follows(text: str, lines: list[tuple[int, int]], k: int) -> bool:
    """Say whether long lines of prose follow a line that looks like the beginning of a tail."""
    del text
    long = [b - a for a, b in lines[k + 1 : k + 40]]
    return sum(1 for n in long if n > 160) >= 4 or (len(lines) - k > 200)


def _width(text: str, lines: list[tuple[int, int]]) -> int:
    """Return the width at which lines were broken; 0 if paragraphs stand on one line each."""
    lengths = sorted(b - a for a, b in lines if text[a:b].strip())
    if len(lengths) < 8:
        return 0
    wide = lengths[int(len(lengths) * 0.9)]
    return wide if wide <= 170 else 0


def _ends_sentence(text: str, at: int) -> bool:
    if _NOTED.search(text, max(0, at - _NOTE), at):
        return True
    return (
        text[max(0, at - 40) : at].rstrip()[-1:] in {".", "!", "?", ":", "”", ";"} and text[max(0, at - 2) : at] != "v."
        if at
        else True
    )


def _runs_on(text: str, start: int, at: int, line: str, *, gap: bool, wide: int, holes: list[tuple[int, int]]) -> bool:
    last_line = at - max(start, text.rfind("\n", 0, at))
    lower = line[:1].islower() or line[:1] in "(,;“&" or line[:1].isdigit()
    tail = text[start:at].rstrip()
    unfinished = tail.endswith((",", "-", "—", "&", "(")) or tail.rsplit(None, 1)[-1].casefold() in {
        "the",
        "of",
        "and",
        "to",
        "in",
        "a",
        "an",
        "for",
        "with",
        "by",
        "on",
        "or",
        "at",
        "from",
        "as",
        "that",
    }
    if holes and holes[-1][0] >= at:
        return True
    if gap:
        return lower or unfinished
    if wide:
        return last_line > wide * 0.62 or lower or unfinished
    return lower or unfinished


def _sentences(text: str, start: int, end: int, holes: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    at = start
    cut = []
    for found in _END.finditer(text, start, end):
        if any(a <= found.start() < b for a, b in holes) or not _is_end(text, at, found.start(), found.end()):
            continue
        cut.append(found.end())
    cut += [g.start() for g in _GLUED.finditer(text, start, end) if text[g.start() - 4 : g.start()].isdigit()]
    for stop in sorted({*cut, end}):
        a, b = at, stop
        while a < b and (text[a].isspace() or text[a] in "•·▪●◦‣"):
            a += 1
        while b > a and text[b - 1].isspace():
            b -= 1
        noted = _NOTED.search(text, max(a, b - _NOTE), b)
        b = noted.start() + _NOTE - 2 if noted else b
        if b > a:
            yield a, b, text[b - 1] not in '.!?”"’)' and stop == end
        at = stop


def _is_end(text: str, start: int, dot: int, after: int) -> bool:
    if text[dot] != ".":
        return text[dot] != "!" or not text[after:].lstrip().startswith(("(", "“"))
    word_at = dot
    while word_at > start and not text[word_at - 1].isspace() and text[word_at - 1] not in '(“"':
        word_at -= 1
    word = text[word_at:dot].casefold()
    if word in ABBREVIATIONS and word not in {"no", "art", "inc", "co", "corp", "ltd", "etc"} and after - dot == 1:
        return word in {"u.s", "u.k", "u.n", "e.u", "d.c"} and text[after:].lstrip()[:4] in {"The ", "This", "In a"}
    if len(word) == 1 and word.isalpha() and word != "i":
        return False  # an initial
    if word in {"inc", "co", "corp", "ltd", "etc"}:
        if text[after:].lstrip().startswith(("Ltd", "Limited", "Inc", "LLC", "Corp")):
            return False
        return text[after:].lstrip()[:1].isupper() and not text[after:].lstrip()[:2].islower()
    return True
