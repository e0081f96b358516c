"""The number of processes changes nothing but the time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pyzipper

from stillhunt.errors import EngineError
from stillhunt.telemetry import share
from stillhunt.workflows import workers, workspace
from stillhunt.workflows.hunt import hunt


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_as_one(shared_data, tmp_path, monkeypatch):
    logs = shared_data / "evtx" / "deepblue"
    workspace.save(hunt([logs]).brief, tmp_path / "one")
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    monkeypatch.setattr(share, "_WORTH_CUTTING", 1 << 18)
    steps = []
    workspace.save(hunt([logs], jobs=2, watch=steps.append).brief, tmp_path / "two")
    for name in ("findings.jsonl", "cases.json", "coverage.json", "brief.json", "case.html"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert any(step.subject == "2 processes" for step in steps)


def test_every_process_knows_the_passwords_and_no_result_does(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    (tmp_path / "logs").mkdir()
    line = b"2021-08-24 03:12:09 GET /owa/a.aspx 203.0.113.9\n"
    for name in ("a.zip", "b.zip"):
        with pyzipper.AESZipFile(tmp_path / "logs" / name, "w", encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(b"s3cr3t-w0rd")
            archive.writestr("x.log", b"#Fields: date time cs-method cs-uri-stem c-ip\n" + line * 3)
    found = hunt([tmp_path / "logs"], passwords=["other", "s3cr3t-w0rd"], jobs=2)
    workspace.save(found.brief, tmp_path / "out")
    assert found.coverage.n_events == 6
    assert not found.coverage.problems
    for path in (tmp_path / "out").iterdir():
        assert b"s3cr3t" not in path.read_bytes()


def _export(path, numbers):
    path.parent.mkdir(exist_ok=True)
    record = {"Operation": "New-InboxRule", "Workload": "Exchange", "RecordType": 1, "UserId": "bob@corp.example"}
    record |= {"ResultStatus": "True", "ClientIP": "203.0.113.9", "Parameters": [{"Name": "ForwardTo", "Value": "e@x"}]}
    lines = (
        json.dumps({**record, "Id": f"id{number}", "CreationTime": f"2024-02-{1 + number % 28:02}T00:00:00"})
        for number in numbers
    )
    path.write_text("\n".join(lines) + "\n")


def test_a_record_in_two_exports_counts_once_whoever_read_them(tmp_path, monkeypatch):
    logs = tmp_path / "logs"
    # The last is the largest, so that another process reads it before the others in time.
    for name, numbers in (("a", range(40)), ("b", range(30, 80)), ("c", range(5, 45)), ("d", range(60, 200))):
        _export(logs / f"{name}.json", numbers)
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    for jobs in (1, 2, 3):
        found = hunt([logs], jobs=jobs)
        workspace.save(found.brief, tmp_path / str(jobs))
        counts = {Path(file.path).name: (file.n_events, file.n_duplicates) for file in found.coverage.files}
        assert counts == {"a.json": (40, 0), "b.json": (40, 10), "c.json": (0, 40), "d.json": (120, 20)}
        assert found.coverage.n_events == 200
    for name in ("findings.jsonl", "cases.json", "coverage.json", "brief.json"):
        first, *others = [(tmp_path / str(jobs) / name).read_bytes() for jobs in (1, 2, 3)]
        assert others == [first, first]


def _die(shares):
    import os  # noqa: PLC0415 - in the worker

    os.abort()


def test_a_killed_process_is_an_error_with_a_remedy(shared_data, monkeypatch):
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    monkeypatch.setattr(workers, "_work", _die)
    with pytest.raises(EngineError) as caught:
        hunt([shared_data / "evtx" / "deepblue"], jobs=2)
    assert "--jobs 1" in str(caught.value.hint)
