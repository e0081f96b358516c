"""Access to several mailboxes is given to one account at once, or access is given from elsewhere.

Method: grants of mailboxes and folders by who is let in: to three and more mailboxes within a week, which is not how
deputies are appointed; and grants made from a network that is strange to who makes them
(:mod:`stillhunt.detection.behaviour.whereabouts`). One grant is a matter of the rule pack.
Source: Mandiant, "Remediation and hardening strategies for Microsoft 365 to defend against UNC2452" (2021); MITRE
ATT&CK T1098.002.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stillhunt.detection.behaviour.acts import ACTS, STRANGE_PLACE, Act, acts_of, from_elsewhere, observed
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.telling import among, days_text, number
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "collectors"]

_LEAST_MAILBOXES = 3
_SPAN_DAYS = 7
_NOBODY = frozenset({"default", "anonymous", "everyone", ""})


def collectors(acts: Iterable[Act]) -> dict[str, list[Act]]:
    """Return who was let into at least three mailboxes within seven days, and by which acts."""
    by_grantee: dict[str, list[Act]] = {}
    for act in acts:
        if act.value not in _NOBODY:
            by_grantee.setdefault(act.value, []).append(act)
    found = {}
    for grantee, given in by_grantee.items():
        dense = _densest(given)
        if len({act.target for act in dense}) >= _LEAST_MAILBOXES:
            found[grantee] = dense
    return found


def _densest(acts: Sequence[Act]) -> list[Act]:
    """Return those acts that begin in the seven days in which most mailboxes were given."""
    starts = sorted({min(act.days) for act in acts})
    spans = ([act for act in acts if start <= min(act.days) < start + _SPAN_DAYS] for start in starts)
    return max(spans, key=lambda span: len({act.target for act in span}), default=[])


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    yield from from_elsewhere(tables, "grant", "gave access to mailboxes")
    for grantee, acts in collectors(acts_of(tables[ACTS.name], "grant")).items():
        mailboxes, givers = {act.target for act in acts}, {act.actor for act in acts}
        yield observed(
            ("collector", grantee),
            acts,
            f"{grantee} was let into {number(len(mailboxes), 'mailbox', 'mailboxes')} ({among(mailboxes)})"
            f" {days_text({day for act in acts for day in act.days})} by {among(givers)}.",
            level=Level.MEDIUM,
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mailbox-grants",
        title="Access to several mailboxes given to one account, or given from a strange network",
        description="One account is let into several mailboxes within a week, or access is given from where the giver"
        " never works.",
        level=Level.MEDIUM,
        path="behaviour/mailbox_grants",
        tactics=("persistence", "collection"),
        techniques=("T1098.002",),
        false_positives=("A new assistant of several people", "A migration"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds={**STRANGE_PLACE, "mailboxes": "3 within 7 days: deputies are let into one or two"},
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
