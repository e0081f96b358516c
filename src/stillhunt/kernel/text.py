"""Patterns over text, and what a text says when it is read as a number or a time.

Regular expressions run in RE2, in time linear in the text, whatever their author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum

import re2

__all__ = ["Wildcard", "compile_regex", "folded", "needle_of", "number_of", "time_part", "wildcard_regex"]


class Wildcard(Enum):
    """Any text (``*``), and any one character (``?``), with their regular expressions."""

    ANY = ".*"
    ONE = "."


_QUIET = re2.Options()
_QUIET.log_errors = False  # the reason goes into the ledger of rules, not to the screen

_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(r"[+-]?[0-9]{1,40}\.[0-9]{1,40}")
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,32}")
_REPEAT = re.compile(r"[*?+]\??|\{[0-9]+(?:,[0-9]*)?\}\??")
_PLAIN_CLASSES = frozenset("AabBdDfnrsStvwWz")
"""Escapes of one letter that stand for a class or a place."""


def compile_regex(pattern: str) -> Callable[[str], object]:
    """Compile a pattern; the function returned says whether a text contains it.

    Raises:
        ValueError: RE2 cannot run the pattern, for instance because it looks around or back.
    """
    try:
        search: Callable[[str], object] = re2.compile(pattern, _QUIET).search
    except re2.error as error:
        reason = error.args[0] if error.args else "invalid pattern"
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None
    return search


def wildcard_regex(parts: Sequence[str | Wildcard], *, is_start: bool, is_end: bool) -> str:
    r"""Write literals and wildcards as one pattern, held to the start or the end of the text if asked.

    >>> wildcard_regex(["a.b", Wildcard.ANY, "c"], is_start=True, is_end=False)
    '(?s)\\Aa\\.b.*c'
    """
    middle = "".join(part.value if isinstance(part, Wildcard) else str(re2.escape(part)) for part in parts)
    return "(?s)" + (r"\A" if is_start else "") + middle + (r"\z" if is_end else "")


def needle_of(pattern: str) -> str:
    r"""Return the longest ASCII text, in lower case, that every match of a pattern contains, ignoring case.

    Only text outside groups and classes is considered; empty where nothing can be said.

    >>> needle_of(r"(?i)\+.*Invoke-Mimi[kc]atz\.ps1?")
    'invoke-mimi'
    >>> needle_of("one|other")
    ''
    """
    runs, run, at = [""], "", 0
    while at < len(pattern):
        repeat = _REPEAT.match(pattern, at)
        if repeat:
            # Where the last character need not occur it is no part of the run; where it may recur the run ends.
            is_needed = repeat[0][0] == "+" or (repeat[0][0] == "{" and repeat[0][1] != "0")
            runs.append(run if is_needed else run[:-1])
            run, at = "", repeat.end()
            continue
        character = pattern[at]
        if character == "|":
            return ""
        if character == "\\":
            character, at = pattern[at + 1 : at + 2], at + 1
            if not character or (character.isalnum() and character not in _PLAIN_CLASSES):
                return ""
            is_literal = character.isascii() and not character.isalnum()
        elif character in "([":
            if pattern.startswith("(?", at) and "x" in pattern[at:].partition(")")[0].partition(":")[0]:
                return ""
            at = _end_of_group(pattern, at) if character == "(" else _end_of_class(pattern, at)
            is_literal = False
        else:
            is_literal = character.isascii() and character not in ".^${})"
        if is_literal:
            run += character
        else:
            runs.append(run)
            run = ""
        at += 1
    return max([*runs, run], key=len).lower()


def folded(text: str) -> str:
    """Return text without its case: in lower case, and with one small sigma, which otherwise depends on what follows.

    >>> folded("CMD.exe"), folded("ΑΣ") in folded("ΑΣΑ")
    ('cmd.exe', True)
    """
    lower = text.lower()
    return lower if lower.isascii() else lower.replace("\u03c2", "\u03c3")


def number_of(text: str) -> int | float | None:
    """Read a decimal or ``0x`` number, or return None.

    >>> number_of("0x10"), number_of("-3"), number_of("1.5"), number_of("1_000")
    (16, -3, 1.5, None)
    """
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else None


def time_part(text: str, part: str) -> int | None:
    """Return the minute, hour, day, week (ISO), month or year of an ISO 8601 time, or None.

    >>> time_part("2021-08-24 03:12:09.123", "hour"), time_part("2021-08-24T03:12:09Z", "week")
    (3, 34)
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.isocalendar().week if part == "week" else int(getattr(at, part))


def _end_of_group(pattern: str, at: int) -> int:
    depth = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif character == "[":
            at = _end_of_class(pattern, at)
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return at
        at += 1
    return at


def _end_of_class(pattern: str, at: int) -> int:
    """Return where a class ends; a bracket right behind its start belongs to it, as do named classes."""
    at += 2 if pattern.startswith("[^", at) else 1
    first = at
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern.startswith("[:", at):
            at = max(at, pattern.find(":]", at) + 1)
        elif pattern[at] == "]" and at > first:
            return at
        at += 1
    return at
