"""The built-in pack, as its users meet it: every rule against its own test events, and the form of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.knowledge import load_knowledge
from stillhunt.telemetry.collect import Reading
from stillhunt.terms.technique import TACTICS

REPOSITORY = Path(__file__).parents[2]
PACK = REPOSITORY / "src" / "stillhunt" / "rules"
CASES = REPOSITORY / "tests" / "cases" / "rules"

RULE_FILES = sorted(PACK.rglob("*.yml"))
CASE_FILES = sorted(CASES.glob("*.yml"))

LOADED = load_rules([PACK])
RULE_BY_ID = {rule.detector.id: rule for rule in LOADED.rules}


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


DOCUMENTS = {path: read(path) for path in RULE_FILES}
SINGLE = {path: document for path, document in DOCUMENTS.items() if "correlation" not in document}
DETECTORS = [*(rule.detector for rule in LOADED.rules), *(one.detector for one in LOADED.correlations)]


@pytest.fixture
def outcome(batch_of_case):
    """Whether a rule is about an event at all, and whether it fires."""

    def look(rule_id: str, event: dict[str, Any]) -> tuple[bool, bool]:
        scan = Scan(RuleSet(rules=(RULE_BY_ID[rule_id],)))
        scan.feed(batch_of_case(event))
        (state,) = scan.rule_states()
        return state.status == "active", state.n_findings > 0

    return look


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: path.stem)
def test_rule_fires_on_what_it_is_for_and_stays_silent_on_a_near_miss(path, outcome):
    case = read(path)
    rule = case["rule"]
    assert case["positive"]
    assert case["negative"]
    assert [outcome(rule, event) for event in case["positive"]] == [(True, True)] * len(case["positive"])
    assert [outcome(rule, event) for event in case["negative"]] == [(True, False)] * len(case["negative"])


def test_every_rule_of_the_pack_can_run_and_none_is_careless():
    assert len(LOADED.rules) == len(SINGLE) >= 80
    assert len(LOADED.correlations) == len(DOCUMENTS) - len(SINGLE) >= 3
    assert LOADED.refused == ()
    assert LOADED.problems == ()


def test_every_rule_has_a_case_and_every_case_a_rule():
    ids = {document["id"]: path.stem for path, document in SINGLE.items()}
    cases = {read(path)["rule"]: path.stem for path in CASE_FILES}
    assert cases == ids


@pytest.mark.parametrize("key", ["id", "title"])
def test_no_two_rules_share(key):
    values = [document[key] for document in DOCUMENTS.values()]
    assert len(set(values)) == len(values)


def test_no_two_rules_detect_the_same():
    detections = [json.dumps([d["logsource"], d["detection"]], sort_keys=True) for d in SINGLE.values()]
    assert len(set(detections)) == len(detections)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: Path(detector.path).stem)
def test_rule_is_tagged_with_tactic_and_technique_that_attack_still_has(detector):
    knowledge = load_knowledge()
    assert detector.tactics
    assert detector.techniques
    assert set(detector.tactics) <= set(TACTICS)
    assert set(detector.techniques) <= knowledge.techniques.keys()
    assert set(detector.software) <= knowledge.software.keys()
    assert detector.groups == ()


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: Path(detector.path).stem)
def test_tactics_of_a_rule_are_those_of_its_techniques(detector):
    knowledge = load_knowledge()
    possible = {tactic for technique in detector.techniques for tactic in knowledge.techniques[technique].tactics}
    assert set(detector.tactics) <= possible


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_rule_says_what_it_shows_and_what_else_looks_like_it(path):
    document = DOCUMENTS[path]
    assert document["level"] in {"informational", "low", "medium", "high", "critical"}
    assert document["status"] in {"experimental", "test", "stable"}
    assert document["author"] == "The stillhunt developers"
    assert len(document["description"]) > 40
    assert document["falsepositives"]
    assert len(document["title"]) <= 100


def test_pack_keeps_quiet_on_ordinary_machines(shared_data):
    reading = Reading([shared_data / "evtx" / "benign"])
    scan = Scan(LOADED)
    for batch in reading.batches():
        scan.feed(batch)
    loud = [f for f in scan.findings(reading.clocks.shift_s, reading.fetch) if f.detector.level.rank >= 3]
    assert loud == []
