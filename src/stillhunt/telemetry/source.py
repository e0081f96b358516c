"""What a log source is, and the names of those that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from io import BufferedReader
from typing import BinaryIO

from stillhunt.errors import Problem
from stillhunt.registry import Registry
from stillhunt.telemetry.columns import expressible
from stillhunt.telemetry.coverage import UnreadRecord
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.mapping import LogMapping
from stillhunt.telemetry.outlet import Outlet
from stillhunt.telemetry.seen import Seen
from stillhunt.telemetry.share import Cut
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.zone import Doubt, in_utc

__all__ = ["SOURCES", "Excerpt", "LogFile", "Source", "known_source", "peek"]

_PROBLEMS_KEPT = 5
"""Unread records of one file that are described; the rest are counted."""

_SAMPLE_LENGTH = 200
"""Characters of an unread record that are kept."""


@dataclass(slots=True)
class LogFile:
    """One open log, and the count of what could not be read in it.

    Attributes:
        name: As shown to people: the path as given, with ``!member`` for a member of an archive.
        stream: Its uncompressed content, at the beginning.
        outlet: Takes what is not yielded row by row.
        only: Numbers of the only records asked for, with the places where to look for them; None for all records.
        first: What a piece of a file has before it, as its source counts; 0 at the beginning.
        has_more: More of the file follows behind this piece.
        machine: Whose log it is, by its folder, for records that name no machine; empty if that says nothing.
        zone: Zone of the times in it that name none.
        zone_why: How that is known; empty if it is only assumed.
        mappings: How logs are to be read that no source knows.
        seen: Records that were read already, here or in a log before.
        modified: When the file was last written, where that is known; a log that leaves out the year ends then.
        n_events: Events read.
        n_unread: Records that could not be parsed.
        n_zoneless: Events whose time named no zone.
        n_hour_twice: Those of them in an hour that came twice, when clocks were put back.
        n_hour_never: Those in an hour that never was, when clocks were put forward.
        n_duplicates: Records that are there more than once, which count as one event.
        problems: The first of them, described.
        samples: The first of the records that could not be read.
        originals: Raw text of the records asked for, by number.
        is_cut: Its source knows that it ends before its end.
    """

    name: str
    stream: BinaryIO
    outlet: Outlet = field(default_factory=Outlet)
    only: Mapping[int, AbstractSet[int]] | None = None
    first: int = 0
    has_more: bool = False
    machine: str = ""
    zone: tzinfo = UTC
    zone_why: str = ""
    mappings: Sequence[LogMapping] = ()
    seen: Seen = field(default_factory=Seen)
    modified: datetime | None = None
    n_events: int = 0
    n_unread: int = 0
    n_zoneless: int = 0
    n_hour_twice: int = 0
    n_hour_never: int = 0
    n_duplicates: int = 0
    problems: list[Problem] = field(default_factory=list)
    samples: list[UnreadRecord] = field(default_factory=list)
    originals: dict[int, str] = field(default_factory=dict)
    is_cut: bool = False
    _n_before_unread: int = -1

    @property
    def breaks_off(self) -> bool:
        """Whether the log ends before its end, or its last record is one that could not be read."""
        return self.is_cut or (0 < self._n_before_unread == self.n_events and not self.has_more)

    def wants(self, number: int) -> bool:
        """Tell whether a record is asked for."""
        return self.only is None or number in self.only

    def on_machine(self, common: Mapping[str, str]) -> Mapping[str, str]:
        """Return the common columns of a record with the machine it is of, where its folder says that."""
        return {"host.name": self.machine, **common} if self.machine else common

    def keep(self, number: int, original: str) -> None:
        """Keep the raw text of a record if it is asked for."""
        if self.only is not None and number in self.only:
            self.originals.setdefault(number, original)

    def take(self, event_class: EventClass, row: Row) -> None:
        """Take an event that comes as a row, if it is asked for."""
        if self.wants(row.record):
            self.n_events += 1
            self.outlet.rows.add(event_class, row)
            self.keep(row.record, row.original)

    def is_repeated(self, kind: str, *identity: str) -> bool:
        """Tell whether a record was read already, and count it if so.

        Args:
            kind: What its identity is one of; records of two kinds are never the same.
            identity: What tells it from all others of its kind; without the first text nothing does.
        """
        # Whoever asks for some records gets them, the others were never there.
        if self.only is not None or not identity[0] or self.seen.is_new("\n".join((kind, *identity))):
            return False
        self.n_duplicates += 1
        return True

    def utc(self, at: datetime) -> datetime:
        """Return a time in UTC; one without a zone is taken to be in that of the log, and counted.

        An hour that came twice, when clocks were put back, is taken for the first; both it and an hour that never was
        are counted.
        """
        if at.tzinfo is not None:
            return at.astimezone(UTC)
        self.n_zoneless += 1
        if self.zone is UTC:
            return at.replace(tzinfo=UTC)
        found, doubt = in_utc(at, self.zone)
        self.n_hour_twice += doubt is Doubt.TWICE
        self.n_hour_never += doubt is Doubt.NEVER
        return found

    def unread(
        self,
        record: str,
        reason: str,
        *,
        hint: str = "the rest was read; export the log again if it matters",
        text: str = "",
    ) -> None:
        """Count a record that could not be read, and describe the first few.

        Args:
            record: Where it is.
            reason: Why, as a sentence without its subject.
            hint: What to do about it.
            text: The record, as far as it is known.
        """
        self.n_unread += 1
        self._n_before_unread = self.n_events
        if len(self.samples) < _PROBLEMS_KEPT:
            sample = expressible(text[:_SAMPLE_LENGTH])
            self.samples.append(UnreadRecord(record=record, reason=reason, text=sample))
            self.problems.append(Problem(code="source", message=reason, where=f"{self.name}:{record}", hint=hint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of a log that its source reads like a log.

    Attributes:
        content: The part.
        number: The number that the record has in it.
        is_final: A record that is not in it is not in the log either.
    """

    content: bytes
    number: int
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A kind of log and the file that reads it.

    Attributes:
        title: What people call it.
        sniff: Tells from the first 64 KiB of content whether a file is of this kind.
        read: Yields its events with their class, or puts them into the outlet and yields None now and then, so that
            batches can be handed on; counts in the :class:`LogFile` what it cannot read, and raises
            :class:`stillhunt.errors.SourceError` only if nothing of the file can be read.
        cut: Cuts a plain file of this kind into so many pieces, or fewer, that can be read by themselves; None if this
            cannot be done.
        excerpt: Cuts out of a log what ``read`` needs for the record of a number; None if this cannot be done, here or
            with this log.
        has_magic: Its files begin with bytes that no others begin with, and it is asked first.
        is_generic: It reads what no other source knows, and is asked last.
    """

    title: str
    sniff: Callable[[bytes], bool]
    read: Callable[[LogFile], Iterator[tuple[EventClass, Row] | None]]
    cut: Callable[[BinaryIO, int], list[Cut]] | None = None
    excerpt: Callable[[BinaryIO, int], Excerpt | None] | None = None
    has_magic: bool = False
    is_generic: bool = False

    def into_outlet(self, log: LogFile) -> Iterator[None]:
        """Put the events of a log into its outlet; yields whenever batches may be due.

        Raises:
            SourceError: Nothing of it can be read.
        """
        for found in self.read(log):
            if found is not None:
                log.take(*found)
            yield


SOURCES: Registry[Source] = Registry(
    "source", package="stillhunt.telemetry.sources", constant="SOURCE", group="stillhunt.sources"
)

_HEAD = 1 << 16


def peek(stream: BinaryIO) -> bytes:
    """Return the first 64 KiB of content, or what is known of them, without consuming it."""
    peeked: bytes = stream.peek(_HEAD) if isinstance(stream, BufferedReader) else b""
    return peeked[:_HEAD]


def known_source(head: bytes) -> str | None:
    """Return the name of the source that knows a log by its first 64 KiB."""
    return next((name for name, sniff in _in_order() if sniff(head)), None)


@cache
def _in_order() -> tuple[tuple[str, Callable[[bytes], bool]], ...]:
    # Asked for once: thousands of small files would list the package of sources each time.
    names = sorted(SOURCES.names(), key=lambda name: (not SOURCES[name].has_magic, SOURCES[name].is_generic, name))
    return tuple((name, SOURCES[name].sniff) for name in names)
