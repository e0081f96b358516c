"""Names of groups that a text itself introduces: `the group known as Grey Heron`, `the Grey Heron hackers`.

What a text once calls a group is a group wherever the text names it, whether or not a base knows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stillhunt.reading import sorts

__all__ = ["introduced_groups"]

_NAME = r"(?P<name>[A-Z][\w-]*[\w](?: [A-Z0-9][\w-]*\w){0,2})"
_BAND = r"(?:groups?|actors?|gang|crew|clusters?|collective|outfit|hackers|intrusion set|operators)"
_SORT = r"(?:hacking|hacker|espionage|cyber[- ]?espionage|cyber|threat|intrusion|ransomware|APT|state-sponsored)"
_NAMING = (
    r"(?:known(?: [a-z ]{1,40}?)? as|tracked(?: [a-z ]{1,30}?)? as|tracks as|called|dubbed|nicknamed|it calls|"
    r"we call|referred to as|codenamed)"
)
_ANOTHER = r"(?:also (?:known|tracked) as|a\.?k\.?a\.?) [^)\n]{0,60}(?:APT|UNC|TA|TEMP\.|TAG-|STORM-|Storm-|FIN|UAC-)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:{_BAND}|activity|conspiracy|set|campaign|unit)\b[^.;:\n]{{0,40}}?\b{_NAMING} [“\"‘']?{_NAME}",
        rf"(?<![\w’] ){_NAME}[”\"]?,? (?:is|was) an? [\w -]{{0,40}}?\b{_SORT}[\w -]{{0,20}} {_BAND}\b",
        rf"{_NAME}[”\"]?, an? [\w’ -]{{0,50}}?\b{_SORT}[\w -]{{0,20}} {_BAND}\b",
        rf"\b{_SORT} (?:group|actor|gang|crew|cluster|collective|outfit) [“\"‘']?{_NAME}",
        rf"\b[Tt]he {_NAME}[”\"]? (?:{_SORT} )?(?:group|gang|crew|cluster|hackers|intrusion set)\b",
        rf"{_NAME}[”\"]? \({_ANOTHER}",
    )
)
_NO_NAMES = frozenset(
    """
    The This That These Those A An In On At It Its They We He She I By For Our Their His Her Both Several Other Another
    Chinese Russian Iranian State Government Ministry Company Inc Ltd Limited Corporation Bureau Department Unit Working
    Microsoft Google Mandiant FBI CIA NSA GRU SVR FSB MSS CISA NCSC United European Islamic Western
    """.split()  # noqa: SIM905  # read as prose
)


def introduced_groups(text: str, known: Sequence[tuple[int, int, str]] = ()) -> tuple[tuple[int, int, str], ...]:
    """Return (start, end, name) of every place where a text names a group that it introduces, and of those known.

    Args:
        text: The text.
        known: Places of groups that are known already; no other overlaps them.
    """
    names = {m["name"] for pattern in _PATTERNS for m in pattern.finditer(text)}
    found = list(known)
    for name in sorted(names, key=lambda n: (-len(n), n)):
        if _is_none(name):
            continue
        for match in re.finditer(
            rf"(?<![\w-]){re.escape(name)}(?![\w-]| (?:Ltd|Limited|Co\b|Inc|Ministry|Bureau))", text
        ):
            if not any(a < match.end() and match.start() < b for a, b, _ in found):
                found.append((match.start(), match.end(), name))
    return tuple(sorted(found))


def _is_none(name: str) -> bool:
    words = name.split()
    if len(name) < _SHORTEST or _NO_NAMES.intersection(words):
        return True
    return bool(sorts.country_of(name) or sorts.country_of(words[0]))


_SHORTEST = 4
