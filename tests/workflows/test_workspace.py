"""A workspace is written whole, read again, and never overwrites a stranger's folder."""

from __future__ import annotations

import pytest

from stillhunt.errors import InputError
from stillhunt.report.brief import Brief
from stillhunt.telemetry.coverage import Coverage
from stillhunt.workflows import workspace


@pytest.fixture
def brief():
    return Brief(
        version="0",
        inputs=("logs",),
        coverage=Coverage(),
        cases=(),
        assessments=(),
        findings=(),
        technique_names={},
        technique_tactics={},
        software_names={},
    )


def test_what_is_saved_is_loaded_again(brief, tmp_path):
    workspace.save(brief, tmp_path / "out")
    assert workspace.load_brief(tmp_path / "out") == brief


def test_the_same_brief_gives_the_same_bytes_and_no_left_overs(brief, tmp_path):
    first = {p.name: p.read_bytes() for p in workspace.save(brief, tmp_path / "out")}
    again = {p.name: p.read_bytes() for p in workspace.save(brief, tmp_path / "out")}
    assert first == again
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([*first, workspace.MARKER])


def test_a_strangers_folder_is_refused(brief, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="did not write") as caught:
        workspace.save(brief, tmp_path)
    assert "--out" in caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(brief, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="is a file"):
        workspace.check(tmp_path / "out")


def test_a_folder_that_is_no_workspace_cannot_be_loaded(tmp_path):
    with pytest.raises(InputError, match="no workspace"):
        workspace.load_brief(tmp_path)


def test_a_damaged_brief_says_what_to_give(brief, tmp_path):
    workspace.save(brief, tmp_path)
    (tmp_path / "brief.json").write_text('{"version": 3}')
    with pytest.raises(InputError, match="no brief"):
        workspace.load_brief(tmp_path)
