"""Files, compressed files and archives: what they hold, opened one at a time and within limits.

Recognised by their first bytes, never by name. Limits against archive bombs: a member may unpack to at most
300 times its compressed size (but always to 256 MiB) and to 64 GiB, archives may be nested four deep.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from stillhunt.errors import SourceError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["DAMAGED", "DESKTOPS_OWN", "Member", "is_desktops_own", "members", "seekable"]

_MAX_RATIO = 300
_ALWAYS_ALLOWED = 256 << 20
_NEVER_ALLOWED = 64 << 30
_MAX_DEPTH = 4
_HEAD = 512
"""A tar archive shows its name only at the end of its first block."""
_IN_MEMORY = 64 << 20

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", (b"PK\x03\x04", b"PK\x05\x06")

DAMAGED = (
    EOFError,
    OSError,
    zlib.error,
    zstd.ZstdError,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    NotImplementedError,
)
"""What the decompressors raise on damaged content."""


class _Unpacker(Protocol):
    """What decompressors have in common."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One log, or what may be one, inside a file given.

    Attributes:
        name: As shown to people: the path, with ``!member`` for a member of an archive.
        open: Opens its uncompressed content; raises :class:`SourceError` if it cannot be.
        note: Set if it is not to be read, saying why.
        remedy: What to do about that; None if nothing was lost.
    """

    name: str
    open: Callable[[], BinaryIO]
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


def members(path: Path, opener: Callable[[], BinaryIO]) -> Iterator[Member]:
    """Yield the logs of one file: itself, or what it holds if it is compressed or an archive.

    Args:
        path: The file, as shown to people.
        opener: Opens it.

    Raises:
        SourceError: The file cannot be unpacked.
        OSError: It cannot be opened.
    """
    with opener() as file:
        head = file.read(_HEAD)
    yield from _unpack(str(path), opener, head=head, n_packed=path.stat().st_size, depth=0)


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Give a stream that can seek: itself, or a copy in memory or, beyond 64 MiB, in a temporary file."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        yield stream
        return
    with stream, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        while chunk := stream.read(1 << 20):
            copy.write(chunk)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _unpack(name: str, opener: Callable[[], BinaryIO], *, head: bytes, n_packed: int, depth: int) -> Iterator[Member]:
    is_packed = head.startswith((_GZIP, _ZSTD, *_ZIP)) or _is_tar(head)
    if is_packed and depth >= _MAX_DEPTH:
        yield Member(
            name=name, open=opener, note=f"archives are opened {_MAX_DEPTH} deep and no deeper", remedy="unpack it"
        )
        return
    if head.startswith(_GZIP):
        yield from _unpack_stream(name, opener, _gunzip, n_packed=n_packed, depth=depth)
    elif head.startswith(_ZSTD):
        yield from _unpack_stream(name, opener, zstd.ZstdFile, n_packed=n_packed, depth=depth)
    elif head.startswith(_ZIP):
        yield from _unpack_zip(name, opener, depth=depth)
    elif _is_tar(head):
        yield from _unpack_tar(name, opener, depth=depth)
    else:
        yield Member(name=name, open=opener)


def _unpack_stream(
    name: str,
    opener: Callable[[], BinaryIO],
    unpacker: Callable[[BinaryIO], _Unpacker],
    *,
    n_packed: int,
    depth: int,
) -> Iterator[Member]:
    def opened() -> BinaryIO:
        packed = opener()
        return _limited(unpacker(packed), name, n_packed, packed)

    try:
        with opened() as stream:
            head = stream.read(_HEAD)
    except DAMAGED as error:
        raise SourceError(f"cannot be unpacked: {error}", where=name, hint="copy or download it again") from error
    yield from _unpack(name, opened, head=head, n_packed=n_packed, depth=depth + 1)


def _unpack_zip(name: str, opener: Callable[[], BinaryIO], *, depth: int) -> Iterator[Member]:
    try:
        with opener() as packed, seekable(packed) as stream, zipfile.ZipFile(stream) as archive:
            for info in sorted(archive.infolist(), key=lambda i: i.filename):
                if not info.is_dir():
                    yield from _unpack_member(f"{name}!{info.filename}", archive, info, depth=depth)
    except DAMAGED as error:
        raise SourceError(f"is a damaged zip archive: {error}", where=name, hint="copy or download it again") from error


def _unpack_member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, depth: int) -> Iterator[Member]:
    def opened() -> BinaryIO:
        return _limited(archive.open(info), name, info.compress_size)

    if is_desktops_own(info.filename):
        yield Member(name=name, open=opened, note=DESKTOPS_OWN)
        return
    if info.flag_bits & 0x1:
        remedy = "unpack it with its password and give the folder"
        yield Member(name=name, open=opened, note="protected by a password", remedy=remedy)
        return
    try:
        with opened() as stream:
            head = stream.read(_HEAD)
    except DAMAGED as error:
        yield Member(name=name, open=opened, note=f"cannot be unpacked: {error}", remedy="copy it again")
        return
    yield from _unpack(name, opened, head=head, n_packed=info.compress_size, depth=depth + 1)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _unpack_tar(name: str, opener: Callable[[], BinaryIO], *, depth: int) -> Iterator[Member]:
    try:
        with opener() as packed, seekable(packed) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for info in sorted((i for i in archive if i.isfile()), key=lambda i: i.name):
                yield from _unpack_tar_member(f"{name}!{info.name}", archive, info, depth=depth)
    except DAMAGED as error:
        raise SourceError(f"is a damaged tar archive: {error}", where=name, hint="copy or download it again") from error


def _unpack_tar_member(name: str, archive: tarfile.TarFile, info: tarfile.TarInfo, *, depth: int) -> Iterator[Member]:
    def opened() -> BinaryIO:
        content = archive.extractfile(info)
        if content is None:
            raise SourceError("cannot be opened inside its archive", where=name)
        return _limited(content, name, info.size)

    if is_desktops_own(info.name):
        yield Member(name=name, open=opened, note=DESKTOPS_OWN)
        return
    with opened() as stream:
        head = stream.read(_HEAD)
    yield from _unpack(name, opened, head=head, n_packed=info.size, depth=depth + 1)


def _gunzip(packed: BinaryIO) -> _Unpacker:
    return _Gzip(fileobj=packed)


def _limited(stream: _Unpacker, name: str, n_packed: int, *below: BinaryIO) -> BinaryIO:
    """Limit a stream; closing it closes what lies below, which decompressors leave open."""
    return io.BufferedReader(_Limited((stream, *below), name, _limit(n_packed)), 1 << 17)


def _limit(n_packed: int) -> int:
    return min(_NEVER_ALLOWED, max(_ALWAYS_ALLOWED, _MAX_RATIO * n_packed))


class _Gzip(gzip.GzipFile):
    """Ignores what follows the last gzip member, as gzip itself does.

    Reads in single steps: a longer read that fails at the end would lose what it had.
    """

    _has_content = False

    def read(self, size: int | None = -1) -> bytes:
        try:
            chunk = super().read1(-1 if size is None else size)
        except gzip.BadGzipFile:
            if not self._has_content:
                raise
            return b""
        self._has_content = self._has_content or bool(chunk)
        return chunk


class _Limited(io.RawIOBase):
    """Passes content on and stops a bomb."""

    def __init__(self, streams: Sequence[_Unpacker], name: str, limit: int) -> None:
        self._streams, self._name, self._left, self._limit = streams, name, limit, limit

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._limit - self._left

    def readinto(self, target: object) -> int:
        view = memoryview(target)  # type: ignore[arg-type]  # the buffer protocol has no name before Python 3.12
        chunk = self._streams[0].read(len(view))
        self._left -= len(chunk)
        if self._left < 0:
            message = f"unpacks to more than {self._limit >> 20:,} MiB, which looks like an archive bomb"
            raise SourceError(message, where=self._name, hint="unpack it yourself if you trust it")
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        super().close()
