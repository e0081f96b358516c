"""Findings as an Arrow table; apart from :mod:`stillhunt.detection.finding`, which is read without Arrow."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind

__all__ = ["to_table"]


def to_table(findings: Sequence[Finding]) -> pa.Table:
    """Return findings as an Arrow table, one row each, in their order.

    Columns: id, rule_id, title, level, first_at, last_at, count, host, tactics, techniques, and file and record
    of the first evidence.
    """
    return pa.Table.from_pylist([_row(finding) for finding in findings], schema=pa.schema(_COLUMNS))


_AT = pa.timestamp("us", tz="UTC")
_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "rule_id": pa.string(),
    "title": pa.string(),
    "level": pa.string(),
    "first_at": _AT,
    "last_at": _AT,
    "count": pa.int64(),
    "host": pa.string(),
    "tactics": pa.list_(pa.string()),
    "techniques": pa.list_(pa.string()),
    "file": pa.string(),
    "record": pa.int64(),
}


def _row(finding: Finding) -> dict[str, object]:
    first = finding.evidence[0].ref if finding.evidence else None
    return {
        "id": finding.id,
        "rule_id": finding.detector.id,
        "title": finding.detector.title,
        "level": str(finding.detector.level),
        "first_at": finding.first_at,
        "last_at": finding.last_at,
        "count": finding.count,
        "host": next((e.value for e in finding.entities if e.kind is EntityKind.HOST), None),
        "tactics": list(finding.detector.tactics),
        "techniques": list(finding.detector.techniques),
        "file": first.file if first else None,
        "record": first.record if first else None,
    }
