"""Whole hunts over real logs with known truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

import stillhunt
from stillhunt.terms.level import Level
from stillhunt.workflows import workspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_break_in_of_an_lsass_case_is_dated_within_a_minute_despite_three_clocks(shared_data, tmp_path, number):
    name = f"otrf-lsass-0{number}"
    truth = next(t for t in json.loads((shared_data / "truth/intrusions.json").read_text()) if t["id"] == name)
    found = stillhunt.hunt(shared_data / "intrusions" / name)
    case = found.cases[0]
    assert abs(case.break_in.latest - datetime.fromisoformat(truth["first_break_in"])) < timedelta(minutes=1)
    assert case.hosts[0] == truth["hosts_compromised"][0].lower()
    assert any(c.shift_s for c in found.coverage.clocks)
    assert any("is believed, not the system time" in ground for ground in case.break_in.grounds)
    assert (workspace.save(found.brief, tmp_path / "out")[0]).stat().st_size < 8_000_000


def test_ordinary_machines_give_no_case_above_low(shared_data):
    found = stillhunt.hunt(shared_data / "evtx" / "benign")
    assert found.coverage.n_events > 8_000
    assert [c.opening for c in found.cases if c.level.rank > Level.LOW.rank] == []


def test_attack_samples_end_in_cases(shared_data):
    found = stillhunt.hunt(shared_data / "evtx" / "attack-samples")
    assert found.cases
    in_a_case = {f for c in found.cases for f in c.findings}
    files = {e.ref.file for f in found.brief.findings if f.id in in_a_case for e in f.evidence}
    assert len(files) > 80


def test_damaged_files_are_read_as_far_as_they_go_and_the_rest_is_counted(shared_data):
    coverage = stillhunt.hunt(shared_data / "evtx" / "damaged-or-odd").coverage
    assert coverage.n_events > 0
    assert all(f.source == "windows_evtx" for f in coverage.files)
    assert coverage.n_unread > 0
    assert coverage.problems
