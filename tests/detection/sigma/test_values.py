"""A site's lists of values take the place of placeholders."""

from __future__ import annotations

import pytest

from stillhunt.detection.sigma.load import load_rules
from stillhunt.errors import RuleError

RULE = """\
title: A rule
id: 11111111-1111-4111-8111-111111111111
logsource: {{product: windows}}
detection:
    selection:
        {item}
    condition: selection
level: high
"""


@pytest.fixture
def load(tmp_path):
    def from_text(item, *values):
        rule = tmp_path / "rule.yml"
        rule.write_text(RULE.format(item=item))
        files = [tmp_path / f"values{n}.yml" for n in range(len(values))]
        for file, text in zip(files, values, strict=True):
            file.write_text(text)
        return load_rules([rule, "builtin"], values=files, cache="off")

    return from_text


def predicates(node):
    yield from node.predicates
    for child in node.children:
        yield from predicates(child)


def asked(rules):
    (rule,) = (rule for rule in rules.rules if rule.detector.title == "A rule")
    return [(p.kind, p.text) for p in predicates(rule.condition)]


@pytest.mark.parametrize(
    ("item", "values", "expected"),
    [
        ("User|expand: '%admins%'", ["admins: [Alice, bob]"], [("equals", "alice"), ("equals", "bob")]),
        ("User|expand: '%admins%'", ["admins: alice"], [("equals", "alice")]),
        ("User|expand: '%admins%'", ["'%admins%': [alice]"], [("equals", "alice")]),
        ("User|expand: '%admins%'", ["admins: [1, 2]"], [("equals", "1"), ("equals", "2")]),
        ("User|expand: '%admins%'", ["admins: [al*]"], [("startswith", "al")]),
        ("User|expand: '%a%'", ["a: [x]", "a: [y, x]\nb: [z]"], [("equals", "x"), ("equals", "y")]),
        ("User|contains|expand: '%a%'", ["a: [x]"], [("contains", "x")]),
        ("User|expand|endswith: '\\%a%'", ["a: [x]"], [("endswith", "\\x")]),
        ("User|expand: ['%a%', z]", ["a: [x]"], [("equals", "x"), ("equals", "z")]),
        ("User|expand: '%a%-%b%'", ["a: [x, y]\nb: [1]"], [("equals", "x-1"), ("equals", "y-1")]),
    ],
)
def test_a_list_takes_the_place_of_its_placeholder(load, item, values, expected):
    assert asked(load(item, *values)) == expected


def test_a_long_list_is_taken_whole(load):
    assert len(asked(load("User|expand: '%a%'", f"a: [{', '.join(f'u{n}' for n in range(3_000))}]"))) == 3_000


def test_a_placeholder_without_a_list_is_named_with_the_remedy_and_its_line(load, tmp_path):
    rules = load("User|expand: '%a%'\n        Host|expand: '%b%-%c%'", "a: [x]")
    (state,) = rules.refused
    assert state.reason == "placeholders `%b%`, `%c%` have no list of values: give one with --values"
    assert state.path == f"{tmp_path / 'rule.yml'}:7"


def test_products_of_long_lists_are_refused(load):
    many = f"[{', '.join(f'u{n}' for n in range(300))}]"
    rules = load("User|expand: '%a%%b%'", f"a: {many}\nb: {many}")
    (state,) = rules.refused
    assert "maximum" in state.reason


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("[a, b]", "holds no lists of values"),
        ("", "holds no lists of values"),
        ("a: {b: c}", "`a` is no list of texts or numbers"),
        ("a: [yes]", "`a` is no list of texts or numbers"),
        ("a: []", "`a` is no list of texts or numbers"),
        ("a: [x", "is not valid YAML"),
        ("a: " + "[" * 300_000, "nested more than 100 levels deep"),
        ("a: \x00", "is not valid YAML"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            "aliases expand to too many nodes",
        ),
        ("a: [" + ", ".join(map(str, range(10_001))) + "]", "has 10,001 values, more than 10,000"),
        ("#" * (2 << 20), "is longer than"),
    ],
)
def test_a_file_of_something_else_is_one_clear_line(load, values, reason):
    with pytest.raises(RuleError, match=reason) as caught:
        load("User: x", values)
    assert "values0.yml" in caught.value.where
    assert caught.value.hint


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(RuleError, match="no such file of values"):
        load_rules(values=[tmp_path / "nowhere.yml"], cache="off")
