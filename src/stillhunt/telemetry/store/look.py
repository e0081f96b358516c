"""Looking into one file of a store: which of its rows fit what is looked for, and what they say.

Only the row groups that may have such rows are read, by the file's index, its statistics and its classes; and of
those only the columns that are asked about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.event import COMMON, TEXT
from stillhunt.telemetry.store.manifest import Part
from stillhunt.telemetry.store.query import Query, Term
from stillhunt.telemetry.store.read import OpenPart, open_part
from stillhunt.telemetry.store.schema import CLASS, REST
from stillhunt.telemetry.store.words import index_path, literals, load_index, sought
from stillhunt.telemetry.store.write import Slice

__all__ = ["Candidate", "Stretch", "candidate", "events_at", "matching"]

_PLACE = ("@timestamp", "event.file", "event.record")
_GROUPS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Consecutive rows of a file, some of which fit.

    Attributes:
        start: Place of the first in the file.
        data: Columns: time, file and record, and those that were asked for.
        mask: Which of the rows fit.
        names: Fields that any of the rows has, without those in the column for all others.
        rest: Fields that any of the rows has there.
    """

    start: int
    data: pa.Table
    mask: Any
    names: frozenset[str]
    rest: frozenset[str]

    def values(self, field: str) -> Iterator[object]:
        """Yield the value of a field in every row that fits; None where it has none."""
        columns = [column.filter(self.mask).to_pylist() for column in _columns(self, field)]
        for row in zip(*columns, strict=True) if columns else ((),) * pc.sum(self.mask).as_py():
            yield next((value for value in row if value is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Where in a file rows that fit may be.

    Attributes:
        groups: The row groups, as bits; None if its index does not say.
        fields: By place of a term of free text the fields that may have it, where the index says.
    """

    groups: int | None = None
    fields: Mapping[int, frozenset[str]]


def candidate(folder: Path, part: Part, wanted: Query) -> Candidate | None:
    """Return where in a file rows that fit may be, by its index; None if none is there."""
    asked = {number: sought(t.field, t.value) for number, t in enumerate(wanted.terms) if _is_indexed(t)}
    asked = {number: one for number, one in asked.items() if one.words or one.value is not None}
    index = load_index(index_path(folder, part.path)) if asked else None
    if index is None:
        return Candidate(fields={})
    groups = (1 << index.n_groups) - 1
    fields: dict[int, frozenset[str]] = {}
    for number, one in asked.items():
        where = index.where(one)
        groups &= where.groups
        if not groups:
            return None
        if not one.field and where.fields is not None:
            fields[number] = where.fields
    return Candidate(groups=groups, fields=fields)


def matching(
    folder: Path, part: Part, wanted: Query, where: Candidate, *, also: Collection[str] = ()
) -> Iterator[Stretch]:
    """Yield stretches of a file with rows that fit.

    Args:
        folder: The store.
        part: The file.
        wanted: What is looked for.
        where: What :func:`candidate` said.
        also: Further fields to read.

    Raises:
        InputError: The file is damaged.
    """
    with open_part(folder / part.path, part.product) as opened:
        chosen = [n for n in range(opened.n_groups) if where.groups is None or where.groups >> n & 1]
        chosen = [n for n in chosen if _may_be_then(opened, n, wanted) and _has_class(opened, n, wanted)]
        for run in _runs(chosen):
            stretch = _stretch(opened, run, wanted, where, also)
            if pc.any(stretch.mask).as_py():
                yield stretch


def events_at(folder: Path, part: str, product: str, rows: Collection[int]) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield events of a file by their places: class, common columns, then native fields, those with a value.

    Raises:
        InputError: The file is damaged.
    """
    with open_part(folder / part, product) as opened:
        for group, held in groupby(sorted(rows), key=lambda row: _group_of(opened, row)):
            places, start = list(held), opened.groups[group]
            slices = {row: _slice_of(opened, row) for row in places}
            names = {name for slice_ in slices.values() for name in _held(slice_)}
            data = opened.read(group, group, names).take(pa.array([row - start for row in places], pa.int64()))
            plain = {name: _plain(data[name]).to_pylist() for name in data.column_names}
            for at, row in enumerate(places):
                yield row, _event(slices[row], {name: values[at] for name, values in plain.items()})


def _is_indexed(term: Term) -> bool:
    return not term.is_negated and term.field.lower() not in _NUMBERS


_NUMBERS = frozenset(name.lower() for name, (kind, _) in COMMON.items() if kind != TEXT)


def _may_be_then(opened: OpenPart, group: int, wanted: Query) -> bool:
    if wanted.since is None and wanted.until is None:
        return True
    first, last = opened.times(group)
    if first is None or last is None:
        return True
    return (wanted.until is None or first < wanted.until) and (wanted.since is None or last >= wanted.since)


def _has_class(opened: OpenPart, group: int, wanted: Query) -> bool:
    if not wanted.classes:
        return True
    among = opened.among(opened.groups[group], opened.groups[group + 1])
    return any(wanted.fits_class(opened.slices[number].event_class) for number in among)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of numbers that follow each other, some at a time."""
    for _, pairs in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in pairs]
        for start in range(0, len(run), _GROUPS_AT_ONCE):
            yield run[start], run[start : start + _GROUPS_AT_ONCE][-1]


def _stretch(opened: OpenPart, run: tuple[int, int], wanted: Query, where: Candidate, also: Collection[str]) -> Stretch:
    first, last = run
    start, stop = opened.groups[first], opened.groups[last + 1]
    among = opened.among(start, stop)
    slices = [opened.slices[number] for number in among]
    names = frozenset(name for slice_ in slices for name in (*slice_.common, *slice_.native)) | {CLASS}
    rest = frozenset(name for slice_ in slices for name in slice_.rest)
    fields = {term.field.lower() for term in wanted.terms if term.field} | {field.lower() for field in also}
    for number, term in enumerate(wanted.terms):
        if not term.field:
            fields |= {name.lower() for name in where.fields.get(number, _texts(names) | rest)}
    own = {name for name in names if name.lower() in fields}
    is_rest = any(name.lower() in fields for name in rest)
    data = opened.read(first, last, {*_PLACE, *own, *([REST] if is_rest else [])})
    stretch = Stretch(start=start, data=data, mask=None, names=names, rest=rest if is_rest else frozenset())
    mask: Any = _by_class(opened, among, start, stop, wanted) if wanted.classes else pa.repeat(_TRUE, data.num_rows)
    for holds in _conditions(stretch, wanted, where):
        mask = pc.and_(mask, holds)
    # Long texts were read to be looked at, not to be kept while others are.
    return replace(stretch, mask=mask, data=data if also else data.select(_PLACE))


def _texts(names: Collection[str]) -> frozenset[str]:
    """Return the fields that free text is looked for in; the class is no word of the log."""
    return frozenset(name for name in names if name != CLASS and (name not in COMMON or COMMON[name][0] == TEXT))


def _by_class(opened: OpenPart, among: Sequence[int], start: int, stop: int, wanted: Query) -> Any:
    pieces = []
    for number in among:
        n_rows = min(stop, opened.starts[number + 1]) - max(start, opened.starts[number])
        pieces.append(pa.repeat(_TRUE if wanted.fits_class(opened.slices[number].event_class) else _FALSE, n_rows))
    return pa.concat_arrays(pieces)


def _conditions(stretch: Stretch, wanted: Query, where: Candidate) -> Iterator[Any]:
    times: Any = stretch.data["@timestamp"].combine_chunks()
    if wanted.since is not None:
        yield pc.fill_null(pc.greater_equal(times, pa.scalar(wanted.since, times.type)), _FALSE)
    if wanted.until is not None:
        yield pc.fill_null(pc.less(times, pa.scalar(wanted.until, times.type)), _FALSE)
    for number, term in enumerate(wanted.terms):
        fields = where.fields.get(number)
        holds: Any = _in_field(stretch, term) if term.field else _anywhere(stretch, term, fields)
        yield pc.invert(holds) if term.is_negated else holds


def _in_field(stretch: Stretch, term: Term) -> Any:
    columns = _columns(stretch, term.field)
    n_rows = stretch.data.num_rows
    if not term.value:
        # Nothing is looked for: no column has anything.
        has: Any = pa.repeat(_FALSE, n_rows)
        for column in columns:
            has = pc.or_(has, _has_text(column))
        return pc.invert(has)
    holds: Any = pa.repeat(_FALSE, n_rows)
    for column in columns:
        holds = pc.or_(holds, _holds(column, term))
    return holds


def _anywhere(stretch: Stretch, term: Term, fields: frozenset[str] | None) -> Any:
    """Tell of every row whether any text fits; ``fields`` are those that may, if that is known."""
    holds: Any = pa.repeat(_FALSE, stretch.data.num_rows)
    texts = _texts(stretch.names)
    for name in sorted(texts if fields is None else texts & fields):
        holds = pc.or_(holds, _holds(stretch.data[name], term))
    is_rest = bool(stretch.rest) and (fields is None or bool(stretch.rest & fields))
    return pc.or_(holds, _in_rest(stretch.data[REST], term)) if is_rest else holds


def _columns(stretch: Stretch, field: str) -> list[Any]:
    """Return the columns of a field, whatever its case."""
    wanted = field.lower()
    own = [stretch.data[name] for name in sorted(stretch.names) if name.lower() == wanted]
    rest = sorted(name for name in stretch.rest if name.lower() == wanted)
    if not rest:
        return own
    rows = [_DECODE(text) if text else {} for text in _plain(stretch.data[REST]).to_pylist()]
    return [*own, *(pa.chunked_array([_from_rest([row.get(name) for row in rows])]) for name in rest)]


def _from_rest(values: Sequence[str | list[str] | None]) -> Any:
    if any(isinstance(value, list) for value in values):
        return pa.array([[value] if isinstance(value, str) else value for value in values], pa.list_(pa.string()))
    return pa.array(values, pa.string())


def _has_text(column: Any) -> Any:
    if pa.types.is_list(column.type):
        return pa.array([bool(row) and any(row) for row in column.to_pylist()], pa.bool_())
    texts: Any = _plain(column).cast(pa.string()).combine_chunks()
    return pc.fill_null(pc.not_equal(texts, _EMPTY), _FALSE)


def _holds(column: Any, term: Term) -> Any:
    """Tell of every row of a column whether its value fits."""
    fits = term.fits()
    if pa.types.is_list(column.type):
        return pa.array([any(fits(text or "") for text in row or ()) for row in column.to_pylist()], pa.bool_())
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    wanted = max(literals(term.value.lower()), key=len)
    pieces: list[Any] = []
    for chunk in column.chunks:
        places = _places_of(chunk.dictionary, wanted)
        held = pa.array([place for place in places if fits(chunk.dictionary[place].as_py() or "")], pa.int32())
        pieces.append(pc.is_in(chunk.indices, held))
    return pa.concat_arrays(pieces) if pieces else pa.array([], pa.bool_())


def _places_of(texts: Any, wanted: str) -> Sequence[int]:
    """Return the places of the texts that may have another, in lower case, in them."""
    _, offsets, content = texts.buffers()
    lowered = content.to_pybytes().lower() if content is not None else b""
    if not wanted or not wanted.isascii() or (not lowered.isascii() and _has_more(lowered)):
        return range(len(texts))
    ends = memoryview(offsets).cast("i")[texts.offset : texts.offset + len(texts) + 1] if offsets is not None else ()
    needle, found = wanted.encode(), list[int]()
    at = lowered.find(needle)
    while at >= 0:
        place = bisect_right(ends, at) - 1
        if 0 <= place < len(texts):
            found.append(place)
            # The next one that counts begins in another text.
            at = lowered.find(needle, max(at + 1, ends[place + 1]))
        else:
            at = lowered.find(needle, at + 1)
    return found


def _has_more(texts: bytes) -> bool:
    """Tell whether letters beyond ASCII are among texts whose lower cases are within it, the Kelvin sign's, say."""
    return any(letter.encode() in texts for letter in "\u212a\u0130")


def _in_rest(column: Any, term: Term) -> Any:
    """Tell of every row whether any field that has no column of its own fits."""
    fits = term.fits()
    # As JSON escapes it; a text that lacks it holds no value that fits.
    literal = msgspec.json.encode(max(literals(term.value.lower()), key=len)).decode()[1:-1]

    def any_fits(text: str | None) -> bool:
        if text is None or (literal.isascii() and literal not in text.lower()):
            return False
        values = _DECODE(text).values()
        return any(fits(one) for value in values for one in ((value,) if isinstance(value, str) else value))

    pieces: list[Any] = []
    for chunk in _encoded(column).chunks:
        held = pa.array([any_fits(text) for text in chunk.dictionary.to_pylist()], pa.bool_())
        pieces.append(pc.fill_null(held.take(chunk.indices), _FALSE))
    return pa.concat_arrays(pieces)


_DECODE = msgspec.json.Decoder(dict[str, str | list[str]]).decode


def _encoded(column: Any) -> Any:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _plain(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _group_of(opened: OpenPart, row: int) -> int:
    return next(number for number in range(opened.n_groups) if row < opened.groups[number + 1])


def _slice_of(opened: OpenPart, row: int) -> Slice:
    return opened.slices[opened.among(row, row + 1)[0]]


def _held(slice_: Slice) -> tuple[str, ...]:
    return (*slice_.common, *slice_.native, *([REST] if slice_.rest else []))


def _event(slice_: Slice, values: Mapping[str, object]) -> dict[str, object]:
    """Return what an event says, its time as text."""
    own = {name: values[name] for name in _held(slice_) if name != REST and values[name] is not None}
    rest = values.get(REST) if slice_.rest else None
    native = {name: value for name, value in own.items() if name not in COMMON}
    native |= _DECODE(rest) if isinstance(rest, str) else {}
    at = own.get("@timestamp")
    when = {"@timestamp": at.isoformat().replace("+00:00", "Z")} if isinstance(at, datetime) else {}
    common = {name: own[name] for name in COMMON if name in own and name not in _UNTOLD}
    return {**when, CLASS: slice_.event_class.name, **common, **{name: native[name] for name in sorted(native)}}


_UNTOLD = ("@timestamp", "event.place")
_TRUE, _FALSE = pa.scalar(True, pa.bool_()), pa.scalar(False, pa.bool_())
_EMPTY = pa.scalar("", pa.string())
