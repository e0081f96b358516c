"""Records that are there twice, in one export, in two, and in those of two processes."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.seen import Seen, held_before


@given(st.lists(st.text(max_size=3)))
def test_the_first_of_each_is_new_and_no_other(identities):
    seen = Seen()
    assert [seen.is_new(identity) for identity in identities] == [
        identity not in identities[:place] for place, identity in enumerate(identities)
    ]
    assert len(seen) == len(set(identities))


def test_many_records_take_at_most_twenty_two_bytes_each():
    seen = Seen()
    assert sum(seen.is_new(str(number)) for number in range(100_000)) == 100_000
    assert not any(seen.is_new(str(number)) for number in range(0, 100_000, 97))
    assert seen._table.itemsize * len(seen._table) <= 22 * len(seen)


def test_what_was_kept_is_said_by_its_place():
    seen = Seen(place=("a", 0), kept={})
    seen.is_new("1")
    seen.place = "b", 0
    seen.is_new("1")
    seen.is_new("2")
    assert {place: len(digests) for place, digests in seen.kept.items()} == {("a", 0): 1, ("b", 0): 1}


@given(
    st.dictionaries(st.tuples(st.sampled_from("abcdef"), st.integers(0, 1)), st.sets(st.integers(1, 9), min_size=1)),
    st.integers(1, 3),
)
def test_several_processes_keep_what_one_does(files, n_processes):
    """Simulate both: every process reads its files in order, and reads them again if it must."""

    def read(places, known):
        held, kept = set(known), {}
        for place in sorted(places):
            if new := files[place] - held:
                kept[place] = array("Q", sorted(new))
                held |= new
        return kept

    shares = [
        [place for number, place in enumerate(sorted(files)) if number % n_processes == n] for n in range(n_processes)
    ]
    first = [read(share, ()) for share in shares]
    known = held_before(first)
    parts = [read(share, known[n]) if known[n] else first[n] for n, share in enumerate(shares)]
    together = {place: list(digests) for kept in parts for place, digests in kept.items()}
    assert together == {place: list(digests) for place, digests in read(files, ()).items()}


@pytest.mark.parametrize("parts", [[], [{}], [{}, {}], [{("a", 0): array("Q", [1])}, {}]])
def test_nothing_is_shared_where_one_process_read_alone(parts):
    assert held_before(parts) == [array("Q") for _ in parts]
