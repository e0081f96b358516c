"""What to read at a time: small files together, large ones in pieces, so that little is lost if the hunt is killed.

The units in hand are together about a twentieth of all; one is between 2 and 64 MiB as read. Large files are cut where
their source can cut them; logs inside a zip archive, and files compressed by themselves, too, if they unpack to no
more than a gigabyte. What cannot be cut is a unit of its own.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stillhunt.errors import SourceError
from stillhunt.telemetry.archive import DAMAGED, Member, members, seekable
from stillhunt.telemetry.mapping import LogMapping
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.share import Cut, Share
from stillhunt.telemetry.source import SOURCES, peek
from stillhunt.telemetry.store.manifest import Input, Piece

__all__ = ["Unit", "grouped", "pieces_of", "unit_size", "weight"]

_IN_HAND = 20
_LEAST, _MOST = 2 << 20, 64 << 20
_CUTTABLE = 1 << 30
"""Bytes of a compressed log up to which it is cut: every piece unpacks all before it once more."""

_USUAL_RATIO = 10
_PACKED, _ZIP = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd"), b"PK\x03\x04"
_BUFFER = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is read, and kept, at a time.

    Attributes:
        inputs: Files and pieces of files.
        n_bytes: Their size on the disk.
    """

    inputs: tuple[Input, ...]
    n_bytes: int

    def shares(self) -> list[Share]:
        """Return it as what is to be read."""
        return [_share(given) for given in self.inputs]


def _share(given: Input) -> Share:
    piece = given.piece
    cut = None if piece.start < 0 else Cut(start=piece.start, stop=piece.stop, first=piece.first)
    is_plain = cut is not None and not piece.member
    n_bytes = piece.stop - piece.start if is_plain else given.n_bytes
    return Share(path=Path(given.path), n_bytes=n_bytes, cut=cut, source=piece.source, member=piece.member)


def weight(path: Path, n_bytes: int) -> int:
    """Return about how many bytes a file is when it is read."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head == _ZIP:
            with zipfile.ZipFile(path) as archive:
                return sum(info.file_size for info in archive.infolist())
    except (OSError, ValueError, *DAMAGED):
        return n_bytes
    return n_bytes * _USUAL_RATIO if head.startswith(_PACKED) else n_bytes


def unit_size(total: int, n_workers: int) -> int:
    """Return how large a unit is to be; each worker has one in hand, and one more may wait to be kept."""
    return max(_LEAST, min(_MOST, total // (_IN_HAND * (n_workers + 1))))


def pieces_of(path: Path, n_bytes: int, size: int, mappings: Sequence[LogMapping] = ()) -> tuple[Piece, ...]:
    """Cut a file into pieces of about a size, if that can be done.

    Args:
        path: The file.
        n_bytes: Its :func:`weight`.
        size: Bytes of a piece.
        mappings: How logs are to be read that no source knows.
    """
    if n_bytes <= size * 3 // 2:
        return (Piece(),)
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            is_packed = file.read(4).startswith((*_PACKED, _ZIP))
        if not is_packed:
            return _cuts("", lambda: path.open("rb", buffering=_BUFFER), size, mappings) or (Piece(),)
        if n_bytes > _CUTTABLE and not zipfile.is_zipfile(path):
            return (Piece(),)
        return _of_members(path, size, mappings) or (Piece(),)
    except (SourceError, *DAMAGED):
        # Whoever reads the file meets the same trouble, and says so.
        return (Piece(),)


def _of_members(path: Path, size: int, mappings: Sequence[LogMapping]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    names: set[str] = set()
    for member in members(path, lambda: path.open("rb", buffering=_BUFFER)):
        if member.name in names:
            return ()  # which of two is meant could not be said
        names.add(member.name)
        found += _of_member(member, size, mappings)
    return tuple(found) if len(found) > 1 else ()


def _of_member(member: Member, size: int, mappings: Sequence[LogMapping]) -> tuple[Piece, ...]:
    whole = (Piece(member=member.name),)
    if member.note:
        return whole
    with member.open() as stream:
        n_bytes = 0
        while n_bytes <= _CUTTABLE and (chunk := stream.read(_BUFFER)):
            n_bytes += len(chunk)
    if not size * 3 // 2 < n_bytes <= _CUTTABLE:
        return whole
    return _cuts(member.name, member.open, size, mappings) or whole


def _cuts(member: str, opener: Callable[[], BinaryIO], size: int, mappings: Sequence[LogMapping]) -> tuple[Piece, ...]:
    with opener() as stream:
        name = recognise(peek(stream), mappings)
        cut = SOURCES[name].cut if name else None
        if name is None or cut is None:
            return ()
        with seekable(stream) as content:
            n_bytes = content.seek(0, 2)
            content.seek(0)
            cuts = cut(content, -(-n_bytes // size))
    return tuple(Piece(member=member, start=c.start, stop=c.stop, first=c.first, source=name) for c in cuts)


def grouped(inputs: Iterable[tuple[Input, int]], size: int) -> Iterator[Unit]:
    """Put inputs, each with its weight, into units in their order."""
    held: list[Input] = []
    n_bytes = on_disk = 0
    for given, weighs in inputs:
        if held and n_bytes + weighs > size:
            yield Unit(inputs=tuple(held), n_bytes=on_disk)
            held, n_bytes, on_disk = [], 0, 0
        held.append(given)
        n_bytes += weighs
        on_disk += _share(given).n_bytes
    if held:
        yield Unit(inputs=tuple(held), n_bytes=on_disk)
