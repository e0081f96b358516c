"""When a document was published: what it says of itself, else what its text shows, always with the grounds.

In this order: what the format says (meta data of a page, the head of a mail); a line of the beginning that is a date or
says so ("Published 25 March 2024", "FOR IMMEDIATE RELEASE") or says who wrote it; the latest day that the text
speaks of as past.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stillhunt.reading.document import Published
from stillhunt.reading.times import DateSpan, dates_in

__all__ = ["publication_of"]

_HEAD = 1_500
_SAYS_SO = re.compile(
    r"\b(?:published|posted|released|release date|issued|last (?:revised|updated)|updated|dated?|immediate release)\b",
    re.IGNORECASE,
)
_NEAR = 60


def publication_of(text: str, *, said: str = "", said_by: str = "") -> Published:
    """Return when a document was published.

    Args:
        text: Its text.
        said: What its format says, as a date; empty if it says nothing.
        said_by: Where that stands.
    """
    if said:
        return Published(date=said[:10], grounds=said_by)
    dates = [date for date in dates_in(text[:_HEAD]) if date.first]
    for date in dates:
        before = text[max(0, date.start - _NEAR) : date.start]
        if _SAYS_SO.search(before):
            return Published(date=_written(date), grounds=f"the text says: {_line(text, date)}")
    for date in dates:
        if _is_own_line(text, date):
            return Published(date=_written(date), grounds=f"a line of its own: {_line(text, date)}")
    for date in dates:
        if _is_byline(text, date):
            return Published(date=_written(date), grounds=f"the byline: {_line(text, date)}")
    return _latest(text, [date for date in dates_in(text) if date.last])


def _latest(text: str, dates: Sequence[DateSpan]) -> Published:
    if not dates:
        return Published()
    last = max(dates, key=lambda date: (date.last, -date.start))
    month = last.last[:7]
    return Published(
        date=month, grounds=f"not before the latest date in the text: {_line(text, last)}", is_inferred=True
    )


def _written(date: DateSpan) -> str:
    """Return a date to the precision in which it is written."""
    return date.first[: {"year": 4, "month": 7}.get(date.precision, 10)]


def _is_own_line(text: str, date: DateSpan) -> bool:
    return len(_line(text, date)) <= (date.end - date.start) + 25


def _is_byline(text: str, date: DateSpan) -> bool:
    """Tell whether a date stands in a line that says by whom a text is: `By Ada Holm, 12 March 2025 | Research`."""
    begin = text.rfind("\n", 0, date.start) + 1
    end = text.find("\n", date.end)
    line = text[begin : end if end >= 0 else len(text)].strip(" \t*_#")
    return len(line) <= 3 * _NEAR and date.precision == "day" and bool(_BY.match(line))


_BY = re.compile(r"(?:[Bb]y|BY|[Aa]uthors?:?)\s+[A-Z]")


def _line(text: str, date: DateSpan) -> str:
    begin = text.rfind("\n", 0, date.start) + 1
    end = text.find("\n", date.end)
    line = " ".join(text[begin : end if end >= 0 else len(text)].split())
    return line if len(line) <= 2 * _NEAR else " ".join(text[max(begin, date.start - _NEAR) : date.end].split())
