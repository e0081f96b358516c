"""What could not be seen, said in sentences, the gravest first: the beginning of every report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from stillhunt.telemetry.coverage import Coverage, Gap, LoggingChange
from stillhunt.terms.period import duration_words, instant_words

__all__ = ["unseen"]

_NAMED = 3


def unseen(coverage: Coverage) -> tuple[str, ...]:
    """Say what a reader has to know before the findings: one sentence per kind of blindness, without a full stop."""
    return tuple(sentence for part in _PARTS for sentence in part(coverage))


def _blindness(coverage: Coverage) -> Iterator[str]:
    if coverage.verdict is not None and coverage.verdict.is_blind:
        yield coverage.verdict.sentence


def _switched_off(coverage: Coverage) -> Iterator[str]:
    by_what: dict[str, list[LoggingChange]] = defaultdict(list)
    for change in coverage.changes:
        if not change.is_routine:
            by_what[change.what].append(change)
    for what, changes in by_what.items():
        n_events = sum(change.n_events for change in changes)
        first = min((c for c in changes if c.first_at), key=lambda c: str(c.first_at), default=changes[0])
        when = f", first at {instant_words(first.first_at)}" if first.first_at else ""
        who = f" by {first.who}" if first.who else ""
        times = "" if n_events == 1 else f" {n_events:,} times"
        yield f"{what}{times} on {_listed([c.host or 'a host without a name' for c in changes])}{when}{who}"


def _cut_off(coverage: Coverage) -> Iterator[str]:
    paths = {t.path for t in coverage.truncations}
    if paths:
        signs = Counter(t.sign for t in coverage.truncations)
        yield f"{_count(len(paths), 'file')} may stop short of what there was ({', '.join(sorted(signs))})"


def _silences(coverage: Coverage) -> Iterator[str]:
    if coverage.gaps:
        longest = max(coverage.gaps, key=lambda gap: (_length_s(gap), gap.host, gap.channel))
        hosts = _listed([gap.host or "a host without a name" for gap in coverage.gaps])
        yield (
            f"{_count(len(coverage.gaps), 'gap')} in the logs of {hosts}, the longest "
            f"{duration_words(_length_s(longest))} from {instant_words(longest.start_at)} in {longest.channel}"
        )


def _missing_ids(coverage: Coverage) -> Iterator[str]:
    holes = [hole for hole in coverage.record_holes if hole.is_telling]
    if holes:
        n_missing = sum(hole.last_missing - hole.first_missing + 1 for hole in holes)
        paths = {hole.path for hole in holes}
        yield f"{_count(n_missing, 'record')} missing by their ids, in {_count(len(paths), 'file')}"


def _unread(coverage: Coverage) -> Iterator[str]:
    left = [f for f in coverage.files if f.source is None and f.note and not f.note.endswith(_NO_LOSS)]
    if left:
        yield f"{_count(len(left), 'file')} not read"
    if coverage.n_unread:
        n_files = sum(f.n_unread > 0 for f in coverage.files)
        yield f"{_count(coverage.n_unread, 'record')} not readable, in {_count(n_files, 'file')}"


_NO_LOSS = ("no log", "read once", "not logs")
"""How notes end that speak of files nobody misses."""


def _zones(coverage: Coverage) -> Iterator[str]:
    assumed: Counter[str] = Counter()
    n_twice = n_never = 0
    for file in coverage.files:
        if file.n_zoneless and not file.zone_why:
            assumed[file.zone] += file.n_zoneless
        n_twice += file.n_hour_twice
        n_never += file.n_hour_never
    for zone, n_events in sorted(assumed.items()):
        verbs = ("names", "was") if n_events == 1 else ("name", "were")
        yield f"{_count(n_events, 'event')} {verbs[0]} no time zone and {verbs[1]} taken as {zone}"
    if n_twice:
        said = "fell into an hour that came twice, when clocks were put back; the first is taken"
        yield f"{_count(n_twice, 'event')} {said}"
    if n_never:
        yield f"{_count(n_never, 'event')} fell into an hour that clocks skipped: the zone given may be wrong"


def _clocks(coverage: Coverage) -> Iterator[str]:
    left = [fault for fault in coverage.clocks if fault.shift_s is None]
    if left:
        hosts = _listed([fault.host or "a host without a name" for fault in left])
        yield f"{_count(len(left), 'clock fault')} not corrected, on {hosts}"


_PARTS: Sequence[Callable[[Coverage], Iterator[str]]] = (
    _blindness,
    _switched_off,
    _cut_off,
    _silences,
    _missing_ids,
    _unread,
    _zones,
    _clocks,
)


def _length_s(gap: Gap) -> float:
    return (gap.end_at - gap.start_at).total_seconds()


def _listed(names: Sequence[str]) -> str:
    """Name the first few, and count the rest.

    >>> _listed(["b", "a", "b"]), _listed(list("edcba"))
    ('a, b', 'a, b, c and 2 more')
    """
    distinct = sorted(set(names))
    more = f" and {len(distinct) - _NAMED:,} more" if len(distinct) > _NAMED else ""
    return ", ".join(distinct[:_NAMED]) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
