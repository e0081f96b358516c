"""Applications are given keys, rights or owners from elsewhere.

Whoever adds a key to an application that may read all mail needs no password any more.

Method: :mod:`stillhunt.detection.behaviour.acts`: acts from a network strange to who does them.
Who lets an application in for themselves does so from anywhere and is left to the rule pack.
Source: CISA AA21-008A; MITRE ATT&CK T1098.001.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.acts import ACTS, STRANGE_PLACE, from_elsewhere
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    yield from from_elsewhere(tables, "application", "gave applications keys, rights or owners")


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-application-powers",
        title="Application given a key or rights from a strange network",
        description="Acts that open doors for later are done from where the account never works, or by somebody whose"
        " work they are not.",
        level=Level.MEDIUM,
        path="behaviour/application_powers",
        tactics=("persistence", "credential-access"),
        techniques=("T1098.001",),
        false_positives=("Administration on a journey", "A new colleague's first weeks"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds=STRANGE_PLACE,
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
