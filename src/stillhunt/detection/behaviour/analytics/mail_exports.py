"""Mail of the whole house is searched or exported, from elsewhere or by somebody who never did.

The search of compliance officers reads every mailbox at once and leaves no trace in the mailboxes.

Method: :mod:`stillhunt.detection.behaviour.acts`: acts from a network strange to who does them,
and acts by somebody whose work they are not, in a house where they are somebody's.
Source: Microsoft, "Search for eDiscovery activities in the audit log"; MITRE ATT&CK T1114.002, T1213.
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
    yield from from_elsewhere(tables, "search", "searched or exported mail of others")
    yield from unusual_doers(tables, "search", "searched or exported mail of others")


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mail-exports",
        title="Mail of the house searched or exported unusually",
        description="Acts that open doors for later are done from where the account never works, or by somebody whose"
        " work they are not.",
        level=Level.MEDIUM,
        path="behaviour/mail_exports",
        tactics=("collection",),
        techniques=("T1114.002", "T1213"),
        false_positives=("Administration on a journey", "A new colleague's first weeks"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds=STRANGE_PLACE,
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
