"""Lengths of time and instants in words."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["duration_words", "instant_words"]

_DAY = 86_400
_MONTH = 30.4375 * _DAY


def duration_words(seconds: float) -> str:
    """Say how long something lasted, as a person would.

    >>> duration_words(425 * 86_400)
    'about 14 months'
    >>> duration_words(9 * 86_400)
    '9 days'
    >>> duration_words(5_400)
    '1 hour 30 minutes'
    >>> duration_words(20)
    'under a minute'
    """
    if seconds < 60:
        return "under a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return _count(minutes, "minute")
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return _count(hours, "hour") + (f" {_count(rest, 'minute')}" if rest and hours < 12 else "")
    days = round(seconds / _DAY)
    if days < 60:
        return _count(days, "day")
    return f"about {_count(round(seconds / _MONTH), 'month')}"


def instant_words(at: datetime) -> str:
    """Say when something happened, to the minute, in UTC.

    >>> instant_words(datetime(2021, 8, 24, 3, 12, 9, tzinfo=UTC))
    '24 August 2021 03:12 UTC'
    """
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M} UTC"


# Not strftime("%B"): that follows the locale of whoever runs it.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
