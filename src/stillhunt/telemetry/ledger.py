"""What reading leaves behind: files, spans, gaps, holes and the rest of the coverage, collected batch by batch.

Memory goes with files, hosts, channels and days, not with events. What was collected by several workers is joined by
:meth:`ReadingLedger.take`. How a gap is told from a pause, see :mod:`stillhunt.telemetry.rhythm`; a record hole is a
jump of one host's EventRecordID in one channel inside one file that no other file fills; signs of cut exports are
those of :mod:`stillhunt.telemetry.truncation`, events that speak of logging itself those of
:mod:`stillhunt.telemetry.switched_off`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import Problem
from stillhunt.telemetry.clock import ClockLedger, is_unusable, with_usable_times
from stillhunt.telemetry.columns import whole_numbers
from stillhunt.telemetry.coverage import (
    ClassSpan,
    ClockFault,
    Coverage,
    Gap,
    HostSpan,
    InputFile,
    LoggingChange,
    RecordHole,
    SourceSpan,
    Truncation,
)
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.order import Steps, steps_of
from stillhunt.telemetry.rhythm import BusyHours, silences
from stillhunt.telemetry.sequence import IdRuns
from stillhunt.telemetry.switched_off import Switched, SwitchLedger
from stillhunt.telemetry.truncation import truncations

__all__ = ["ReadingLedger", "Span", "unread_words"]

_FAR_AHEAD_YEARS = 10
_FAR_AHEAD_SHARE = 0.01
"""A few records, ten years behind all others, show a clock that was set wrong, not a log that goes on."""

_NAMELESS = frozenset({"access_log", "dns_queries", "squid", "web_error_log"})
"""Sources whose records do not say which server they are of: only logs that are named alike are one log."""

_HOLES_KEPT = 20
_IDS_PER_HOLE = 100
_SAMPLES_KEPT = 5


@dataclass(slots=True)
class Span:
    """How many events there are, and from when to when.

    Attributes:
        n_events: Events.
        first_at: Time of the first that has one.
        last_at: Time of the last.
    """

    n_events: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, n_events: int, first: datetime | None, last: datetime | None) -> None:
        """Take events."""
        self.n_events += n_events
        if first is not None:
            self.first_at = first if self.first_at is None else min(self.first_at, first)
        if last is not None:
            self.last_at = last if self.last_at is None else max(self.last_at, last)

    def take(self, other: Span) -> None:
        """Take the events of another."""
        self.add(other.n_events, other.first_at, other.last_at)


Place = tuple[str, str]
"""File and host."""

Line = tuple[str, str, str]
"""File, host and channel; no channel where there are none."""


@dataclass(slots=True)
class ReadingLedger:
    """Collects what was read; :meth:`coverage` says it."""

    files: list[InputFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    clocks: ClockLedger = field(default_factory=ClockLedger)
    switches: SwitchLedger = field(default_factory=SwitchLedger)
    n_events: int = 0
    _classes: dict[tuple[str, str], Span] = field(default_factory=dict)
    _years: dict[Place, dict[int, Span]] = field(default_factory=partial(defaultdict, dict))
    _busy_hours: dict[Line, BusyHours] = field(default_factory=partial(defaultdict, BusyHours))
    _record_ids: dict[Line, IdRuns] = field(default_factory=partial(defaultdict, IdRuns))
    _steps: dict[Line, Steps] = field(default_factory=partial(defaultdict, Steps))
    _shown: dict[str, str] = field(default_factory=dict)
    _odd_times: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def observe(self, batch: EventBatch) -> EventBatch:
        """Take note of a batch, and return it without times that cannot be."""
        batch = self._usable(batch)
        data, event = batch.data, batch.event_class
        self.n_events += data.num_rows
        self.clocks.observe(batch)
        self.switches.observe(batch)
        span = self._classes.setdefault((event.name, event.channel or ""), Span())
        span.add(data.num_rows, *_ends(data.column("@timestamp")))
        # Collectors write one channel as `Security` and `security`.
        channel = (event.channel or "").lower()
        self._show(channel, event.channel or "")
        self._observe_spans(channel, data)
        for (file, host), steps in steps_of(data).items():
            self._steps[file, host, channel].take(steps)
        if channel:
            self._observe_record_ids(channel, data)
        return batch

    def _show(self, channel: str, name: str) -> None:
        self._shown[channel] = min(name, self._shown.get(channel, name))

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
        self.switches.take(other.switches)
        self.n_events += other.n_events
        for name, span in other._classes.items():
            self._classes.setdefault(name, Span()).take(span)
        for where, years in other._years.items():
            for year, span in years.items():
                self._years[where].setdefault(year, Span()).take(span)
        for line, hours in other._busy_hours.items():
            self._busy_hours[line].take(hours)
        for line, ids in other._record_ids.items():
            self._record_ids[line].take(ids)
        for line, steps in other._steps.items():
            self._steps[line].take(steps)
        for channel, shown in other._shown.items():
            self._show(channel, shown)
        self._odd_times.update(other._odd_times)

    def coverage(self) -> Coverage:
        """Return what was read, with every time corrected."""
        shift_s = self.clocks.shift_s
        strays = self._strays()
        holes, hole_problems = self._holes()
        return Coverage(
            changes=tuple(self._changes(shift_s)),
            truncations=tuple(sorted(self._truncations(shift_s, strays), key=lambda t: (t.path, t.sign))),
            gaps=tuple(sorted(self._gaps(shift_s, strays), key=lambda g: (g.host, g.start_at, g.channel))),
            record_holes=tuple(holes),
            clocks=tuple(sorted([*self.clocks.faults(), *self._odd_clocks(strays)], key=_of_clock)),
            problems=(*sorted(self.problems, key=_place), *hole_problems, *self._copies(), *self._shuffled()),
            sources=self._source_spans(shift_s, strays),
            hosts=self._host_spans(shift_s, strays),
            classes=self._class_spans(),
            files=tuple(sorted(map(self._with_zone, self.files), key=lambda f: f.path)),
        )

    # --- Taking note ---------------------------------------------------------------------------------------------

    def _usable(self, batch: EventBatch) -> EventBatch:
        usable = with_usable_times(batch)
        odd = batch.data.filter(is_unusable(batch.data.column("@timestamp")))
        if not odd.num_rows:
            return usable
        # Arrow knows years that Python does not.
        times: Any = odd.column("@timestamp")
        years = pc.year(times)
        table = pa.table({"file": odd.column("event.file"), "host": odd.column("host.name"), "year": years})
        for row in table.group_by(["file", "host", "year"]).aggregate([([], "count_all")]).to_pylist():
            self._odd_times[row["file"] or "", row["host"] or "", row["year"]] += row["count_all"]
        return usable

    def _observe_spans(self, channel: str, data: pa.RecordBatch) -> None:
        times: Any = data.column("@timestamp")
        files: Any = data.column("event.file")
        hosts: Any = data.column("host.name")
        table = pa.table(
            {
                "file": files.indices,
                "host": hosts.indices,
                "hour": pc.divide(pc.cast(times, pa.int64()), _HOUR),
                "year": pc.year(times),
                "at": times,
            }
        )
        file_of, host_of = files.dictionary.to_pylist(), hosts.dictionary.to_pylist()
        by_year = table.group_by(["file", "host", "year"]).aggregate([("at", "min"), ("at", "max"), ([], "count_all")])
        for file, host, year, first, last, n_events in _rows_of(by_year):
            years = self._years[_text_at(file_of, file), _text_at(host_of, host)]
            years.setdefault(year or 0, Span()).add(n_events, first, last)
        by_hour = table.group_by(["file", "host", "hour"]).aggregate([])
        for file, host, hour in _rows_of(by_hour):
            if hour is not None:
                self._busy_hours[_text_at(file_of, file), _text_at(host_of, host), channel].add(hour)

    def _observe_record_ids(self, channel: str, data: pa.RecordBatch) -> None:
        if "EventRecordID" not in data.schema.names or data.num_rows == 0:
            return
        _, numbers = whole_numbers(data.column("EventRecordID"))
        table = pa.table({"file": data.column("event.file"), "host": data.column("host.name"), "number": numbers})
        table = table.filter(pc.is_valid(numbers))
        grouped = table.group_by(["file", "host"]).aggregate([("number", "list")]).combine_chunks()
        lists: Any = grouped["number_list"].chunk(0) if grouped.num_rows else []
        for at, (file, host) in enumerate(zip(grouped["file"].to_pylist(), grouped["host"].to_pylist(), strict=True)):
            self._record_ids[file or "", host or "", channel].add(lists[at].values)

    # --- Saying it -----------------------------------------------------------------------------------------------

    def _strays(self) -> dict[Place, frozenset[int]]:
        """Return the years that a few records of a host in a file lie far ahead in."""
        found: dict[Place, frozenset[int]] = {}
        for where, years in self._years.items():
            known = sorted(year for year in years if year)
            total = sum(years[year].n_events for year in known)
            for at in range(len(known) - 1, 0, -1):
                ahead = known[at:]
                is_far = known[at] - known[at - 1] >= _FAR_AHEAD_YEARS
                if is_far and sum(years[year].n_events for year in ahead) <= _FAR_AHEAD_SHARE * total:
                    found[where] = frozenset(ahead)
        return found

    def _odd_clocks(self, strays: dict[Place, frozenset[int]]) -> Iterator[ClockFault]:
        by_place: dict[Place, Counter[int]] = defaultdict(Counter)
        for (file, host, year), n_events in self._odd_times.items():
            by_place[file, host][year] += n_events
        for (file, host), years in by_place.items():
            n_events = years.total()
            when = ", ".join(str(year) for year in sorted(years)[:3])
            why = f"{_events(n_events)} dated {when}: a clock that was never set, or damage; the time is not used"
            yield _odd(file, host, n_events, why)
        for (file, host), ahead in strays.items():
            n_events = sum(self._years[file, host][year].n_events for year in ahead)
            others = max(year for year in self._years[file, host] if year not in ahead)
            said = f"{_events(n_events)} dated {min(ahead)}, all others end in {others}"
            why = f"{said}: a clock was set wrong; no span counts it"
            yield _odd(file, host, n_events, why)

    def _spans(self, strays: dict[Place, frozenset[int]]) -> Iterator[tuple[Place, Span]]:
        for where, years in self._years.items():
            span = Span()
            for year, part in years.items():
                is_stray = year in strays.get(where, ())
                span.add(part.n_events, *((None, None) if is_stray else (part.first_at, part.last_at)))
            yield where, span

    def _holes(self) -> tuple[list[RecordHole], list[Problem]]:
        found: list[RecordHole] = []
        problems: list[Problem] = []
        beside: dict[tuple[str, str], list[tuple[str, IdRuns]]] = defaultdict(list)
        for (file, host, channel), ids in sorted(self._record_ids.items()):
            beside[host, channel].append((file, ids))
        for (file, host, channel), ids in sorted(self._record_ids.items()):
            holes = ids.holes()
            for other, others in beside[host, channel]:
                if holes and other != file:
                    holes = others.without(holes)
            shown = self._shown[channel]
            n_missing = sum(b - a + 1 for a, b in holes)
            is_telling = len(ids.holes()) * _IDS_PER_HOLE <= ids.n_ids and n_missing < ids.n_ids
            found.extend(
                RecordHole(path=file, host=host, channel=shown, first_missing=a, last_missing=b, is_telling=is_telling)
                for a, b in holes[:_HOLES_KEPT]
            )
            hint = "events were filtered on export, lost, or removed"
            if len(holes) > _HOLES_KEPT:
                message = f"{len(holes):,} jumps in the record ids of {shown}; {_HOLES_KEPT} are listed"
                problems.append(Problem(code="source", message=message, where=file, hint=hint))
            if ids.is_selection:
                message = f"holds a selection of the records of {shown}: too many ids are missing to list them"
                problems.append(Problem(code="source", message=message, where=file, hint=hint))
            if ids.n_repeated:
                message = f"{ids.n_repeated:,} records of {shown} have an id that another record here has"
                hint = "the log holds records twice, or those of two machines of one name"
                problems.append(Problem(code="source", message=message, where=file, hint=hint))
        return found, problems

    def _with_zone(self, file: InputFile) -> InputFile:
        if not file.n_zoneless or file.zone_why:
            return file
        return replace(file, zone_why=self.clocks.zone_evidence(file.path))

    def _copies(self) -> Iterator[Problem]:
        for file, channel, other in self.clocks.copies():
            message = f"records of {channel} are in {other} as well"
            hint = "give one of them, or expect findings to count them twice"
            yield Problem(code="source", message=message, where=file, hint=hint)

    def _shuffled(self) -> Iterator[Problem]:
        for file in sorted({file for (file, _, _), steps in self._steps.items() if steps.is_without_order}):
            hint = "lines were shuffled, or logs joined; nothing is lost by it"
            message = "its records lie in no order of time"
            yield Problem(code="source", message=message, where=file, hint=hint)

    def _changes(self, shift_s: Callable[[str, str], int]) -> list[LoggingChange]:
        joined: dict[tuple[str, str, str], tuple[Switched, str]] = {}
        for (file, host, channel, what), switched in sorted(self.switches.seen.items()):
            moved = replace(
                switched,
                first_at=_moved(switched.first_at, shift_s(file, host)),
                last_at=_moved(switched.last_at, shift_s(file, host)),
            )
            known, path = joined.get((host, channel, what), (None, file))
            if known is None:
                joined[host, channel, what] = moved, path
            else:
                record, who = known.record, known.who
                known.take(moved)
                known.record, known.who = record, who or moved.who
        found = [
            LoggingChange(
                host=host,
                channel=channel,
                what=what,
                who=s.who,
                n_events=s.n_events,
                first_at=s.first_at,
                last_at=s.last_at,
                path=path,
                record=s.record,
                is_routine=s.is_routine,
            )
            for (host, channel, what), (s, path) in joined.items()
        ]
        return sorted(found, key=lambda c: (c.is_routine, str(c.first_at), c.host, c.what))

    def _truncations(
        self, shift_s: Callable[[str, str], int], strays: dict[Place, frozenset[int]]
    ) -> Iterator[Truncation]:
        spans: dict[str, Span] = defaultdict(Span)
        for (file, host), span in self._spans(strays):
            shift = shift_s(file, host)
            spans[file].add(span.n_events, _moved(span.first_at, shift), _moved(span.last_at, shift))
        days: dict[str, set[int]] = defaultdict(set)
        for (file, _, _), hours in self._busy_hours.items():
            days[file].update(hours.days)
        for read in self.files:
            span = spans.get(read.path, Span())
            n_days = len(days.get(read.path, ()))
            yield from truncations(read, first_at=span.first_at, last_at=span.last_at, n_busy_days=n_days)

    def _class_spans(self) -> tuple[ClassSpan, ...]:
        return tuple(
            ClassSpan(name=name, channel=channel or None, n_events=s.n_events, first_at=s.first_at, last_at=s.last_at)
            for (name, channel), s in sorted(self._classes.items())
        )

    def _host_spans(
        self, shift_s: Callable[[str, str], int], strays: dict[Place, frozenset[int]]
    ) -> tuple[HostSpan, ...]:
        hosts: dict[str, Span] = defaultdict(Span)
        for (file, host), span in self._spans(strays):
            shift = shift_s(file, host)
            hosts[host].add(span.n_events, _moved(span.first_at, shift), _moved(span.last_at, shift))
        return tuple(
            HostSpan(host=host, n_events=s.n_events, first_at=s.first_at, last_at=s.last_at)
            for host, s in sorted(hosts.items())
        )

    def _source_spans(
        self, shift_s: Callable[[str, str], int], strays: dict[Place, frozenset[int]]
    ) -> tuple[SourceSpan, ...]:
        source_of = {file.path: file.source for file in self.files if file.source is not None}
        spans: dict[str, Span] = defaultdict(Span)
        for (file, host), span in self._spans(strays):
            if file in source_of:
                shift = shift_s(file, host)
                spans[source_of[file]].add(0, _moved(span.first_at, shift), _moved(span.last_at, shift))
        files: dict[str, list[InputFile]] = defaultdict(list)
        for each in self.files:
            if each.source is not None:
                files[each.source].append(each)
        return tuple(
            SourceSpan(
                source=source,
                n_files=len(of_source),
                n_events=sum(f.n_events for f in of_source),
                n_unread=sum(f.n_unread for f in of_source),
                n_duplicates=sum(f.n_duplicates for f in of_source),
                first_at=spans[source].first_at,
                last_at=spans[source].last_at,
            )
            for source, of_source in sorted(files.items())
        )

    def _gaps(self, shift_s: Callable[[str, str], int], strays: dict[Place, frozenset[int]]) -> list[Gap]:
        source_of = {file.path: file.source or "" for file in self.files}
        lines: dict[tuple[str, str, str], set[int]] = defaultdict(set)
        for (file, host, channel), busy in self._busy_hours.items():
            shift_h = shift_s(file, host) // 3600
            stray = strays.get((file, host), frozenset())
            hours: Iterable[int] = busy.hours()
            if stray:
                first_stray = _hour_of(datetime(min(stray), 1, 1, tzinfo=UTC))
                hours = (hour for hour in hours if hour < first_stray)
            source = source_of.get(file, "")
            series = _series(file) if source in _NAMELESS and not host else ""
            lines[host, self._shown[channel] or source, series].update(hour + shift_h for hour in hours)
        return [
            Gap(
                host=host,
                channel=channel,
                start_at=_instant(silence.start),
                end_at=_instant(silence.end),
                why=(
                    f"silent for {silence.end - silence.start:,} hours, of which {silence.n_missed:,} would be busy by "
                    f"its own week; silences that come back last {silence.usual:,}"
                ),
            )
            for (host, channel, _), hours_seen in lines.items()
            for silence in silences(sorted(hours_seen))
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
    samples = sorted({*one.samples, *other.samples}, key=lambda s: (len(s.record), s.record, s.reason))
    return InputFile(
        path=one.path,
        source=one.source,
        n_bytes=one.n_bytes + other.n_bytes,
        n_events=one.n_events + other.n_events,
        n_unread=n_unread,
        n_duplicates=n_duplicates,
        note="; ".join(notes) or unread_words(n_unread, n_duplicates),
        n_zoneless=one.n_zoneless + other.n_zoneless,
        zone=one.zone or other.zone,
        zone_why=one.zone_why or other.zone_why,
        n_hour_twice=one.n_hour_twice + other.n_hour_twice,
        n_hour_never=one.n_hour_never + other.n_hour_never,
        samples=tuple(samples[:_SAMPLES_KEPT]),
        breaks_off=one.breaks_off or other.breaks_off,
    )


def _odd(file: str, host: str, n_events: int, why: str) -> ClockFault:
    return ClockFault(
        host=host,
        path=file,
        trusted="the other records",
        distrusted="the records' own time",
        shift_s=None,
        n_events=n_events,
        why=why,
    )


def _events(n_events: int) -> str:
    return "1 record is" if n_events == 1 else f"{n_events:,} records are"


def _of_clock(fault: ClockFault) -> tuple[str, str]:
    return fault.path, fault.host


def _place(problem: Problem) -> tuple[str, str]:
    return problem.where or "", problem.message


def _moved(at: datetime | None, seconds: int) -> datetime | None:
    return None if at is None else at + timedelta(seconds=seconds)


def _series(file: str) -> str:
    """Return what a log and its rotated parts share: their name up to numbers, dates and packing.

    >>> _series("/logs/access.log.1.gz"), _series("/logs/access.log-20210327"), _series("/logs/other.log")
    ('/logs/access.log', '/logs/access.log', '/logs/other.log')
    """
    return re.sub(r"(?:[._-]?\d+|[.](?:gz|bz2|xz|zst|old|bak))+$", "", file, flags=re.IGNORECASE)


def _hour_of(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _instant(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)


def _ends(times: Any) -> tuple[datetime | None, datetime | None]:
    ends: Any = pc.min_max(times).as_py()
    return ends["min"], ends["max"]


def _rows_of(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _text_at(texts: list[str | None], code: int | None) -> str:
    return "" if code is None else texts[code] or ""


_HOUR = pa.scalar(3_600_000_000, pa.int64())
