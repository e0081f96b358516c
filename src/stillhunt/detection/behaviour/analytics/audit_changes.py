"""What is recorded is changed, from elsewhere or by somebody who never did.

Switching auditing off wholly is a matter of the rule pack; shorter keeping, licences without mailbox records and
bypasses for one account look like administration.

Method: :mod:`stillhunt.detection.behaviour.acts`: acts from a network strange to who does them,
and acts by somebody whose work they are not, in a house where they are somebody's.
Source: Mandiant, "You can't audit me: APT29 continues targeting Microsoft 365" (2022); MITRE ATT&CK T1562.008.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.acts import ACTS, STRANGE_PLACE, from_elsewhere, unusual_doers
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    yield from from_elsewhere(tables, "audit", "changed what is recorded")
    yield from unusual_doers(tables, "audit", "changed what is recorded")


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-audit-changes",
        title="What is recorded is changed unusually",
        description="Acts that open doors for later are done from where the account never works, or by somebody whose"
        " work they are not.",
        level=Level.MEDIUM,
        path="behaviour/audit_changes",
        tactics=("defense-evasion",),
        techniques=("T1562.008",),
        false_positives=("Administration on a journey", "A new colleague's first weeks"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds=STRANGE_PLACE,
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
