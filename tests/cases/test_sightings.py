"""Everything is remembered by its first and last sight on every host, in whatever order events come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from stillhunt.cases.sightings import Sightings
from stillhunt.telemetry.event import COMMON, EventBatch, EventClass
from stillhunt.terms.entity import EntityKind

NOON = datetime(2021, 8, 24, 12, tzinfo=UTC)


def batch_of(*events):
    columns = {name: pa.array([event.get(name) for event in events], kind) for name, (kind, _) in COMMON.items()}
    return EventBatch(event_class=EventClass(product="windows"), data=pa.RecordBatch.from_pydict(columns))


def event(minute, path, host="web1", file="a.evtx"):
    return {"@timestamp": NOON + timedelta(minutes=minute), "host.name": host, "event.file": file, "file.path": path}


@pytest.fixture
def seen():
    def see(*batches, n_workers=1):
        workers = [Sightings() for _ in range(n_workers)]
        for number, batch in enumerate(batches):
            workers[number % n_workers].observe(batch)
        for other in workers[1:]:
            workers[0].take(other)
        return workers[0]

    return see


@pytest.mark.parametrize("n_workers", [1, 2])
def test_first_and_last_sight_are_kept_by_host(seen, n_workers):
    sightings = seen(
        batch_of(event(5, "C:\\x.exe"), event(1, "C:\\X.EXE")),
        batch_of(event(9, "c:\\x.exe"), event(2, "c:\\x.exe", host="db1"), event(3, "c:\\y.exe")),
        n_workers=n_workers,
    )
    found = sightings.of(EntityKind.FILE, ["c:\\x.exe"])
    assert list(found) == ["c:\\x.exe"]
    told = {}
    for sight in found["c:\\x.exe"]:
        first, last, count = told.get(sight.host, (sight.first_at, sight.last_at, 0))
        told[sight.host] = (min(first, sight.first_at), max(last, sight.last_at), count + sight.n_events)
    assert told == {
        "web1": (NOON + timedelta(minutes=1), NOON + timedelta(minutes=9), 3),
        "db1": (NOON + timedelta(minutes=2), NOON + timedelta(minutes=2), 1),
    }


def test_corrected_clocks_move_what_is_told(seen):
    sightings = seen(batch_of(event(0, "c:\\x.exe"), event(0, "c:\\x.exe", file="b.evtx")))
    sightings.shift(lambda file, host: 3600 if (file, host) == ("b.evtx", "web1") else 0)
    assert [s.first_at for s in sightings.of(EntityKind.FILE, ["c:\\x.exe"])["c:\\x.exe"]] == [
        NOON,
        NOON + timedelta(hours=1),
    ]


def test_what_was_not_seen_or_has_no_time_is_not_told(seen):
    untimed = {**event(0, "c:\\z.exe"), "@timestamp": None}
    sightings = seen(batch_of(event(0, "c:\\x.exe"), untimed))
    assert sightings.of(EntityKind.FILE, ["c:\\z.exe", "c:\\nowhere.exe"]) == {}
    assert sightings.of(EntityKind.HASH, ["c:\\x.exe"]) == {}
    assert Sightings().of(EntityKind.FILE, ["c:\\x.exe"]) == {}


def test_many_events_of_few_things_take_no_more_room_than_few():
    sightings = Sightings()
    batch = batch_of(*(event(minute, "c:\\x.exe") for minute in range(100)))
    for _ in range(3_000):
        sightings.observe(batch)
    assert sum(table.num_rows for table in sightings._held) < 200_100
    ((sight,),) = sightings.of(EntityKind.FILE, ["c:\\x.exe"]).values()
    assert sight.n_events == 300_000
