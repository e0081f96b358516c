"""A finding is found by its id or the beginning of one, with an index or without."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.detection.finding import to_json_lines
from stillhunt.errors import InputError, UnknownNameError
from stillhunt.workflows import workspace
from stillhunt.workflows.lookup import FINDINGS, INDEX, MARKER, find_finding, index_of, read_marker

IDS = ("finding-3f2a000000000001", "finding-3f2b000000000002", "finding-aa00000000000003", "finding-0000000000000004")


@pytest.fixture
def findings(make_finding):
    return {id_: make_finding(id_, title=f"Rule {number}") for number, id_ in enumerate(IDS)}


@pytest.fixture
def folder(findings, make_brief, tmp_path):
    workspace.save(make_brief(*findings.values()), tmp_path / "out", rules=())
    return tmp_path / "out"


def stale(folder):
    (folder / INDEX).write_bytes(index_of([(id_, 10) for id_ in IDS]))


def missing(folder):
    (folder / INDEX).unlink()


def garbled(folder):
    (folder / INDEX).write_bytes(b"\x00\xff" * 100)


def shortened(folder):
    (folder / INDEX).write_bytes((folder / INDEX).read_bytes()[:-3])


def of_other_lines(folder):
    """Right in size, wrong in every offset."""
    lines = [(id_, len(line)) for id_, line in zip(IDS, (folder / FINDINGS).read_bytes().splitlines(True), strict=True)]
    (folder / INDEX).write_bytes(index_of([(id_, n) for (id_, _), (_, n) in zip(reversed(lines), lines, strict=True)]))


@pytest.mark.parametrize("harm", [None, stale, missing, garbled, shortened, of_other_lines])
@pytest.mark.parametrize("id_", IDS)
def test_every_finding_is_found_whatever_became_of_the_index(folder, findings, harm, id_):
    if harm:
        harm(folder)
    assert find_finding(folder, id_) == findings[id_]
    assert find_finding(folder, id_.removeprefix("finding-")[:4]) == findings[id_]


def test_an_ambiguous_beginning_names_the_candidates(folder):
    with pytest.raises(UnknownNameError, match="2 findings begin with `3f2`") as caught:
        find_finding(folder, "3f2")
    assert "finding-3f2a000000000001 (Rule 0), finding-3f2b000000000002 (Rule 1)" in caught.value.hint
    with pytest.raises(UnknownNameError, match="4 findings"):
        find_finding(folder, "finding-")


def test_an_unknown_id_names_its_neighbours(folder):
    with pytest.raises(UnknownNameError, match="no finding's id begins with `3f2c`") as caught:
        find_finding(folder, "3f2c")
    assert "finding-3f2b000000000002 (Rule 1)" in caught.value.hint


def test_an_id_that_another_begins_with_is_itself(make_finding, make_brief, tmp_path):
    both = [make_finding("finding-ab"), make_finding("finding-abc")]
    workspace.save(make_brief(*both), tmp_path / "out", rules=())
    assert find_finding(tmp_path / "out", "ab") == both[0]


def test_a_hunt_that_found_nothing_says_so(make_brief, tmp_path):
    workspace.save(make_brief(), tmp_path / "out", rules=())
    with pytest.raises(UnknownNameError) as caught:
        find_finding(tmp_path / "out", "3f")
    assert caught.value.hint == "the hunt found nothing"


def test_a_damaged_line_costs_only_its_finding(folder, findings):
    content = (folder / FINDINGS).read_bytes()
    (folder / FINDINGS).write_bytes(content.replace(b'"count":3', b'"count":x', 1))
    with pytest.raises(UnknownNameError):
        find_finding(folder, IDS[0])
    assert find_finding(folder, IDS[1]) == findings[IDS[1]]


def test_a_line_that_is_no_finding_is_called_damaged(folder):
    content = (folder / FINDINGS).read_bytes()
    (folder / FINDINGS).write_bytes(content.replace(b'"count":3', b'"cnunt":3', 1))
    with pytest.raises(InputError, match=f"the line of {IDS[0]} is damaged"):
        find_finding(folder, IDS[0])


def test_a_folder_without_marker_is_no_workspace(tmp_path):
    with pytest.raises(InputError, match="no workspace"):
        find_finding(tmp_path, "3f")


def test_a_damaged_marker_is_named(folder):
    (folder / MARKER).write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        read_marker(folder)


@given(st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=20), st.integers(2, 10**9)))
def test_the_index_is_sorted_and_says_where_each_line_lies(lengths):
    head, *rows = index_of(lengths.items()).decode("ascii").splitlines()
    said = msgspec.json.decode(head)
    assert (said["findings"], said["bytes"]) == (len(lengths), sum(lengths.values()))
    taken = [(row[: said["id_width"]].rstrip(), *map(int, row[said["id_width"] :].split())) for row in rows]
    assert [id_ for id_, _, _ in taken] == sorted(lengths)
    offset = 0
    places = {id_: (start, length) for id_, start, length in taken}
    for id_, length in lengths.items():
        assert places[id_] == (offset, length)
        offset += length


def test_the_index_fits_the_findings_as_they_are_written(folder, findings):
    content = (folder / FINDINGS).read_bytes()
    assert content == b"".join(to_json_lines(findings.values()))
    assert msgspec.json.decode((folder / INDEX).read_bytes().partition(b"\n")[0])["bytes"] == len(content)
