"""Baselines from the data itself, robust to the intruder being in them.

Medians and median deviations do not move while fewer than half of all are strange, so whoever is compared may be
among those compared with.

Source: Hampel, "The influence curve and its role in robust estimation" (1974); Iglewicz and Hoaglin, "How to detect
and handle outliers" (1993): the modified z-score, strange above 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

__all__ = ["deviation", "few_of", "modified_z", "spread"]

_NORMAL = 0.6745
"""Median deviation of a normal distribution of standard deviation 1."""


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of values and the median of their distances from it.

    >>> spread([1, 2, 3, 4, 1000])
    (3, 1)
    """
    middle = median(values)
    return middle, median(abs(value - middle) for value in values)


def modified_z(value: float, values: Sequence[float], *, least_spread: float) -> float:
    """Return how many robust standard deviations a value lies above others.

    Args:
        value: The one.
        values: All, with the one among them.
        least_spread: Smallest median deviation to reckon with; where all do the same, a small difference is none.
    """
    middle, around = spread(values)
    return _NORMAL * (value - middle) / max(around, least_spread)


def deviation(value: float, values: Sequence[float]) -> float:
    """Return how many times larger than the median of values a value is, 0 where there is none to compare with."""
    middle = median(values) if values else 0
    return value / middle if middle > 0 else 0.0


def few_of(n_all: int, *, least: int, share: float) -> int:
    """Return how many of a population are few: a share of it, but never fewer than some.

    >>> few_of(10, least=3, share=0.02), few_of(1000, least=3, share=0.02)
    (3, 20)
    """
    return max(least, int(n_all * share))
