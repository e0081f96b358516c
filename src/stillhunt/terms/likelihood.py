"""Probability to estimative words and back: the PHIA probability yardstick, and the table of ICD 203.

Sources: UK Professional Head of Intelligence Assessment, probability yardstick (gov.uk, 24 March 2025); US Office of
the Director of National Intelligence, Intelligence Community Directive 203, Analytic Standards (2 January 2015).
The gaps between the yardstick's ranges are deliberate: a probability that falls into one takes the lower term. The
two scales use some of the same words for different ranges: a term means nothing without its scale.
"""

from __future__ import annotations

__all__ = ["ICD_203", "YARDSTICK", "YARDSTICK_SYNONYMS", "term_for"]

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

YARDSTICK_SYNONYMS: dict[str, str] = {"probable": "likely"}
"""Words that the yardstick gives beside a term of its own."""

ICD_203: tuple[tuple[tuple[str, str], float, float], ...] = (
    (("almost no chance", "remote"), 0.01, 0.05),
    (("very unlikely", "highly improbable"), 0.05, 0.20),
    (("unlikely", "improbable"), 0.20, 0.45),
    (("roughly even chance", "roughly even odds"), 0.45, 0.55),
    (("likely", "probable"), 0.55, 0.80),
    (("very likely", "highly probable"), 0.80, 0.95),
    (("almost certain", "nearly certain"), 0.95, 0.99),
)
"""((term of the first row, term of the second), lower bound, upper bound), in rising order.

A product uses one row and does not mix the two.
"""


def term_for(probability: float) -> str:
    """Return the yardstick's term for a probability between 0 and 1.

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
