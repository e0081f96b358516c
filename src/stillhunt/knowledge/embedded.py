"""The base that comes with stillhunt: built once from installed packages, kept in the cache folder, opened as it is."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillhunt.folders import cache_folder
from stillhunt.knowledge.packaged import packaged, packages
from stillhunt.knowledge.store import Store
from stillhunt.progress import Step, Watcher, silent

__all__ = ["build", "embedded", "embedded_path"]

_KEPT = 2
"""Built bases kept, newest first; one takes some 80 MB."""


@contextmanager
def embedded(*, watch: Watcher = silent) -> Iterator[Store]:
    """Open the embedded base for reading; the first time, build it.

    Args:
        watch: Told when it is being built.

    Raises:
        EngineError: A package that carries the data is missing or damaged.
    """
    path = embedded_path()
    if path is None:  # nothing may be kept: it lives as long as it is open
        with tempfile.TemporaryDirectory(prefix="stillhunt-") as folder:
            yield from _opened(build(Path(folder) / "knowledge.db", watch=watch))
        return
    if not path.is_file():
        _build_beside(path, watch)
    yield from _opened(path)


def embedded_path() -> Path | None:
    """Return where the embedded base of these packages and this code lies, built or not; None if nothing is kept."""
    folder = cache_folder()
    return None if folder is None else folder / f"knowledge-{_key()}.db"


def build(path: Path, *, watch: Watcher = silent) -> Path:
    """Build the embedded base as a file of its own and return its path."""
    watch(Step(task="build", subject="the knowledge base, once", done=0, total=None))
    read = packaged()
    store = Store(path)
    try:
        names = ", ".join(f"{name} {version}" for name, version in packages().items() if version)
        store.add(read.claims, kind="import", note=names)
        store.remember("packages", names)
        store.shrink()
    finally:
        store.close()
    return path


def _opened(path: Path) -> Iterator[Store]:
    store = Store(path, read_only=True)
    try:
        yield store
    finally:
        store.close()


def _build_beside(path: Path, watch: Watcher) -> None:
    """Build under another name first, so that no other process ever opens half a base."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".knowledge-", dir=path.parent))
    try:
        build(folder / "knowledge.db", watch=watch).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept = sorted(path.parent.glob("knowledge-*.db"), key=_age, reverse=True)
    for old in kept[_KEPT:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # another process threw it away meanwhile


def _key() -> str:
    """Return what changes whenever another base would be built: packages, and our own code and data."""
    whole = hashlib.sha256(f"{sorted(packages().items())}".encode())
    for path in sorted(p for p in Path(__file__).parent.rglob("*") if p.suffix in {".py", ".tsv", ".yaml"}):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:24]
