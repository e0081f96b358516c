"""What must hold of a window: comparisons of a number, or which rules matched in it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Literal

__all__ = [
    "MOST_ALTERNATIVES",
    "Alternative",
    "Comparison",
    "Expression",
    "Operator",
    "alternatives",
    "can_hold",
    "holding",
]

Operator = Literal["gt", "gte", "lt", "lte", "eq", "neq"]

MOST_ALTERNATIVES = 1_000
"""Ways in which an expression may hold; each costs time at every event."""

_COMPARE: dict[Operator, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A number that the measured one is compared with, as the rule writes it."""

    operator: Operator
    number: int | float

    @property
    def exact(self) -> Fraction:
        """The number as written, which a float seldom is: 0.1 is a tenth."""
        return Fraction(str(self.number))

    def __str__(self) -> str:
        return f"{self.operator} {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """Which rules must have matched: a tree.

    Attributes:
        kind: ``rule`` for a leaf, else how the parts are joined; ``not`` has one part.
        rule: Of a leaf, the detector id.
        parts: Of an inner node, its parts.
    """

    kind: Literal["rule", "and", "or", "not"]
    rule: str = ""
    parts: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way in which an expression holds: rules that matched, and rules that did not."""

    present: frozenset[str]
    absent: frozenset[str]


def holding(comparisons: Sequence[Comparison]) -> Callable[[int, int], bool]:
    """Return a test of a fraction, given as (numerator, positive denominator): whether all comparisons hold.

    >>> holding([Comparison(operator="gt", number=1), Comparison(operator="lte", number=2.5)])(5, 2)
    True
    """
    limits = [(_COMPARE[one.operator], *one.exact.as_integer_ratio()) for one in comparisons]

    def holds(above: int, below: int) -> bool:
        return all(compare(above * unit, limit * below) for compare, limit, unit in limits)

    return holds


def can_hold(comparisons: Sequence[Comparison], *, least: int | None, most: int | None = None) -> bool:
    """Say whether any number satisfies all comparisons.

    Args:
        comparisons: What must hold.
        least: Least whole number that can be measured; None if any number can be.
        most: Greatest whole number that can be measured, if there is one.
    """
    limits = sorted(one.exact for one in comparisons)
    holds = holding(comparisons)
    if least is None:
        ends = [limits[0] - 1, *limits, limits[-1] + 1] if limits else [Fraction(0)]
        between = [(low + high) / 2 for low, high in pairwise(ends)]
        return any(holds(*number.as_integer_ratio()) for number in [*ends, *between])
    near = {whole + step for limit in limits for whole in (floor(limit), ceil(limit)) for step in (-1, 0, 1)}
    top = max([least, *near]) + 1 if most is None else most
    return any(holds(number, 1) for number in {least, top, *near} if least <= number <= top)


def alternatives(expression: Expression) -> tuple[Alternative, ...]:
    """Return all ways in which an expression can hold, none of them part of another; none if it cannot.

    >>> a, b = (Expression(kind="rule", rule=name) for name in "ab")
    >>> alternatives(Expression(kind="and", parts=(a, Expression(kind="not", parts=(b,)))))
    (Alternative(present=frozenset({'a'}), absent=frozenset({'b'})),)

    Raises:
        ValueError: There are more than 1,000.
    """
    found = _ways(expression, is_wanted=True)
    split = [
        Alternative(
            present=frozenset(rule for rule, is_present in way if is_present),
            absent=frozenset(rule for rule, is_present in way if not is_present),
        )
        for way in found
    ]
    return tuple(sorted(split, key=lambda way: (sorted(way.present), sorted(way.absent))))


_Way = frozenset[tuple[str, bool]]
"""Rules, each with whether it must be present."""


def _ways(expression: Expression, *, is_wanted: bool) -> set[_Way]:
    """Return the ways in which an expression holds, or with ``is_wanted`` False, does not."""
    if expression.kind == "rule":
        return {frozenset({(expression.rule, is_wanted)})}
    if expression.kind == "not":
        return _ways(expression.parts[0], is_wanted=not is_wanted)
    parts = [_ways(part, is_wanted=is_wanted) for part in expression.parts]
    if (expression.kind == "or") == is_wanted:
        return _least(way for part in parts for way in part)
    joined: set[_Way] = {frozenset()}
    for part in parts:
        joined = _least(one | other for one in joined for other in part)
    return joined


def _least(ways: Iterable[_Way]) -> set[_Way]:
    """Leave out what contradicts itself or asks for more than another way does."""
    kept: list[_Way] = []
    for way in sorted({way for way in ways if not _is_contradiction(way)}, key=len):
        if any(other <= way for other in kept):
            continue
        kept.append(way)
        if len(kept) > MOST_ALTERNATIVES:
            raise ValueError(f"the condition can hold in more than {MOST_ALTERNATIVES:,} ways")
    return set(kept)


def _is_contradiction(way: _Way) -> bool:
    return any((rule, not is_present) in way for rule, is_present in way)
