"""An estate is invented, whole, and different for every seed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.simulation.chance import stream, visits
from stillhunt.simulation.estate import Organisation, found_estate, outside_addresses

OFFICE = Organisation(
    title="Sample Office",
    domain="office.example",
    netbios="OFFICE",
    departments=("One", "Two"),
    register_share="Registers",
    register_file="register_{year}.csv",
)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_names_addresses_and_identifiers_are_never_shared(seed):
    estate = found_estate(OFFICE, seed=seed)
    people = (*estate.staff, *estate.administrators, *estate.services)
    assert len({p.login for p in people}) == len({p.sid for p in people}) == len(people)
    sids = {h.account_sid for h in estate.hosts}
    assert len(sids | {p.sid for p in people}) == len(sids) + len(people)
    addresses = [h.address for h in estate.hosts] + [p.seat for p in estate.staff if not p.workstation]
    addresses += [p.home for p in estate.staff] + [estate.scanner, *estate.neighbours, *estate.unused]
    assert len(set(addresses)) == len(addresses)


def test_a_seed_founds_one_estate():
    assert found_estate(OFFICE, seed=5) == found_estate(OFFICE, seed=5)
    assert found_estate(OFFICE, seed=5) != found_estate(OFFICE, seed=6)


def test_outside_addresses_come_from_the_networks_asked_for():
    chosen = outside_addresses(stream(1, "test"), 20, networks=("203.0.113",))
    assert len(set(chosen)) == 20
    assert all(a.startswith("203.0.113.") for a in chosen)


@given(st.integers(), st.floats(0, 20))
def test_visits_stay_near_their_mean(seed, mean):
    assert 0 <= visits(stream(seed, "visits"), mean) <= mean * 1.4 + 1
