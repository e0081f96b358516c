"""Text that an attacker may have written, made safe to show; here and nowhere else.

Every string of a log, rule or report may be hostile: it may drive a terminal, turn text around, hide in zero
width, or end a script element. HTML's own escaping is done by the template engine on top of :func:`for_html`.
"""

from __future__ import annotations

import re

__all__ = ["for_html", "for_terminal"]

_CONTROL = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls but tab, line feed, carriage return
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"  # soft hyphen, fillers, zero width, direction marks
    "\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f"  # separators, embeddings, overrides, isolates
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"  # fillers, variation selectors, marks
    "\ud800-\udfff"  # halves of surrogate pairs
    "\U000e0000-\U000e0fff"  # tags
    "]"
)
_LINE_BREAKS = {"\n": "\u23ce", "\r": "\u240d", "\t": " "}


def for_html(text: str) -> str:
    r"""Return text whose controls and invisible characters are visible marks; line breaks and tabs stay.

    >>> for_html("a\u202eb\x1b[2J")
    'a⟨202E⟩b⟨1B⟩[2J'
    """
    return _CONTROL.sub(lambda m: f"\u27e8{ord(m.group()):02X}\u27e9", text)


def for_terminal(text: str) -> str:
    r"""Return text on one line that no terminal will obey.

    >>> for_terminal("a\x1b]0;title\x07\nb")
    'a⟨1B⟩]0;title⟨07⟩⏎b'
    """
    return "".join(_LINE_BREAKS.get(c, c) for c in for_html(text))
