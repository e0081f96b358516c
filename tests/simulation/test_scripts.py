"""Every script keeps its promises: repeatable, small, true to its records, silent before it begins."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from stillhunt.simulation.opening import open_estate
from stillhunt.simulation.scenario import SCENARIOS, _play, simulate
from stillhunt.telemetry.collect import Reading

SCRIPTS = [name for name in SCENARIOS.names() if name != "quiet"]
SECOND = timedelta(seconds=1)


def test_the_same_arguments_give_the_same_bytes(script, tmp_path, digests):
    truth = script.truth
    assert simulate(truth.scenario, tmp_path, seed=truth.seed, is_small=True) == truth
    assert digests(tmp_path) == digests(script.folder)


@pytest.mark.parametrize("name", SCRIPTS)
def test_another_seed_is_another_intrusion(name, tmp_path):
    one = simulate(name, tmp_path / "one", seed=11, is_small=True)
    other = simulate(name, tmp_path / "other", seed=12, is_small=True)
    assert one.first_break_in != other.first_break_in
    assert set(one.addresses) != set(other.addresses)


def test_a_small_run_is_small(script):
    assert 3_000 < script.truth.n_events <= 30_000
    assert 365 < (script.truth.ends_at - script.truth.starts_at).days < 550


def test_every_written_record_is_counted(script, formats):
    counted = {name: formats.count(script.folder / name) for name in script.truth.inputs}
    assert counted == script.truth.inputs


def test_the_intruder_comes_in_after_the_logs_begin_and_stays_long(script):
    truth = script.truth
    (intruder,) = truth.intrusions
    assert truth.starts_at + timedelta(days=14) < truth.first_break_in
    assert intruder.last_sign - intruder.first_break_in > timedelta(days=60)
    assert intruder.first_break_in == truth.first_break_in
    assert intruder.n_visible == sum(intruder.visible_by_source.values()) > 20


def test_the_first_visible_record_is_at_or_before_the_break_in_where_nothing_is_withheld(script):
    (intruder,) = script.truth.intrusions
    assert intruder.first_visible <= intruder.first_break_in + 2 * SECOND


def test_stages_are_in_order_and_the_intruders(script):
    stages = script.truth.stages
    assert len(stages) >= 5
    assert [s.first_at for s in stages] == sorted(s.first_at for s in stages)
    assert {s.intruder for s in stages} == {script.truth.intrusions[0].name}
    assert all(t[0] == "T" and t[1:5].isdigit() for s in stages for t in s.techniques)


def test_addresses_and_domains_of_the_intruder_stand_in_the_logs_and_only_theirs(script, formats):
    truth = script.truth
    text = "\n".join(formats.text_of(script.folder / name) for name in truth.inputs)
    named = [a for a in truth.addresses if a in text]
    assert len(named) >= len(truth.addresses) - 1, "all but one that was never used"
    assert all(d in text for d in truth.domains)
    quiet = [name for name in truth.inputs if any(month in name for month in _months_before(truth))]
    before = "\n".join(formats.text_of(script.folder / name) for name in quiet)
    assert before
    assert not [a for a in truth.addresses if f"{a} " in before or f'{a}"' in before]


def _months_before(truth):
    """Months that end well before anything of the intruder, as file names write them."""
    first = min(s.first_at for s in truth.stages)
    day, months = truth.starts_at, []
    while (day.year, day.month) < (first.year, first.month):
        months += [f"{day:%Y-%m}", f"u_ex{day:%y%m}"]
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return months


def test_what_is_visible_is_part_of_what_is_confirmed(script):
    (intruder,) = script.truth.intrusions
    assert set(intruder.hosts_visible) <= set(intruder.hosts_confirmed)
    assert intruder.accounts_visible == intruder.accounts_confirmed
    assert not set(intruder.hosts_confirmed) & set(intruder.hosts_potential)
    assert not set(intruder.mailboxes_confirmed) & set(intruder.mailboxes_potential)
    assert sum(intruder.messages_read.values()) or not intruder.folders_read


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("seed", [5, 6])
def test_every_sign_has_its_record(name, seed):
    """Whatever the ledger notes as a trace stands in some log, or was cleared away, within two seconds."""
    script = SCENARIOS[name]
    world = open_estate(seed, script.needs(seed), is_small=True)
    acts = _play(world, script, [])
    seconds = {int(e.at.timestamp()) for e in acts}
    cleared = [(c.since, c.cleared_at) for c in world.ledger.cleared]
    for stage in world.ledger._stages:
        for at in stage.times:
            near = {int(at.timestamp()) + d for d in (-2, -1, 0, 1, 2)}
            assert near & seconds or any(a <= at <= b for a, b in cleared), (stage.title, at)


def test_every_log_begins_where_the_truth_says(script):
    assert min(script.truth.begins.values()) == script.truth.starts_at
    assert {source.partition(" ")[0] for source in script.truth.begins} >= {"windows"}
    assert set(script.truth.intrusions[0].visible_by_source) <= set(script.truth.begins)


def test_the_readers_of_the_hunter_count_what_was_written(script):
    """Windows events and web logs, for which there are readers."""
    for folder in ("DC01", "FILE01", "workstations", "WEB01", "MAIL01"):
        path = script.folder / folder
        if not path.exists():
            continue
        reading = Reading([path])
        n_read = sum(batch.data.num_rows for batch in reading.batches())
        written = {n: k for n, k in script.truth.inputs.items() if n.startswith(folder) and "/var/" not in n}
        assert n_read == sum(written.values()), folder
        assert reading.coverage().n_unread == 0


def test_the_truth_file_holds_the_truth(script):
    told = json.loads((script.folder / "truth.json").read_text())
    (intruder,) = told["intrusions"]
    assert datetime.fromisoformat(intruder["first_break_in"]) == script.truth.first_break_in
    assert told["begins"].keys() == script.truth.begins.keys()
    assert intruder["messages_read"] == script.truth.intrusions[0].messages_read


def test_a_full_estate_is_larger(tmp_path):
    full = simulate("vpn", tmp_path / "full", seed=2)
    small = simulate("vpn", tmp_path / "small", seed=2, is_small=True)
    assert full.n_events > 2 * small.n_events


@pytest.mark.parametrize("name", SCRIPTS)
def test_titles_promise_what_the_estate_has(name):
    scenario = SCENARIOS[name]
    assert scenario.play
    assert scenario.needs(1)
    assert scenario.summary.endswith(".")
