"""Files, compressed files and archives: what they hold, opened one at a time and within limits.

Recognised by their first bytes, never by name: gzip, Zstandard, bzip2, xz, lzma; zip, tar, 7-Zip; and any of these
inside another, four deep. Nothing is ever written under a name that an archive gives. The limits are those of
:mod:`stillhunt.telemetry.content`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from stillhunt.errors import SourceError
from stillhunt.telemetry.content import DAMAGED, HOSTILE, Budget, Content, Entry, Fault, fault_of, seekable
from stillhunt.telemetry.inflate import Codec, Inflater, Packed, codec_of
from stillhunt.telemetry.seven_zip_entries import is_seven_zip, seven_zip_entries
from stillhunt.telemetry.tar_entries import is_tar, tar_entries
from stillhunt.telemetry.zip_entries import is_zip, zip_entries

__all__ = ["DAMAGED", "DESKTOPS_OWN", "Fault", "Member", "fault_of", "is_desktops_own", "members", "seekable"]

_MAX_DEPTH = 4
_HEAD = 512
"""A tar archive shows its name only at the end of its first block."""
_BUFFER = 1 << 17

_UNPACK = "unpack it and give the folder"
_NOT_OPENED = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF\x00\x00\x00\x00", "a cabinet archive"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"LZIP\x01", "an lzip file"),
    (b"\x1f\x9d", "a file of the old Unix compress"),
)
"""What is compressed in a way that is not read here, by first bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One log, or what may be one, inside a file given.

    Attributes:
        name: As shown to people: the path, with ``!member`` for a member of an archive.
        open: Opens its uncompressed content; raises :class:`SourceError` if it cannot be. What turns out to be wrong
            with it while it is read, :func:`fault_of` tells.
        modified: When it was last written, as the innermost archive that knows says, else as the file system does.
        note: Set if it is not to be read, saying why.
        remedy: What to do about that; None if nothing was lost.
    """

    name: str
    open: Callable[[], BinaryIO] = field(repr=False)
    modified: datetime | None = None
    note: str = ""
    remedy: str | None = None


DESKTOPS_OWN = "the desktop's own file, no log"
"""Said of a file that a desktop puts beside those of its user."""


def is_desktops_own(name: str) -> bool:
    """Tell by its path whether a file was put there by a desktop: it is none that a user asks to be read.

    >>> is_desktops_own("__MACOSX/._log.json"), is_desktops_own("logs/.DS_Store"), is_desktops_own("._x.evtx.json")
    (True, True, True)
    """
    *folders, last = name.split("/")
    return "__MACOSX" in folders or last in {".DS_Store", "Thumbs.db", "desktop.ini"} or last.startswith("._")


def members(path: Path, opener: Callable[[], BinaryIO], *, passwords: Sequence[str] = ()) -> Iterator[Member]:
    """Yield the logs of one file: itself, or what it holds if it is compressed or an archive.

    A member can be opened until the next is asked for. Members of one name are told apart by ``(2)`` and so on, in
    the order of the archive.

    Args:
        path: The file, as shown to people.
        opener: Opens it.
        passwords: Those to try where a member is encrypted; they are kept nowhere and shown nowhere.

    Raises:
        SourceError: The file cannot be unpacked, or holds more than may be.
        OSError: It cannot be opened.
    """
    with opener() as file:
        head = file.read(_HEAD)
    state = path.stat()
    given = _Given(name=str(path), passwords=tuple(passwords), budget=Budget(str(path), state.st_size))
    modified = datetime.fromtimestamp(state.st_mtime, UTC)
    yield from given.unpacked(_Layer(str(path), opener, n_packed=state.st_size, modified=modified, depth=0), head)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Something that may be a log, or packed."""

    name: str
    open: Callable[[], BinaryIO]
    n_packed: int
    modified: datetime | None
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """One file given, while it is unpacked."""

    name: str
    passwords: Sequence[str] = field(repr=False)
    budget: Budget

    def unpacked(self, layer: _Layer, head: bytes) -> Iterator[Member]:
        kind = next((what for magic, what in _NOT_OPENED if head.startswith(magic)), None)
        if kind is not None:
            yield _noted(layer, f"{kind}, which is not read here", _UNPACK)
            return
        codec = codec_of(head)
        entries = self._entries_of(head)
        if (codec or entries) and layer.depth >= _MAX_DEPTH:
            yield _noted(layer, f"archives are opened {_MAX_DEPTH} deep and no deeper", "unpack it")
        elif codec is not None:
            yield from self._inflated(layer, codec, head)
        elif entries is not None:
            yield from self._listed(layer, entries)
        else:
            yield Member(name=layer.name, open=layer.open, modified=layer.modified)

    def _entries_of(self, head: bytes) -> Callable[[BinaryIO], Iterator[Entry]] | None:
        if is_zip(head):
            return lambda stream: zip_entries(stream, self.passwords)
        if is_seven_zip(head):
            return lambda stream: seven_zip_entries(stream, self.passwords, self.budget.spend)
        return tar_entries if is_tar(head) else None

    def _inflated(self, layer: _Layer, codec: Codec, head: bytes) -> Iterator[Member]:
        inner = _Layer(
            layer.name,
            lambda: self._content(Inflater(layer.open(), codec), layer.name, layer.n_packed),
            n_packed=layer.n_packed,
            modified=codec.modified(head) or layer.modified,
            depth=layer.depth + 1,
        )
        head, fault = _head(inner)
        if not head and fault is not None:
            message = fault.message.replace("cannot be read to its end", "cannot be unpacked")
            raise SourceError(message, where=layer.name, hint="copy or download it again")
        yield from self.unpacked(inner, head)

    def _listed(self, layer: _Layer, entries: Callable[[BinaryIO], Iterator[Entry]]) -> Iterator[Member]:
        names: dict[str, int] = {}
        n_members = 0
        packed = layer.open()
        with packed, seekable(packed) as stream:
            for entry in entries(stream):
                n_members += 1
                yield from self._entry(layer, entry, names)
        fault = fault_of(packed)
        if fault is not None:
            yield _noted(layer, fault.message, fault.remedy)
        elif not n_members:
            yield _noted(layer, "an empty archive, no log", None)

    def _entry(self, layer: _Layer, entry: Entry, names: dict[str, int]) -> Iterator[Member]:
        self.budget.count()
        name = f"{layer.name}!{_told_apart(entry.name, names)}" if entry.name else layer.name
        inner = _Layer(
            name,
            partial(self._opened, entry, name),
            n_packed=entry.n_packed,
            modified=entry.modified or layer.modified,
            depth=layer.depth + 1,
        )
        if entry.note:
            yield _noted(inner, entry.note, entry.remedy)
        elif is_desktops_own(entry.name):
            yield _noted(inner, DESKTOPS_OWN, None)
        else:
            yield from self._packed(inner)

    def _packed(self, inner: _Layer) -> Iterator[Member]:
        try:
            head, fault = _head(inner)
        except SourceError as error:
            if error.where != inner.name:
                raise
            yield _noted(inner, error.message, error.hint)
            return
        if not head and fault is not None:
            message = fault.message.replace("cannot be read to its end", "cannot be unpacked")
            yield _noted(inner, message, "copy or download the archive again")
            return
        try:
            yield from self.unpacked(inner, head)
        except SourceError as error:
            # What is wrong with one member is no reason to leave the next.
            if error.where != inner.name:
                raise
            yield _noted(inner, error.message, error.hint)

    def _opened(self, entry: Entry, name: str) -> BinaryIO:
        assert entry.open is not None
        try:
            source = entry.open()
        except HOSTILE as error:
            message = f"cannot be unpacked: {error}"
            raise SourceError(message, where=name, hint="copy or download the archive again") from error
        return self._content(source, name, entry.n_packed)

    def _content(self, source: Packed, name: str, n_packed: int) -> BinaryIO:
        content = Content(source, name, n_packed=n_packed, budget=self.budget)
        return io.BufferedReader(content, _BUFFER)


def _head(layer: _Layer) -> tuple[bytes, Fault | None]:
    """Read the first bytes of a content, no more, and what is wrong with it so far."""
    with layer.open() as stream:
        raw = stream.raw if isinstance(stream, io.BufferedReader) else stream
        head = b""
        while len(head) < _HEAD and (chunk := raw.read(_HEAD - len(head))):
            head += chunk
        return head, fault_of(stream)


def _noted(layer: _Layer, note: str, remedy: str | None) -> Member:
    return Member(name=layer.name, open=layer.open, modified=layer.modified, note=note, remedy=remedy)


def _told_apart(name: str, names: dict[str, int]) -> str:
    """Return a name that no member before it has; characters that no text may hold are written as escapes."""
    name = name.encode("utf-8", "backslashreplace").decode()
    found = name
    while found in names:
        names[name] += 1
        found = f"{name} ({names[name]})"
    names[found] = 1
    return found
