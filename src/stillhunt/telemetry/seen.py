"""Which records were read already, by eight bytes each: exports overlap, and a search gives the same page twice.

A record is known by a digest of its identity (BLAKE2b, 64 bits). Among ten million records two that differ share one
with a probability of 3 in 1,000,000, so no event is lost for that. The digests lie in one table of numbers with open
addressing, between three eighths and three quarters full: 11 to 21 bytes a record, and nothing for logs whose records
have no identity.

A hunt by several processes must keep the same records as one does: the first in order of files. Each process keeps the
first of its own files and says which it kept; :func:`held_before` compares that, and whoever kept what an earlier file
of another process has reads its files again, knowing it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Kept", "Place", "Seen", "held_before"]

_SMALLEST = 1 << 10
_FULL_QUARTERS = 3

Place = tuple[str, int]
"""Path of a file, and where in it the piece begins that was read."""

Kept = dict[Place, "array[int]"]
"""Digests of the records that were kept, by the file they were in."""


@dataclass(slots=True)
class Seen:
    """Digests of records.

    Attributes:
        place: What is read at the moment.
        kept: What was new, by where it was; None if nobody will ask.
    """

    place: Place = ("", 0)
    kept: Kept | None = None
    _table: array[int] = field(default_factory=lambda: array("Q", bytes(8 * _SMALLEST)))
    _n: int = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self._n

    def is_new(self, identity: str) -> bool:
        """Take a record, and tell whether it is the first of its identity."""
        digest = int.from_bytes(blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest(), "little") or 1
        if not self._put(digest):
            return False
        if self.kept is not None:
            self.kept.setdefault(self.place, array("Q")).append(digest)
        return True

    def know(self, digests: Iterable[int]) -> None:
        """Take records that somebody else has."""
        for digest in digests:
            self._put(digest)

    def _put(self, digest: int) -> bool:
        table = self._table
        mask = len(table) - 1
        # The low bits of a digest are as good as any others.
        at = digest & mask
        while held := table[at]:
            if held == digest:
                return False
            at = at + 1 & mask
        table[at] = digest
        self._n += 1
        if self._n * 4 > len(table) * _FULL_QUARTERS:
            self._grow()
        return True

    def _grow(self) -> None:
        old, self._table, self._n = self._table, array("Q", bytes(16 * len(self._table))), 0
        for digest in old:
            if digest:
                self._put(digest)


def held_before(parts: Sequence[Kept]) -> list[array[int]]:
    """Return for every process what it kept although an earlier file of another process has it.

    Args:
        parts: What each process kept; a file, or a piece of one, is of one process only.
    """
    places = sorted({place for kept in parts for place in kept})
    rank = {place: number for number, place in enumerate(places)}
    tables = [_table(digests, rank[place], part) for part, kept in enumerate(parts) for place, digests in kept.items()]
    found: list[array[int]] = [array("Q") for _ in parts]
    if len({part for part, kept in enumerate(parts) if kept}) < 2:
        return found
    table = pa.concat_tables(tables)
    owners: Any = table.group_by("digest").aggregate([("rank", "min"), ("rank", "count")])
    owners = owners.filter(pc.greater(owners["rank_count"], pa.scalar(1))).select(["digest", "rank_min"])
    shared: Any = table.join(owners, "digest", join_type="inner")
    shared = shared.filter(pc.greater(shared["rank"], shared["rank_min"]))
    for digest, part in zip(shared["digest"].to_pylist(), shared["part"].to_pylist(), strict=True):
        found[part].append(digest)
    return found


def _table(digests: array[int], rank: int, part: int) -> pa.Table:
    n_rows = len(digests)
    column: Any = pa.Array.from_buffers(pa.uint64(), n_rows, [None, pa.py_buffer(digests)])
    repeated = [pa.repeat(pa.scalar(number, pa.int32()), n_rows) for number in (rank, part)]
    return pa.table({"digest": column, "rank": repeated[0], "part": repeated[1]})
