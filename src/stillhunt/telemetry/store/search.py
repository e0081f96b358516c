"""Search in a store: terms, times and classes to the events that fit, without a database.

A term is ``field:value`` or free text, ``-`` before it turns it round, and all terms of a search must hold. ``*``
stands for any text and ``?`` for one character; case does not matter. A value must be the whole of the field, free
text may stand anywhere in any of an event's fields. Quotes keep blanks together; a backslash is a backslash.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from heapq import nsmallest
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import re2

from stillhunt.errors import InputError
from stillhunt.telemetry.event import LIST_FIELDS, TEXT, EventBatch, EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.store.manifest import Manifest, Part
from stillhunt.telemetry.store.read import read_part
from stillhunt.telemetry.store.schema import CLASS

__all__ = ["ClassCount", "Found", "Query", "Term", "count_by", "query", "search", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that must hold of an event.

    Attributes:
        field: Common column or native field; empty for free text.
        value: What must be there, with wildcards.
        is_negated: Whether it must not hold.
    """

    field: str
    value: str
    is_negated: bool = False

    def fits(self) -> Callable[[str], bool]:
        """Return what tells whether a text is, or has in it, what must be there."""
        if not set(self.value) & {"*", "?"}:
            wanted = self.value.lower()
            return (lambda text: text.lower() == wanted) if self.field else (lambda text: wanted in text.lower())
        pattern = "".join(_WILDCARDS.get(c) or re2.escape(c) for c in self.value)
        # Linear in the text, whatever the wildcards: the text is an attacker's.
        compiled = re2.compile(f"(?is:{pattern})")
        found = compiled.fullmatch if self.field else compiled.search
        return lambda text: found(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for.

    Attributes:
        terms: All must hold.
        since: Time of the first event, or None.
        until: Time before which the last one lies, or None.
        classes: Patterns for the name of the class, its product, a category or a service; any must fit, if any.
    """

    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    classes: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether all events fit."""
        return self == Query()

    def fits_class(self, event_class: EventClass) -> bool:
        """Tell whether events of a class are looked for."""
        names = {event_class.name, event_class.product, *event_class.categories, *event_class.services}
        return not self.classes or any(fnmatchcase(name, wanted) for name in names for wanted in self.classes)

    def may_be_in(self, part: Part) -> bool:
        """Tell by what the manifest says of a file whether an event that fits may be in it."""
        if self.since is None and self.until is None:
            return True
        if part.first is None or part.last is None:
            return False
        is_before = self.until is not None and part.first >= _microseconds(self.until)
        return not is_before and (self.since is None or part.last >= _microseconds(self.since))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        rows: The first events in order of time: common columns, then native fields, those with a value.
        total: How many there are in all, or were seen before the search ended.
        is_partial: Whether it ended early, since the first ones were known: there may be more, all of them later.
        n_left: Files that were not looked into, because whoever asked did not want to wait; what is in them may also
            be earlier than ``rows``.
    """

    rows: tuple[dict[str, object], ...]
    total: int
    is_partial: bool = False
    n_left: int = 0


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


def query(
    texts: Sequence[str], *, since: str | None = None, until: str | None = None, classes: Sequence[str] = ()
) -> Query:
    r"""Read what somebody looks for.

    >>> query(['Image:*\\cmd.exe -User:"NT AUTHORITY*"']).terms[1]
    Term(field='User', value='NT AUTHORITY*', is_negated=True)

    Raises:
        InputError: A time cannot be read, or a quote is not closed.
    """
    terms = tuple(term for text in texts for term in _terms(text))
    return Query(
        terms=terms,
        since=None if since is None else _instant(since, is_end=False),
        until=None if until is None else _instant(until, is_end=True),
        classes=tuple(classes),
    )


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
) -> Found:
    """Return the first events that fit, in order of time; those without a time come last.

    Args:
        folder: The store.
        manifest: Its manifest.
        wanted: What is looked for.
        limit: At most so many.
        counts_all: Whether to go on once the first are known, to say how many there are in all.
        goes_on: Asked before each file whether to look into it; None to look into all.

    Raises:
        InputError: A file of the store is damaged.
    """
    total = 0
    best: list[_Hit] = []
    parts = _parts(manifest, wanted)
    for place, part in enumerate(parts):
        if goes_on is not None and not goes_on():
            return Found(rows=tuple(_rows(folder, best)), total=total, is_partial=True, n_left=len(parts) - place)
        if not counts_all and len(best) >= limit and (part.first is None or part.first > best[-1].at):
            # Files come in order of their first event: no later one has an earlier event than these.
            return Found(rows=tuple(_rows(folder, best)), total=total, is_partial=True)
        for start, batch, mask in _matches(folder, part, wanted):
            rows = _true_places(mask)
            total += len(rows)
            data = batch.data.take(pa.array(rows, pa.int64()))
            times = data.column("@timestamp").cast(pa.int64()).to_pylist()
            files, numbers = data.column("event.file").to_pylist(), data.column("event.record").to_pylist()
            hits = (
                _Hit(at is None, at or 0, str(file), number or 0, part.path, start + row)
                for at, file, number, row in zip(times, files, numbers, rows, strict=True)
            )
            best = nsmallest(limit, [*best, *hits])
    return Found(rows=tuple(_rows(folder, best)), total=total)


def count_by(folder: Path, manifest: Manifest, wanted: Query, field: str) -> list[tuple[str, int]]:
    """Count the events that fit by the value of a field, the most frequent first; empty for those without one.

    Raises:
        InputError: A file of the store is damaged.
    """
    counts: Counter[str] = Counter()
    for part in _parts(manifest, wanted):
        for _, batch, mask in _matches(folder, part, wanted, also=(field,)):
            for column in _columns(batch, field):
                counts.update("" if value is None else _shown(value) for value in column.filter(mask).to_pylist())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


class _AnyCase(Collection[str | None]):
    """Names of fields, whatever their case; the empty one stands for all fields."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = {name.lower() for name in names}

    def __contains__(self, name: object) -> bool:
        return "" in self._names if name is None else str(name).lower() in self._names

    def __iter__(self) -> Iterator[str | None]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)


class _Hit(NamedTuple):
    """Where an event lies; events sort by time, then by where they come from."""

    is_undated: bool
    at: int
    file: str
    number: int
    part: str
    row: int


_WILDCARDS = {"*": ".*", "?": "."}

_WORD = re.compile(r'(?P<not>-)?(?:(?P<field>[^\s":]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]*))(?=\s|$)')


def _terms(text: str) -> Iterator[Term]:
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        found = _WORD.match(text, at)
        if found is None:
            hint = 'write field:value, field:"two words" or "free text"'
            raise InputError(f"cannot be understood from `{text[at : at + 40]}` on", where=text[:80], hint=hint)
        value = found["quoted"] if found["quoted"] is not None else found["plain"]
        field = found["field"] or ""
        if field or value:
            yield Term(field=field, value=value, is_negated=bool(found["not"]))
        at = found.end()


def _instant(text: str, *, is_end: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        found = read_instant(text)
        if found is None:
            hint = "write 2021-08-24, or 2021-08-24T03:12:00Z"
            raise InputError("is no time", where=text, hint=hint) from None
        return found
    return datetime.combine(day, time(), UTC) + timedelta(days=is_end)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _class_count(name: str, parts: Sequence[Part]) -> ClassCount:
    firsts = [part.first for part in parts if part.first is not None]
    lasts = [part.last for part in parts if part.last is not None]
    hosts = {host for part in parts for host in part.hosts}
    return ClassCount(
        name=name,
        n_events=sum(part.classes[name] for part in parts),
        first_at=_EPOCH + timedelta(microseconds=min(firsts)) if firsts else None,
        last_at=_EPOCH + timedelta(microseconds=max(lasts)) if lasts else None,
        n_hosts=max([len(hosts), *(part.n_hosts for part in parts)]),
        n_bytes=sum(part.n_bytes * part.classes[name] // part.n_rows for part in parts),
    )


def _parts(manifest: Manifest, wanted: Query) -> list[Part]:
    parts = (part for unit in manifest.units.values() for part in unit.parts if wanted.may_be_in(part))
    return sorted(parts, key=lambda part: (part.first is None, part.first or 0, part.path))


def _matches(
    folder: Path, part: Part, wanted: Query, *, also: Collection[str] = ()
) -> Iterator[tuple[int, EventBatch, Any]]:
    """Yield batches of a file with the place of their first row and which of their rows fit, if any does."""
    names = _AnyCase({term.field for term in wanted.terms} | set(also))

    def asked(event_class: EventClass) -> Collection[str | None]:
        return names if wanted.fits_class(event_class) else ()

    start = 0
    for batch in read_part(folder / part.path, asked):
        if wanted.fits_class(batch.event_class):
            mask = _mask(batch, wanted)
            if pc.any(mask).as_py():
                yield start, batch, mask
        start += batch.data.num_rows


def _mask(batch: EventBatch, wanted: Query) -> Any:
    mask: Any = pa.repeat(_TRUE, batch.data.num_rows)
    times: Any = batch.data.column("@timestamp")
    if wanted.since is not None:
        is_since: Any = pc.fill_null(pc.greater_equal(times, pa.scalar(wanted.since, times.type)), _FALSE)
        mask = pc.and_(mask, is_since)
    if wanted.until is not None:
        is_before: Any = pc.fill_null(pc.less(times, pa.scalar(wanted.until, times.type)), _FALSE)
        mask = pc.and_(mask, is_before)
    for term in wanted.terms:
        holds: Any = pa.repeat(_FALSE, batch.data.num_rows)
        columns = _columns(batch, term.field) if term.field else _texts(batch)
        for column in columns:
            holds = pc.or_(holds, _holds(column, term))
        mask = pc.and_(mask, pc.invert(holds) if term.is_negated else holds)
    return mask


_TRUE, _FALSE = pa.scalar(True, pa.bool_()), pa.scalar(False, pa.bool_())


def _columns(batch: EventBatch, field: str) -> list[Any]:
    """Return the column of a field: by its name, else whatever its case."""
    names = batch.data.schema.names
    if field.lower() == CLASS:
        return [pa.repeat(pa.scalar(batch.event_class.name, pa.string()), batch.data.num_rows).dictionary_encode()]
    found = [field] if field in names else [name for name in names if name.lower() == field.lower()]
    columns = [batch.data.column(name) for name in found]
    return columns or [pa.nulls(batch.data.num_rows, TEXT)]


def _texts(batch: EventBatch) -> list[Any]:
    names = batch.data.schema.names
    return [batch.data.column(name) for name in names if name in LIST_FIELDS or batch.data[name].type == TEXT]


def _holds(column: Any, term: Term) -> Any:
    fits = term.fits()
    if pa.types.is_list(column.type):
        return pa.array([any(fits(text or "") for text in row or ()) for row in column.to_pylist()], pa.bool_())
    if column.type != TEXT:
        column = column.cast(pa.string()).dictionary_encode()
    if term.field and not term.value:
        return pc.fill_null(pc.equal(column.cast(pa.string()), _EMPTY), _TRUE)
    held = pa.array([text is not None and fits(text) for text in column.dictionary.to_pylist()], pa.bool_())
    return pc.fill_null(held.take(column.indices), _FALSE)


_EMPTY = pa.scalar("", pa.string())


def _true_places(mask: Any) -> list[int]:
    places: list[int] = pc.indices_nonzero(mask).to_pylist()
    return places


def _rows(folder: Path, hits: Sequence[_Hit]) -> Iterator[dict[str, object]]:
    found: dict[_Hit, dict[str, object]] = {}
    by_part = sorted(hits, key=lambda hit: (hit.part, hit.row))
    for part, held in groupby(by_part, key=lambda hit: hit.part):
        wanted = {hit.row: hit for hit in held}
        start = 0
        for batch in read_part(folder / part):
            n_rows = batch.data.num_rows
            here = [row for row in wanted if start <= row < start + n_rows]
            taken = batch.data.take(pa.array([row - start for row in here], pa.int64())) if here else None
            for row, values in zip(here, taken.to_pylist() if taken is not None else (), strict=True):
                found[wanted[row]] = _row(batch.event_class, values)
            start += n_rows
    yield from (found[hit] for hit in hits)


def _row(event_class: EventClass, values: Mapping[str, object]) -> dict[str, object]:
    held = {name: value for name, value in values.items() if value is not None and name != "event.place"}
    at = held.pop("@timestamp", None)
    when = {"@timestamp": at.isoformat().replace("+00:00", "Z")} if isinstance(at, datetime) else {}
    return {**when, CLASS: event_class.name, **held}


def _shown(value: object) -> str:
    return "\n".join(str(one) for one in value) if isinstance(value, list) else str(value)
