"""Logs that are lines: records go in one by one, in any order, and come out as the files a product would keep."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Feed", "LogFile", "Record", "in_order", "monthly", "packed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One file to be written.

    Attributes:
        path: Its path below the folder, with ``/``.
        content: What it holds, compressed where the name ends in ``.gz``.
        n_events: Events in it.
    """

    path: str
    content: bytes
    n_events: int


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record of a log that is lines.

    Attributes:
        at: When, as the record says.
        text: The record as its product writes it, without the end of the line.
    """

    at: datetime
    text: str


@dataclass(slots=True)
class Feed:
    """One log of one device or service.

    Attributes:
        source: What it is called in the truth, such as ``vpn`` or ``zeek conn``.
        host: Full name of the machine it is about, or empty for a service.
        bind: Makes files of its records.
        records: What it holds, in the order it was told.
    """

    source: str
    host: str
    bind: Callable[[Sequence[Record]], Iterator[LogFile]]
    records: list[Record] = field(default_factory=list)

    def note(self, at: datetime, text: str) -> None:
        """Log a record."""
        self.records.append(Record(at, text))

    def files(self) -> Iterator[LogFile]:
        """Yield the files of this log, if it holds anything."""
        if self.records:
            yield from self.bind(in_order(self.records))


def in_order(records: Sequence[Record]) -> list[Record]:
    """Return records in order of time; those of one instant stay in the order they were told."""
    return sorted(records, key=_when)


def monthly(path: str) -> Callable[[Sequence[Record]], Iterator[LogFile]]:
    """Return what binds records into one file of lines a month; ``{month}`` in the path becomes ``2021-08``."""

    def bind(records: Sequence[Record]) -> Iterator[LogFile]:
        months: defaultdict[str, list[str]] = defaultdict(list)
        for record in records:
            months[f"{record.at:%Y-%m}"].append(record.text)
        for month, lines in sorted(months.items()):
            yield packed(path.format(month=month), "\n".join([*lines, ""]), len(lines))

    return bind


def packed(path: str, text: str, n_events: int) -> LogFile:
    """Return a file of this text, compressed if its name ends in ``.gz``, without a time of its own."""
    raw = text.encode()
    content = gzip.compress(raw, compresslevel=4, mtime=0) if path.endswith(".gz") else raw
    return LogFile(path=path, content=content, n_events=n_events)


def _when(record: Record) -> datetime:
    return record.at
