"""Rules over batches of events: findings, and the state of every rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from stillhunt.detection.explain import decisive_values, explain
from stillhunt.detection.finding import Clause, EventRef, Evidence, Finding
from stillhunt.detection.fold import N_VALUE_SETS, EntityKey, Fold, Match, Shelf, first_and_last
from stillhunt.detection.rule import Rule, RuleSet
from stillhunt.errors import Problem
from stillhunt.kernel.program import Part, Program, Scope
from stillhunt.kernel.run import Batch, Memory, run
from stillhunt.telemetry.collect import Retrieved, Wanted
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.entity import EntityKind

__all__ = ["Fetch", "Scan", "ShiftOf"]

Fetch = Callable[[Wanted], Iterable[Retrieved]]
"""Reads some records again."""

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

    While events pass, only where their records lie is kept; the few that become evidence are read again at the end.

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
        desk = self._desk(batch.event_class.product)
        scope = desk.scope(batch.event_class)
        self._seen.update(desk.numbers[condition] for condition in scope.conditions)
        if not scope.conditions or not batch.data.num_rows:
            return
        table = _table(batch, desk, scope)
        found = list(run(table))
        if not found:
            return
        facts = _Facts(batch, sorted({row for _, rows in found for row in rows}))
        for condition, rows in found:
            self._keep(desk.numbers[condition], _Matching(table, condition, desk), rows, facts)

    def take(self, state: ScanState) -> None:
        """Take in what another worker with the same rules found."""
        shelves, seen = state
        self._seen |= seen
        for key, shelf in shelves.items():
            if key in self._shelves:
                self._shelves[key].merge(shelf)
            else:
                self._shelves[key] = shelf

    def state(self) -> ScanState:
        """Return what was found so far, for another worker to take in."""
        return self._shelves, self._seen

    def findings(self, shift_s: ShiftOf, fetch: Fetch) -> tuple[Finding, ...]:
        """Return what was found so far, in order of time.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
            fetch: Reads the records again that are to be evidence.
        """
        drafts = [
            _Draft(rule, host, key, fold, shift_s)
            for (rule, host), shelf in self._shelves.items()
            for key, fold in [*shelf.folds.items(), *([(_FURTHER, shelf.further)] if shelf.further else [])]
        ]
        evidence = self._evidence(drafts, fetch)
        found = [self._finding(draft, evidence) for draft in drafts]
        return tuple(sorted(found, key=lambda f: (f.first_at is None, f.first_at or _EPOCH, f.id)))

    def rule_states(self) -> tuple[RuleState, ...]:
        """Return what became of every rule so far, sorted by path."""
        counts: dict[int, int] = {}
        for (rule, _), shelf in self._shelves.items():
            counts[rule] = counts.get(rule, 0) + len(shelf)
        states = [self._state(number, counts.get(number, 0)) for number in range(len(self._rules))]
        return tuple(sorted([*states, *self._refused], key=lambda state: (state.path, state.id)))

    def _desk(self, product: str) -> _Desk:
        if product not in self._desks:
            self._desks[product] = _Desk(self._rules, product)
        return self._desks[product]

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
        held = [facts.of(row) for row in rows]
        shelves = [self._shelf(rule, fact.host) for fact in held]
        for shelf, key in zip(shelves, keys, strict=True):
            shelf.make_room(key)
        # Only now does every key have its place: making room for one may move another to the shared finding.
        for shelf, key, fact in zip(shelves, keys, held, strict=True):
            shelf.fold_for(key).add(fact.file, fact.match, fact.entities)

    def _shelf(self, rule: int, host: str) -> Shelf:
        shelf = self._shelves.get((rule, host))
        if shelf is None:
            shelf = self._shelves[rule, host] = Shelf()
        return shelf

    def _evidence(self, drafts: Sequence[_Draft], fetch: Fetch) -> dict[_EvidenceKey, Evidence]:
        """Read the records of all drafts again, and say of each why its rule matched."""
        wanted: dict[str, dict[int, set[int]]] = {}
        rules_by_record: dict[tuple[str, int], set[tuple[int, Match]]] = {}
        for draft in drafts:
            for file, match in draft.kept:
                wanted.setdefault(file, {}).setdefault(match.number, set()).add(match.place)
                rules_by_record.setdefault((file, match.number), set()).add((draft.rule, match))
        found: dict[_EvidenceKey, Evidence] = {}
        for batch, originals in fetch(wanted) if wanted else ():
            found |= self._explained(batch, originals, rules_by_record)
        return found

    def _explained(
        self,
        batch: EventBatch,
        originals: Mapping[tuple[str, int], str],
        rules_by_record: Mapping[tuple[str, int], set[tuple[int, Match]]],
    ) -> Iterator[tuple[_EvidenceKey, Evidence]]:
        desk = self._desk(batch.event_class.product)
        facts = _Facts(batch, range(batch.data.num_rows))
        asked = [
            (row, fact, rule)
            for row in range(batch.data.num_rows)
            for fact in (facts.of(row),)
            for rule, match in rules_by_record.get((fact.file, fact.match.number), ())
            if match == fact.match
        ]
        conditions = {condition for _, _, rule in asked if (condition := desk.place_of.get(rule)) is not None}
        scope = desk.program.scope(conditions & desk.scope(batch.event_class).conditions)
        table = _table(batch, desk, scope)
        for row, fact, rule in asked:
            condition = desk.place_of.get(rule)
            if condition not in scope.conditions or not table.holds(table.part(condition), row):
                continue
            ref = EventRef(file=fact.file, record=fact.match.number, at=None, clock=facts.clock(row))
            original = originals.get((fact.file, fact.match.number), "")
            matched = explain(table, table.part(condition), row)
            yield (rule, fact.file, fact.match), Evidence(ref=ref, original=original, matched=matched)

    def _finding(self, draft: _Draft, evidence: Mapping[_EvidenceKey, Evidence]) -> Finding:
        rule, fold = self._rules[draft.rule], draft.fold
        count = sum(tally.count for tally in fold.tallies.values())
        kept = []
        for file, match in draft.kept:
            found = evidence.get((draft.rule, file, match)) or _unreadable(file, match)
            kept.append(_dated(found, match, draft.shifts[file], is_further=draft.key == _FURTHER))
        firsts = [_moment(t.first, draft.shifts[file]) for file, t in fold.tallies.items() if t.first is not None]
        lasts = [_moment(t.last, draft.shifts[file]) for file, t in fold.tallies.items() if t.last is not None]
        return Finding(
            id="finding-" + _hash([rule.detector.id, draft.host, draft.key])[:16],
            detector=rule.detector,
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            count=count,
            entities=fold.entities(),
            evidence=tuple(kept),
            n_evidence_omitted=count - len(kept),
            has_all_entities=fold.has_all_entities,
        )


ScanState = tuple[dict[tuple[int, str], Shelf], set[int]]
"""Findings in the making by rule and host, and the rules that met events of their log source."""

_EvidenceKey = tuple[int, str, Match]
"""Rule, file, and where the record lies."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FURTHER = "further values"


def _table(batch: EventBatch, desk: _Desk, scope: Scope) -> Batch:
    return Batch(batch.data, desk.memory, scope, keyword_fields=batch.native_names)


class _Draft:
    """A finding whose evidence is chosen: over all files, the first four records and the last."""

    def __init__(self, rule: int, host: str, key: str, fold: Fold, shift_s: ShiftOf) -> None:
        self.rule, self.host, self.key, self.fold = rule, host, key, fold
        self.shifts = {file: shift_s(file, host) for file in fold.tallies}
        # What a correction of clocks puts first need not have been first in the logs.
        dated = {
            (match if match.is_undated else match._replace(at=match.at + self.shifts[file] * 1_000_000), file, match)
            for file, tally in fold.tallies.items()
            for match in tally.matches
        }
        n_dated = sum(not corrected.is_undated for corrected, _, _ in dated)
        self.kept = [(file, match) for _, file, match in first_and_last(sorted(dated), n_dated)]


class _Desk:
    """The rules that may concern one product, compiled together."""

    def __init__(self, rules: Sequence[Rule], product: str) -> None:
        chosen = [(n, rule) for n, rule in enumerate(rules) if rule.source.product in {"", product}]
        self.numbers = [number for number, _ in chosen]
        self.place_of = {number: place for place, number in enumerate(self.numbers)}
        self._sources = [rule.source for _, rule in chosen]
        self.program = Program([rule.condition for _, rule in chosen])
        self.memory = Memory(self.program)
        self._scopes: dict[tuple[frozenset[str], frozenset[str]], Scope] = {}
        self._fields: dict[int, tuple[str | None, ...]] = {}
        self._keys: dict[int, dict[tuple[tuple[str, str | None], ...], str]] = {}

    def scope(self, event_class: EventClass) -> Scope:
        """Return the conditions of the rules that are about a class."""
        key = (event_class.categories, event_class.services)
        if key not in self._scopes:
            covering = (n for n, source in enumerate(self._sources) if source.covers(event_class))
            self._scopes[key] = self.program.scope(covering)
        return self._scopes[key]

    def keys_of(self, condition: int) -> dict[tuple[tuple[str, str | None], ...], str]:
        """Return the hashes of values that a condition matched before."""
        return self._keys.setdefault(condition, {})

    def fields(self, condition: int) -> tuple[str | None, ...]:
        """Return the fields that a condition asks about."""
        if condition not in self._fields:
            self._fields[condition] = self.program.scope([condition]).fields
        return self._fields[condition]


class _Matching:
    """One condition over one batch: what tells its matches apart."""

    def __init__(self, table: Batch, condition: int, desk: _Desk) -> None:
        self._table = table
        self._part: Part = table.part(condition)
        self._known = desk.keys_of(condition)
        fields = desk.fields(condition)
        names = table.keyword_fields if None in fields else ()
        self._fields = sorted({*names, *(field for field in fields if field)})

    def keys(self, rows: Sequence[int]) -> list[str]:
        """Return for each row a hash of the values that made it match."""
        columns = [(field, column) for field in self._fields if (column := self._table.column(field))]
        held = [column.places_at(rows) for _, column in columns]
        by_places: dict[tuple[tuple[int, ...], ...], str] = {}
        keys = []
        for row, places in zip(rows, zip(*held, strict=True) if held else [()] * len(rows), strict=True):
            key = by_places.get(places)
            if key is None:
                texts = tuple(
                    (field, column.texts[place])
                    for (field, column), of_row in zip(columns, places, strict=True)
                    for place in of_row
                )
                key = by_places[places] = self._key(row, texts)
            keys.append(key)
        return keys

    def _key(self, row: int, texts: tuple[tuple[str, str | None], ...]) -> str:
        """Return the hash of a row; the same texts were often met in a batch before."""
        key = self._known.get(texts)
        if key is None:
            key = _hash(sorted(decisive_values(self._table, self._part, row)))
            if len(self._known) >= _KEYS_REMEMBERED:
                self._known.clear()
            self._known[texts] = key
        return key


_KEYS_REMEMBERED = 500


class _Fact(NamedTuple):
    """What is known of one row that matched something."""

    host: str
    file: str
    match: Match
    entities: tuple[EntityKey, ...]


class _Facts:
    """The common columns of some rows."""

    def __init__(self, batch: EventBatch, rows: Sequence[int]) -> None:
        taken = batch.data.select(_FACTS).take(pa.array(rows, pa.int64())) if len(rows) else batch.data.slice(0, 0)
        self._taken = taken
        is_cased = batch.event_class.product != "windows"
        columns = [_entities_of(taken.column(name), kind, role, is_cased=is_cased) for name, kind, role in _ENTITIES]
        named = [tuple(e for e in row if e is not None) for row in zip(*columns, strict=True)]
        times = taken.column("@timestamp").cast(pa.int64()).to_pylist()
        places = taken.column("event.place").to_pylist()
        facts = zip(
            _plain(taken.column("host.name")),
            _plain(taken.column("event.file")),
            times,
            taken.column("event.record").to_pylist(),
            places,
            named,
            strict=True,
        )
        self._by_row = {
            row: _Fact(
                host or "",
                file or "",
                Match(at is None, at or 0, number or 0, -1 if place is None else place),
                entities,
            )
            for row, (host, file, at, number, place, entities) in zip(rows, facts, strict=True)
        }
        self._places = {row: place for place, row in enumerate(rows)}

    def of(self, row: int) -> _Fact:
        """Return what is known of a row."""
        return self._by_row[row]

    def clock(self, row: int) -> str:
        """The field that the time came from."""
        return str(self._taken.column("event.clock")[self._places[row]].as_py() or "")


_FACTS = [
    "@timestamp",
    "event.record",
    "event.place",
    "event.file",
    "event.clock",
    *(column for column, _, _ in _ENTITIES),
]


def _entities_of(column: Any, kind: EntityKind, role: str, *, is_cased: bool) -> list[EntityKey | None]:
    if column.null_count == len(column):
        return [None] * len(column)
    known: list[EntityKey | None] = []
    for value in column.dictionary.to_pylist():
        if value is None or value.strip() in _NOTHING:
            known.append(None)
        else:
            known.append((kind.value, value if is_cased and kind in _CASED else value.lower(), role))
    return [None if code is None else known[code] for code in column.indices.to_pylist()]


def _plain(column: Any) -> list[str | None]:
    texts = column.dictionary.to_pylist()
    return [None if code is None else texts[code] for code in column.indices.to_pylist()]


def _unreadable(file: str, match: Match) -> Evidence:
    """Stand for a record that could be read during the hunt but not again at its end."""
    ref = EventRef(file=file, record=match.number, at=None)
    label = "the record could not be read again: the file was changed or taken away while the hunt went on"
    return Evidence(ref=ref, original="", matched=Clause(kind="and", label=label))


def _dated(evidence: Evidence, match: Match, shift_s: int, *, is_further: bool) -> Evidence:
    at = None if match.is_undated else _moment(match.at, shift_s)
    clock = f"{evidence.ref.clock} {_shift_words(shift_s)}".strip() if shift_s and at else evidence.ref.clock
    matched = evidence.matched
    if is_further:
        label = f"one of more than {N_VALUE_SETS} sets of values that this rule matched on this host"
        matched = Clause(kind="and", label=label, children=(matched,))
    ref = EventRef(file=evidence.ref.file, record=evidence.ref.record, at=at, clock=clock)
    return Evidence(ref=ref, original=evidence.original, matched=matched)


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
