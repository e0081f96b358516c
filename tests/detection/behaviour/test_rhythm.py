from __future__ import annotations

import math
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.detection.behaviour.rhythm import rhythm_of, with_rhythm

SECOND = 1_000_000


def times(period, *, jitter=0.0, n=100, seed=1, on_grid=False):
    chance = random.Random(seed)
    if on_grid:
        return sorted(int((1e6 + period * (k + chance.uniform(-jitter, jitter))) * SECOND) for k in range(n))
    at, made = 1e6, []
    for _ in range(n):
        at += period * (1 + chance.uniform(-jitter, jitter))
        made.append(int(at * SECOND))
    return made


@pytest.mark.parametrize("period", [9, 30, 270, 3_600, 86_400, 7 * 86_400])
@pytest.mark.parametrize("jitter", [0, 0.1, 0.4])
@pytest.mark.parametrize("on_grid", [False, True])
def test_the_period_is_found_within_five_per_cent_and_never_a_multiple_of_it(period, jitter, on_grid):
    found = rhythm_of(times(period, jitter=jitter, on_grid=on_grid))
    assert found.score > 400
    assert found.period_us / SECOND == pytest.approx(period, rel=0.05)


def test_lost_contacts_do_not_double_the_period():
    chance = random.Random(2)
    kept = [at for at in times(600, jitter=0.1, n=300) if chance.random() > 0.3]
    assert rhythm_of(kept).period_us / SECOND == pytest.approx(600, rel=0.05)


def test_each_contact_may_be_a_burst_of_requests():
    bursts = sorted(at + n * 11 * SECOND for at in times(7_200, jitter=0.1) for n in range(4))
    assert rhythm_of(bursts).period_us / SECOND == pytest.approx(7_200, rel=0.05)


def test_noise_beside_a_beacon_does_not_hide_it():
    chance = random.Random(3)
    beacon = times(3_600, jitter=0.05, n=300)
    noise = [chance.randint(beacon[0], beacon[-1]) for _ in range(40)]
    assert rhythm_of(sorted(beacon + noise)).period_us / SECOND == pytest.approx(3_600, rel=0.05)


def test_unrelated_events_look_regular_no_more_often_than_the_score_says():
    chance = random.Random(4)
    scores = []
    for _ in range(2_000):
        n, span = chance.randint(6, 60), math.exp(chance.uniform(math.log(3_600), math.log(400 * 86_400)))
        scores.append(rhythm_of(sorted(int(chance.uniform(0, span) * SECOND) for _ in range(n))).score)
    assert sum(score >= 200 for score in scores) <= 20
    assert sum(score >= 400 for score in scores) == 0


@pytest.mark.parametrize("events", [[], [1], [1] * 50, list(range(10)), [0, 1, 2, 3, 4, 10**15]])
def test_few_or_simultaneous_events_have_no_rhythm(events):
    assert rhythm_of(events).period_us == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 10**12), max_size=30), max_size=8))
def test_a_table_is_judged_row_by_row_whatever_the_other_rows(rows):
    lists = pa.array([sorted(row) for row in rows], pa.large_list(pa.int64()))
    whole = with_rhythm(pa.table({"times": lists}))
    single = [with_rhythm(pa.table({"times": lists.slice(n, 1)})).to_pylist()[0] for n in range(len(rows))]
    assert whole.to_pylist() == single
    assert whole["days"].to_pylist() == [len({at // (86_400 * SECOND) for at in row}) for row in rows]
