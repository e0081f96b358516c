"""Chats as text: lines that begin with a time and who wrote, as messengers and clients of IRC and Jabber save them.

A line that does not begin so belongs to the message before it. Which way of writing a file has is decided once, from
its first lines, so that a line inside a message is not taken for the head of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from stillhunt.reading.dumps.item import LARGEST, Item, moment

__all__ = ["ChatStyle", "chat_items", "chat_style"]

_DAY = r"(?P<day>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
_CLOCK = r"(?P<clock>\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,6})?(?:\s?[AaPp][Mm])?Z?)"
_WHEN = rf"(?:{_DAY}(?:,\s?|[T ]+|\t))?{_CLOCK}"
_NAME = r"(?P<who>[^\s:<>\[\]\t|](?:[^:<>\[\]\t\n|]{0,58}[^\s:<>\[\]\t\n|])?)"
_PATTERNS = (
    rf"\[?{_WHEN}\]?\s*[-–—]?\s*<[@+%&~ ]?{_NAME}>\s?",  # [10:22] <ada> words
    rf"\[{_WHEN}\]\s*{_NAME}:[ \t]?",  # [2022-03-01, 10:22] ada: words
    rf"{_WHEN}\s[-–—]\s{_NAME}:[ \t]?",  # 01/03/2022, 10:22 - ada: words
    rf"{_WHEN}(?:[\t|]\s*|\s+){_NAME}:(?:[ \t]|$)",  # 2022-03-01 10:22 ada: words
    rf"{_WHEN}\s*[\t|]\s*{_NAME}\s*[\t|]\s?",  # 2022-03-01 10:22<tab>ada<tab>words
    rf"{_NAME}\s+[\[(]{_WHEN}[\])]:?\s*",  # ada [2022-03-01 10:22]: words, or a line of its own
    rf"{_DAY}[T ]+{_CLOCK}[ \t]+{_NAME}[ \t]*$",  # 2022-03-01 10:22:33 ada, with the words on the next lines
)
_ALONE = len(_PATTERNS) - 1
_HEADS = tuple(re.compile(pattern) for pattern in _PATTERNS)
_SHARE = 0.5
_SHARE_ALONE = 0.2
_FEWEST = 4
_LOOKED_AT = 400
"""Lines that decide."""

_LONGEST_HEAD = 200
_PARTS = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStyle:
    """How a chat is written.

    Attributes:
        head: What a message begins with.
        order: Of the numbers of a day that does not begin with the year: ``dmy``, ``mdy``, or empty where both fit.
    """

    head: re.Pattern[str]
    order: str = ""


def chat_style(lines: Sequence[str]) -> ChatStyle | None:
    """Return how a chat is written whose first lines these are; None if they are no chat.

    Args:
        lines: Lines of the beginning, without their ends.
    """
    filled = [line for line in lines[:_LOOKED_AT] if line.strip()]
    best, most = None, 0
    for number, head in enumerate(_HEADS):
        found = [match for line in filled if (match := head.match(line[:_LONGEST_HEAD]))]
        share = _SHARE_ALONE if number == _ALONE else _SHARE
        if len(found) > most and len(found) >= max(_FEWEST, share * len(filled)) and _is_talk(found):
            best, most = number, len(found)
    if best is None:
        return None
    days = [match["day"] for line in filled if (match := _HEADS[best].match(line[:_LONGEST_HEAD])) and match["day"]]
    return ChatStyle(head=_HEADS[best], order=_order(days))


def _is_talk(found: Sequence[re.Match[str]]) -> bool:
    """Say whether heads are those of people: some come back, and there is not another on every line."""
    names = [match["who"] for match in found]
    return len(set(names)) <= max(3, len(names) // 2)


def _order(days: Sequence[str]) -> str:
    numbers = [tuple(map(int, m.groups())) for day in days if (m := _PARTS.fullmatch(day)) and len(m[1]) <= 2]
    if any(first > 12 for first, _, _ in numbers):
        return "dmy"
    return "mdy" if any(second > 12 for _, second, _ in numbers) else ""


def chat_items(file: BinaryIO, style: ChatStyle, *, encoding: str) -> Iterator[Item]:
    """Yield the messages of a chat in order; lines before the first are one without a sender.

    Args:
        file: The file, at its beginning.
        style: How it is written.
        encoding: Of its text.
    """
    at = 0
    open_: Item | None = None
    lines: list[str] = []
    day = ""
    for raw in file:
        line = raw.decode(encoding, "replace").lstrip("\ufeff")
        match = style.head.match(line.rstrip("\r\n")[:_LONGEST_HEAD])
        if match is not None or open_ is None or at - open_.start > LARGEST:
            if open_ is not None:
                yield replace(open_, text="".join(lines), stop=at)
            if match is not None:
                day = match["day"] or day
            open_ = _begun(match, style, day, at)
            line = line[match.end() :] if match is not None else line
            lines = []
        lines.append(line)
        at += len(raw)
    if open_ is not None:
        yield replace(open_, text="".join(lines), stop=at)


def _begun(match: re.Match[str] | None, style: ChatStyle, day: str, at: int) -> Item:
    if match is None:
        return Item(start=at, stop=at)
    return Item(start=at, stop=at, head=match.group(), sender=match["who"].strip(), sent=_sent(day, match, style.order))


def _sent(day: str, match: re.Match[str], order: str) -> str:
    """Return when a message was sent: empty where day and month may be either."""
    numbers = _PARTS.fullmatch(day) if day else None
    if numbers is None:
        return ""
    first, second, third = numbers.groups()
    if len(first) == 4:
        written = f"{first}-{second}-{third}"
    elif not order:
        return ""
    else:
        year = third if len(third) == 4 else f"20{third}"
        written = f"{year}-{second}-{first}" if order == "dmy" else f"{year}-{first}-{second}"
    clock = match["clock"].split(".")[0].split(",")[0]
    return moment(f"{written} {clock}")
