"""Every case of tests/cases/sigma: a detection, events, and the rows that it holds for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sigma.rule import SigmaRule

from stillhunt.detection.sigma.compile import compile_rule
from stillhunt.kernel.program import Program
from stillhunt.kernel.run import Batch, Memory, run
from stillhunt.telemetry.event import COMMON

FOLDER = Path(__file__).parent.parent / "cases" / "sigma"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['promise']}")
    for path in sorted(FOLDER.glob("*.yml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_a_rule_holds_for_the_rows_it_should(case, make_batch):
    rule = SigmaRule.from_dict({"title": "case", "logsource": {"product": "windows"}, "detection": case["detection"]})
    program = Program([compile_rule(rule)])
    data = make_batch(*case["events"]).data
    native = [name for name in data.schema.names if name not in COMMON]
    found = dict(run(Batch(data, Memory(program), program.scope([0]), keyword_fields=native)))
    assert found.get(0, []) == case["rows"]
