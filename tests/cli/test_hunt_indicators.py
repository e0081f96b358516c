"""``stillhunt hunt --indicators``: told in the summary, explained down to the record, recorded only if asked."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from stillhunt.cli import main
from stillhunt.knowledge.store import Store

HEAD = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-03-15 00:00:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n"
)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "logs").mkdir()
    rows = [
        f"2024-03-15 10:00:{n:02} 10.0.0.1 POST /owa/auth/x.aspx cmd=whoami+/all 443 - 192.0.2.7 antSword/v2.1 200\n"
        for n in range(3)
    ]
    (tmp_path / "logs" / "u_ex240315.log").write_text(HEAD + "".join(rows))
    (tmp_path / "list.csv").write_text("type,value,group,confidence\nip,192.0.2.7,Red Fox,80\nip,zz,,\n")
    Store(tmp_path / "k.db").close()

    def invoke(*words, code=0):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    def hunt(*words, **rest):
        logs, out = tmp_path / "logs", tmp_path / "out"
        return invoke("hunt", logs, "-o", out, "-q", "--indicators", tmp_path / "list.csv", *words, **rest)

    return invoke, hunt


def test_the_summary_says_what_was_met_and_what_that_does(run):
    _, hunt = run
    said = hunt()
    assert "Indicators 1 address looked for" in said
    assert "Met Indicator of Red Fox: 192.0.2.7: met 3 times" in said
    assert "`zz` names no indicator" in said


def test_a_finding_is_explained_down_to_the_record_and_the_row(run, tmp_path):
    invoke, hunt = run
    hunt()
    lines = map(json.loads, (tmp_path / "out" / "findings.jsonl").read_text().splitlines())
    (name,) = [line["id"] for line in lines if line["detector"]["kind"] == "indicator"]
    said = invoke("explain", name, "--in", tmp_path / "out")
    assert "list.csv, row 2" in said
    assert "antSword" in said
    assert "80 of 100, as its source says" in said


def test_nothing_is_recorded_unless_asked_and_undo_takes_it_back(run, tmp_path):
    invoke, hunt = run
    base = tmp_path / "k.db"
    hunt()
    assert "sight" not in invoke("know", "log", "--base", base)
    said = hunt("--record", base)
    assert "as operation 1: 1 sighting, 1 change of confidence (192.0.2.7: 80 to " in said
    assert "nothing new" in hunt("--record", base)
    invoke("know", "undo", "--base", base)
    assert "1 sighting" in hunt("--record", base)


def test_recording_asks_for_indicators(run, tmp_path):
    invoke, _ = run
    said = invoke("hunt", tmp_path / "logs", "-o", tmp_path / "out2", "-q", "--record", tmp_path / "k.db", code=2)
    assert "name some with --indicators" in said


def test_a_case_that_quotes_an_indicator_leaves_no_laxer_than_it_was_given(run, tmp_path):
    invoke, hunt = run
    (tmp_path / "list.csv").write_text("type,value,group,tlp\nip,192.0.2.7,Red Fox,amber\nip,192.0.2.8,,secret\n")
    assert "1 markings are none; what they are of is taken as TLP:RED" in hunt()
    out = tmp_path / "out"
    assert "TLP:AMBER" in (tmp_path / "out" / "case.html").read_text()
    (case, *_) = json.loads((out / "cases.json").read_text())["cases"]
    name = case["case"]["id"]
    for words in (("export", name), ("case", "export", name), ("report", name)):
        said = invoke(*words, "--in", out, "--tlp", "green", code=3)
        assert "TLP:GREEN is too lax" in said
        assert "192.0.2.7" not in said
    assert "192.0.2.7" in invoke("export", name, "--in", out, "--format", "csv")
    assert "above" not in invoke("export", name, "--in", out, "--tlp", "amber", "--ceiling", "amber")
