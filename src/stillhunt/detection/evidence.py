"""Records read again to be evidence: which they are, and why the rule matched them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from stillhunt.detection.desk import Desk, table_of
from stillhunt.detection.explain import explain
from stillhunt.detection.facts import Facts
from stillhunt.detection.finding import Clause, EventRef, Evidence
from stillhunt.detection.fold import Match
from stillhunt.telemetry.collect import Retrieved, Wanted
from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.moment import moment

__all__ = [
    "PLAIN",
    "SPOTTED",
    "Clauses",
    "EvidenceKey",
    "Fetch",
    "KnownEvidence",
    "ShiftOf",
    "dated",
    "moment",
    "read_again",
]

Fetch = Callable[[Wanted], Iterable[Retrieved]]
"""Reads some records again."""

ShiftOf = Callable[[str, str], int]
"""Seconds to add to the logged times of (file, host)."""


PLAIN = -1
"""Stands for the rule where a record is evidence of something that is no rule: nothing in it has to match."""

SPOTTED = -2
"""Stands for the rule where a record is evidence of indicators: those that it meets are said."""

Clauses = Callable[[EventBatch, Iterable[int]], Mapping[int, Clause]]
"""(batch, rows) to what a record of each row meets."""


class EvidenceKey(NamedTuple):
    """A rule (or :data:`PLAIN`, :data:`SPOTTED`), the file, and where in it the record lies."""

    rule: int
    file: str
    match: Match


KnownEvidence = dict[EvidenceKey, Evidence]
"""Evidence by what it is evidence of."""


def read_again(
    keys: Iterable[EvidenceKey], desk_of: Callable[[str], Desk], fetch: Fetch, *, spotted: Clauses
) -> dict[EvidenceKey, Evidence]:
    """Read records again and say of each why its rule matched; what cannot be read any more says so itself.

    Args:
        keys: Which records.
        desk_of: The rules about a product.
        fetch: Reads them.
        spotted: Says which indicators records meet.

    Returns:
        Evidence whose time is still missing: see :func:`dated`.
    """
    wanted: dict[str, dict[int, set[int]]] = {}
    by_record: dict[tuple[str, int], set[EvidenceKey]] = {}
    found: dict[EvidenceKey, Evidence] = {}
    for key in keys:
        wanted.setdefault(key.file, {}).setdefault(key.match.number, set()).add(key.match.place)
        by_record.setdefault((key.file, key.match.number), set()).add(key)
        found[key] = _unreadable(key)
    for batch, originals in fetch(wanted) if wanted else ():
        found |= _explained(batch, originals, by_record, desk_of(batch.event_class.product), spotted)
    return found


def _explained(
    batch: EventBatch,
    originals: Mapping[tuple[str, int], str],
    by_record: Mapping[tuple[str, int], set[EvidenceKey]],
    desk: Desk,
    spotted: Clauses,
) -> Iterator[tuple[EvidenceKey, Evidence]]:
    facts = Facts(batch, range(batch.data.num_rows))
    asked = [
        (row, key)
        for row in range(batch.data.num_rows)
        for fact in (facts.of(row),)
        for key in by_record.get((fact.file, fact.match.number), ())
        if key.match == fact.match
    ]
    conditions = {condition for _, key in asked if (condition := desk.place_of.get(key.rule)) is not None}
    scope = desk.program.scope(conditions & desk.scope(batch.event_class).conditions)
    table = table_of(batch, desk, scope)
    met = spotted(batch, {row for row, key in asked if key.rule == SPOTTED})
    for row, key in asked:
        condition = desk.place_of.get(key.rule)
        if key.rule == PLAIN:
            yield key, _read(key, facts.clock(row), originals, Clause(kind="and", label=""))
            continue
        if key.rule == SPOTTED:
            yield key, _read(key, facts.clock(row), originals, met[row])
            continue
        if condition not in scope.conditions or not table.holds(table.part(condition), row):
            continue
        yield key, _read(key, facts.clock(row), originals, explain(table, table.part(condition), row))


def _read(key: EvidenceKey, clock: str, originals: Mapping[tuple[str, int], str], matched: Clause) -> Evidence:
    ref = EventRef(file=key.file, record=key.match.number, at=None, clock=clock)
    return Evidence(ref=ref, original=originals.get((key.file, key.match.number), ""), matched=matched)


def _unreadable(key: EvidenceKey) -> Evidence:
    """Stand for a record that could be read during the hunt but not again at its end."""
    ref = EventRef(file=key.file, record=key.match.number, at=None)
    label = "the record could not be read again: the file was changed or taken away while the hunt went on"
    return Evidence(ref=ref, original="", matched=Clause(kind="and", label=label))


def dated(evidence: Evidence, match: Match, shift_s: int, *, label: str = "") -> Evidence:
    """Return evidence with its time.

    Args:
        evidence: As read again.
        match: Where its record lies.
        shift_s: Seconds to add to the logged time.
        label: What else is to be said of it, if anything.
    """
    at = None if match.is_undated else moment(match.at, shift_s)
    clock = f"{evidence.ref.clock} {_shift_words(shift_s)}".strip() if shift_s and at else evidence.ref.clock
    matched = Clause(kind="and", label=label, children=(evidence.matched,)) if label else evidence.matched
    ref = EventRef(file=evidence.ref.file, record=evidence.ref.record, at=at, clock=clock)
    return Evidence(ref=ref, original=evidence.original, matched=matched)


def _shift_words(seconds: int) -> str:
    """Write a shift.

    >>> _shift_words(25_200), _shift_words(-5_415)
    ('+7:00', '-1:30:15')
    """
    minutes, rest = divmod(abs(seconds), 60)
    written = f"{'-' if seconds < 0 else '+'}{minutes // 60}:{minutes % 60:02}"
    return f"{written}:{rest:02}" if rest else written
