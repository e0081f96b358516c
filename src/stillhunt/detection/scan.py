"""Rules over batches of events: findings, and the state of every rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
import pyarrow as pa

from stillhunt.detection.explain import decisive_values, explain
from stillhunt.detection.finding import Clause, EventRef, Evidence, Finding
from stillhunt.detection.fold import N_FIRST, N_VALUE_SETS, Fold, Match, Record, Shelf
from stillhunt.detection.rule import Rule, RuleSet
from stillhunt.errors import Problem
from stillhunt.kernel.program import Part, Program, Scope
from stillhunt.kernel.run import Batch, Memory, run
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import COMMON, EventBatch, EventClass
from stillhunt.terms.entity import Entity, EntityKind

__all__ = ["Scan", "ShiftOf"]

ShiftOf = Callable[[str, str], int]
"""Seconds to add to the logged times of (file, host)."""

_ENTITIES: tuple[tuple[str, EntityKind, str], ...] = (
    ("host.name", EntityKind.HOST, ""),
    ("user.name", EntityKind.ACCOUNT, "subject"),
    ("user.target.name", EntityKind.ACCOUNT, "target"),
    ("source.ip", EntityKind.ADDRESS, "source"),
    ("destination.ip", EntityKind.ADDRESS, "destination"),
    ("destination.domain", EntityKind.DOMAIN, "destination"),
    ("process.executable", EntityKind.PROCESS, ""),
    ("process.entity_id", EntityKind.PROCESS_ID, "subject"),
    ("process.parent.entity_id", EntityKind.PROCESS_ID, "parent"),
    ("file.path", EntityKind.FILE, ""),
    ("file.hash.sha256", EntityKind.HASH, ""),
    ("service.name", EntityKind.SERVICE, ""),
)
"""(common column, kind, role) of what a finding is about."""

_CASED = frozenset({EntityKind.PROCESS, EntityKind.FILE, EntityKind.SERVICE})
"""Kinds whose case matters, except on Windows."""

_NOTHING = frozenset({"", "-"})


class Scan:
    """Run rules over batches, in any order, and keep what they find in bounded memory.

    The same rule with the same matched values on the same host is one finding with a count. Of one rule on one
    host, 200 sets of values have a finding of their own; further ones share a finding whose evidence says so.

    Args:
        rules: What to run.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules.rules
        self._refused = rules.refused
        self.problems: tuple[Problem, ...] = rules.problems
        self._desks: dict[str, _Desk] = {}
        self._shelves: dict[tuple[int, str], Shelf] = {}
        self._seen: set[int] = set()

    def feed(self, batch: EventBatch) -> None:
        """Look for every rule that is about this class of events."""
        product = batch.event_class.product
        if product not in self._desks:
            self._desks[product] = _Desk(self._rules, product)
        desk = self._desks[product]
        scope = desk.scope(batch.event_class)
        self._seen.update(desk.numbers[condition] for condition in scope.conditions)
        if not scope.conditions or not batch.data.num_rows:
            return
        native = [name for name in batch.data.schema.names if name not in COMMON]
        table = Batch(batch.data, desk.memory, scope, keyword_fields=native)
        found = list(run(table))
        facts = _Facts(batch, sorted({row for _, rows in found for row in rows}))
        for condition, rows in found:
            self._keep(desk.numbers[condition], _Matching(table, condition, desk.fields(condition)), rows, facts)

    def findings(self, shift_s: ShiftOf) -> tuple[Finding, ...]:
        """Return what was found so far, in order of time.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
        """
        found = [
            _finding(self._rules[rule], host, key, fold, shift_s)
            for (rule, host), shelf in self._shelves.items()
            for key, fold in [*shelf.folds.items(), *([(_FURTHER, shelf.further)] if shelf.further else [])]
        ]
        return tuple(sorted(found, key=lambda f: (f.first_at is None, f.first_at or _EPOCH, f.id)))

    def rule_states(self) -> tuple[RuleState, ...]:
        """Return what became of every rule so far, sorted by path."""
        counts: dict[int, int] = {}
        for (rule, _), shelf in self._shelves.items():
            counts[rule] = counts.get(rule, 0) + len(shelf)
        states = [self._state(number, counts.get(number, 0)) for number in range(len(self._rules))]
        return tuple(sorted([*states, *self._refused], key=lambda state: (state.path, state.id)))

    def _state(self, number: int, n_findings: int) -> RuleState:
        rule = self._rules[number]
        is_active = number in self._seen
        return RuleState(
            id=rule.detector.id,
            title=rule.detector.title,
            path=rule.detector.path,
            status="active" if is_active else "dormant",
            reason="" if is_active else f"no such source in these logs: {rule.source}",
            tactics=rule.detector.tactics,
            techniques=rule.detector.techniques,
            n_findings=n_findings,
        )

    def _keep(self, rule: int, matching: _Matching, rows: Sequence[int], facts: _Facts) -> None:
        keys = matching.keys(rows)
        shelves = [self._shelves.setdefault((rule, facts.host(row)), Shelf()) for row in rows]
        for shelf, key in zip(shelves, keys, strict=True):
            shelf.make_room(key)
        # Only now does every key have its place: making room for one may move another to the shared finding.
        groups: dict[tuple[int, str], tuple[Fold, list[int]]] = {}
        for shelf, key, row in zip(shelves, keys, rows, strict=True):
            fold, file = shelf.fold_for(key), facts.file(row)
            groups.setdefault((id(fold), file), (fold, []))[1].append(row)
        for (_, file), (fold, members) in groups.items():
            matches = [
                Match(at=facts.at(row), number=facts.record(row), keep=_Keep(matching, facts, row)) for row in members
            ]
            fold.add(file, matches, {entity for row in members for entity in facts.entities(row)})


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FURTHER = "further values"


class _Desk:
    """The rules that may concern one product, compiled together."""

    def __init__(self, rules: Sequence[Rule], product: str) -> None:
        chosen = [(n, rule) for n, rule in enumerate(rules) if rule.source.product in {"", product}]
        self.numbers = [number for number, _ in chosen]
        self._sources = [rule.source for _, rule in chosen]
        self._program = Program([rule.condition for _, rule in chosen])
        self.memory = Memory(self._program)
        self._scopes: dict[tuple[frozenset[str], frozenset[str]], Scope] = {}
        self._fields: dict[int, tuple[str | None, ...]] = {}

    def scope(self, event_class: EventClass) -> Scope:
        """Return the conditions of the rules that are about a class."""
        key = (event_class.categories, event_class.services)
        if key not in self._scopes:
            covering = (n for n, source in enumerate(self._sources) if source.covers(event_class))
            self._scopes[key] = self._program.scope(covering)
        return self._scopes[key]

    def fields(self, condition: int) -> tuple[str | None, ...]:
        """Return the fields that a condition asks about."""
        if condition not in self._fields:
            self._fields[condition] = self._program.scope([condition]).fields
        return self._fields[condition]


class _Matching:
    """One condition over one batch: what tells its matches apart, and why they are matches."""

    def __init__(self, table: Batch, condition: int, fields: Sequence[str | None]) -> None:
        self._table = table
        self._part: Part = table.part(condition)
        names = table.keyword_fields if None in fields else ()
        self._fields = sorted({*names, *(field for field in fields if field)})

    def keys(self, rows: Sequence[int]) -> list[str]:
        """Return for each row a hash of the values that made it match."""
        columns = [column for field in self._fields if (column := self._table.column(field))]
        places = zip(*(column.places_at(rows) for column in columns), strict=True) if columns else [()] * len(rows)
        known: dict[tuple[tuple[int, ...], ...], str] = {}
        keys = []
        for row, held in zip(rows, places, strict=True):
            if held not in known:
                known[held] = _hash(sorted(decisive_values(self._table, self._part, row)))
            keys.append(known[held])
        return keys

    def explain(self, row: int) -> Clause:
        """Return why a row matches."""
        return explain(self._table, self._part, row)


class _Facts:
    """The common columns of the rows that matched something."""

    def __init__(self, batch: EventBatch, rows: Sequence[int]) -> None:
        self._batch = batch
        self._place = {row: place for place, row in enumerate(rows)}
        self._rows = batch.data.take(pa.array(rows, pa.int64())) if rows else batch.data.slice(0, 0)
        self._entities: dict[int, tuple[Entity, ...]] = {}
        self._is_cased = batch.event_class.product != "windows"

    def at(self, row: int) -> int | None:
        """When it happened, in microseconds since 1970, as logged."""
        at: int | None = self._times[self._place[row]]
        return at

    def record(self, row: int) -> int:
        """Record id or line."""
        return int(self._text["event.record"][self._place[row]] or 0)

    def host(self, row: int) -> str:
        """The machine, or empty."""
        return str(self._text["host.name"][self._place[row]] or "")

    def file(self, row: int) -> str:
        """The input file."""
        return str(self._text["event.file"][self._place[row]] or "")

    def clock(self, row: int) -> str:
        """The field that the time came from."""
        return str(self._text["event.clock"][self._place[row]] or "")

    def original(self, row: int) -> str:
        """The raw record."""
        return str(self._batch.data.column("event.original")[row].as_py() or "")

    def entities(self, row: int) -> tuple[Entity, ...]:
        """What the row is about."""
        if row not in self._entities:
            self._entities[row] = tuple(self._named(row))
        return self._entities[row]

    def _named(self, row: int) -> list[Entity]:
        place = self._place[row]
        named = []
        for column, kind, role in _ENTITIES:
            value = self._text[column][place]
            if value is None or value.strip() in _NOTHING:
                continue
            named.append(Entity(kind, value if self._is_cased and kind in _CASED else value.lower(), role))
        return named

    @cached_property
    def _times(self) -> list[int | None]:
        times: list[int | None] = self._rows.column("@timestamp").cast(pa.int64()).to_pylist()
        return times

    @cached_property
    def _text(self) -> dict[str, list[Any]]:
        names = ["event.record", "event.file", "event.clock", *(column for column, _, _ in _ENTITIES)]
        return {name: _plain(self._rows.column(name)).to_pylist() for name in names}


def _plain(column: pa.Array[Any]) -> pa.Array[Any]:
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


class _Keep:
    """Makes the record of a row when it is to be kept, which most are not."""

    def __init__(self, matching: _Matching, facts: _Facts, row: int) -> None:
        self._matching = matching
        self._facts = facts
        self._row = row

    def __call__(self) -> Record:
        return Record(
            at=self._facts.at(self._row),
            number=self._facts.record(self._row),
            clock=self._facts.clock(self._row),
            original=self._facts.original(self._row),
            matched=self._matching.explain(self._row),
        )


def _finding(rule: Rule, host: str, key: str, fold: Fold, shift_s: ShiftOf) -> Finding:
    shifts = {file: shift_s(file, host) for file in fold.tallies}
    kept = sorted(
        (_evidence(record, file, shifts[file]) for file, tally in fold.tallies.items() for record in tally.records),
        key=lambda e: (e.ref.at is None, e.ref.at or _EPOCH, e.ref.file, e.ref.record),
    )
    if len(kept) > N_FIRST + 1:
        n_dated = sum(e.ref.at is not None for e in kept)
        kept = [*kept[:N_FIRST], kept[max(n_dated, N_FIRST + 1) - 1]]
    if key == _FURTHER:
        kept = [_marked(e) for e in kept]
    entities = fold.entities()
    count = sum(tally.count for tally in fold.tallies.values())
    firsts = [_moment(t.first, shifts[file]) for file, t in fold.tallies.items() if t.first is not None]
    lasts = [_moment(t.last, shifts[file]) for file, t in fold.tallies.items() if t.last is not None]
    return Finding(
        id="finding-" + _hash([rule.detector.id, host, key])[:16],
        detector=rule.detector,
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        count=count,
        entities=entities,
        evidence=tuple(kept),
        n_evidence_omitted=count - len(kept),
        has_all_entities=fold.has_all_entities,
    )


def _evidence(record: Record, file: str, shift_s: int) -> Evidence:
    at = None if record.at is None else _moment(record.at, shift_s)
    clock = f"{record.clock} {_shift_words(shift_s)}".strip() if shift_s and at else record.clock
    ref = EventRef(file=file, record=record.number, at=at, clock=clock)
    return Evidence(ref=ref, original=record.original, matched=record.matched)


def _marked(evidence: Evidence) -> Evidence:
    label = f"one of more than {N_VALUE_SETS} sets of values that this rule matched on this host"
    clause = Clause(kind="and", label=label, children=(evidence.matched,))
    return Evidence(ref=evidence.ref, original=evidence.original, matched=clause)


def _moment(microseconds: int, shift_s: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds, seconds=shift_s)


def _shift_words(seconds: int) -> str:
    """Write a shift.

    >>> _shift_words(25_200), _shift_words(-5_415)
    ('+7:00', '-1:30:15')
    """
    minutes, rest = divmod(abs(seconds), 60)
    written = f"{'-' if seconds < 0 else '+'}{minutes // 60}:{minutes % 60:02}"
    return f"{written}:{rest:02}" if rest else written


def _hash(parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
