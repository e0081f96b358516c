"""Logs shared out among workers: whole files, and pieces of large ones that can be read by themselves."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Cut", "Share", "Window", "cuts_at", "in_order", "n_pieces", "shared_out"]

_WORTH_CUTTING = 16 << 20
"""Bytes of a piece, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A piece of a log.

    Attributes:
        start: Where it begins, in bytes.
        stop: Where the next one begins.
        first: What has been counted before it, as its source counts: lines, or chunks.
        head: Bytes of the beginning of the log that a piece is read behind, if it does not hold them itself.
    """

    start: int
    stop: int
    first: int
    head: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A file to be read, or a piece of one.

    Attributes:
        path: The file.
        n_bytes: Bytes to be read.
        cut: The piece; None for the whole file.
        source: Name of the source that cut it.
        member: Name of the only log to read of an archive or compressed file; empty for all it holds.
    """

    path: Path
    n_bytes: int
    cut: Cut | None = None
    source: str = ""
    member: str = ""


def shared_out(shares: Iterable[Share], n_workers: int) -> list[list[Share]]:
    """Give every worker about as many bytes; each worker's shares stay in order of their paths.

    The same shares are always given out in the same way.
    """
    bins: list[list[Share]] = [[] for _ in range(n_workers)]
    loads = [0] * n_workers
    for share in sorted(shares, key=lambda s: (-s.n_bytes, str(s.path), s.cut.start if s.cut else 0)):
        lightest = loads.index(min(loads))
        bins[lightest].append(share)
        loads[lightest] += share.n_bytes
    return [in_order(b) for b in bins if b]


def in_order(shares: Iterable[Share]) -> list[Share]:
    """Return shares in order of their paths, and of their places in a file."""
    return sorted(shares, key=lambda s: (str(s.path), s.cut.start if s.cut else 0))


def n_pieces(n_bytes: int, total: int, n_workers: int) -> int:
    """Say into how many pieces to cut a file so that no worker waits long for another."""
    if n_workers < 2:
        return 1
    fair = max(_WORTH_CUTTING, total // (2 * n_workers))
    return max(1, n_bytes // fair)


def cuts_at(places: Sequence[tuple[int, int]], size: int) -> list[Cut]:
    """Make pieces of the places where they begin, each with what is counted before it."""
    stops = [*(start for start, _ in places[1:]), size]
    return [Cut(start=start, stop=stop, first=first) for (start, first), stop in zip(places, stops, strict=True)]


class Window(io.RawIOBase):
    """A piece of a file as a stream of its own, behind the beginning of the file if it needs that."""

    def __init__(self, stream: BinaryIO, cut: Cut) -> None:
        self._stream, self._cut, self._at = stream, cut, cut.start
        self._head_left = min(cut.head, cut.start)
        stream.seek(0 if self._head_left else cut.start)

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return how many bytes of the piece were read."""
        return self._at - self._cut.start

    def readinto(self, target: object) -> int:
        """Read up to the end of the piece."""
        view = memoryview(target)  # type: ignore[arg-type]  # the buffer protocol has no name before Python 3.12
        if self._head_left:
            chunk = self._stream.read(min(len(view), self._head_left))
            self._head_left -= len(chunk) or self._head_left
            if not self._head_left:
                self._stream.seek(self._cut.start)
        else:
            chunk = self._stream.read(min(len(view), self._cut.stop - self._at))
            self._at += len(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file too."""
        self._stream.close()
        super().close()
