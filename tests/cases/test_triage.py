"""A case is as serious as its evidence together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stillhunt.cases.case import Link
from stillhunt.cases.triage import case_level, is_case
from stillhunt.terms.level import Level


def test_a_detector_alone_is_taken_one_step_down(make_finding, at):
    level, why = case_level([make_finding("dump", at(2021, 1, 1), level=Level.HIGH)])
    assert level is Level.MEDIUM
    assert "alone" in why


def test_two_detectors_of_medium_level_keep_it(make_finding, at):
    found = [make_finding(n, at(2021, 1, 1), level=Level.MEDIUM) for n in ("a", "b")]
    assert case_level(found)[0] is Level.MEDIUM


def test_strong_detectors_over_four_tactics_raise_the_level(make_finding, at):
    tactics = (("initial-access", "execution"), ("persistence", "credential-access"))
    found = [make_finding(str(i), at(2021, 1, 1), tactics=t) for i, t in enumerate(tactics)]
    assert case_level(found)[0] is Level.CRITICAL


def test_several_records_of_one_act_do_not_confirm_each_other(make_finding, at):
    found = [make_finding(n, at(2021, 1, 1), techniques=("T1003.001",)) for n in ("read", "dumped", "written")]
    assert case_level(found)[0] is Level.MEDIUM
    beside = make_finding("service", at(2021, 1, 1), level=Level.MEDIUM, techniques=("T1543.003",))
    assert case_level([*found, beside])[0] is Level.HIGH


def test_oddities_months_apart_do_not_confirm_each_other(make_finding, at):
    found = [make_finding(str(m), at(2021, m, 1), level=Level.MEDIUM) for m in (1, 6)]
    assert case_level(found)[0] is Level.LOW


def test_findings_without_a_time_are_weighed_as_well(make_finding):
    found = [make_finding(n, None, level=Level.HIGH) for n in ("a", "b")]
    assert case_level(found)[0] is Level.HIGH


def test_the_same_detector_twice_is_still_one(make_finding, at):
    found = [make_finding("a", at(2021, 1, i), level=Level.MEDIUM, host=f"h{i}") for i in (1, 2)]
    assert case_level(found)[0] is Level.LOW


@pytest.mark.parametrize(
    ("n_low", "tactics", "expected"), [(2, ("a", "b"), False), (3, ("a", "b"), True), (3, ("a", "a"), False)]
)
def test_low_findings_make_a_case_only_together(make_finding, at, n_low, tactics, expected):
    found = [make_finding(str(i), at(2021, 1, 1), level=Level.LOW, tactics=(tactics[i % 2],)) for i in range(n_low)]
    assert is_case(found) is expected


def test_what_shares_more_than_a_host_confirms_each_other_however_far_apart(make_finding, at):
    found = [make_finding(n, at(2021, m, 1), level=level) for n, m, level in _MONTHS_APART]
    link = Link(a=found[0].id, b=found[1].id, reason="the same account acting: corp\\x")
    assert case_level(found)[0] is Level.MEDIUM
    assert case_level(found, [link])[0] is Level.HIGH
    assert "by the same hand" in case_level(found, [link])[1]
    assert case_level(found, [replace(link, is_weak=True)])[0] is Level.MEDIUM


_MONTHS_APART = [("dump", 1, Level.HIGH), ("tool", 7, Level.MEDIUM)]


def test_what_is_medium_at_most_stays_apart_whatever_it_shares(make_finding, at):
    found = [make_finding(str(m), at(2021, m, 1), level=Level.MEDIUM) for m in (1, 6)]
    assert case_level(found, [Link(a=found[0].id, b=found[1].id, reason="the same address")])[0] is Level.LOW
