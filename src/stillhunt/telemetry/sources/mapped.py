"""Any log as JSON, as a table or as lines of text that a mapping of the user's own describes.

The mapping says which logs it is for, where the time lies, which of Sigma's log sources the events are of, and what
their fields are called (:mod:`stillhunt.telemetry.mapping`, ``docs/how-to/generic-logs.md``). What it cannot show:
whatever the mapping does not name under a name that rules ask for.

Native fields keep the names of the log, nested ones with dots, beside those that the mapping gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import re2

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import csv_headings, csv_records
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.json_records import flatten, json_records, sample_records
from stillhunt.telemetry.lines import lines
from stillhunt.telemetry.mapping import LogMapping
from stillhunt.telemetry.recognition import WRAPPERS, mapping_of
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]


class _Record(NamedTuple):
    number: int
    text: str
    fields: Mapping[str, Value]


def sniff(head: bytes) -> bool:
    """Know no log by itself: a mapping does, and is asked before all sources."""
    del head
    return False


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record of a log that one of its mappings fits; what does not match a pattern is counted."""
    mapping = mapping_of(peek(log.stream), log.mappings)
    if mapping is None:
        log.unread("1", "is described by no mapping", hint="give it with --mapping")
        return
    for record in _records(log, mapping):
        yield mapping.event_class, _row(log, mapping, record)


def _records(log: LogFile, mapping: LogMapping) -> Iterator[_Record]:
    head = peek(log.stream)
    if mapping.pattern:
        match = _compiled(mapping.pattern).match
        for number, line in lines(log):
            if found := match(line):
                yield _Record(number, line, {name: text for name, text in found.groupdict().items() if text})
            else:
                log.unread(str(number), f"does not match the pattern of {mapping.name}", text=line)
    elif sample_records(head, wrappers=WRAPPERS):
        for record in json_records(log, wrappers=WRAPPERS):
            yield _Record(record.number, record.text, flatten(record.value))
    else:
        headings = csv_headings(head)
        for row in csv_records(log, is_heading=lambda cells: cells == headings or set(mapping.names) <= set(cells)):
            yield _Record(row.number, row.text, {name: cell for name, cell in row.cells.items() if name})


@cache
def _compiled(pattern: str) -> re2._Regexp:
    return re2.compile(pattern)


def _row(log: LogFile, mapping: LogMapping, record: _Record) -> Row:
    texts = {name: value if isinstance(value, str) else ", ".join(value or ()) for name, value in record.fields.items()}
    native: dict[str, Value] = dict(record.fields)
    native |= {name: record.fields[place] for name, place in mapping.fields.items() if place in record.fields}
    at = mapping.instant(texts.get(mapping.time, "")) if mapping.time else None
    common = {name: _cleaned(name, column.of(texts)) for name, column in mapping.common.items()}
    return Row(
        at=None if at is None else log.utc(at),
        clock=mapping.time if at is not None else "",
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: text for name, text in common.items() if text},
        native=native,
    )


def _cleaned(column: str, text: str) -> str:
    if column.endswith(".ip"):
        return ip_of(text)
    if column in {"user.name", "user.target.name"}:
        return account_name(text)
    return text.lower() if column == "host.name" else text


SOURCE = Source(title="logs described by a mapping (--mapping)", sniff=sniff, read=read, is_generic=True)
