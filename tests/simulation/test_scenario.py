"""Simulations are repeatable, differ by seed, and never overwrite what is not theirs."""

from __future__ import annotations

import hashlib
import json

import pytest

from stillhunt.errors import InputError, UnknownNameError
from stillhunt.simulation.scenario import SCENARIOS, simulate


def digests(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_every_scenario_has_the_name_of_its_file():
    scripts = ["consent", "electoral", "samltoken", "spearphish", "vpn", "webshell"]
    assert SCENARIOS.names() == sorted([*scripts, "quiet"])
    assert [s.name for s in SCENARIOS] == SCENARIOS.names()
    assert all(s.title and s.summary for s in SCENARIOS)


def test_the_same_seed_gives_the_same_bytes(electoral, tmp_path):
    again = simulate("electoral", tmp_path / "again")
    assert again == electoral.truth
    assert digests(tmp_path / "again") == digests(electoral.folder)


def test_another_seed_gives_other_times_names_and_addresses(electoral, tmp_path):
    other = simulate("electoral", tmp_path, seed=2)
    truth = electoral.truth
    assert other.first_break_in != truth.first_break_in
    assert not set(other.addresses) & set(truth.addresses)
    assert other.accounts_confirmed != truth.accounts_confirmed
    assert other.mailboxes_confirmed != truth.mailboxes_confirmed


def test_the_background_is_the_same_with_and_without_the_intrusion(electoral, quiet):
    with_it, without = digests(electoral.folder), digests(quiet.folder)
    assert set(with_it) == set(without) | {"DC01/Application.jsonl.gz"}
    before = [name for name in without if any(month in name for month in ("2021-06", "2021-07", "ex2106", "ex2107"))]
    assert len(before) == 6
    assert all(with_it[name] == without[name] for name in before)


def test_a_quiet_estate_has_no_break_in(quiet):
    truth = quiet.truth
    assert (truth.first_break_in, truth.last_sign, truth.noticed_at) == (None, None, None)
    assert truth.hosts_confirmed == truth.accounts_confirmed == truth.mailboxes_confirmed == ()
    assert truth.stages == ()


def test_a_simulation_is_small(electoral):
    assert 25_000 <= electoral.truth.n_events <= 40_000
    assert sum(p.stat().st_size for p in electoral.folder.rglob("*") if p.is_file()) < 15_000_000


def test_what_an_earlier_simulation_wrote_is_replaced(tmp_path):
    simulate("electoral", tmp_path)
    simulate("quiet", tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["scenario"] == "quiet"
    assert set(digests(tmp_path)) == {"truth.json", "README.txt", *truth["inputs"]}


def test_an_interrupted_simulation_is_replaced(electoral, tmp_path):
    (tmp_path / "truth.json").write_bytes((electoral.folder / "truth.json").read_bytes())
    (tmp_path / "DC01").mkdir()
    (tmp_path / "DC01" / "Security.jsonl.gz").write_bytes(b"half a file")
    simulate("electoral", tmp_path)
    assert digests(tmp_path) == digests(electoral.folder)


@pytest.mark.parametrize("stranger", ["notes.txt", "DC01/mine.txt", "truth.json"])
def test_a_folder_with_a_strangers_file_is_refused_and_left_alone(tmp_path, stranger):
    path = tmp_path / stranger
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    with pytest.raises(InputError, match="no simulation wrote") as caught:
        simulate("quiet", tmp_path)
    assert caught.value.hint
    assert str(tmp_path) in str(caught.value)
    assert digests(tmp_path).keys() == {stranger}


def test_a_strangers_file_among_our_own_is_refused(electoral, tmp_path):
    simulate("quiet", tmp_path)
    (tmp_path / "MAIL01" / "evidence.txt").write_text("mine")
    before = digests(tmp_path)
    with pytest.raises(InputError, match=r"MAIL01/evidence\.txt"):
        simulate("electoral", tmp_path)
    assert digests(tmp_path) == before


def test_a_link_is_a_stranger(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = tmp_path / "out"
    simulate("quiet", out)
    (out / "linked").symlink_to(elsewhere)
    with pytest.raises(InputError, match="linked"):
        simulate("quiet", out)
    assert elsewhere.is_dir()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a folder is needed"):
        simulate("quiet", tmp_path / "file")


def test_an_unknown_scenario_touches_nothing(tmp_path):
    with pytest.raises(UnknownNameError) as caught:
        simulate("electral", tmp_path / "out")
    assert caught.value.hint == "did you mean `electoral`?"
    assert not (tmp_path / "out").exists()


def test_the_readme_says_that_it_is_synthetic(electoral):
    assert "SYNTHETIC" in (electoral.folder / "README.txt").read_text()
    assert json.loads((electoral.folder / "truth.json").read_text())["synthetic"] is True
