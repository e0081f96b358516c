"""From the logs of a synthetic intrusion to a case that agrees with its truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

import stillhunt
from stillhunt.cases.case import Scope
from stillhunt.simulation.scenario import simulate
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.workflows import workspace


@pytest.fixture(scope="module")
def electoral(tmp_path_factory):
    folder = tmp_path_factory.mktemp("electoral") / "logs"
    truth = simulate("electoral", folder)
    return stillhunt.hunt(folder), truth, folder


def test_one_intrusion_is_one_serious_case(electoral):
    found, _, _ = electoral
    assert [c.level for c in found.cases if c.level.rank > Level.LOW.rank] == [Level.CRITICAL]


def test_the_break_in_is_dated_to_the_first_request(electoral):
    found, truth, _ = electoral
    break_in = found.cases[0].break_in
    assert not break_in.is_censored
    assert abs(break_in.latest - truth.first_break_in) < timedelta(minutes=1)


def test_the_dwell_time_is_about_fourteen_months(electoral):
    found, _, _ = electoral
    assert 12.5 < found.cases[0].dwell_s / 86_400 / 30.4 < 15
    assert "about 1" in found.cases[0].opening
    assert len(found.cases[0].quiet) >= 2


def test_the_compromised_hosts_are_confirmed(electoral):
    found, truth, _ = electoral
    confirmed = {
        t.entity.value.partition(".")[0]
        for t in found.cases[0].entities
        if t.entity.kind is EntityKind.HOST and t.scope is Scope.CONFIRMED
    }
    assert confirmed >= {h.lower().partition(".")[0] for h in truth.hosts_confirmed}


def test_nobody_is_named_for_an_invented_intrusion(electoral):
    found, _, _ = electoral
    assert all(a.is_abstention for a in found.assessments)
    for assessment in found.assessments:
        assert abs(sum(h.probability for h in assessment.hypotheses) - 1) < 0.5
        assert any(h.group == "unknown group" for h in assessment.hypotheses)


def test_every_finding_explains_itself(electoral):
    found, _, _ = electoral
    assert found.findings.num_rows == len(found.brief.findings) > 20
    for finding in found.brief.findings:
        assert finding.evidence
        assert all(e.matched.children or e.matched.field or e.matched.kind == "keyword" for e in finding.evidence)
        assert finding.count == len(finding.evidence) + finding.n_evidence_omitted


def test_the_order_of_paths_changes_no_byte(electoral, tmp_path):
    found, _, folder = electoral
    parts = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in {"truth.json", "README.txt"})
    forward, backward = stillhunt.hunt(parts), stillhunt.hunt(list(reversed(parts)))
    assert forward.brief.findings == backward.brief.findings == found.brief.findings
    assert forward.brief.cases == backward.brief.cases == found.brief.cases


def test_the_files_are_json_a_stranger_can_read(electoral, tmp_path):
    found, _, _ = electoral
    workspace.save(found.brief, tmp_path / "out")
    cases = json.loads((tmp_path / "out" / "cases.json").read_text())["cases"]
    datetime.fromisoformat(cases[0]["case"]["break_in"]["latest"])
    lines = (tmp_path / "out" / "findings.jsonl").read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f.id for f in found.brief.findings}
    assert json.loads((tmp_path / "out" / "coverage.json").read_text())["rules"]
    assert workspace.load_brief(tmp_path / "out") == found.brief


def test_a_quiet_estate_gives_no_case_above_low(tmp_path):
    simulate("quiet", tmp_path / "logs")
    found = stillhunt.hunt(tmp_path / "logs")
    assert [c.opening for c in found.cases if c.level.rank > Level.LOW.rank] == []
    assert not found.coverage.verdict.is_blind
