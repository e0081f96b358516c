"""A site's own exclusions are added to the rules that they name, and to no others."""

from __future__ import annotations

import re

import pytest

from stillhunt.detection.sigma.load import load_rules

RULE = """\
title: {name}
id: {id}
name: {name}
logsource: {{product: windows, category: {category}}}
detection:
    selection: {{Image: x}}
    condition: {condition}
level: high
"""
FILTER = """\
title: Not our backup
id: 99999999-9999-4999-8999-999999999999
logsource: {source}
filter:
    rules: {rules}
    {detections}
    condition: {condition}
"""
ONE, TWO, THREE = (f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}" for n in "123")


@pytest.fixture
def corpus(tmp_path):
    def write(
        rules="any",
        detections="selection: {User: backup}",
        condition="not selection",
        source="{product: windows}",
        rule_condition="selection",
    ):
        for name, ident, category in (
            ("one", ONE, "process_creation"),
            ("two", TWO, "process_creation"),
            ("three", THREE, "file_event"),
        ):
            text = RULE.format(name=name, id=ident, category=category, condition=rule_condition)
            (tmp_path / f"{name}.yml").write_text(text)
        text = FILTER.format(rules=rules, detections=detections, condition=condition, source=source)
        (tmp_path / "filter.yml").write_text(text)
        return load_rules([tmp_path], cache="off")

    return write


def holds(node, event):
    """Whether a condition holds for an event, of fields compared as they stand."""
    if node.kind == "test":
        return any(event.get(p.field) == p.text for p in node.predicates)
    parts = [holds(child, event) for child in node.children]
    if node.kind == "not":
        return not parts[0]
    return all(parts) if node.kind == "and" else any(parts)


BACKUP, OTHER = {"Image": "x", "User": "backup"}, {"Image": "x", "User": "alice"}


def filtered(rules):
    assert all(holds(rule.condition, OTHER) for rule in rules.rules)
    return sorted(rule.detector.title for rule in rules.rules if not holds(rule.condition, BACKUP))


@pytest.mark.parametrize(
    ("named", "source", "expected"),
    [
        ("any", "{product: windows}", ["one", "three", "two"]),
        ("ANY", "{category: file_event}", ["three"]),
        ("[]", "{product: windows, category: process_creation}", ["one", "two"]),
        (f"[{ONE}]", "{product: windows}", ["one"]),
        (f"[{ONE.upper()}, two]", "{product: windows}", ["one", "two"]),
        ("two", "{product: windows}", ["two"]),
        (f"[{ONE}, {THREE}]", "{category: process_creation}", ["one"]),
    ],
)
def test_a_filter_is_part_of_the_rules_it_is_about(corpus, named, source, expected):
    rules = corpus(rules=named, source=source)
    assert filtered(rules) == expected
    assert rules.refused == ()
    (state,) = rules.filters
    assert state.status == "active"
    assert state.reason == f"filters {len(expected)} rule{'s' if len(expected) > 1 else ''}"


@pytest.mark.parametrize(
    ("detections", "condition"),
    [
        ("selection_a: {User: backup}\n    selection_b: {Host: nas}", "not 1 of selection_*"),
        ("a: {User: backup}\n    b: {Host: nas}", "not 1 of them"),
        ("a: {User: backup}\n    b: {Image: x}", "not (a and b)"),
        ("a: {User: backup}\n    b: {Image: x}", "not all of them"),
        ("selection: {User: backup}\n    any-name: {Host: nas}", "not selection and not any-name"),
    ],
)
def test_conditions_of_filters_speak_of_their_own_detections(corpus, detections, condition):
    assert filtered(corpus(detections=detections, condition=condition)) == ["one", "three", "two"]


def test_detections_of_a_filter_are_not_those_of_the_rule(corpus):
    rules = corpus(rule_condition="all of them")
    assert filtered(rules) == ["one", "three", "two"]


def test_a_filter_is_shown_by_its_own_names_and_the_same_in_every_run(corpus):
    first, second = corpus(), corpus()
    assert first == second
    labels = {node.label for rule in first.rules for node in nodes(rule.condition)}
    assert "filter selection" in labels
    assert not any("_filt_" in label for label in labels)


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


@pytest.mark.parametrize(
    ("change", "reason", "line"),
    [
        ({"rules": "[nobody, none]"}, "there is no rule `nobody`, `none`", 5),
        ({"rules": f"[{'4' * 8}-4444-4444-8444-{'4' * 12}]"}, "there is no rule `4444", None),
        ({"source": "{product: linux}"}, "none of the rules it is about has a log source within its own", None),
        ({"condition": "not selektion"}, "selektion", 7),
        ({"condition": "selection and"}, "Expected", 7),
        ({"detections": "selection: {User|endswit: backup}"}, "Unknown modifier", 6),
        ({"detections": "selection: {User|expand: '%us%'}"}, "placeholder `%us%` has no list", 6),
        ({"detections": "selection: {User|re: 'a(?=b)'}"}, "invalid perl operator", 6),
        ({"rules": "5"}, "rules", None),
        ({"source": "5"}, "log ?source", 3),
    ],
)
def test_a_filter_that_cannot_work_says_why_and_changes_no_rule(corpus, change, reason, line):
    rules = corpus(**change)
    assert filtered(rules) == []
    assert len(rules.rules) == 3
    assert rules.filters == ()
    (state,) = rules.refused
    assert state.status == "inert"
    assert re.search(reason, state.reason)
    if line:
        assert state.path.endswith(f"filter.yml:{line}")


def test_a_rule_named_in_vain_beside_others_is_a_problem(corpus):
    rules = corpus(rules=f"[{ONE}, nobody]")
    assert filtered(rules) == ["one"]
    assert [p.message for p in rules.problems] == ["the filter names `nobody`, which is none of the rules"]


def test_a_broken_rule_beside_a_filter_keeps_its_own_reason(corpus, tmp_path):
    corpus()
    (tmp_path / "broken.yml").write_text(
        RULE.format(name="broken", id=THREE[::-1], category="file_event", condition="selektion")
    )
    rules = load_rules([tmp_path], cache="off")
    (state,) = rules.refused
    assert "selektion" in state.reason
    assert state.path.endswith("broken.yml:7")
