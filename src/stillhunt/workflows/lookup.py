"""What is looked up in the results of a hunt without waiting: one finding, and the rules that were used.

Beside ``findings.jsonl`` lies ``findings.index``, plain ASCII. Its first line is a JSON object: ``format`` 1,
``bytes`` and ``findings`` of the file it is about, ``id_width``. Then follows a line per finding, sorted by id:
the id, filled with spaces to ``id_width``, a space, the offset of the finding's line in bytes (15 columns), a
space, its length with the line feed (12 columns). An index that does not fit its file counts as absent, and
the file is searched instead.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple, overload

import msgspec

from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError, UnknownNameError

__all__ = ["FINDINGS", "INDEX", "MARKER", "Marker", "UsedPath", "find_finding", "index_of", "read_marker"]

MARKER = "stillhunt-workspace.json"
"""A folder that holds this file is a workspace: hunts do not read it as logs, and may write into it."""

FINDINGS, INDEX = "findings.jsonl", "findings.index"

_FORMAT = 1
_PREFIX = "finding-"
_OFFSET_WIDTH, _LENGTH_WIDTH = 15, 12
_NAMED = 8
"""Candidates that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedPath:
    """One path of rules, or of values for their placeholders, that a hunt was given.

    Attributes:
        path: As given; ``builtin`` for the built-in pack.
        sha256: Of all that was read there; empty if it could not be read again when the results were written.
    """

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the file :data:`MARKER` says.

    Attributes:
        made_by: ``stillhunt``.
        version: Its version.
        inputs: The paths that were hunted, as given.
        rules: The rules that were used; empty where that is not known.
        values: The lists of values for their placeholders.
        mappings: Files that describe logs which no source knows.
        zone: The time zone that was given for times that name none; empty for none.
    """

    made_by: str
    version: str
    inputs: tuple[str, ...] = ()
    rules: tuple[UsedPath, ...] = ()
    values: tuple[UsedPath, ...] = ()
    mappings: tuple[UsedPath, ...] = ()
    zone: str = ""


def read_marker(folder: Path) -> Marker:
    """Return what a workspace says of itself.

    Raises:
        InputError: The folder is no workspace, or its marker is damaged.
    """
    path = folder / MARKER
    hint = "give the folder that `hunt --out` wrote"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Marker)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("is no workspace of stillhunt", where=str(folder), hint=hint) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except msgspec.MsgspecError as error:
        raise InputError(f"is damaged: {error}", where=str(path), hint="hunt again") from error


class _Place(NamedTuple):
    """Where a finding's line lies in the file of findings, in bytes."""

    id: str
    offset: int
    length: int


def index_of(lines: Iterable[tuple[str, int]]) -> bytes:
    """Return the index of a file of findings.

    Args:
        lines: Of each line of the file, in order: the finding's id and the line's length in bytes.
    """
    listed = list(lines)
    offsets = list(accumulate((length for _, length in listed), initial=0))
    places = sorted(_Place(id_, offset, length) for (id_, length), offset in zip(listed, offsets, strict=False))
    width = max((len(place.id) for place in places), default=1)
    head = {"format": _FORMAT, "bytes": offsets[-1], "findings": len(places), "id_width": width}
    rows = (f"{p.id:<{width}} {p.offset:>{_OFFSET_WIDTH}} {p.length:>{_LENGTH_WIDTH}}\n" for p in places)
    return msgspec.json.encode(head) + b"\n" + "".join(rows).encode("ascii")


def find_finding(folder: Path, given: str) -> Finding:
    """Return the one finding of a workspace whose id is, or begins with, what is given.

    Args:
        folder: The workspace.
        given: An id or its beginning, with or without ``finding-``.

    Raises:
        InputError: The folder is no workspace, or its findings are damaged.
        UnknownNameError: No finding's id begins so, or several do.
    """
    read_marker(folder)
    path = folder / FINDINGS
    try:
        with path.open("rb") as file:
            return _found(file, folder, given)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint="hunt again") from error


def _found(file: BinaryIO, folder: Path, given: str) -> Finding:
    for places_of in (_indexed, _searched):
        places = places_of(file, folder)
        chosen = _chosen(places, given)
        if len(chosen) > 1:
            hint = f"give more of its id: {_named(file, chosen)}"
            raise UnknownNameError(f"the ids of {len(chosen):,} findings begin with `{given}`", hint=hint)
        finding = _read(file, chosen[0]) if chosen else None
        if finding is not None:
            return finding
    if chosen:
        raise InputError(f"the line of {chosen[0].id} is damaged", where=str(folder / FINDINGS), hint="hunt again")
    near = _named(file, _near(places, given))
    hint = f"near it: {near}" if near else "the hunt found nothing"
    raise UnknownNameError(f"no finding's id begins with `{given}`", where=str(folder), hint=hint)


def _spellings(given: str) -> tuple[str, ...]:
    return (given,) if given.startswith(_PREFIX) else (_PREFIX + given, given)


def _chosen(places: Sequence[_Place], given: str) -> list[_Place]:
    """Return the finding of that id, else those whose ids begin so."""
    for text in _spellings(given):
        first = bisect_left(places, text, key=_id)
        found: dict[str, _Place] = {}
        for number in range(first, len(places)):
            place = places[number]
            if not place.id.startswith(text):
                break
            if place.id == text:
                return [place]
            found.setdefault(place.id, place)
        if found:
            return list(found.values())
    return []


def _near(places: Sequence[_Place], given: str) -> list[_Place]:
    at = bisect_left(places, _spellings(given)[0], key=_id)
    return [places[number] for number in range(max(0, at - 1), min(len(places), at + 2))]


def _named(file: BinaryIO, places: Sequence[_Place]) -> str:
    told = []
    for place in places[:_NAMED]:
        finding = _read(file, place)
        told.append(f"{place.id} ({finding.detector.title})" if finding else place.id)
    return ", ".join(told) + (" ..." if len(places) > _NAMED else "")


def _id(place: _Place) -> str:
    return place.id


class _Index(Sequence[_Place]):
    """The rows of an index, taken apart when asked for."""

    def __init__(self, rows: bytes, id_width: int) -> None:
        self._rows = rows
        self._id_width = id_width
        self._width = _row_width(id_width)

    def __len__(self) -> int:
        return len(self._rows) // self._width

    @overload
    def __getitem__(self, number: int) -> _Place: ...

    @overload
    def __getitem__(self, number: slice) -> list[_Place]: ...

    def __getitem__(self, number: int | slice) -> _Place | list[_Place]:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        row = self._rows[number * self._width : (number + 1) * self._width].decode("ascii", "replace")
        offset, length = row[self._id_width :].split()
        return _Place(row[: self._id_width].rstrip(), int(offset), int(length))


def _row_width(id_width: int) -> int:
    return id_width + 1 + _OFFSET_WIDTH + 1 + _LENGTH_WIDTH + 1


class _Head(msgspec.Struct):
    """First line of an index."""

    format: int
    bytes: int
    findings: int
    id_width: int


def _indexed(file: BinaryIO, folder: Path) -> Sequence[_Place]:
    """Return the rows of the index, none where it is missing or is that of another file."""
    try:
        first, _, rows = (folder / INDEX).read_bytes().partition(b"\n")
        head = msgspec.json.decode(first, type=_Head)
    except (OSError, msgspec.MsgspecError):
        return ()
    if head.format != _FORMAT or head.bytes != file.seek(0, os.SEEK_END):
        return ()
    return _Index(rows, head.id_width) if len(rows) == head.findings * _row_width(head.id_width) else ()


class _Named(msgspec.Struct):
    """As much of a finding as a search needs."""

    id: str


def _searched(file: BinaryIO, folder: Path) -> Sequence[_Place]:
    """Return where every finding lies, by reading all of them."""
    del folder
    decode = msgspec.json.Decoder(_Named).decode
    found, offset = [], file.seek(0)
    for line in file:
        with suppress(msgspec.MsgspecError):
            found.append(_Place(decode(line).id, offset, len(line)))
        offset += len(line)
    return sorted(found)


def _read(file: BinaryIO, place: _Place) -> Finding | None:
    """Return the finding of a line, or None if it is another's or damaged."""
    file.seek(place.offset)
    try:
        finding = msgspec.json.decode(file.read(place.length), type=Finding)
    except msgspec.MsgspecError:
        return None
    return finding if finding.id == place.id else None
