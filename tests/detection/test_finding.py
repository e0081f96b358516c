from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding, to_json_lines
from stillhunt.detection.finding_table import to_table
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

AT = datetime(2021, 8, 24, 3, 12, tzinfo=UTC)


@pytest.fixture
def finding():
    return Finding(
        id="finding-1",
        detector=Detector(
            kind="sigma",
            id="rule-1",
            title="A rule",
            description="",
            level=Level.HIGH,
            path="a.yml",
            tactics=("execution",),
            techniques=("T1059",),
        ),
        first_at=AT,
        last_at=None,
        count=3,
        entities=(Entity(EntityKind.HOST, "web1"),),
        evidence=(
            Evidence(
                ref=EventRef(file="a.evtx", record=7, at=AT), original="<x/>", matched=Clause(kind="field", label="x")
            ),
        ),
    )


def test_a_table_has_one_row_for_each_finding(finding):
    assert to_table([finding]).to_pylist() == [
        {
            "id": "finding-1",
            "rule_id": "rule-1",
            "title": "A rule",
            "level": "high",
            "first_at": AT,
            "last_at": None,
            "count": 3,
            "host": "web1",
            "tactics": ["execution"],
            "techniques": ["T1059"],
            "file": "a.evtx",
            "record": 7,
        }
    ]


def test_a_table_without_findings_has_the_same_columns(finding):
    assert to_table([]).schema == to_table([finding]).schema
    assert to_table([]).schema.field("first_at").type == pa.timestamp("us", tz="UTC")


def test_json_lines_hold_the_evidence(finding):
    (line,) = to_json_lines([finding])
    assert line.endswith(b"}\n")
    assert json.loads(line)["evidence"][0]["ref"] == {
        "file": "a.evtx",
        "record": 7,
        "at": "2021-08-24T03:12:00Z",
        "clock": "",
    }
