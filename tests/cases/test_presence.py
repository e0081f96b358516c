"""Hands leave hours behind, programs do not: what of a case tells when somebody worked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stillhunt.cases.investigate import investigate
from stillhunt.cases.presence import at_the_keyboard
from stillhunt.telemetry.coverage import Coverage
from stillhunt.terms.entity import Entity, EntityKind

W3WP = "c:\\windows\\system32\\inetsrv\\w3wp.exe"
CMD = "c:\\windows\\system32\\cmd.exe"


def _case(members, trail):
    return investigate(members, trail, Coverage())[0]


def _hours(members, trail, case=None):
    return at_the_keyboard(case or _case(members, trail), {f.id: f for f in members}, trail)


@pytest.fixture
def shell_at_work(at, make_finding):
    """Build a case from Monday to Friday around one shell, which two findings name."""
    return [
        make_finding("first", at(2024, 3, 4, 6), process="shell", account="corp\\alice"),
        make_finding("last", at(2024, 3, 8, 20), process="shell", account="corp\\alice"),
    ]


def test_what_a_shell_of_the_case_started_counts_once_an_hour(at, make_trail, shell_at_work):
    trail = make_trail(
        ("shell", "worker", CMD, W3WP, at(2024, 3, 4, 6)),
        ("a", "shell", "c:\\whoami.exe", CMD, at(2024, 3, 4, 7, 10)),
        ("b", "shell", "c:\\net.exe", CMD, at(2024, 3, 4, 7, 50)),
        ("c", "shell", "c:\\ping.exe", CMD, at(2024, 3, 5, 9)),
        ("d", "elsewhere", "c:\\ping.exe", CMD, at(2024, 3, 6, 9)),
        ("late", "shell", "c:\\ping.exe", CMD, at(2024, 4, 5, 9)),
    )
    assert _hours(shell_at_work, trail) == (at(2024, 3, 4, 6), at(2024, 3, 4, 7, 10), at(2024, 3, 5, 9))


def test_what_is_started_again_and_again_is_a_program_at_work(at, make_trail, shell_at_work):
    often = [(f"p{n}", "shell", "c:\\updater.exe", CMD, at(2024, 3, 4, 8) + n * timedelta(hours=1)) for n in range(11)]
    trail = make_trail(("shell", "worker", CMD, W3WP, at(2024, 3, 4, 6)), *often)
    assert _hours(shell_at_work, trail) == (at(2024, 3, 4, 6),)


def test_what_a_service_started_says_nothing(at, make_trail, shell_at_work):
    trail = make_trail(
        ("shell", "x", "c:\\windows\\system32\\services.exe", "c:\\windows\\system32\\wininit.exe", at(2024, 3, 4, 6)),
        ("a", "shell", "c:\\agent.exe", "c:\\windows\\system32\\services.exe", at(2024, 3, 4, 7)),
    )
    assert _hours(shell_at_work, trail) == ()


@pytest.mark.parametrize(
    ("tactics", "count", "n_hours"),
    [
        (("collection",), 1, 1),
        (("discovery", "execution"), 10, 1),
        (("collection",), 11, 0),
        (("command-and-control",), 1, 0),
    ],
)
def test_records_without_a_process_count_where_a_hand_is_needed(
    at, make_finding, make_trail, *, tactics, count, n_hours
):
    members = [
        replace(make_finding(name, at(2024, 3, 4, 6), account="alice@corp", tactics=tactics), count=count)
        for name in ("one", "two")
    ]
    assert len(_hours(members, make_trail())) == n_hours


def test_requests_to_a_web_server_count_whatever_the_tactic(at, make_finding, make_trail):
    asked = make_finding("asked", at(2024, 3, 4, 6), tactics=("persistence",))
    asked = replace(asked, entities=(*asked.entities, Entity(EntityKind.URL, "/owa/x.aspx")))
    other = make_finding("other", at(2024, 3, 4, 9))
    assert _hours([asked, other], make_trail()) == (at(2024, 3, 4, 6),)


def test_a_case_without_times_has_no_hours(make_finding, make_trail, at):
    members = [make_finding(n, at(2024, 3, 4, 6), tactics=("collection",)) for n in ("one", "two")]
    timeless = replace(_case(members, make_trail()), first_at=None, last_at=None)
    assert _hours(members, make_trail(), timeless) == ()
