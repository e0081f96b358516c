"""The text of rule files: from files, folders, release archives and the built-in pack."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path, PurePosixPath

from stillhunt.errors import Problem, RuleError

__all__ = ["BUILTIN", "Given", "RuleFile", "read_all", "read_values"]

BUILTIN = "builtin"
"""Stands for the built-in pack where a path of rules is asked for."""

_RULE_FOLDERS = frozenset({"rules", "rules-emerging-threats", "rules-threat-hunting"})
"""Folders of a Sigma release whose rules are meant to run as they are."""

_OTHER_FOLDERS = frozenset({"deprecated", "unsupported", "rules-placeholder", "rules-compliance", "rules-dfir"})
"""Folders of a Sigma release beside them: retired, waiting for features, or waiting for a site's own values."""

_SUFFIXES = (".yml", ".yaml")

_LARGEST = 1 << 20
"""Bytes of a rule file that are read: twenty times the longest of several thousand public rules."""

_LARGEST_ARCHIVE = 256 << 20
_MOST_BYTES = 256 << 20
"""Bytes of rule files that are read of one path, twenty times a Sigma release: an archive can claim any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A YAML file that may hold rules.

    Attributes:
        path: Where it was read from, with ``!member`` for a member of an archive.
        content: Its bytes.
    """

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What lies at one path of rules: read, an archive not yet opened.

    Attributes:
        path: As it was given.
        blobs: YAML files, sorted by path; of an archive, the archive itself.
        is_archive: Whether it is one.
        problems: Files that could not be read, folders left out.
    """

    path: str
    blobs: tuple[RuleFile, ...]
    is_archive: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def n_bytes(self) -> int:
        """Size of what was read."""
        return sum(len(blob.content) for blob in self.blobs)

    def digest(self) -> bytes:
        """Return a SHA-256 over everything that what is made of these files depends on."""
        whole = hashlib.sha256(f"{self.path}\0{self.is_archive}\0{self.problems}".encode())
        for blob in self.blobs:
            whole.update(f"\0{blob.path}\0{len(blob.content)}\0".encode())
            whole.update(blob.content)
        return whole.digest()

    def files(self, problems: list[Problem]) -> Iterator[RuleFile]:
        """Yield the YAML files, sorted by path, and take note of what could not be read.

        Raises:
            RuleError: It is a damaged archive.
        """
        problems += self.problems
        if not self.is_archive:
            yield from self.blobs
            return
        for blob in self.blobs:
            yield from _bounded(_read_archive(blob, problems), self.path, problems)


def read_all(paths: Sequence[str | Path]) -> list[Given]:
    """Read what lies at paths of rules, each once, sorted by path; archives as they are.

    Of a Sigma release only the folders of rules that are meant to run are read.

    Args:
        paths: Files, folders (walked) and zip archives; the word ``builtin`` stands for the built-in pack, which
            is also read if nothing is given.

    Raises:
        RuleError: There is no such path, or it is an archive that cannot be read.
    """
    return [_read(where) for where in sorted({str(path) for path in paths} or {BUILTIN})]


def read_values(paths: Sequence[str | Path]) -> list[RuleFile]:
    """Read files of lists of values, each once, sorted by path.

    Raises:
        RuleError: There is no such file, or it is longer than a file of rules may be.
    """
    found: list[RuleFile] = []
    for where in sorted({str(path) for path in paths}):
        problems: list[Problem] = []
        path = Path(where)
        if not path.is_file():
            raise RuleError("there is no such file of values", where=_shown(path), hint="check the path")
        found += _read_one(path, problems)
        for problem in problems:
            raise RuleError(
                problem.message, where=problem.where, hint="give a YAML file of lists by name of placeholder"
            )
    return found


def _read(given: str) -> Given:
    problems: list[Problem] = []
    if given == BUILTIN:
        return Given(path=given, blobs=tuple(_read_pack(files("stillhunt") / "rules", BUILTIN)))
    path, where = Path(given), _shown(given)
    if path.is_dir():
        blobs = tuple(_bounded(_read_folder(path, problems), where, problems))
        return Given(path=where, blobs=blobs, problems=tuple(problems))
    if not path.is_file():
        raise RuleError("there is no such file or folder of rules", where=where, hint="check the path")
    if _is_archive(path):
        return Given(path=where, blobs=(_whole(path),), is_archive=True)
    return Given(path=where, blobs=tuple(_read_one(path, problems)), problems=tuple(problems))


def _shown(path: str | Path) -> str:
    """Write a path as text, also where its name is no text in the file system's encoding."""
    return str(path).encode(errors="backslashreplace").decode()


def _is_archive(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}
    except OSError:
        return False  # read as one file, which will name the reason


def _whole(path: Path) -> RuleFile:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_ARCHIVE + 1)
    except OSError as error:
        raise RuleError(
            f"cannot be read: {error.strerror}", where=_shown(path), hint="check its permissions"
        ) from error
    if len(content) > _LARGEST_ARCHIVE:
        reason = f"is larger than the {_LARGEST_ARCHIVE:,} bytes that an archive of rules may have"
        raise RuleError(reason, where=_shown(path), hint="unpack it and give the folder of its rules")
    return RuleFile(path=_shown(path), content=content)


def _read_pack(folder: Traversable, where: str) -> Iterator[RuleFile]:
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from _read_pack(child, f"{where}/{child.name}")
        elif child.name.endswith(_SUFFIXES):
            yield RuleFile(path=f"{where}/{child.name}", content=child.read_bytes())


def _read_folder(folder: Path, problems: list[Problem]) -> Iterator[RuleFile]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES}
    for name in _chosen(found, _shown(folder), problems):
        yield from _read_one(found[name], problems)


def _read_one(path: Path, problems: list[Problem]) -> Iterator[RuleFile]:
    if not path.is_file():
        if not path.is_dir():
            message = "is no file that can be read: a pipe, a device or a link to nowhere"
            problems.append(Problem(code="rule", message=message, where=_shown(path)))
        return
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        problems.append(Problem(code="rule", message=f"cannot be read: {error.strerror}", where=_shown(path)))
        return
    if len(content) > _LARGEST:
        problems.append(_too_long(_shown(path)))
        return
    yield RuleFile(path=_shown(path), content=content)


def _read_archive(blob: RuleFile, problems: list[Problem]) -> Iterator[RuleFile]:
    try:
        with zipfile.ZipFile(BytesIO(blob.content)) as archive:
            members = {m.filename: m for m in archive.infolist() if m.filename.lower().endswith(_SUFFIXES)}
            for name in _chosen(members, blob.path, problems):
                yield from _read_member(archive, members[name], f"{blob.path}!{name}", problems)
    # The directory of an archive is hostile data: whatever reading it raises says that it is damaged.
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise RuleError(f"is a damaged archive: {error}", where=blob.path, hint="fetch it again") from error


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, problems: list[Problem]
) -> Iterator[RuleFile]:
    try:
        with archive.open(member) as file:
            content = file.read(_LARGEST + 1)
    # Each decompressor has errors of its own, and a password is one more; they are about this member alone.
    except Exception as error:  # noqa: BLE001 - one member, whatever is wrong with it, stops no other
        problems.append(Problem(code="rule", message=f"cannot be read: {error}", where=where, hint="fetch it again"))
        return
    if len(content) > _LARGEST:
        problems.append(_too_long(where))
        return
    yield RuleFile(path=where, content=content)


def _bounded(found: Iterator[RuleFile], where: str, problems: list[Problem]) -> Iterator[RuleFile]:
    """Stop after so many bytes that no corpus of rules can have been meant."""
    n_bytes = 0
    for file in found:
        n_bytes += len(file.content)
        if n_bytes > _MOST_BYTES:
            message = f"holds more than {_MOST_BYTES:,} bytes of rules; nothing is read from {file.path} on"
            problems.append(Problem(code="rule", message=message, where=where, hint="give its folders one by one"))
            return
        yield file


def _too_long(where: str) -> Problem:
    return Problem(code="rule", message=f"is longer than {_LARGEST:,} bytes and is not read", where=where)


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
