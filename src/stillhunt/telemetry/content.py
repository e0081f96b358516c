"""What lies in a file, opened: its bytes as one stream, within limits, with what is wrong with them.

Limits against archive bombs: one content may have at most 300 times its compressed size (but always 256 MiB) and
64 GiB; all contents of one file given, likewise 300 times its size (but always 1 GiB) and 256 GiB, and 1,000,000
members. Damage ends a content where it lies: everything before it is read, and :func:`fault_of` tells what it was.
"""

from __future__ import annotations

import io
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, cast

from stillhunt.errors import SourceError
from stillhunt.telemetry.inflate import INFLATE_ERRORS, Packed

__all__ = ["DAMAGED", "HOSTILE", "Budget", "Content", "Entry", "Fault", "Slice", "fault_of", "seekable"]

_MAX_RATIO = 300
_ALWAYS_ALLOWED = 256 << 20
_NEVER_ALLOWED = 64 << 30
_ALWAYS_ALLOWED_IN_ALL = 1 << 30
_NEVER_ALLOWED_IN_ALL = 256 << 30
_MAX_MEMBERS = 1_000_000
_IN_MEMORY = 64 << 20
_BUFFER = 1 << 17

_TRUST = "unpack it yourself if you trust it"

DAMAGED = (
    *INFLATE_ERRORS,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,
)
"""What the decompressors raise on damaged content."""

HOSTILE = (
    *DAMAGED,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What the readers of archives raise on content that was made to trouble them; used around nothing but their calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that an archive lists.

    Attributes:
        name: Its name there; empty if this is about the archive itself.
        n_packed: Its compressed size in bytes, which its limit is measured by.
        open: Opens its content; raises what is in :data:`HOSTILE`.
        modified: When it was last written, if the archive says so.
        note: Set if it cannot be read, saying why.
        remedy: What to do about that; None if nothing was lost.
    """

    name: str
    n_packed: int = 0
    open: Callable[[], Packed] | None = field(default=None, repr=False)
    modified: datetime | None = None
    note: str = ""
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a content.

    Attributes:
        message: In a few words.
        remedy: What to do about it; None if nothing was lost.
    """

    message: str
    remedy: str | None


class Budget:
    """What may be unpacked of one file given.

    Args:
        name: The file, as shown to people.
        n_packed: Its size in bytes.
    """

    def __init__(self, name: str, n_packed: int) -> None:
        self._name = name
        self._allowed = min(_NEVER_ALLOWED_IN_ALL, max(_ALWAYS_ALLOWED_IN_ALL, _MAX_RATIO * n_packed))
        self._left = self._allowed
        self._members_left = _MAX_MEMBERS

    def spend(self, n_bytes: int) -> None:
        """Count what was unpacked.

        Raises:
            SourceError: It is more than may be.
        """
        self._left -= n_bytes
        if self._left < 0:
            message = (
                f"what it holds unpacks to more than {self._allowed >> 20:,} MiB, which looks like an archive bomb"
            )
            raise SourceError(message, where=self._name, hint=_TRUST)

    def count(self) -> None:
        """Count a member.

        Raises:
            SourceError: There are more than may be.
        """
        self._members_left -= 1
        if self._members_left < 0:
            raise SourceError(f"holds more than {_MAX_MEMBERS:,} members", where=self._name, hint=_TRUST)


class Content(io.RawIOBase):
    """Passes content on, counts it, ends it where it is damaged, and stops a bomb.

    Args:
        source: Where it comes from; closed with this.
        name: As shown to people.
        n_packed: Its compressed size in bytes.
        budget: That of the file given.
    """

    def __init__(self, source: Packed, name: str, *, n_packed: int, budget: Budget) -> None:
        self._source, self._name, self._budget = source, name, budget
        self._limit = self._left = min(_NEVER_ALLOWED, max(_ALWAYS_ALLOWED, _MAX_RATIO * n_packed))
        self._fault: Fault | None = None

    @property
    def fault(self) -> Fault | None:
        """What is wrong with it, as far as it was read."""
        remark = getattr(self._source, "remark", "")
        return self._fault or (Fault(remark, None) if remark else None)

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._limit - self._left

    def readinto(self, target: object) -> int:
        """Read on.

        Raises:
            SourceError: It is longer than may be.
        """
        view = memoryview(target)  # type: ignore[arg-type]  # the buffer protocol has no name before Python 3.12
        if self._fault is not None:
            return 0
        try:
            chunk = self._source.read(len(view))
        except SourceError:
            raise
        except HOSTILE as error:
            hint = "what comes before was read; copy or download it again"
            self._fault = Fault(f"cannot be read to its end: {str(error) or type(error).__name__}", hint)
            return 0
        self._left -= len(chunk)
        if self._left < 0:
            message = f"unpacks to more than {self._limit >> 20:,} MiB, which looks like an archive bomb"
            raise SourceError(message, where=self._name, hint=_TRUST)
        self._budget.spend(len(chunk))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close what it comes from."""
        if not self.closed:
            self._source.close()
        super().close()


class Slice:
    """A part of a file that can seek, read in order; several of one file may be read in turn.

    Args:
        file: The file; left open.
        pieces: (offset, length) of each run of bytes, in order.
    """

    def __init__(self, file: BinaryIO, pieces: list[tuple[int, int]]) -> None:
        self._file = file
        self._pieces = pieces[::-1]

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end.

        Raises:
            EOFError: The file ends before the part does.
        """
        if size <= 0:
            return b""
        while self._pieces:
            offset, length = self._pieces.pop()
            if not length:
                continue
            self._file.seek(offset)
            chunk = self._file.read(min(size, length))
            if not chunk:
                raise EOFError("it is cut short")
            self._pieces.append((offset + len(chunk), length - len(chunk)))
            return chunk
        return b""

    def close(self) -> None:
        """Let go of it."""
        self._pieces = []


def fault_of(stream: BinaryIO) -> Fault | None:
    """Return what is wrong with a content, as far as it was read; None if nothing is, or nobody knows."""
    raw = stream.raw if isinstance(stream, io.BufferedReader) else stream
    return raw.fault if isinstance(raw, Content) else None


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Give a stream that can seek: itself, or a copy in memory or, beyond 64 MiB, in a temporary file."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        yield stream
        return
    with stream, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        while chunk := stream.read(1 << 20):
            copy.write(chunk)
        copy.seek(0)
        yield cast("BinaryIO", copy)
