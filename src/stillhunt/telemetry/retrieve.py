"""One record of a log read again by its number, through the source that reads it in a hunt.

The source is given as little of the file as it says it needs (:attr:`Source.excerpt`). So the fields are those of a
hunt, without the time of one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from stillhunt.errors import SourceError, UnknownNameError
from stillhunt.telemetry.archive import DAMAGED, Member, members
from stillhunt.telemetry.clock import with_usable_times
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.machine import machine_of
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.outlet import Outlet
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile, Source, peek

__all__ = ["Record", "retrieve", "split_place"]

_HEAD = 1 << 16
_BUFFER = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event, read again.

    Attributes:
        batch: The event alone.
        original: Its raw record.
    """

    batch: EventBatch
    original: str


def split_place(place: str) -> tuple[str, int]:
    """Take apart a record's place as findings write it.

    >>> split_place("logs.zip!web1.json:512")
    ('logs.zip!web1.json', 512)

    Raises:
        UnknownNameError: It does not end in a colon and a number.
    """
    file, colon, number = place.rpartition(":")
    if not (file and colon and number.isascii() and number.isdecimal() and len(number) < 19):
        hint = "write file:record as findings do, for instance logs/security.evtx:4711"
        raise UnknownNameError(f"`{place}` names no record", hint=hint)
    return file, int(number)


def retrieve(file: str, number: int, *, options: ReadOptions | None = None) -> list[Record]:
    """Return the events of a file that have a number: usually one, more where a file uses numbers twice.

    Args:
        file: As findings name it: a path, with ``!member`` for a member of an archive.
        number: EventRecordID or line number, as findings give it.
        options: How the log is to be read, as the hunt was told.

    Raises:
        UnknownNameError: There is no such file, member or record.
        SourceError: The file is no log, or cannot be read.
    """
    options = options or ReadOptions()
    with _member(file, options.passwords) as member:
        try:
            found = _retrieved(member, number, options)
        except DAMAGED as error:
            raise SourceError(f"cannot be read: {error}", where=file, hint="copy or download it again") from error
    if not found:
        hint = "EVTX records are named by their EventRecordID, those of other logs by their line"
        raise UnknownNameError(f"holds no event with the number {number}", where=file, hint=hint)
    return found


@contextmanager
def _member(file: str, passwords: Sequence[str]) -> Iterator[Member]:
    """Find a log; it can be opened only as long as the archives around it are open."""
    path = _container(file)
    try:
        for member in members(path, lambda: path.open("rb", buffering=_BUFFER), passwords=passwords):
            if member.name == file:
                if member.note:
                    raise SourceError(member.note, where=file, hint=member.remedy)
                yield member
                return
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from error
    hint = f"it would lie in {path}; names are written as findings show them"
    raise UnknownNameError("the archive has no such member", where=file, hint=hint)


def _container(file: str) -> Path:
    """Return the file that lies on the disk: the whole name, or what stands before one of its exclamation marks."""
    for end in (len(file), *(at for at, character in enumerate(file) if character == "!")):
        path = Path(file[:end])
        if path.is_file():
            return path
    hint = "give the path as findings show it, from the folder that the hunt was started in"
    raise UnknownNameError("there is no such file", where=file, hint=hint)


def _retrieved(member: Member, number: int, options: ReadOptions) -> list[Record]:
    with member.open() as stream:
        name = recognise(peek(stream), options.mappings)
        if name is None:
            hint = f"logs that can be read: {'; '.join(source.title for source in SOURCES)}"
            raise SourceError("no source reads it", where=member.name, hint=hint)
        source = SOURCES[name]
        excerpt = source.excerpt(stream, number) if source.excerpt else None
    if excerpt is not None:
        with io.BufferedReader(io.BytesIO(excerpt.content), _HEAD) as cut:
            found = _read(source, member, cut, excerpt.number, options)
        if found or excerpt.is_final:
            return [_renumbered(event, number) for event in found]
    with member.open() as stream:
        return _read(source, member, stream, number, options)


def _read(source: Source, member: Member, stream: BinaryIO, number: int, options: ReadOptions) -> list[Record]:
    log = LogFile(
        name=member.name,
        stream=stream,
        outlet=Outlet(options.usual_zone),
        only={number: frozenset({_ANYWHERE})},
        modified=member.modified,
        machine=machine_of(member.name, options.roots),
        zone=options.usual_zone,
        zone_why=options.zone_why,
        mappings=options.mappings,
    )
    batches: list[EventBatch] = []
    for _ in source.into_outlet(log):
        batches += log.outlet.due()
    batches += log.outlet.rest()
    return [
        Record(batch=EventBatch(event_class=batch.event_class, data=batch.data.slice(row, 1)), original=original)
        for batch in map(with_usable_times, batches)
        for row, record in enumerate(batch.data.column("event.record").to_pylist())
        if record == number
        for original in (log.originals.get(number, ""),)
    ]


_ANYWHERE = -1
"""Place of a record that may lie anywhere in its file."""


def _renumbered(event: Record, number: int) -> Record:
    """Give an event of an excerpt the number that it has in the file."""
    data = event.batch.data
    column = data.schema.get_field_index("event.record")
    data = data.set_column(column, "event.record", pa.array([number], pa.int64()))
    return replace(event, batch=replace(event.batch, data=data))
