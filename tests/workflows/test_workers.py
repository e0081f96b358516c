"""The number of processes changes nothing but the time."""

from __future__ import annotations

import pytest

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


def _die(shares):
    import os  # noqa: PLC0415 - in the worker

    os.abort()


def test_a_killed_process_is_an_error_with_a_remedy(shared_data, monkeypatch):
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    monkeypatch.setattr(workers, "_work", _die)
    with pytest.raises(EngineError) as caught:
        hunt([shared_data / "evtx" / "deepblue"], jobs=2)
    assert "--jobs 1" in str(caught.value.hint)
