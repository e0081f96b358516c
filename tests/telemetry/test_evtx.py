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


HEADERS = {
    "the file's magic": (0, 8),
    "the file's header": (0, 4096),
    "a chunk's magic": (4096 + 3 * 65536, 8),
    "a chunk's offsets": (4096 + 3 * 65536 + 40, 12),
    "a chunk's names": (4096 + 3 * 65536 + 128, 256),
    "a chunk's whole header": (4096 + 3 * 65536, 512),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_damaged_header_costs_no_record(good, read, tmp_path, what):
    start, size = HEADERS[what]
    damaged = good[:start] + b"\xee" * size + good[start + size :]
    rows, coverage = read(_written(tmp_path / "damaged.evtx", damaged))
    assert _ids(rows) == _ids(read(_written(tmp_path / "whole.evtx", good))[0])
    assert coverage.n_unread == 0


@pytest.mark.parametrize("field", [(0, 4), (4, 4), (16, 8)], ids=["magic", "size", "time"])
def test_a_damaged_record_header_costs_no_neighbour(good, read, tmp_path, field):
    offset, size = field
    damaged = bytearray(good)
    for chunk in range(2):
        record = damaged.index(b"\x2a\x2a\x00\x00", 4096 + chunk * 65536 + 30_000)
        damaged[record + offset : record + offset + size] = b"\xee" * size
    rows, coverage = read(_written(tmp_path / "damaged.evtx", bytes(damaged)))
    assert _ids(rows) == _ids(read(_written(tmp_path / "whole.evtx", good))[0])
    assert any("were mended" in p.message for p in coverage.problems)


def test_a_damaged_record_costs_itself_and_is_counted(good, read, tmp_path):
    damaged = bytearray(good)
    for chunk in range(2):
        record = damaged.index(b"\x2a\x2a\x00\x00", 4096 + chunk * 65536 + 30_000)
        damaged[record + 24 : record + 60] = b"\xee" * 36
    rows, coverage = read(_written(tmp_path / "damaged.evtx", bytes(damaged)))
    whole = _ids(read(_written(tmp_path / "whole.evtx", good))[0])
    assert len(whole - _ids(rows)) == coverage.n_unread == 2


def test_chunks_carved_without_their_file_header_are_read(good, read, tmp_path):
    rows, _ = read(_written(tmp_path / "carved.bin", good[4096 : 4096 + 2 * 65536]))
    assert len(rows) > 50


def test_records_of_an_earlier_use_of_a_chunk_do_not_come_back(good, read, tmp_path):
    rows, _ = read(_written(tmp_path / "whole.evtx", good))
    ids = [r["EventRecordID"] for r in rows]
    assert len(ids) == len(set(ids))


def test_a_file_cut_inside_a_chunk_gives_what_it_has(good, read, tmp_path):
    at_the_edge = _ids(read(_written(tmp_path / "edge.evtx", good[: 4096 + 2 * 65536]))[0])
    inside = _ids(read(_written(tmp_path / "cut.evtx", good[: 4096 + 2 * 65536 + 40_000]))[0])
    assert len(inside - at_the_edge) > 30


def test_a_wrong_name_hides_nothing(good, read, tmp_path):
    assert len(read(_written(tmp_path / "holiday.jpg", good))[0]) > 1000


def _ids(rows):
    return {r["EventRecordID"] for r in rows}


def _written(path, content):
    path.write_bytes(content)
    return path
