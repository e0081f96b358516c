"""Local dates and times as Windows shows them, whose order of day and month only the whole file tells.

The order is decided, in this order, by a number above twelve, by how well the records then follow each other in
time, by the separator (dots and dashes put the day first), by the twelve-hour clock of the United States.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

from stillhunt.telemetry.zone import read_zone

__all__ = ["DateOrder", "DateReader"]


class DateOrder(Enum):
    """Which of the first two numbers of a date is the day."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"


_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u3000"), " ")
_CLEANED = _MARKS | _SPACES

_AM = {"am", "a", "上午", "午前", "오전", "πμ", "dop", "ö", "öö", "de", "صباحا", "ص"}
_PM = {"pm", "p", "下午", "午後", "오후", "μμ", "odp", "ös", "du", "م"}
_TEXT = re.compile(
    r"""(?P<one>\d{1,4})\s*[./\-年년]\s*(?P<two>\d{1,2})\s*[./\-月월]\s*(?P<three>\d{1,4})\s*[.日일]?\s*,?
    \s*T?(?P<half>[^\W\d_]+(?:[. ]+[^\W\d_]+)*\.?)?\s*
    (?P<hour>\d{1,2})\s*[:.時时h시]\s*(?P<minute>\d{2})(?:\s*[:.分분]\s*(?P<second>\d{2}))?(?:[.,](?P<part>\d{1,9}))?\s*[秒초]?
    \s*(?P<half2>[^\W\d_]+(?:[. ]+[^\W\d_]+)*\.?)?
    \s*(?P<zone>[+-]\d{2}:?\d{2})?""",
    re.VERBOSE,
)


@dataclass(slots=True)
class DateReader:
    """Learns from all dates of a file in which order they are written, and reads them.

    Attributes:
        order: What was decided; None before.
        why: By which evidence.
    """

    order: DateOrder | None = None
    why: str = ""
    _n_day: int = 0
    _n_month: int = 0
    _n_turns: dict[DateOrder, list[int]] = field(default_factory=lambda: {order: [0, 0] for order in DateOrder})
    _last: dict[DateOrder, datetime] = field(default_factory=dict)
    _n_ambiguous: int = 0
    _is_american: bool = False
    _separator: str = ""

    def learn(self, text: str) -> None:
        """Take note of a date."""
        found = _TEXT.fullmatch(text.translate(_CLEANED).strip())
        if found is None or len(found["one"]) > 2:
            return
        one, two = int(found["one"]), int(found["two"])
        self._n_day += one > 12 >= two and _read(found, DateOrder.DAY_FIRST) is not None
        self._n_month += two > 12 >= one and _read(found, DateOrder.MONTH_FIRST) is not None
        self._n_ambiguous += one <= 12 and two <= 12 and one != two
        self._separator = self._separator or text.translate(_CLEANED).strip()[len(found["one"])].strip()
        self._is_american = self._is_american or _half(found["half"] or found["half2"]) is not None
        if not (self._n_day or self._n_month):
            for order in DateOrder:
                at = _read(found, order)
                before = self._last.get(order)
                if at is not None:
                    if before is not None and at != before:
                        self._n_turns[order][at > before] += 1
                    self._last[order] = at

    def decide(self, *, is_english: bool) -> None:
        """Settle the order by what was learned.

        Args:
            is_english: Whether the file's headings are English; others have no month first.
        """
        turns = {order: min(counts) for order, counts in self._n_turns.items()}
        if self._n_day or self._n_month:
            self.order = DateOrder.DAY_FIRST if self._n_day >= self._n_month else DateOrder.MONTH_FIRST
            n_above = max(self._n_day, self._n_month)
            self.why = (
                f"in {n_above:,} dates the {'first' if self._n_day >= self._n_month else 'second'} number is above 12"
            )
        elif not self._n_ambiguous:
            self.order, self.why = DateOrder.DAY_FIRST, ""
        elif turns[DateOrder.DAY_FIRST] != turns[DateOrder.MONTH_FIRST]:
            self.order = min(DateOrder, key=lambda order: turns[order])
            self.why = "the records then follow each other in time"
        elif self._separator in {".", "-"} or not is_english:
            self.order = DateOrder.DAY_FIRST
            self.why = "no date shows it, but dates are written so where headings or separators are like these"
        else:
            self.order = DateOrder.MONTH_FIRST if self._is_american else DateOrder.DAY_FIRST
            clock = "twelve" if self._is_american else "twenty-four"
            self.why = f"no date shows it, but it is usual beside a {clock}-hour clock; it may be the other way"

    @property
    def is_guessed(self) -> bool:
        """Whether no date of the file shows the order."""
        return self.why.startswith("no date")

    def read(self, text: str) -> datetime | None:
        """Return a date and time, without a zone unless it names one; None if it is none."""
        found = _TEXT.fullmatch(text.translate(_CLEANED).strip().removesuffix("Z"))
        if found is None:
            return None
        at = _read(found, self.order or DateOrder.DAY_FIRST)
        if at is not None and text.rstrip().endswith("Z"):
            return at.replace(tzinfo=UTC)
        return at


def _read(found: re.Match[str], order: DateOrder) -> datetime | None:
    one, two, three = int(found["one"]), int(found["two"]), int(found["three"])
    if len(found["one"]) > 2:
        year, month, day = one, two, three
    else:
        day, month = (one, two) if order is DateOrder.DAY_FIRST else (two, one)
        year = three + 2000 if three < 100 else three
    half = _half(found["half"] or found["half2"])
    hour = int(found["hour"])
    if half is not None:
        hour = hour % 12 + 12 * half
    try:
        at = datetime(year, month, day, hour, int(found["minute"]), int(found["second"] or 0))  # noqa: DTZ001 - local
    except ValueError:
        return None
    at += timedelta(microseconds=int(f"{found['part'] or '0':0<6}"[:6]))
    if found["zone"]:
        zone = read_zone(found["zone"])
        return at.replace(tzinfo=zone if isinstance(zone, timezone) else UTC)
    return at


def _half(word: str | None) -> bool | None:
    """Tell whether a word beside a time says afternoon; None if it says nothing of the kind."""
    if not word:
        return None
    plain = word.casefold().replace(".", "").replace(" ", "")
    return False if plain in _AM else True if plain in _PM else None
