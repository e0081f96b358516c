"""Run a program over one batch: which rows satisfy which conditions.

Rows are sets of bits in whole numbers of any size, which Python combines faster than anything else here;
Arrow says which rows hold which values. Every distinct value of a column is tested once, for all predicates
on that field, and what was learnt about it is remembered for the batches to come.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.kernel.program import ROW_KINDS, Part, Predicate, Program, Scope
from stillhunt.kernel.sets import TextTests
from stillhunt.kernel.text import folded

__all__ = ["Batch", "Column", "Memory", "numbers_of", "run"]

Rows = int
"""A set of rows: bit ``n`` stands for row ``n``."""

_MEMORY_CHARACTERS = 24_000_000
"""Characters of values to remember across batches, about 100 MB with what is known about them."""

_LONG = 4_096
"""Values longer than this seldom recur and are not remembered."""


class Memory:
    """What is known of values met before, and the compiled tests of every field.

    Holds no more than a fixed amount of text, and changes nothing but speed.

    Args:
        program: Whose predicates to test.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._by_field: dict[str | None, list[tuple[int, Predicate]]] = {}
        for number, predicate in enumerate(program.predicates):
            if predicate.kind not in ROW_KINDS:
                self._by_field.setdefault(predicate.field, []).append((number, predicate))
        self._tests: dict[str | None, TextTests] = {}
        self._known: dict[str | None, dict[str, tuple[int, ...]]] = {}
        self._n_characters = 0

    def holding(self, field: str | None, texts: Sequence[str | None]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield (place in ``texts``, predicates that hold for it) where any does."""
        if field not in self._by_field:
            return
        if field not in self._tests:
            self._tests[field] = TextTests(self._by_field[field])
        tests, known = self._tests[field], self._known.setdefault(field, {})
        for place, text in enumerate(texts):
            if text is None:
                continue
            held = known.get(text)
            if held is None:
                held = tests.holding(text)
                self._remember(known, text, held)
            if held:
                yield place, held

    def _remember(self, known: dict[str, tuple[int, ...]], text: str, held: tuple[int, ...]) -> None:
        if len(text) > _LONG:
            return
        if self._n_characters > _MEMORY_CHARACTERS:
            for values in self._known.values():
                values.clear()
            self._n_characters = 0
        known[text] = held
        self._n_characters += len(text) + 100


_FEW = 8
"""Rows that are sooner looked up one by one."""


class Column:
    """One column of a batch: the distinct texts in it and the rows that hold each.

    Args:
        array: Dictionary-encoded text, a list of that, or anything that Arrow can write as text.
    """

    def __init__(self, array: pa.Array[Any]) -> None:
        self.n_rows = len(array)
        is_list = pa.types.is_list(array.type)
        flat: Any = cast("pa.ListArray[Any]", array).flatten() if is_list else array
        if not pa.types.is_dictionary(flat.type):
            flat = flat.cast(pa.string()).dictionary_encode()
        self._parents: Any = pc.list_parent_indices(array) if is_list else None
        self._codes: Any = flat.indices
        self.texts: list[str | None] = flat.dictionary.to_pylist()
        self._rows_by_places: dict[tuple[int, ...], Rows] = {}

    def rows_of(self, places: tuple[int, ...]) -> Rows:
        """Return the rows that hold one of these places in ``texts``."""
        # Many predicates hold for the same values, such as the one file name that all of them mean.
        if places not in self._rows_by_places:
            self._rows_by_places[places] = self._rows_of(places)
        return self._rows_by_places[places]

    def _rows_of(self, places: tuple[int, ...]) -> Rows:
        flags = pc.is_in(self._codes, value_set=pa.array(places, self._codes.type))
        if self._parents is None:
            return _from_flags(flags)
        return _from_numbers(self._parents.filter(flags).to_pylist(), self.n_rows)

    @cached_property
    def existing(self) -> Rows:
        """Rows that have the field."""
        return self.rows_of(tuple(place for place, text in enumerate(self.texts) if text is not None))

    @cached_property
    def filled(self) -> Rows:
        """Rows that hold more than empty text."""
        return self.rows_of(tuple(place for place, text in enumerate(self.texts) if text))

    @cached_property
    def places(self) -> list[tuple[int, ...]]:
        """For each row, the places in ``texts`` of what it holds."""
        codes = self._codes.to_pylist()
        if self._parents is None:
            return [() if code is None else (code,) for code in codes]
        held: list[list[int]] = [[] for _ in range(self.n_rows)]
        for row, code in zip(self._parents.to_pylist(), codes, strict=True):
            if code is not None:
                held[row].append(code)
        return [tuple(codes) for codes in held]

    def places_at(self, rows: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the places in ``texts`` of what some rows hold, without looking at all others."""
        if self._parents is not None or "places" in self.__dict__:
            return [self.places[row] for row in rows]
        if len(rows) < _FEW:
            return [self._place_at(row) for row in rows]
        codes = self._codes.take(pa.array(rows, pa.int64())).to_pylist()
        return [() if code is None else (code,) for code in codes]

    def _place_at(self, row: int) -> tuple[int, ...]:
        code = self._codes[row].as_py()
        return () if code is None else (code,)

    def values(self, row: int) -> list[str]:
        """Return the texts that a row holds."""
        return [text for place in self.places_at([row])[0] if (text := self.texts[place]) is not None]


class Batch:
    """One batch under a program: which rows satisfy which predicate, worked out when asked.

    Args:
        data: Columns by field name.
        memory: The program, and what is known of values met before.
        scope: The conditions that concern this batch.
        keyword_fields: Columns that a keyword is looked for in.
    """

    def __init__(self, data: pa.RecordBatch, memory: Memory, scope: Scope, *, keyword_fields: Sequence[str]) -> None:
        self.n_rows = data.num_rows
        self.everything: Rows = (1 << data.num_rows) - 1
        self.keyword_fields = tuple(keyword_fields)
        self._program = memory.program
        self._scope = scope
        self._data = data
        self._names = frozenset(data.schema.names)
        self._columns: dict[str, Column] = {}
        self._rows: dict[int, Rows] = {}
        self._bits: dict[int, tuple[Part, bytes]] = {}
        self._holding: dict[tuple[int, str], frozenset[int]] = {}
        self._hits = self._test(memory)

    def column(self, field: str) -> Column | None:
        """Return a column by the name of its field, or None if the batch lacks it."""
        if field not in self._names:
            return None
        if field not in self._columns:
            self._columns[field] = Column(self._data.column(field))
        return self._columns[field]

    def candidates(self) -> list[int]:
        """Return the conditions in scope that may hold somewhere, sorted."""
        by_trigger = self._program.by_trigger
        triggered = {condition for number in self._hits for condition in by_trigger.get(number, ())}
        possible = self._scope.conditions & (triggered | self._program.untriggered)
        return [c for c in sorted(possible) if self._may_hold(self._program.parts[c])]

    def part(self, condition: int) -> Part:
        """Return a condition by its number."""
        return self._program.parts[condition]

    def predicate(self, number: int) -> Predicate:
        """Return a predicate by its number."""
        return self._program.predicates[number]

    def where(self, part: Part) -> Rows:
        """Return the rows where a part of a condition holds."""
        if part.kind == "test":
            found = 0
            for number in part.tests:
                found |= self.rows(number)
            return found
        if part.kind == "not":
            return self.everything ^ self.where(part.children[0])
        if part.kind == "or":
            found = 0
            for child in part.children:
                found |= self.where(child)
            return found
        found = self.everything
        for child in part.children:
            found &= self.where(child)
            if not found:
                break
        return found

    def holds(self, part: Part, row: int) -> bool:
        """Say whether a part of a condition holds in a row; quick for many rows of the same part."""
        known = self._bits.get(id(part))
        if known is None:
            # The part is kept beside its bits, so that its number stays its own.
            known = self._bits[id(part)] = (part, self.where(part).to_bytes((self.n_rows + 7) // 8, "little"))
        return bool(known[1][row >> 3] >> (row & 7) & 1)

    def rows(self, number: int) -> Rows:
        """Return the rows where a predicate holds."""
        if number not in self._rows:
            self._rows[number] = self._find(number)
        return self._rows[number]

    def texts(self, number: int, row: int) -> list[tuple[str, str]]:
        """Return what satisfies a predicate on a value in a row: (field, text), in the order of fields."""
        found = []
        for field, places in self._hits.get(number, {}).items():
            column = self._columns[field]
            holding = self._holding.get((number, field))
            if holding is None:
                holding = self._holding[number, field] = frozenset(places)
            found += [(field, column.texts[place] or "") for place in column.places_at([row])[0] if place in holding]
        return found

    def _test(self, memory: Memory) -> dict[int, dict[str, list[int]]]:
        """Test every distinct value of every column in scope: predicate to field to places of values."""
        hits: dict[int, dict[str, list[int]]] = {}
        looked_at: list[tuple[str, str | None]] = [(field, field) for field in self._scope.fields if field is not None]
        if None in self._scope.fields:
            looked_at += [(field, None) for field in self.keyword_fields]
        for name, field in looked_at:
            column = self.column(name)
            if column is None:
                continue
            for place, held in memory.holding(field, column.texts):
                for number in held:
                    hits.setdefault(number, {}).setdefault(name, []).append(place)
        return hits

    def _may_hold(self, part: Part) -> bool:
        if part.is_open:
            return True
        if part.kind == "test":
            return any(number in self._hits for number in part.tests)
        return (all if part.kind == "and" else any)(self._may_hold(child) for child in part.children)

    def _find(self, number: int) -> Rows:
        predicate = self._program.predicates[number]
        if predicate.kind not in ROW_KINDS:
            found = 0
            for field, places in self._hits.get(number, {}).items():
                found |= self._columns[field].rows_of(tuple(places))
            return found
        if predicate.field is None:
            columns = [column for field in self.keyword_fields if (column := self.column(field))]
            return functools.reduce(operator.or_, (column.filled for column in columns), 0)
        column = self.column(predicate.field)
        if column is None:
            return self.everything if predicate.kind == "null" else 0
        if predicate.kind == "fieldref":
            other = self.column(predicate.text)
            return _compared(column, other, _COMPARE[predicate.how]) if other else 0
        if predicate.kind == "exists":
            return column.existing
        return column.filled if predicate.kind == "present" else self.everything ^ column.filled


def run(batch: Batch) -> Iterator[tuple[int, list[int]]]:
    """Yield (number of a condition, rows where it holds) where any row does, in order of both."""
    for number in batch.candidates():
        found = batch.where(batch.part(number))
        if found:
            yield number, numbers_of(found, batch.n_rows)


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def _compared(column: Column, other: Column, is_so: Callable[[str, str], bool]) -> Rows:
    """Return the rows where a text of one column compares with a text of the other; empty text never does."""
    known: dict[tuple[int, int], bool] = {}
    found = []
    for row, (ones, others) in enumerate(zip(column.places, other.places, strict=True)):
        for pair in product(ones, others):
            if pair not in known:
                one, two = folded(column.texts[pair[0]] or ""), folded(other.texts[pair[1]] or "")
                known[pair] = bool(one and two) and is_so(one, two)
            if known[pair]:
                found.append(row)
                break
    return _from_numbers(found, column.n_rows)


def _from_flags(flags: pa.BooleanArray) -> Rows:
    """Read Arrow's bitmap, which has the first row in the lowest bit, as rows."""
    bitmap = flags.buffers()[1]
    if bitmap is None:
        return 0
    rows = int.from_bytes(memoryview(bitmap), "little") >> flags.offset
    return rows & ((1 << len(flags)) - 1)


def _from_numbers(numbers: Collection[int], n_rows: int) -> Rows:
    bits = bytearray((n_rows + 7) // 8)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def numbers_of(rows: Rows, n_rows: int) -> list[int]:
    """Return the numbers of the rows in a set, in order."""
    bitmap = pa.py_buffer(rows.to_bytes((n_rows + 7) // 8, "little"))
    flags = pa.BooleanArray.from_buffers(pa.bool_(), n_rows, [None, bitmap])
    return cast("list[int]", pc.indices_nonzero(flags).to_pylist())
