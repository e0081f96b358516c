"""The public regression logs of the Sigma project: every rule must find the log that was recorded for it."""

from __future__ import annotations

import json
import resource
from collections import Counter
from pathlib import Path

import pytest

from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def counts(shared_data):
    """Matching records by (log, rule)."""
    collect = pytest.importorskip("stillhunt.telemetry.collect")
    scan = Scan(load_rules([shared_data / "sigma" / "sigma_8eaafff1f.zip"]))
    reading = collect.Reading([shared_data / "evtx" / "sigma-regression"])
    for batch in reading.batches():
        scan.feed(batch)
    found = Counter()
    for finding in scan.findings(lambda file, host: 0):
        assert finding.n_evidence_omitted == 0
        for evidence in finding.evidence:
            found[Path(evidence.ref.file).name, finding.detector.id] += 1
    return found


@pytest.fixture(scope="module")
def truth(shared_data):
    lines = (shared_data / "truth" / "sigma_regression.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_rule_finds_its_log(truth, counts):
    silent = [
        (entry["file"], rule["title"])
        for entry in truth
        for rule in entry["rules"]
        if not counts[Path(entry["file"]).name, rule["id"]]
    ]
    assert truth
    assert silent == []


def test_rules_find_as_many_records_as_stated_or_more(truth, counts):
    fewer = [
        (entry["file"], rule["title"])
        for entry in truth
        for rule in entry["rules"]
        if counts[Path(entry["file"]).name, rule["id"]] < (entry["match_count"] or 1)
    ]
    assert fewer == []


def test_the_whole_corpus_fits_into_a_gibibyte(counts):
    assert counts
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < 1 << 30
