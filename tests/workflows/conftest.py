"""Findings made by hand, and one small hunt that several tests look into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.report.brief import Brief
from stillhunt.telemetry.coverage import Coverage
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level
from stillhunt.workflows import workspace
from stillhunt.workflows.demo import demo

AT = datetime(2021, 8, 24, 3, 12, 9, tzinfo=UTC)


def finding(id_: str, *, title: str = "Shell starts") -> Finding:
    matched = Clause(kind="field", label="Image|endswith: \\cmd.exe", field="Image", value="C:\\Windows\\cmd.exe")
    ref = EventRef(file="logs/ws1.json", record=7, at=AT, clock="TimeCreated")
    return Finding(
        id=id_,
        detector=Detector(kind="sigma", id="r-1", title=title, description="", level=Level.HIGH, path="rules/x.yml"),
        first_at=AT,
        last_at=AT,
        count=3,
        entities=(Entity(EntityKind.HOST, "ws1"),),
        evidence=(Evidence(ref=ref, original='{"a": 1}', matched=matched),),
        n_evidence_omitted=2,
    )


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    return finding


@pytest.fixture
def make_brief() -> Callable[..., Brief]:
    def make(*findings: Finding) -> Brief:
        return Brief(
            version="0",
            inputs=("logs",),
            coverage=Coverage(),
            cases=(),
            assessments=(),
            findings=findings,
            technique_names={},
            technique_tactics={},
            software_names={},
        )

    return make


@pytest.fixture(scope="session")
def demo_hunt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Finding, ...]]:
    """The folder of the demo's results, and its findings."""
    folder = tmp_path_factory.mktemp("demo")
    found, _ = demo(folder / "logs")
    workspace.save(found.brief, folder / "case", rules=())
    return folder / "case", found.brief.findings
