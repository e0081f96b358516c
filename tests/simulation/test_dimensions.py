"""Two intruders in one estate, logs of which part is withheld, and estates with nobody in them."""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from itertools import permutations
from pathlib import Path

import pytest

from stillhunt.errors import UnknownNameError
from stillhunt.simulation.partial import Partial
from stillhunt.simulation.scenario import SCENARIOS, simulate

SCRIPTS = [name for name in SCENARIOS.names() if name != "quiet"]
DAY = timedelta(days=1)
PAIRS = list(permutations(SCRIPTS, 2))[::4]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=str)
def test_two_intruders_are_kept_apart(first, second, tmp_path):
    truth = simulate(first, tmp_path, seed=7, companion=second, is_small=True)
    one, other = truth.intrusions
    assert (one.name, other.name, truth.companion) == (first, second, second)
    assert not set(one.addresses) & set(other.addresses)
    assert not set(one.accounts_confirmed) & set(other.accounts_confirmed)
    assert not set(one.domains) & set(other.domains)
    assert {s.intruder for s in truth.stages} == {first, second}
    assert truth.first_break_in == min(one.first_break_in, other.first_break_in)
    assert set(truth.hosts_confirmed) == {*one.hosts_confirmed, *other.hosts_confirmed}
    assert min(one.n_visible, other.n_visible) > 20


def test_two_of_one_script_have_two_names(tmp_path):
    truth = simulate("vpn", tmp_path, seed=7, companion="vpn", is_small=True)
    assert [i.name for i in truth.intrusions] == ["vpn", "vpn-2"]
    assert truth.intrusions[0].first_break_in != truth.intrusions[1].first_break_in


@pytest.mark.parametrize("name", SCRIPTS)
def test_late_logs_begin_after_the_break_in(name, tmp_path):
    truth = simulate(name, tmp_path, seed=4, partial="late", is_small=True)
    (intruder,) = truth.intrusions
    assert truth.starts_at > intruder.first_break_in + 19 * DAY
    assert intruder.first_visible is None or intruder.first_visible > intruder.first_break_in
    assert truth.withheld
    assert all(len(sentence.split()) >= 3 for sentence in truth.withheld)


@pytest.mark.parametrize("name", SCRIPTS)
def test_logs_of_the_entry_begin_after_it_and_others_before(name, tmp_path):
    truth = simulate(name, tmp_path, seed=4, partial=Partial.ENTRY, is_small=True)
    (intruder,) = truth.intrusions
    assert truth.starts_at < intruder.first_break_in
    assert intruder.first_visible is None or intruder.first_visible > intruder.first_break_in + 5 * DAY


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_missing_host_has_no_logs(name, tmp_path):
    whole = simulate(name, tmp_path / "whole", seed=4, is_small=True)
    truth = simulate(name, tmp_path / "missing", seed=4, partial="missing", is_small=True)
    (sentence,) = truth.withheld
    gone = sentence.removeprefix("all logs of ").removesuffix(" are missing")
    assert not [source for source in truth.begins if gone in source.split()]
    assert truth.n_events < whole.n_events
    assert truth.first_break_in == whole.first_break_in


def test_retention_keeps_each_log_for_a_time_of_its_own(tmp_path):
    truth = simulate("vpn", tmp_path, seed=4, partial="retention", is_small=True)
    ages = {(truth.ends_at - begins).days // 30 for begins in truth.begins.values()}
    assert len(ages) >= 3
    assert max(ages) < 14


def test_a_gap_leaves_holes_in_record_ids(tmp_path, read_windows):
    for seed in range(1, 9):
        truth = simulate("vpn", tmp_path, seed=seed, partial="gap", is_small=True)
        if "DC01" in truth.withheld[0]:
            break
    since, until = truth.withheld[0].split(" lack ")[1].split(" to ")
    security = [r for r in read_windows(tmp_path) if r.host.startswith("DC01") and r.channel == "Security"]
    assert not [r for r in security if since < r.at[:10] < until]
    ids = [r.record_id for r in security]
    assert max(ids) - min(ids) + 1 > len(ids)


def test_an_unknown_part_is_refused_before_anything_is_touched(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown part of the logs `lost`") as caught:
        simulate("vpn", tmp_path / "out", partial="lost")
    assert "retention" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_the_corpus_is_two_hundred_different_runs_of_known_scripts():
    path = Path(__file__).parents[2] / "benchmarks" / "cases.py"
    spec = spec_from_file_location("cases_benchmark", path)
    cases = module_from_spec(spec)
    sys.modules[spec.name] = cases
    spec.loader.exec_module(cases)
    runs = cases.corpus()
    assert len(runs) == len(set(runs)) == 200
    assert {r.scenario for r in runs} == {*SCRIPTS, "quiet"}
    assert {r.partial for r in runs} == {"", *(part.value for part in Partial)}
    assert sum(bool(r.companion) for r in runs) == 40


def test_partial_logs_of_a_quiet_estate_are_repeatable(tmp_path, digests):
    one = simulate("quiet", tmp_path / "one", seed=3, partial="gap", is_small=True)
    assert one == simulate("quiet", tmp_path / "two", seed=3, partial="gap", is_small=True)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_small_quiet_estates_differ_and_tempt(tmp_path, formats):
    """Nobody is in them, and what an eager rule would take for an intruder stands in their logs."""
    kinds, text = set(), ""
    for seed in range(1, 11):
        truth = simulate("quiet", tmp_path, seed=seed, is_small=True)
        assert truth.intrusions == truth.stages == ()
        assert truth.first_break_in is None
        assert truth.n_events <= 30_000
        kinds.add(frozenset(source.partition(" ")[0] for source in truth.begins))
        text += "\n".join(formats.text_of(tmp_path / name) for name in truth.inputs)
    assert len(kinds) >= 4
    for tempting in (
        "Consent to application",
        "Add service principal credentials",
        "New-InboxRule",
        "Add-MailboxPermission",
        "python-requests",
        "wbadmin.exe start systemstatebackup",
        "SampleScan",
        "mysqldump",
        "telemetry.sample-av.example",
        "vault.sample-backup.example",
        "List-Unsubscribe",
        "new.starter1",
        "Accepted publickey for deploy",
        "/uploads/c99.php",
        "ps1",
        '"EventID":4720',
    ):
        assert tempting in text, tempting
