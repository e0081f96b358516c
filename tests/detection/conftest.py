"""Batches made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from stillhunt.telemetry.event import COMMON, TEXT, TEXT_LIST, EventBatch, EventClass

PROCESS_CREATION = EventClass(
    product="windows",
    categories=frozenset({"process_creation"}),
    services=frozenset({"sysmon"}),
    channel="Microsoft-Windows-Sysmon/Operational",
    provider="Microsoft-Windows-Sysmon",
    event_id="1",
)


def batch_of(events: Sequence[Mapping[str, Any]], event_class: EventClass = PROCESS_CREATION) -> EventBatch:
    """Build a batch; keys of COMMON fill common columns, all others are native fields."""
    native = sorted({key for event in events for key in event if key not in COMMON})
    columns: dict[str, pa.Array] = {}
    for name, (kind, _) in COMMON.items():
        columns[name] = pa.array([event.get(name) for event in events], kind)
    for name in native:
        values = [event.get(name) for event in events]
        is_list = any(isinstance(value, list) for value in values)
        columns[name] = pa.array(values, TEXT_LIST if is_list else TEXT)
    return EventBatch(event_class=event_class, data=pa.RecordBatch.from_pydict(columns))


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., EventBatch]:
    def make(*events: dict[str, Any], event_class: EventClass = PROCESS_CREATION) -> EventBatch:
        filled = [
            {
                "@timestamp": datetime(2021, 8, 24, 3, 12, number % 60, tzinfo=UTC),
                "event.clock": "TimeCreated",
                "event.file": "a.evtx",
                "event.record": number + 1,
                "host.name": "web1",
                **event,
            }
            for number, event in enumerate(events)
        ]
        return batch_of(filled, event_class)

    return make
