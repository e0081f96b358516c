"""The text of rule files: from files, folders, release archives and the built-in pack."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from stillhunt.errors import Problem, RuleError

__all__ = ["BUILTIN", "RuleFile", "read_files"]

BUILTIN = "builtin"
"""Stands for the built-in pack where a path of rules is asked for."""

_RULE_FOLDERS = frozenset({"rules", "rules-emerging-threats", "rules-threat-hunting"})
"""Folders of a Sigma release whose rules are meant to run as they are."""

_OTHER_FOLDERS = frozenset({"deprecated", "unsupported", "rules-placeholder", "rules-compliance", "rules-dfir"})
"""Folders of a Sigma release beside them: retired, waiting for features, or waiting for a site's own values."""

_SUFFIXES = (".yml", ".yaml")

_LARGEST = 1 << 20
"""Bytes of a rule file that are read: twenty times the longest of several thousand public rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A YAML file that may hold rules.

    Attributes:
        path: Where it was read from, with ``!member`` for a member of an archive.
        content: Its bytes.
    """

    path: str
    content: bytes


def read_files(path: str | Path, problems: list[Problem]) -> Iterator[RuleFile]:
    """Yield the YAML files of a file, folder or zip archive, or of the built-in pack, sorted by path.

    Of a Sigma release only the folders of rules that are meant to run are read.

    Args:
        path: Where to look; the word ``builtin`` stands for the built-in pack.
        problems: Takes note of files that cannot be read and of folders left out.

    Raises:
        RuleError: There is no such path, or it is a damaged archive.
    """
    if str(path) == BUILTIN:
        yield from _read_pack(files("stillhunt") / "rules", BUILTIN, problems)
        return
    path = Path(path)
    if path.is_dir():
        yield from _read_folder(path, problems)
    elif not path.is_file():
        raise RuleError("there is no such file or folder of rules", where=str(path), hint="check the path")
    elif zipfile.is_zipfile(path):
        yield from _read_archive(path, problems)
    else:
        yield from _read_one(path, problems)


def _read_pack(folder: Traversable, where: str, problems: list[Problem]) -> Iterator[RuleFile]:
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from _read_pack(child, f"{where}/{child.name}", problems)
        elif child.name.endswith(_SUFFIXES):
            yield RuleFile(path=f"{where}/{child.name}", content=child.read_bytes())


def _read_folder(folder: Path, problems: list[Problem]) -> Iterator[RuleFile]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES}
    for name in _chosen(found, str(folder), problems):
        yield from _read_one(found[name], problems)


def _read_one(path: Path, problems: list[Problem]) -> Iterator[RuleFile]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        problems.append(Problem(code="rule", message=f"cannot be read: {error.strerror}", where=str(path)))
        return
    if len(content) > _LARGEST:
        problems.append(_too_long(str(path)))
        return
    yield RuleFile(path=str(path), content=content)


def _read_archive(path: Path, problems: list[Problem]) -> Iterator[RuleFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {m.filename: m for m in archive.infolist() if m.filename.lower().endswith(_SUFFIXES)}
            for name in _chosen(members, str(path), problems):
                yield from _read_member(archive, members[name], f"{path}!{name}", problems)
    except (zipfile.BadZipFile, OSError) as error:
        raise RuleError(f"is a damaged archive: {error}", where=str(path), hint="fetch it again") from error


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, problems: list[Problem]
) -> Iterator[RuleFile]:
    try:
        with archive.open(member) as file:
            content = file.read(_LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        problems.append(Problem(code="rule", message=f"cannot be read: {error}", where=where))
        return
    if len(content) > _LARGEST:
        problems.append(_too_long(where))
        return
    yield RuleFile(path=where, content=content)


def _too_long(where: str) -> Problem:
    return Problem(code="rule", message=f"is longer than {_LARGEST:,} bytes and is not read as a rule", where=where)


def _chosen(names: Iterable[str], where: str, problems: list[Problem]) -> Sequence[str]:
    """Return the names to read, sorted; if these are a Sigma release, note how many of which folder are not."""
    ordered = sorted(names)
    depth = _release_depth(ordered)
    if depth is None:
        return ordered
    left_out = Counter(_folder(name, depth) for name in ordered)
    for folder in _RULE_FOLDERS:
        left_out.pop(folder, None)
    for folder, n_files in sorted(left_out.items()):
        message = f"{n_files} files of `{folder or 'the top folder'}` are not loaded: not meant to run as they are"
        hint = f"to load them, give the folder `{folder}` itself" if folder in _OTHER_FOLDERS else None
        problems.append(Problem(code="rules-left-out", message=message, where=where, hint=hint))
    return [name for name in ordered if _folder(name, depth) in _RULE_FOLDERS]


def _release_depth(names: Sequence[str]) -> int | None:
    """Return at which depth the folders of a Sigma release lie, or None if this is not one."""
    for depth in (0, 1):
        folders = {_folder(name, depth) for name in names}
        if "rules" in folders and len(folders & (_RULE_FOLDERS | _OTHER_FOLDERS)) > 1:
            return depth
    return None


def _folder(name: str, depth: int) -> str:
    folders = PurePosixPath(name).parts[:-1]
    return folders[depth] if len(folders) > depth else ""
