"""Indicators of a watchlist looked for in batches of events: what meets one, folded to findings.

Only the distinct texts of a column are looked up, and what was learnt of one is remembered for the batches to come.
What is kept does not depend on the order in which batches come, so workers and the units of a store join what they
found. Of one machine, 200 indicators have findings of their own, the surest first; further ones share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stillhunt.detection.behaviour.names import is_inside
from stillhunt.detection.desk import digest
from stillhunt.detection.draft import Draft
from stillhunt.detection.evidence import SPOTTED, EvidenceKey, ShiftOf, dated
from stillhunt.detection.facts import Fact, Facts
from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.detection.fold import Fold, Match, Shelf
from stillhunt.detection.indicators.caution import caution_of
from stillhunt.detection.indicators.columns import COLUMNS, NATIVE, shown_by
from stillhunt.detection.indicators.lookup import met_by
from stillhunt.detection.indicators.observable import Observable, canonical, pattern_of
from stillhunt.detection.indicators.saying import Said, State, confidence_of, level_of, state_at
from stillhunt.detection.indicators.table import Watchlist
from stillhunt.detection.indicators.telling import FURTHER, further_detector, told
from stillhunt.kernel.run import Column, numbers_of
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["Spotted", "SpottedDraft", "Spotter"]

_REMEMBERED = 24_000_000
"""Characters of texts to remember across batches, about 100 MB with what is known about them."""

_LONG = 2_048
"""Texts longer than this seldom recur and are not remembered."""

_URL_COLUMNS = ("destination.domain", "destination.ip")
_FURTHER_KEY = "further"


@dataclass(slots=True)
class Spotted:
    """What was met so far.

    Attributes:
        shelves: Findings in the making by (``host.name``, who met it): the host, or the address of the house.
        kinds: Kinds of observables that events could have shown.
        machines: Addresses of a house that a sensor saw acting, where events name no host.
    """

    shelves: dict[tuple[str, str], Shelf] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Hit:
    """An indicator met in a column: the places of the texts that meet it."""

    met: Observable
    column: str
    rows: int


class Spotter:
    """Looks for the indicators of a watchlist, in any order of batches.

    Args:
        path: The watchlist; None to look for nothing.

    Raises:
        InputError: The file is no watchlist.
    """

    def __init__(self, path: str | None) -> None:
        self._watchlist = None if path is None else Watchlist(path)
        listed = frozenset() if self._watchlist is None else frozenset(self._watchlist.counts)
        self._columns = {name: read for name, (kinds, read) in COLUMNS.items() if kinds & listed}
        self._known: dict[str, dict[str, tuple[Observable, ...]]] = {}
        self._n_characters = 0
        self._said: dict[Observable, tuple[Said, ...]] = {}
        self._keys: dict[tuple[Observable, State], str] = {}
        self._spotted = Spotted()
        self._counts: Counter[str] = Counter()

    def feed(self, batch: EventBatch) -> None:
        """Look through a batch."""
        if self._watchlist is None or not batch.data.num_rows:
            return
        self._count(batch)
        met: dict[int, dict[Observable, str]] = {}
        for hit in self._hits(batch):
            for row in numbers_of(hit.rows, batch.data.num_rows):
                met.setdefault(row, {}).setdefault(hit.met, hit.column)
        if not met:
            return
        facts = Facts(batch, sorted(met))
        found: dict[tuple[str, str, str], list[Fact]] = {}
        for row in sorted(met):
            fact = facts.of(row)
            at = None if fact.match.is_undated else fact.match.at
            for one, column in met[row].items():
                key = self._key_of(one, _state_of(self._said_of(one), at))
                found.setdefault((fact.host, _who(fact, column), key), []).append(fact)
        for (host, who, key), held in found.items():
            self._keep(host, who, key, held)

    @property
    def n_machines(self) -> int:
        """How many addresses of the house acted, where events name no host."""
        return len(self._spotted.machines)

    def fields(self, event_class: EventClass) -> tuple[str, ...]:
        """Return the native columns that are looked into, sorted, whatever the class."""
        del event_class
        return tuple(sorted(self._columns.keys() & NATIVE.keys()))

    def take(self, spotted: Spotted) -> None:
        """Take in what another worker met."""
        self._spotted.kinds |= spotted.kinds
        self._spotted.machines |= spotted.machines
        for key, shelf in spotted.shelves.items():
            if key in self._spotted.shelves:
                self._spotted.shelves[key].merge(shelf)
            else:
                self._spotted.shelves[key] = shelf

    def state(self) -> Spotted:
        """Return what was met so far."""
        return self._spotted

    def hand_over(self) -> Spotted:
        """Return what was met so far, and begin anew; what is known of texts stays."""
        spotted, self._spotted = self._spotted, Spotted()
        return spotted

    def drafts(self, shift_s: ShiftOf) -> list[SpottedDraft]:
        """Return what was met as findings in the making, in order of place and indicator.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
        """
        found = []
        for (host, who), shelf in sorted(self._spotted.shelves.items()):
            folds: dict[tuple[Observable, State], Fold] = {}
            for key, fold in sorted(shelf.folds.items()):
                one, _ = _read_key(key)
                for state, part in self._by_state(one, host, fold, shift_s).items():
                    folds.setdefault((one, state), Fold()).merge(part)
            found += [
                SpottedDraft(one, self._said_of(one), state, who, Draft(SPOTTED, host, _key(one, state), fold, shift_s))
                for (one, state), fold in sorted(folds.items(), key=lambda item: item[0])
            ]
            if shelf.further is not None:
                draft = Draft(SPOTTED, host, _FURTHER_KEY, shelf.further, shift_s)
                strictest = "" if self._watchlist is None else self._watchlist.marking
                found.append(SpottedDraft(FURTHER, (), "undated", who, draft, marking=strictest))
        self._counts = Counter(draft.one.kind for draft in found if draft.one != FURTHER)
        return found

    def clauses(self, batch: EventBatch, rows: Iterable[int]) -> dict[int, Clause]:
        """Return for some rows which indicators they meet, and where: one child each."""
        wanted = set(rows)
        found: dict[int, list[Clause]] = {row: [] for row in wanted}
        for hit in self._hits(batch) if self._watchlist is not None else ():
            column = Column(batch.data.column(hit.column))
            for row in wanted.intersection(numbers_of(hit.rows, batch.data.num_rows)):
                text = next((t for t in column.values(row) if hit.met in self._met(hit.column, t)), None)
                if text is None:  # a URL: its host here, its path in another column
                    text = "".join(column.values(row)) + _path_at(batch, row)
                found[row].append(Clause(kind="field", label=pattern_of(hit.met), field=hit.column, value=text[:_LONG]))
        return {row: Clause(kind="or", label="", children=tuple(children)) for row, children in found.items()}

    def states(self) -> tuple[RuleState, ...]:
        """Return what became of the indicators of every kind."""
        if self._watchlist is None:
            return ()
        return tuple(self._state(kind, n) for kind, n in self._watchlist.counts.items())

    def _state(self, kind: str, n_listed: int) -> RuleState:
        is_active = kind in self._spotted.kinds
        noun = _PLURALS[kind] if n_listed != 1 else _SINGULARS[kind]
        return RuleState(
            id=f"indicators:{kind}",
            title=f"{n_listed:,} {noun} of indicators",
            path="indicators",
            status="active" if is_active else "dormant",
            reason="" if is_active else f"no event of these logs names any {_SINGULARS[kind]}",
            kind="indicator",
            n_findings=self._counts[kind],
        )

    def _count(self, batch: EventBatch) -> None:
        """Count who could have met an indicator, so that what most meet can be told."""
        if batch.data.column("host.name").null_count == batch.data.num_rows:
            sources: Any = batch.data.column("source.ip")
            new = {text for text in sources.dictionary.to_pylist() if text} - self._spotted.machines
            self._spotted.machines.update(text for text in new if is_inside(text))

    def _hits(self, batch: EventBatch) -> Iterator[_Hit]:
        data = batch.data
        names = frozenset(data.schema.names)
        for name in self._columns:
            if name not in names:
                continue
            column = data.column(name)
            if column.null_count < len(column):
                yield from self._of_column(name, column)
        yield from self._of_parts(batch)

    def _of_column(self, name: str, values: Any) -> Iterator[_Hit]:
        column = Column(values)
        places: dict[Observable, list[int]] = {}
        for place, text in enumerate(column.texts):
            if not text:
                continue
            self._spotted.kinds |= shown_by(name, text)
            for one in self._met(name, text):
                places.setdefault(one, []).append(place)
        for one in sorted(places):
            rows = column.rows_of(tuple(places[one]))
            if rows:
                yield _Hit(one, name, rows)

    def _of_parts(self, batch: EventBatch) -> Iterator[_Hit]:
        """Yield URLs whose host stands in one column and whose path in another."""
        watchlist, data = self._watchlist, batch.data
        if watchlist is None or not watchlist.has("url") or data.column("url.path").null_count == data.num_rows:
            return
        paths = Column(data.column("url.path"))
        for name in _URL_COLUMNS:
            hosts = Column(data.column(name))
            sites = {
                place: site
                for place, text in enumerate(hosts.texts)
                if text and (site := _site(text)) and Observable("site", site) in watchlist
            }
            if any(hosts.texts):
                self._spotted.kinds.add("url")
            if not sites:
                continue
            found: dict[Observable, int] = {}
            for row in numbers_of(hosts.rows_of(tuple(sites)), data.num_rows):
                for site in (sites[place] for place in hosts.places_at([row])[0] if place in sites):
                    for path in paths.values(row):
                        one = canonical("url", f"{site}/{path.lstrip('/')}")
                        if one is not None and one in watchlist:
                            found[one] = found.get(one, 0) | (1 << row)
            for one in sorted(found):
                yield _Hit(one, name, found[one])

    def _met(self, name: str, text: str) -> tuple[Observable, ...]:
        known = self._known.setdefault(name, {})
        met = known.get(text)
        if met is None:
            assert self._watchlist is not None
            candidates = dict.fromkeys(self._columns[name](text))
            every = dict.fromkeys(one for candidate in candidates for one in met_by(candidate, self._watchlist))
            met = tuple(every)
            self._remember(known, text, met)
        return met

    def _remember(self, known: dict[str, tuple[Observable, ...]], text: str, met: tuple[Observable, ...]) -> None:
        if len(text) > _LONG:
            return
        if self._n_characters > _REMEMBERED:
            for texts in self._known.values():
                texts.clear()
            self._n_characters = 0
        known[text] = met
        self._n_characters += len(text) + 100

    def _keep(self, host: str, who: str, key: str, facts: Sequence[Fact]) -> None:
        shelf = self._spotted.shelves.get((host, who))
        if shelf is None:
            shelf = self._spotted.shelves[host, who] = Shelf()
        shelf.make_room(key)
        fold = shelf.fold_for(key)
        by_file: dict[str, list[Match]] = {}
        for fact in facts:
            fold.name(fact.entities)
            by_file.setdefault(fact.file, []).append(fact.match)
        for file, matches in by_file.items():
            fold.add(file, matches)

    def _key_of(self, one: Observable, state: State) -> str:
        """Return what a finding lies under: of too many, the surest come first."""
        known = self._keys.get((one, state))
        if known is not None:
            return known
        sure = max((confidence_of(said, one.kind) for said in self._said_of(one)), default=0)
        caution = caution_of(one)
        level = min(level_of(sure), caution.most if caution else Level.CRITICAL, key=lambda lvl: lvl.rank)
        key = self._keys[one, state] = f"{9 - level.rank}|{_key(one, state)}"
        return key

    def _said_of(self, one: Observable) -> tuple[Said, ...]:
        assert self._watchlist is not None
        if one not in self._said:
            self._said[one] = self._watchlist.said_of(one)
        return self._said[one]

    def _by_state(self, one: Observable, host: str, fold: Fold, shift_s: ShiftOf) -> Mapping[State, Fold]:
        """Divide a finding by how its files lie to the time of validity once their clocks are corrected."""
        said = self._said_of(one)
        found: dict[State, Fold] = {}
        for file, tally in fold.tallies.items():
            at = None if tally.first is None else tally.first + shift_s(file, host) * 1_000_000
            found.setdefault(_state_of(said, at), Fold()).merge(fold.of_file(file))
        return found


class SpottedDraft:
    """A finding of an indicator whose evidence is chosen.

    Args:
        one: The indicator; :data:`FURTHER` for those that share a finding.
        said: What sources say of it.
        state: How the events lie to the time in which it is valid.
        who: Who met it.
        draft: Its matches.
        marking: Of the finding that several share, how far it may travel.
    """

    def __init__(
        self, one: Observable, said: Sequence[Said], state: State, who: str, draft: Draft, *, marking: str = ""
    ) -> None:
        self.one, self._said, self._state, self._who, self._draft = one, said, state, who, draft
        self._marking = marking

    @property
    def keys(self) -> list[EvidenceKey]:
        """What has to be read again."""
        return self._draft.keys

    def finding(self, evidence: Mapping[EvidenceKey, Evidence]) -> Finding:
        """Return the finding.

        Args:
            evidence: What was read again.
        """
        draft, label = self._draft, "" if self.one == FURTHER else pattern_of(self.one)
        why: tuple[Clause, ...] = ()
        detector = further_detector(self._marking)
        sentence = detector.description
        if self.one != FURTHER:
            detector, sentence, why = told(
                self.one, self._said, self._state, first_at=draft.first_at, last_at=draft.last_at
            )
        kept = tuple(
            dated(_shown(evidence[key], label, sentence, why), key.match, draft.shifts[key.file]) for key in draft.keys
        )
        return Finding(
            id="finding-" + digest(["indicator", *self.one, draft.host, self._who, self._state])[:16],
            detector=detector,
            first_at=draft.first_at,
            last_at=draft.last_at,
            count=draft.count,
            entities=draft.fold.entities(),
            evidence=kept,
            n_evidence_omitted=draft.count - len(kept),
            has_all_entities=draft.fold.has_all_entities,
            n_days=draft.n_days,
        )


def _shown(one: Evidence, label: str, sentence: str, why: tuple[Clause, ...]) -> Evidence:
    """Say of a record where it meets the indicator, and who says that it is one."""
    where = tuple(child for child in one.matched.children if not label or child.label == label)
    trouble = (one.matched,) if one.matched.label else ()
    matched = Clause(kind="and", label=sentence, children=(*where, *why, *trouble))
    return Evidence(ref=one.ref, original=one.original, matched=matched)


def _state_of(said: Sequence[Said], at: int | None) -> State:
    """Say how an event lies to the times of all that is said: one source that stands by an indicator is enough."""
    states = {state_at(one, at) for one in said}
    order: tuple[State, ...] = ("valid", "undated", "expired", "early")
    return next((state for state in order if state in states), "undated")


def _key(one: Observable, state: State) -> str:
    return f"{state}|{one.kind}|{one.value}"


def _read_key(key: str) -> tuple[Observable, str]:
    _, state, kind, value = key.split("|", 3)
    return Observable(kind, value), state


def _who(fact: Fact, column: str) -> str:
    """Return who met an indicator: the host, or for want of one the address of the house; strangers have no name."""
    if fact.host:
        return fact.host
    ends = {role: value for kind, value, role in fact.entities if kind == "address"}
    order = ("destination", "source") if column == "source.ip" else ("source", "destination")
    return next((ends[role] for role in order if is_inside(ends.get(role, ""))), "")


def _site(text: str) -> str:
    host = text.lower().partition("/")[0].rstrip(".")
    return host.partition(":")[0] if host.count(":") == 1 else host


def _path_at(batch: EventBatch, row: int) -> str:
    return "".join(Column(batch.data.column("url.path")).values(row))


_SINGULARS = {
    "address": "address",
    "domain": "domain",
    "file": "file name",
    "hash": "hash",
    "mail": "mail address",
    "network": "network",
    "url": "URL",
}
_PLURALS = {kind: f"{noun}es" if noun.endswith(("s", "h")) else f"{noun}s" for kind, noun in _SINGULARS.items()}
