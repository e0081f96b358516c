"""Text to an instant in UTC, in the spellings logs use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.columns import constant
from stillhunt.telemetry.event import TEXT
from stillhunt.terms.moment import EPOCH

__all__ = ["has_zone", "instants", "instants_of", "read_instant", "zoned"]

_SPACE_BEFORE_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d$)")
_ZONE = re.compile(r"(?:Z|UTC|[+-]\d\d:?\d\d|^\d+(?:[.]\d+)?)$", re.IGNORECASE)


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
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))


def instants(candidates: Sequence[tuple[str, Sequence[object]]], n_rows: int) -> tuple[pa.Array[Any], pa.Array[Any]]:
    """Read the times of many records at once.

    Args:
        candidates: (name, values) of the fields that may say the time; per record the first readable one counts.
        n_rows: Number of records.

    Returns:
        Times as ``timestamp[us, UTC]``, null where none could be read, and the names of the fields they came from.
    """
    at: Any = pa.nulls(n_rows, _TIMES)
    clock: Any = pa.nulls(n_rows, TEXT)
    for name, values in candidates:
        if not at.null_count:
            break
        found = _column_of_instants(values)
        used = pc.and_(pc.is_null(at), pc.is_valid(found))
        at = pc.coalesce(at, found)
        clock = pc.if_else(used, constant(name, n_rows).cast(pa.string()), clock.cast(pa.string())).dictionary_encode()
    return at, clock


def instants_of(texts: Any) -> Any:
    """Read a column of texts as times, null where a text is no time."""
    for kind in (_TIMES, pa.timestamp("us"), pa.timestamp("ns", tz="UTC")):
        try:
            found: Any = texts.cast(kind)
        except pa.ArrowInvalid:
            continue
        return found.cast(_TIMES, safe=False) if kind.tz else pc.assume_timezone(found, timezone="UTC")
    return pa.array([read_instant(text) for text in texts.to_pylist()], _TIMES)


def zoned(values: Sequence[object]) -> list[bool]:
    """Tell for each of many times whether it says its zone itself."""
    try:
        texts = pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return [has_zone(value) for value in values]
    matched: Any = pc.fill_null(pc.match_substring_regex(texts, _ZONE_RE2), _FALSE)
    found: list[bool] = matched.to_pylist()
    return found


_TIMES = pa.timestamp("us", tz="UTC")
_FALSE = pa.scalar(False, pa.bool_())
_ZONE_RE2 = rf"(?i){_ZONE.pattern.removesuffix('$')}\s*$"


def _column_of_instants(values: Sequence[object]) -> Any:
    try:
        return instants_of(pa.array(values, pa.string()))
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return pa.array([read_instant(value) for value in values], _TIMES)
