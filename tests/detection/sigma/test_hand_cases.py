"""Every case of tests/cases/sigma: a rule, events, and the rows that it holds for; or why it is refused.

The rows were worked out by hand from the Sigma specification, whose sections the cases name. Each case runs through
the kernel, from a file as a user gives it, and through the reference interpreter.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation
from sigma.rule import SigmaRule

from stillhunt.detection.sigma.load import load_rules
from stillhunt.errors import RuleError

FOLDER = Path(__file__).parents[2] / "cases" / "sigma"
CASES = [(path.stem, case) for path in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(path.read_bytes())]
SOUND = [
    pytest.param(case, id=f"{name}: {yaml.safe_load(case['rule'])['title']}") for name, case in CASES if "rows" in case
]
REFUSED = [
    pytest.param(case, id=f"{name}: {case['rule'].splitlines()[0].removeprefix('title: ')}")
    for name, case in CASES
    if "refused" in case
]


@pytest.fixture
def loaded(tmp_path):
    """The one rule of a case, loaded from a file with the lists that it comes with."""

    def load(case):
        path, lists = tmp_path / "rule.yml", tmp_path / "lists.yml"
        path.write_text(case["rule"], encoding="utf-8")
        lists.write_text(yaml.safe_dump(case.get("values", {})), encoding="utf-8")
        (rule,) = load_rules([path], values=[lists]).rules
        return rule

    return load


@pytest.fixture
def parsed():
    """The rule of a case as pySigma reads it, with the lists that it comes with."""

    def parse(case):
        rule = SigmaRule.from_yaml(case["rule"])
        values = {name: [str(value) for value in listed] for name, listed in case.get("values", {}).items()}
        transformation = ValueListPlaceholderTransformation(include=sorted(values))
        ProcessingPipeline([ProcessingItem(transformation)] if values else [], vars=values).apply(rule)
        return rule

    return parse


@pytest.mark.parametrize("case", SOUND)
def test_the_kernel_finds_the_rows_that_a_rule_means(case, loaded, matched):
    assert matched([loaded(case).condition], case["events"]) == [case["rows"]]


@pytest.mark.parametrize("case", SOUND)
def test_the_reference_finds_the_rows_that_a_rule_means(case, parsed, oracle):
    rule = parsed(case)
    assert [row for row, event in enumerate(case["events"]) if oracle.holds(rule, event)] == case["rows"]


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_cannot_run_is_refused_with_its_reason(case, loaded):
    with pytest.raises(RuleError, match=case["refused"]):
        loaded(case)


def test_the_cases_are_many_and_whole():
    assert len(SOUND) > 200
    assert len(SOUND) + len(REFUSED) == len(CASES)
    texts = [value for _, case in CASES for event in case.get("events", []) for value in event.values()]
    values = [value for text in texts for value in (text if isinstance(text, list) else [text])]
    assert {type(value) for value in values} == {str, type(None)}
