"""Text that an attacker may have written, made safe to show; here and nowhere else.

Every string of a log, rule or report may be hostile: it may drive a terminal, turn text around, hide in zero
width, or pile marks over its neighbours. HTML's own escaping is done by the template engine on top of
:func:`for_html`.
"""

from __future__ import annotations

import re

__all__ = ["as_markdown_code", "for_csv", "for_html", "for_markdown", "for_terminal"]

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls but tab, line feed, carriage return
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"  # soft hyphen, fillers, zero width, marks
    "\u2028\u2029\u202a-\u202e\u2060-\u206f\u2800"  # separators, embeddings, overrides, isolates, blank
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"  # fillers, variation selectors, non-characters
    "\ud800-\udfff"  # halves of surrogate pairs
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # invisible music, tags
    "]"
)
_MARK = (
    "[\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_PILED = re.compile(f"({_MARK}{{4}})({_MARK}+)")
"""More combining marks on one letter than any script needs: they would cover the lines around them."""

_LINE_BREAKS = {"\n": "\u23ce", "\r": "\u240d", "\t": " "}


def for_html(text: str) -> str:
    r"""Return text whose controls and invisible characters are visible marks; line breaks and tabs stay.

    >>> for_html("a\u202eb\x1b[2J")
    'a⟨202E⟩b⟨1B⟩[2J'
    >>> for_html("e" + "\u0301" * 100) == "e" + "\u0301" * 4 + "⟨96 marks⟩"
    True
    """
    shown = _HIDDEN.sub(lambda m: f"\u27e8{ord(m.group()):02X}\u27e9", text)
    if shown.isascii():
        return shown
    return _PILED.sub(lambda m: f"{m[1]}\u27e8{len(m[2])} marks\u27e9", shown)


def for_terminal(text: str) -> str:
    r"""Return text on one line that no terminal will obey.

    >>> for_terminal("a\x1b]0;title\x07\nb")
    'a⟨1B⟩]0;title⟨07⟩⏎b'
    """
    return "".join(_LINE_BREAKS.get(c, c) for c in for_html(text))


def for_csv(text: str) -> str:
    r"""Return text that no spreadsheet takes for a formula, on one line.

    >>> for_csv("=cmd|' /C calc'!A0"), for_csv(" +1"), for_csv("C:\\x")
    ("'=cmd|' /C calc'!A0", "' +1", 'C:\\x')
    """
    shown = for_terminal(text)
    return f"'{shown}" if shown.lstrip()[:1] in _FORMULAS else shown


def for_markdown(text: str) -> str:
    r"""Return text on one line that is no Markdown and no HTML, and that no renderer turns into a link.

    Marks that may begin something are escaped (CommonMark 0.31, section 2.4); words that GitHub's flavour would link
    by themselves become code.

    >>> for_markdown("<b>*x*</b> see www.evil.example [a](b)")
    '\\<b\\>\\*x\\*\\</b\\> see `www.evil.example` \\[a\\]\\(b\\)'
    """
    words = for_terminal(text).split(" ")
    return " ".join(as_markdown_code(word) if _LINKED.search(word) else _MARKS.sub(r"\\\1", word) for word in words)


def as_markdown_code(text: str) -> str:
    r"""Return text as a span of code that it cannot end.

    >>> as_markdown_code("a`b"), as_markdown_code("`x"), as_markdown_code("")
    ('``a`b``', '`` `x ``', '')
    """
    shown = for_terminal(text).replace("|", "│")  # a bar would end a cell of a table, even in code
    if not shown.strip():
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>&~$=^-])")
_LINKED = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)

_FORMULAS = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")
"""How a formula or a command may begin, also in full-width letters."""
