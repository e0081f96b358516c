"""Which findings of a case a page shows, and with how much of their records, within a budget of bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from stillhunt.detection.finding import Clause, Evidence, Finding
from stillhunt.report.escape import for_html
from stillhunt.report.wording import plural
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["Budget", "FindingView", "RecordView", "choose"]

_RECORD_CHARACTERS = 16_000
_VALUE_CHARACTERS = 600
_SEARCH_CHARACTERS = 1_000
_CLAUSES = 80
_FINDINGS_WITH_EVIDENCE = 300
_ROW_BYTES = 1_200
"""What a finding costs without its records: its row, and what its rule says."""

_CLAUSE_BYTES = 90
_UNNAMED = {"and": "all of", "or": "any of", "not": "what follows"}
"""Labels of parts that the rule has no name for."""

_THINGS = 6
"""Entities of one kind and role."""

_TELLING = ("CommandLine", "ScriptBlockText", "TargetFilename", "ImagePath", "TaskName", "cs-uri")
"""Fields whose value says more than any other's what was done."""

_GIST_CHARACTERS = 160

Reason = tuple[int, str, str, str | None]
"""Depth in the tree, kind of part, words and value."""


@dataclass(slots=True)
class Budget:
    """Bytes that may still be shown."""

    left: int
    parent: Budget | None = None

    def part(self, most: int) -> Budget:
        """Return a budget within this one."""
        return Budget(most, self)

    def take(self, n_bytes: int) -> bool:
        """Spend bytes if they are there."""
        if n_bytes > self.left or (self.parent is not None and not self.parent.take(n_bytes)):
            return False
        self.left -= n_bytes
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One record that shows a finding.

    Attributes:
        evidence: Where it is.
        text: The raw record, safe and escaped; empty if left out.
        note: What is missing of it.
        reasons: Why it matched: (depth, kind, words, value).
        is_same: True if it matched for the very reasons of the record before, which are not said again.
    """

    evidence: Evidence
    text: Markup
    note: str
    reasons: tuple[Reason, ...]
    is_same: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding as the page shows it.

    Attributes:
        finding: What was found.
        host: Where, or empty.
        gist: The value that says most about it, in one line, or empty.
        things: What it is about: kind and role, the first few, and how many more.
        search: Words to search in, lower case.
        records: Records that show it.
        note: What is missing.
    """

    finding: Finding
    host: str
    gist: str
    things: tuple[tuple[str, tuple[str, ...], int], ...]
    search: str
    records: tuple[RecordView, ...]
    note: str


def choose(findings: Sequence[Finding], budget: Budget) -> tuple[list[FindingView], list[Level]]:
    """Return the findings to show, in their order, and the levels of those that found no room.

    The most serious come first to the budget, and the first 300 of them with their records.
    """
    order = sorted(range(len(findings)), key=lambda n: (-findings[n].detector.level.rank, n))
    shown: dict[int, FindingView] = {}
    for rank, number in enumerate(order):
        finding = findings[number]
        if not budget.take(_row_bytes(finding)):
            break
        shown[number] = _view(finding, budget, has_records=rank < _FINDINGS_WITH_EVIDENCE)
    left_out = [findings[n].detector.level for n in order if n not in shown]
    return [shown[n] for n in sorted(shown)], left_out


def _row_bytes(finding: Finding) -> int:
    detector = finding.detector
    words = (detector.title, detector.description, *detector.false_positives, *(e.value for e in finding.entities))
    return _ROW_BYTES + 3 * sum(min(len(w), _VALUE_CHARACTERS) for w in words)


def _view(finding: Finding, budget: Budget, *, has_records: bool) -> FindingView:
    detector = finding.detector
    host = next((e.value for e in finding.entities if e.kind is EntityKind.HOST), "")
    gist = _gist(finding)
    words = " ".join([detector.title, host, gist, *detector.techniques, *(e.value for e in finding.entities)])
    notes = []
    if not has_records:
        notes.append(f"Only {_FINDINGS_WITH_EVIDENCE} findings show their records here; findings.jsonl has them.")
    if finding.n_evidence_omitted:
        notes.append(f"{plural(finding.n_evidence_omitted, 'further record')} matched in the same way.")
    return FindingView(
        finding=finding,
        host=host,
        gist=gist,
        things=tuple(_things(finding)),
        search=words.lower()[:_SEARCH_CHARACTERS],
        records=tuple(_records(finding, budget)) if has_records else (),
        note=" ".join(notes),
    )


def _gist(finding: Finding) -> str:
    if not finding.evidence:
        return ""
    leaves = [(c.field, c.value) for _, c in _flat(finding.evidence[0].matched, 0) if c.value and len(c.value) > 4]
    told = [value for name in _TELLING for field, value in leaves if field == name]
    told += sorted((value for _, value in leaves if not value.startswith("%%")), key=len, reverse=True)
    return " ".join(told[0][: 2 * _GIST_CHARACTERS].split())[:_GIST_CHARACTERS] if told else ""


def _things(finding: Finding) -> Iterator[tuple[str, tuple[str, ...], int]]:
    named: dict[str, list[str]] = {}
    for thing in finding.entities:
        name = f"{thing.kind}, {thing.role}" if thing.role else str(thing.kind)
        named.setdefault(name, []).append(_cut(thing.value))
    for name, values in named.items():
        yield name, tuple(values[:_THINGS]), max(0, len(values) - _THINGS)


def _records(finding: Finding, budget: Budget) -> Iterator[RecordView]:
    before: Clause | None = None
    for evidence in finding.evidence:
        yield _record(evidence, budget, is_same=evidence.matched == before)
        before = evidence.matched


def _record(evidence: Evidence, budget: Budget, *, is_same: bool) -> RecordView:
    whole = _pretty(evidence.original)
    note = ""
    if len(whole) > _RECORD_CHARACTERS:
        note = (
            f"The raw record is cut after {_RECORD_CHARACTERS:,} of {len(whole):,} characters; findings.jsonl has it."
        )
    text = escape(for_html(whole[:_RECORD_CHARACTERS]))
    reasons = () if is_same else tuple(_reasons(evidence.matched))
    if not budget.take(sum(_CLAUSE_BYTES + len(words) + len(value or "") for _, _, words, value in reasons)):
        note = "Why it matched and the raw record are left out to keep this page small; findings.jsonl has both."
        return RecordView(evidence=evidence, text=Markup(), note=note, reasons=())
    if not budget.take(len(text.encode())):
        text, note = Markup(), "The raw record is left out to keep this page small; findings.jsonl has it."
    return RecordView(evidence=evidence, text=text, note=note, reasons=reasons, is_same=is_same)


def _reasons(matched: Clause) -> Iterator[Reason]:
    """Yield the tree of reasons from the top, without steps that only pass one reason on."""
    for number, (depth, clause) in enumerate(_flat(matched, 0)):
        if number == _CLAUSES:
            yield 0, "cut", "and further parts", None
            return
        yield depth, clause.kind, _cut(_words(clause)), None if clause.value is None else _cut(clause.value)


def _words(clause: Clause) -> str:
    is_named = clause.label != _UNNAMED.get(clause.kind)
    if clause.kind == "not":
        return f"not {clause.label}" if is_named else "and none of the rule's exceptions"
    if clause.kind in _UNNAMED:
        return f"{_UNNAMED[clause.kind]} {clause.label}" if is_named else clause.label
    return clause.label


def _flat(clause: Clause, depth: int) -> Iterator[tuple[int, Clause]]:
    passes_on = clause.kind == "or" or clause.label == _UNNAMED["and"]
    if passes_on and len(clause.children) == 1:
        yield from _flat(clause.children[0], depth)
        return
    yield depth, clause
    for child in clause.children:
        yield from _flat(child, depth + 1)


def _cut(text: str) -> str:
    if len(text) <= _VALUE_CHARACTERS:
        return text
    return f"{text[:_VALUE_CHARACTERS]} ... ({len(text):,} characters in all)"


def _pretty(original: str) -> str:
    try:
        return json.dumps(json.loads(original), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return original
