"""Rules that send mail out of mailboxes, made from elsewhere, or many to one place.

Method: who makes rules of a mailbox or of mail flow from a network that is strange to the account; and places outside
to which rules of several people send mail, though nobody else in the house sends there. One unmistakable rule of one
mailbox is a matter of the rule pack.
Source: CISA AA20-120A, AA21-008A; MITRE ATT&CK T1114.003.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillhunt.detection.behaviour.acts import ACTS, STRANGE_PLACE, Act, acts_of, from_elsewhere, observed
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import registered_domain
from stillhunt.detection.behaviour.telling import among, days_text, number
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "shared_destinations"]

_LEAST_MAILBOXES = 2
_MOST_MAILBOXES = 10
_ADDRESS = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")


def shared_destinations(acts: list[Act]) -> dict[str, list[Act]]:
    """Return addresses outside to which mail of several, but not of many, people is sent.

    The house's own domains are those that the people with rules have themselves.
    """
    own = {registered_domain(domain) for act in acts for domain in _ADDRESS.findall(act.target)}
    found: dict[str, list[Act]] = {}
    for act in acts:
        for match in _ADDRESS.finditer(act.value):
            if registered_domain(match[1]) not in own:
                found.setdefault(match[0], []).append(act)
    return {
        address: sent
        for address, sent in found.items()
        if _LEAST_MAILBOXES <= len({act.target or act.actor for act in sent}) <= _MOST_MAILBOXES
    }


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    yield from from_elsewhere(tables, "rule", "made rules about mail")
    for address, acts in shared_destinations(list(acts_of(tables[ACTS.name], "rule"))).items():
        owners = {act.target or act.actor for act in acts}
        yield observed(
            ("destination", address),
            acts,
            f"Rules of {number(len(owners), 'mailbox', 'mailboxes')} ({among(owners)}), made"
            f" {days_text({d for act in acts for d in act.days})}, send mail to {address} outside.",
            level=Level.HIGH,
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mail-forwarding",
        title="Mail rules made from a strange network, or many to one place outside",
        description="An account makes rules about mail from where it never works, or several mailboxes send mail to"
        " the same address outside.",
        level=Level.MEDIUM,
        path="behaviour/mail_forwarding",
        tactics=("collection", "exfiltration"),
        techniques=("T1114.003", "T1564.008"),
        false_positives=("Rules made on a journey", "A small team with one mailbox elsewhere"),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds={**STRANGE_PLACE, "mailboxes": "2 to 10 for one place: what more send to is an arrangement"},
    aggregates=(ACTS, WHEREABOUTS),
    findings=_findings,
)
