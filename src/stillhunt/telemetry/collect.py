"""Paths to batches of events: walk, unpack, recognise by content, read; and say what was not read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stillhunt.errors import InputError, Problem, SourceError
from stillhunt.progress import Step, Watcher, silent
from stillhunt.telemetry.archive import DAMAGED, DESKTOPS_OWN, Member, fault_of, is_desktops_own, members, seekable
from stillhunt.telemetry.clock import ClockLedger, with_usable_times
from stillhunt.telemetry.copies import copies
from stillhunt.telemetry.coverage import Coverage, InputFile
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.guess import guess_format
from stillhunt.telemetry.ledger import ReadingLedger, unread_words
from stillhunt.telemetry.machine import machine_of
from stillhunt.telemetry.mapping import LogMapping
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.outlet import Outlet
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.seen import Seen
from stillhunt.telemetry.share import Cut, Share, Window, n_pieces, shared_out
from stillhunt.telemetry.source import SOURCES, LogFile, peek
from stillhunt.telemetry.store.manifest import MARKER as STORE_MARKER
from stillhunt.telemetry.zone import zone_words

__all__ = ["WORKSPACE_MARKER", "Reading", "Retrieved", "Wanted"]

Wanted = Mapping[str, Mapping[int, AbstractSet[int]]]
"""Records to read again: file name to record number to the places where to look for it (-1: anywhere)."""


class Retrieved(NamedTuple):
    """Records that were read again.

    Attributes:
        batch: Their events; may hold others that share a number with them.
        originals: Raw text by (file name, record number).
    """

    batch: EventBatch
    originals: Mapping[tuple[str, int], str]


ReadingState = tuple[ReadingLedger, dict[str, tuple[Path, str]]]
"""What was read, and of every log the file that holds it and the source that reads it."""

WORKSPACE_MARKER = "stillhunt-workspace.json"
"""A folder that holds this file is a workspace of stillhunt, not a folder of logs."""

_BUFFER = 1 << 17
_COUNTED = 64 << 20
"""Bytes of a file that no source reads in which lines are counted."""


class Reading:
    """Reads logs once, in order of their paths, and keeps account of it.

    Args:
        paths: Files and folders.
        options: How logs are to be read.
        watch: Told after every batch how many bytes of all files and how many events are done.
        seen: Records that count once whatever logs they are in; without it, once in each log.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        options: ReadOptions | None = None,
        watch: Watcher = silent,
        seen: Seen | None = None,
    ) -> None:
        self._paths = paths
        self._seen = seen
        self._options = options or ReadOptions()
        self._watch = watch
        self._ledger = ReadingLedger()
        self._done = self._total = 0
        self._outlet = Outlet(self._options.usual_zone)
        self._handle: BinaryIO | None = None
        self._share: Share | None = None
        self._found_in: dict[str, tuple[Path, str]] = {}
        self._logs: list[tuple[LogFile, str, str, int, bool]] = []

    @property
    def options(self) -> ReadOptions:
        """How logs are read."""
        return self._options

    @property
    def clocks(self) -> ClockLedger:
        """Corrections to logged times; complete once :meth:`batches` is exhausted."""
        return self._ledger.clocks

    def coverage(self) -> Coverage:
        """Return what was read and what was not; complete once :meth:`batches` is exhausted."""
        return self._ledger.coverage()

    def batches(self) -> Iterator[EventBatch]:
        """Yield all events. ``@timestamp`` is the system time as logged; add ``clocks.shift_s(file, host)``.

        Raises:
            InputError: None of the paths holds a file that could be read.
        """
        yield from self.part([Share(path=path, n_bytes=_size(path)) for path in self._files()])
        self.finish()

    def part(self, shares: Sequence[Share]) -> Iterator[EventBatch]:
        """Yield the events of some files, or pieces of files, as a worker does that is not alone."""
        self._total = sum(share.n_bytes for share in shares)
        for share in shares:
            for _ in self._file(share):
                for batch in self._outlet.due():
                    yield self._observed(batch, share.path)
            self._done += share.n_bytes
            self._handle = None
        for batch in self._outlet.rest():
            yield self._observed(batch, None)
        self._account()

    def finish(self) -> None:
        """Say so if nothing could be read.

        Raises:
            InputError: None of the paths holds a file that could be read.
        """
        if not any(f.n_events for f in self._ledger.files):
            self._refuse()

    def shares(self, n_workers: int) -> list[list[Share]]:
        """Share out the files among workers, large ones in pieces."""
        sizes = {path: _size(path) for path in self._files()}
        total = sum(sizes.values())
        found: list[Share] = []
        for path, size in sizes.items():
            found += _pieces(path, size, n_pieces(size, total, n_workers), self._options.mappings)
        return shared_out(found, n_workers)

    def state(self) -> ReadingState:
        """Return what a worker leaves behind, for :meth:`take`."""
        return self._ledger, self._found_in

    def take(self, state: ReadingState) -> None:
        """Take in what a worker read."""
        ledger, found_in = state
        self._ledger.take(ledger)
        self._found_in |= found_in

    def hand_over(self) -> ReadingState:
        """Return what was read so far, as a worker leaves it behind, and begin anew."""
        state = self.state()
        self._ledger, self._found_in, self._done = ReadingLedger(), {}, 0
        return state

    def fetch(self, wanted: Wanted) -> Iterator[Retrieved]:
        """Read some records again. What cannot be read any more is left out."""
        by_path: dict[Path, set[str]] = {}
        for name in wanted:
            if name in self._found_in:
                by_path.setdefault(self._found_in[name][0], set()).add(name)
        outlet = Outlet(self._options.usual_zone)
        originals: dict[tuple[str, int], str] = {}
        for path in sorted(by_path):
            for log in self._again(path, by_path[path], wanted, outlet):
                originals |= {(log.name, number): text for number, text in log.originals.items()}
                for batch in outlet.due():
                    yield Retrieved(with_usable_times(batch), originals)
        for batch in outlet.rest():
            yield Retrieved(with_usable_times(batch), originals)

    def _again(self, path: Path, names: set[str], wanted: Wanted, outlet: Outlet) -> Iterator[LogFile]:
        try:
            for member in self._members(path, lambda: path.open("rb", buffering=_BUFFER)):
                if member.name not in names:
                    continue
                source = SOURCES[self._found_in[member.name][1]]
                with member.open() as stream:
                    log = self._log(
                        member.name, stream, modified=member.modified, outlet=outlet, only=wanted[member.name]
                    )
                    for _ in source.into_outlet(log):
                        pass
                yield log
        except (SourceError, *DAMAGED):
            # What could be read once was counted then; whoever asks sees which records do not come back.
            return

    def _members(self, path: Path, opener: Callable[[], BinaryIO]) -> Iterator[Member]:
        return members(path, opener, passwords=self._options.passwords)

    def _files(self) -> list[Path]:
        found: dict[Path, Path] = {}
        said: set[Path] = set()
        for given in sorted(set(self._paths), key=str):
            if not given.exists():
                self._problem(str(given), "there is no such file or folder", hint="check the path")
                continue
            paths = [path for path in self._walk(given) if self._is_readable_kind(path)]
            if not paths and given.is_dir():
                self._problem(str(given), "the folder holds no file to read", hint="check the path")
            for path in paths:
                first = found.setdefault(path.resolve(), path)
                if first != path and path not in said:
                    said.add(path)
                    self._not_read(str(path), f"the same file as {first}, read once")
        return self._without_copies(sorted(found.values(), key=str))

    def _without_copies(self, paths: Sequence[Path]) -> list[Path]:
        """Leave out files that hold what an earlier one holds, byte for byte, and say so."""
        first: dict[Path, Path] = copies(paths)
        for path, original in sorted(first.items(), key=str):
            self._not_read(str(path), f"the same content as {original}, read once")
        return [path for path in paths if path not in first]

    def _walk(self, given: Path) -> Iterator[Path]:
        """Yield the files below a path in order. A link to a folder inside is met there; one that leads out is said."""
        if not given.is_dir():
            yield given
            return
        root = given.resolve()
        for folder, subfolders, names in os.walk(given, onerror=self._unreadable):
            subfolders.sort()
            if WORKSPACE_MARKER in names or STORE_MARKER in names:
                subfolders.clear()
                self._not_read(folder, "results of stillhunt, not logs")
                continue
            for link in (path for name in subfolders if (path := Path(folder, name)).is_symlink()):
                if not link.resolve().is_relative_to(root):
                    why = f"a link to the folder {link.resolve()}, not followed"
                    self._not_read(str(link), why, problem=True, hint="give that folder as well if it holds logs")
            yield from (Path(folder, name) for name in sorted(names))

    def _is_readable_kind(self, path: Path) -> bool:
        if is_desktops_own(path.name):
            self._not_read(str(path), DESKTOPS_OWN)
            return False
        if path.exists() and not path.is_file():
            # Opening a pipe or a device would wait for ever.
            hint = "save what it gives as a file first"
            self._not_read(str(path), "a pipe, socket or device, not a file", problem=True, hint=hint)
            return False
        return True

    def _unreadable(self, error: OSError) -> None:
        self._problem(str(error.filename), f"cannot be listed: {error.strerror}", hint="check its permissions")

    def _open(self, share: Share) -> BinaryIO:
        """Open a file given, and remember it: its position is the progress, however deep the archive."""
        self._handle = share.path.open("rb", buffering=_BUFFER)
        if share.cut is None or share.member:
            return self._handle
        self._handle = _window(self._handle, share.cut)
        return self._handle

    def _file(self, share: Share) -> Iterator[None]:
        # The one place where an error of one file becomes a problem, and the rest goes on.
        self._share = share
        path = share.path
        if self._seen is not None:
            self._seen.place = str(path), share.cut.start if share.cut else 0
        try:
            if share.cut is not None and not share.member:
                with self._open(share) as stream:
                    yield from self._piece(share, share.cut, str(path), stream, n_bytes=_size(path))
                return
            for member in self._members(path, lambda: self._open(share)):
                if share.member not in {"", member.name}:
                    continue
                if share.cut is not None:
                    with member.open() as packed, seekable(packed) as content:
                        n_bytes = content.seek(0, os.SEEK_END)
                        with _window(content, share.cut) as stream:
                            yield from self._piece(share, share.cut, member.name, stream, n_bytes=n_bytes)
                elif member.note:
                    self._not_read(member.name, member.note, problem=bool(member.remedy), hint=member.remedy)
                else:
                    yield from self._member(member)
        except SourceError as error:
            self._not_read(error.where or str(path), error.message, problem=True, hint=error.hint)
        except OSError as error:
            hint = "check that it exists and may be read"
            self._not_read(str(path), f"cannot be read: {error.strerror}", problem=True, hint=hint)

    def _piece(self, share: Share, cut: Cut, name: str, stream: BinaryIO, *, n_bytes: int) -> Iterator[None]:
        self._found_in[name] = (share.path, share.source)
        modified = datetime.fromtimestamp(share.path.stat().st_mtime, UTC)
        log = self._log(name, stream, modified=modified, first=cut.first, has_more=cut.stop < n_bytes)
        yield from self._events(share.source, log)

    def _member(self, member: Member) -> Iterator[None]:
        with member.open() as stream:
            head = peek(stream)
            name = recognise(head, self._options.mappings)
            if name is None:
                self._unknown(member.name, head, stream)
                return
            if self._share is not None:
                self._found_in[member.name] = (self._share.path, name)
            yield from self._events(name, self._log(member.name, stream, modified=member.modified))

    def _log(
        self,
        name: str,
        stream: BinaryIO,
        *,
        modified: datetime | None,
        first: int = 0,
        has_more: bool = False,
        outlet: Outlet | None = None,
        only: Mapping[int, AbstractSet[int]] | None = None,
    ) -> LogFile:
        return LogFile(
            name=name,
            stream=stream,
            outlet=outlet or self._outlet,
            only=only,
            first=first,
            has_more=has_more,
            modified=modified,
            machine=machine_of(name, self._options.roots),
            zone=self._options.usual_zone,
            zone_why=self._options.zone_why,
            mappings=self._options.mappings,
            seen=Seen() if self._seen is None else self._seen,
        )

    def _events(self, name: str, log: LogFile) -> Iterator[None]:
        trouble, breaks_off = "", False
        try:
            yield from SOURCES[name].into_outlet(log)
        except SourceError as error:
            trouble = error.message
            self._problem(error.where or log.name, error.message, hint=error.hint)
        except DAMAGED as error:
            trouble, breaks_off = f"cannot be read to its end: {error}", log.n_events > 0
            self._problem(log.name, trouble, hint="what comes before was read; copy or download it again")
        fault = fault_of(log.stream)
        if fault is not None and not trouble:
            trouble = fault.message
            if fault.remedy is not None:
                self._problem(log.name, trouble, hint=fault.remedy)
        # Events may still wait in the outlet, so the file is accounted for when all is read.
        self._logs.append((log, name, trouble, _position(log.stream), breaks_off))

    def _account(self) -> None:
        for log, name, trouble, n_bytes, breaks_off in self._logs:
            self._ledger.problems.extend(log.problems)
            n_zoneless = log.n_zoneless + self._outlet.records.n_zoneless.pop(log.name, 0)
            self._ledger.files.append(
                InputFile(
                    path=log.name,
                    source=name,
                    n_bytes=n_bytes,
                    n_events=log.n_events,
                    n_unread=log.n_unread,
                    n_duplicates=log.n_duplicates,
                    note="; ".join(words for words in (trouble, unread_words(log.n_unread, log.n_duplicates)) if words),
                    n_zoneless=n_zoneless,
                    zone=zone_words(log.zone) if n_zoneless else "",
                    zone_why=log.zone_why if n_zoneless else "",
                    n_hour_twice=log.n_hour_twice,
                    n_hour_never=log.n_hour_never,
                    samples=tuple(log.samples),
                    breaks_off=log.breaks_off or breaks_off,
                )
            )
            self._ledger.clocks.know(log.name, name)
        self._logs = []

    def _observed(self, batch: EventBatch, path: Path | None) -> EventBatch:
        batch = self._ledger.observe(batch)
        self._tell(str(path or ""))
        return batch

    def _tell(self, subject: str) -> None:
        inside = _position(self._handle) if self._handle is not None else 0
        done = min(self._done + inside, self._total)
        self._watch(Step(task="read", subject=subject, done=done, total=self._total, events=self._ledger.n_events))

    def _unknown(self, name: str, head: bytes, stream: BinaryIO) -> None:
        guess = guess_format(head)
        if guess.is_log:
            size, hint = "", f"logs that can be read: {'; '.join(s.title for s in SOURCES)}"
            if guess.is_mappable:
                size = f", {_lines_of(stream)}"
                hint = "describe it in a mapping and give that with --mapping: docs/how-to/generic-logs.md"
                hint += f"; it may begin {guess.mapping}" if guess.mapping else ""
            self._not_read(name, f"{guess.what}{size}: no source reads it", problem=True, hint=hint)
        else:
            self._not_read(name, f"{guess.what}, no log")

    def _not_read(self, name: str, why: str, *, problem: bool = False, hint: str | None = None) -> None:
        self._ledger.files.append(InputFile(path=name, source=None, n_bytes=0, n_events=0, n_unread=0, note=why))
        if problem:
            self._problem(name, why, hint=hint)

    def _problem(self, where: str, message: str, *, hint: str | None = None) -> None:
        self._ledger.problems.append(Problem(code="source", message=message, where=where, hint=hint))

    def _refuse(self) -> None:
        named = [p for p in self._ledger.problems if p.hint][:1]
        if len(self._paths) == 1 and named:
            raise InputError(named[0].message, where=named[0].where, hint=named[0].hint)
        where = ", ".join(str(p) for p in self._paths[:3])
        n_files = len(self._ledger.files)
        hint = f"logs that can be read: {'; '.join(s.title for s in SOURCES)}"
        raise InputError(f"no event could be read from {n_files:,} files", where=where, hint=hint)


def _window(stream: BinaryIO, cut: Cut) -> BufferedReader:
    return BufferedReader(Window(stream, cut), _BUFFER)


def _position(stream: BinaryIO) -> int:
    try:
        return stream.tell()
    except (ValueError, OSError):
        return 0


def _lines_of(stream: BinaryIO) -> str:
    """Say how much is left unread, without reading very much for it."""
    n_lines = n_bytes = 0
    last = b""
    try:
        while n_bytes < _COUNTED and (chunk := stream.read(_BUFFER)):
            n_lines += chunk.count(b"\n")
            n_bytes += len(chunk)
            last = chunk[-1:]
    except (OSError, *DAMAGED):
        return f"{n_lines:,} lines and damage"
    if n_bytes >= _COUNTED:
        return f"more than {n_lines:,} lines"
    n_lines += last not in {b"", b"\n"}
    return "1 line" if n_lines == 1 else f"{n_lines:,} lines"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _pieces(path: Path, size: int, n_wanted: int, mappings: Sequence[LogMapping]) -> list[Share]:
    whole = Share(path=path, n_bytes=size)
    if n_wanted < 2:
        return [whole]
    try:
        with path.open("rb", buffering=_BUFFER) as stream:
            name = recognise(peek(stream), mappings)
            cut = SOURCES[name].cut if name else None
            cuts = cut(stream, n_wanted) if cut else []
    except (SourceError, OSError):
        # Whoever reads the file meets the same trouble, and says so.
        return [whole]
    if name is None or len(cuts) < 2:
        return [whole]
    return [Share(path=path, n_bytes=c.stop - c.start, cut=c, source=name) for c in cuts]
