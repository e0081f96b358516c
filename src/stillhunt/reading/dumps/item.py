"""One message or article of a dump, and what formats have in common: times, names of fields, plain text of markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from html.parser import HTMLParser

__all__ = ["LARGEST", "Item", "first_of", "moment", "plain"]

LARGEST = 8 << 20
"""Bytes of one message or article; what is larger is not taken for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A message or an article.

    Attributes:
        start: Where it begins in the file, in bytes.
        stop: Where it ends.
        head: What stands before its words, as it is shown: time and sender.
        text: Its words.
        sender: Who sent or wrote it; empty if nothing says.
        to: To whom, or in which room.
        sent: When: ``2022-03-01T10:22:33`` or ``2022-03-01``; empty if nothing says, or it can be read in two ways.
        title: Its title.
        publisher: Whose feed it is from.
        problem: Why it could not be read; empty if it could.
    """

    start: int
    stop: int
    head: str = ""
    text: str = ""
    sender: str = ""
    to: str = ""
    sent: str = ""
    title: str = ""
    publisher: str = ""
    problem: str = ""


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d))?)?")
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
"""Seconds since 1970 that may be the time of a message: from 1990 to 2100."""


def moment(value: object) -> str:
    """Return a time as ISO 8601 in UTC where its zone is known; empty if it is none, or could be two.

    >>> moment("2020-06-21T19:57:32.123456"), moment("Tue, 01 Mar 2022 10:22:00 +0100"), moment(1646126520)
    ('2020-06-21T19:57:32', '2022-03-01T09:22:00', '2022-03-01T09:22:00')
    >>> moment("03/04/2022 10:00")
    ''
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(float(value))
    text = str(value or "").strip()
    if not text or len(text) > 80:
        return ""
    try:
        return _of_number(float(text))
    except ValueError:
        pass
    found = _ISO.match(text)
    if found is not None:
        return _of_iso(text, found)
    try:
        return _utc(parsedate_to_datetime(text))
    except (TypeError, ValueError, IndexError):
        return ""


def _of_number(value: float) -> str:
    for unit in (1.0, 1e3, 1e6, 1e9):
        if _EARLIEST <= value / unit < _LATEST:
            return datetime.fromtimestamp(int(value / unit), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return ""


def _of_iso(text: str, found: re.Match[str]) -> str:
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        pass
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups())
    try:
        when = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return ""
    return when.strftime("%Y-%m-%dT%H:%M:%S" if found[4] else "%Y-%m-%d")


def _utc(when: datetime) -> str:
    return (when.astimezone(UTC) if when.tzinfo else when).strftime("%Y-%m-%dT%H:%M:%S")


def first_of(record: Mapping[str, object], names: tuple[str, ...]) -> object:
    """Return the value of the first of some fields that a record has and fills; None without."""
    return next((record[name] for name in names if name in record and _is_filled(record[name])), None)


def _is_filled(value: object) -> bool:
    return value is not None and not (isinstance(value, str | list) and not value)


_BLOCKS = frozenset(
    [
        *("p", "div", "br", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("tr", "table", "blockquote", "pre", "section", "article", "header", "footer", "figure", "hr", "dt", "dd"),
    ]
)
_SILENT = frozenset({"script", "style", "template", "noscript"})
_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*\n\s*")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\n" if tag == "br" else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def plain(markup: str) -> str:
    r"""Return the words of a piece of HTML, with an empty line between blocks; a text without tags as it is.

    >>> plain("<p>Ada &amp; Bo</p><p>went<br>home</p>")
    'Ada & Bo\n\nwent\nhome'
    """
    if not _MARKUP.search(markup):
        return unescape(markup).strip()
    words = _Words()
    words.feed(markup)
    words.close()
    return _LINES.sub("\n\n", _SPACES.sub(" ", "".join(words.parts))).replace(" \n", "\n").replace("\n ", "\n").strip()
