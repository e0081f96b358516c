"""Names that are written to be taken for others: what a name looks like, and which domain another imitates.

Source: Unicode Technical Standard 39, section 4 (skeletons), reduced to what looks alike in the fonts of mail
programs and administration pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["like", "skeleton"]

_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("|", "l"), ("5", "s"), ("3", "e"), ("i", "l"))
_LETTERS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u03bf\u03b1\u0131", "aeopcxylj" + "soal"
)
"""Letters of other scripts that are drawn as Latin ones."""


@lru_cache(maxsize=65_536)
def skeleton(name: str) -> str:
    """Return what a name looks like.

    >>> skeleton("rnicros0ft") == skeleton("Microsoft"), skeleton("Bernard") == skeleton("Berta")
    (True, False)
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    plain = plain.translate(_LETTERS)
    for pair, one in _ALIKE:
        plain = plain.replace(pair, one)
    return re.sub(r"[^\w]|_", "", plain)


def like(domain: str, known: Iterable[str]) -> str:
    """Return the known domain that a domain is written like; empty if it is one of them, or like none.

    >>> like("rninistry.example", {"ministry.example"}), like("ministry-mail.example", {"ministry.example"})
    ('ministry.example', 'ministry.example')
    >>> like("other.example", {"ministry.example"}), like("ministry.example", {"ministry.example"})
    ('', '')
    """
    known = set(known)
    if domain in known or not domain:
        return ""
    label, shape = domain.partition(".")[0], skeleton(domain.partition(".")[0])
    for other in sorted(known):
        name = other.partition(".")[0]
        if len(name) < 5:
            continue
        is_part = name in label.replace("-", " ").replace("_", " ").split() or label.startswith(f"{name}-")
        if skeleton(name) == shape or is_part or (len(name) >= 7 and _differ_by_one(name, label)):
            return other
    return ""


def _differ_by_one(one: str, other: str) -> bool:
    """Tell whether two words differ by one letter changed, added, left out, or by two exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        places = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        is_swap = len(places) == 2 and places[1] == places[0] + 1
        return len(places) == 1 or (
            is_swap and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]
        )
    short, long = sorted((one, other), key=len)
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))
