"""A suppression hides what it names, for a while, with a reason; everything about it that is wrong is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from stillhunt.cases.suppression import read_suppressions, suppressed
from stillhunt.errors import InputError
from stillhunt.terms.entity import Entity, EntityKind

TODAY = date(2026, 6, 1)
ENTRY = """- id: backup
  match: {{{match}}}
  owner: anna
  reason: ours
  expires: 2027-01-01
"""


@pytest.fixture
def finding(make_finding, at):
    found = make_finding("Copies deleted", at(2021, 1, 1), host="fs1.corp.example", account="corp\\svc_backup")
    return replace(found, entities=(*found.entities, Entity(EntityKind.PROCESS, "C:\\Agent[x64]\\Run.exe")))


def test_a_day_may_be_quoted():
    entry = ENTRY.format(match="rule: x").replace("2027-01-01", "'2027-01-01'")
    assert [s.expires for s in read_suppressions({"s.yml": entry})] == [date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("match", "is_hidden"),
    [
        ("rule: copies deleted", True),
        ("rule: COPIES*", True),
        ("rule: copies", False),
        ("host: '*.corp.example'", True),
        ("host: '*.corp.example', account: 'corp\\svc_*'", True),
        ("host: '*.corp.example', account: 'corp\\adm_*'", False),
        ("process: 'c:\\agent[x64]\\run.exe'", True),
        ("level: high", True),
        ("level: low", False),
        ("address: '*'", False),
    ],
)
def test_all_that_an_entry_names_must_agree(finding, match, is_hidden):
    entries = read_suppressions({"s.yml": ENTRY.format(match=match)})
    found = suppressed([finding], entries, today=TODAY)
    assert dict(found.by_finding) == ({finding.id: "backup"} if is_hidden else {})
    assert [entry.id for entry in found.idle] == ([] if is_hidden else ["backup"])


def test_an_entry_holds_until_its_last_day_and_no_longer(finding):
    entries = read_suppressions({"s.yml": ENTRY.format(match="level: high")})
    assert suppressed([finding], entries, today=date(2027, 1, 1)).by_finding
    late = suppressed([finding], entries, today=date(2027, 1, 2))
    assert not late.by_finding
    assert [entry.id for entry in late.expired] == ["backup"]
    assert late.idle == ()


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        ("a: [", "is not YAML", "s.yml:1"),
        ("a: 1", "is no list", "s.yml"),
        ("- 5", "is no mapping", "s.yml:1"),
        ("- id: x\n  match: {rule: y}\n", "lacks `owner`", "s.yml:1"),
        (ENTRY.format(match="rule: x") + "  until: never\n", "`until` means nothing here", "s.yml:1"),
        (ENTRY.format(match="rule: x").replace("2027-01-01", "soon"), "`expires: soon` is no day", "s.yml:1"),
        (ENTRY.format(match="colour: red"), "nothing is called `colour`", "s.yml:1"),
        (ENTRY.format(match="level: grave"), "`level: grave` is no level", "s.yml:1"),
        (
            "\n" + ENTRY.format(match="rule: x") + ENTRY.format(match="rule: y"),
            "`backup` is there already: s.yml:2",
            "s.yml:7",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(content, message, where):
    with pytest.raises(InputError) as caught:
        read_suppressions({"s.yml": content})
    assert message in caught.value.message
    assert caught.value.where == where


def test_an_empty_file_has_no_entries():
    assert read_suppressions({"s.yml": "# nothing yet\n"}) == ()
