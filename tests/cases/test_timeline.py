"""The break-in is dated to what the logs can bear, and no further."""

from __future__ import annotations

from datetime import timedelta

from stillhunt.cases.timeline import break_in, core, quiet_periods, signs, stages
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.coverage import HostSpan
from stillhunt.terms.level import Level


def _span(first, last, host="web1"):
    return {host: HostSpan(host=host, n_events=10, first_at=first, last_at=last)}


def test_an_initial_access_finding_dates_the_break_in_to_itself(make_finding, at):
    entry = make_finding("proxyshell", at(2021, 8, 24, 3, 12), tactics=("initial-access",))
    later = make_finding("dump", at(2021, 9, 1), tactics=("credential-access",))
    found = break_in([later, entry], Trail(), _span(at(2021, 6, 1), at(2022, 10, 28)))
    assert (found.earliest, found.latest, found.is_censored) == (entry.first_at, entry.first_at, False)
    assert found.findings == (entry.id,)


def test_a_later_stage_is_no_bound_to_the_past_however_far_the_logs_reach_back(make_finding, at):
    dump = make_finding("dump", at(2021, 9, 1), tactics=("credential-access",))
    found = break_in([dump], Trail(), _span(at(2021, 6, 1), at(2021, 10, 1)))
    assert (found.earliest, found.latest, found.is_censored) == (None, at(2021, 9, 1), True)
    assert any("or lies before they begin" in ground for ground in found.grounds)


def test_logs_that_begin_just_before_the_first_sign_censor_the_break_in(make_finding, at):
    dump = make_finding("dump", at(2021, 9, 1, 12), tactics=("credential-access",))
    found = break_in([dump], Trail(), _span(at(2021, 9, 1, 11), at(2021, 10, 1)))
    assert (found.earliest, found.latest, found.is_censored) == (None, at(2021, 9, 1, 12), True)
    assert any("cannot be known" in ground for ground in found.grounds)


def test_the_process_tree_is_followed_back_to_what_a_user_opened(make_finding, make_trail, at):
    start = at(2023, 8, 16, 4, 54)
    trail = make_trail(
        ("shell", "explorer", "C:\\Users\\a\\Downloads\\invoice.exe", "C:\\Windows\\explorer.exe", start),
        ("child", "shell", "C:\\Windows\\System32\\cmd.exe", "C:\\Users\\a\\Downloads\\invoice.exe", start),
    )
    dump = make_finding("dump", start + timedelta(minutes=9), process="child", tactics=("credential-access",))
    found = break_in([dump], trail, _span(start - timedelta(seconds=30), start + timedelta(hours=1)))
    assert (found.earliest, found.latest, found.is_censored) == (start, start, False)
    assert "invoice.exe" in found.grounds[0]


def test_a_shell_that_an_administrator_opened_is_no_way_in(make_finding, make_trail, at):
    start = at(2023, 8, 16, 4, 54)
    trail = make_trail(("s", "e", "C:\\Windows\\System32\\cmd.exe", "C:\\Windows\\explorer.exe", start))
    dump = make_finding("ntds", start + timedelta(minutes=1), process="s", tactics=("credential-access",))
    found = break_in([dump], trail, _span(start - timedelta(hours=1), start + timedelta(hours=1)))
    assert (found.latest, found.is_censored) == (start, True)


def test_a_cleared_log_before_the_first_sign_is_told_but_dates_nothing(make_finding, at):
    cleared = make_finding("cleared", at(2021, 9, 1, 1), tactics=("defense-evasion",), techniques=("T1070.001",))
    entry = make_finding("entry", at(2021, 9, 1, 2), tactics=("initial-access",))
    found = break_in([cleared, entry], Trail(), _span(at(2021, 9, 1, 1), at(2021, 10, 1)))
    assert found.latest == entry.first_at
    assert any("cleared" in ground and "gone" in ground for ground in found.grounds)
    alone = break_in([cleared], Trail(), _span(at(2021, 9, 1, 1), at(2021, 10, 1)))
    assert alone.latest == cleared.first_at


def test_findings_without_a_time_give_no_date(make_finding):
    found = break_in([make_finding("dump", None)], Trail(), {})
    assert found.latest is None
    assert found.is_censored


def test_a_low_oddity_months_before_does_not_carry_the_case(make_finding, at):
    oddity = make_finding("oddity", at(2021, 1, 1), level=Level.LOW)
    dump = make_finding("dump", at(2021, 9, 1))
    assert core([oddity, dump], Trail()) == (dump,)


def test_a_low_finding_of_the_same_process_tree_carries_the_case(make_finding, make_trail, at):
    trail = make_trail(("p", "x", "C:\\tmp\\a.exe", "C:\\Windows\\explorer.exe", at(2021, 9, 1)))
    low = make_finding("whoami", at(2021, 9, 1), level=Level.LOW, process="p")
    dump = make_finding("dump", at(2021, 9, 1), process="p")
    assert core([low, dump], trail) == (low, dump)


def test_quiet_periods_are_silences_of_more_than_a_week(at):
    times = [at(2021, 1, 1), at(2021, 1, 5), at(2021, 3, 1)]
    assert quiet_periods(times) == ((at(2021, 1, 5), at(2021, 3, 1)),)


def test_stages_come_in_the_order_of_the_matrix_with_their_times(make_finding, at):
    first = make_finding("a", at(2021, 1, 2), tactics=("exfiltration", "collection"), techniques=("T1560",))
    second = make_finding("b", at(2021, 1, 1), tactics=("collection",), techniques=("T1114.002",))
    found = stages([first, second])
    assert [s.tactic for s in found] == ["collection", "exfiltration"]
    assert (found[0].first_at, found[0].last_at) == (at(2021, 1, 1), at(2021, 1, 2))
    assert found[0].techniques == ("T1114.002", "T1560")


def test_signs_are_all_known_times_once(make_finding, at):
    finding = make_finding("a", at(2021, 1, 1), last_at=at(2021, 2, 1))
    assert signs([finding, make_finding("b", None)]) == [at(2021, 1, 1), at(2021, 2, 1)]
