"""Which source reads a log: a mapping of the user's that fits its beginning goes before all sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import re2

from stillhunt.telemetry.csv_records import csv_headings
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.json_records import sample_records
from stillhunt.telemetry.mapping import LogMapping
from stillhunt.telemetry.source import known_source

__all__ = ["WRAPPERS", "mapping_of", "recognise"]

WRAPPERS: Final = frozenset({"value", "records", "Records", "events", "data", "hits", "items", "logs"})
"""Names under which objects hold lists of records."""

_MAPPED = "mapped"
"""The source that reads by mappings."""

_PATTERN_SHARE = 2
"""One line in so many of the beginning must match a pattern."""

_LINES_LOOKED_AT = 50


def recognise(head: bytes, mappings: Sequence[LogMapping] = ()) -> str | None:
    """Return the name of the source that reads a log, by its first 64 KiB; None if there is none."""
    return _MAPPED if mapping_of(head, mappings) else known_source(head)


def mapping_of(head: bytes, mappings: Sequence[LogMapping]) -> LogMapping | None:
    """Return the first mapping that fits the beginning of a log."""
    if not mappings:
        return None
    headings: set[str] | None = None
    samples: list[dict[str, Any]] | None = None
    for mapping in mappings:
        if mapping.pattern:
            if _matches(head, mapping.pattern):
                return mapping
            continue
        if headings is None or samples is None:
            headings, samples = set(csv_headings(head)), sample_records(head, wrappers=WRAPPERS)
        if headings.issuperset(mapping.names) or any(_has_all(sample, mapping.names) for sample in samples):
            return mapping
    return None


def _matches(head: bytes, pattern: str) -> bool:
    lines = [
        line for line in head.decode(encoding_of(head), "replace").lstrip("\ufeff").splitlines()[:50] if line.strip()
    ]
    compiled = re2.compile(pattern)
    return bool(lines) and sum(bool(compiled.match(line)) for line in lines) * _PATTERN_SHARE >= len(lines)


def _has_all(record: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(_has(record, name) for name in names)


def _has(record: object, name: str) -> bool:
    if not isinstance(record, dict):
        return False
    if name in record:
        return True
    first, dot, rest = name.partition(".")
    return bool(dot) and _has(record.get(first), rest)
