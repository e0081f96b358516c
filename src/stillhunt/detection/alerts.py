"""Alerts of correlations as findings: which records show one, what it is about, and why it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.correlation.model import Alert, Correlation, Tally
from stillhunt.detection.correlation.occurrences import Recorded
from stillhunt.detection.desk import digest
from stillhunt.detection.evidence import EvidenceKey, ShiftOf, dated
from stillhunt.detection.facts import ENTITY_COLUMNS, entities_of
from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.detection.fold import EntityKey, Match, foremost, named
from stillhunt.detection.rule import Rule
from stillhunt.kernel.text import folded
from stillhunt.terms.moment import moment

__all__ = ["AlertDraft", "left_out", "rules_below"]


@dataclass(frozen=True, slots=True)
class _Record:
    """One record that shows an alert: where it lies, its clock, and the rules that matched it."""

    file: str
    match: Match
    shift_s: int
    rules: tuple[int, ...]

    @property
    def order(self) -> tuple[bool, int, str, int]:
        return self.match.is_undated, self.match.at + self.shift_s * 1_000_000, self.file, self.match.number


class AlertDraft:
    """A finding whose evidence is chosen.

    Args:
        alert: What was found.
        recorded: The matches it was found among.
        below: Numbers of the rules that it is made of.
        shift_s: Seconds to add to the logged times of (file, host).
    """

    def __init__(self, alert: Alert, recorded: Recorded, below: Sequence[int], shift_s: ShiftOf) -> None:
        self._alert = alert
        refs = sorted({*alert.refs, *alert.steps})
        rows = recorded.records.take(pa.array(refs, pa.int64())).to_pylist()
        matched = _matched(recorded, below, refs)
        self._records = sorted(
            (_record(row, matched[ref], shift_s) for ref, row in zip(refs, rows, strict=True)),
            key=lambda record: record.order,
        )
        found = set(_entities(recorded.records, alert.members))
        self._entities = foremost(found)
        self._n_days = _n_days(recorded.records, alert.members)
        self._has_all_entities = len(self._entities) == len(found)

    @property
    def keys(self) -> Iterator[EvidenceKey]:
        """What has to be read again."""
        for record in self._records:
            yield from (EvidenceKey(rule, record.file, record.match) for rule in record.rules)

    def finding(self, evidence: Mapping[EvidenceKey, Evidence], rules: Sequence[Rule]) -> Finding:
        """Return the finding.

        Args:
            evidence: What was read again.
            rules: All rules by number.
        """
        alert = self._alert
        group = [(name, folded(value)) for name, value in alert.group]
        first = self._records[0]
        identity = [alert.correlation.detector.id, group, alert.first_at, first.file, first.match.number]
        return Finding(
            id="finding-" + digest(identity)[:16],
            detector=alert.correlation.detector,
            first_at=moment(alert.first_at),
            last_at=moment(alert.last_at),
            count=alert.n_occurrences,
            entities=named(self._entities),
            evidence=tuple(self._shown(record, evidence, rules) for record in self._records),
            n_evidence_omitted=max(0, alert.n_occurrences - len(self._records)),
            has_all_entities=self._has_all_entities,
            n_days=self._n_days,
        )

    def _shown(self, record: _Record, evidence: Mapping[EvidenceKey, Evidence], rules: Sequence[Rule]) -> Evidence:
        found = [(rule, evidence[EvidenceKey(rule, record.file, record.match)]) for rule in record.rules]
        _, first = found[0]
        group = [Clause(kind="field", label="grouped by", field=n, value=v) for n, v in self._alert.group]
        why = [
            Clause(kind="and", label=f"rule: {rules[rule].detector.title}", children=(e.matched,)) for rule, e in found
        ]
        matched = Clause(kind="and", label=_words(self._alert), children=(*group, *why))
        one = Evidence(ref=first.ref, original=first.original, matched=matched)
        return dated(one, record.match, record.shift_s)


def rules_below(correlation: Correlation, by_id: Mapping[str, Correlation], numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of the rules that a correlation is made of, also through others, in its order.

    Args:
        correlation: Which.
        by_id: All correlations.
        numbers: Detector id of a rule to its number.
    """
    found: dict[int, None] = {}
    for detector_id in correlation.rules:
        if detector_id in by_id:
            found |= dict.fromkeys(rules_below(by_id[detector_id], by_id, numbers))
        else:
            found[numbers[detector_id]] = None
    return list(found)


def left_out(tally: Tally) -> str:
    """Say what a correlation could not use; empty if it used all that matched."""
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (tally.n_without_time, "without a time"),
            (tally.n_without_group, "without a field to group by"),
            (tally.n_without_value, "without a value to count or calculate with"),
        )
        if count
    ]
    return f"of {tally.n_occurrences:,} matches, not used: {', '.join(parts)}" if parts else ""


def _matched(recorded: Recorded, below: Iterable[int], refs: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {ref: [] for ref in refs}
    wanted = pa.array(refs, pa.int64())
    for rule in below:
        table = recorded.by_rule.get(rule)
        if table is None:
            continue
        column: Any = table.column("ref")
        for ref in pc.unique(column.filter(pc.is_in(column, value_set=wanted))).to_pylist():
            found[ref].append(rule)
    return found


def _record(row: Mapping[str, Any], rules: Sequence[int], shift_s: ShiftOf) -> _Record:
    logged = row["logged"]
    match = Match(logged is None, logged or 0, row["number"], row["place"])
    return _Record(row["file"], match, shift_s(row["file"], row.get("host.name") or ""), tuple(rules))


def _entities(records: pa.Table, members: pa.Array[Any]) -> Iterator[EntityKey]:
    """Yield what records are about."""
    rows = pc.unique(members)
    is_cased: Any = records.column("is cased").combine_chunks().take(rows)
    for name, kind, role in ENTITY_COLUMNS:
        if name not in records.column_names:
            continue
        column: Any = records.column(name).combine_chunks().take(rows)
        for cased in (False, True):
            held = column.filter(is_cased if cased else pc.invert(is_cased))
            texts: Any = pc.unique(held.dictionary_decode()).dictionary_encode()
            yield from (e for e in entities_of(texts, kind, role, is_cased=cased) if e is not None)


def _n_days(records: pa.Table, members: pa.Array[Any]) -> int:
    logged: Any = records.column("logged").combine_chunks().take(members)
    return int(pc.count_distinct(pc.divide(logged, _DAY)).as_py())


_DAY = pa.scalar(86_400_000_000, pa.int64())


def _words(alert: Alert) -> str:
    """Say what was measured, over what time, and of what."""
    correlation = alert.correlation
    fields = ", ".join(correlation.fields)
    n_rules = len(correlation.rules)
    value = f"{alert.value:,}"
    match correlation.type:
        case "event_count":
            measured = f"{value} event{'s' if alert.value != 1 else ''}"
        case "value_count":
            measured = f"{value} different values of {fields}"
        case "value_sum":
            measured = f"values of {fields} that add up to {value}"
        case "value_avg":
            measured = f"values of {fields} of {value} on average"
        case "value_median":
            measured = f"values of {fields} with the median {value}"
        case "value_percentile":
            measured = f"values of {fields} with the percentile {correlation.percentile} at {value}"
        case "temporal":
            measured = f"matches of {value} of {n_rules} rules"
        case "temporal_ordered":
            measured = f"matches of {value} of {n_rules} rules in their order"
    return f"{measured} within {_span(correlation.timespan_us // 1_000_000)}"


def _span(seconds: int) -> str:
    """Write a length of time.

    >>> _span(90), _span(7200), _span(86_400)
    ('90 seconds', '2 hours', '1 day')
    """
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return f"{number:,} {unit}{'s' if number > 1 else ''}"
    return f"{seconds:,} second{'s' if seconds != 1 else ''}"
