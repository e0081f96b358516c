"""Windows events in every shape, and files of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhunt.telemetry.collect import Reading


@pytest.fixture
def evtx_dump() -> Callable[..., dict[str, Any]]:
    def make(
        event_id: int = 4688,
        *,
        record: int = 1,
        at: str = "2021-08-24T03:12:00.123456Z",
        provider: str = "Microsoft-Windows-Security-Auditing",
        channel: str = "Security",
        computer: str = "WS1.corp.example",
        **data: Any,
    ) -> dict[str, Any]:
        return {
            "Event": {
                "System": {
                    "Provider": {"#attributes": {"Name": provider, "Guid": "{0}"}},
                    "EventID": event_id,
                    "Level": 0,
                    "TimeCreated": {"#attributes": {"SystemTime": at}},
                    "EventRecordID": record,
                    "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 8}},
                    "Channel": channel,
                    "Computer": computer,
                    "Security": None,
                },
                "EventData": data,
            }
        }

    return make


@pytest.fixture
def write_lines(tmp_path) -> Callable[..., Path]:
    def write(records: list[Any], name: str = "logs/events.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        return path

    return write


@pytest.fixture
def read() -> Callable[..., tuple[list[dict[str, Any]], Any]]:
    """Read paths whole: rows as dictionaries with their class, and the coverage."""

    def whole(*paths: Path):
        reading = Reading(list(paths))
        rows = [row | {"class": b.event_class} for b in reading.batches() for row in b.data.to_pylist()]
        return rows, reading.coverage()

    return whole
