"""A workspace is written whole, read again, and never overwrites a stranger's folder."""

from __future__ import annotations

import pytest

from stillhunt.errors import InputError
from stillhunt.workflows import workspace
from stillhunt.workflows.lookup import INDEX, read_marker


@pytest.fixture
def brief(make_brief):
    return make_brief()


def test_what_is_saved_is_loaded_again(brief, tmp_path):
    workspace.save(brief, tmp_path / "out")
    assert workspace.load_brief(tmp_path / "out") == brief


def test_the_same_brief_gives_the_same_bytes_and_no_left_overs(brief, tmp_path):
    first = {p.name: p.read_bytes() for p in workspace.save(brief, tmp_path / "out")}
    again = {p.name: p.read_bytes() for p in workspace.save(brief, tmp_path / "out")}
    assert first == again
    beside = [workspace.MARKER, INDEX]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([*first, *beside])


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


def test_the_marker_says_what_was_hunted_and_with_which_rules(brief, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text("title: x\n")
    (tmp_path / "values.yml").write_text("admins: [alice]\n")
    workspace.save(brief, tmp_path / "out", rules=[tmp_path / "rules", "builtin"], values=[tmp_path / "values.yml"])
    marker = read_marker(tmp_path / "out")
    assert marker.inputs == brief.inputs
    assert [used.path for used in marker.rules] == sorted([str(tmp_path / "rules"), "builtin"])
    assert [used.path for used in marker.values] == [str(tmp_path / "values.yml")]
    assert all(len(used.sha256) == 64 for used in (*marker.rules, *marker.values))


def test_rules_without_a_path_are_the_built_in_pack(brief, tmp_path):
    workspace.save(brief, tmp_path, rules=())
    assert [used.path for used in read_marker(tmp_path).rules] == ["builtin"]


def test_rendering_again_forgets_no_rules(brief, tmp_path):
    workspace.save(brief, tmp_path, rules=())
    before = (tmp_path / workspace.MARKER).read_bytes()
    workspace.save(brief, tmp_path)
    assert (tmp_path / workspace.MARKER).read_bytes() == before


def test_rules_that_are_gone_at_the_end_cost_no_results(brief, tmp_path):
    workspace.save(brief, tmp_path, rules=[tmp_path / "gone"], values=[tmp_path / "gone.yml"])
    marker = read_marker(tmp_path)
    assert [(used.path, used.sha256) for used in (*marker.rules, *marker.values)] == [
        (str(tmp_path / "gone"), ""),
        (str(tmp_path / "gone.yml"), ""),
    ]
