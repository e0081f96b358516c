"""How common a destination is among those inside: how many of them go there, of how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.names import is_outside

__all__ = ["Population"]

_LEAST, _SHARE = 3, 0.002
_AT_HOME = 20
"""Places that somebody with a public address calls who counts as one of the house."""

_FEW_SOURCES = 10
"""Sources below which nothing is said of what is common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Sources inside and where they go. Those outside are not counted: a server has guests from everywhere.

    Inside is who has an address of a house, and who calls many places: a sensor stands where its house is.

    Attributes:
        sources: Destination to the sources inside that went there.
        everyone: All sources inside.
    """

    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    everyone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: pa.Table, destination: str) -> Population:
        """Count the sources of every destination.

        Args:
            table: Rows with the columns ``source`` and ``destination``.
            destination: The column that says where to.
        """
        pairs = table.select(["source", destination]).group_by(["source", destination]).aggregate([])
        found: dict[str, set[str]] = {}
        everyone: set[str] = set()
        sources: list[Any] = pairs["source"].to_pylist()
        calls = Counter(sources)
        for source, where in zip(sources, list[Any](pairs[destination].to_pylist()), strict=True):
            if calls[source] >= _AT_HOME or not is_outside(source):
                everyone.add(source)
                found.setdefault(where, set()).add(source)
        return cls(sources={where: frozenset(who) for where, who in found.items()}, everyone=frozenset(everyone))

    def n_sources(self, destinations: Iterable[str]) -> int:
        """Return how many sources inside go to any of some destinations."""
        return len({source for where in destinations for source in self.sources.get(where, ())})

    @property
    def is_telling(self) -> bool:
        """Whether there are enough sources to compare with."""
        return len(self.everyone) >= _FEW_SOURCES

    @property
    def few(self) -> int:
        """How many sources are few here: one in 500, but never fewer than three."""
        return few_of(len(self.everyone), least=_LEAST, share=_SHARE)

    def is_rare(self, destination: str) -> bool:
        """Tell whether few go to a destination; where few are all, every destination is rare."""
        return not self.is_telling or len(self.sources.get(destination, ())) <= self.few

    def is_inside(self, source: str) -> bool:
        """Tell whether a source is one of the house."""
        return source in self.everyone

    def words(self, destination: str) -> str:
        """Say how many of all go there."""
        return f"{len(self.sources.get(destination, ())):,} of {len(self.everyone):,} sources"
