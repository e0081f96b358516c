"""A log read in pieces is the log."""

from __future__ import annotations

import json

import pytest

from stillhunt.telemetry import share
from stillhunt.telemetry.collect import Reading


def rows(reading, shares):
    found = [
        {name: value for name, value in row.items() if value is not None} | {"class": b.event_class}
        for b in reading.part(shares)
        for row in b.data.to_pylist()
    ]
    return in_order(found)


def in_order(found):
    return sorted(found, key=lambda row: (row["event.file"], row["event.record"], str(row)))


def read_by_workers(parts):
    """Return the rows that several workers read, and the account of all."""
    joined, pieces = Reading([]), []
    for part in parts:
        worker = Reading([])
        pieces += rows(worker, part)
        joined.take(worker.state())
    return in_order(pieces), joined.coverage()


@pytest.fixture
def in_small_pieces(monkeypatch):
    monkeypatch.setattr(share, "_WORTH_CUTTING", 1)


@pytest.mark.parametrize("n_workers", [2, 3, 7])
def test_json_lines_in_pieces_keep_their_numbers(evtx_dump, write_lines, in_small_pieces, n_workers):
    lines = [evtx_dump(record=i, Noise="é" * (i % 50)) for i in range(300)]
    path = write_lines(lines, "logs/large.json")
    write_lines(lines[:3], "logs/small.json")
    whole = rows(one := Reading([path.parent]), [s for part in one.shares(1) for s in part])
    parts = Reading([path.parent]).shares(n_workers)
    assert len(parts) == n_workers
    assert sum(s.cut is not None for part in parts for s in part) >= n_workers
    assert read_by_workers(parts) == (whole, one.coverage())


def test_an_array_is_not_cut(evtx_dump, in_small_pieces, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([evtx_dump(record=i) for i in range(200)], indent=1))
    assert [s.cut for part in Reading([path]).shares(3) for s in part] == [None]


def test_an_event_log_is_cut_between_chunks(shared_data, in_small_pieces):
    folder = shared_data / "evtx" / "deepblue"
    one = Reading([folder])
    whole = rows(one, [s for part in one.shares(1) for s in part])
    parts = Reading([folder]).shares(3)
    assert any(s.cut for part in parts for s in part)
    assert read_by_workers(parts) == (whole, one.coverage())
