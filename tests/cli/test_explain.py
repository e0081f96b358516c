"""What `explain` and `why-not` print, what they exit with, and what they do not wait for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

RULE = """title: Alice logs on
id: 00000000-0000-4000-8000-000000000001
level: high
logsource: {product: windows, service: security}
detection:
  selection: {SubjectUserName|startswith: ali}
  condition: selection
"""


def event(name):
    return {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                "EventID": 4624,
                "Channel": "Security",
                "Computer": "ws1.example",
                "EventRecordID": 7,
                "TimeCreated": {"#attributes": {"SystemTime": "2021-08-24T03:12:00.000000Z"}},
            },
            "EventData": {"SubjectUserName": name},
        }
    }


def run(*args, cwd, **env):
    return subprocess.run(
        [sys.executable, "-m", "stillhunt", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hunt")
    (folder / "logs").mkdir()
    names = ("alice", "bob", "ali\x1b[2J[red]\u202e")
    (folder / "logs" / "security.json").write_text("".join(json.dumps(event(name)) + "\n" for name in names))
    (folder / "alice.yml").write_text(RULE)
    done = run("hunt", "logs", "--rules", "alice.yml", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def ids(place):
    lines = (place / "stillhunt-out" / "findings.jsonl").read_text().splitlines()
    found = {json.loads(line)["evidence"][0]["ref"]["record"]: json.loads(line)["id"] for line in lines}
    assert sorted(found) == [1, 3]
    return found


def test_a_finding_is_explained(place, ids):
    done = run("explain", ids[1], cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{ids[1]}\n"
        "  rule    Alice logs on (high)\n"
        "  id      00000000-0000-4000-8000-000000000001\n"
        "  path    alice.yml\n"
        "  seen    once, 2021-08-24 03:12:00 UTC\n"
        "  about   account alice (subject); host ws1.example\n"
        "\n"
        "record 1 of 1\n"
        "  place   logs/security.json:1\n"
        "  time    2021-08-24 03:12:00 UTC, by TimeCreated\n"
        "  because\n"
        "    selection: all of\n"
        "      SubjectUserName|startswith: ali\n"
        "        SubjectUserName = ⟦ali⟧ce\n"
        "  record\n"
        "    {\n"
        '      "Event": {\n'
        '        "System": {\n'
        '          "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},\n'
        '          "EventID": 4624,\n'
        '          "Channel": "Security",\n'
        '          "Computer": "ws1.example",\n'
        '          "EventRecordID": 7,\n'
        '          "TimeCreated": {"#attributes": {"SystemTime": "2021-08-24T03:12:00.000000Z"}}\n'
        "        },\n"
        '        "EventData": {"SubjectUserName": "alice"}\n'
        "      }\n"
        "    }\n"
    )


def test_hostile_values_do_nothing_to_the_terminal(place, ids):
    for args in (("explain", ids[3]), ("why-not", "00000000", "logs/security.json:3")):
        done = run(*args, cwd=place)
        assert done.returncode == 0
        assert "SubjectUserName = ⟦ali⟧⟨1B⟩[2J[red]⟨202E⟩" in done.stdout
        assert not {"\x1b", "\u202e"} & set(done.stdout)


def test_a_terminal_without_unicode_is_no_obstacle(place, ids):
    done = run("explain", ids[1], cwd=place, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "SubjectUserName = \\u27e6ali\\u27e7ce" in done.stdout


def test_json_of_a_finding_is_the_finding(place, ids):
    done = run("explain", ids[1].removeprefix("finding-")[:8], "--json", cwd=place)
    said = json.loads(done.stdout)
    kept = [json.loads(line) for line in (place / "stillhunt-out" / "findings.jsonl").read_text().splitlines()]
    assert said in kept
    assert run("explain", ids[1], "--json", cwd=place).stdout == done.stdout


def test_a_match_and_a_miss_are_told(place):
    done = run("why-not", "Alice logs on", "logs/security.json:1", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("matches\n")
    done = run("why-not", "Alice logs on", "logs/security.json:2", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("does not match: 1 clause failed\n")
    assert "failed         SubjectUserName|startswith: ali\n                 SubjectUserName = bob\n" in done.stdout


def test_json_of_an_answer_has_every_clause(place):
    done = run("why-not", "Alice logs on", "logs/security.json:2", "--json", cwd=place)
    said = json.loads(done.stdout)
    assert said["inert"] is None
    assert said["ref"] == {
        "file": "logs/security.json",
        "record": 2,
        "at": "2021-08-24T03:12:00Z",
        "clock": "TimeCreated",
    }
    judgement = said["judgement"]
    assert {key: judgement[key] for key in ("is_match", "is_in_scope", "wanted", "would_hold", "matched")} == {
        "is_match": False,
        "is_in_scope": True,
        "wanted": "windows/security",
        "would_hold": False,
        "matched": None,
    }
    clause = {
        "kind": "field",
        "label": "SubjectUserName|startswith: ali",
        "state": "failed",
        "field": "SubjectUserName",
        "values": ["bob"],
        "has_field": True,
        "near": [],
        "children": [],
    }
    assert judgement["failed"] == [clause]
    assert judgement["condition"]["children"] == [clause]


def test_a_rule_that_cannot_run_is_told(place):
    (place / "broken.yml").write_text(RULE.replace("condition: selection", "condition: selectoin"))
    (place / "sound.yml").write_text(RULE.replace("000000000001", "000000000002"))
    rules = ("--rules", "broken.yml", "--rules", "sound.yml")
    done = run("why-not", "00000000-0000-4000-8000-000000000001", "logs/security.json:1", *rules, cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("does not match: the rule cannot run\n")
    assert "selectoin" in done.stdout
    done = run("why-not", "00000000-0000-4000-8000-000000000001", "x:1", *rules, "--json", cwd=place)
    assert json.loads(done.stdout)["inert"]["status"] == "inert"


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["explain"], 2, "Missing argument"),
        (["explain", "finding-"], 2, "2 findings begin with"),
        (["explain", "zz"], 2, "no finding's id begins with `zz`"),
        (["explain", "zz", "--in", "logs"], 3, "no workspace"),
        (["why-not", "Alice logs on"], 2, "Missing argument"),
        (["why-not", "Alice", "logs/security.json:1"], 2, "did you mean `Alice logs on`?"),
        (["why-not", "Alice logs on", "logs/security.json"], 2, "names no record"),
        (["why-not", "Alice logs on", "logs/security.json:9"], 2, "no event with the number 9"),
        (["why-not", "Alice logs on", "nowhere.json:9"], 2, "no such file"),
        (["why-not", "Alice logs on", "alice.yml:1"], 3, "no source reads it"),
        (["why-not", "Alice logs on", "logs/security.json:1", "--in", "logs"], 3, "no workspace"),
        (["why-not", "Alice logs on", "logs/security.json:1", "--rules", "nowhere"], 3, "nowhere"),
    ],
)
def test_what_cannot_be_answered_gets_one_clear_line_and_its_exit_status(place, ids, args, status, words):
    done = run(*args, cwd=place)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


HEAVY = {"sigma", "yaml", "numpy", "jinja2", "rich", "stillhunt.report.renderers.html", "stillhunt.knowledge"}


@pytest.mark.parametrize(
    ("args", "unwanted"),
    [
        (["explain", "finding-"], HEAVY | {"pyarrow", "evtx"}),
        (["why-not", "c4006639", "logs/security.json:1", "--rules", "builtin"], HEAVY),
    ],
)
def test_neither_waits_for_what_it_does_not_need(place, ids, args, unwanted):
    args = [args[0], ids[1]] if args[1] == "finding-" else args
    run(*args, cwd=place)  # the cache of rules is warm from here on
    script = (
        f"import sys\nsys.argv = {['stillhunt', *args]!r}\nfrom stillhunt.cli import main\n"
        "main(standalone_mode=False)\nprint('LOADED', *(n for n, m in sys.modules.items() if m is not None))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=place, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert sorted(loaded & unwanted) == []


def test_the_examples_of_the_reference_are_what_is_printed(tmp_path):
    page = (REPOSITORY / "docs" / "reference" / "explain.md").read_text("utf-8")
    examples = re.findall(r"^\$ stillhunt (.*)\n((?:(?!\$ |```).*\n)*)", page, re.MULTILINE)
    assert [command.split()[0] for command, _ in examples] == ["demo", "explain", "why-not"]
    for command, said in examples:
        done = run(*command.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == said or not said
