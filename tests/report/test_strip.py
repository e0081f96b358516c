"""Time on the strip is true to scale, whatever its length."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.report.strip import host_bands, strip_of
from stillhunt.telemetry.coverage import Coverage, Gap, HostSpan

START = datetime(2021, 8, 24, 3, 12, tzinfo=UTC)


def _strip(brief, **changes):
    case = dataclasses.replace(brief.cases[0], **changes)
    return strip_of(case, {f.id: f for f in brief.findings}, brief.coverage)


def _lasting(brief, length: timedelta):
    findings = {
        f.id: dataclasses.replace(f, first_at=START, last_at=START + length, evidence=()) for f in brief.findings
    }
    case = dataclasses.replace(brief.cases[0], last_at=START + length, quiet=())
    spans = (HostSpan(host="web1", n_events=1, first_at=START - 9 * length, last_at=START + 9 * length),)
    return strip_of(case, findings, Coverage(hosts=spans))


@given(seconds=st.integers(0, 20 * 365 * 86_400))
def test_everything_lies_on_the_strip_and_the_case_has_at_least_half_of_it(make_brief, seconds):
    strip = _lasting(make_brief(), timedelta(seconds=seconds))
    lefts = [d.left for lane in strip.lanes for d in lane.dots]
    assert all(0 <= left <= 100 for left in [*lefts, *(t for t, _ in strip.ticks)])
    assert seconds < 120 or max(lefts) - min(lefts) >= 49.9
    assert len(strip.ticks) <= 8


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=70), "03:12"),
        (timedelta(hours=9), "06:00"),
        (timedelta(days=3), "25 Aug"),
        (timedelta(days=40), "5 Aug"),
        (timedelta(days=420), "Jan 2022"),
        (timedelta(days=3650), "Jan 2025"),
    ],
)
def test_ticks_stand_at_round_times(make_brief, length, words):
    assert words in {w for _, w in _lasting(make_brief(), length).ticks}


def test_a_long_silence_says_how_long(make_brief):
    (silence,) = _strip(make_brief()).silences
    assert silence.words == "quiet 7 months"
    assert silence.width == pytest.approx(100 * 199 / 430, abs=25)


def test_findings_at_one_place_are_one_dot_of_the_gravest(make_brief):
    brief = make_brief(n_findings=30)
    findings = {f.id: dataclasses.replace(f, first_at=START, last_at=START, evidence=()) for f in brief.findings}
    strip = strip_of(brief.cases[0], findings, brief.coverage)
    (dot,) = strip.lanes[0].dots
    assert dot.size == 3
    assert dot.label == "24 August 2021 03:12 UTC: Web server starts a shell, and 29 more"


def test_a_break_in_between_two_times_is_a_stretch(make_brief):
    brief = make_brief()
    entry = dataclasses.replace(
        brief.cases[0].break_in, earliest=START + timedelta(days=10), latest=START + timedelta(days=100)
    )
    assert _strip(brief, break_in=entry).entry.width > 10
    assert _strip(brief, break_in=dataclasses.replace(entry, is_censored=True)).entry.width == 0


def test_a_case_without_times_has_no_strip(make_brief):
    brief = make_brief()
    entry = dataclasses.replace(brief.cases[0].break_in, earliest=None, latest=None)
    assert _strip(brief, break_in=entry, first_at=None, last_at=None) is None


def test_gaps_lie_over_the_logs_of_their_host():
    spans = (
        HostSpan(host="a", n_events=1, first_at=START, last_at=START + timedelta(days=100)),
        HostSpan(host="b", n_events=0, first_at=None, last_at=None),
    )
    gap = Gap(
        host="a", channel="Security", start_at=START + timedelta(days=20), end_at=START + timedelta(days=30), why=""
    )
    (logs, silence), nothing = host_bands(Coverage(hosts=spans, gaps=(gap,)), spans)
    assert (logs.left, logs.width, logs.is_gap) == (0, 100, False)
    assert (silence.left, silence.width, silence.is_gap) == (20, 10, True)
    assert silence.label.startswith("nothing in Security from 13 September 2021")
    assert nothing == ()
