"""What an estate does every day is told as a habit and opens no case; what began one day never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stillhunt.cases.habit import habits
from stillhunt.cases.investigate import investigate
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.coverage import Coverage, HostSpan
from stillhunt.terms.level import Level

HOSTS = ("h1", "h2", "h3", "h4", "h5")


@pytest.fixture
def spans(at):
    return {h: HostSpan(host=h, n_events=9, first_at=at(2021, 1, 1), last_at=at(2021, 3, 1)) for h in HOSTS}


@pytest.fixture
def daily(make_finding, at):
    def make(name="backup", *, host="h1", level=Level.MEDIUM, n_days=43, first=None):
        return replace(make_finding(name, first or at(2021, 1, 2), host=host, level=level), n_days=n_days)

    return make


def test_what_happened_on_every_working_day_from_the_beginning_is_a_habit(daily, spans):
    (habit,) = habits([daily()], spans)
    assert habit.finding == "finding-backup-h1"
    assert habit.why == "seen on 43 days of the 60 of its host's logs, and has been since they begin"


@pytest.mark.parametrize(
    "changed",
    [{"n_days": 20}, {"level": Level.HIGH}],
    ids=["too seldom", "too serious"],
)
def test_what_is_seldom_or_serious_is_none(daily, spans, changed):
    assert habits([daily(**changed)], spans) == ()


def test_what_began_after_the_logs_did_is_none_however_often(daily, spans, at):
    assert habits([daily(first=at(2021, 1, 10), n_days=50)], spans) == ()


def test_logs_of_a_few_days_have_no_habits(daily, spans):
    short = {h: replace(s, last_at=s.first_at + timedelta(days=10)) for h, s in spans.items()}
    assert habits([daily(n_days=11)], short) == ()


def test_what_most_hosts_do_is_a_habit_whatever_its_level(daily, spans):
    found = [daily(host=h, level=Level.CRITICAL) for h in HOSTS[:3]]
    assert len(habits(found, spans)) == 3
    assert habits(found[:2], spans) == ()


def test_a_finding_whose_host_has_no_known_span_is_none(daily, spans):
    assert habits([daily(host="elsewhere")], spans) == ()


def test_a_habit_opens_no_case_and_is_not_lost(daily, spans):
    finding = daily()
    coverage = Coverage(hosts=tuple(spans.values()))
    assert len(investigate([finding], Trail(), coverage)) == 1
    folded = {habit.finding for habit in habits([finding], spans)}
    assert investigate([finding], Trail(), coverage, folded=folded) == ()
