"""How long things that point to somebody stay in the same hands.

An address is rented to the next customer within months, a domain rarely changes hands, a hash names the same content
for ever, though what it says about somebody fades as tools are shared.

Source: the shape is the exponential decay that MISP uses too (Iklody, Wagener, Dulaunoy, Mokaddem, Wagner: "Decaying
Indicators of Compromise", arXiv:1803.11052, 2018); the half-lives are judgement.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["HALF_LIFE_DAYS", "left_after"]

HALF_LIFE_DAYS: Mapping[str, float] = {
    "address": 90,
    "domain": 540,
    "file": 720,
    "hash": 1_800,
    "mail": 720,
    "network": 180,
    "url": 365,
}
"""Days after which half of what a sighting is worth is left, by kind of observable."""

_UNKNOWN = 365.0


def left_after(days: float, kind: str) -> float:
    """Return the share that is left after some days, 0 to 1.

    >>> left_after(90, "address"), left_after(0, "domain"), left_after(-3, "url")
    (0.5, 1.0, 1.0)
    """
    return float(0.5 ** (max(0.0, days) / HALF_LIFE_DAYS.get(kind, _UNKNOWN)))
