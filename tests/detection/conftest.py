"""Batches made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from stillhunt.telemetry.event import COMMON, TEXT, TEXT_LIST, EventBatch, EventClass
from stillhunt.telemetry.outlet import WindowsRecords
from stillhunt.telemetry.sources.iis import EVENT_CLASS as IIS
from stillhunt.telemetry.sources.iis import request_row
from stillhunt.telemetry.table import Row, Rows, build_batch

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


_CLASSES = {
    # Source of a case: product, and the categories that all its events satisfy.
    "aminer": ("aminer", ()),
    "aws": ("aws", ()),
    "azure": ("azure", ()),
    "defender": ("defender", ()),
    "gcp": ("gcp", ()),
    "linux": ("linux", ()),
    "m365": ("m365", ()),
    "suricata": ("suricata", ()),
    "web": ("apache", ("webserver",)),
    "wazuh": ("wazuh", ()),
    "zeek": ("zeek", ()),
}


def _class_of(event: dict[str, Any]) -> EventClass:
    """Return the class that a case names; what a source would say about common columns is not needed by any rule."""
    product, categories = _CLASSES[event["source"]]
    said = {key: [event[key]] if key in event else [] for key in ("category", "service")}
    return EventClass(
        product=product, categories=frozenset([*categories, *said["category"]]), services=frozenset(said["service"])
    )


def _batch_of_case(event: dict[str, Any]) -> EventBatch:
    fields = event["fields"]
    source = event.get("source")
    if source is not None:
        rows = Rows()
        if source == "iis":
            rows.add(IIS, request_row(fields, file="case.yml", record=1, original=""))
        else:
            row = Row(at=None, clock="", file="case.yml", record=1, original="", common={}, native=fields)
            rows.add(_class_of(event), row)
        pieces = list(rows.pieces())
    else:
        system = {"Provider": event["provider"], "Channel": event["channel"], "EventID": str(event["event_id"])}
        system |= {"Computer": "ws1.corp.example", "EventRecordID": 1}
        records = WindowsRecords()
        records.add({"Event": {"System": system, "EventData": fields}}, file="case.yml", number=1)
        pieces = list(records.pieces())
    return build_batch(pieces[0].event_class, pieces)


@pytest.fixture(scope="session")
def batch_of_case() -> Callable[[dict[str, Any]], EventBatch]:
    """Makes a batch of the event of a rule's test case."""
    return _batch_of_case
