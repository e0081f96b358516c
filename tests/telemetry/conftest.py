"""Windows events in every shape, and files of them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.event import COMMON, EventClass
from stillhunt.telemetry.outlet import WindowsRecords
from stillhunt.telemetry.shapes import recipe_of, take_apart
from stillhunt.telemetry.table import build_batch
from stillhunt.telemetry.windows import WindowsTable


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


def windows_table(record: Any) -> WindowsTable | None:
    """Read one decoded record as the sources do; None if it is no Windows event."""
    if not isinstance(record, dict):
        return None
    structure, values = take_apart(record)
    recipe = recipe_of(structure)
    return recipe.table([[value] for value in values]) if recipe and recipe.is_event(values) else None


@pytest.fixture
def as_table() -> Callable[[Any], WindowsTable | None]:
    return windows_table


@pytest.fixture
def as_row() -> Callable[[dict[str, Any]], tuple[EventClass, SimpleNamespace]]:
    """Return the class of a decoded record, and what its common and native columns hold."""

    def make(record: dict[str, Any]):
        records = WindowsRecords()
        records.add(record, file="f", number=1)
        (piece,) = records.pieces()
        (row,) = build_batch(piece.event_class, [piece]).data.to_pylist()
        held = {name: value for name, value in row.items() if value is not None}
        common = {name: held.pop(name) for name in COMMON if name in held}
        return piece.event_class, SimpleNamespace(common=common, native=held)

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


@pytest.fixture
def patience() -> Iterator[None]:
    """Ends a test that would never end, where the system can: what hostile input must not bring about."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_: object) -> None:
        message = "did not come to its end"
        raise AssertionError(message)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
