"""Every case of tests/cases/correlations: rules, events in time, and the alerts they make; or why it is refused.

The alerts were worked out by hand from the Sigma specification, whose sections the cases name. Each case runs as a
hunt does it: from a file as a user gives it, through matching, correlation and findings. An alert is written as

    first-last xCOUNT rows [places of events that are evidence]: what was measured | what it is grouped by

with times in seconds. Every case may use the rules of ``RULES``; an event is ``[seconds, rule, fields]``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.table import Row, Rows, build_batch

FOLDER = Path(__file__).parents[2] / "cases" / "correlations"
CASES = [(path.stem, case) for path in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(path.read_bytes())]
SOUND = [pytest.param(case, id=f"{name}: {case['title']}") for name, case in CASES if "alerts" in case]
REFUSED = [pytest.param(case, id=f"{name}: {case['title']}") for name, case in CASES if "refused" in case]
RULES = "".join(
    f"""title: {name}
name: {name}
logsource: {{product: windows, service: security}}
detection:
    selection: {{EventID: '{event_id}'}}
    condition: selection
---
"""
    for name, event_id in (("failed", 4625), ("logon", 4624), ("created", 4720), ("share", 5145))
)
EVENT_IDS = {"failed": "4625", "logon": "4624", "created": "4720", "share": "5145", "other": "1"}
BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
CLASS = EventClass(product="windows", services=frozenset({"security"}), channel="Security")


@pytest.fixture
def loaded(tmp_path):
    def load(case):
        path = tmp_path / "rules.yml"
        path.write_text(RULES + case["rule"], encoding="utf-8")
        return load_rules([path])

    return load


@pytest.fixture
def alerts(loaded):
    def run(case, *, order=1):
        scan = Scan(loaded(case))
        rows = [row(place, *event) for place, event in enumerate(case["events"])]
        for batch in batches(rows[::order]):
            scan.feed(batch)
        return scan.findings(lambda file, host: 0, lambda wanted: ()), scan.rule_states()

    return run


def row(place, seconds, rule, fields):
    return Row(
        at=None if seconds is None else BEGIN + timedelta(seconds=seconds),
        clock="TimeCreated",
        file="security.evtx",
        record=place,
        original="",
        common={"host.name": "dc1"},
        native={
            "EventID": EVENT_IDS[rule],
            **{name: str(value) for name, value in fields.items() if value is not None},
        },
    )


def batches(rows):
    """Yield two events in a batch: what belongs together comes apart."""
    for begin in range(0, len(rows), 2):
        held = Rows()
        for one in rows[begin : begin + 2]:
            held.add(CLASS, one)
        yield from (build_batch(piece.event_class, [piece]) for piece in held.pieces())


def written(finding):
    shown = finding.evidence[0].matched
    group = [f"{clause.field}={clause.value}" for clause in shown.children if clause.label == "grouped by"]
    first, last = ((at - BEGIN).total_seconds() for at in (finding.first_at, finding.last_at))
    rows = [one.ref.record for one in finding.evidence]
    words = f"{first:g}-{last:g} x{finding.count} rows {rows}: {shown.label}"
    return f"{words} | {', '.join(group)}" if group else words


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("case", SOUND)
def test_a_correlation_finds_what_it_means_in_whatever_order_events_come(case, alerts, order):
    findings, _ = alerts(case, order=order)
    found = [written(finding) for finding in findings if finding.detector.kind == "sigma-correlation"]
    assert sorted(found) == sorted(case["alerts"])


@pytest.mark.parametrize("case", SOUND)
def test_a_rule_that_is_part_of_a_correlation_speaks_for_itself_only_if_asked(case, alerts):
    findings, _ = alerts(case)
    assert {f.detector.title for f in findings if f.detector.kind == "sigma"} == set(case.get("spoken", []))


@pytest.mark.parametrize("case", [param for param in SOUND if "said" in param.values[0]])
def test_what_a_correlation_could_not_use_is_said(case, alerts):
    _, states = alerts(case)
    assert [s.reason for s in states if s.kind == "correlation" and s.reason] == case["said"]


@pytest.mark.parametrize("case", REFUSED)
def test_a_correlation_that_cannot_run_is_refused_with_its_reason(case, loaded):
    refused = [state for state in loaded(case).refused if state.kind == "correlation"]
    assert refused
    assert case["refused"] in refused[0].reason
    assert ".yml:" in refused[0].path


def test_the_cases_are_many_and_whole():
    assert len(CASES) >= 60
    assert len(SOUND) + len(REFUSED) == len(CASES)
