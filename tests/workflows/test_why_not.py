"""Why-not answers as the hunt did, with the rules of the hunt, for records wherever they lie."""

from __future__ import annotations

import json
import zipfile

import pytest

from stillhunt.detection.finding import Clause, Finding
from stillhunt.errors import InputError, UnknownNameError
from stillhunt.report.renderers import clauses
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt
from stillhunt.workflows.lookup import find_finding
from stillhunt.workflows.why_not import why_not

RULE = """title: {title}
id: {id}
level: low
logsource: {{product: windows, service: security}}
detection:
  selection: {{SubjectUserName: alice}}
  condition: {condition}
"""
ID = "00000000-0000-4000-8000-00000000000{}"


def own_clauses(finding: Finding) -> Clause:
    """The rule's clauses, without what a finding of many values says before them."""
    matched = finding.evidence[0].matched
    return matched.children[0] if matched.label.startswith("one of more than") else matched


def assert_matches_as_found(folder, finding):
    ref = finding.evidence[0].ref
    answer = why_not(finding.detector.id, f"{ref.file}:{ref.record}", folder=folder)
    assert answer.judgement is not None
    assert answer.judgement.is_match, (finding.id, ref)
    assert answer.judgement.matched == own_clauses(finding)
    assert answer.original == finding.evidence[0].original
    assert answer.ref is not None
    assert (answer.ref.file, answer.ref.record) == (ref.file, ref.record)
    lines = list(clauses.judged(answer.judgement, ref=answer.ref, original=answer.original))
    assert lines[0] == "matches"


def test_every_finding_of_the_demo_is_explained_and_matches_again(demo_hunt):
    folder, findings = demo_hunt
    for finding in findings:
        assert find_finding(folder, finding.id) == finding
        assert next(iter(clauses.explained(finding))) == finding.id
    seen = set()
    for finding in findings:
        if finding.detector.id not in seen and finding.detector.kind != "behaviour":
            seen.add(finding.detector.id)
            assert_matches_as_found(folder, finding)
    assert seen


@pytest.mark.slow
def test_every_finding_of_real_logs_is_explained_and_matches_again(shared_data, tmp_path):
    found = hunt(shared_data / "evtx" / "attack-samples")
    workspace.save(found.brief, tmp_path, rules=())
    assert len(found.brief.findings) > 100
    for finding in found.brief.findings:
        assert find_finding(tmp_path, finding.id) == finding
        assert next(iter(clauses.explained(finding))) == finding.id
        if finding.detector.kind != "behaviour":  # an analytic asks more than one event
            assert_matches_as_found(tmp_path, finding)


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = [
        {
            "Event": {
                "System": {
                    "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                    "EventID": 4624,
                    "Channel": "Security",
                    "Computer": "ws1.example",
                    "EventRecordID": 7,
                    "TimeCreated": {"#attributes": {"SystemTime": "2021-08-24T03:12:00Z"}},
                },
                "EventData": {"SubjectUserName": name},
            }
        }
        for name in ("alice", "ALICE2", "bob")
    ]
    (tmp_path / "a.json").write_text("".join(json.dumps(record) + "\n" for record in records))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.json", "in/a.json")
    (tmp_path / "wrapped.json").write_text(json.dumps({"records": records}) + "\n")
    (tmp_path / "rules").mkdir()
    for number, title, condition in ((1, "Alice", "selection"), (2, "Broken", "selecton"), (3, "Twin", "selection")):
        text = RULE.format(title=title, id=ID.format(number), condition=condition)
        (tmp_path / "rules" / f"{number}.yml").write_text(text)
    (tmp_path / "rules" / "4.yml").write_text(
        RULE.format(title="Twin", id="f" + ID.format(4)[1:], condition="selection")
    )
    return tmp_path


@pytest.mark.parametrize("rule", [ID.format(1), "Alice", "alice"])
@pytest.mark.parametrize("event", ["a.json:1", "b.zip!in/a.json:1"])
def test_a_rule_is_named_by_id_or_title_and_an_event_by_its_place(logs, rule, event):
    answer = why_not(rule, event, rules=["rules"])
    assert answer.judgement is not None
    assert answer.judgement.is_match
    assert answer.inert is None
    assert answer.ref is not None
    assert (f"{answer.ref.file}:{answer.ref.record}", answer.ref.clock) == (event, "TimeCreated")
    assert answer.ref.at is not None
    assert answer.ref.at.isoformat() == "2021-08-24T03:12:00+00:00"


def test_the_beginning_of_an_id_is_enough_if_only_one_has_it(logs):
    assert why_not("f", "a.json:1", rules=["rules"]).judgement is not None
    with pytest.raises(UnknownNameError, match="3 rules are called `0000`") as caught:
        why_not("0000", "a.json:1", rules=["rules"])
    assert f"{ID.format(1)} (Alice), {ID.format(2)} (Broken), {ID.format(3)} (Twin)" in caught.value.hint


def test_a_title_that_two_rules_have_is_not_enough(logs):
    with pytest.raises(UnknownNameError, match="2 rules are called `Twin`"):
        why_not("Twin", "a.json:1", rules=["rules"])


def test_an_unknown_rule_suggests_the_nearest(logs):
    with pytest.raises(UnknownNameError, match="no rule has the id or title `Alce`") as caught:
        why_not("Alce", "a.json:1", rules=["rules"])
    assert caught.value.hint == "did you mean `Alice`?"
    for rule in ("", "zzzzzz"):
        with pytest.raises(UnknownNameError) as caught:
            why_not(rule, "a.json:1", rules=["rules"])
        assert "--rules" in caught.value.hint


def test_a_miss_names_the_clause_and_how_near_it_came(logs):
    judgement = why_not("Alice", "a.json:2", rules=["rules"]).judgement
    assert judgement is not None
    assert not judgement.is_match
    (clause,) = judgement.failed
    assert clause.values == ("ALICE2",)
    assert clause.near == ("the value contains it, but is more than that",)


def test_a_rule_that_cannot_run_says_why(logs):
    answer = why_not("Broken", "a.json:1", rules=["rules"])
    assert answer.judgement is None
    assert answer.inert is not None
    assert "selecton" in answer.inert.reason


def test_of_several_records_with_one_number_the_one_that_matches_is_told(logs):
    answer = why_not("Alice", "wrapped.json:1", rules=["rules"])
    assert answer.judgement is not None
    assert answer.judgement.is_match
    assert answer.notes == ("3 records have this number; this is the one that the rule comes furthest with",)


@pytest.mark.parametrize("event", ["nowhere.json:1", "a.json:9", "a.json", "b.zip!x:1"])
def test_an_unknown_file_or_record_is_an_unknown_name(logs, event):
    with pytest.raises(UnknownNameError):
        why_not("Alice", event, rules=["rules"])


def test_the_rules_of_the_hunt_are_used_and_said_to_have_changed_if_they_have(logs):
    found = hunt("a.json", rules=["rules"])
    workspace.save(found.brief, logs / "out", rules=["rules"])
    assert why_not("Alice", "a.json:1", folder=logs / "out").notes == ()
    (logs / "rules" / "1.yml").write_text(RULE.format(title="Alice", id=ID.format(1), condition="not selection"))
    answer = why_not("Alice", "a.json:1", folder=logs / "out")
    assert answer.notes == ("the rules of rules have changed since the hunt",)
    assert answer.judgement is not None
    assert not answer.judgement.is_match


def test_rules_that_are_gone_are_named(logs):
    found = hunt("a.json", rules=["rules/1.yml"])
    workspace.save(found.brief, logs / "out", rules=["rules/1.yml"])
    (logs / "rules" / "1.yml").unlink()
    with pytest.raises(InputError, match="no such file or folder of rules"):
        why_not("Alice", "a.json:1", folder=logs / "out")


def test_a_hunt_of_another_version_is_said(logs):
    found = hunt("a.json", rules=["rules/1.yml"])
    workspace.save(found.brief, logs / "out", rules=["rules/1.yml"])
    marker = json.loads((logs / "out" / workspace.MARKER).read_text())
    (logs / "out" / workspace.MARKER).write_text(json.dumps(marker | {"version": "0.0.1"}))
    (note,) = why_not("Alice", "a.json:1", folder=logs / "out").notes
    assert note.startswith("the hunt was made by version 0.0.1, this is ")


def test_without_a_hunt_the_built_in_pack_is_used(logs):
    answer = why_not("3a69d69c", "a.json:1")
    assert answer.judgement is not None
    assert answer.judgement.detector.path.startswith("builtin/")
    assert not answer.judgement.is_in_scope


def test_a_folder_that_is_no_workspace_is_refused(logs):
    with pytest.raises(InputError, match="no workspace"):
        why_not("Alice", "a.json:1", folder=logs)
