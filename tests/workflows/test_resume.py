"""A hunt that was killed goes on where it was; one that has nothing new to read reads nothing."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from stillhunt.detection.rule import RuleSet
from stillhunt.errors import InputError
from stillhunt.progress import Recorder
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.store.manifest import MARKER, Manifest
from stillhunt.workflows import plan, workers, workspace
from stillhunt.workflows.hunt import hunt
from stillhunt.workflows.states import ReadState, load, save

N_DAYS, N_EVENTS = 40, 60
START = datetime(2021, 3, 1, tzinfo=UTC)
FILES = ("findings.jsonl", "cases.json", "coverage.json", "brief.json")

COMMANDS = (
    "C:\\Windows\\System32\\svchost.exe -k netsvcs",
    "powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA",
    "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 640 C:\\Temp\\lsass.dmp full",
    "vssadmin.exe delete shadows /all /quiet",
)
"""What runs; the last three are rare."""


def event(day: int, number: int, *, host: str = "ws1") -> dict[str, object]:
    at = START + timedelta(days=day, minutes=23 * number)
    command = COMMANDS[1 + day % 3] if number == day else f"{COMMANDS[0]} -s task{number % 7}"
    image = command.partition(".exe")[0] + ".exe"
    return {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
                "EventID": 1,
                "TimeCreated": {"#attributes": {"SystemTime": at.isoformat()}},
                "EventRecordID": day * 1000 + number,
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "Computer": f"{host}.corp.example",
            },
            "EventData": {
                "UtcTime": f"{at:%Y-%m-%d %H:%M:%S}.000",
                "ProcessGuid": f"{{{day:04}{number:04}}}",
                "ParentProcessGuid": f"{{{day:04}{max(0, number - 1):04}}}",
                "Image": image if "\\" in image else f"C:\\Windows\\System32\\{image}",
                "CommandLine": command,
                "User": "CORP\\alice",
                "Unheard": f"value {number}",
            },
        }
    }


def write_day(folder: Path, day: int, **more: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"day{day:03}.json"
    path.write_text("".join(json.dumps(event(day, n, **more)) + "\n" for n in range(N_EVENTS)))
    return path


@pytest.fixture
def logs(tmp_path) -> Path:
    for day in range(N_DAYS):
        write_day(tmp_path / "logs", day)
    return tmp_path / "logs"


@pytest.fixture(autouse=True)
def _small_units(monkeypatch) -> None:
    monkeypatch.setattr(plan, "_LEAST", 1 << 14)


def results(paths, folder: Path, **options) -> dict[str, bytes]:
    workspace.save(hunt(paths, **options).brief, folder, rules=())
    return {name: (folder / name).read_bytes() for name in FILES}


def units(store: Path) -> dict:
    return Manifest(store).units


def n_rows(store: Path) -> int:
    return sum(part.n_rows for unit in units(store).values() for part in unit.parts)


def read_again(paths, store: Path) -> int:
    """Hunt, and return how many events were read from logs for it."""
    steps = Recorder()
    hunt(paths, store=store, watch=steps)
    return max((step.events for step in steps.steps if step.task == "read"), default=0)


def test_a_store_changes_nothing_of_what_is_found(logs, tmp_path):
    plain = results(logs, tmp_path / "plain")
    assert json.loads(plain["findings.jsonl"].splitlines()[0])["count"] >= 1
    assert results(logs, tmp_path / "kept", store=tmp_path / "store") == plain
    assert results(tmp_path / "store", tmp_path / "again") == plain


SCRIPT = """
import sys
from stillhunt.workflows import plan
from stillhunt.workflows.hunt import hunt
plan._LEAST = 1 << 14
hunt([sys.argv[1]], store=sys.argv[2])
"""


def killed(logs: Path, store: Path, *, after: int, delay: float) -> None:
    """Hunt in a process of its own, and kill it some time after so many lines of the manifest."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(logs), str(store)], start_new_session=True)
    while process.poll() is None:
        if (store / MARKER).exists() and (store / MARKER).read_bytes().count(b"\n") >= after:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.001)
    process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there is no SIGKILL")
def test_a_hunt_killed_at_any_point_ends_in_the_same_bytes_and_repeats_little(logs, tmp_path):
    expected = results(logs, tmp_path / "out", store=tmp_path / "whole")
    total = n_rows(tmp_path / "whole")
    chance = random.Random(4)
    kept = []
    for round_ in range(10):
        store = tmp_path / f"store{round_}"
        killed(logs, store, after=1 + 4 * round_, delay=chance.uniform(0, 0.03))
        begun = units(store)
        in_store = sum(part.n_rows for unit in begun.values() for part in unit.parts)
        kept.append(in_store)
        assert read_again(logs, store) == total - in_store
        assert results(logs, tmp_path / f"out{round_}", store=store) == expected
        assert begun.keys() <= units(store).keys()
        on_disk = {path.relative_to(store).as_posix() for path in (store / "events").rglob("*.parquet")}
        assert on_disk == {part.path for unit in units(store).values() for part in unit.parts}
    assert 0 < kept[3] < kept[-1]
    # What is read twice is at most the unit in hand.
    assert max(part.n_rows for unit in units(store).values() for part in unit.parts) <= total / 20


def test_hunting_again_reads_nothing(logs, tmp_path):
    first = results(logs, tmp_path / "one", store=tmp_path / "store")
    before = (tmp_path / "store" / MARKER).read_bytes()
    assert results(logs, tmp_path / "two", store=tmp_path / "store") == first
    assert (tmp_path / "store" / MARKER).read_bytes() == before
    assert read_again(logs, tmp_path / "store") == 0


def test_an_added_day_costs_itself_and_changes_what_a_hunt_of_all_would(logs, tmp_path):
    hunt(logs, store=tmp_path / "store")
    write_day(logs, N_DAYS)
    assert read_again(logs, tmp_path / "store") == N_EVENTS
    assert results(logs, tmp_path / "one", store=tmp_path / "store") == results(logs, tmp_path / "two")


def test_a_store_is_hunted_whole_whatever_part_of_it_is_given(logs, tmp_path):
    days = sorted(logs.iterdir())
    hunt(days[:20], store=tmp_path / "store")
    parts = results(days[20:], tmp_path / "one", store=tmp_path / "store")
    assert parts == results(days, tmp_path / "two")


def test_other_rules_match_without_reading(logs, tmp_path):
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: Unheard of\nid: 6d8f6c2e-3f5a-4f0e-9a53-1d3b9a4f7c11\nlevel: high\n"
        "logsource: {product: windows, category: process_creation}\n"
        "detection: {s: {Unheard: 'value 7'}, condition: s}\n"
    )
    hunt(logs, store=tmp_path / "store")
    steps = Recorder()
    found = hunt(tmp_path / "store", rules=[rule], watch=steps)
    assert found.brief.findings == hunt(logs, rules=[rule]).brief.findings
    assert sum(finding.count for finding in found.brief.findings) == N_DAYS
    assert not any(step.events for step in steps.steps)


def test_keywords_are_looked_for_in_fields_without_a_column_too(logs, tmp_path):
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: Anywhere\nid: 6d8f6c2e-3f5a-4f0e-9a53-1d3b9a4f7c12\nlevel: low\n"
        "logsource: {product: windows}\ndetection: {keywords: ['*value 13*'], condition: keywords}\n"
    )
    hunt(logs, store=tmp_path / "store")
    found = hunt(tmp_path / "store", rules=[rule]).brief.findings
    assert found == hunt(logs, rules=[rule]).brief.findings
    assert sum(finding.count for finding in found) == N_DAYS


def test_evidence_outlives_its_log_and_says_so_where_it_was_rebuilt(logs, tmp_path):
    first = hunt(logs, store=tmp_path / "store").brief.findings
    shutil.rmtree(logs)
    assert hunt(tmp_path / "store").brief.findings == first
    for path in (tmp_path / "store" / "states").glob("*.[er]*[et]"):
        path.unlink()  # results and evidence of the hunt before
    rebuilt = hunt(tmp_path / "store").brief.findings
    assert [(f.id, f.count, f.first_at, f.entities) for f in rebuilt] == [
        (f.id, f.count, f.first_at, f.entities) for f in first
    ]
    assert [e.matched for f in rebuilt for e in f.evidence] == [e.matched for f in first for e in f.evidence]
    original = json.loads(rebuilt[0].evidence[0].original)
    assert "the log is gone" in original["rebuilt"]
    assert original["CommandLine"]


def test_a_log_that_grew_takes_the_place_of_what_it_was(logs, tmp_path):
    hunt(logs, store=tmp_path / "store")
    with (logs / "day003.json").open("a") as log:
        log.write(json.dumps(event(3, N_EVENTS)) + "\n")
    assert results(logs, tmp_path / "one", store=tmp_path / "store") == results(logs, tmp_path / "two")
    assert n_rows(tmp_path / "store") == N_DAYS * N_EVENTS + 1


def test_a_changed_log_leaves_its_neighbours_in_the_unit_alone(logs, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST", 1 << 24)
    hunt(logs, store=tmp_path / "store")
    assert len(units(tmp_path / "store")) == 1
    write_day(logs, 5, host="ws2")
    assert read_again(logs, tmp_path / "store") == N_EVENTS
    assert results(logs, tmp_path / "one", store=tmp_path / "store") == results(logs, tmp_path / "two")


def test_a_log_that_was_only_touched_is_not_read(logs, tmp_path):
    hunt(logs, store=tmp_path / "store")
    os.utime(logs / "day001.json", (1, 1))
    assert read_again(logs, tmp_path / "store") == 0
    assert read_again(logs, tmp_path / "store") == 0


def test_another_file_of_the_same_relative_name_takes_no_ones_place(tmp_path, monkeypatch):
    write_day(tmp_path / "one" / "logs", 1)
    write_day(tmp_path / "two" / "logs", 1, host="ws2")
    monkeypatch.chdir(tmp_path / "one")
    hunt("logs", store=tmp_path / "store")
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(InputError, match="another file than the one of this name"):
        hunt("logs", store=tmp_path / "store")
    assert n_rows(tmp_path / "store") == N_EVENTS


def test_a_copy_of_a_log_is_read_once_and_said(logs, tmp_path):
    hunt(logs, store=tmp_path / "store")
    shutil.copy(logs / "day001.json", tmp_path / "another name.json")
    found = hunt(tmp_path / "another name.json", store=tmp_path / "store").coverage
    assert n_rows(tmp_path / "store") == N_DAYS * N_EVENTS
    assert [f.note for f in found.files if f.path.endswith("another name.json")] == [
        f"the same content as {logs / 'day001.json'}, read once"
    ]


def test_an_event_in_two_logs_is_kept_and_counted_once(logs, tmp_path):
    """Two exports that overlap: the same records in other files."""
    plain = hunt(logs, store=tmp_path / "store").brief
    overlap = tmp_path / "overlap.json"
    lines = [*(logs / "day002.json").read_text().splitlines(), json.dumps(event(2, 999))]
    overlap.write_text("\n".join(lines) + "\n")
    found = hunt(overlap, store=tmp_path / "store").brief
    assert n_rows(tmp_path / "store") == N_DAYS * N_EVENTS + 1
    assert sum(f.count for f in found.findings) == sum(f.count for f in plain.findings)
    (file,) = [f for f in found.coverage.files if f.path == str(overlap)]
    assert (file.n_events, file.note) == (
        1,
        f"{N_EVENTS} events were read from another log already, and are counted once",
    )
    assert found.coverage.n_events == N_DAYS * N_EVENTS + 1


def test_an_event_in_two_logs_of_one_unit_is_kept_once(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST", 1 << 24)
    write_day(tmp_path / "logs", 1)
    (tmp_path / "logs" / "zz.json").write_text(json.dumps(event(1, 1)) + "\n" + json.dumps(event(1, 900)) + "\n")
    hunt(tmp_path / "logs", store=tmp_path / "store")
    assert n_rows(tmp_path / "store") == N_EVENTS + 1


def test_identities_of_several_products_in_one_unit_do_not_meet(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST", 1 << 24)
    write_day(tmp_path / "logs", 1)
    shutil.copy(tmp_path / "logs" / "day001.json", tmp_path / "logs" / "zz.json")
    with (tmp_path / "logs" / "zz.json").open("a") as log:
        log.write(json.dumps(event(1, 900)) + "\n")
    call = {"eventVersion": "1.08", "eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "awsRegion": "x"}
    calls = [{**call, "eventID": f"id{n}", "eventTime": f"2021-03-01T00:00:{n:02}Z"} for n in range(20)]
    (tmp_path / "logs" / "trail.json").write_text(json.dumps({"Records": calls}))
    found = hunt(tmp_path / "logs", store=tmp_path / "store").coverage
    assert found.n_events == N_EVENTS + 1 + 20


def test_large_logs_are_cut_also_in_archives_and_the_result_is_the_same(tmp_path):
    lines = "".join(json.dumps(event(day, n)) + "\n" for day in range(10) for n in range(N_EVENTS)).encode()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_bytes(lines)
    plain = results(tmp_path / "logs", tmp_path / "plain")
    results(tmp_path / "logs", tmp_path / "kept", store=tmp_path / "store")
    assert len(units(tmp_path / "store")) > 3
    for name, make in (("zip", zipped), ("gz", gzip_of)):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / f"a.json.{name}", lines)
        found = results(folder, tmp_path / f"out-{name}", store=tmp_path / f"store-{name}")
        assert len(units(tmp_path / f"store-{name}")) > 3
        assert found == results(folder, tmp_path / f"plain-{name}")
        assert len(found["findings.jsonl"].splitlines()) == len(plain["findings.jsonl"].splitlines())


def zipped(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", content)
        archive.writestr("readme.txt", "no log")


def gzip_of(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content))


def test_several_processes_keep_the_same(logs, tmp_path, monkeypatch):
    one = results(logs, tmp_path / "one", store=tmp_path / "store1")
    monkeypatch.setattr("stillhunt.workflows.stored._BYTES_PER_WORKER", 0)
    steps = Recorder()
    workspace.save(hunt(logs, store=tmp_path / "store2", jobs=2, watch=steps).brief, tmp_path / "two", rules=())
    assert {name: (tmp_path / "two" / name).read_bytes() for name in FILES} == one
    assert any(step.subject == "2 processes" for step in steps.steps)


def test_what_was_saved_by_other_code_is_found_again_in_the_events(logs, tmp_path):
    first = results(logs, tmp_path / "one", store=tmp_path / "store")
    for path in (tmp_path / "store" / "states").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert results(tmp_path / "store", tmp_path / "two") == first


def test_a_state_that_was_tampered_with_counts_for_nothing(tmp_path):
    save(tmp_path / "x", ReadState())
    assert load(tmp_path / "x", ReadState) == ReadState() or load(tmp_path / "x", ReadState) is not None
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert load(tmp_path / "x", ReadState) is None
    assert load(tmp_path / "missing", ReadState) is None


def test_two_hunts_do_not_write_one_store(logs, tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="there are no such locks")
    hunt(logs, store=tmp_path / "store")
    with (tmp_path / "store" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another hunt is using this store"):
            hunt(logs, store=tmp_path / "store")


def test_a_folder_with_other_files_is_not_made_a_store(logs):
    with pytest.raises(InputError, match="is no store"):
        hunt(logs, store=logs)
    assert not (logs / MARKER).exists()


def test_a_store_below_the_logs_is_not_read_as_one(logs, tmp_path):
    hunt(logs, store=logs / "store")
    assert read_again(logs, logs / "store") == 0
    assert hunt(logs).coverage.n_events == N_DAYS * N_EVENTS


def test_results_and_store_may_share_a_folder(logs, tmp_path):
    first = results(logs, tmp_path / "out", store=tmp_path / "out")
    assert results(logs, tmp_path / "out", store=tmp_path / "out") == first
    assert results(tmp_path / "out", tmp_path / "elsewhere") == first


def test_a_log_that_cannot_be_read_is_tried_again(tmp_path, monkeypatch):
    path = write_day(tmp_path / "logs", 1)
    write_day(tmp_path / "logs", 2)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: str(p) != str(path) and allowed(p, mode))
    path.rename(tmp_path / "aside")
    path.symlink_to(tmp_path / "nowhere")
    problems = hunt(tmp_path / "logs", store=tmp_path / "store").coverage.problems
    assert [p.where for p in problems if "cannot be read" in p.message] == [str(path)]
    monkeypatch.undo()
    monkeypatch.setattr(plan, "_LEAST", 1 << 14)
    path.unlink()
    (tmp_path / "aside").rename(path)
    coverage = hunt(tmp_path / "logs", store=tmp_path / "store").coverage
    assert coverage.n_events == 2 * N_EVENTS
    assert not [p for p in coverage.problems if "cannot be read" in p.message]


def test_nothing_to_read_is_an_error_and_leaves_the_store_usable(logs, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        hunt(tmp_path / "empty", store=tmp_path / "store")
    assert hunt(logs, store=tmp_path / "store").coverage.n_events == N_DAYS * N_EVENTS


def told(store: Path) -> Iterator[dict]:
    return (msgspec.json.decode(line) for line in (store / MARKER).read_bytes().splitlines())


def test_the_manifest_says_what_was_read_and_what_was_not(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST", 1 << 24)
    path = write_day(tmp_path / "logs", 1)
    with path.open("a") as log:
        log.write("no json\n")
    hunt(tmp_path / "logs", store=tmp_path / "store")
    (add,) = [line for line in told(tmp_path / "store") if line["do"] == "add"]
    assert add["inputs"][0][:3] == [str(path), path.stat().st_size, path.stat().st_mtime_ns]
    assert (add["files"][0]["n_events"], add["files"][0]["n_unread"]) == (N_EVENTS, 1)
    assert "is no JSON" in add["problems"][0]["message"]


def test_work_in_turn_gives_results_in_order(monkeypatch):
    told = {"rules": RuleSet(rules=()), "n_workers": 1, "watch": Recorder(), "total": 1, "options": ReadOptions()}
    assert [*workers.in_turn(_double, [1, 2, 3], **told)] == [2, 4, 6]


def _double(desk, task):
    return 2 * task
