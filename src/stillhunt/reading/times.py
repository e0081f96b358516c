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
_DASH = "[-\u2010\u2011\u2013]"
_TH = r"(?:st|nd|rd|th)?"
_Y = r"(?:19|20)\d\d"
_GAP = r"(?:[\s,.]|\sof\s|,\s(?:of\s)?|\.\s)"
_RE = re.compile(
    rf"(?<![\w/.@%&=\\])(?:(?<![\w)]-)|(?<=[Mm]id-)|(?<=late-))(?:(?P<m1>{_M})\s(?P<d1>\d{{1,2}}){_TH}{_GAP}\s?(?P<y1>{_Y})"
    rf"|(?P<d2>\d{{1,2}}){_TH}(?:\s(?:of\s)?|[-.])(?P<m2>{_M})(?:{_GAP}\s?|{_DASH})(?P<y2>{_Y})"
    rf"|(?P<y6>{_Y}),\s(?P<d6>\d{{1,2}}){_TH}\s(?P<m6>{_M})"
    rf"|(?P<m3>{_M})(?:,?\s(?:of\s)?|\.(?=\d)|{_DASH})(?P<y3>{_Y})"
    rf"|(?P<y4>{_Y})(?P<dash>[-./])(?P<m4>0?[1-9]|1[0-2])(?P=dash)(?P<d4>0?[1-9]|[12]\d|3[01])(?=T\d|\b)"
    rf"|(?P<n1>\d{{1,2}})(?P<sign>[-./])(?P<n2>\d{{1,2}})(?P=sign)(?P<y7>{_Y}|(?<=/)\d\d)"
    rf"|(?P<y5>{_Y})(?!\.\w))(?=T\d|\b)(?![\w%=@_]*[/\\]\w|(?!{_DASH}{_Y}\b)(?:[-/]\w|\.\d)|_)"
)
_RANGE = re.compile(rf"(?<={_DASH})(?P<y5>{_Y})\b(?![-/.]\w)")
"""The second year of ``2020-2021``."""
_LINK = re.compile(
    r"(?:\b[A-Za-z][A-Za-z0-9+.-]{1,9}://|\]\(/|\bwww\.)[^\s<>\"]*|(?<!\S)/[^\s/]+/\S*|\S+\.(?:png|jpe?g|pdf|html?|docx?|xlsx?)\b"
)
"""Addresses and names of files, whose numbers tell no time."""


_COUNTS = {
    w: i for i, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
}
_BEFORE = (
    r"(?:[Ii]n|[Ss]ince|[Dd]uring|[Bb]y|[Uu]ntil|[Tt]ill|[Ff]rom|[Tt]o|[Tt]hrough|[Oo]f|[Bb]etween|[Bb]efore|[Aa]fter|[Aa]nd|"
    r"[Ee]arly|[Ll]ate|[Mm]id-to-late|[Mm]id|[Tt]his|[Ll]ast|[Pp]ast|[Ll]ater|[Aa]round|[Ii]n early|back in|[Oo]r|or)"
)
_RELATIVE = re.compile(
    rf"\b(?:(?P<bare>{_M})\s(?P<day>\d{{1,2}}){_TH}(?:\sand\s\d{{1,2}}{_TH})?(?![\w%]|[.,:]\d)"
    rf"|(?P<day2>\d{{1,2}}){_TH}\s(?:of\s)?(?P<bare2>{_M})(?![\w-])"
    rf"|(?:{_BEFORE}[\s-]|(?<=[a-z],\s)(?=\w+(?:,|\sand\b))|\((?=\w+\sand\s))(?P<bare3>{_M})(?![\w-]|\.?\s\d|(?<=Mar|Sep|Jun|Jul|May)\w)"
    rf"|[Ll]ast (?P<last>month|year)\b|[Pp]revious (?P<previous>month|year)\b|[Tt]his (?P<this>month|year)\b"
    rf"|[Pp]ast (?P<past>year)\b"
    rf"|(?:(?P<few>\w+) or )?(?P<many>one|two|three|four|five|six|seven|eight|nine|"
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
    links = [m.span() for m in _LINK.finditer(text)]
    matches = [m for m in _RE.finditer(text) if not _overlaps(links, m.start(), m.end())]
    found = [d for m in matches for d in _absolute(text, m, published)]
    taken = [(d.start, d.end) for d in found]
    anchor = published or _anchor(text, found, taken)
    taken = sorted([*taken, *links])
    for match in _RELATIVE.finditer(text):
        if _overlaps(taken, match.start(), match.end()):
            continue
        found.append(_counted(match, anchor))
    return sorted(found, key=lambda d: d.start)


def _overlaps(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether a stretch touches one of these sorted spans."""
    k = bisect_left(taken, (end, end))
    return k > 0 and taken[k - 1][1] > start


_LATEST = 2050
_PORT = re.compile(
    r"\b(?:[Pp]orts?|TCP|UDP|tcp|udp|KB|MS|CVE|RFC|Windows Server|Windows|Server|Office|Exchange|SQL Server)\W{0,2}$"
)
"""What stands before four digits that are no year."""


_TOLD = re.compile(r"\b(?:on|since|by|until|from|to|of|dated|as of|before|after)[\s:(]+$", re.IGNORECASE)
"""What tells that ``1/9/21`` is a date."""


def _absolute(text: str, match: re.Match[str], published: str) -> list[DateSpan]:
    """Return the date, and the second of a range of years; none if the number is no year."""
    groups = {k: v for k, v in match.groupdict().items() if v and k not in {"sign", "dash"}}
    written = next(v for k, v in groups.items() if k[0] == "y")
    year = int(written) if len(written) == 4 else 2000 + int(written)
    if "n1" in groups:
        if len(written) == 2 and not _TOLD.search(text, max(0, match.start() - 12), match.start()):
            return []
        numbers = _numbered(int(groups["n1"]), int(groups["n2"]), year, match["sign"], published)
        return [] if numbers is None else [_span(match.start(), match.end(), year, *numbers)]
    month = next((v for k, v in groups.items() if k[0] == "m"), None)
    day = next((v for k, v in groups.items() if k[0] == "d"), None)
    if month is None and (year > _LATEST or _PORT.search(text, max(0, match.start() - 20), match.start())):
        return []
    number = None if month is None else int(month) if month.isdigit() else _MONTHS[month.casefold().rstrip(".")]
    found = [_span(match.start(), match.end(), year, number, None if day is None else int(day))]
    second = _RANGE.match(text, match.end() + 1) if month is None else None
    if second is not None and year <= int(second["y5"]) <= _LATEST:
        found.append(_span(second.start(), second.end(), int(second["y5"]), None, None))
    return found


def _numbered(first: int, second: int, year: int, sign: str, published: str) -> tuple[int, int] | None:
    """Return month and day of ``12/07/2019``: the one order that can be, else the one nearer before publication."""
    ways = [
        (m, d)
        for m, d in ((second, first), (first, second))
        if 1 <= m <= 12 and 1 <= d <= calendar.monthrange(year, m)[1]
    ]
    if len(ways) < 2:
        return ways[0] if ways else None
    if len(published) == 10:
        past = [way for way in ways if f"{year}-{way[0]:02}-{way[1]:02}" <= published]
        if len(past) == 1:
            return past[0]
    return ways[1] if sign == "/" else ways[0]  # Americans write slashes


def _anchor(text: str, found: Sequence[DateSpan], taken: Sequence[tuple[int, int]]) -> str:
    """Return the month in which a text seems to be written: that of its first bare month and day."""
    latest = max((d.last for d in found if d.precision in {"month", "day"}), default="")
    if not latest:
        return ""
    for match in _RELATIVE.finditer(text):
        day = match["day"] or match["day2"]
        if day and not _overlaps(taken, match.start(), match.end()):
            month = _MONTHS[(match["bare"] or match["bare2"]).casefold().rstrip(".")]
            year = int(latest[:4]) + (month <= int(latest[5:7]))
            return f"{year}-{month:02}-{int(day):02}"
    return ""


def _counted(match: re.Match[str], anchor: str) -> DateSpan:
    """Return a relative date counted back from the day of publication."""
    start, end = _place(match)
    if not anchor:
        return DateSpan(start=start, end=end)
    year, month = int(anchor[:4]), int(anchor[5:7] or 12)
    bare = match["bare"] or match["bare2"] or match["bare3"]
    if bare:
        named = _MONTHS[bare.casefold().rstrip(".")]
        day = match["day"] or match["day2"]
        return _span(start, end, year - (named > month), named, int(day) if day else None)
    back = match["last"] or match["previous"] or match["past"]
    if back == "month":
        return _span(start, end, year - (month == 1), 12 if month == 1 else month - 1, None)
    if back or match["this"]:
        return _span(start, end, year - bool(back), None if "year" in (back, match["this"]) else month, None)
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


def _place(match: re.Match[str]) -> tuple[int, int]:
    """Return where the words of a relative date lie, without the preposition that shows that a month is meant."""
    return match.span("bare3") if match["bare3"] else match.span()


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
