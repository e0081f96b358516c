"""Record ids are kept as runs, whatever order they come in."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.sequence import IdRuns


def ids_of(*batches):
    runs = IdRuns()
    for batch in batches:
        runs.add(pa.array(batch, pa.int64()))
    return runs


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=6))
def test_runs_hold_exactly_the_ids_that_were_seen(batches):
    runs = ids_of(*batches)
    seen = {number for batch in batches for number in batch}
    assert {n for start, end in runs.runs() for n in range(start, end + 1)} == seen
    assert all(b > a + 1 for a, b in zip(runs.ends, runs.starts[1:], strict=False))
    assert runs.n_repeated == sum(map(len, batches)) - len(seen)
    missing = {n for a, b in runs.holes() for n in range(a, b + 1)}
    assert missing == (set(range(min(seen), max(seen) + 1)) - seen if seen else set())


@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60)))
def test_holes_that_another_file_fills_are_none(own, others):
    holes = ids_of(sorted(own)).holes()
    left = ids_of(sorted(others)).without(holes)
    assert {n for a, b in left for n in range(a, b + 1)} == {n for a, b in holes for n in range(a, b + 1)} - others


def test_joining_is_as_reading_at_once():
    one, other = ids_of([1, 2, 9]), ids_of([3, 4, 9])
    one.take(other)
    assert (list(one.runs()), one.n_repeated) == ([(1, 4), (9, 9)], 1)


def test_a_selection_of_records_takes_no_memory():
    runs = ids_of(list(range(0, 90_000, 3)))
    assert (runs.is_selection, runs.starts, runs.n_ids, runs.n_repeated) == (True, [], 30_000, 0)
