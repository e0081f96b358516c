"""Rules over batches of events: findings, and the state of every rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from stillhunt.detection.alerts import AlertDraft, left_out, rules_below
from stillhunt.detection.behaviour.names import is_outside, network_of
from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.behaviour.watch import Aggregates, Watch
from stillhunt.detection.correlation.chain import needed_fields, silent_rules
from stillhunt.detection.correlation.correlate import correlate
from stillhunt.detection.correlation.model import Correlation, Tally
from stillhunt.detection.correlation.occurrences import Occurrences
from stillhunt.detection.desk import Desk, Matching, digest, table_of
from stillhunt.detection.draft import Draft
from stillhunt.detection.evidence import EvidenceKey, Fetch, KnownEvidence, ShiftOf, dated, read_again
from stillhunt.detection.facts import Fact, Facts
from stillhunt.detection.finding import Evidence, Finding
from stillhunt.detection.fold import N_VALUE_SETS, Match, Shelf
from stillhunt.detection.indicators.spot import Spotted, Spotter
from stillhunt.detection.rule import RuleSet
from stillhunt.errors import Problem
from stillhunt.kernel.run import run
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.moment import moment

__all__ = ["Scan", "ScanState"]


class Scan:
    """Run rules over batches, in any order, and keep what they find in bounded memory.

    The same rule with the same matched values on the same host is one finding with a count. Of a rule of medium level
    or above it is another for each account that another one acts upon there, and where no host is named, as in clouds,
    for each that acted from another network, or one finding would hold the acts of everybody. Of one rule on one host,
    200 sets of values have a finding of their own; further ones share a finding whose evidence says so.

    While events pass, only where their records lie is kept; the few that become evidence are read again at the end.
    Of rules that correlations refer to, every match is kept in a few columns. Analytics fold all events beside them.

    Args:
        rules: What to run.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules.rules
        self._correlations = rules.correlations
        self._others = (*rules.refused, *rules.filters)
        self.problems: tuple[Problem, ...] = rules.problems
        self._numbers = {rule.detector.id: number for number, rule in enumerate(rules.rules)}
        needed = needed_fields(rules.correlations)
        silent = silent_rules(rules.correlations)
        self._silent = frozenset(self._numbers[name] for name in silent if name in self._numbers)
        self._untold = frozenset(name for name in silent if name not in self._numbers)
        self._occurrences = Occurrences({self._numbers[name]: fields for name, fields in needed.items()})
        self._tallies: dict[str, Tally] = {}
        self._desks: dict[str, Desk] = {}
        self._shelves: dict[tuple[int, str], Shelf] = {}
        self._seen: set[int] = set()
        self._spotter = Spotter(rules.watchlist or None)
        self._watch = Watch(rules.analytics, Networks([path for path, _ in rules.networks]))

    def feed(self, batch: EventBatch) -> None:
        """Look for every rule that is about this class of events, and let analytics fold them."""
        self._watch.feed(batch)
        self._spotter.feed(batch)
        desk = self._desk(batch.event_class.product)
        scope = desk.scope(batch.event_class)
        self._seen.update(desk.numbers[condition] for condition in scope.conditions)
        if not scope.conditions or not batch.data.num_rows:
            return
        table = table_of(batch, desk, scope)
        found = [
            (condition, rows) for condition, rows in run(table) if self._is_told(desk.numbers[condition], batch, rows)
        ]
        if not found:
            return
        facts = Facts(batch, sorted({row for _, rows in found for row in rows}))
        for condition, rows in found:
            self._keep(desk.numbers[condition], Matching(table, condition, desk), rows, facts)

    def take(self, state: ScanState) -> None:
        """Take in what another worker with the same rules found."""
        shelves, seen, occurrences, aggregates, spotted = state
        self._seen |= seen
        self._watch.take(aggregates)
        self._spotter.take(spotted)
        self._occurrences.take(occurrences)
        for key, shelf in shelves.items():
            if key in self._shelves:
                self._shelves[key].merge(shelf)
            else:
                self._shelves[key] = shelf

    def settle(self, tables: Mapping[str, pa.Table]) -> None:
        """Take the whole tables of analytics, by aggregate, that others have joined and condensed."""
        self._watch.settle(tables)

    def state(self) -> ScanState:
        """Return what was found so far, for another worker to take in."""
        return self._shelves, self._seen, self._occurrences, self._watch.state(), self._spotter.state()

    def hand_over(self) -> ScanState:
        """Return what was found so far, and begin anew; the rules stay compiled."""
        found = self.state()
        self._shelves, self._seen = {}, set()
        self._occurrences = Occurrences(self._occurrences.fields)
        self._watch.hand_over()
        self._spotter.hand_over()
        return found

    @property
    def n_machines(self) -> int:
        """Addresses of the house that acted where events name no host; counted if indicators are looked for."""
        return self._spotter.n_machines

    def fields(self, event_class: EventClass) -> tuple[str | None, ...]:
        """Return the fields that rules and correlations ask for of a class; None, which stands for all, first."""
        desk = self._desk(event_class.product)
        scope = desk.scope(event_class)
        numbers = (desk.numbers[condition] for condition in scope.conditions)
        beside = {name for number in numbers for name in self._occurrences.fields.get(number, ())}
        beside.update(self._watch.fields(event_class))
        beside.update(self._spotter.fields(event_class))
        return (*scope.fields, *sorted(beside.difference(field for field in scope.fields if field)))

    def findings(self, shift_s: ShiftOf, fetch: Fetch, *, known: KnownEvidence | None = None) -> tuple[Finding, ...]:
        """Return what was found so far, in order of time.

        Args:
            shift_s: Seconds to add to the logged times of (file, host).
            fetch: Reads the records again that are to be evidence.
            known: Evidence of an earlier hunt, which is not fetched; afterwards that of this one.
        """
        drafts = [
            Draft(rule, host, key, fold, shift_s)
            for (rule, host), shelf in self._shelves.items()
            for key, fold in [*shelf.folds.items(), *([(_FURTHER, shelf.further)] if shelf.further else [])]
        ]
        alerts = list(self._alerts(shift_s))
        observed = self._watch.observed(shift_s)
        spotted = self._spotter.drafts(shift_s)
        keys = [key for made in (drafts, alerts, observed, spotted) for one in made for key in one.keys]
        known = {} if known is None else known
        evidence = {key: known[key] for key in keys if key in known}
        missing = [key for key in keys if key not in evidence]
        evidence |= read_again(missing, self._desk, fetch, spotted=self._spotter.clauses)
        known.clear()
        known.update(evidence)
        found = [self._finding(draft, evidence) for draft in drafts]
        found += [alert.finding(evidence, self._rules) for alert in alerts]
        found += [seen.finding(evidence) for seen in observed]
        found += [met.finding(evidence) for met in spotted]
        return tuple(sorted(found, key=lambda f: (f.first_at is None, f.first_at or moment(0), f.id)))

    def rule_states(self) -> tuple[RuleState, ...]:
        """Return what became of every rule, filter, correlation and analytic so far, sorted by path."""
        counts: dict[int, int] = {}
        for (rule, _), shelf in self._shelves.items():
            counts[rule] = counts.get(rule, 0) + len(shelf)
        states = [self._state(number, counts.get(number, 0)) for number in range(len(self._rules))]
        by_id = {state.id: state for state in states}
        for correlation in self._correlations:
            by_id[correlation.detector.id] = self._correlation_state(correlation, by_id)
        every = [*by_id.values(), *self._others, *self._watch.states(), *self._spotter.states()]
        return tuple(sorted(every, key=lambda state: (state.path, state.id)))

    def _desk(self, product: str) -> Desk:
        if product not in self._desks:
            self._desks[product] = Desk(self._rules, product)
        return self._desks[product]

    def _is_told(self, rule: int, batch: EventBatch, rows: Sequence[int]) -> bool:
        """Keep matches for correlations; say whether they are findings as well."""
        if rule in self._occurrences.fields:
            self._occurrences.add(rule, batch, rows)
        return rule not in self._silent

    def _alerts(self, shift_s: ShiftOf) -> Iterator[AlertDraft]:
        if not self._correlations:
            return
        recorded = self._occurrences.recorded(shift_s)
        by_rule = {self._rules[number].detector.id: table for number, table in recorded.by_rule.items()}
        correlated = correlate(self._correlations, by_rule)
        self._tallies = {tally.id: tally for tally in correlated.tallies}
        by_id = {one.detector.id: one for one in self._correlations}
        below = {name: rules_below(one, by_id, self._numbers) for name, one in by_id.items()}
        for alert in correlated.alerts:
            name = alert.correlation.detector.id
            if name not in self._untold:
                yield AlertDraft(alert, recorded, below[name], shift_s)

    def _state(self, number: int, n_findings: int) -> RuleState:
        rule = self._rules[number]
        is_active = number in self._seen
        reason = "" if is_active else f"no such source in these logs: {rule.source}"
        if is_active and number in self._silent:
            reason = f"{_PART}: {self._occurrences.count(number):,} matches"
        return RuleState(
            id=rule.detector.id,
            title=rule.detector.title,
            path=rule.detector.path,
            status="active" if is_active else "dormant",
            reason=reason,
            kind="indicator" if rule.detector.kind == "indicator" else "rule",
            tactics=rule.detector.tactics,
            techniques=rule.detector.techniques,
            n_findings=n_findings,
            marking=rule.detector.marking,
        )

    def _correlation_state(self, correlation: Correlation, states: Mapping[str, RuleState]) -> RuleState:
        detector = correlation.detector
        dormant = [name for name in correlation.rules if states[name].status != "active"]
        is_dormant = bool(dormant) and (correlation.needs_all or len(dormant) == len(correlation.rules))
        tally = self._tallies.get(detector.id, Tally(id=detector.id))
        is_untold = detector.id in self._untold
        part = f"{_PART}: {tally.n_alerts:,} alerts" if is_untold else ""
        words = [f"no such source in these logs for `{dormant[0]}`"] if is_dormant else [part, left_out(tally)]
        return RuleState(
            id=detector.id,
            title=detector.title,
            path=detector.path,
            status="dormant" if is_dormant else "active",
            reason="; ".join(word for word in words if word),
            kind="correlation",
            tactics=detector.tactics,
            techniques=detector.techniques,
            n_findings=0 if is_untold else tally.n_alerts,
        )

    def _keep(self, rule: int, matching: Matching, rows: Sequence[int], facts: Facts) -> None:
        found: dict[tuple[str, str], list[Fact]] = {}
        is_serious = self._rules[rule].detector.level.rank >= Level.MEDIUM.rank
        for row, key in zip(rows, matching.keys(rows), strict=True):
            fact = facts.of(row)
            if is_serious:
                key = _by_actor(key, fact)  # noqa: PLW2901 - the key tells who acted
            found.setdefault((fact.host, key), []).append(fact)
        for host, key in found:
            self._shelf(rule, host).make_room(key)
        # Only now does every key have its place: making room for one may move another to the shared finding.
        for (host, key), held in found.items():
            fold = self._shelf(rule, host).fold_for(key)
            for fact in held:
                fold.name(fact.entities)
            for file, matches in _by_file(held).items():
                fold.add(file, matches)

    def _shelf(self, rule: int, host: str) -> Shelf:
        shelf = self._shelves.get((rule, host))
        if shelf is None:
            shelf = self._shelves[rule, host] = Shelf()
        return shelf

    def _finding(self, draft: Draft, evidence: Mapping[EvidenceKey, Evidence]) -> Finding:
        rule, fold = self._rules[draft.rule], draft.fold
        label = _SHARED if draft.key == _FURTHER else ""
        kept = [dated(evidence[key], key.match, draft.shifts[key.file], label=label) for key in draft.keys]
        return Finding(
            id="finding-" + digest([rule.detector.id, draft.host, draft.key])[:16],
            detector=rule.detector,
            first_at=draft.first_at,
            last_at=draft.last_at,
            count=draft.count,
            entities=fold.entities(),
            evidence=tuple(kept),
            n_evidence_omitted=draft.count - len(kept),
            has_all_entities=fold.has_all_entities,
            n_days=draft.n_days,
        )


ScanState = tuple[dict[tuple[int, str], Shelf], set[int], Occurrences, Aggregates, Spotted]
"""Findings in the making by rule and host, the rules that met events of their log source, matches for correlations,
what analytics keep, and the indicators that were met."""


def _by_actor(key: str, fact: Fact) -> str:
    """Return the key of what somebody did: another for each account and address where no host is named.

    On a host it is another for each pair of accounts, where one acts upon the other: a domain controller logs what all
    administrators do to everybody.
    """
    accounts = {role: value for kind, value, role in fact.entities if kind == EntityKind.ACCOUNT}
    subject, target = accounts.get("subject"), accounts.get("target")
    if fact.host:
        return digest([key, subject, target]) if subject and target and subject != target else key
    account = subject or target
    if account is None:
        return key
    address = min((v for k, v, role in fact.entities if k == EntityKind.ADDRESS and role == "source"), default="")
    return digest([key, account, network_of(address) if is_outside(address) else address])


def _by_file(facts: Sequence[Fact]) -> dict[str, list[Match]]:
    found: dict[str, list[Match]] = {}
    for fact in facts:
        found.setdefault(fact.file, []).append(fact.match)
    return found


_FURTHER = "further values"
_SHARED = f"one of more than {N_VALUE_SETS} sets of values that this rule matched on this host"
_PART = "part of a correlation, no findings of its own"
