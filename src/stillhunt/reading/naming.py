"""Everything that a document mentions by name: what the base knows, and persons, organisations, places and sectors.

Where two readings of the same letters meet, the longer one counts, and of two as long the surer one; what the base
knows as a group or as software is never anything else. A Chinese name comes with both forms as candidates:
in Latin letters with what sounds the same in Han letters, in the document or in the base, and the other way round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stillhunt.errors import MissingExtraError
from stillhunt.knowledge.romanise import fold
from stillhunt.reading.chains import chains_in
from stillhunt.reading.extract.bodies import find_bodies
from stillhunt.reading.extract.hanzi import find_han_names, has_han
from stillhunt.reading.extract.persons import find_persons
from stillhunt.reading.extract.places import find_places
from stillhunt.reading.extract.sectors import find_sectors
from stillhunt.reading.lists import latin_places, surnames_han
from stillhunt.reading.mention import Mention

__all__ = ["latin_form", "names_in"]

_RANK = {"group": 0, "campaign": 0, "malware": 0, "tool": 0, "organisation": 1, "person": 2, "sector": 3, "place": 4}
_FEWEST = 0.6


def names_in(text: str, known: Iterable[Mention] = ()) -> tuple[Mention, ...]:
    """Return the names in a text, in order of place; none overlaps another.

    Args:
        text: The document's text.
        known: What the base knows of them.
    """
    chains = list(chains_in(text))
    found = [
        *known,
        *find_bodies(text, chains),
        *find_persons(text, chains),
        *find_places(text),
        *find_sectors(text),
        *find_han_names(text),
    ]
    return tuple(_with_both_forms(_apart([m for m in found if m.score >= _FEWEST])))


def _apart(found: Sequence[Mention]) -> list[Mention]:
    """Return what does not overlap: names of the base first, then the longer, then the surer."""
    kept: list[Mention] = []
    taken: set[int] = set()
    for one in sorted(found, key=lambda m: (_RANK[m.kind] > 0, m.start - m.end, _RANK[m.kind], -m.score, m.start)):
        letters = range(one.start, one.end)
        if taken.isdisjoint(letters):
            taken.update(letters)
            kept.append(one)
    return sorted(kept, key=lambda m: m.start)


def _with_both_forms(found: Sequence[Mention]) -> Iterator[Mention]:
    """Yield mentions, Chinese ones with how they are written in the other script."""
    han: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in found:
        if one.kind in {"person", "organisation"} and has_han(one.text):
            for sound in _sounds(one.text):
                han[one.kind, sound].add(one.text)
    for one in found:
        if one.kind not in {"person", "organisation"}:
            yield one
        elif has_han(one.text):
            yield replace(one, forms=tuple(dict.fromkeys((*one.forms, *latin_form(one.text, kind=one.kind)))))
        elif han:
            same = {name for written in (one.text, *one.forms) for s in _sounds(written) for name in han[one.kind, s]}
            yield replace(one, forms=(*one.forms, *sorted(same)))
        else:
            yield one


def _sounds(name: str) -> tuple[str, ...]:
    try:
        return (fold(name).sound,)
    except MissingExtraError:  # without the package that transliterates, nothing sounds like anything
        return ()


def latin_form(han: str, *, kind: str) -> tuple[str, ...]:
    """Return how a name in Han letters may be written in Latin ones; nothing without the package that transliterates.

    >>> latin_form("\u5434\u6d77\u6ce2", kind="person")
    ('Wu Haibo', 'Haibo Wu')
    """
    try:
        fold(han)
    except MissingExtraError:
        return ()
    if kind != "person":
        return _latin_body(han)
    listed = surnames_han()
    length = 2 if han[:2] in listed and len(han) > 2 else 1
    given = fold(han[length:]).plain.capitalize() if han[length:] else ""
    surname = listed.get(han[:length], fold(han[:length]).plain.capitalize())
    return (f"{surname} {given}", f"{given} {surname}") if given else ()


_BODIES = (
    ("国家安全部", "Ministry of State Security"),
    ("国家安全厅", "State Security Department"),
    ("国家安全局", "State Security Bureau"),
    ("公安部", "Ministry of Public Security"),
    ("公安厅", "Public Security Department"),
    ("公安局", "Public Security Bureau"),
    ("外交部", "Ministry of Foreign Affairs"),
    ("国防部", "Ministry of Defence"),
    ("有限责任公司", "Company Limited"),
    ("股份有限公司", "Company Limited"),
    ("有限公司", "Company Limited"),
    ("公司", "Company"),
    ("集团", "Group"),
    ("研究院", "Research Institute"),
    ("研究所", "Research Institute"),
    ("大学", "University"),
    ("学院", "College"),
    ("银行", "Bank"),
    ("委员会", "Commission"),
    ("办公室", "Office"),
    ("部队", "Unit"),
)
"""Last words of organisations with their English."""


def _latin_body(han: str) -> tuple[str, ...]:
    """Return an organisation's name as English prose would have it: place, name, trade, form."""
    place = next((p for p in sorted(latin_places(), key=len, reverse=True) if han.startswith(p)), "")
    rest = han.removeprefix(place)
    end = next(((theirs, ours) for theirs, ours in _BODIES if rest.endswith(theirs)), ("", ""))
    stem = rest.removesuffix(end[0]) if end[0] else rest
    stem = stem.removeprefix("省").removeprefix("市")
    words = [word.capitalize() for word in fold(stem).words] if stem else []
    named = " ".join(part for part in (latin_places().get(place, ""), *words, end[1]) if part)
    return (named,) if named else ()
