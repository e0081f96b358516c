r"""Undoes what reports do to addresses so that nobody clicks them, and remembers where every character came from.

`hxxp[:]//evil[.]example`, `evil (dot) example`, `user[at]evil{.}example`, `http:\\\\evil\\.example`: the plain text has
them as they are used, and :meth:`Plain.origin` gives the place in the text as it was written.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

__all__ = ["Plain", "refang"]

_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_FORMS = re.compile(
    # a scheme with letters struck out, or a scheme whose colon or slashes are wrapped
    r"(?P<scheme>(?<![A-Za-z0-9])\[?(?P<http>h(?:[xX]{1,3}|[tT]{2}|[xX][tT]|[tT][xX]|\*\*|__|--|##)[pP]|"
    r"H(?:[xX]{2}|[tT]{2})[pP]|[fF][xXtT][pP]|meow)(?P<s>[sS]?)\]?"
    rf"[ \t]?(?:{_OPEN}[ \t]?:[ \t]?{_CLOSE}|:|{_OPEN}:?//{_CLOSE}|{_OPEN}:/{_CLOSE})"
    rf"[ \t]?(?:(?:/|\\|{_OPEN}/{_CLOSE}){{1,2}}|(?<=//.))[ \t]?)"
    # a dot in brackets or in words in brackets, with blanks around it or none
    rf"|(?P<dot>(?<=[\w\])}}>\-%])[ \t]?{_OPEN}[ \t]?(?:\.|,|(?i:dot|d0t|punto|punkt))[ \t]?{_CLOSE}[ \t]?"
    r"(?=[\w\[({%]))"
    r"|(?P<half>(?<=\w)(?:\[\.|\.\]|\{\.|\.\})(?=\w))"
    r"|(?P<escaped>(?<=[\w\-])\\\.(?=\w))"
    rf"|(?P<at>(?<=[\w.])[ \t]?{_OPEN}[ \t]?(?:@|(?i:at))[ \t]?{_CLOSE}[ \t]?(?=\w))"
    rf"|(?P<colon>(?<=[\w\])]){_OPEN}:{_CLOSE}(?=[\w/\\]))"
    rf"|(?P<slash>(?<=[\w\])/]){_OPEN}/{_CLOSE}(?=[\w?&#]))"
    r"|(?P<spoken>(?<=[a-z0-9])[ ]dot[ ](?=(?:com|net|org|info|biz|ru|cn|ir|kr|xyz|top|online|site)\b))"
    # Markdown escapes the underscore
    r"|(?P<mark>\\(?=[_*~]))"
)
_PATH = re.compile(r"\\(?![._*~])|:(?![/\\]{2})|%|^$")
_WITH = {"dot": ".", "half": ".", "escaped": ".", "at": "@", "colon": ":", "slash": "/", "spoken": ".", "mark": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A text with addresses as they are used.

    Attributes:
        text: The plain text.
        marks: Places in the plain text behind each change, ascending.
        shifts: What to add to a place behind the change of the same number to get the place as written.
        changed: (start, end) in the plain text of what was changed, ascending.
    """

    text: str
    marks: tuple[int, ...]
    shifts: tuple[int, ...]
    changed: tuple[tuple[int, int], ...]

    def origin(self, at: int) -> int:
        """Return where a place of the plain text lies in the text as written."""
        n = bisect_right(self.marks, at)
        return at + (self.shifts[n - 1] if n else 0)

    def origin_end(self, at: int) -> int:
        """Return where a stretch that ends at this place of the plain text ends in the text as written."""
        return self.origin(at - 1) + 1 if at else 0

    def is_changed(self, start: int, end: int) -> bool:
        """Tell whether anything in a stretch of the plain text was written otherwise."""
        n = bisect_right(self.changed, (end - 1, end))
        return n > 0 and self.changed[n - 1][1] > start and self.changed[n - 1][0] < end


def refang(text: str) -> Plain:
    """Return a text with its addresses as they are used.

    >>> refang("hxxps[:]//a[.]b (dot) example/x").text
    'https://a.b.example/x'
    """
    parts: list[str] = []
    marks: list[int] = []
    shifts: list[int] = []
    changed: list[tuple[int, int]] = []
    at = length = 0
    for match in _FORMS.finditer(text):
        new = _plain(text, match)
        if new is None:
            continue
        parts += [text[at : match.start()], new]
        begin = length + match.start() - at
        length = begin + len(new)
        at = match.end()
        if new != match.group() and match.lastgroup != "mark":
            changed.append((begin, length))
        marks.append(length)
        shifts.append(at - length)
    parts.append(text[at:])
    return Plain(text="".join(parts), marks=tuple(marks), shifts=tuple(shifts), changed=tuple(changed))


def _plain(text: str, match: re.Match[str]) -> str | None:
    """Return what a form stands for; None if it is none here."""
    if match["scheme"] is not None:
        name = "ftp" if match["http"][0] in "fF" else "http"
        return f"{name}{'s' if match['s'] else ''}://"
    if (match["escaped"] or match["mark"]) is not None and _in_path(text, match.start()):
        return None
    return _WITH[match.lastgroup or ""]


def _in_path(text: str, at: int) -> bool:
    r"""Tell whether a backslash is one of several of a path, as in ``C:\\Users\\.ssh``."""
    begin = max(text.rfind(c, max(0, at - 200), at) for c in " \n\t\"'") + 1
    word = text[begin:at]
    return bool(_PATH.search(word))
