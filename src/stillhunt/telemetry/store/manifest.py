"""The manifest: a store's commit log, lines of JSON that are only ever added to.

A line counts once it is on the disk with its line feed; what a killed process left behind is no line, and files that
no line names are no part of the store. Lines:

- ``store``: the first; format and the version that began the store.
- ``given``: paths that a hunt was given, and what was said of files below them that were not opened.
- ``cut``: where a large input was cut, so that a later run cuts it in the same places.
- ``add``: a unit, that is some inputs read together, its parts, and what the reading ledger says of them.
- ``drop``: a unit that is no part of the store any more.
- ``same``: an input that has another modification time than before and the same content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from stillhunt.errors import InputError, Problem
from stillhunt.telemetry.coverage import InputFile
from stillhunt.telemetry.store.schema import FORMAT

__all__ = [
    "MARKER",
    "Add",
    "Cut",
    "Drop",
    "Given",
    "Group",
    "Input",
    "Manifest",
    "Part",
    "Piece",
    "Same",
    "is_store",
    "synced",
]

MARKER = "stillhunt-store.jsonl"
"""The manifest's name. A folder that holds it is a store: hunts do not read what is below as logs."""


class Piece(NamedTuple):
    """What is read of an input at a time.

    Attributes:
        member: Name of the only log to read in it; empty for all of it.
        start: Where the piece begins in that log, in bytes; -1 if it is whole.
        stop: Where the next one begins.
        first: What its source has counted before it.
        source: The source that cut it.
    """

    member: str = ""
    start: int = -1
    stop: int = -1
    first: int = 0
    source: str = ""


class Input(NamedTuple):
    """A file given, or a piece of it, as it was when it was read.

    Attributes:
        path: As given.
        n_bytes: Its size.
        mtime_ns: When it was last written.
        sha256: Of its whole content; empty for pieces but the first.
        piece: What of it was read.
        absolute: Its path from the root on: the same path as given may be another file elsewhere.
    """

    path: str
    n_bytes: int
    mtime_ns: int
    sha256: str
    piece: Piece = Piece()
    absolute: str = ""


class Group(NamedTuple):
    """Events of one class of identities in a unit: where to look before one of them is stored a second time.

    Attributes:
        product: Their product.
        host: Their host.
        channel: Their Windows channel; empty elsewhere.
        first: Time of the first, in microseconds since 1970 UTC.
        last: Time of the last.
        lowest: Smallest record id, where ids are numbers.
        highest: Largest record id.
    """

    product: str
    host: str
    channel: str
    first: int
    last: int
    lowest: int
    highest: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A Parquet file.

    Attributes:
        path: Where it lies, from the store's folder on.
        product: Sigma's product of its events.
        month: Their month; ``unknown`` where they have no time.
        n_rows: How many they are.
        n_bytes: Size of the file.
        first: Time of the first, in microseconds since 1970 UTC; None without times.
        last: Time of the last.
        classes: Name of each class to how many of its events there are.
        hosts: Their hosts, the first 50 by name.
        n_hosts: How many hosts there are.
    """

    path: str
    product: str
    month: str
    n_rows: int
    n_bytes: int
    first: int | None
    last: int | None
    classes: dict[str, int]
    hosts: tuple[str, ...]
    n_hosts: int


class Given(msgspec.Struct, frozen=True, kw_only=True, tag="given", tag_field="do"):
    """Paths that a hunt was given."""

    paths: tuple[str, ...]
    files: tuple[InputFile, ...] = ()
    problems: tuple[Problem, ...] = ()


class Cut(msgspec.Struct, frozen=True, kw_only=True, tag="cut", tag_field="do"):
    """Where an input is cut."""

    path: str
    n_bytes: int
    mtime_ns: int
    pieces: tuple[Piece, ...]


class Add(msgspec.Struct, frozen=True, kw_only=True, tag="add", tag_field="do"):
    """A unit.

    Attributes:
        unit: Its id: a hash of its inputs and of the code that read them.
        replaces: The unit that is no part of the store from now on; empty if there is none.
        reader: Which code read them.
        inputs: What was read.
        parts: Its Parquet files.
        groups: Where its events lie among those that have an identity.
        files: What the reading ledger says of every log in it.
        problems: What it says beside.
        duplicates: Log to how many of its events the store had already; they were not stored again.
    """

    unit: str
    replaces: str = ""
    reader: str
    inputs: tuple[Input, ...]
    parts: tuple[Part, ...]
    groups: tuple[Group, ...] = ()
    files: tuple[InputFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    duplicates: dict[str, int] = {}


class Drop(msgspec.Struct, frozen=True, kw_only=True, tag="drop", tag_field="do"):
    """A unit that is no part of the store any more."""

    unit: str
    why: str


class Same(msgspec.Struct, frozen=True, kw_only=True, tag="same", tag_field="do"):
    """An input that was touched and not changed."""

    path: str
    n_bytes: int
    old_mtime_ns: int
    mtime_ns: int


class _Store(msgspec.Struct, frozen=True, kw_only=True, tag="store", tag_field="do"):
    format: int
    made_by: str


Line = Given | Cut | Add | Drop | Same
_Any = _Store | Given | Cut | Add | Drop | Same


class Manifest:
    """The commit log of one store.

    Args:
        folder: The store.

    Raises:
        InputError: It is no store, or one that this version does not know, or its manifest is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / MARKER
        self.given: dict[tuple[str, ...], Given] = {}
        self.cuts: dict[tuple[str, int, int], Cut] = {}
        self.units: dict[str, Add] = {}
        self.touched: dict[tuple[str, int, int], int] = {}
        self._n_bytes = 0
        self._replay()

    @classmethod
    def begin(cls, folder: Path, *, made_by: str) -> Manifest:
        """Open a store's manifest, beginning it if there is none."""
        path = folder / MARKER
        if not path.exists() or not path.read_bytes().count(b"\n"):
            folder.mkdir(parents=True, exist_ok=True)
            with synced(path) as name:
                name.write_bytes(msgspec.json.encode(_Store(format=FORMAT, made_by=made_by)) + b"\n")
        return cls(folder)

    def append(self, *lines: Line) -> None:
        """Commit: afterwards the lines count, whatever happens.

        Raises:
            OSError: They cannot be written.
        """
        content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        handle = os.open(self._path, os.O_WRONLY)
        try:
            # Behind the last whole line: half a line of a killed process is written over.
            os.ftruncate(handle, self._n_bytes)
            os.lseek(handle, self._n_bytes, os.SEEK_SET)
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        self._n_bytes += len(content)
        for line in lines:
            self._apply(line)

    def _replay(self) -> None:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            reason = "is no store of stillhunt" if isinstance(error, FileNotFoundError) else "cannot be read"
            hint = "give the folder that `hunt --store` wrote"
            raise InputError(reason, where=str(self._path.parent), hint=hint) from error
        whole = content[: content.rfind(b"\n") + 1]
        self._n_bytes = len(whole)
        decode = msgspec.json.Decoder(_Any).decode
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                found = decode(line)
            except msgspec.MsgspecError as error:
                where = f"{self._path}:{number}"
                raise InputError(
                    f"the manifest is damaged: {error}", where=where, hint="hunt into a new store"
                ) from error
            if not isinstance(found, _Store):
                self._apply(found)
            elif found.format != FORMAT:
                message = f"is a store of format {found.format}, and this version reads format {FORMAT}"
                raise InputError(message, where=str(self._path.parent), hint="hunt into a new store")

    def _apply(self, line: Line) -> None:
        match line:
            case Given():
                self.given[line.paths] = line
            case Cut():
                self.cuts[line.path, line.n_bytes, line.mtime_ns] = line
            case Add():
                self.units.pop(line.replaces, None)
                self.units[line.unit] = line
            case Drop():
                self.units.pop(line.unit, None)
            case Same():
                self.touched[line.path, line.n_bytes, line.old_mtime_ns] = line.mtime_ns


def is_store(folder: Path) -> bool:
    """Tell whether a folder is a store."""
    return (folder / MARKER).is_file()


@contextmanager
def synced(path: Path, *, is_durable: bool = True) -> Iterator[Path]:
    """Give a temporary name to write to; afterwards the file is there under its own name, or not at all.

    Args:
        path: Its own name.
        is_durable: Whether it must be on the disk, also if the power fails; what can be made again need not be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Engines that are given the folder pass over names that begin with a dot.
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        if is_durable:
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
        beside.replace(path)
        if is_durable:
            _sync_folder(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # a folder cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
