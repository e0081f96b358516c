"""Probability to estimative words and back: the PHIA probability yardstick.

Source: UK Professional Head of Intelligence Assessment, probability yardstick (gov.uk, 24 March 2025).
The gaps between the ranges are deliberate: a probability that falls into one takes the lower term.
"""

from __future__ import annotations

__all__ = ["YARDSTICK", "term_for"]

YARDSTICK: tuple[tuple[str, float, float], ...] = (
    ("remote chance", 0.00, 0.05),
    ("highly unlikely", 0.10, 0.20),
    ("unlikely", 0.25, 0.35),
    ("realistic possibility", 0.40, 0.50),
    ("likely", 0.55, 0.75),
    ("highly likely", 0.80, 0.90),
    ("almost certain", 0.95, 1.00),
)
"""(term, lower bound, upper bound), in rising order."""


def term_for(probability: float) -> str:
    """Return the estimative term for a probability between 0 and 1.

    >>> term_for(0.6)
    'likely'
    >>> term_for(0.78)
    'likely'
    >>> term_for(0.07)
    'remote chance'
    """
    if not 0.0 <= probability <= 1.0:
        message = f"a probability lies between 0 and 1, not {probability}"
        raise ValueError(message)
    return next(term for term, lower, _ in reversed(YARDSTICK) if probability >= lower)
