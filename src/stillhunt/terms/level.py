"""The levels of Sigma: how serious a rule, a finding or a case is.

Source: Sigma specification 2.1, section "Level".
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Level"]


class Level(StrEnum):
    """Seriousness, in rising order: ``informational`` to ``critical``."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for informational to 4 for critical."""
        return _RANKS[self]

    @classmethod
    def of_rank(cls, rank: int) -> Level:
        """Return the level of a rank, held within 0 to 4."""
        return list(cls)[max(0, min(4, rank))]


_RANKS = {level: rank for rank, level in enumerate(Level)}
