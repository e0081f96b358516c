"""Every rule of a corpus is accounted for, and what it covers is counted."""

from __future__ import annotations

import pytest

from stillhunt.detection.rule import LogSource
from stillhunt.errors import RuleError
from stillhunt.telemetry.logsource import CATEGORIES, CHANNELS_BY_SERVICE
from stillhunt.workflows.rules import SourceCount, check, coverage, is_read

RULE = """\
title: {title}
id: {id}
status: test
date: 2024-01-01
logsource: {source}
tags: [{tags}]
detection:
    selection: {{Image: '{title}'}}
    condition: selection
level: high
"""


def an_id(n):
    return f"00000000-0000-4000-8000-{n:012}"


@pytest.fixture
def corpus(tmp_path):
    def put(name, n, source, tags="", change=("", "")):
        text = RULE.format(title=name, id=an_id(n), source=source, tags=tags).replace(*change, 1)
        (tmp_path / f"{name}.yml").write_text(text)

    put("active", 1, "{product: windows, category: process_creation}", "attack.execution, attack.t1059.001")
    put("web", 2, "{category: webserver}", "attack.initial-access, attack.persistence, attack.t1190")
    put("dormant", 3, "{product: okta, service: okta}", "attack.execution, attack.t1059")
    put("untagged", 4, "{product: windows, service: security}")
    put("broken", 5, "{product: windows, service: security}", change=("condition: selection", "condition: selektion"))
    put("waiting", 6, "{product: windows}", change=("Image: 'waiting'", "User|expand: '%admins%'"))
    (tmp_path / "copy.yml").write_text((tmp_path / "active.yml").read_text())
    (tmp_path / "filter.yml").write_text(
        "title: f\nlogsource: {product: windows}\nfilter: {rules: any, a: {User: x}, condition: not a}\n"
    )
    return tmp_path


def test_every_rule_is_in_the_ledger_with_its_state(corpus):
    found = check([corpus])
    states = {entry.path.rpartition("/")[2]: (entry.kind, entry.status, entry.cause) for entry in found.ledger}
    assert states == {
        "active.yml": ("rule", "active", ""),
        "broken.yml:9": ("rule", "inert", "fault"),
        "copy.yml": ("rule", "inert", "copy"),
        "dormant.yml": ("rule", "dormant", ""),
        "filter.yml": ("filter", "active", ""),
        "untagged.yml": ("rule", "active", ""),
        "waiting.yml:8": ("rule", "inert", "values"),
        "web.yml": ("rule", "active", ""),
    }
    assert all(entry.reason and entry.remedy for entry in found.ledger if entry.status == "inert")
    assert [e.reason for e in found.ledger if e.status == "dormant"] == [
        "no source of stillhunt reads logs of `okta/okta`"
    ]
    assert found.is_broken


def test_rules_are_counted_by_log_source_the_largest_first(corpus):
    assert check([corpus]).sources() == (
        SourceCount(source="windows/process_creation", n_active=1, n_dormant=0, n_inert=1),
        SourceCount(source="windows/security", n_active=1, n_dormant=0, n_inert=1),
        SourceCount(source="okta/okta", n_active=0, n_dormant=1, n_inert=0),
        SourceCount(source="webserver", n_active=1, n_dormant=0, n_inert=0),
        SourceCount(source="windows", n_active=0, n_dormant=0, n_inert=1),
    )


def test_what_waits_for_a_list_is_not_broken_and_runs_with_one(corpus):
    (corpus / "broken.yml").unlink()
    assert not check([corpus]).is_broken
    values = corpus.parent / "values.yaml"
    values.write_text("admins: [alice]")
    found = check([corpus], values=[values])
    assert [e.cause for e in found.ledger if e.status == "inert"] == ["copy"]


def test_a_path_without_a_rule_is_one_clear_line(tmp_path):
    (tmp_path / "x.yml").write_text("a: b\n")
    with pytest.raises(RuleError, match="no file holds a Sigma rule"):
        check([tmp_path])


def test_what_the_rules_look_for_is_counted_by_tactic_and_technique(corpus):
    found = coverage([corpus], cache="off")
    assert (found.n_rules, found.n_techniques) == (4, 3)
    counts = {t.tactic: (t.n_rules, t.n_active, t.techniques) for t in found.tactics if t.n_rules}
    assert counts == {
        "initial-access": (1, 1, {"T1190": 1}),
        "execution": (2, 1, {"T1059": 1, "T1059.001": 1}),
        "persistence": (1, 1, {"T1190": 1}),
        "": (1, 1, {}),
    }
    assert len(found.tactics) == 15


def test_the_built_in_pack_runs_whole():
    found = check(["builtin"])
    assert {entry.status for entry in found.ledger} <= {"active", "dormant"}
    waiting = {entry.source for entry in found.ledger if entry.status == "dormant"}
    assert waiting == set()


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_every_category_of_windows_is_read(category):
    assert is_read(LogSource(product="windows", category=category))
    assert not is_read(LogSource(product="okta", category=category))


@pytest.mark.parametrize("service", sorted(CHANNELS_BY_SERVICE))
def test_every_service_of_windows_is_read(service):
    assert is_read(LogSource(product="windows", service=service))


def test_what_no_source_reads_is_dormant():
    assert not is_read(LogSource(product="windows", category="no_such"))
    assert not is_read(LogSource(product="windows", service="no_such", category="process_creation"))
    assert is_read(LogSource(category="firewall"))
    assert not is_read(LogSource(category="database"))
    assert is_read(LogSource(category="webserver"))
    assert is_read(LogSource())


@pytest.mark.slow
def test_every_rule_of_a_whole_release_is_in_the_ledger(shared_data):
    found = check([shared_data / "sigma" / "sigma_8eaafff1f.zip"])
    assert len(found.ledger) == 3_754
    assert sum(entry.status == "inert" for entry in found.ledger) <= 25
    assert not found.is_broken
