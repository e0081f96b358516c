"""Why a condition held for a row: as a tree for readers, and as the values that tell one happening from another."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.finding import Clause
from stillhunt.kernel.program import ROW_KINDS, Part
from stillhunt.kernel.run import Batch

__all__ = ["WORDS", "decisive_values", "explain"]

_RESTATING = frozenset(
    {"OriginalFileName", "Hashes", "Imphash", "Description", "Product", "Company", "FileVersion", "ParentUser"}
)
"""What Sysmon adds to a process that Security event 4688 cannot know; it says again which program it is."""


def explain(batch: Batch, part: Part, row: int) -> Clause:
    """Return what held in a row, where the whole part did: of an *or* only the branches that held."""
    if part.kind == "test":
        return _leaf(batch, part, row)
    if part.kind == "not":
        return Clause(kind="not", label=part.label or part.children[0].label or "what follows")
    held = tuple(explain(batch, child, row) for child in _holding(batch, part, row))
    return Clause(kind=part.kind, label=part.label or WORDS[part.kind], children=held)


WORDS = {"and": "all of", "or": "any of", "not": "not"}
"""What an inner part of a condition is called that has no name of its own."""


def decisive_values(batch: Batch, part: Part, row: int) -> frozenset[tuple[str, str]]:
    """Return (field, value in lower case) of what made the part hold in a row, the same for twin records.

    Sysmon and the Security log both record a process start, but Sysmon says more of it. So that both count as
    one happening, one branch stands for an *or*: the first to hold that needs nothing only Sysmon says.
    """
    return frozenset((field, value.lower()) for field, value in _decisive(batch, part, row))


def _decisive(batch: Batch, part: Part, row: int) -> list[tuple[str, str]]:
    if part.kind == "not":
        return []
    if part.kind == "test":
        field, value = _found(batch, part, row)
        return [(field, value or "")]
    if part.kind == "and":
        return [pair for child in part.children for pair in _decisive(batch, child, row)]
    first = None
    for child in _holding(batch, part, row):
        pairs = _decisive(batch, child, row)
        if not any(field in _RESTATING for field, _ in pairs):
            return pairs
        first = first or pairs
    return first or []


def _holding(batch: Batch, part: Part, row: int) -> Iterator[Part]:
    return (child for child in part.children if batch.holds(child, row))


def _leaf(batch: Batch, part: Part, row: int) -> Clause:
    field, value = _found(batch, part, row)
    if batch.predicate(part.tests[0]).field is None:
        return Clause(kind="keyword", label=part.label, value=value)
    return Clause(kind="field", label=part.label, field=field, value=value)


def _found(batch: Batch, part: Part, row: int) -> tuple[str, str | None]:
    """Return the field and the value that made a leaf hold; the value is None if the field is absent."""
    number = part.tests[0] if len(part.tests) == 1 else next(n for n in part.tests if batch.rows(n) >> row & 1)
    predicate = batch.predicate(number)
    if predicate.kind not in ROW_KINDS:
        return batch.texts(number, row)[0]
    column = batch.column(predicate.field) if predicate.field else None
    values = column.values(row) if column else []
    return predicate.field or "", values[0] if values else None
