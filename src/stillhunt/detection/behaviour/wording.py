"""Periods, sizes and days in words, as findings of analytics say them."""

from __future__ import annotations

from datetime import UTC, datetime

from stillhunt.terms.period import duration_words

__all__ = ["bytes_words", "count_words", "day_words", "period_words", "span_words"]

_SECOND = 1_000_000


def period_words(microseconds: int) -> str:
    """Say how often something recurs.

    >>> period_words(270_000_000), period_words(3_600_000_000), period_words(43_000_000)
    ('4 minutes 30 seconds', '1 hour', '43 seconds')
    """
    seconds = round(microseconds / _SECOND)
    if seconds < 60:
        return count_words(seconds, "second")
    if seconds < 3_600:
        minutes, rest = divmod(seconds, 60)
        return count_words(minutes, "minute") + (f" {count_words(rest, 'second')}" if rest else "")
    return duration_words(seconds)


def span_words(first: int, last: int) -> str:
    """Say how long it was between two times in microseconds."""
    return duration_words((last - first) / _SECOND)


def bytes_words(number: int) -> str:
    """Say how many bytes.

    >>> bytes_words(950), bytes_words(1_500_000), bytes_words(2_000_000_000)
    ('950 bytes', '1.5 MB', '2.0 GB')
    """
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"


def day_words(microseconds: int) -> str:
    """Say on which day, in UTC.

    >>> day_words(1_700_000_000_000_000)
    '2023-11-14'
    """
    return datetime.fromtimestamp(microseconds // _SECOND, UTC).date().isoformat()


def count_words(number: int, noun: str) -> str:
    """Say how many of something.

    >>> count_words(1, "host"), count_words(1200, "host")
    ('1 host', '1,200 hosts')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
