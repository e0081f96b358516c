"""Remarks tell what is certain and seldom wanted; a sound rule gets none."""

from __future__ import annotations

import pytest

from stillhunt.detection.sigma.corpus import Corpus
from stillhunt.detection.sigma.files import read_all
from stillhunt.detection.sigma.lint import CHECKS, lint

RULE = """\
title: A rule
id: 11111111-1111-4111-8111-111111111111
status: test
date: 2024-01-01
logsource: {{product: windows, category: process_creation}}
detection:
    selection:
        {item}
    {more}
    condition: {condition}
level: high
"""


@pytest.fixture
def remarks(tmp_path):
    def of(item="Image: abc", more="# nothing", condition="selection", change=("", "")):
        (tmp_path / "rule.yml").write_text(RULE.format(item=item, more=more, condition=condition).replace(*change, 1))
        corpus = Corpus.read(read_all([tmp_path]))
        assert corpus.refused == []
        return [(r.code, int(r.path.rpartition(":")[2]), r.message) for r in lint(corpus)]

    return of


def test_a_sound_rule_gets_no_remark(remarks):
    assert remarks() == []


@pytest.mark.parametrize(
    ("given", "code", "line", "words"),
    [
        (
            {"change": ("process_creation", "process_create")},
            "unknown-log-source",
            5,
            "did you mean `process_creation`?",
        ),
        ({"change": ("category: process_creation", "service: sekurity")}, "unknown-log-source", 5, "`security`"),
        ({"more": "other: {Image: x}"}, "unused-detection", 9, "`other`"),
        ({"item": "GrantedAccess: 0x1410"}, "value-type", 8, "`0x1410` without quotes is a number in YAML: 5136"),
        ({"item": "Port: 010"}, "value-type", 8, ": 8"),
        ({"item": "Port: 1_000"}, "value-type", 8, ": 1000"),
        ({"item": "Time: 1:30"}, "value-type", 8, ": 90"),
        ({"item": "Initiated: yes"}, "value-type", 8, "`yes` without quotes is a truth value"),
        ({"item": "Initiated: [abc, off]"}, "value-type", 8, "`off`"),
        ({"item": 'Image: "C:\\temp\\new"'}, "control-character", 8, "invisible"),
        ({"item": "Image: 'C:\\temp\\*.exe'"}, "backslash", 8, "asks for a `*` or `?` in a path"),
        ({"item": "Share|startswith: '\\\\server\\share'"}, "backslash", 8, "are one"),
        ({"condition": "not selection"}, "matches-nearly-all", 10, "holds for every event"),
        ({"item": "Image|contains: ' '"}, "short-text", 10, "a value with ` ` anywhere"),
        ({"item": "Image|contains: ['.a', ' ']"}, "short-text", 10, "and 1 more"),
        ({"item": "Image|re: '.{100,}'"}, "regex-without-text", 6, "`.{100,}`"),
        ({"change": ("status: test\ndate: 2024-01-01\n", "")}, "missing-metadata", 1, "says no status, no date"),
        ({"change": ("level: high", "")}, "missing-metadata", 1, "says no level"),
    ],
)
def test_what_is_seldom_meant_is_said_with_its_line(remarks, given, code, line, words):
    ((found, at, message),) = remarks(**given)
    assert (found, at) == (code, line)
    assert words in message


@pytest.mark.parametrize(
    "given",
    [
        {"item": "GrantedAccess: '0x1410'"},
        {"item": "EventID: [1, 4688]"},
        {"item": "Ratio|gt: 0.5"},
        {"item": "Initiated: 'yes'"},
        {"item": "Initiated: true"},
        {"item": "Image: null"},
        {"item": "Url|contains: 'a.php\\?id='"},
        {"item": "Share: '\\\\\\\\*\\\\IPC$'"},
        {"item": "Image|endswith: '\\\\a.exe'"},
        {"item": "Image|contains: '\\\\temp\\\\'"},
        {"item": "Image|re: '\\\\\\*[a-z]temp'"},
        {"item": "Image|contains|all: [' -', abc]"},
        {"item": "Image|contains: 'ﬁ'"},
        {"item": "Image|re: '(?i)(http|ftp):'"},
        {"more": "_draft: {Image: x}"},
        {"more": "filter_a: {Image: b}", "condition": "selection and not 1 of filter_*"},
        {"more": "filter_a: {Image: b}", "condition": "all of them"},
        {"more": "keywords: ['\\\\server']", "condition": "selection or keywords"},
        {"change": ("product: windows, category: process_creation", "product: zeek, service: conn")},
    ],
)
def test_what_is_meant_gets_no_remark(remarks, given):
    assert remarks(**given) == []


def test_a_rule_that_looks_for_the_same_as_another_is_named(tmp_path):
    one = RULE.format(item="Image: abc", more="b: {User: [x, y]}", condition="selection and b")
    two = RULE.format(item="User: [y, x]", more="a: {Image: abc}", condition="a and selection")
    (tmp_path / "a.yml").write_text(one)
    (tmp_path / "b.yml").write_text(two.replace("1111-1111", "1111-2222").replace("A rule", "Another"))
    (tmp_path / "c.yml").write_text(one.replace("1111-1111", "1111-3333").replace("process_creation", "process_access"))
    (remark,) = lint(Corpus.read(read_all([tmp_path])))
    assert remark.code == "same-condition"
    assert remark.path == str(tmp_path / "b.yml")
    assert remark.message == f"looks for the same as `A rule` in {tmp_path / 'a.yml'}"


def test_detections_that_a_filter_brought_are_not_the_rules_own(tmp_path):
    (tmp_path / "rule.yml").write_text(RULE.format(item="Image: abc", more="# nothing", condition="selection"))
    (tmp_path / "filter.yml").write_text(
        "title: f\nlogsource: {product: windows}\nfilter: {rules: any, a: {User: x}, b: {User: y}, condition: not a}\n"
    )
    assert lint(Corpus.read(read_all([tmp_path]))) == ()


@pytest.mark.slow
def test_the_public_corpus_gets_few_remarks(shared_data):
    corpus = Corpus.read(read_all([shared_data / "sigma" / "sigma_8eaafff1f.zip"]))
    found = lint(corpus)
    assert {remark.code for remark in found} <= CHECKS.keys()
    assert len(found) < len(corpus.rules) / 100


def test_the_built_in_pack_gets_none_but_of_slowness():
    assert {remark.code for remark in lint(Corpus.read(read_all([])))} <= {"regex-without-text"}
