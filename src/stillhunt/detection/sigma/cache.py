"""Compiled rules kept between runs: one file per set of rules, found again by what it was made of.

A file is read only if its key and its checksum agree, and decoded into the types it must have; anything else counts
as absent and is written anew. Nothing in it can run.
"""

from __future__ import annotations

import gc
import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from stillhunt.detection.rule import RuleSet
from stillhunt.folders import cache_folder

__all__ = ["Cache", "cache_key"]

_MAGIC = b"stillhunt rules 1\n"
_HASH = 32
_KEPT = 8
"""Files kept, newest first: a corpus takes 10 MB, and few people change between more than these."""

_STALE_S = 3_600
"""Age against the newest file at which a half-written one belongs to no process any more."""

_PACKAGES = ("stillhunt", "pysigma", "google-re2", "PyYAML")
"""What decides about a compiled rule beside its text."""

_CODE = ("detection", "kernel", "terms", "telemetry/coverage.py", "errors.py")
"""Our own code that does: in a checkout it changes without the version."""


def cache_key(parts: Iterable[bytes]) -> bytes:
    """Return the key of what is compiled from these parts by this code: 32 bytes."""
    whole = hashlib.sha256(_MAGIC)
    whole.update(f"{[_version(name) for name in _PACKAGES]}".encode())
    for path in _sources():
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.digest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _sources() -> list[Path]:
    """Return the files of our own code, none where it was not installed as files."""
    root = Path(__file__).parents[2]
    found = [path for name in _CODE for path in ((root / name).rglob("*.py") if "." not in name else [root / name])]
    return sorted(path for path in found if path.is_file())


class Cache:
    """A folder of compiled rules.

    Whatever goes wrong with it costs time and nothing else: a folder that cannot be written is left alone.

    Args:
        folder: Where it lies, or the word ``off``; None for what the environment variable ``STILLHUNT_CACHE``
            says, else the folder ``stillhunt`` in the user's cache folder.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = cache_folder(folder)

    def load(self, key: bytes) -> RuleSet | None:
        """Return what was saved under a key, or None if there is nothing sound."""
        if self.folder is None:
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        body = memoryview(content)[len(_MAGIC) + 2 * _HASH :]
        if content[: len(content) - len(body)] != _MAGIC + key + hashlib.sha256(body).digest():
            return None
        rules = _decoded(body)
        if rules is not None:
            with suppress(OSError):
                os.utime(path)  # used just now: the last to be thrown away
        return rules

    def save(self, key: bytes, rules: RuleSet) -> None:
        """Save under a key, replacing what is there, and throw away the oldest files."""
        if self.folder is None:
            return
        try:
            body = msgspec.msgpack.encode(rules)
        except (ValueError, OverflowError, RecursionError):
            return  # a number beyond 64 bits
        if _decoded(memoryview(body)) != rules:
            return  # a number that would come back rounded
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._replace(self._path(key), (_MAGIC, key, hashlib.sha256(body).digest(), body))
            self._throw_away()

    def _path(self, key: bytes) -> Path:
        assert self.folder is not None
        return self.folder / f"rules-{key.hex()[:32]}.msgpack"

    def _replace(self, path: Path, parts: Iterable[bytes]) -> None:
        """Write under another name first, so that no other process ever sees half a file."""
        handle, name = tempfile.mkstemp(prefix=".rules-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _throw_away(self) -> None:
        assert self.folder is not None
        kept = sorted(self.folder.glob("rules-*.msgpack"), key=_age, reverse=True)
        stale = [p for p in self.folder.glob(".rules-*.tmp") if _age(p) < _age(kept[0]) - _STALE_S] if kept else []
        for path in [*kept[_KEPT:], *stale]:
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # another process threw it away meanwhile


def _decoded(body: memoryview) -> RuleSet | None:
    is_collecting = gc.isenabled()
    # Half a million new objects, none of them garbage: looking for garbage among them takes most of the time.
    gc.disable()
    try:
        return msgspec.msgpack.decode(body, type=RuleSet)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    finally:
        if is_collecting:
            gc.enable()
