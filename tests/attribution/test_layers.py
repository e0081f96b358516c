"""Three layers, what would change them, and when the evidence does not hang together."""

from __future__ import annotations

import math

import pytest

from stillhunt.attribution.calibrate import restraint_line
from stillhunt.attribution.consistency import mismatch
from stillhunt.attribution.constants import constants
from stillhunt.attribution.countries import origins_of
from stillhunt.attribution.profile import Profile, Table, table_of
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.selftest import self_test
from stillhunt.attribution.weigh import weigh


def _seen(techniques=(), software=()):
    return Seen(techniques=dict.fromkeys(sorted(techniques), ()), software=dict.fromkeys(sorted(software), ()))


def test_a_resemblance_a_country_and_a_group_are_told_apart(judged, hafnium):
    assessment = judged(*hafnium)
    assert assessment.resemblance == "case-1 resembles what is published about HAFNIUM."
    assert assessment.countries[0].country == "CN"
    assert "from China" in assessment.origin
    assert len(assessment.shortlist) == constants().shortlist
    assert assessment.shortlist[0] == "G0125"


def test_shares_of_countries_sum_to_one_and_each_has_its_groups():
    table = Table(
        [Profile(group=g, techniques={"T1": 1}, software={}, n_reports=1) for g in ("G1", "G2", "G3")],
        tools=(),
        origins={"G1": "RU", "G2": "RU", "G3": "CN"},
    )
    found = origins_of(weigh(["T1"], [], table), table, constants().country)
    assert math.isclose(sum(o.probability for o in found), 1.0)
    assert {o.country: o.groups for o in found} == {"RU": ("G1", "G2"), "CN": ("G3",)}


def test_a_base_without_origins_names_no_country():
    table = Table([Profile(group="G1", techniques={"T1": 1}, software={}, n_reports=1)], tools=())
    assert origins_of(weigh(["T1"], [], table), table, constants().country) == ()


def test_a_restraint_brings_a_probability_down_to_the_most_allowed():
    scores = {"G1": 5.0, "G2": 0.0, "unknown group": 1.0}
    line = restraint_line("G1", scores, 0.79)
    held = scores["G1"] + line.weights["G1"]
    others = math.exp(0.0) + math.exp(1.0)
    assert math.exp(held) / (math.exp(held) + others) == pytest.approx(0.79)
    assert restraint_line("G2", scores, 0.79) is None


def test_laid_evidence_leaves_techniques_that_fit_somebody_else():
    own = [f"T1{i:03}" for i in range(20)]
    laid = [f"T2{i:03}" for i in range(5)]
    table = Table(
        [
            Profile(group="G1", techniques=dict.fromkeys(own, 2), software={}, n_reports=3),
            Profile(group="G2", techniques=dict.fromkeys(laid, 2), software={"S1": 1, "S2": 1}, n_reports=3),
            *(Profile(group=f"G{i}", techniques={"T3000": 1}, software={}, n_reports=1) for i in range(3, 12)),
        ],
        tools=(),
        origins={"G1": "RU", "G2": "CN"},
    )
    found = mismatch("G2", _seen([*own[:12], *laid], ["S1", "S2"]), table)
    assert found.group == "G1"
    assert found.by > constants().mismatch
    assert mismatch("G2", _seen(laid, ["S1"]), table) is None  # nothing is left to judge by


def test_what_if_says_who_would_lead(judged, hafnium):
    first, *others = judged(*hafnium).what_if
    assert first.item == "software"
    probabilities = [o.probability for o in others]
    assert probabilities == sorted(probabilities)


def test_groups_that_the_evidence_cannot_tell_apart_are_said_to_be_so(judged):
    assessment = judged(["T1059.001", "T1003.001", "T1105", "T1021.002", "T1053.005", "T1047", "T1570", "T1078"])
    assert any(h.inseparable for h in assessment.hypotheses)
    for hypothesis in assessment.hypotheses:
        assert hypothesis.group not in hypothesis.inseparable


def test_groups_left_out_are_no_candidates(knowledge):
    ranking = weigh(["T1190"], (), table_of(knowledge), without=("G0125",))
    assert "G0125" not in ranking.probabilities
    assert math.isclose(sum(ranking.probabilities.values()), 1.0)


def test_the_self_test_plays_reports_and_says_how_many_it_could_not(knowledge):
    found = self_test(knowledge, n_cases=15)
    assert 0 < found.n_cases <= 15
    assert found.n_cases + found.n_lost <= 15
    assert len(found.rows) == 8
    assert all(0 <= r.low <= r.value <= r.high <= 1 for r in found.rows)
    assert found == self_test(knowledge, n_cases=15)


def test_the_numbers_are_parameters_only_and_no_weight_is_negative():
    numbers = constants()
    assert all(w >= 0 for w in numbers.weights.values())
    assert "development cases" in numbers.made_from
