"""Whom the tenant trusts to vouch for its people is changed, from elsewhere or by somebody who never did.

Who can add a domain with a signing key of their own can be anybody, without password or second factor.

Method: :mod:`stillhunt.detection.behaviour.acts`: acts from a network strange to who does them,
and acts by somebody whose work they are not, in a house where they are somebody's.
Source: CISA AA21-008A; Microsoft, "NOBELIUM: FoggyWeb, MagicWeb" (2021, 2022); MITRE ATT&CK T1484.002, T1606.002.
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
    yield from from_elsewhere(tables, "trust", "changed whom the tenant trusts")
    yield from unusual_doers(tables, "trust", "changed whom the tenant trusts")


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-trust-changes",
        title="Trust in domains and signing keys changed unusually",
        description="Acts that open doors for later are done from where the account never works, or by somebody whose"
        " work they are not.",
        level=Level.MEDIUM,
        path="behaviour/trust_changes",
        tactics=("defense-evasion", "privilege-escalation"),
        techniques=("T1484.002",),
        false_positives=("Administration on a journey", "A new colleague's first weeks"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds=STRANGE_PLACE,
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
