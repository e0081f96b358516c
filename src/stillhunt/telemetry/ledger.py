"""What reading leaves behind: files, spans, gaps and holes, collected batch by batch.

A gap is a silence of a host's channel of more than three days that is also more than four times as long as all
but one in twenty of its pauses between busy hours; channels with fewer than a hundred busy hours have no rhythm
to judge by. A record hole is a jump of one host's EventRecordID
in one channel inside one file.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import Problem
from stillhunt.telemetry.clock import ClockLedger
from stillhunt.telemetry.columns import whole_numbers
from stillhunt.telemetry.coverage import ClassSpan, Coverage, Gap, HostSpan, InputFile, RecordHole
from stillhunt.telemetry.event import EventBatch

__all__ = ["ReadingLedger", "unread_words"]

_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside are kept on their events but widen no span: unset or damaged clocks write 1601 or 1970."""

_GAP_AT_LEAST_H = 72
_GAP_TIMES_USUAL = 4
_RHYTHM_HOURS = 100
_HOLES_KEPT = 20


if TYPE_CHECKING:
    _Numbers: TypeAlias = array[int]
else:
    _Numbers = array  # which takes no parameter before Python 3.12


@dataclass(slots=True)
class _Span:
    n_events: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, n_events: int, first: datetime | None, last: datetime | None) -> None:
        self.n_events += n_events
        if first is not None:
            self.first_at = first if self.first_at is None else min(self.first_at, first)
        if last is not None:
            self.last_at = last if self.last_at is None else max(self.last_at, last)


@dataclass(slots=True)
class ReadingLedger:
    """Collects what was read; :meth:`coverage` says it."""

    files: list[InputFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    clocks: ClockLedger = field(default_factory=ClockLedger)
    n_events: int = 0
    _classes: dict[tuple[str, str], _Span] = field(default_factory=dict)
    _hosts: dict[tuple[str, str], _Span] = field(default_factory=dict)
    _busy_hours: dict[tuple[str, str, str], set[int]] = field(default_factory=partial(defaultdict, set))
    _record_ids: dict[tuple[str, str, str], _Numbers] = field(default_factory=partial(defaultdict, partial(array, "q")))
    _odd_times: Counter[str] = field(default_factory=Counter)

    def observe(self, batch: EventBatch) -> None:
        """Take note of a batch."""
        data = batch.data
        self.n_events += data.num_rows
        self.clocks.observe(batch)
        event = batch.event_class
        plausible = self._plausible(data)
        span = self._classes.setdefault((event.name, event.channel or ""), _Span())
        span.add(data.num_rows, *_ends(plausible["@timestamp"]))
        for row in _by_host(plausible):
            span = self._hosts.setdefault((row["event.file"] or "", row["host.name"] or ""), _Span())
            span.add(row["n"], row["first"], row["last"])
        if event.channel:
            self._observe_rhythm(event.channel, plausible)
            self._observe_record_ids(event.channel, data)

    def take(self, other: ReadingLedger) -> None:
        """Take in what another worker read."""
        by_path = {file.path: place for place, file in enumerate(self.files)}
        for file in other.files:
            if file.path in by_path:
                place = by_path[file.path]
                self.files[place] = _joined_files(self.files[place], file)
            else:
                by_path[file.path] = len(self.files)
                self.files.append(file)
        self.problems += other.problems
        self.clocks.take(other.clocks)
        self.n_events += other.n_events
        for spans, more in ((self._classes, other._classes), (self._hosts, other._hosts)):
            for key, span in more.items():
                spans.setdefault(key, _Span()).add(span.n_events, span.first_at, span.last_at)
        for rhythm, hours in other._busy_hours.items():
            self._busy_hours[rhythm] |= hours
        for rhythm, ids in other._record_ids.items():
            self._record_ids[rhythm].extend(ids)
        self._odd_times.update(other._odd_times)

    def coverage(self) -> Coverage:
        """Return what was read, with every time corrected."""
        shift_s = self.clocks.shift_s
        holes, hole_problems = self._holes()
        return Coverage(
            files=tuple(sorted(self.files, key=lambda f: f.path)),
            classes=self._class_spans(),
            hosts=self._host_spans(shift_s),
            gaps=tuple(sorted(self._gaps(shift_s), key=lambda g: (g.host, g.start_at, g.channel))),
            record_holes=tuple(holes),
            clocks=self.clocks.faults(),
            problems=(*sorted(self.problems, key=_place), *hole_problems, *self._odd_time_problems()),
        )

    def _plausible(self, data: pa.RecordBatch) -> pa.Table:
        table = pa.Table.from_batches([data.select(["@timestamp", "event.file", "host.name"])])
        times = table["@timestamp"]
        is_odd = pc.or_(pc.less(times, pa.scalar(_EARLIEST)), pc.greater(times, pa.scalar(_LATEST)))
        odd_files = table["event.file"].filter(is_odd).to_pylist()
        if odd_files:
            self._odd_times.update(str(file) for file in odd_files)
            kept = pc.if_else(pc.fill_null(is_odd, pa.scalar(False)), pa.scalar(None, times.type), times)
            table = table.set_column(0, "@timestamp", kept)
        return table

    def _observe_rhythm(self, channel: str, table: pa.Table) -> None:
        hours = pc.divide(pc.cast(table["@timestamp"], pa.int64()), pa.scalar(3_600_000_000, pa.int64()))
        seen = pa.table({"file": table["event.file"], "host": table["host.name"], "hour": hours})
        for row in seen.group_by(["file", "host", "hour"]).aggregate([]).to_pylist():
            if row["hour"] is not None:
                self._busy_hours[row["file"] or "", row["host"] or "", channel].add(row["hour"])

    def _observe_record_ids(self, channel: str, data: pa.RecordBatch) -> None:
        if "EventRecordID" not in data.schema.names or data.num_rows == 0:
            return
        _, numbers = whole_numbers(data.column("EventRecordID"))
        table = pa.table({"file": data.column("event.file"), "host": data.column("host.name"), "number": numbers})
        grouped = table.filter(pc.is_valid(numbers)).group_by(["file", "host"]).aggregate([("number", "list")])
        for row in range(grouped.num_rows):
            file, host, ids = (grouped.column(name)[row] for name in ("file", "host", "number_list"))
            self._record_ids[file.as_py(), host.as_py() or "", channel].frombytes(_bytes(ids.values))

    def _holes(self) -> tuple[list[RecordHole], list[Problem]]:
        found: list[RecordHole] = []
        problems: list[Problem] = []
        for (file, host, channel), seen in sorted(self._record_ids.items()):
            ids = sorted(set(seen))
            jumps = [(a + 1, b - 1) for a, b in pairwise(ids) if b > a + 1]
            found.extend(
                RecordHole(path=file, host=host, channel=channel, first_missing=a, last_missing=b)
                for a, b in jumps[:_HOLES_KEPT]
            )
            if len(jumps) > _HOLES_KEPT:
                problems.append(
                    Problem(
                        code="source",
                        message=f"{len(jumps):,} jumps in the record ids of {channel}; {_HOLES_KEPT} are listed",
                        where=file,
                        hint="events were filtered on export, lost, or removed",
                    )
                )
        return found, problems

    def _class_spans(self) -> tuple[ClassSpan, ...]:
        return tuple(
            ClassSpan(name=name, channel=channel or None, n_events=s.n_events, first_at=s.first_at, last_at=s.last_at)
            for (name, channel), s in sorted(self._classes.items())
        )

    def _host_spans(self, shift_s: Callable[[str, str], int]) -> tuple[HostSpan, ...]:
        hosts: dict[str, _Span] = {}
        for (file, host), span in self._hosts.items():
            delta = timedelta(seconds=shift_s(file, host))
            first = None if span.first_at is None else span.first_at + delta
            last = None if span.last_at is None else span.last_at + delta
            hosts.setdefault(host, _Span()).add(span.n_events, first, last)
        return tuple(
            HostSpan(host=host, n_events=s.n_events, first_at=s.first_at, last_at=s.last_at)
            for host, s in sorted(hosts.items())
        )

    def _gaps(self, shift_s: Callable[[str, str], int]) -> list[Gap]:
        rhythms: dict[tuple[str, str], set[float]] = defaultdict(set)
        for (file, host, channel), hours in self._busy_hours.items():
            shift_h = shift_s(file, host) / 3600
            rhythms[host, channel].update(hour + shift_h for hour in hours)
        found = []
        for (host, channel), hours_seen in rhythms.items():
            for start, end, usual in _silences(sorted(hours_seen)):
                found.append(
                    Gap(
                        host=host,
                        channel=channel,
                        start_at=datetime.fromtimestamp((start + 1) * 3600, UTC),
                        end_at=datetime.fromtimestamp(end * 3600, UTC),
                        why=f"silent for {end - start - 1:,.0f} hours where pauses are usually at most {usual:,.0f}",
                    )
                )
        return found

    def _odd_time_problems(self) -> list[Problem]:
        return [
            Problem(
                code="source",
                message=f"{n:,} events have a time before 1990 or after 2100, which widens no span",
                where=file,
                hint="a clock was unset, or the records are damaged",
            )
            for file, n in sorted(self._odd_times.items())
        ]


def unread_words(n_unread: int, n_duplicates: int = 0) -> str:
    """Say how many records of a file could not be read, or were there before; nothing if there are none."""
    unread = f"{n_unread:,} records could not be read" if n_unread else ""
    repeated = f"{n_duplicates:,} records are there more than once and were read once" if n_duplicates else ""
    return "; ".join(words for words in (unread, repeated) if words)


def _joined_files(one: InputFile, other: InputFile) -> InputFile:
    """Account for two pieces of a file together."""
    n_unread = one.n_unread + other.n_unread
    n_duplicates = one.n_duplicates + other.n_duplicates
    counted = {unread_words(file.n_unread, file.n_duplicates) for file in (one, other)}
    notes = sorted({file.note for file in (one, other)} - counted - {""})
    return InputFile(
        path=one.path,
        source=one.source,
        n_bytes=one.n_bytes + other.n_bytes,
        n_events=one.n_events + other.n_events,
        n_unread=n_unread,
        n_duplicates=n_duplicates,
        note="; ".join(notes) or unread_words(n_unread, n_duplicates),
    )


def _place(problem: Problem) -> tuple[str, str]:
    return problem.where or "", problem.message


def _silences(hours: Sequence[float]) -> list[tuple[float, float, float]]:
    if len(hours) < _RHYTHM_HOURS:
        return []
    pauses = sorted(b - a for a, b in pairwise(hours))
    usual = pauses[int(len(pauses) * 0.95)]
    least = max(_GAP_AT_LEAST_H, _GAP_TIMES_USUAL * usual)
    return [(a, b, usual) for a, b in pairwise(hours) if b - a > least]


def _bytes(numbers: Any) -> memoryview:
    """Return 64-bit numbers without nulls as bytes."""
    values = memoryview(numbers.buffers()[1])
    return values[8 * numbers.offset : 8 * (numbers.offset + len(numbers))]


def _ends(times: pa.ChunkedArray[Any]) -> tuple[datetime | None, datetime | None]:
    ends: Any = pc.min_max(times).as_py()
    return ends["min"], ends["max"]


def _by_host(table: pa.Table) -> list[dict[str, Any]]:
    grouped = table.group_by(["event.file", "host.name"]).aggregate(
        [("@timestamp", "min"), ("@timestamp", "max"), ([], "count_all")]
    )
    names = {"@timestamp_min": "first", "@timestamp_max": "last", "count_all": "n"}
    rows: list[dict[str, Any]] = grouped.rename_columns([names.get(n, n) for n in grouped.column_names]).to_pylist()
    return rows
