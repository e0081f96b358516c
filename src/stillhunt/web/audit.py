"""What was done, by whom: lines of JSON that are only ever added to, each with the hash of the one before it.

Whoever takes a line out or changes one breaks the chain of all that follow, and :meth:`Audit.broken_at` says where.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

__all__ = ["Audit", "Entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was done.

    Attributes:
        at: When, in UTC.
        by: Who.
        what: Such as ``log-in``, ``decide``, ``export``.
        about: What it was done to.
        address: Where the request came from.
        previous: SHA-256 of the line before; empty for the first.
    """

    at: str
    by: str
    what: str
    about: str = ""
    address: str = ""
    previous: str = ""


class Audit:
    """The log in one file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def note(self, by: str, what: str, about: str = "", *, address: str = "") -> None:
        """Add a line, and return when it is on the disk."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with self._lock, os.fdopen(os.open(self._path, flags, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another process may serve the same folder
            previous = _last_line(file)
            entry = Entry(
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                by=by,
                what=what,
                about=about[:500],
                address=address,
                previous=hashlib.sha256(previous).hexdigest() if previous else "",
            )
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self, *, limit: int = 200) -> list[Entry]:
        """Return the last entries, latest first."""
        return [msgspec.json.decode(line, type=Entry) for line in list(self._lines())[-limit:]][::-1]

    def broken_at(self) -> int | None:
        """Return the number of the first line that does not follow from the one before, or None if all do."""
        previous = b""
        for number, line in enumerate(self._lines(), 1):
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.MsgspecError:
                return number
            if entry.previous != (hashlib.sha256(previous).hexdigest() if previous else ""):
                return number
            previous = line
        return None

    def _lines(self) -> Iterator[bytes]:
        if self._path.is_file():
            with self._path.open("rb") as file:
                yield from (line.rstrip(b"\n") for line in file)


def _last_line(file: IO[bytes]) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    lines = file.read().splitlines()
    return lines[-1] if lines else b""


_TAIL = 16_384
"""Bytes that hold the last line whole: what an entry is about is cut long before."""
