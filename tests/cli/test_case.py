"""Cases are looked at and decided about from the command line; a hunt into the same folder keeps them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from stillhunt.cli import main


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(main, ["demo", "--out", str(folder / "d")])
    assert done.exit_code == 0, done.output
    return folder / "d"


@pytest.fixture
def case(demo, tmp_path):
    """Run ``case`` over a copy of the demo's results."""
    folder = tmp_path / "case"
    folder.mkdir()
    for file in (demo / "case").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())

    def run(*args):
        return CliRunner().invoke(main, ["case", args[0], "--in", str(folder), *args[1:]])

    run.folder = folder
    (found,) = json.loads(run("list", "--json").stdout)
    run.id = found["case"]["id"]
    return run


def test_a_case_is_listed_shown_and_told_by_day(case):
    assert case.id in case("list").stdout
    shown = case("show", case.id[5:9]).stdout
    assert "Break-in: 26 August 2021 00:32 UTC" in shown
    assert "Confirmed:" in shown
    told = case("timeline", case.id).stdout
    assert "26 August 2021, Thursday" in told
    assert "of silence" in told
    assert len(case("timeline", case.id, "--context").stdout) > len(told)


def test_a_decision_is_written_shown_and_undone(case):
    assert case("note", case.id, "the mail server first", "--as", "anna").exit_code == 0
    assert case("close", case.id, "--verdict", "true-positive", "--reason", "handed over", "--as", "bob").exit_code == 0
    assert case("list").stdout.splitlines()[0] == "no case"
    assert "closed: true-positive" in case("list", "--all").stdout
    log = case("log").stdout.splitlines()
    assert ["anna  note" in log[0], "bob  close" in log[1]] == [True, True]
    assert case("undo", log[1].split("  ")[1]).exit_code == 0
    assert case.id in case("list").stdout
    lines = (case.folder / "decisions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["note", "close", "undo"]


def test_findings_are_split_off_and_merged_again(case):
    findings = json.loads(case("show", case.id, "--json").stdout)["case"]["findings"]
    assert case("split", case.id, findings[0], findings[1][8:]).exit_code == 0
    split = [one["case"]["id"] for one in json.loads(case("list", "--json").stdout)]
    assert len(split) == 2
    assert case("merge", case.id, split[1]).exit_code == 0
    ((joined),) = json.loads(case("list", "--json").stdout)
    assert sorted(joined["case"]["findings"]) == sorted(findings)


def test_a_suppressed_case_is_counted_and_not_deleted(case):
    (case.folder / "suppressions.yml").write_text(
        "- {id: all, match: {rule: '*'}, owner: me, reason: a test, expires: 2999-01-01}\n"
    )
    said = case("list").stdout
    assert "1 case not shown (1 suppressed)" in said
    assert "findings suppressed" in said
    assert case.id in case("list", "--all").stdout


def test_a_new_hunt_into_the_folder_keeps_the_case(demo, case):
    assert case("note", case.id, "before").exit_code == 0
    fewer = demo / "logs" / "MAIL01"
    done = CliRunner().invoke(main, ["hunt", str(fewer), "--out", str(case.folder), "--quiet", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "1 note" in case("list").stdout
    assert case.id in case("list").stdout


@pytest.mark.parametrize(
    ("args", "said", "status"),
    [
        (["show", "case-nothing"], "there is no case `case-nothing`", 2),
        (["undo", "d-nothing"], "there is no decision `d-nothing`", 2),
        (["split", "case-", "finding-nothing"], "0 findings of", 2),
    ],
)
def test_what_is_not_there_is_said(case, args, said, status):
    done = case(*args)
    assert done.exit_code == status
    assert said in done.stderr


def test_a_broken_log_of_decisions_is_named_with_its_line(case):
    assert case("note", case.id, "one").exit_code == 0
    with (case.folder / "decisions.jsonl").open("a") as log:
        log.write('{"kind": "no')
    done = case("list")
    assert done.exit_code == 3
    assert "decisions.jsonl:2" in done.stderr


@pytest.mark.parametrize("form", ["timesketch", "csv", "jsonl"])
def test_an_export_is_written_to_a_file(case, tmp_path, form):
    out = tmp_path / "export"
    assert case("export", case.id, "--format", form, "--out", str(out)).exit_code == 0
    assert len(out.read_text("utf-8").splitlines()) > 30
