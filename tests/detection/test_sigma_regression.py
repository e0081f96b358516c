"""The public regression logs of the Sigma project: every rule must find the log that was recorded for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# In a process of its own, so that its memory is that of the scan and of nothing else.
SCRIPT = """
import json, sys
from pathlib import Path
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.telemetry.collect import Reading

scan = Scan(load_rules([Path(sys.argv[1])]))
reading = Reading([Path(sys.argv[2])])
for batch in reading.batches():
    scan.feed(batch)
found = [
    [Path(evidence.ref.file).name, finding.detector.id]
    for finding in scan.findings(lambda file, host: 0, reading.fetch)
    for evidence in finding.evidence
]
said = "the same content as "
copies = [
    [Path(file.path).name, Path(file.note.removeprefix(said).removesuffix(", read once")).name]
    for file in reading.coverage().files
    if file.note.startswith(said)
]
# Not ru_maxrss, which a process inherits from the one that started it.
status = Path("/proc/self/status").read_text()
peak_kib = int(status.partition("VmHWM:")[2].split()[0])
print(json.dumps({"found": found, "copies": copies, "peak_kib": peak_kib}))
"""


def scanned(shared_data, logs):
    rules = shared_data / "sigma" / "sigma_8eaafff1f.zip"
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(rules), str(shared_data / "evtx" / logs)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def counts(shared_data):
    """Matching records by (log, rule); those of a log that was recorded for two rules count for both its names."""
    done = scanned(shared_data, "sigma-regression")
    counts = Counter((file, rule) for file, rule in done["found"])
    for copy, original in done["copies"]:
        counts.update({(copy, rule): n for (file, rule), n in counts.items() if file == original})
    return counts


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


def test_the_whole_corpus_over_hundreds_of_logs_fits_into_a_gibibyte(shared_data):
    result = scanned(shared_data, "attack-samples")
    assert result["found"]
    assert result["peak_kib"] < 1 << 20
