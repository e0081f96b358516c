"""A judgement: what became of every clause of a rule on one event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stillhunt.detection.finding import Clause, Detector

__all__ = ["Judgement", "State", "Tried"]

State = Literal["held", "failed", "not reached"]
"""``not reached``: the event is of a log source that the rule is not about, so the clause was never tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One part of a rule's condition, and what became of it: a tree.

    Attributes:
        kind: ``and``, ``or``, ``not``, ``field`` or ``keyword``.
        label: The rule's words: a detection's name, or field, modifier and pattern.
        state: Whether it held.
        field: The event field asked about; empty for inner nodes and keywords.
        values: What the event has there, as logged; of a keyword that held, the value that it was found in.
        has_field: False if the event has no such field.
        near: How the event came close, in sentences.
        children: The parts of an inner node, all of them.
    """

    kind: str
    label: str
    state: State
    field: str = ""
    values: tuple[str, ...] = ()
    has_field: bool = True
    near: tuple[str, ...] = ()
    children: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether a rule matches an event, and why or why not.

    Attributes:
        detector: The rule.
        is_match: Whether a hunt with this rule finds the event.
        is_in_scope: Whether the event is of the log source that the rule is about.
        wanted: The rule's log source.
        event: What the event is.
        scope: Why it is not of that log source, in sentences; empty if it is.
        would_hold: Whether the condition holds, wherever the event comes from.
        condition: Every clause and what became of it.
        failed: The clauses that the condition failed for.
        matched: If it matches, the clauses that held, as a finding has them.
    """

    detector: Detector
    is_match: bool
    is_in_scope: bool
    wanted: str
    event: str
    scope: tuple[str, ...]
    would_hold: bool
    condition: Tried
    failed: tuple[Tried, ...]
    matched: Clause | None
