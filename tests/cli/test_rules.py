"""What ``stillhunt rules`` says, and with which exit status it ends."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from stillhunt.cli.main import main

RULE = """\
title: {title}
id: 00000000-0000-4000-8000-{n:012}
status: test
date: 2024-01-01
logsource: {{product: windows, category: process_creation}}
tags: [attack.execution, attack.t1059]
detection:
    selection: {{{item}}}
    condition: {condition}
level: high
"""


@pytest.fixture
def put(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_CACHE", "off")
    monkeypatch.chdir(tmp_path)

    def rule(name, n, *, item="Image: abc", condition="selection", title="A rule"):
        text = RULE.format(n=n, item=item, condition=condition, title=title)
        (tmp_path / f"{name}.yml").write_text(text.replace("abc", name))

    rule("sound", 1)
    return rule


def run(*args):
    return CliRunner().invoke(main, ["rules", *map(str, args)])


def test_sound_rules_end_with_zero(put):
    done = run("check", ".")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("1 rule: 1 active, 0 dormant, 0 inert")
    assert "windows/process_creation" in done.stdout
    assert "remark" not in done.stdout


def test_a_broken_rule_ends_with_one_and_names_line_reason_and_remedy(put):
    put("broken", 2, item="Image|endswit: abc")
    done = run("check", ".")
    assert done.exit_code == 1
    assert "broken.yml:8" in done.stdout
    assert "Unknown modifier" in done.stdout
    assert "hint: use a modifier" in done.stdout


def test_a_placeholder_without_a_list_is_no_fault_and_a_list_makes_it_run(put, tmp_path):
    put("waiting", 2, item="User|expand: '%admins%'")
    done = run("check", ".")
    assert done.exit_code == 0
    assert "`%admins%` has no list of values" in done.stdout
    (tmp_path / "values.txt").write_text("admins: [alice]")
    assert run("check", ".", "--values", "values.txt").stdout.startswith("2 rules: 2 active, 0 dormant, 0 inert")


def test_remarks_end_with_one_only_if_asked(put):
    put("wide", 2, condition="not selection")
    assert run("check", ".").exit_code == 0
    done = run("check", ".", "--strict")
    assert done.exit_code == 1
    assert "matches-nearly-all: 1" in done.stdout
    assert "wide.yml:9" in done.stdout


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["check"], 2, "Missing argument"),
        (["check", "nowhere"], 3, "nowhere"),
        (["check", "empty"], 3, "no file holds a Sigma rule"),
        (["check", ".", "--values", "nowhere.yml"], 3, "no such file of values"),
        (["coverage", "nowhere"], 3, "nowhere"),
        (["chekc"], 2, "No such command"),
    ],
)
def test_bad_input_gets_one_clear_line_and_its_exit_status(put, tmp_path, args, status, words):
    (tmp_path / "empty").mkdir()
    done = run(*args)
    assert done.exit_code == status
    assert words in done.output.replace("\n", " ")
    assert "Traceback" not in done.output


def test_json_says_everything(put):
    put("broken", 2, item="Image|endswit: abc")
    for n in range(10, 40):
        put(f"r{n}", n, condition="not selection")
    done = run("check", ".", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert len(found["ledger"]) == 32
    assert len(found["remarks"]) == 30
    assert found["problems"] == []
    (inert,) = [entry for entry in found["ledger"] if entry["status"] == "inert"]
    assert inert["cause"] == "fault"
    assert inert["path"] == "broken.yml:8"
    assert "26 more: see --json" in run("check", ".").stdout


def test_names_in_rules_cannot_drive_the_screen(put):
    put("wide", 2, condition="not selection", title='"\\e]0;x\\a"')
    put("broken", 3, condition='"se\\e[2Jlek\\u202etion"')
    done = run("check", ".")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_coverage_counts_by_source_and_tactic(put):
    put("other", 2)
    done = run("coverage", ".")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 rules for 1 technique\n")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("execution")]
    assert line.split() == ["execution", "2", "2", "1"]
    found = json.loads(run("coverage", ".", "--json").stdout)
    assert [t["techniques"] for t in found["tactics"] if t["tactic"] == "execution"] == [{"T1059": 2}]


def test_coverage_without_a_path_is_that_of_the_built_in_pack(put):
    done = run("coverage")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) < 40


def test_help_says_what_the_exit_status_means(put):
    said = " ".join(run("check", "--help").stdout.split())
    assert "1 a rule is inert through a fault of its own" in said


def test_a_hunt_takes_lists_of_values(put, tmp_path):
    put("waiting", 2, item="User|expand: '%admins%'")
    (tmp_path / "values.yml").write_text("admins: [alice]")
    (tmp_path / "logs").mkdir()
    done = CliRunner().invoke(main, ["hunt", "logs", "-r", "waiting.yml", "--values", "values.yml", "-q"])
    assert "placeholder" not in done.output
    done = CliRunner().invoke(main, ["hunt", "logs", "-r", "waiting.yml", "-q"])
    assert done.exit_code == 3
    assert "`%admins%` has no list of values" in done.output.replace("\n", " ")
