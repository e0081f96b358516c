"""Findings over time as places on a strip: per cent from its left edge, so that any page can draw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from stillhunt.cases.case import Case
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import Coverage, HostSpan
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["Band", "Dot", "Lane", "Strip", "host_bands", "strip_of"]

_STEP = 0.6
"""Per cent of the strip within which findings become one dot."""

_MOST_TICKS = 7
_BANDS_WITH_WORDS = 9.0
"""Per cent from which on a band has room for words."""

_HOSTS_DRAWN = 8
_GAPS_DRAWN = 30
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """Findings at one place.

    Attributes:
        left: Per cent from the left.
        level: The highest among them.
        finding: Id of the first of that level.
        label: What to say about them.
        size: 1 for one finding to 3 for many.
    """

    left: float
    level: Level
    finding: str
    label: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch of time: a silence, or logs that are there, or not.

    Attributes:
        left: Per cent from the left.
        width: Per cent.
        label: What it is.
        words: The same in two words, where there is room for them.
        is_gap: True if it is a silence within logs.
    """

    left: float
    width: float
    label: str
    words: str = ""
    is_gap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The findings of one tactic."""

    title: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A case over time.

    Attributes:
        lanes: One per tactic reached, in matrix order.
        silences: Quiet periods of the intruder.
        logs: Per host the stretch of its logs and over it the gaps of its channels; the first few hosts.
        n_hosts_left_out: Hosts not among them.
        entry: The break-in as a stretch, or None without times.
        last: The last sign, or None without times.
        ticks: (per cent, words) at round times.
    """

    lanes: tuple[Lane, ...]
    silences: tuple[Band, ...]
    logs: tuple[tuple[str, tuple[Band, ...]], ...]
    n_hosts_left_out: int
    entry: Band | None
    last: Band | None
    ticks: tuple[tuple[float, str], ...]


def strip_of(
    case: Case,
    findings: Mapping[str, Finding],
    coverage: Coverage,
    *,
    window: tuple[datetime, datetime] | None = None,
) -> Strip | None:
    """Lay out a case over time, or return None if nothing in it has a time.

    The strip shows the logs before and after the case too, as far as they leave it at least half of the room.

    Args:
        case: The case.
        findings: All findings by id.
        coverage: What was read.
        window: Only what lies between these two times; None for the whole case.
    """
    spans = [h for h in coverage.hosts if h.host in case.hosts]
    scale = _scale(case, spans) if window is None else _Scale(begin=window[0], end=window[1])
    if scale is None:
        return None
    lanes = tuple(
        Lane(title=tactic_title(s.tactic), dots=tuple(_dots([findings[f] for f in s.findings], scale)))
        for s in case.stages
    )
    return Strip(
        lanes=lanes,
        silences=tuple(_silence(start, end, scale) for start, end in case.quiet if scale.meets(start, end)),
        logs=tuple((h.host, tuple(_bands(h, coverage, scale))) for h in spans[:_HOSTS_DRAWN]),
        n_hosts_left_out=max(0, len(spans) - _HOSTS_DRAWN),
        entry=_entry(case, scale),
        last=_last(case, scale),
        ticks=tuple(_ticks(scale)),
    )


def host_bands(coverage: Coverage, spans: Sequence[HostSpan]) -> list[tuple[Band, ...]]:
    """Return for each span its logs and the gaps in them, on the common time of all hosts."""
    times = [t for h in coverage.hosts for t in (h.first_at, h.last_at) if t is not None]
    if not times:
        return [() for _ in spans]
    scale = _Scale(begin=min(times), end=max(times))
    return [tuple(_bands(h, coverage, scale)) for h in spans]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    def meets(self, start: datetime, end: datetime) -> bool:
        return start <= self.end and end >= self.begin

    def place(self, at: datetime) -> float:
        if not self.seconds:
            return 50.0
        held = min(max(at, self.begin), self.end)
        return round(100 * (held - self.begin).total_seconds() / self.seconds, 2)


def _scale(case: Case, spans: Sequence[HostSpan]) -> _Scale | None:
    times = [t for t in (case.first_at, case.break_in.latest, case.last_at) if t is not None]
    if not times:
        return None
    first, last = min(times), max(times)
    room = max((last - first) / 2, timedelta(minutes=1))
    begins = [h.first_at for h in spans if h.first_at is not None]
    ends = [h.last_at for h in spans if h.last_at is not None]
    begin = max(min(begins, default=first), first - room)
    end = min(max(ends, default=last), last + room)
    return _Scale(begin=min(begin, first), end=max(end, last))


def _dots(findings: Iterable[Finding], scale: _Scale) -> Iterator[Dot]:
    marks = sorted(
        (scale.place(at), at, f.id, f)
        for f in findings
        for at in {
            t for t in (f.first_at, f.last_at, *(e.ref.at for e in f.evidence)) if t is not None and scale.meets(t, t)
        }
    )
    for _, group in groupby(marks, key=lambda m: int(m[0] / _STEP)):
        members = list(group)
        left, at, _, worst = max(members, key=lambda m: m[3].detector.level.rank)
        others = len({m[2] for m in members}) - 1
        label = f"{instant_words(at)}: {worst.detector.title}" + (f", and {others:,} more" if others else "")
        size = 1 + (others > 1) + (others > 7)
        yield Dot(left=left, level=worst.detector.level, finding=worst.id, label=label, size=size)


def _silence(start: datetime, end: datetime, scale: _Scale) -> Band:
    words = f"quiet {duration_words((end - start).total_seconds()).removeprefix('about ')}"
    band = _band(start, end, scale, f"{words}:")
    return replace(band, words=words if band.width >= _BANDS_WITH_WORDS else "")


def _entry(case: Case, scale: _Scale) -> Band | None:
    latest = case.break_in.latest
    if latest is None or not scale.meets(case.break_in.earliest or latest, latest):
        return None
    left = scale.place(case.break_in.earliest) if case.break_in.earliest and not case.break_in.is_censored else None
    right = scale.place(latest)
    begin = right if left is None else left
    return Band(left=begin, width=round(right - begin, 2), label=f"broke in by {instant_words(latest)}")


def _last(case: Case, scale: _Scale) -> Band | None:
    if case.last_at is None or not scale.meets(case.last_at, case.last_at):
        return None
    return Band(left=scale.place(case.last_at), width=0, label=f"last sign {instant_words(case.last_at)}")


def _bands(span: HostSpan, coverage: Coverage, scale: _Scale) -> Iterator[Band]:
    """Yield a host's logs, and over them the silences of its channels."""
    if span.first_at is None or span.last_at is None or not scale.meets(span.first_at, span.last_at):
        return
    yield _band(span.first_at, span.last_at, scale, "logs from")
    for gap in [g for g in coverage.gaps if g.host == span.host and scale.meets(g.start_at, g.end_at)][:_GAPS_DRAWN]:
        yield replace(_band(gap.start_at, gap.end_at, scale, f"nothing in {gap.channel} from"), is_gap=True)


def _band(start: datetime, end: datetime, scale: _Scale, what: str) -> Band:
    left, right = scale.place(start), scale.place(end)
    label = f"{what} {instant_words(start)} to {instant_words(end)}"
    return Band(left=left, width=round(right - left, 2), label=label)


def _ticks(scale: _Scale) -> Iterator[tuple[float, str]]:
    if scale.seconds < 1:
        return
    for at, words in _round_times(scale):
        yield scale.place(at), words


def _round_times(scale: _Scale) -> list[tuple[datetime, str]]:
    for seconds in (1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200):
        if scale.seconds / seconds <= _MOST_TICKS:
            form = "%H:%M:%S" if seconds < 60 else "%H:%M"
            return [(at, f"{at:{form}}") for at in _multiples(scale, seconds)]
    for days in (1, 2, 7, 14):
        if scale.seconds / 86_400 / days <= _MOST_TICKS:
            return [(at, f"{at.day} {_MONTHS[at.month - 1]}") for at in _multiples(scale, days * 86_400)]
    for months in (1, 2, 3, 6, 12, 24, 60, 120):
        if scale.seconds / 86_400 / 30 / months <= _MOST_TICKS:
            return [(at, f"{_MONTHS[at.month - 1]} {at.year}") for at in _months(scale, months)]
    return []


def _multiples(scale: _Scale, seconds: int) -> Iterator[datetime]:
    stamp = -(-int(scale.begin.timestamp()) // seconds) * seconds
    while stamp <= scale.end.timestamp():
        yield datetime.fromtimestamp(stamp, UTC)
        stamp += seconds


def _months(scale: _Scale, step: int) -> Iterator[datetime]:
    begin = scale.begin.astimezone(UTC)
    number = -(-(begin.year * 12 + begin.month) // step) * step
    while number < 12 * 9_999:
        at = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if at > scale.end:
            return
        yield at
        number += step
