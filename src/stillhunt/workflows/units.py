"""Work on one unit of a store: read it, match it, or take events out of it that the store has already.

These functions run in worker processes. What they write is no part of the store before its manifest says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.trail import Trail
from stillhunt.detection.scan import Scan
from stillhunt.errors import Problem
from stillhunt.telemetry.copies import digest
from stillhunt.telemetry.coverage import InputFile
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.ledger import ReadingLedger
from stillhunt.telemetry.store.manifest import Add, Input, Part
from stillhunt.telemetry.store.read import read_part
from stillhunt.telemetry.store.schema import IDENTITY
from stillhunt.telemetry.store.write import PartWriter
from stillhunt.workflows.plan import Unit
from stillhunt.workflows.states import ReadState, ScanRecord, is_whole, load, save
from stillhunt.workflows.workers import Desk

__all__ = [
    "Keys",
    "Match",
    "Reread",
    "any_twice",
    "has_read_state",
    "identities",
    "is_in",
    "keep_read_state",
    "match_unit",
    "read_state",
    "read_unit",
    "scan_record",
    "unit_id",
    "without",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What results depend on beside the logs.

    Attributes:
        reader: Hash of the code that reads.
        rules: Hash of the rules and of the code that matches them.
    """

    reader: str
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """The task of reading a unit into a store."""

    folder: Path
    unit: Unit
    keys: Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The task of matching rules with a unit that a store holds."""

    folder: Path
    unit: Add
    keys: Keys


def unit_id(inputs: Sequence[Input], reader: str) -> str:
    """Return the id of a unit: the same inputs read by the same code have the same."""
    told = [reader, [(i.path, i.n_bytes, i.mtime_ns, tuple(i.piece)) for i in inputs]]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:20]


def read_unit(desk: Desk, task: Reread) -> Add:
    """Read a unit, write its events, and save what was found in it.

    Raises:
        OSError: The store cannot be written.
    """
    unit = unit_id(task.unit.inputs, task.keys.reader)
    writer, trail = PartWriter(task.folder, unit), Trail()
    for batch in desk.reading.part(task.unit.shares()):
        desk.scan.feed(batch)
        trail.observe(batch)
        writer.add(batch)
    parts, groups = writer.close()
    ledger, found_in = desk.reading.hand_over()
    places = {name: (str(path), source) for name, (path, source) in found_in.items()}
    save(_read_path(task.folder, unit, task.keys), ReadState(ledger, places, trail))
    save(_scan_path(task.folder, unit, task.keys), ScanRecord.of(desk.scan.hand_over()))
    return Add(
        unit=unit,
        reader=task.keys.reader,
        inputs=tuple(_hashed(given) for given in task.unit.inputs),
        parts=parts,
        groups=groups,
        files=tuple(ledger.files),
        problems=tuple(ledger.problems),
    )


def match_unit(desk: Desk, task: Match) -> str:
    """Match rules with the events of a unit, save what was found, and return the unit's id.

    Raises:
        InputError: A file of the store is damaged.
        OSError: The store cannot be written.
    """
    for part in task.unit.parts:
        for batch in read_part(task.folder / part.path, desk.scan.fields):
            desk.scan.feed(batch)
    save(_scan_path(task.folder, task.unit.unit, task.keys), ScanRecord.of(desk.scan.hand_over()))
    return task.unit.unit


def scan_record(folder: Path, unit: Add, keys: Keys) -> ScanRecord | None:
    """Return what rules found in a unit, or None if they were not matched with it yet."""
    return load(_scan_path(folder, unit.unit, keys), ScanRecord)


def read_state(folder: Path, unit: Add, keys: Keys) -> ReadState:
    """Return what reading a unit left behind; found again in its events if it was other code that read it.

    Raises:
        InputError: A file of the store is damaged.
    """
    path = _read_path(folder, unit.unit, keys)
    state = load(path, ReadState)
    if state is None:
        batches = (batch for part in unit.parts for batch in read_part(folder / part.path))
        state = _observed(batches, unit.files, unit.problems)
        _place(state, unit)
        save(path, state)
    return state


def has_read_state(folder: Path, unit: Add, keys: Keys) -> bool:
    """Tell whether what reading a unit left behind is there and whole."""
    try:
        return is_whole(_read_path(folder, unit.unit, keys).read_bytes())
    except OSError:
        return False


def keep_read_state(folder: Path, unit: Add, observed: ReadState | None, keys: Keys) -> None:
    """Save what reading a unit left behind, found again in its events elsewhere.

    Args:
        folder: The store.
        unit: The unit.
        observed: What its events say; None if it has none.
        keys: What results depend on.

    Raises:
        OSError: The store cannot be written.
    """
    state = ReadState(ReadingLedger(files=list(unit.files), problems=list(unit.problems)))
    if observed is not None:
        state.ledger.take(observed.ledger)
        state.trail.take(observed.trail)
    _place(state, unit)
    save(_read_path(folder, unit.unit, keys), state)


def _place(state: ReadState, unit: Add) -> None:
    """Say of every log of a unit what holds it."""
    for name, source in ((file.path, file.source) for file in unit.files if file.source):
        state.found_in[name] = (_holder(name, unit.inputs), source)


def without(
    folder: Path,
    unit: Add,
    taken: Mapping[str, Collection[int]],
    scan: Scan,
    keys: Keys,
    *,
    changed: Collection[str] = (),
) -> Add:
    """Write a unit anew without some of its events, and save what is found in it then.

    Args:
        folder: The store.
        unit: The unit; its own files are left alone.
        taken: Path of a part to the places of events that the store has already.
        scan: The rules.
        keys: What results depend on.
        changed: Paths of inputs that are no part of it any more.

    Raises:
        InputError: A file of the store is damaged.
        OSError: The store cannot be written.
    """
    name = f"{unit.unit}d"
    writer, state, twice = PartWriter(folder, name), ReadState(), Counter(unit.duplicates)
    for part in unit.parts:
        for batch, is_taken in _marked(folder, part, taken.get(part.path, ())):
            is_gone = _is_of(batch, changed)
            twice.update(_files_of(batch, pc.and_(is_taken, pc.invert(is_gone))))
            data = batch.data.filter(pc.invert(pc.or_(is_taken, is_gone)))
            left = EventBatch(event_class=batch.event_class, data=data)
            writer.add(left)
            scan.feed(left)
            state.ledger.observe(left)
            state.trail.observe(left)
    parts, groups = writer.close()
    files = [file for file in unit.files if not is_in(file.path, changed)]
    state.ledger.files = [
        replace(f, n_events=f.n_events - twice[f.path] + unit.duplicates.get(f.path, 0)) for f in files
    ]
    state.ledger.problems = [p for p in unit.problems if not is_in(p.where or "", changed)]
    found_in = read_state(folder, unit, keys).found_in
    state.found_in = {log: held for log, held in found_in.items() if not is_in(log, changed)}
    save(_scan_path(folder, name, keys), ScanRecord.of(scan.hand_over()))
    save(_read_path(folder, name, keys), state)
    return msgspec.structs.replace(
        unit,
        unit=name,
        replaces=unit.unit,
        inputs=tuple(given for given in unit.inputs if given.path not in changed),
        parts=parts,
        groups=groups,
        files=tuple(state.ledger.files),
        problems=tuple(state.ledger.problems),
        duplicates={log: n for log, n in sorted(twice.items()) if not is_in(log, changed)},
    )


def is_in(name: str, paths: Iterable[str]) -> bool:
    """Tell whether a log, or a place in one, lies in one of some files."""
    return any(name == path or name.startswith((f"{path}!", f"{path}:")) for path in paths)


def any_twice(folder: Path, parts: Iterable[Part]) -> bool:
    """Tell whether an identity occurs more than once in some parts.

    Raises:
        InputError: One is damaged.
    """
    # What identities consist of differs from product to product.
    alike: dict[tuple[str, ...], list[pa.Table]] = defaultdict(list)
    for table in (table for part in parts for table in _identified(folder, part)):
        alike[tuple(table.column_names)].append(table)
    return any(_has_twice(pa.concat_tables(tables)) for tables in alike.values())


def _has_twice(whole: pa.Table) -> bool:
    keys = [name for name in whole.column_names if name not in {"row", "file"}]
    return whole.group_by(keys, use_threads=False).aggregate([]).num_rows < whole.num_rows


def identities(folder: Path, part: Part) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield the place, the log and the identity of every event of a part that has one.

    Raises:
        InputError: It is damaged.
    """
    for table in _identified(folder, part):
        columns = [table[name].to_pylist() for name in table.column_names]
        for row, file, *identity in zip(*columns, strict=True):
            yield row, str(file), tuple(str(value) for value in identity)


def _identified(folder: Path, part: Part) -> Iterator[pa.Table]:
    """Yield the place, the log and the identity of events that have one, as columns."""
    fields = IDENTITY.get(part.product, ())
    start = 0
    for batch in read_part(folder / part.path, lambda _: fields):
        data, event_class = batch.data, batch.event_class
        n_rows = data.num_rows
        if fields and all(field in data.schema.names for field in fields):
            kind = f"{(event_class.channel or event_class.name).lower()} {event_class.event_id}"
            columns: dict[str, Any] = {
                "row": pa.array(range(start, start + n_rows), pa.int64()),
                "file": data.column("event.file").cast(pa.string()),
                "kind": pa.repeat(pa.scalar(kind, pa.string()), n_rows),
                "host": pc.fill_null(data.column("host.name").cast(pa.string()), _NONE),
                "at": pc.fill_null(data.column("@timestamp").cast(pa.int64()), _NEVER),
            }
            columns |= {f"id.{field}": pc.fill_null(data.column(field).cast(pa.string()), _NONE) for field in fields}
            table = pa.table(columns)
            for field in fields:
                table = table.filter(pc.not_equal(table[f"id.{field}"], _NONE))
            yield table
        start += n_rows


_NONE, _NEVER = pa.scalar("", pa.string()), pa.scalar(-(1 << 62), pa.int64())


def _marked(folder: Path, part: Part, places: Collection[int]) -> Iterator[tuple[EventBatch, Any]]:
    start = 0
    for batch in read_part(folder / part.path):
        n_rows = batch.data.num_rows
        yield batch, pa.array([row in places for row in range(start, start + n_rows)], pa.bool_())
        start += n_rows


def _is_of(batch: EventBatch, paths: Collection[str]) -> Any:
    files: Any = batch.data.column("event.file")
    known = pa.array([is_in(str(file), paths) for file in files.dictionary.to_pylist()], pa.bool_())
    return pc.fill_null(known.take(files.indices), pa.scalar(False, pa.bool_()))


def _files_of(batch: EventBatch, mask: Any) -> list[str]:
    return [str(file) for file in batch.data.column("event.file").filter(mask).to_pylist()]


def _observed(batches: Iterable[EventBatch], files: Iterable[InputFile], problems: Iterable[Problem]) -> ReadState:
    state = ReadState(ReadingLedger(files=list(files), problems=list(problems)))
    for batch in batches:
        state.ledger.observe(batch)
        state.trail.observe(batch)
    return state


def _holder(name: str, inputs: Sequence[Input]) -> str:
    """Return the path of the input that holds a log."""
    return next((given.path for given in inputs if is_in(name, (given.path,))), name)


def _hashed(given: Input) -> Input:
    return given if given.sha256 else given._replace(sha256=digest(Path(given.path)))


def _read_path(folder: Path, unit: str, keys: Keys) -> Path:
    return folder / "states" / f"{unit}.{keys.reader}.read"


def _scan_path(folder: Path, unit: str, keys: Keys) -> Path:
    return folder / "states" / f"{unit}.{keys.rules}.scan"
