"""EVTX is read record by record, and a damaged neighbour costs only itself."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def good(shared_data):
    return (shared_data / "evtx" / "benign" / "security.evtx").read_bytes()


def test_every_record_of_the_benign_logs_is_there(shared_data, read):
    for line in (shared_data / "truth" / "benign_evtx.jsonl").read_text().splitlines():
        truth = json.loads(line)
        rows, _ = read(shared_data / truth["file"])
        assert len(rows) == truth["events"], truth["file"]


def test_a_damaged_chunk_costs_its_own_records_only(good, read, tmp_path):
    whole = len(read(_written(tmp_path / "whole.evtx", good))[0])
    chunk = 4096 + 3 * 65536
    damaged = good[:chunk] + b"\xff" * 64 + good[chunk + 64 :]
    rows, coverage = read(_written(tmp_path / "damaged.evtx", damaged))
    assert whole - 250 < len(rows) < whole
    assert coverage.n_unread >= 1
    assert coverage.files[0].note


def test_damaged_records_cost_themselves_only(good, read, tmp_path):
    whole = len(read(_written(tmp_path / "whole.evtx", good))[0])
    damaged = bytearray(good)
    for chunk in range(2):
        start = 4096 + chunk * 65536
        record = damaged.index(b"\x2a\x2a\x00\x00", start + 30_000)
        damaged[record + 40 : record + 60] = b"\xee" * 20
    rows, coverage = read(_written(tmp_path / "damaged.evtx", bytes(damaged)))
    assert len(rows) + coverage.n_unread >= whole - 4
    assert len(rows) > whole * 0.9


def test_a_file_cut_off_gives_what_it_has(good, read, tmp_path):
    rows, _ = read(_written(tmp_path / "cut.evtx", good[: 4096 + 2 * 65536 + 1000]))
    assert len(rows) > 50


def test_a_wrong_name_hides_nothing(good, read, tmp_path):
    assert len(read(_written(tmp_path / "holiday.jpg", good))[0]) > 1000


def _written(path, content):
    path.write_bytes(content)
    return path
