"""What a tar archive lists, of any flavour: v7, ustar, GNU, pax.

The list is read once, from the beginning; of every member only its place is kept, so an archive of very many small
members costs no more than reading it. Members are given by name.

Reference: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO, NamedTuple, cast

from stillhunt.telemetry.content import HOSTILE, Entry, Slice

__all__ = ["is_tar", "tar_entries"]

_BLOCK = 512
_LONGEST_HEADER = 16 << 20
"""Bytes that a name or an extended header may take; it is loaded whole."""

_FORGET_EVERY = 1000
_COPY_AGAIN = "copy or download it again"

_KINDS = {
    tarfile.SYMTYPE: "a symbolic link, not followed",
    tarfile.CHRTYPE: "a device, no file",
    tarfile.BLKTYPE: "a device, no file",
    tarfile.FIFOTYPE: "a pipe, no file",
}


def is_tar(head: bytes) -> bool:
    """Tell by its first 512 bytes whether a file is a tar archive: by its magic, else by its checksum."""
    if len(head) < _BLOCK:
        return False
    return head[257:262] == b"ustar" or (head[0] != 0 and _is_sum_right(head[:_BLOCK]))


def _is_sum_right(header: bytes) -> bool:
    octal = header[148:156].strip(b" \x00")
    if not octal or not all(48 <= digit < 56 for digit in octal):
        return False
    return int(octal, 8) == sum(header[:148]) + sum(header[156:]) + 8 * 32


class _Place(NamedTuple):
    """What is kept of a member."""

    name: str
    number: int
    offset: int
    size: int
    seconds: float
    note: str
    sparse: tarfile.TarInfo | None


def tar_entries(stream: BinaryIO) -> Iterator[Entry]:
    """Yield what a tar archive holds, by name; each can be opened until the next is asked for.

    Args:
        stream: The archive; can seek.
    """
    places: list[_Place] = []
    guarded = cast("BinaryIO", _Guarded(stream))
    try:
        # Names are in no known encoding; what is no UTF-8 is shown as escapes.
        archive = tarfile.open(fileobj=guarded, mode="r:", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - closing it would add nothing: it is the stream's own
    except HOSTILE as error:
        yield Entry(name="", note=f"is a damaged tar archive: {error}", remedy=_COPY_AGAIN)
        return
    trouble = _list(archive, stream, places)
    for place in sorted(places):
        yield _entry(archive, stream, place)
    if trouble:
        yield Entry(name="", note=trouble, remedy=_COPY_AGAIN)


class _Guarded:
    """A stream that gives no more at once than a header may take."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._stream.read(size)


def _list(archive: tarfile.TarFile, stream: BinaryIO, places: list[_Place]) -> str:
    """Walk the headers, and say what is wrong with them."""
    number = 0
    try:
        while (info := archive.next()) is not None:
            number += 1
            if not info.isdir():
                places.append(_place(info, number))
            if number % _FORGET_EVERY == 0:
                vars(archive)["members"] = []  # kept by the library for look-ups that are not made here
        stream.seek(archive.offset)
        block = stream.read(_BLOCK)
    except HOSTILE as error:
        return f"is a damaged tar archive: {error}; members listed before the damage are read"
    if not block:
        return "has no end mark: it may be cut short"
    if any(block):
        return f"is a damaged tar archive: no header at byte {archive.offset:,}; members before it are read"
    return ""


def _place(info: tarfile.TarInfo, number: int) -> _Place:
    note = _KINDS.get(info.type, "")
    if info.islnk():
        note = f"another name of {info.linkname}, read once"
    return _Place(
        name=info.name or "(no name)",
        number=number,
        offset=info.offset_data,
        size=info.size,
        seconds=float(info.mtime),
        note=note,
        sparse=info if info.issparse() else None,
    )


def _entry(archive: tarfile.TarFile, stream: BinaryIO, place: _Place) -> Entry:
    if place.note:
        return Entry(name=place.name, note=place.note)
    if place.sparse is not None:
        # How much of it is holes is not told, so it gets the least that anything may have.
        return Entry(name=place.name, open=partial(_sparse, archive, place.sparse), modified=_time(place.seconds))
    return Entry(
        name=place.name,
        n_packed=place.size,
        open=partial(Slice, stream, [(place.offset, place.size)]),
        modified=_time(place.seconds),
    )


def _sparse(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    content = archive.extractfile(info)
    if content is None:
        raise tarfile.ReadError("no file")
    return cast("BinaryIO", content)


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
