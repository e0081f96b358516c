"""What a hunt knows of an intruder reaches attribution, and what of it could not be used is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from stillhunt.attribution.circumstances import Circumstances, Exploited
from stillhunt.cases.investigate import investigate
from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Detector, Finding
from stillhunt.errors import UnknownNameError
from stillhunt.knowledge import load_knowledge
from stillhunt.telemetry.coverage import Coverage
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level
from stillhunt.workflows.handover import assess_cases, circumstances_in
from stillhunt.workflows.hunt import hunt

AT = datetime(2022, 11, 3, 9, tzinfo=UTC)


def _finding(name, *entities, level=Level.HIGH, first_at=AT, **said):
    detector = Detector(kind="sigma", id=name, title=f"rule {name}", description="", level=level, path="", **said)
    host = Entity(EntityKind.HOST, "web1")
    return Finding(
        id=f"finding-{name}",
        detector=detector,
        first_at=first_at,
        last_at=first_at,
        count=1,
        entities=(host, *entities),
        evidence=(),
    )


def _told(*findings):
    case = investigate(findings, Trail(), Coverage())[0]
    return circumstances_in(case, {f.id: f for f in findings}, Trail(), knowledge=load_knowledge())


def test_vulnerabilities_of_rules_come_with_the_day_of_first_use():
    told = _told(
        _finding("a", vulnerabilities=("CVE-2022-41040",)),
        _finding("b", vulnerabilities=("CVE-2022-41040",), first_at=AT.replace(day=1)),
        _finding("c", vulnerabilities=("CVE-2021-44228",), level=Level.LOW),
    )
    assert told.exploited == (Exploited(vulnerability="CVE-2022-41040", used=date(2022, 11, 1)),)


def test_outside_addresses_names_and_hashes_are_handed_over_inside_ones_are_not():
    told = _told(
        _finding("a", Entity(EntityKind.ADDRESS, "203.0.113.9", "source"), Entity(EntityKind.HASH, "ab" * 32)),
        _finding("b", Entity(EntityKind.ADDRESS, "10.0.0.7", "source"), Entity(EntityKind.DOMAIN, "C2.example")),
    )
    assert {(i.kind, i.value, i.seen) for i in told.indicators} == {
        ("address", "203.0.113.9", AT.date()),
        ("domain", "c2.example", AT.date()),
        ("hash", "ab" * 32, AT.date()),
    }


def test_a_group_that_a_rule_is_tagged_with_is_quoted():
    told = _told(_finding("a", groups=("G0125",)), _finding("b", groups=("G9999",)))
    assert [(n.name, n.quote, n.source) for n in told.named] == [("HAFNIUM", "rule a", "rule a")]


def test_the_victim_reaches_every_assessment_and_what_was_not_usable_is_said():
    findings = {
        f.id: f
        for f in (
            _finding("a", techniques=("T1190", "T1505.003", "T1003.001"), vulnerabilities=("CVE-2099-12345",)),
            _finding("b", techniques=("T1114.002", "T1560.001", "T1059.001")),
        )
    }
    cases = investigate(tuple(findings.values()), Trail(), Coverage())
    (assessment,) = assess_cases(
        cases,
        findings,
        Trail(),
        coverage=Coverage(),
        knowledge=load_knowledge(),
        victim=Circumstances(sectors=("government",), countries=("DE",)),
    )
    assert assessment.circumstances.sectors == ("government",)
    assert "victim: government, Germany" in assessment.basis
    assert "vulnerabilities: 1, of which 1 are used by nobody known" in assessment.basis
    kinds = {i.kind for h in assessment.hypotheses for i in (*h.evidence_for, *h.evidence_against)}
    assert {"victim-sector", "victim-country"} <= kinds
    for hypothesis in assessment.hypotheses:
        items = (*hypothesis.evidence_for, *hypothesis.evidence_against)
        assert sum(i.weight for i in items) == pytest.approx(hypothesis.score, abs=1e-9)


def test_both_sides_of_joined_circumstances_are_kept_and_a_users_dates_win():
    used, better = (Exploited(vulnerability="CVE-2021-1", used=d) for d in (None, date(2021, 1, 3)))
    joined = Circumstances(exploited=(used,), sectors=("energy",)).joined(
        Circumstances(exploited=(better,), sectors=("energy", "water"))
    )
    assert joined == replace(Circumstances(), exploited=(better,), sectors=("energy", "water"))


@pytest.mark.parametrize("wrong", [{"sectors": ["piracy"]}, {"countries": ["Atlantis"]}])
def test_a_sector_or_country_that_is_none_is_refused_before_anything_is_read(tmp_path, wrong):
    with pytest.raises(UnknownNameError):
        hunt(tmp_path / "missing", **wrong)
