"""What a person types, and what the screen and the exit status say."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

EVENT = {
    "Event": {
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Eventlog"}},
            "EventID": 1102,
            "Channel": "Security",
            "Computer": "ws1.example",
            "EventRecordID": 7,
            "TimeCreated": {"#attributes": {"SystemTime": "2021-08-24T03:12:00.000000Z"}},
        },
        "UserData": {"LogFileCleared": {"SubjectUserName": "alice", "SubjectDomainName": "EXAMPLE"}},
    }
}


def run(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "stillhunt", *map(str, args)], capture_output=True, text=True, cwd=cwd, check=False
    )


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "security.json").write_text(json.dumps(EVENT) + "\n")
    return folder


def test_help_lists_every_command(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("hunt", "demo", "simulate", "report"))


def test_the_demo_ends_in_a_case_on_the_screen_and_a_page(tmp_path):
    done = run("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= 30
    assert "about 14 months" in done.stdout or "about 13 months" in done.stdout
    page = (tmp_path / "stillhunt-demo" / "case" / "case.html").read_text()
    assert page.lower().startswith("<!doctype html>")


def test_the_demo_can_be_run_twice(tmp_path):
    first, second = run("demo", cwd=tmp_path), run("demo", cwd=tmp_path)
    assert (second.returncode, second.stdout) == (0, first.stdout), second.stderr


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["hunt"], 2, "Missing argument"),
        (["hunt", "nowhere"], 3, "nowhere"),
        (["hunt", "empty"], 3, "empty"),
        (["hunt", "logs", "--out", "logs"], 3, "did not write"),
        (["hunt", "logs", "--rules", "norules"], 3, "norules"),
        (["simulate", "--scenario", "electral", "--out", "x"], 2, "did you mean `electoral`?"),
        (["simulate", "--scenario", "vpn", "--partial", "lost", "--out", "x"], 2, "unknown part of the logs"),
        (["simulate", "--scenario", "tenant", "--users", "3", "--out", "x"], 3, "too small"),
        (["simulate"], 2, "--out DIR"),
        (["report", "nowhere"], 3, "no workspace"),
    ],
)
def test_bad_input_gets_one_clear_line_and_its_exit_status(logs, tmp_path, args, status, words):
    (tmp_path / "empty").mkdir()
    done = run(*args, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if status == 3:
        assert len(done.stderr.strip().splitlines()) == 1
        assert "hint" in done.stderr


def test_scenarios_are_listed_with_the_parts_that_can_be_withheld(tmp_path):
    done = run("simulate", "--list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("electoral", "spearphish", "vpn", "consent", "samltoken", "webshell", "quiet", "tenant", "retention"):
        assert word in done.stdout


def test_two_intruders_and_withheld_logs_are_asked_for_by_name(tmp_path):
    args = ("--scenario", "vpn", "--with", "consent", "--partial", "late", "--small", "--seed", "3", "--out", "two")
    done = run("simulate", *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    truth = json.loads((tmp_path / "two" / "truth.json").read_text())
    assert [i["name"] for i in truth["intrusions"]] == ["vpn", "consent"]
    assert truth["partial"] == "late"


def test_results_are_json_on_request_and_nothing_else(logs, tmp_path):
    done = run("hunt", "logs", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout)["cases"], list)


def test_exit_codes_tell_cases_from_blindness(logs, tmp_path):
    assert run("hunt", "logs", "--exit-code", "--out", "one", cwd=tmp_path).returncode in {10, 20}
    run("simulate", "--scenario", "electoral", "--out", "intruded", cwd=tmp_path)
    assert run("hunt", "intruded", "--exit-code", "--out", "two", cwd=tmp_path).returncode == 10
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yml").write_text(
        "title: Nothing here\nid: 00000000-0000-4000-8000-000000000001\nstatus: test\nlevel: high\n"
        "logsource:\n  product: windows\n  service: security\n"
        "detection:\n  selection:\n    EventID: 4242\n  condition: selection\n"
    )
    assert run("hunt", "logs", "--rules", "rules", "--exit-code", "--out", "three", cwd=tmp_path).returncode == 20


def test_a_quiet_estate_exits_with_zero(tmp_path):
    run("simulate", "--scenario", "quiet", "--out", "quiet", cwd=tmp_path)
    done = run("hunt", "quiet", "--exit-code", cwd=tmp_path)
    assert done.returncode in {0, 10}
    if done.returncode == 10:
        levels = {
            pair["case"]["level"] for pair in json.loads((tmp_path / "stillhunt-out/cases.json").read_text())["cases"]
        }
        assert levels == {"low"}


def test_an_unknown_file_beside_good_logs_is_named_and_the_rest_goes_on(logs, tmp_path):
    (logs / "notes.bin").write_bytes(bytes(range(256)) * 10)
    done = run("hunt", "logs", cwd=tmp_path)
    assert done.returncode == 0
    coverage = json.loads((tmp_path / "stillhunt-out" / "coverage.json").read_text())
    assert any("notes.bin" in p["where"] and p["hint"] for p in coverage["problems"])
    assert sum(f["n_events"] for f in coverage["files"]) == 1


def test_a_wrong_path_and_a_broken_rule_get_a_line_each_and_the_rest_goes_on(logs, tmp_path):
    (tmp_path / "bad.yml").write_text("title: x\nlogsource: {product: windows}\ndetection: {a: {EventID: 1}}\n")
    done = run("hunt", "logs", "nowhere", "--rules", "bad.yml", "--rules", "builtin", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    problems = [line for line in done.stdout.splitlines() if line.startswith("Problem ")]
    assert any("nowhere: there is no such file" in p for p in problems)
    assert any("bad.yml" in p and "does not run" in p for p in problems)


def test_a_report_is_rendered_again_without_the_logs(logs, tmp_path):
    first = run("hunt", "logs", cwd=tmp_path)
    page = (tmp_path / "stillhunt-out" / "case.html").read_bytes()
    (logs / "security.json").unlink()
    (tmp_path / "stillhunt-out" / "case.html").unlink()
    again = run("report", "stillhunt-out", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert (tmp_path / "stillhunt-out" / "case.html").read_bytes() == page
