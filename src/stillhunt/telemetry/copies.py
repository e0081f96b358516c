"""Files that hold the same bytes under several names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

__all__ = ["copies", "digest"]

_END = 1 << 16
"""Bytes at both ends of a file that are looked at before all of it is."""


def copies(paths: Sequence[Path]) -> dict[Path, Path]:
    """Return the files that hold what an earlier file holds, each with the earliest.

    Only files of the same size are opened, and only those whose ends agree are read. Empty files are no copies.
    """
    found: dict[Path, Path] = {}
    for of_size in _alike(paths, _size):
        for with_ends in _alike(of_size, _ends):
            for same in _alike(with_ends, digest):
                found |= dict.fromkeys(same[1:], same[0])
    return found


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _alike(paths: Iterable[Path], key: Callable[[Path], str]) -> list[list[Path]]:
    """Group paths by a key, in order, leaving out those without one and those alone."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[key(path)].append(path)
    return [group for name, group in groups.items() if name and len(group) > 1]


def _size(path: Path) -> str:
    try:
        return str(path.stat().st_size or "")
    except OSError:
        return ""


def _ends(path: Path) -> str:
    try:
        with path.open("rb") as file:
            whole = hashlib.sha256(file.read(_END))
            file.seek(max(0, path.stat().st_size - _END))
            whole.update(file.read(_END))
    except OSError:
        return ""
    return whole.hexdigest()
