"""What any detector becomes: interned predicates over fields, and conditions over them.

A :class:`Predicate` is a question about one field of one event. A :class:`Node` combines predicates with
*and*, *or* and *not*. A :class:`Program` holds the conditions of many detectors, with every predicate that
occurs in several of them kept once, and knows for each condition a *trigger*: predicates of which at least
one must hold where the condition holds. A batch in which none of them holds need not look at the condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["ROW_KINDS", "Node", "NodeKind", "Part", "Predicate", "PredicateKind", "Program", "Scope"]

PredicateKind = Literal[
    "equals",
    "contains",
    "startswith",
    "endswith",
    "regex",
    "cidr",
    "number",
    "lt",
    "lte",
    "gt",
    "gte",
    "timepart",
    "present",
    "null",
    "exists",
    "fieldref",
]

NodeKind = Literal["and", "or", "not", "test"]

ROW_KINDS = frozenset({"present", "null", "exists", "fieldref"})
"""Kinds answered from the row and not from the text of one value; they never serve as a trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One question about one field of an event.

    All kinds are false for a field that the event lacks, except ``null``. A field with several values
    satisfies a predicate if any of them does; it is ``null`` if none of them is more than empty text.

    Attributes:
        field: Field asked about, or None for all fields of the event (a keyword).
        kind: ``equals``, ``contains``, ``startswith``, ``endswith``: compared with ``text``;
            ``regex``: RE2 pattern ``text`` is found; ``cidr``: an address within the network ``text``;
            ``number``: the number ``number``, written in decimal or as 0x…; ``lt`` to ``gte``: compares as a
            number with ``number``; ``timepart``: the part ``text`` (minute, hour, day, week, month, year) of
            an ISO 8601 time is ``number``; ``present``: more than empty text; ``null``: missing or empty;
            ``exists``: not missing; ``fieldref``: compared with the field ``text`` in the ways of ``how``.
        text: Literal, pattern, network, part or field, as ``kind`` says.
        number: What a number is compared with.
        is_cased: False: both sides are lower-cased first. A regex is always applied to one or the other.
        needle: ASCII text, lower case, that every value satisfying a regex contains; empty if unknown.
        how: For ``fieldref``: ``equals``, ``startswith``, ``endswith`` or ``contains``.
    """

    field: str | None
    kind: PredicateKind
    text: str = ""
    number: float = 0
    is_cased: bool = False
    needle: str = ""
    how: str = "equals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A condition, or a part of one.

    Attributes:
        kind: ``and``, ``or``, ``not`` (one child) or ``test`` (a leaf).
        label: What the detector calls this part, for explanations.
        children: Parts of an inner node.
        predicates: Of a leaf: it holds if any of these does.
    """

    kind: NodeKind
    label: str = ""
    children: tuple[Node, ...] = ()
    predicates: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A node of a program: predicates by number.

    Attributes:
        kind: As in :class:`Node`.
        label: As in :class:`Node`.
        children: Parts of an inner node.
        tests: Of a leaf: numbers of its predicates.
        is_open: True if it may hold although no predicate on a value does.
    """

    kind: NodeKind
    label: str = ""
    children: tuple[Part, ...] = ()
    tests: tuple[int, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The conditions that concern some batches.

    Attributes:
        conditions: Their numbers.
        fields: Fields they ask about, sorted; None, which stands for all fields, first.
    """

    conditions: frozenset[int]
    fields: tuple[str | None, ...]


class Program:
    """The conditions of many detectors, compiled together.

    Args:
        conditions: One per detector; a condition's number is its place here.

    Attributes:
        parts: The conditions, compiled.
        predicates: Every distinct predicate; a predicate's number is its place here.
        by_trigger: Number of a predicate to the conditions that it may trigger.
        untriggered: Conditions that may hold although no predicate on a value does.
    """

    def __init__(self, conditions: Sequence[Node]) -> None:
        self._numbers: dict[Predicate, int] = {}
        self.by_trigger: dict[int, list[int]] = {}
        self.untriggered: set[int] = set()
        self.parts = tuple(self._compile(condition) for condition in conditions)
        self.predicates = tuple(self._numbers)
        for number, condition in enumerate(conditions):
            self._index(number, condition)

    def scope(self, conditions: Iterable[int]) -> Scope:
        """Return these conditions with the fields that they ask about."""
        wanted = frozenset(conditions)
        asked: set[str | None] = set()
        for condition in wanted:
            for number in _tests(self.parts[condition]):
                predicate = self.predicates[number]
                asked.add(predicate.field)
                if predicate.kind == "fieldref":
                    asked.add(predicate.text)
        return Scope(conditions=wanted, fields=tuple(sorted(asked, key=lambda field: field or "")))

    def _compile(self, node: Node) -> Part:
        children = tuple(self._compile(child) for child in node.children)
        tests = tuple(self._numbers.setdefault(p, len(self._numbers)) for p in node.predicates)
        if node.kind == "test":
            is_open = any(p.kind in ROW_KINDS for p in node.predicates)
        elif node.kind == "and":
            is_open = all(child.is_open for child in children)
        else:
            is_open = node.kind == "not" or any(child.is_open for child in children)
        return Part(kind=node.kind, label=node.label, children=children, tests=tests, is_open=is_open)

    def _index(self, number: int, condition: Node) -> None:
        trigger = _trigger(condition)
        if trigger is None:
            self.untriggered.add(number)
            return
        for predicate in trigger:
            self.by_trigger.setdefault(self._numbers[predicate], []).append(number)


def _tests(part: Part) -> Iterator[int]:
    yield from part.tests
    for child in part.children:
        yield from _tests(child)


def _trigger(node: Node) -> frozenset[Predicate] | None:
    """Return predicates of which one must hold where the node holds, or None where that cannot be said."""
    if node.kind == "not":
        return None
    if node.kind == "test":
        return None if any(p.kind in ROW_KINDS for p in node.predicates) else frozenset(node.predicates)
    triggers = [_trigger(child) for child in node.children]
    known = [t for t in triggers if t is not None]
    if node.kind == "or":
        return frozenset().union(*known) if len(known) == len(triggers) else None
    return min(known, key=_commonness, default=None)  # of an `and` whose parts are all open: None


def _commonness(trigger: frozenset[Predicate]) -> float:
    """Guess how often one of these predicates holds: short texts and small sets of values are common."""
    return sum(1 / (1 + len(p.needle if p.kind == "regex" else p.text)) ** 2 for p in trigger)
