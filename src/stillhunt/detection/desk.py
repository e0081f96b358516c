"""The rules about one product, compiled together, and what tells their matches apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from stillhunt.detection.explain import decisive_values
from stillhunt.detection.rule import Rule
from stillhunt.kernel.program import Part, Program, Scope
from stillhunt.kernel.run import Batch, Memory
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["Desk", "Matching", "digest", "table_of"]


Texts = tuple[tuple[str, str | None], ...]
"""What a row says in the fields that a condition asks about: (field, text)."""


class Desk:
    """The rules that may concern one product, compiled together."""

    def __init__(self, rules: Sequence[Rule], product: str) -> None:
        chosen = [(n, rule) for n, rule in enumerate(rules) if rule.source.product in {"", product}]
        self.numbers = [number for number, _ in chosen]
        self.place_of = {number: place for place, number in enumerate(self.numbers)}
        self._sources = [rule.source for _, rule in chosen]
        self.program = Program([rule.condition for _, rule in chosen])
        self.memory = Memory(self.program)
        self._scopes: dict[tuple[frozenset[str], frozenset[str]], Scope] = {}
        self._fields: dict[int, tuple[str | None, ...]] = {}
        self._keys: dict[int, dict[Texts, str]] = {}
        self._n_keys = 0

    def scope(self, event_class: EventClass) -> Scope:
        """Return the conditions of the rules that are about a class."""
        key = (event_class.categories, event_class.services)
        if key not in self._scopes:
            covering = (n for n, source in enumerate(self._sources) if source.covers(event_class))
            self._scopes[key] = self.program.scope(covering)
        return self._scopes[key]

    def key_of(self, condition: int, texts: Texts) -> str | None:
        """Return the hash of values that a condition matched before, if it is remembered."""
        return self._keys.get(condition, {}).get(texts)

    def remember(self, condition: int, texts: Texts, key: str) -> None:
        """Remember the hash of values that a condition matched."""
        if self._n_keys >= _KEYS_REMEMBERED:
            self._keys, self._n_keys = {}, 0
        self._keys.setdefault(condition, {})[texts] = key
        self._n_keys += 1

    def fields(self, condition: int) -> tuple[str | None, ...]:
        """Return the fields that a condition asks about."""
        if condition not in self._fields:
            self._fields[condition] = self.program.scope([condition]).fields
        return self._fields[condition]


class Matching:
    """One condition over one batch: what tells its matches apart."""

    def __init__(self, table: Batch, condition: int, desk: Desk) -> None:
        self._table = table
        self._part: Part = table.part(condition)
        self._desk, self._condition = desk, condition
        fields = desk.fields(condition)
        names = table.keyword_fields if None in fields else ()
        self._fields = sorted({*names, *(field for field in fields if field)})

    def keys(self, rows: Sequence[int]) -> list[str]:
        """Return for each row a hash of the values that made it match."""
        columns = [(field, column) for field in self._fields if (column := self._table.column(field))]
        held = [column.places_at(rows) for _, column in columns]
        by_places: dict[tuple[tuple[int, ...], ...], str] = {}
        keys = []
        for row, places in zip(rows, zip(*held, strict=True) if held else [()] * len(rows), strict=True):
            key = by_places.get(places)
            if key is None:
                texts = tuple(
                    (field, column.texts[place])
                    for (field, column), of_row in zip(columns, places, strict=True)
                    for place in of_row
                )
                key = by_places[places] = self._key(row, texts)
            keys.append(key)
        return keys

    def _key(self, row: int, texts: Texts) -> str:
        """Return the hash of a row; the same texts were often met in a batch before."""
        key = self._desk.key_of(self._condition, texts)
        if key is None:
            key = digest(sorted(decisive_values(self._table, self._part, row)))
            self._desk.remember(self._condition, texts, key)
        return key


_KEYS_REMEMBERED = 20_000
"""Of all conditions of a product together; some tens of megabytes."""


def table_of(batch: EventBatch, desk: Desk, scope: Scope) -> Batch:
    """Return a batch under some of the rules."""
    return Batch(batch.data, desk.memory, scope, keyword_fields=batch.native_names)


def digest(parts: object) -> str:
    """Return a hash of anything that is plain data."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
