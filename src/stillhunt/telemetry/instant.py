"""Text to an instant in UTC, in the spellings logs use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["has_zone", "read_instant"]

_SPACE_BEFORE_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d$)")
_ZONE = re.compile(r"(?:Z|UTC|[+-]\d\d:?\d\d|^\d+(?:[.]\d+)?)$", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_instant(value: object) -> datetime | None:
    """Read ISO 8601 with or without zone (without: taken as UTC), or seconds or milliseconds since 1970.

    Returns None for what is no time; a wrong time is worse than none.

    >>> read_instant("2022-08-18T22:39:38.086685100Z").isoformat()
    '2022-08-18T22:39:38.086685+00:00'
    >>> read_instant("1660862378.5").isoformat()
    '2022-08-18T22:39:38.500000+00:00'
    >>> read_instant("yesterday") is None
    True
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return _from_epoch(float(value))
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        text = _SPACE_BEFORE_OFFSET.sub("", value.strip().removesuffix(" UTC"))
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return _from_number(text)
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError:
        return None


def has_zone(value: object) -> bool:
    """Tell whether a time says its zone itself, as an offset or by counting from 1970.

    >>> has_zone("2020-08-05T06:09:29.626Z"), has_zone("2020-08-05 02:09:26"), has_zone("1660862378.5")
    (True, False, True)
    """
    return isinstance(value, (int, float)) or (isinstance(value, str) and _ZONE.search(value.strip()) is not None)


def _from_number(text: str) -> datetime | None:
    try:
        return _from_epoch(float(text))
    except ValueError:
        return None


def _from_epoch(seconds: float) -> datetime | None:
    if abs(seconds) > 1e11:
        seconds /= 1000
    if not 0 < seconds < 2e10:
        return None
    return _EPOCH + timedelta(microseconds=round(seconds * 1e6))
