"""Why a rule does not match: its log source, the clauses that failed, and how the event came close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhunt.detection.judgement import Judgement, Tried
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.detection.why_not import judge
from stillhunt.telemetry.collect import Retrieved
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.telemetry.outlet import WindowsRecords
from stillhunt.telemetry.table import build_batch

REPOSITORY = Path(__file__).parents[2]
PACK = {rule.detector.id: rule for rule in load_rules([REPOSITORY / "src" / "stillhunt" / "rules"]).rules}
CASES = sorted((REPOSITORY / "tests" / "cases" / "rules").glob("*.yml"))


def windows(provider: str, channel: str, event_id: str, fields: dict[str, Any]) -> EventBatch:
    system = {"Provider": provider, "Channel": channel, "EventID": event_id, "Computer": "ws1", "EventRecordID": 1}
    records = WindowsRecords()
    records.add({"Event": {"System": system, "EventData": fields}}, file="case.yml", number=1)
    (piece,) = records.pieces()
    return build_batch(piece.event_class, [piece])


def leaves(tried: Tried):
    if not tried.children:
        yield tried
    for child in tried.children:
        yield from leaves(child)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_of_every_rules_own_cases_the_misses_name_what_failed_and_the_hits_match(path, batch_of_case):
    case = yaml.safe_load(path.read_text("utf-8"))
    rule = PACK[case["rule"]]
    for event in case["positive"]:
        judgement = judge(rule, batch_of_case(event))
        assert judgement.is_match
        assert judgement.failed == ()
        assert judgement.condition.state == "held"
    for event in case["negative"]:
        judgement = judge(rule, batch_of_case(event))
        assert judgement.is_in_scope
        assert not judgement.is_match
        assert judgement.failed
        assert {clause.state for clause in judgement.failed} == {"failed"}
        assert judgement.matched is None


def test_a_match_is_explained_as_a_finding_explains_it(make_batch):
    rule = one_rule("selection:\n    Image|endswith: cmd.exe\n  other:\n    CommandLine|contains: [whoami, net]")
    event = make_batch({"Image": "C:\\cmd.exe", "CommandLine": "cmd /c whoami"})
    judgement = judge(rule, event)
    scan = Scan(RuleSet(rules=(rule,)))
    scan.feed(event)
    (finding,) = scan.findings(lambda file, host: 0, lambda wanted: [Retrieved(event, {})])
    assert judgement.matched == finding.evidence[0].matched


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def one_rule(detections: str, *, condition: str = "1 of them", source: str = "{product: windows}"):
    condition = condition if condition != "1 of them" or "other:" not in detections else "all of them"
    text = f"title: Test\nlevel: low\nlogsource: {source}\ndetection:\n  {detections}\n  condition: {condition}\n"
    Path("rule.yml").write_text(text)
    rules = load_rules(["rule.yml"], cache="off")
    return rules.rules[0]


def told(make_batch, selection: str, **fields) -> Tried:
    """The one clause that a selection of one line failed for."""
    judgement: Judgement = judge(one_rule(f"selection:\n    {selection}"), make_batch(fields))
    assert not judgement.is_match
    (clause,) = judgement.failed
    return clause


def test_the_actual_value_is_shown(make_batch):
    clause = told(make_batch, "Image|endswith: x.exe", Image="C:\\y.exe")
    assert (clause.label, clause.field, clause.values, clause.near) == (
        "Image|endswith: x.exe",
        "Image",
        ("C:\\y.exe",),
        (),
    )


def test_a_field_that_the_event_lacks_is_said_and_one_of_nearly_its_name(make_batch):
    clause = told(make_batch, "commandline|contains: whoami", CommandLine="whoami", User=None)
    assert not clause.has_field
    assert clause.near[0] == "the event has the field `CommandLine`, whose name differs only in upper and lower case"
    assert not told(make_batch, "User: x", Image="y", User=None).has_field


@pytest.mark.parametrize(
    ("selection", "fields", "near"),
    [
        ("Image|cased: C:\\X.exe", {"Image": "c:\\x.exe"}, "the value differs only in upper and lower case"),
        ("Image|contains|cased: Xy", {"Image": "c:\\xy.exe"}, "the value differs only in upper and lower case"),
        ("Image|re: ^C:.*X", {"Image": "c:\\x.exe"}, "the value differs only in upper and lower case"),
        ("Image: x.exe", {"Image": "c:\\x.exe"}, "the value contains it, but is more than that"),
        ("Image|startswith: x.e", {"Image": "c:\\x.exe"}, "the value contains it, but does not begin with it"),
        ("Image|endswith: x.e", {"Image": "c:\\x.exe"}, "the value contains it, but does not end with it"),
        ("Image|contains: whoami", {"Image": "a", "CommandLine": "WHOAMI /all"}, "the field `CommandLine` has it"),
        ("Image|contains: whoami", {"CommandLine": "WHOAMI /all"}, "the field `CommandLine` has it"),
        ("Image: null", {"Image": "a"}, "the rule asks for no value"),
        ("Size|gt: 5", {"Size": "large"}, "the value is no number"),
        ("Ip|cidr: 10.0.0.0/8", {"Ip": "localhost"}, "the value is no address"),
        ("Ip|cidr: 10.0.0.0/8", {"Ip": "192.0.2.1", "Other": "10.1.2.3"}, "the field `Other` has it"),
        ("Image|fieldref: ParentImage", {"Image": "a", "ParentImage": "b"}, "`ParentImage` is b"),
        ("Image|fieldref: ParentImage", {"Image": "a"}, "the event has no field `ParentImage`"),
    ],
)
def test_near_misses_are_said_in_words(make_batch, selection, fields, near):
    assert near in told(make_batch, selection, **fields).near


def test_short_texts_and_numbers_are_not_looked_for_elsewhere(make_batch):
    assert told(make_batch, "Image|contains: abc", Image="x", CommandLine="abc").near == ()
    assert told(make_batch, "EventID: 4688", EventID="1", CommandLine="4688").near == ()


def test_a_keyword_that_no_field_has(make_batch):
    judgement = judge(one_rule("keywords:\n    - mimikatz"), make_batch({"CommandLine": "whoami"}))
    (clause,) = judgement.failed
    assert (clause.kind, clause.field, clause.values) == ("keyword", "", ())
    held = judge(one_rule("keywords:\n    - mimikatz"), make_batch({"CommandLine": "MIMIKATZ.exe"}))
    assert [leaf.values for leaf in leaves(held.condition)] == [("MIMIKATZ.exe",)]


def test_what_is_excluded_is_blamed_on_the_exclusion(make_batch):
    rule = one_rule(
        "selection:\n    Image|endswith: cmd.exe\n  filter:\n    User: alice", condition="selection and not filter"
    )
    judgement = judge(rule, make_batch({"Image": "C:\\cmd.exe", "User": "alice"}))
    (clause,) = judgement.failed
    assert (clause.kind, clause.state) == ("not", "failed")
    assert [(leaf.field, leaf.state) for leaf in leaves(clause)] == [("User", "held")]


def test_of_an_or_all_branches_are_blamed_and_of_an_and_only_those_that_failed(make_batch):
    rule = one_rule("one:\n    Image: [a, b]\n    User: alice\n  two:\n    User: carol", condition="one or two")
    judgement = judge(rule, make_batch({"Image": "c", "User": "alice"}))
    assert [clause.label for clause in judgement.failed] == ["Image: a", "Image: b", "User: carol"]
    assert [(leaf.label, leaf.state) for leaf in leaves(judgement.condition)] == [
        ("Image: a", "failed"),
        ("Image: b", "failed"),
        ("User: alice", "held"),
        ("User: carol", "failed"),
    ]


def test_another_log_source_leaves_every_clause_untried_and_says_what_would_be(make_batch):
    rule = one_rule("selection:\n    LogonType: 3", source="{product: windows, category: process_creation}")
    event = windows("Microsoft-Windows-Security-Auditing", "Security", "4624", {"LogonType": "3"})
    judgement = judge(rule, event)
    assert (judgement.is_match, judgement.is_in_scope, judgement.would_hold) == (False, False, True)
    assert judgement.wanted == "windows/process_creation"
    assert judgement.event == "windows/security, Security event 4624"
    assert judgement.scope == ("the rule is about the category `process_creation`, the event is of no category",)
    assert {leaf.state for leaf in leaves(judgement.condition)} == {"not reached"}
    assert judgement.failed == ()
    assert judgement.matched is None


def test_every_part_of_a_log_source_that_disagrees_is_said(make_batch):
    rule = one_rule("selection:\n    a: b", source="{product: linux, category: webserver, service: auditd}")
    judgement = judge(rule, make_batch({"a": "b"}))
    assert judgement.scope == (
        "the rule is about the product `linux`, the event is of `windows`",
        "the rule is about the category `webserver`, the event is of `process_creation`",
        "the rule is about the service `auditd`, the event is of `sysmon`",
    )


def test_the_event_alone_decides_not_its_neighbours_in_a_batch(make_batch):
    both = make_batch({"Image": "a", "CommandLine": "whoami"}, {"Image": "whoami", "CommandLine": "b"})
    event = EventBatch(event_class=both.event_class, data=both.data.slice(0, 1))
    (clause,) = judge(one_rule("selection:\n    Image: whoami"), event).failed
    assert clause.values == ("a",)
    assert clause.near == ("the field `CommandLine` has it",)


def test_an_event_of_no_known_class_is_still_judged(make_batch):
    event = make_batch({"Image": "a"}, event_class=EventClass(product="windows"))
    judgement = judge(one_rule("selection:\n    Image: a"), event)
    assert judgement.is_match
    assert judgement.event == "windows"
