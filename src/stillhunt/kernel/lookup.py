"""Millions of texts, and whether one is among them: sorted numbers of eight bytes, found by halving.

Every text has a number; the sorted numbers of all texts lie in one buffer, which may be a file that several processes
map into memory and share. A number that is found names rows whose texts have still to be compared, so two texts with
the same number cost a comparison and are never taken for one another.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["SortedKeys", "key_of", "keys_of"]


def key_of(text: str) -> int:
    """Return the number of a text, 0 to 2**63 - 1: the same everywhere and always.

    >>> key_of("evil.example") == key_of("evil.example"), key_of("a") == key_of("b")
    (True, False)
    """
    raw = text.encode("utf-8", "surrogatepass")
    # Two different checksums make 63 bits at the price of two passes in C.
    return (zlib.crc32(raw) << 31) | (zlib.crc32(raw[::-1], _SEED) >> 1)


_SEED = 0x5BD1E995


def keys_of(texts: pa.Array[Any]) -> pa.Array[Any]:
    """Return the numbers of a column of texts, ``int64``; the column holds no null."""
    return pa.array([key_of(str(text)) for text in texts.to_pylist()], pa.int64())


class SortedKeys:
    """Numbers in rising order, in a buffer.

    Args:
        keys: ``int64`` without null, in rising order; it is not copied.
    """

    def __init__(self, keys: pa.Array[Any]) -> None:
        buffer = keys.buffers()[1]
        whole = memoryview(b"") if buffer is None else memoryview(buffer)
        start = keys.offset * 8
        self._keys = whole[start : start + len(keys) * 8].cast("B").cast("q")

    def __len__(self) -> int:
        return len(self._keys)

    def rows_of(self, key: int) -> range:
        """Return the rows that hold a number; empty if none does.

        >>> SortedKeys(pa.array([2, 5, 5, 9], pa.int64())).rows_of(5)
        range(1, 3)
        """
        keys = self._keys
        first = bisect_left(keys, key)
        last = first
        while last < len(keys) and keys[last] == key:
            last += 1
        return range(first, last)

    @staticmethod
    def order(keys: pa.Array[Any]) -> pa.Array[Any]:
        """Return the places of numbers in rising order; equal ones keep theirs."""
        return pc.sort_indices(keys)
