"""Seeded chance: every part of a simulation draws from a stream of its own.

Streams are named, so that adding an intrusion, or a new kind of background, leaves the rest byte for byte as it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

__all__ = ["guid", "hexadecimal", "moment", "night", "stream", "visits", "wobble"]


def stream(seed: int, purpose: str) -> Random:
    """Return the pseudo-random stream of one purpose; the same seed and purpose give the same stream."""
    return Random(f"stillhunt:{seed}:{purpose}")


def moment(random: Random, day: datetime, start: float, end: float) -> datetime:
    """Return an instant of a day between two hours, to the microsecond."""
    return day + timedelta(seconds=(start + (end - start) * random.random()) * 3600)


def wobble(random: Random, at: datetime, low_s: float, high_s: float) -> datetime:
    """Return an instant between ``low_s`` and ``high_s`` seconds later."""
    return at + timedelta(seconds=low_s + (high_s - low_s) * random.random())


def visits(random: Random, mean: float) -> int:
    """Return how often something happens that happens ``mean`` times on average: near it, never below 0."""
    whole, part = divmod(mean * (0.6 + 0.8 * random.random()), 1)
    return int(whole) + (random.random() < part)


def hexadecimal(random: Random, n_digits: int) -> str:
    """Return ``n_digits`` random hexadecimal digits in lower case."""
    return f"{random.getrandbits(4 * n_digits):0{n_digits}x}"


def guid(random: Random) -> str:
    """Return a random GUID in lower case.

    >>> len(guid(stream(1, "test")))
    36
    """
    drawn = hexadecimal(random, 32)
    return f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"


def night(random: Random, start: datetime, first_day: int, last_day: int) -> datetime:
    """Return an instant in the small hours of one of the days from ``first_day`` to before ``last_day`` of a start."""
    return moment(random, start + timedelta(days=random.randrange(first_day, last_day)), 0.5, 3.5)
