"""The same bytes under several names are read once, and said."""

from __future__ import annotations

import pytest

from stillhunt.telemetry.copies import copies, digest


@pytest.fixture
def files(tmp_path):
    middle = bytes(200_000)
    contents = {
        "a": b"one",
        "b": b"one",
        "c": b"two",
        "d": b"",
        "e": b"",
        "f": b"x" * 70_000 + middle + b"y" * 70_000,
        "g": b"x" * 70_000 + middle[:-1] + b"z" + b"y" * 70_000,
        "h": b"x" * 70_000 + middle + b"y" * 70_000,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_a_later_file_of_the_same_content_is_a_copy_of_the_first(files):
    found = copies(files)
    assert {copy.name: first.name for copy, first in found.items()} == {"b": "a", "h": "f"}


def test_files_of_other_sizes_are_not_opened(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"22")
    monkeypatch.setattr(type(tmp_path), "open", lambda *_: pytest.fail("was opened"))
    assert copies([tmp_path / "a", tmp_path / "b"]) == {}


def test_what_cannot_be_read_is_no_copy(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    assert copies([tmp_path / "a", tmp_path / "nowhere", tmp_path / "neither"]) == {}
    assert digest(tmp_path / "nowhere") == ""


def test_a_hunt_says_what_it_read_once(evtx_dump, write_lines, read):
    one, other = write_lines([evtx_dump()], "a.json"), write_lines([evtx_dump()], "b.json")
    rows, coverage = read(one, other)
    assert len(rows) == 1
    assert [(f.path, f.note) for f in coverage.files if f.note] == [
        (str(other), f"the same content as {one}, read once")
    ]
