"""Where many of a house come from is a house: what is done from there by one of them is ordinary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stillhunt.cases.habit import ordinary
from stillhunt.cases.investigate import investigate
from stillhunt.cases.link import acting, link
from stillhunt.cases.opening import opening
from stillhunt.cases.origins import origins_of
from stillhunt.cases.trail import Trail
from stillhunt.cases.triage import case_level
from stillhunt.telemetry.coverage import Coverage
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

OFFICE, HOME, STRANGE = "198.51.100.7", "198.51.100.80", "203.0.113.50"
ARRIVALS = [*((f"corp\\user{n}", OFFICE) for n in range(5)), ("corp\\user1", HOME), ("corp\\user1", STRANGE)]


def test_an_address_of_many_accounts_is_a_house():
    origins = origins_of(ARRIVALS)
    assert (origins.is_house(OFFICE), origins.is_house(HOME)) == (True, False)
    assert not origins_of([("corp\\a", "10.0.0.1"), ("corp\\b", "10.0.0.1"), ("corp\\c", "10.0.0.1")]).houses


@pytest.mark.parametrize(
    ("changed", "is_ordinary"),
    [
        ({}, True),
        ({"address": STRANGE}, False),
        ({"account": "corp\\nobody"}, False),
        ({"host": "dc01"}, False),
        ({"account": ""}, False),
    ],
)
def test_a_rule_about_a_service_is_ordinary_only_from_home_by_one_of_the_house(make_finding, at, changed, is_ordinary):
    told = {"host": "", "account": "corp\\user1", "address": OFFICE} | changed
    found = ordinary([make_finding("key", at(2021, 5, 1), **told)], origins_of(ARRIVALS))
    assert bool(found) is is_ordinary
    if found:
        assert found[0].why == f"done from {OFFICE}, where 5 accounts of the house come from, by one of them"


def test_analytics_compare_with_what_is_usual_themselves(make_finding, at):
    finding = make_finding("key", at(2021, 5, 1), host="", account="corp\\user1", address=OFFICE)
    finding = replace(finding, detector=replace(finding.detector, kind="behaviour"))
    assert ordinary([finding], origins_of(ARRIVALS)) == ()


def _with(finding, *entities):
    return replace(finding, entities=(*finding.entities, *entities))


def test_whoever_signs_in_acts_and_an_application_acts_through_whoever_gave_it_a_key(make_finding, at):
    number = "c4d58ce6-464a-10f1-1d71-31aee27fefac"
    sign_in = _with(make_finding("in", at(2021, 5, 1), host=""), Entity(EntityKind.ACCOUNT, "corp\\bob", "target"))
    key = _with(
        make_finding("key", at(2021, 5, 2), host="", account="corp\\bob"),
        Entity(EntityKind.ACCOUNT, number, "target"),
    )
    read = make_finding("read", at(2021, 9, 1), host="", account=number, address=STRANGE)
    reset = _with(
        make_finding("reset", at(2021, 5, 1), host="", account="corp\\eve"),
        Entity(EntityKind.ACCOUNT, "corp\\bob", "target"),
    )
    assert (acting(sign_in), acting(key), acting(reset)) == (("corp\\bob",), ("corp\\bob", number), ("corp\\eve",))
    components = link([sign_in, key, read, reset], Trail(), n_hosts=0)
    assert sorted(len(members) for members, _ in components) == [1, 3]


def test_an_analytic_that_measured_on_several_days_stands_by_itself(make_finding, at):
    finding = make_finding("read", at(2021, 5, 1), level=Level.HIGH)
    measured = replace(finding, detector=replace(finding.detector, kind="behaviour"), n_days=12)
    assert case_level([measured])[0] is Level.HIGH
    assert case_level([replace(measured, n_days=1)])[0] is Level.MEDIUM


def test_the_number_of_a_services_account_is_nobody(make_finding, at):
    assert acting(make_finding("x", at(2021, 5, 1), account="33")) == ()
    assert acting(make_finding("x", at(2021, 5, 1), account="1001")) == ("1001",)


def test_an_opening_never_puts_somebody_on_the_address_they_came_from(make_finding, at):
    acts = [
        make_finding(name, at(2021, 5, 1), host="", account="corp\\bob", address=STRANGE, tactics=(name,))
        for name in ("persistence", "collection")
    ]
    (case,) = investigate(acts, Trail(), Coverage(files=(), hosts=(), classes=()))
    assert f"was very probably in the account corp\\bob, from {STRANGE}," in opening(case)
