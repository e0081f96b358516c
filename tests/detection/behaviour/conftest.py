"""Events for analytics, and what they find in them however the events were divided."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stillhunt.detection.behaviour.model import Observation
from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.telemetry.table import Row, Rows, build_batch

BEGIN = datetime(2023, 1, 2, tzinfo=UTC)

Event = tuple[float, dict[str, str], dict[str, str]]
"""Seconds since the beginning, common columns, native fields."""


def batches_of(event_class: EventClass, events: Sequence[Event], *, size: int = 10_000) -> list[EventBatch]:
    made = []
    for start in range(0, len(events), size):
        rows = Rows()
        for number, (seconds, common, native) in enumerate(events[start : start + size], start):
            at = BEGIN + timedelta(seconds=seconds)
            row = Row(
                at=at, clock="ts", file="a.log", record=number, original="", common=dict(common), native=dict(native)
            )
            rows.add(event_class, row)
        made += [build_batch(piece.event_class, [piece]) for piece in rows.pieces()]
    return made


@pytest.fixture(scope="session")
def found() -> Callable[..., list[Observation]]:
    """Runs one analytic; whatever way the events are divided and joined, it must find the same."""

    def run(name: str, *parts: tuple[EventClass, Sequence[Event]], networks: Networks | None = None) -> Any:
        whole = Watch([name], networks)
        for event_class, events in parts:
            for batch in batches_of(event_class, events):
                whole.feed(batch)
        told = [seen.observation for seen in whole.observed(lambda _file, _host: 0)]
        joined = Watch([name], networks)
        small = [
            b for event_class, events in parts for b in batches_of(event_class, events, size=97 + len(events) // 5)
        ]
        random.Random(3).shuffle(small)
        for batch in small:
            one = Watch([name], networks)
            one.feed(batch)
            joined.take(one.hand_over())
        assert [seen.observation for seen in joined.observed(lambda _file, _host: 0)] == told
        return told

    return run
