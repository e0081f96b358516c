"""Clauses as lines of text: why a finding is one, and why a rule does not match a record.

The part of a value that a clause matched stands between ``⟦`` and ``⟧``. Text that holds these characters itself is
shown with ``⟨27E6⟩`` and ``⟨27E7⟩`` instead, so that no log can draw the marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import cast

import msgspec

from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.detection.judgement import Judgement, Tried
from stillhunt.kernel.text import compile_regex
from stillhunt.report.escape import for_terminal
from stillhunt.telemetry.coverage import RuleState

__all__ = ["explained", "inert", "judged"]

_RECORD_LINES = 40
_LINE = 400
"""Characters of one line of a record."""

_JOINED = 110
_VALUE = 300
_BEFORE_MARK = 100
_LABEL = 300
_NAMED_ALIKE = 3
_MARKS = "\u27e6", "\u27e7"


def explained(finding: Finding, *, is_full: bool = False) -> Iterator[str]:
    """Yield lines that say why a finding is one.

    Args:
        finding: What to explain.
        is_full: Whole records and values, however long.
    """
    yield _safe(finding.id)
    yield from _rule(finding.detector)
    yield f"  seen    {_times(finding)}"
    about = [f"{e.kind} {e.value}{f' ({e.role})' if e.role else ''}" for e in finding.entities]
    if about:
        more = "" if finding.has_all_entities else "; and others"
        yield f"  about   {_safe('; '.join(about))}{more}"
    for number, evidence in enumerate(finding.evidence, 1):
        yield ""
        yield f"record {number} of {len(finding.evidence)}"
        yield from _evidence(evidence, is_full=is_full)
    if finding.n_evidence_omitted:
        yield ""
        noun = "record matches and is" if finding.n_evidence_omitted == 1 else "records match and are"
        yield f"{finding.n_evidence_omitted:,} further {noun} not kept"


def judged(
    judgement: Judgement, *, ref: EventRef, original: str, notes: Sequence[str] = (), is_full: bool = False
) -> Iterator[str]:
    """Yield lines that say why a rule matches a record or does not.

    Args:
        judgement: What became of every clause.
        ref: Where the record is, its time without corrections.
        original: The raw record.
        notes: What to know beside.
        is_full: Every text that was compared in vain, whole records and values.
    """
    yield _verdict(judgement)
    yield from _rule(judgement.detector)
    yield f"  event   {_safe(judgement.event)}"
    yield from _place(ref)
    yield from (f"  note    {_safe(note)}" for note in notes)
    yield ""
    state = "held" if judgement.is_in_scope else "failed"
    yield f"{state:<{_STATE}}log source: the rule is about {_safe(judgement.wanted)}"
    yield from (f"{'':<{_STATE + 2}}{_safe(reason)}" for reason in judgement.scope)
    if judgement.matched is not None and not is_full:
        yield from _clause(judgement.matched, depth=0, margin=f"{'held':<{_STATE}}", is_full=is_full)
    else:
        yield from _tried(judgement.condition, depth=0, is_full=is_full)
    if not judgement.is_in_scope:
        yield f"whatever its source, the condition would {'hold' if judgement.would_hold else 'fail'}"
    yield ""
    yield "  record"
    yield from _record(original, is_full=is_full)


def inert(state: RuleState, *, notes: Sequence[str] = ()) -> Iterator[str]:
    """Yield lines that say why a rule cannot match anything."""
    yield "does not match: the rule cannot run"
    yield f"  rule    {_safe(state.title or state.id)}"
    yield f"  id      {_safe(state.id)}"
    yield f"  path    {_safe(state.path)}"
    yield f"  reason  {_safe(state.reason)}"
    yield from (f"  note    {_safe(note)}" for note in notes)


def _verdict(judgement: Judgement) -> str:
    if judgement.is_match:
        return "matches"
    if not judgement.is_in_scope:
        return "does not match: the event is of another log source"
    # One field compared with many texts is one clause to a reader.
    n_failed = len({clause.label if clause.children else _question(clause) for clause in judgement.failed})
    return f"does not match: {n_failed:,} {'clause' if n_failed == 1 else 'clauses'} failed"


def _rule(detector: Detector) -> Iterator[str]:
    yield f"  rule    {_safe(detector.title)} ({detector.level})"
    yield f"  id      {_safe(detector.id)}"
    yield f"  path    {_safe(detector.path)}"


def _times(finding: Finding) -> str:
    count = "once" if finding.count == 1 else f"{finding.count:,} times"
    if finding.first_at is None or finding.last_at is None:
        return count
    if finding.first_at == finding.last_at:
        return f"{count}, {_instant(finding.first_at)}"
    return f"{count}, {_instant(finding.first_at)} to {_instant(finding.last_at)}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')} UTC"


def _place(ref: EventRef) -> Iterator[str]:
    yield f"  place   {_safe(ref.file)}:{ref.record}"
    clock = f", by {_safe(ref.clock)}" if ref.clock else ""
    yield f"  time    {_instant(ref.at)}{clock}" if ref.at else "  time    none that can be read"


def _evidence(evidence: Evidence, *, is_full: bool) -> Iterator[str]:
    yield from _place(evidence.ref)
    yield "  because"
    yield from _clause(evidence.matched, depth=2, is_full=is_full)
    yield "  record"
    yield from _record(evidence.original, is_full=is_full)


# --- Trees ---------------------------------------------------------------------------------------------------

_OF = {"and": "all of", "or": "any of", "not": "not"}


def _clause(clause: Clause, *, depth: int, is_full: bool, margin: str = "") -> Iterator[str]:
    indent = margin + "  " * depth
    if clause.kind == "not":
        yield f"{indent}not {_safe(_cut(clause.label, is_full=is_full))}: nothing of it held"
        return
    if clause.kind in _OF:
        yield indent + _inner(clause.label, clause.kind, is_full=is_full)
        for child in clause.children:
            yield from _clause(child, depth=depth + 1, margin=margin, is_full=is_full)
        return
    yield indent + _safe(_cut(clause.label, is_full=is_full))
    indent = " " * len(indent)
    if clause.value is None:
        yield f"{indent}  {_safe(clause.field) or 'the event'}: no such field"
    else:
        yield f"{indent}  {_safe(clause.field) or 'found in'} = {_value(clause.value, clause.label, is_full=is_full)}"


def _inner(label: str, kind: str, *, is_full: bool) -> str:
    return _OF[kind] if label == _OF[kind] else f"{_safe(_cut(label, is_full=is_full))}: {_OF[kind]}"


_STATE = len("not reached  ")


def _tried(tried: Tried, *, depth: int, is_full: bool) -> Iterator[str]:
    margin = f"{tried.state:<{_STATE}}{'  ' * depth}"
    if tried.kind not in _OF:
        yield margin + _safe(_cut(tried.label, is_full=is_full))
        yield from _had(tried, depth=depth + 1, is_full=is_full)
        return
    children = tried.children
    if tried.state == "held" and not is_full:
        if tried.kind == "not":
            yield f"{margin}not {_safe(_cut(children[0].label, is_full=False))}: nothing of it held"
            return
        # What else might have held says nothing of why the condition failed.
        children = tuple(child for child in children if child.state == "held")
    yield margin + _inner(tried.label, tried.kind, is_full=is_full)
    for is_alike, group in groupby(children, key=lambda child: _alike(tried, child)):
        alike = list(group)
        if is_alike is None or is_full or len(alike) == 1:
            for child in alike:
                yield from _tried(child, depth=depth + 1, is_full=is_full)
        else:
            yield from _together(alike, depth=depth + 1)


def _alike(parent: Tried, child: Tried) -> tuple[str, str] | None:
    """Return what children share that need not be told apart; None for those that must be."""
    is_plain = child.kind not in _OF and not child.near and child.state != "held"
    return (child.state, _question(child)) if parent.kind == "or" and is_plain else None


def _question(tried: Tried) -> str:
    """Return field and modifiers that a clause begins with."""
    return tried.label.partition(": ")[0]


def _together(children: Sequence[Tried], *, depth: int) -> Iterator[str]:
    first = children[0]
    texts = [child.label.partition(": ")[2] for child in children[:_NAMED_ALIKE]]
    listed = _safe(", ".join(_cut(text, is_full=False, most=_LABEL // _NAMED_ALIKE) for text in texts))
    none = "none" if first.state == "failed" else "any"
    margin = f"{first.state:<{_STATE}}{'  ' * depth}"
    more = " ..." if len(children) > _NAMED_ALIKE else ""
    yield f"{margin}{_safe(_question(first))}: {none} of {len(children):,} texts: {listed}{more}"
    yield from _had(first, depth=depth + 1, is_full=False)


def _had(tried: Tried, *, depth: int, is_full: bool) -> Iterator[str]:
    """Say what the event has where a clause looked."""
    margin = " " * _STATE + "  " * depth
    if tried.state == "not reached":
        return
    if tried.kind == "keyword":
        yield from (f"{margin}found in = {_value(v, tried.label, is_full=is_full)}" for v in tried.values)
        if not tried.values:
            yield f"{margin}no field has it"
    elif not tried.has_field:
        yield f"{margin}the event has no field {_safe(tried.field)}"
    else:
        label = tried.label if tried.state == "held" else ""
        yield from (f"{margin}{_safe(tried.field)} = {_value(v, label, is_full=is_full)}" for v in tried.values)
    yield from (f"{margin}near: {_safe(_cut(reason, is_full=is_full))}" for reason in tried.near)


# --- Values --------------------------------------------------------------------------------------------------


def _value(value: str, label: str, *, is_full: bool) -> str:
    """Write a value with the part marked that a clause matched, if it can be found."""
    start, end = _matched(value, label)
    first, last = 0, len(value)
    if not is_full and len(value) > _VALUE:
        first = max(0, min(start - _BEFORE_MARK, len(value) - _VALUE))
        last = max(first + _VALUE, min(end, first + 2 * _VALUE))
    before, marked, after = value[first:start], value[start : min(end, last)], value[end:last]
    if start == end:
        shown = _safe(value[first:last]) or "(empty)"
    else:
        shown = f"{_safe(before)}{_MARKS[0]}{_safe(marked)}{_MARKS[1]}{_safe(after)}"
    left_out = first + max(0, len(value) - last)
    return f"{'... ' if first else ''}{shown}{f' ... ({left_out:,} more characters)' if left_out else ''}"


def _matched(value: str, label: str) -> tuple[int, int]:
    """Return where the text of a clause's label lies in a value; (0, 0) if that cannot be said."""
    question, colon, text = label.partition(": ")
    modifiers = question.split("|")[1:]
    if not colon or not text:
        return 0, 0
    if "re" in modifiers:
        return _searched(value, text, "".join(m for m in modifiers if m in {"i", "m", "s"}))
    lower = value.lower()
    if len(lower) != len(value):
        return 0, 0  # beyond ASCII, lower case may be longer, and places would not agree
    piece = max(_pieces(text.lower()), key=len)
    at = lower.rfind(piece) if "endswith" in modifiers else lower.find(piece)
    return (at, at + len(piece)) if piece and at >= 0 else (0, 0)


_SPECIAL = re.compile(r"\\([*?\\])|[*?]")
_CUT_HERE = "\x00"


def _pieces(text: str) -> list[str]:
    """Return what stands between the wildcards of a rule's text, escapes taken away."""
    return _SPECIAL.sub(lambda found: found[1] or _CUT_HERE, text).split(_CUT_HERE)


def _searched(value: str, pattern: str, flags: str) -> tuple[int, int]:
    try:
        found = cast("re.Match[str] | None", compile_regex(f"(?{flags}){pattern}" if flags else pattern)(value))
    except ValueError:
        return 0, 0
    return found.span() if found else (0, 0)


def _record(original: str, *, is_full: bool) -> Iterator[str]:
    lines = _pretty(original)
    shown = lines if is_full or len(lines) <= _RECORD_LINES + 1 else lines[:_RECORD_LINES]
    for line in shown:
        n_more = 0 if is_full else max(0, len(line) - _LINE)
        yield f"    {_safe(line[: len(line) - n_more])}{f' ... ({n_more:,} more characters)' if n_more else ''}"
    if len(lines) > len(shown):
        yield f"    ... {len(lines) - len(shown):,} more lines (--full shows them)"


def _pretty(original: str) -> list[str]:
    try:
        return _joined(msgspec.json.format(original, indent=2).split("\n"))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return original.split("\n") if original else ["(not kept)"]


def _joined(lines: Sequence[str]) -> list[str]:
    """Put objects and lists that fit into one line there; indented JSON has a line for every attribute."""
    told: list[str] = []
    opened: list[int] = []
    for line in lines:
        told.append(line)
        if line.endswith(("{", "[")):
            opened.append(len(told) - 1)
        elif line.lstrip().startswith(("}", "]")):
            start = opened.pop()
            within = " ".join(part.strip() for part in told[start + 1 : -1])
            joined = f"{told[start]}{within}{line.strip()}"
            if len(joined) <= _JOINED:
                told[start:] = [joined]
    return told


def _cut(text: str, *, is_full: bool, most: int = _LABEL) -> str:
    return text if is_full or len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more characters)"


def _safe(text: str) -> str:
    shown = for_terminal(text)
    for mark in _MARKS:
        shown = shown.replace(mark, f"\u27e8{ord(mark):04X}\u27e9")
    return shown
