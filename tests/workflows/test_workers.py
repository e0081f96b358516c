"""The number of processes changes nothing but the time."""

from __future__ import annotations

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


def _die(shares):
    import os  # noqa: PLC0415 - in the worker

    os.abort()


def test_a_killed_process_is_an_error_with_a_remedy(shared_data, monkeypatch):
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    monkeypatch.setattr(workers, "_work", _die)
    with pytest.raises(EngineError) as caught:
        hunt([shared_data / "evtx" / "deepblue"], jobs=2)
    assert "--jobs 1" in str(caught.value.hint)
