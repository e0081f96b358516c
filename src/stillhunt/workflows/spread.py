"""Matching a store by an engine: what each task says of its files, how that is joined, and what comes back.

A task matches the rules with the events of its files and folds them for analytics. What rules found goes back as it
is. What analytics keep is divided by a hash of its keys, so that all of one key meets in one place: there it is joined
and condensed, and only what analytics compare comes back. All of it can be joined in any order, so the result is that
of a hunt on one machine, to the last byte, however the files were divided and whichever task had to be done again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.join import bucketed, condensed, empty, joined
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.watch import Aggregates
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.engines.engine import Engine, Piece
from stillhunt.errors import EngineError, InputError, StillhuntError
from stillhunt.progress import Watcher
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.telemetry.store.manifest import MARKER, Add
from stillhunt.telemetry.store.read import everything, read_part, records
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.origin import code_hash
from stillhunt.workflows.packing import packed_rules, unpacked_rules
from stillhunt.workflows.states import ReadState, ScanRecord, packed, unpacked

__all__ = ["Found", "Spread", "mirrored"]

_ROWS_PER_TASK = 500_000
_ROWS_PER_BUCKET = 400_000
_MOST_TASKS = 100_000


@dataclass(slots=True)
class Found:
    """What was found in a store.

    Attributes:
        records: What rules found, by task.
        tables: What analytics compare, whole and condensed, by aggregate.
        states: Of units whose reading states were missing, what reading their events left behind.
    """

    records: list[ScanRecord] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    states: dict[str, ReadState] = field(default_factory=dict)


class Spread:
    """A store whose events are looked at by an engine.

    Args:
        engine: Who does it.
        url: Where the store lies, as the engine takes it.
        n_tasks: How many tasks there are to be; 0 leaves it to the number of hands and of events.
    """

    def __init__(self, engine: Engine, url: str, *, n_tasks: int = 0) -> None:
        self._engine, self._url, self._n_tasks = engine, url, n_tasks

    def match(self, units: Sequence[Add], unread: Sequence[Add], rules: RuleSet, watch: Watcher) -> Found:
        """Match rules with all events of some units, and fold the events for analytics.

        Args:
            units: The units.
            unread: Those of them whose reading states are to be found again.
            rules: The rules.
            watch: Told about progress.

        Raises:
            InputError: A file of the store is damaged.
            EngineError: The engine failed, or its workers have another version of stillhunt.
        """
        n_rows = sum(part.n_rows for unit in units for part in unit.parts)
        # Databases of addresses lie on this machine and are asked at the end only.
        ours = packed_rules(replace(rules, networks=()))
        n_buckets = max(self._engine.n_hands, -(-n_rows // _ROWS_PER_BUCKET))
        work = _Matching(
            rules=ours, made_by=_made_by(), unread=frozenset(unit.unit for unit in unread), n_buckets=n_buckets
        )
        found, n_seen = Found(), 0
        tables: dict[str, list[pa.Table]] = defaultdict(list)
        for piece in self._gathered(units, work, watch):
            kind, _, subject = piece.subject.partition("/")
            if kind == _TABLE:
                tables[subject.rpartition("/")[0]].append(_opened(piece.body))
            elif kind == _READ:
                found.states[subject] = _sound(unpacked(piece.body, ReadState))
            else:
                task = _sound(unpacked(piece.body, _Task))
                found.records.append(task.record)
                n_seen += task.n_rows
        found.tables = {name: pa.concat_tables(parts) for name, parts in sorted(tables.items())}
        if n_seen != n_rows:
            message = f"the engine has looked at {n_seen:,} events of {n_rows:,}"
            raise EngineError(message, where=self._url, hint="files of the store are missing or were changed")
        return found

    def records(
        self, units: Iterable[Add], wanted: Mapping[str, Iterable[int]], watch: Watcher
    ) -> Iterator[EventBatch]:
        """Yield the events with some record numbers of some logs; others that share both ends may be among them."""
        asked: dict[str, tuple[frozenset[str], frozenset[int]]] = {}
        for unit in units:
            names = frozenset(file.path for file in unit.files if file.path in wanted)
            if names:
                asked[unit.unit] = names, frozenset(number for name in names for number in wanted[name])
        having = [unit for unit in units if unit.unit in asked]
        for piece in self._gathered(having, _Fetching(asked), watch):
            head, _, body = piece.body.partition(b"\n")
            with pa.ipc.open_stream(body) as stream:
                for batch in stream:
                    yield EventBatch(event_class=msgspec.json.decode(head, type=EventClass), data=batch)

    def _gathered(self, units: Sequence[Add], work: _Matching | _Fetching, watch: Watcher) -> list[Piece]:
        parts = [part for unit in units for part in unit.parts]
        paths = sorted(f"{self._url}/{part.path}" for part in parts)
        n_rows = sum(part.n_rows for part in parts)
        usual = max(2 * self._engine.n_hands, -(-n_rows // _ROWS_PER_TASK))
        n_tasks = self._n_tasks or min(usual, len(paths), _MOST_TASKS)
        pieces = self._engine.gathered(paths, work, _joined, n_tasks=n_tasks, watch=watch)
        for piece in pieces:
            if piece.subject.startswith(_ERROR):
                raise _raised(piece.body)
        return pieces


def mirrored(engine: Engine, url: str, reader: str, folder: Path) -> None:
    """Copy of a store that lies elsewhere what a hunt wants here: the manifest, and what reading has left behind.

    Args:
        engine: Who reads there.
        url: Where it lies.
        reader: Hash of the code that reads.
        folder: Where to put it.

    Raises:
        InputError: There is no store.
        EngineError: It cannot be read.
    """
    manifest = list(engine.contents(url, MARKER).values())
    if not manifest:
        hint = "give the folder that `hunt --store` wrote"
        raise InputError("is no store of stillhunt", where=url, hint=hint)
    (folder / MARKER).write_bytes(manifest[0])
    (folder / "states").mkdir()
    for name, content in engine.contents(f"{url}/states", f"*.{reader}.read").items():
        (folder / "states" / name).write_bytes(content)


_TABLE, _READ, _TASK, _ERROR, _EVENTS = "table", "read", "task", "error", "events"
"""What pieces are: part of a table of an analytic, what reading left behind, what rules found in a task's files,
trouble, events."""


@dataclass(slots=True)
class _Task:
    n_rows: int
    record: ScanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matching:
    """Match rules with the files of a task."""

    rules: bytes
    made_by: str
    unread: frozenset[str]
    n_buckets: int

    def __call__(self, files: Iterable[tuple[str, bytes]]) -> Iterator[Piece]:
        if _made_by() != self.made_by:
            message = f"the workers have {_made_by()}, and this machine {self.made_by}"
            yield _told(EngineError(message, hint="install the same on both: see docs/how-to/spark.md"))
            return
        scan = _scan(self.rules)
        try:
            with no_search_for_cycles():
                yield from self._found(scan, files)
        except InputError as error:
            yield _told(error)
        finally:
            # Also after trouble nothing is left for the next task.
            scan.hand_over()

    def _found(self, scan: Scan, files: Iterable[tuple[str, bytes]]) -> Iterator[Piece]:
        states: dict[str, ReadState] = defaultdict(ReadState)
        n_rows, first = 0, ""
        for path, content in files:
            first = min(first or path, path)
            unit = _unit(path)
            is_unread = unit in self.unread
            for batch in read_part(Path(path), everything if is_unread else scan.fields, content=content):
                n_rows += batch.data.num_rows
                scan.feed(batch)
                if is_unread:
                    states[unit].ledger.observe(batch)
                    states[unit].trail.observe(batch)
        if not first:
            return
        record = ScanRecord.of(scan.hand_over())
        kept, record.aggregates = record.aggregates, Aggregates({}, record.aggregates.undated, record.aggregates.seen)
        yield Piece(f"{_TASK}/{first}", packed(_Task(n_rows, record)))
        for name, table in kept.tables.items():
            aggregate = _aggregates()[name]
            # What nobody condenses is small: one place joins all of it.
            n_buckets = self.n_buckets if aggregate.condense else 1
            for number, rows in bucketed(aggregate, table, n_buckets).items():
                yield Piece(f"{_TABLE}/{name}/{number:05}", _closed(rows))
        for unit, state in states.items():
            yield Piece(f"{_READ}/{unit}", packed(state))


@dataclass(frozen=True, slots=True)
class _Fetching:
    """Find records in the files of a task: by unit, logs and record numbers."""

    asked: Mapping[str, tuple[frozenset[str], frozenset[int]]]

    def __call__(self, files: Iterable[tuple[str, bytes]]) -> Iterator[Piece]:
        try:
            for path, content in files:
                names, numbers = self.asked[_unit(path)]
                for batch in records(Path(path), names, numbers, content=content):
                    head = msgspec.json.encode(batch.event_class)
                    yield Piece(f"{_EVENTS}/{path}", head + b"\n" + _closed(pa.Table.from_batches([batch.data])))
        except InputError as error:
            yield _told(error)


def _joined(subject: str, bodies: Sequence[bytes]) -> Iterable[bytes]:
    """Join what tasks said of one subject."""
    kind, _, rest = subject.partition("/")
    if kind == _TABLE:
        aggregate = _aggregates()[rest.rpartition("/")[0]]
        whole = joined(aggregate, [_opened(body).cast(empty(aggregate).schema) for body in bodies], is_final=True)
        return [_closed(condensed(aggregate, whole))]
    if kind == _READ and len(bodies) > 1:
        state = ReadState()
        for body in bodies:
            more = _sound(unpacked(body, ReadState))
            state.ledger.take(more.ledger)
            state.trail.take(more.trail)
        return [packed(state)]
    return bodies


@lru_cache(maxsize=1)
def _made_by() -> str:
    """Return what the result depends on beside the input."""
    return f"stillhunt {code_hash(('',))} with pyarrow {pa.__version__}"


@lru_cache(maxsize=1)
def _scan(rules: bytes) -> Scan:
    # Threads of its own would only get into the way of the other workers.
    pa.set_cpu_count(1)
    # Only ever what `Spread.match` has packed, on its way inside one Spark application.
    return Scan(unpacked_rules(rules))


@lru_cache(maxsize=1)
def _aggregates() -> dict[str, Aggregate]:
    return {aggregate.name: aggregate for name in ANALYTICS.names() for aggregate in ANALYTICS[name].aggregates}


def _unit(path: str) -> str:
    """Return the unit that a file of a store is of: ``part-<unit>-<number>.parquet``."""
    return path.rpartition("/")[2].split("-")[1]


def _told(error: StillhuntError) -> Piece:
    return Piece(_ERROR, msgspec.json.encode([isinstance(error, InputError), error.message, error.where, error.hint]))


def _raised(body: bytes) -> StillhuntError:
    is_input, message, where, hint = msgspec.json.decode(body, type=tuple[bool, str, str | None, str | None])
    return (InputError if is_input else EngineError)(message, where=where, hint=hint)


def _closed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def _opened(body: bytes) -> pa.Table:
    with pa.ipc.open_stream(body) as stream:
        return stream.read_all()


def _sound(state: Any) -> Any:
    if state is None:
        raise EngineError("what a worker found did not arrive whole", hint="hunt again")
    return state
