"""An application reads mail as it never did: one that hardly anybody uses, or the house's own from somewhere else.

Two ways into mail without a password. An application that a user was talked into letting in reads one or a few
mailboxes, from its maker's network, which is none of the owner's. And the house's own archive or backup reads with a
key that an intruder added to it: the same application, another network.

Method: an application is rare if it reads at most three mailboxes, or one in 200, of those that are read at all; one
read from the owner's own networks is a mail program somebody likes and is let be. For applications that act as
themselves, an address is strange by the share of the application's own days on which it was used
(:mod:`stillhunt.detection.behaviour.whereabouts`); services with many changing addresses have no habit and are let be.
Source: Microsoft, "Midnight Blizzard: guidance for responders on nation-state attack" (2024); CISA AA21-008A;
MITRE ATT&CK T1528, T1098.001.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stillhunt.detection.behaviour.mailboxes import DOORS, Door, doors_of, seldom_used
from stillhunt.detection.behaviour.model import Analytic, Observation, Place, Setting, Tables
from stillhunt.detection.behaviour.names import network_of
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS, Habits, habits_of, is_rare
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "misplaced", "rare_applications"]

_LEAST_DAYS = 2
_MOST_NETWORKS = 20


def rare_applications(doors: Sequence[Door], habits: Habits) -> dict[str, list[Door]]:
    """Return, by application, the doors of applications that hardly anybody uses and that read from elsewhere."""
    rare = seldom_used(doors)
    found: dict[str, list[Door]] = {}
    for door in doors:
        if door.application in rare and door.way != "application" and habits.is_strange(door.actor, door.address):
            found.setdefault(door.application, []).append(door)
    return found


def misplaced(doors: Sequence[Door]) -> list[Door]:
    """Return the doors of one application acting as itself that lead from networks it does not work from.

    Args:
        doors: All doors of one actor that is an application.
    """
    active = {day for door in doors for day in door.days}
    networks: dict[str, set[int]] = {}
    for door in doors:
        networks.setdefault(network_of(door.address), set()).update(door.days)
    usual = {network for network, days in networks.items() if not is_rare(days, active)}
    if not usual or len(networks) > _MOST_NETWORKS:
        return []
    return [door for door in doors if door.address and network_of(door.address) not in usual]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    doors = list(doors_of(tables[DOORS.name]))
    habits = habits_of(tables[WHEREABOUTS.name])
    for application, strange in rare_applications(doors, habits).items():
        days = {day for door in strange for day in door.days}
        if len(days) >= _LEAST_DAYS:
            yield _rare(application, strange, days)
    acting: dict[str, list[Door]] = {}
    for door in doors:
        if door.way == "application":
            acting.setdefault(door.actor, []).append(door)
    for actor, own in acting.items():
        strange = misplaced(own)
        if strange:
            yield _elsewhere(actor, strange)


def _rare(application: str, strange: Sequence[Door], days: set[int]) -> Observation:
    mailboxes, addresses = {d.mailbox for d in strange}, {d.address for d in strange}
    return Observation(
        identity=("rare", application),
        sentence=f"The application {application}, which hardly anybody uses here, read"
        f" {number(len(mailboxes), 'mailbox', 'mailboxes')} ({among(mailboxes)}) {days_text(days)} from"
        f" {among(addresses)}, where the owner does not work.",
        why=(
            ("mailboxes that the application reads", f"{len(mailboxes)}; at most 3 or 0.5 %"),
            ("messages named", f"{sum(door.items for door in strange):,}"),
        ),
        places=_places(strange),
        entities=_entities(strange),
        count=sum(door.n for door in strange),
        n_days=len(days),
        techniques=("T1528", "T1114.002"),
        strange=frozenset(addresses),
    )


def _elsewhere(actor: str, strange: Sequence[Door]) -> Observation:
    mailboxes, addresses = {d.mailbox for d in strange}, {d.address for d in strange}
    days = {day for door in strange for day in door.days}
    name = among({door.application for door in strange if door.application}) or actor
    return Observation(
        identity=("elsewhere", actor),
        sentence=f"The application {name} read {number(len(mailboxes), 'mailbox', 'mailboxes')} in its own name"
        f" {days_text(days)} from {among(addresses)}, where it never works; somebody else may hold a key of it.",
        why=(
            ("days from there", f"{len(days)}"),
            ("mailboxes", among(mailboxes)),
            ("messages named", f"{sum(door.items for door in strange):,}"),
        ),
        places=_places(strange),
        entities=_entities(strange),
        count=sum(door.n for door in strange),
        n_days=len(days),
        level=Level.HIGH,
        techniques=("T1098.001", "T1114.002"),
        strange=frozenset(addresses),
    )


def _places(strange: Sequence[Door]) -> tuple[Place, ...]:
    return shown_places(place for door in strange for place in (door.first, door.last))


def _entities(strange: Iterable[Door]) -> tuple[EntityKey, ...]:
    found = {("address", door.address, "source") for door in strange if door.address}
    found |= {("mailbox", door.mailbox, "") for door in strange if door.mailbox}
    return tuple(sorted(found | {("account", door.actor, "subject") for door in strange}))


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mail-application",
        title="Mail read by a rare application, or by the house's own from elsewhere",
        description="An application that hardly anybody uses reads mail from a network that is not its owner's, or an"
        " application that acts as itself does so from where it never works.",
        level=Level.MEDIUM,
        path="behaviour/mail_application",
        tactics=("credential-access", "collection"),
        techniques=("T1528", "T1098.001", "T1114.002"),
        false_positives=(
            "A mail program that fetches through its maker's servers",
            "An archive moved to other servers",
        ),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed",
    thresholds={
        "rare": "at most 3 mailboxes or 0.5 % of those read: what a house uses, more people use",
        "days": "at least 2 for a rare application: trying one for an hour is common",
        "networks": "an application that works from more than 20 networks has no place of its own",
    },
    aggregates=(DOORS, WHEREABOUTS),
    findings=_findings,
)
