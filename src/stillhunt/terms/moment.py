"""Instants as columns hold them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["EPOCH", "microseconds", "moment"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)


def moment(us: int, shift_s: int = 0) -> datetime:
    """Return a time given in microseconds since 1970, shifted by some seconds.

    >>> moment(1_630_000_000_000_000, -60).isoformat()
    '2021-08-26T17:45:40+00:00'
    """
    return EPOCH + timedelta(microseconds=us, seconds=shift_s)


def microseconds(at: datetime) -> int:
    """Return a time as microseconds since 1970.

    >>> microseconds(moment(-1))
    -1
    """
    return (at - EPOCH) // _ONE
