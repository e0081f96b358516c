"""When a claim was so: the date expression that stands nearest to the words that make it."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.reading.draft import ClaimTime

__all__ = ["DateSpan", "dates_in", "time_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpan:
    """A date expression.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        first: First day, ``2021-01-01``; empty if it has no value.
        last: Last day, likewise.
        precision: ``day`` ``month`` ``year`` ``range`` ``duration``.
    """

    start: int
    end: int
    first: str = ""
    last: str = ""
    precision: str = ""


_MONTHS = (
    {m.casefold(): i for i, m in enumerate(calendar.month_name) if m}
    | {m.casefold(): i for i, m in enumerate(calendar.month_abbr) if m}
    | {"sept": 9}
)
_M = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_RE = re.compile(
    rf"\b(?:(?P<m1>{_M})\s(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y1>(?:19|20)\d\d)"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s(?P<m2>{_M}),?\s(?P<y2>(?:19|20)\d\d)"
    rf"|(?P<m3>{_M}),?\s(?P<y3>(?:19|20)\d\d)"
    rf"|(?P<y4>(?:19|20)\d\d)-(?P<m4>\d\d)-(?P<d4>\d\d)"
    rf"|(?P<y5>(?:19|20)\d\d))\b(?![-/]\d|\.\d)"
)


_COUNTS = {
    w: i for i, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
}
_BARE = _M.replace("|May|", r"|May(?= \d)|")
_RELATIVE = re.compile(
    rf"\b(?:(?P<bare>{_BARE})(?:\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\sand\s\d{{1,2}}(?:st|nd|rd|th))?)?(?!\w)"
    rf"|[Ll]ast (?P<last>month|year)|(?:(?P<few>\w+) or )?(?P<many>one|two|three|four|five|six|seven|eight|nine|"
    rf"ten) years? ago)"
)


def dates_in(text: str, *, published: str = "") -> list[DateSpan]:
    """Return the dates of a text.

    A month without a year, `last month`, `last year` and `two years ago` count from the day of publication; where that
    is not known, from the day that the text itself allows: a month and day without a year are the first after the
    latest full date. Without either they have no value.

    Args:
        text: The document's text.
        published: ``2024-03-26``, ``2024-03`` or ``2024``; empty if unknown.
    """
    found = [_absolute(m) for m in _RE.finditer(text)]
    taken = [(d.start, d.end) for d in found]
    anchor = published or _anchor(text, found, taken)
    for match in _RELATIVE.finditer(text):
        if _overlaps(taken, match.start(), match.end()):
            continue
        found.append(_counted(match, anchor))
    return sorted(found, key=lambda d: d.start)


def _overlaps(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether a stretch touches one of these sorted spans."""
    k = bisect_left(taken, (end, end))
    return k > 0 and taken[k - 1][1] > start


def _absolute(match: re.Match[str]) -> DateSpan:
    groups = {k: v for k, v in match.groupdict().items() if v}
    year = next(v for k, v in groups.items() if k[0] == "y")
    month = next((v for k, v in groups.items() if k[0] == "m"), None)
    day = next((v for k, v in groups.items() if k[0] == "d"), None)
    number = None if month is None else int(month) if month.isdigit() else _MONTHS[month.casefold().rstrip(".")]
    return _span(match.start(), match.end(), int(year), number, None if day is None else int(day))


def _anchor(text: str, found: Sequence[DateSpan], taken: Sequence[tuple[int, int]]) -> str:
    """Return the month in which a text seems to be written: that of its first bare month and day."""
    latest = max((d.last for d in found if d.precision in {"month", "day"}), default="")
    if not latest:
        return ""
    for match in _RELATIVE.finditer(text):
        if match["bare"] and match["day"] and not _overlaps(taken, match.start(), match.end()):
            month = _MONTHS[match["bare"].casefold().rstrip(".")]
            year = int(latest[:4]) + (month <= int(latest[5:7]))
            return f"{year}-{month:02}-{int(match['day']):02}"
    return ""


def _counted(match: re.Match[str], anchor: str) -> DateSpan:
    """Return a relative date counted back from the day of publication."""
    start, end = match.start(), match.end()
    if not anchor:
        return DateSpan(start=start, end=end)
    year, month = int(anchor[:4]), int(anchor[5:7] or 12)
    if match["bare"]:
        named = _MONTHS[match["bare"].casefold().rstrip(".")]
        return _span(start, end, year - (named > month), named, int(match["day"]) if match["day"] else None)
    if match["last"]:
        if match["last"].casefold() == "year":
            return _span(start, end, year - 1, None, None)
        return _span(start, end, year - (month == 1), 12 if month == 1 else month - 1, None)
    few, many = (_COUNTS.get(match[k].casefold(), 0) if match[k] else 0 for k in ("few", "many"))
    back = max(few, many)
    low = min(few, many) or back
    return DateSpan(
        start=start,
        end=end,
        first=f"{year - back}-01-01",
        last=f"{year - low}-12-31",
        precision="range" if low != back else "year",
    )


def _span(start: int, end: int, year: int, month: int | None, day: int | None) -> DateSpan:
    if month is None:
        return DateSpan(start=start, end=end, first=f"{year}-01-01", last=f"{year}-12-31", precision="year")
    if day is None or not 1 <= day <= calendar.monthrange(year, month)[1]:
        last = calendar.monthrange(year, month)[1]
        return DateSpan(
            start=start, end=end, first=f"{year}-{month:02}-01", last=f"{year}-{month:02}-{last}", precision="month"
        )
    return DateSpan(
        start=start, end=end, first=f"{year}-{month:02}-{day:02}", last=f"{year}-{month:02}-{day:02}", precision="day"
    )


def _begins(date: DateSpan) -> int:
    return date.start


def time_of(text: str, dates: Sequence[DateSpan], start: int, end: int, at: int) -> ClaimTime | None:
    """Return the date in a stretch of text that lies nearest to a place; one with a value before one without.

    Args:
        text: The document's text.
        dates: Its date expressions, sorted.
        start: Where the stretch begins.
        end: Where it ends.
        at: The place of the verb.
    """
    first = bisect_left(dates, start, key=_begins)
    near = [d for d in dates[first : bisect_left(dates, end, key=_begins)] if d.end <= end]
    if not near:
        return None
    best = min(near, key=lambda d: (not d.first, abs(d.start - at), d.start))
    words = " ".join(text[best.start : best.end].split())
    return ClaimTime(text=words, start=best.first, end=best.last, precision=best.precision)
