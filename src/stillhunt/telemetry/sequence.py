"""Record ids of one host's channel in one file, as runs of ids that follow each other without a hole.

Memory goes with the number of holes, not of records. Where more than ten thousand are missing here and there, the
file is a selection, its holes say nothing, and only their number is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["IdRuns"]

_MOST_RUNS = 10_000


@dataclass(slots=True)
class IdRuns:
    """Ids that were seen.

    Attributes:
        starts: First ids of the runs, in order.
        ends: Their last ids.
        n_ids: Ids seen, each as often as it came.
        is_selection: There were too many runs to be kept.
    """

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    n_ids: int = 0
    is_selection: bool = False

    @property
    def n_repeated(self) -> int:
        """How many ids came that had come before; 0 where that is not known."""
        if self.is_selection:
            return 0
        return self.n_ids - sum(end - start + 1 for start, end in self.runs())

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield first and last id of every run, in order."""
        return zip(self.starts, self.ends, strict=True)

    def add(self, numbers: pa.Array[Any]) -> None:
        """Take ids in any order."""
        known: Any = numbers.drop_null()
        if not len(known):
            return
        self.n_ids += len(known)
        if self.is_selection:
            return
        ids: Any = pc.unique(known)
        ids = ids.take(pc.sort_indices(ids))
        breaks = pc.not_equal(pc.subtract(ids[1:], ids[:-1]), _ONE)
        at: list[int] = pc.indices_nonzero(breaks).to_pylist()
        starts = ids.take(pa.array([0, *(place + 1 for place in at)], pa.int64())).to_pylist()
        ends = ids.take(pa.array([*at, len(ids) - 1], pa.int64())).to_pylist()
        self._join(starts, ends)

    def take(self, other: IdRuns) -> None:
        """Take what another saw."""
        self.n_ids += other.n_ids
        if other.is_selection:
            self._give_up()
        elif not self.is_selection:
            self._join(other.starts, other.ends)

    def holes(self) -> list[tuple[int, int]]:
        """Return first and last id of every hole between the runs."""
        return [(end + 1, start - 1) for start, end in zip(self.starts[1:], self.ends, strict=False)]

    def without(self, holes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return what is left of some holes, given in order, when the ids seen here are taken out."""
        left: list[tuple[int, int]] = []
        place = 0
        for first, last in holes:
            at = first
            while place < len(self.starts) and self.ends[place] < at:
                place += 1
            inside = place
            while inside < len(self.starts) and self.starts[inside] <= last:
                if self.starts[inside] > at:
                    left.append((at, self.starts[inside] - 1))
                at = self.ends[inside] + 1
                inside += 1
            if at <= last:
                left.append((at, last))
        return left

    def _join(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        if not starts:
            return
        if not self.ends or starts[0] > self.ends[-1] + 1:
            self.starts += starts
            self.ends += ends
        else:
            merged = sorted([*self.runs(), *zip(starts, ends, strict=True)])
            self.starts, self.ends = [merged[0][0]], [merged[0][1]]
            for start, end in merged[1:]:
                if start <= self.ends[-1] + 1:
                    self.ends[-1] = max(self.ends[-1], end)
                else:
                    self.starts.append(start)
                    self.ends.append(end)
        if len(self.starts) > _MOST_RUNS:
            self._give_up()

    def _give_up(self) -> None:
        self.starts, self.ends, self.is_selection = [], [], True


_ONE = pa.scalar(1, pa.int64())
