"""``stillhunt events`` lists a store and searches it, and no log drives the terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stillhunt.cli import main
from stillhunt.telemetry.store import schema
from stillhunt.workflows.hunt import hunt

HOSTILE = "cmd.exe /c \x1b]0;owned\x07 \u202etxt.exe \x9b2J"


def _event(number: int, command: str, *, host: str = "ws1") -> str:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
        "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": f"2021-08-{number:02}T03:12:00Z"}},
        "EventRecordID": number,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": host,
    }
    data = {"CommandLine": command, "Image": "C:\\Windows\\cmd.exe", "Odd": "rare"}
    return json.dumps({"Event": {"System": system, "EventData": data}})


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    lines = [_event(1, "whoami"), _event(2, "=cmd|'/C calc'!A0", host="ws2"), _event(3, HOSTILE)]
    (folder / "log.json").write_text("\n".join(lines))
    hunt(folder / "log.json", store=folder / "store")
    return folder / "store"


def run(*arguments, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["events", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def test_without_a_question_it_lists_what_is_there(store):
    lines = run(store).splitlines()
    assert lines[0].split() == ["class", "events", "hosts", "first", "last", "KiB"]
    assert lines[1].split()[:3] == ["windows/process_creation", "3", "2"]
    assert "3 events of 1 classes in 1 files" in lines[2]


def test_a_line_says_when_where_what_and_where_its_record_is(store):
    (line, total) = run(store, "CommandLine:whoami").splitlines()
    assert line.startswith("2021-08-01T03:12:00Z  ws1  windows/process_creation  ")
    assert "process.command_line=whoami" in line
    assert line.endswith("log.json:1]")
    assert total == "1 events"


def test_no_terminal_obeys_a_log(store):
    for output in (run(store, "txt.exe"), run(store, "--json", "txt.exe"), run(store, "--csv", "txt.exe")):
        assert not set(output) & {"\x1b", "\x07", "\x9b", "\u202e"}
    counted = run(store, "--count-by", "CommandLine")
    assert not set(counted) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_json_has_every_field_as_logged(store):
    rows = [json.loads(line) for line in run(store, "--json").splitlines()]
    assert [row["CommandLine"] for row in rows] == ["whoami", "=cmd|'/C calc'!A0", HOSTILE]
    assert rows[0]["Odd"] == "rare"
    assert rows[0]["@timestamp"] == "2021-08-01T03:12:00Z"


def test_no_spreadsheet_calculates_what_a_log_says(store):
    rows = list(csv.DictReader(io.StringIO(run(store, "--csv", "host.name:ws2"))))
    assert [row["CommandLine"] for row in rows] == ["'=cmd|'/C calc'!A0"]
    assert rows[0]["@timestamp"] == "2021-08-02T03:12:00Z"


def test_terms_times_classes_and_limits_go_together(store):
    assert "3 events" in run(store, "--class", "process_creation", "--since", "2021-08-01")
    assert "2 events" in run(store, "--since", "2021-08-02", "--", "-whoami")
    assert "1 of 3 events; --limit shows more" in run(store, "rare", "--limit", "1")
    assert "0 events" in run(store, "--class", "iis")


def test_values_are_counted(store):
    assert run(store, "--count-by", "host.name").splitlines()[1:] == ["     2  ws1", "     1  ws2"]
    assert json.loads(run(store, "--count-by", "host.name", "--json").splitlines()[0]) == {
        "host.name": "ws1",
        "events": 2,
    }


def test_sql_asks_the_view(store):
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    sql = 'SELECT "host.name" AS host, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL'
    assert run(store, "--sql", sql).splitlines() == ["host  n", "ws1   2", "ws2   1"]
    assert json.loads(run(store, "--json", "--sql", sql).splitlines()[1]) == {"host": "ws2", "n": 1}
    assert "more than 1 rows" in run(store, "--limit", "1", "--sql", sql)
    assert run(store, "--sql", f"{sql} LIMIT 0").splitlines() == ["host  n"]


def test_the_schema_is_that_of_the_reference(store):
    assert run("--schema") == schema.documentation()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "is no store of stillhunt"),
        (["STORE", "--since", "soon"], "is no time"),
        (["STORE", 'a:"b'], "cannot be understood"),
        (["STORE", "whoami", "--sql", "SELECT 1"], "--sql goes with no terms"),
        (["STORE", "--sql", "DROP VIEW events"], "not a single SELECT"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(store, arguments, said):
    output = run(*(store if a == "STORE" else a for a in arguments), code=3)
    assert said in " ".join(output.split())
    assert "Traceback" not in output


def test_hunt_keeps_a_store_and_hunts_one(tmp_path):
    (tmp_path / "log.json").write_text(_event(1, "vssadmin.exe delete shadows /all /quiet"))
    arguments = ["--quiet", "--json", "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(
        main, ["hunt", str(tmp_path / "log.json"), "--store", str(tmp_path / "store"), *arguments]
    )
    assert first.exit_code == 0, first.output
    (tmp_path / "log.json").unlink()
    again = CliRunner().invoke(main, ["hunt", str(tmp_path / "store"), *arguments])
    assert (again.exit_code, again.output) == (0, first.output)
