"""Clauses in lines: marked where they matched, folded where they are long, safe whatever a log says."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.detection.judgement import Judgement, Tried
from stillhunt.report.escape import for_terminal
from stillhunt.report.renderers.clauses import explained, inert, judged
from stillhunt.telemetry.coverage import RuleState
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

AT = datetime(2021, 8, 24, 3, 12, 9, 5000, tzinfo=UTC)
DETECTOR = Detector(kind="sigma", id="r-1", title="Shell starts", description="", level=Level.HIGH, path="rules/x.yml")
REF = EventRef(file="logs/ws1.json", record=7, at=AT, clock="TimeCreated +7:00")


def field(label, value, *, name="Image"):
    return Clause(kind="field", label=label, field=name, value=value)


def found(*clauses, original='{"a": {"b": 1}}', **changes):
    matched = Clause(kind="and", label="selection", children=clauses)
    finding = Finding(
        id="finding-3f2a",
        detector=DETECTOR,
        first_at=AT,
        last_at=AT,
        count=1,
        entities=(Entity(EntityKind.HOST, "ws1"), Entity(EntityKind.ACCOUNT, "corp\\ann", "subject")),
        evidence=(Evidence(ref=REF, original=original, matched=matched),),
    )
    return replace(finding, **changes)


def test_a_finding_is_told_whole():
    clause = field("Image|endswith: \\cmd.exe", "C:\\Windows\\CMD.EXE")
    excluded = Clause(kind="not", label="filter")
    absent = Clause(kind="field", label="User: null", field="User", value=None)
    keyword = Clause(kind="keyword", label="keyword: whoami", value="run whoami now")
    told = "\n".join(explained(found(clause, excluded, absent, keyword, count=4, n_evidence_omitted=3)))
    assert told == (
        "finding-3f2a\n"
        "  rule    Shell starts (high)\n"
        "  id      r-1\n"
        "  path    rules/x.yml\n"
        "  seen    4 times, 2021-08-24 03:12:09.005000 UTC\n"
        "  about   host ws1; account corp\\ann (subject)\n"
        "\n"
        "record 1 of 1\n"
        "  place   logs/ws1.json:7\n"
        "  time    2021-08-24 03:12:09.005000 UTC, by TimeCreated +7:00\n"
        "  because\n"
        "    selection: all of\n"
        "      Image|endswith: \\cmd.exe\n"
        "        Image = C:\\Windows⟦\\CMD.EXE⟧\n"
        "      not filter: nothing of it held\n"
        "      User: null\n"
        "        User: no such field\n"
        "      keyword: whoami\n"
        "        found in = run ⟦whoami⟧ now\n"
        "  record\n"
        '    {"a": {"b": 1}}\n'
        "\n"
        "3 further records match and are not kept"
    )


@pytest.mark.parametrize(
    ("label", "value", "shown"),
    [
        ("Image: a.exe", "A.EXE", "⟦A.EXE⟧"),
        ("Image|contains: ab", "xxABxxab", "xx⟦AB⟧xxab"),
        ("Image|endswith: ab", "abxxab", "abxx⟦ab⟧"),
        ("Image: *\\temp\\\\*.exe", "C:\\Temp\\x.exe", "C:⟦\\Temp\\⟧x.exe"),
        ("Image|contains: a\\*b?c", "xa*b1cx", "x⟦a*b⟧1cx"),
        ("Image|contains: \\\\\\\\srv\\\\*", "\\\\SRV\\c$", "⟦\\\\SRV\\⟧c$"),
        ("Image|re: b+c", "abbbcd", "a⟦bbbc⟧d"),
        ("Image|re|i: B+c", "abbbcd", "a⟦bbbc⟧d"),
        ("Image|re: (", "abbbcd", "abbbcd"),
        ("Image|base64: whoami", "d2hvYW1p", "d2hvYW1p"),
        ("Image|cidr: 10.0.0.0/8", "10.1.2.3", "10.1.2.3"),
        ("Image|contains: i", "İi", "İi"),
        ("Image: *", "abc", "abc"),
        ("Image: ", "", "(empty)"),
        ("Image|contains: b", "a⟦b⟧", "a⟨27E6⟩⟦b⟧⟨27E7⟩"),
    ],
)
def test_the_part_that_matched_is_marked_where_it_can_be_found(label, value, shown):
    lines = list(explained(found(field(label, value))))
    assert f"        Image = {shown}" in lines


def test_a_long_value_is_cut_around_what_matched():
    value = "a" * 1_000 + "needle" + "b" * 1_000
    (line,) = [line for line in explained(found(field("Image|contains: needle", value))) if "Image =" in line]
    assert line.startswith("        Image = ... a")
    assert "a⟦needle⟧b" in line
    assert line.endswith("b ... (1,706 more characters)")
    (line,) = [
        line for line in explained(found(field("Image|contains: needle", value)), is_full=True) if "Image =" in line
    ]
    assert line.endswith("b" * 1_000)


def test_a_long_record_is_folded_and_shown_whole_on_request():
    original = json.dumps({"Event": {f"Field{n}": "x" * 100 for n in range(100)}})
    lines = list(explained(found(original=original)))
    assert lines[-1] == "    ... 64 more lines (--full shows them)"
    whole = list(explained(found(original=original), is_full=True))
    assert json.loads("".join(whole[whole.index("  record") + 1 :])) == json.loads(original)


@pytest.mark.parametrize("original", ["GET / 200", "{broken", "[" * 5_000, "\ud800", "one\ntwo"])
def test_a_record_that_is_no_json_is_shown_as_it_is(original):
    lines = list(explained(found(original=original)))
    shown = lines[lines.index("  record") + 1 :]
    assert shown[0].strip().startswith(for_terminal(original.split("\n")[0][:400]))


def test_a_record_that_was_not_kept_is_said():
    assert list(explained(found(original="")))[-1] == "    (not kept)"


def test_times_that_are_missing_are_said():
    evidence = Evidence(
        ref=EventRef(file="a", record=1, at=None), original="x", matched=Clause(kind="and", label="all of")
    )
    lines = list(explained(found(first_at=None, last_at=None, evidence=(evidence,), has_all_entities=False)))
    assert "  seen    once" in lines
    assert "  time    none that can be read" in lines
    assert "    all of" in lines
    assert any(line.endswith("; and others") for line in lines)


def tried(label, state, *, kind="field", children=(), **changes):
    name = label.partition(":")[0].partition("|")[0] if kind == "field" else ""
    return Tried(kind=kind, label=label, state=state, field=name, children=tuple(children), **changes)


def judgement(condition, **changes):
    return replace(
        Judgement(
            detector=DETECTOR,
            is_match=False,
            is_in_scope=True,
            wanted="windows/process_creation",
            event="windows/process_creation, Sysmon event 1",
            scope=(),
            would_hold=False,
            condition=condition,
            failed=(condition,),
            matched=None,
        ),
        **changes,
    )


def told(condition, *, is_full=False, notes=(), **changes):
    judged_lines = judged(judgement(condition, **changes), ref=REF, original="{}", is_full=is_full, notes=notes)
    return "\n".join(judged_lines)


def test_a_miss_is_told_clause_by_clause():
    condition = tried(
        "selection",
        "failed",
        kind="and",
        children=[
            tried("Image|endswith: \\cmd.exe", "held", values=("C:\\cmd.exe",)),
            tried("User: alice", "failed", has_field=False),
            tried("CommandLine|contains: x", "failed", values=("y",), near=("the field `Image` has it",)),
            tried("keyword: z", "failed", kind="keyword"),
        ],
    )
    assert told(condition, notes=("the rules have changed",)) == (
        "does not match: 1 clause failed\n"
        "  rule    Shell starts (high)\n"
        "  id      r-1\n"
        "  path    rules/x.yml\n"
        "  event   windows/process_creation, Sysmon event 1\n"
        "  place   logs/ws1.json:7\n"
        "  time    2021-08-24 03:12:09.005000 UTC, by TimeCreated +7:00\n"
        "  note    the rules have changed\n"
        "\n"
        "held         log source: the rule is about windows/process_creation\n"
        "failed       selection: all of\n"
        "held           Image|endswith: \\cmd.exe\n"
        "                 Image = C:⟦\\cmd.exe⟧\n"
        "failed         User: alice\n"
        "                 the event has no field User\n"
        "failed         CommandLine|contains: x\n"
        "                 CommandLine = y\n"
        "                 near: the field `Image` has it\n"
        "failed         keyword: z\n"
        "                 no field has it\n"
        "\n"
        "  record\n"
        "    {}"
    )


def test_many_texts_compared_in_vain_are_told_together_but_none_that_came_near():
    children = [tried(f"Image|endswith: {n}", "failed", values=("v",)) for n in range(50)]
    children.insert(20, tried("Image|endswith: near", "failed", values=("v",), near=("so close",)))
    condition = tried("any of", "failed", kind="or", children=children)
    short = told(condition)
    assert "failed         Image|endswith: none of 20 texts: 0, 1, 2 ...\n                 Image = v\n" in short
    assert "failed         Image|endswith: near\n" in short
    assert "failed         Image|endswith: none of 30 texts: 20, 21, 22 ...\n" in short
    assert told(condition, is_full=True).count("failed         Image|endswith: ") == 51


def test_another_log_source_is_told():
    condition = tried("all of", "not reached", kind="and", children=[tried("User: a", "not reached")])
    text = told(condition, is_in_scope=False, scope=("the rule is about x, the event is y",), would_hold=True)
    assert text.startswith("does not match: the event is of another log source\n")
    assert (
        "failed       log source: the rule is about windows/process_creation\n"
        "               the rule is about x, the event is y\n"
        "not reached  all of\n"
        "not reached    User: a\n"
        "whatever its source, the condition would hold\n"
    ) in text


def test_a_match_is_told_by_what_held():
    condition = tried("s", "held", kind="and", children=[tried("Image: a", "held", values=("a",))])
    matched = Clause(kind="and", label="s", children=(field("Image: a", "a"),))
    text = told(condition, is_match=True, would_hold=True, failed=(), matched=matched)
    assert text.startswith("matches\n")
    assert "held         s: all of\nheld           Image: a\n                 Image = ⟦a⟧\n\n  record" in text


def test_a_rule_that_cannot_run_says_why():
    state = RuleState(id="r-9", title="", path="rules/y.yml:4", status="inert", reason="no detection")
    assert list(inert(state, notes=("old",))) == [
        "does not match: the rule cannot run",
        "  rule    r-9",
        "  id      r-9",
        "  path    rules/y.yml:4",
        "  reason  no detection",
        "  note    old",
    ]


def assert_safe(lines):
    for line in lines:
        assert "\n" not in line
        for character in line:
            assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, (line, character)


def test_nothing_of_a_hostile_finding_reaches_the_terminal(hostile):
    for finding in hostile.findings:
        assert_safe(explained(finding))
        assert_safe(explained(finding, is_full=True))


NASTY = st.text(st.sampled_from("ab\x1b\x07\n\r\t\u202e\u2066\u200b\ud800⟦⟧[]\\*?()é\u0301İ"), max_size=30)


@given(NASTY, NASTY, NASTY)
def test_nothing_of_hostile_text_reaches_the_terminal(label, value, original):
    for question in ("", "F: ", "F|re: ", "F|endswith: "):
        clause = field(question + label, value, name=label)
        assert_safe(explained(found(clause, original=original), is_full=True))
        leaf = tried(question + label, "failed", values=(value,), near=(value,))
        condition = tried(label, "failed", kind="or", children=[leaf] * 9)
        assert_safe(told(condition, notes=(value,), scope=(value,), wanted=value, event=value).split("\n"))


@given(NASTY, NASTY)
def test_what_is_shown_of_a_value_is_all_of_it(label, value):
    (line,) = [line for line in explained(found(field(f"F: {label}", value))) if line.startswith("        Image = ")]
    shown = line.removeprefix("        Image = ").replace("⟦", "").replace("⟧", "")
    plain = for_terminal(value).replace("⟦", "⟨27E6⟩").replace("⟧", "⟨27E7⟩")
    assert shown == (plain or "(empty)")


def test_alternatives_and_exclusions_that_changed_nothing_are_left_out_unless_asked_for():
    condition = tried(
        "all of",
        "failed",
        kind="and",
        children=[
            tried(
                "any of",
                "held",
                kind="or",
                children=[tried("A: 1", "held", values=("1",)), tried("B: 2", "failed", values=("1",))],
            ),
            tried(
                "not",
                "held",
                kind="not",
                children=[tried("filter", "failed", kind="and", children=[tried("C: 3", "failed")])],
            ),
            tried("D: 4", "failed", has_field=False),
        ],
    )
    short, whole = told(condition), told(condition, is_full=True)
    assert "held           not filter: nothing of it held\n" in short
    assert "A: 1" in short
    assert not {"B: 2", "C: 3"} & {line[13:].strip() for line in short.split("\n")}
    assert {"B: 2", "C: 3"} <= {line[13:].strip() for line in whole.split("\n")}
