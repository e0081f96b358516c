"""Time zones: names and offsets as people give them, and local times in UTC where clocks were put back or forward."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from enum import Enum
from zoneinfo import ZoneInfo, available_timezones

from stillhunt.errors import UnknownNameError

__all__ = ["Doubt", "fitting_zone", "in_utc", "read_zone", "zone_words"]

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_WIDEST_HOURS = 14


class Doubt(Enum):
    """Why a local time may mean another instant than the one taken."""

    NONE = "none"
    TWICE = "twice"
    """Clocks were put back: the hour came twice, and the first is taken."""
    NEVER = "never"
    """Clocks were put forward over it: the offset of before is taken."""


def read_zone(text: str) -> tzinfo:
    """Return the zone of a name or an offset.

    >>> read_zone("Europe/Berlin"), read_zone("utc")
    (zoneinfo.ZoneInfo(key='Europe/Berlin'), datetime.timezone.utc)

    Raises:
        UnknownNameError: There is no such zone, or this machine has no list of zones.
    """
    name = text.strip()
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset is not None and int(offset[2]) <= _WIDEST_HOURS:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-ahead if offset[1] == "-" else ahead)
    known = {zone.casefold(): zone for zone in available_timezones()}
    if name.casefold() in known:
        return ZoneInfo(known[name.casefold()])
    near = get_close_matches(name.casefold(), known, n=3)
    hint = "give an offset such as +02:00, or a name such as Europe/Berlin"
    if near:
        hint = f"did you mean {', '.join(f'`{known[zone]}`' for zone in near)}? {hint}"
    elif not known:
        hint = "this machine has no list of time zones: give an offset such as +02:00, or install the package tzdata"
    raise UnknownNameError(f"`{text}` is no time zone", hint=hint)


def zone_words(zone: tzinfo) -> str:
    """Name a zone as :func:`read_zone` reads it.

    >>> zone_words(read_zone("-0330")), zone_words(UTC), zone_words(ZoneInfo("Asia/Tokyo"))
    ('-03:30', 'UTC', 'Asia/Tokyo')
    """
    if isinstance(zone, ZoneInfo):
        return zone.key
    ahead = zone.utcoffset(None)
    if not ahead:
        return "UTC"
    minutes = round(ahead.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def in_utc(local: datetime, zone: tzinfo) -> tuple[datetime, Doubt]:
    """Return a local time in UTC, and whether it may mean another instant.

    What is taken does not depend on the records around it, so that a record means the same time wherever a log is
    cut and whoever reads it again.

    >>> in_utc(datetime(2021, 10, 31, 2, 30), ZoneInfo("Europe/Berlin"))[0].isoformat()
    '2021-10-31T00:30:00+00:00'
    """
    first = local.replace(tzinfo=zone, fold=0)
    doubt = Doubt.NONE
    if not isinstance(zone, timezone):
        apart = _offset(first) - _offset(local.replace(tzinfo=zone, fold=1))
        if apart:
            doubt = Doubt.TWICE if apart > timedelta(0) else Doubt.NEVER
    try:
        return first.astimezone(UTC), doubt
    except OverflowError:
        # The first and the last day of the calendar, which only unset clocks show.
        return local.replace(tzinfo=UTC), doubt


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta(0)


def fitting_zone(seen: Iterable[tuple[datetime, int]], *, given: tzinfo | None = None) -> tzinfo | None:
    """Return a zone that explains how far a clock was ahead of UTC at some instants, or None.

    Args:
        seen: (instant in UTC, seconds ahead).
        given: A zone to prefer if it fits.

    Returns:
        ``given`` if it fits; else a fixed offset if there is only one; else a zone with daylight saving of
        :data:`_CHANGING`, the first that fits.
    """
    pairs = list(seen)
    if not pairs:
        return None
    if given is not None and _fits(given, pairs):
        return given
    ahead = {seconds for _, seconds in pairs}
    if len(ahead) == 1:
        seconds = ahead.pop()
        return timezone(timedelta(seconds=seconds)) if abs(seconds) <= _WIDEST_HOURS * 3600 else None
    known = available_timezones()
    zones = (ZoneInfo(name) for name in _CHANGING if name in known)
    return next((zone for zone in zones if _fits(zone, pairs)), None)


def _fits(zone: tzinfo, pairs: Iterable[tuple[datetime, int]]) -> bool:
    return all(_offset(at.astimezone(zone)) == timedelta(seconds=seconds) for at, seconds in pairs)


_CHANGING = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Kyiv",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Halifax",
    "America/St_Johns",
    "America/Anchorage",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "Europe/Chisinau",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Tehran",
    "Africa/Cairo",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
"""One zone for each rule of daylight saving in wide use, the most common first."""
