from __future__ import annotations

import random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.join import distinct, empty, first_place, folded, hashed, joined, last_place, places
from stillhunt.detection.behaviour.model import LEAST_KEPT, TIMES_KEPT, Aggregate
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.table import Row, Rows, build_batch

CLASS = EventClass(product="zeek", services=frozenset({"conn"}))


def rows_of(batch):
    at = batch.data.column("@timestamp").cast(pa.int64())
    number = pa.array([int(text) for text in batch.data.column("value").to_pylist()], pa.int64())
    return pa.table(
        {
            "key": batch.data.column("source.ip"),
            "total": number,
            "most": number,
            "times": at,
            "few": number,
            **places(batch),
        }
    )


SUMMED = Aggregate(
    name="summed",
    wants=lambda event_class: event_class.product == "zeek",
    fields=("value",),
    keys=("key",),
    measures={"total": "sum", "most": "max", "times": "times", "few": "least"},
    rows=rows_of,
)


def table_of(events):
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only here

    rows = Rows()
    for key, seconds, value, number in events:
        at = None if seconds is None else datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        common = {"source.ip": key} if key else {}
        rows.add(
            CLASS,
            Row(at=at, clock="ts", file="a", record=number, original="", common=common, native={"value": str(value)}),
        )
    return [folded(SUMMED, build_batch(piece.event_class, [piece])) for piece in rows.pieces()]


def in_order(table):
    return sorted(table.to_pylist(), key=lambda row: row["key"])


EVENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "", "é"]), st.integers(0, 50), st.integers(0, 5), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(EVENTS, st.randoms(use_true_random=False))
def test_rows_are_joined_to_the_same_whatever_the_order_and_grouping(events, chance):
    (whole, _), *_ = table_of(events)
    expected = in_order(joined(SUMMED, [whole], is_final=True))
    parts = [table for event in events for table, _ in table_of([event])]
    chance.shuffle(parts)
    cut = chance.randint(0, len(parts))
    early = joined(SUMMED, parts[:cut])
    assert in_order(joined(SUMMED, [*parts[cut:], early], is_final=True)) == expected


def test_sums_extremes_lists_and_places_are_those_of_the_events():
    events = [("a", 9, 4, 1), ("a", 3, 7, 2), ("a", 5, 4, 3), ("b", 1, 1, 4)]
    (table, _), *_ = table_of(events)
    row = in_order(joined(SUMMED, [table], is_final=True))[0]
    assert (row["total"], row["most"], row["n"], row["few"]) == (15, 7, 3, [4, 7])
    assert [at % 60_000_000 for at in row["times"]] == [3_000_000, 5_000_000, 9_000_000]
    assert (first_place(row).number, last_place(row).number) == (2, 1)


def test_events_without_a_time_are_counted_and_left_out():
    ((table, n_undated),) = table_of([("a", None, 1, 1), ("a", 1, 1, 2)])
    assert (table.num_rows, table["n"].to_pylist(), n_undated) == (1, [1], 1)


def test_of_many_times_the_latest_are_kept_and_of_many_values_the_least():
    n = TIMES_KEPT + 10
    values = list(range(n))
    random.Random(1).shuffle(values)
    columns = {"key": ["a"], "total": [0], "most": [0], "times": [values], "few": [values], "n": [n]}
    for which in ("first", "last"):
        columns |= {f"{which}_at": [0], f"{which}_file": ["a"], f"{which}_host": [""]}
        columns |= {f"{which}_number": [0], f"{which}_place": [-1]}
    table = pa.table(columns).cast(empty(SUMMED).schema)
    (row,) = joined(SUMMED, [table], is_final=True).to_pylist()
    assert row["times"] == list(range(10, n))
    assert row["few"] == list(range(LEAST_KEPT))


def test_the_number_of_different_texts_is_estimated_from_the_least_of_their_hashes():
    for n in (3, 255, 2_000, 50_000):
        texts = pa.array([f"name{k}.example" for k in range(n)]).dictionary_encode()
        least = sorted(hashed(texts).to_pylist())[:LEAST_KEPT]
        assert abs(distinct(least) - n) <= (0 if n < LEAST_KEPT else 0.2 * n)


def test_aggregates_that_analytics_share_have_one_name_each():
    by_name = {}
    for analytic in ANALYTICS:
        for aggregate in analytic.aggregates:
            assert by_name.setdefault(aggregate.name, aggregate) is aggregate
            assert not set(aggregate.keys) & (set(aggregate.measures) | {"n"})
