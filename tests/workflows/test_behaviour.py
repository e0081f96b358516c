"""Analytics as part of a hunt: found by default, told with evidence, kept in a store."""

from __future__ import annotations

import random

import pytest

from stillhunt.workflows.hunt import hunt

DAY, BEGIN = 86_400, 1_672_617_600


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Zeek's connections of forty days, one file a day: people, and one implant that calls home each two hours."""
    folder = tmp_path_factory.mktemp("logs")
    chance = random.Random(1)
    for day in range(40):
        lines = [
            line(BEGIN + day * DAY + n * 7_200 + chance.uniform(0, 900), "10.0.0.5", "203.0.113.9") for n in range(12)
        ]
        for _ in range(80):
            at = BEGIN + day * DAY + chance.uniform(8, 18) * 3_600
            lines.append(line(at, f"10.0.1.{chance.randint(1, 40)}", f"198.51.100.{chance.randint(1, 9)}"))
        names = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_bytes"
        head = "#separator \\x09\n#path\tconn\n#fields\t" + names + "\n"
        (folder / f"conn.{day:02}.log").write_text(head + "".join(sorted(lines)))
    return folder


def line(at, source, destination):
    return f"{at:.6f}\tC{at:.0f}\t{source}\t50000\t{destination}\t443\ttcp\t900\n"


def test_a_beacon_is_a_finding_with_its_sentence_and_its_records(logs):
    found = hunt(logs)
    (finding,) = found.brief.findings
    assert (finding.detector.kind, finding.detector.id, finding.count) == ("behaviour", "behaviour-beaconing", 480)
    first, last = finding.evidence
    assert first.matched.label.startswith("10.0.0.5 called 203.0.113.9 port 443 every")
    assert "10.0.0.5" in first.original
    assert (first.ref.at, last.ref.at) == (finding.first_at, finding.last_at)
    assert [c.findings for c in found.cases] == [(finding.id,)]
    (state,) = [s for s in found.coverage.rules if s.id == "behaviour-beaconing"]
    assert (state.kind, state.status, state.n_findings) == ("analytic", "active", 1)
    (state,) = [s for s in found.coverage.rules if s.id == "behaviour-golden-ticket"]
    assert (state.status, "4769" in state.reason) == ("dormant", True)


def test_analytics_can_be_left_out(logs):
    found = hunt(logs, behaviour=False)
    assert found.brief.findings == ()
    assert all(state.kind != "analytic" for state in found.coverage.rules)


def test_through_a_store_in_two_hunts_the_findings_are_the_same(logs, tmp_path):
    whole = hunt(logs).brief.findings
    early, store = sorted(logs.glob("*.log"))[:15], tmp_path / "store"
    hunt(early, store=store)
    assert hunt(logs, store=store).brief.findings == whole
    assert hunt(store).brief.findings == whole
    assert hunt(store, behaviour=False).brief.findings == ()
