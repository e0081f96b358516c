"""Language of artefacts: keyboard layouts, resources, code pages. The easiest of all to fake, so it weighs little.

Olympic Destroyer (2018) carried another group's traces on purpose; the weight is that of a coin twice tossed, whatever
is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stillhunt.attribution.evidence.line import Line, capped

__all__ = ["CAP", "language_lines"]

CAP = 0.4
_SPOKEN: Mapping[str, frozenset[str]] = {
    "ar": frozenset({"AE", "LB", "PS", "SY", "TN"}),
    "fa": frozenset({"IR"}),
    "he": frozenset({"IL"}),
    "hi": frozenset({"IN"}),
    "ko": frozenset({"KP", "KR"}),
    "pt-br": frozenset({"BR"}),
    "ro": frozenset({"RO"}),
    "ru": frozenset({"RU", "BY", "UA"}),
    "tr": frozenset({"TR"}),
    "uk": frozenset({"UA"}),
    "ur": frozenset({"PK"}),
    "vi": frozenset({"VN"}),
    "zh": frozenset({"CN"}),
}
"""Countries by language; English, and what many write, tells nothing."""


def language_lines(languages: Iterable[str], origins: Mapping[str, str]) -> list[Line]:
    """Weigh languages for groups of countries where they are spoken."""
    lines = []
    for language in sorted(set(languages)):
        key = language.casefold()
        countries = _SPOKEN.get(key) or _SPOKEN.get(key.split("-")[0], frozenset())
        groups = sorted(g for g, c in origins.items() if c in countries)
        if groups:
            told = f"artefacts in the language `{language}`, easily faked"
            lines.append(Line(kind="language", item=language, weights=dict.fromkeys(groups, CAP), told=told))
    return capped(lines, CAP)
