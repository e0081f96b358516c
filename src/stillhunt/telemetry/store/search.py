"""Search in a store without a database: the events that fit, in order of time, and how often values occur.

Files are looked into in order of the time from which on they have events, and the search ends as soon as no later
file can have an earlier event than those it has; so the first page of what is frequent needs few files, and of what
is rare the indexes leave few (`words.py`).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import InputError
from stillhunt.telemetry.store.look import Candidate, Stretch, candidate, events_at, matching
from stillhunt.telemetry.store.manifest import Manifest, Part
from stillhunt.telemetry.store.query import Query, Term, query
from stillhunt.terms.moment import moment

__all__ = ["ClassCount", "Found", "Query", "Term", "count_by", "query", "search", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        rows: The first events in order of time: common columns, then native fields, those with a value.
        total: How many there are from where the search began, or were seen before it ended.
        is_partial: Whether it ended early, since the first ones were known: there may be more, all of them later.
        n_left: Files that were not looked into, because whoever asked did not want to wait; what is in them may also
            come before ``rows``.
        next: Where to go on behind the last of ``rows``; empty if there is nothing behind it, or if ``n_left``.
    """

    rows: tuple[dict[str, object], ...]
    total: int
    is_partial: bool = False
    n_left: int = 0
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """What a store holds of one class of events.

    Attributes:
        name: The class.
        n_events: How many.
        first_at: Time of the first in its files, as logged.
        last_at: Time of the last in its files.
        n_hosts: How many hosts its files name; at least so many where one file has very many.
        n_bytes: Its share of the size of its files.
    """

    name: str
    n_events: int
    first_at: datetime | None
    last_at: datetime | None
    n_hosts: int
    n_bytes: int


def summary(manifest: Manifest) -> tuple[ClassCount, ...]:
    """Return what a store holds by class, the most frequent first; no event is read."""
    parts = [part for unit in manifest.units.values() for part in unit.parts]
    by_class: dict[str, list[Part]] = {}
    for part in parts:
        for name in part.classes:
            by_class.setdefault(name, []).append(part)
    counts = [_class_count(name, held) for name, held in by_class.items()]
    return tuple(sorted(counts, key=lambda count: (-count.n_events, count.name)))


def search(
    folder: Path,
    manifest: Manifest,
    wanted: Query,
    *,
    limit: int,
    counts_all: bool = True,
    goes_on: Callable[[], bool] | None = None,
    newest: bool = False,
    after: str = "",
) -> Found:
    """Return the first events that fit, in order of time; those without a time come last.

    Args:
        folder: The store.
        manifest: Its manifest.
        wanted: What is looked for.
        limit: At most so many.
        counts_all: Whether to go on once the first are known, to say how many there are in all.
        goes_on: Asked before each file whether to look into it; None to look into all.
        newest: Whether the latest come first.
        after: What an earlier search of the same said is next.

    Raises:
        InputError: A file of the store is damaged, or ``after`` is nothing that a search says.
    """
    sign = -1 if newest else 1
    page = _Page(limit=limit, sign=sign, after=_read_place(after, sign) if after else None)
    parts = [part for part in _parts(manifest, wanted) if page.may_have(part)]
    parts.sort(key=lambda part: (page.bound(part), part.path))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looked = _looked(pool, folder, parts, wanted)
        try:
            for place, part, stretches in looked:
                if not counts_all and page.is_settled(part):
                    return page.found(pool, folder, is_partial=True)
                if goes_on is not None and not goes_on():
                    n_left = 0 if page.keep_settled(part) else len(parts) - place
                    return page.found(pool, folder, is_partial=True, n_left=n_left)
                for stretch in stretches.result():
                    page.take(part, stretch)
        finally:
            looked.close()
        return page.found(pool, folder)


def count_by(folder: Path, manifest: Manifest, wanted: Query, field: str) -> list[tuple[str, int]]:
    """Count the events that fit by the value of a field, the most frequent first; empty for those without one.

    Raises:
        InputError: A file of the store is damaged.
    """
    counts: Counter[str] = Counter()
    for part in _parts(manifest, wanted):
        where = candidate(folder, part, wanted)
        for stretch in matching(folder, part, wanted, where, also=(field,)) if where is not None else ():
            counts.update("" if value is None else _shown(value) for value in stretch.values(field))
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


class _Hit(NamedTuple):
    """Where an event lies; events sort by time, forwards or backwards, then by where they come from."""

    is_undated: bool
    at: int
    file: str
    number: int
    part: str
    row: int


class _Page:
    """The first events of a search, while it goes on.

    Args:
        limit: At most so many.
        sign: 1 if the earliest come first, -1 if the latest do.
        after: The event behind which the page begins, or None.
    """

    def __init__(self, *, limit: int, sign: int, after: _Hit | None) -> None:
        self._limit, self._sign, self._after = limit, sign, after
        self._best: list[_Hit] = []
        self._total = 0
        self._parts: dict[str, Part] = {}

    def bound(self, part: Part) -> tuple[bool, int]:
        """Return before what no event of a file comes."""
        end = part.first if self._sign > 0 else part.last
        return (True, 0) if end is None else (False, self._sign * end)

    def may_have(self, part: Part) -> bool:
        """Tell whether a file may have events behind the one that the page begins after."""
        end = part.last if self._sign > 0 else part.first
        if self._after is None or end is None:
            return True
        return not self._after.is_undated and self._sign * end >= self._after.at

    def is_settled(self, part: Part) -> bool:
        """Tell whether the page is full, and neither a file nor those behind it have anything that belongs on it."""
        return len(self._best) >= self._limit and self.bound(part) > self._best[-1][:2]

    def keep_settled(self, part: Part) -> bool:
        """Keep only the events before all of a file and those behind it, if there are any; tell whether there are."""
        settled = [hit for hit in self._best if hit[:2] < self.bound(part)]
        self._best = settled or self._best
        return bool(settled)

    def take(self, part: Part, stretch: Stretch) -> None:
        """Take what fits of some rows."""
        rows: Any = pc.indices_nonzero(stretch.mask).cast(pa.int64())
        if self._after is not None:
            rows = self._behind(self._after, part, stretch, rows)
        self._total += len(rows)
        rows = self._worth(rows, self._times(stretch, rows))
        self._parts[part.path] = part
        self._best = nsmallest(self._limit, [*self._best, *self._hits(part, stretch, rows)])

    def _times(self, stretch: Stretch, rows: Any) -> Any:
        times: Any = stretch.data["@timestamp"].combine_chunks().cast(pa.int64()).take(rows)
        return times if self._sign > 0 else pc.negate(times)

    def _behind(self, after: _Hit, part: Part, stretch: Stretch, rows: Any) -> Any:
        """Return the rows behind the event that the page begins after."""
        times = self._times(stretch, rows)
        if after.is_undated:
            later, ties = pa.repeat(_FALSE, len(rows)), pc.is_null(times)
        else:
            at = pa.scalar(after.at, pa.int64())
            later, ties = pc.fill_null(pc.greater(times, at), _TRUE), pc.fill_null(pc.equal(times, at), _FALSE)
        tied = [hit.row - stretch.start for hit in self._hits(part, stretch, rows.filter(ties)) if hit > after]
        return pa.concat_arrays([rows.filter(later), pa.array(tied, pa.int64())])

    def _worth(self, rows: Any, times: Any) -> Any:
        """Return rows without those of which is sure that so many come before them as the page has."""
        if len(self._best) >= self._limit and not self._best[-1].is_undated:
            last = pa.scalar(self._best[-1].at, pa.int64())
        elif len(rows) - times.null_count > self._limit:
            order: Any = pc.partition_nth_indices(times, pivot=self._limit - 1)
            last = times[order[self._limit - 1].as_py()]
        else:
            return rows
        return rows.filter(pc.fill_null(pc.less_equal(times, last), _FALSE))

    def _hits(self, part: Part, stretch: Stretch, rows: Any) -> list[_Hit]:
        columns = [stretch.data[name].take(rows).to_pylist() for name in ("event.file", "event.record")]
        times = self._times(stretch, rows).to_pylist()
        return [
            _Hit(at is None, at or 0, str(file), number or 0, part.path, stretch.start + row)
            for at, file, number, row in zip(times, *columns, rows.to_pylist(), strict=True)
        ]

    def found(self, pool: Executor, folder: Path, *, is_partial: bool = False, n_left: int = 0) -> Found:
        """Return the page."""
        has_more = (is_partial or self._total > len(self._best)) and not n_left
        return Found(
            rows=tuple(_rows(pool, folder, self._parts, self._best)),
            total=self._total,
            is_partial=is_partial,
            n_left=n_left,
            next=_written(self._sign, self._best[-1]) if has_more and self._best else "",
        )


def _read_place(text: str, sign: int) -> _Hit:
    try:
        given, hit = msgspec.msgpack.decode(urlsafe_b64decode(text), type=tuple[int, _Hit])
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError("is no place in a search", where=text[:80], hint="use what the page before says") from error
    if given != sign:
        raise InputError("is a place in a search the other way round", where=text[:80], hint="begin it anew")
    return hit


def _written(sign: int, hit: _Hit) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode((sign, hit))).decode()


def _class_count(name: str, parts: Sequence[Part]) -> ClassCount:
    firsts = [part.first for part in parts if part.first is not None]
    lasts = [part.last for part in parts if part.last is not None]
    hosts = {host for part in parts for host in part.hosts}
    return ClassCount(
        name=name,
        n_events=sum(part.classes[name] for part in parts),
        first_at=moment(min(firsts)) if firsts else None,
        last_at=moment(max(lasts)) if lasts else None,
        n_hosts=max([len(hosts), *(part.n_hosts for part in parts)]),
        n_bytes=sum(part.n_bytes * part.classes[name] // part.n_rows for part in parts),
    )


def _parts(manifest: Manifest, wanted: Query) -> list[Part]:
    return [part for unit in manifest.units.values() for part in unit.parts if wanted.may_be_in(part)]


def _looked(
    pool: Executor, folder: Path, parts: Sequence[Part], wanted: Query
) -> Generator[tuple[int, Part, Future[list[Stretch]]], None, None]:
    """Yield files that may have what is looked for, each with its place among all and what will be found in it."""
    ahead: deque[tuple[int, Part, Future[list[Stretch]]]] = deque()
    try:
        for place, part in enumerate(parts):
            where = candidate(folder, part, wanted)
            if where is None:
                continue
            ahead.append((place, part, pool.submit(_all_matching, folder, part, wanted, where)))
            if len(ahead) > _AT_ONCE:
                yield ahead.popleft()
        while ahead:
            yield ahead.popleft()
    finally:
        for _, _, future in ahead:
            future.cancel()


def _all_matching(folder: Path, part: Part, wanted: Query, where: Candidate) -> list[Stretch]:
    return list(matching(folder, part, wanted, where))


def _rows(pool: Executor, folder: Path, parts: Mapping[str, Part], hits: Sequence[_Hit]) -> Iterator[dict[str, object]]:
    by_part: dict[str, dict[int, _Hit]] = {}
    for hit in hits:
        by_part.setdefault(hit.part, {})[hit.row] = hit

    def read(path: str) -> list[tuple[_Hit, dict[str, object]]]:
        wanted = by_part[path]
        return [(wanted[row], values) for row, values in events_at(folder, path, parts[path].product, wanted)]

    found = {hit: values for held in pool.map(read, by_part) for hit, values in held}
    yield from (found[hit] for hit in hits)


def _shown(value: object) -> str:
    return "\n".join(str(one) for one in value) if isinstance(value, list) else str(value)


_AT_ONCE = 2
"""Files looked into at a time: reading Parquet leaves the interpreter to others."""

_TRUE, _FALSE = pa.scalar(True, pa.bool_()), pa.scalar(False, pa.bool_())
