"""A case is a set of ids here: who shows them is made up."""

from __future__ import annotations

import pytest

from stillhunt.attribution.rank import assess
from stillhunt.knowledge import load_knowledge

HAFNIUM_TECHNIQUES = [
    "T1003.001",
    "T1003.003",
    "T1005",
    "T1016",
    "T1057",
    "T1059.001",
    "T1078.003",
    "T1083",
    "T1095",
    "T1105",
    "T1114.002",
    "T1132.001",
    "T1136.002",
    "T1190",
    "T1218.011",
    "T1505.003",
    "T1560.001",
    "T1567.002",
    "T1583.003",
    "T1592.004",
]
HAFNIUM_SOFTWARE = ["S0020", "S0029", "S0073", "S1011", "S1155"]


@pytest.fixture(scope="session")
def knowledge():
    return load_knowledge()


@pytest.fixture(scope="session")
def judged(knowledge):
    """Assess a case given as two lists of ids."""

    def judge(techniques=(), software=(), **more):
        return assess(
            case_id="case-1",
            techniques={t: [f"finding-{t}"] for t in techniques},
            software={s: [f"finding-{s}"] for s in software},
            knowledge=knowledge,
            **more,
        )

    return judge


@pytest.fixture(scope="session")
def hafnium():
    """Technique and software ids that one group alone is known to combine."""
    return HAFNIUM_TECHNIQUES, HAFNIUM_SOFTWARE
