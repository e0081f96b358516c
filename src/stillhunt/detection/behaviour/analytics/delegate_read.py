"""Somebody reads several mailboxes of others, or one from where they themselves never work.

Full access to a mailbox, given once, lets one account read another for years, in its own name and without the other's
password. Deputies read one or two mailboxes, every week, from their own desk.

Method: mailboxes opened by one account as delegate or administrator, those left out that it reads regularly. Own
networks are told from strange ones by the reader's habits (:mod:`stillhunt.detection.behaviour.whereabouts`). Several
mailboxes count if they are three or more and more than all but the top hundredth of delegates read.
Source: Mandiant, "Remediation and hardening strategies for Microsoft 365 to defend against UNC2452" (2021), mailbox
folder permissions; MITRE ATT&CK T1098.002.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stillhunt.detection.behaviour.mailboxes import DOORS, Door, doors_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.behaviour.whereabouts import THRESHOLDS, WHEREABOUTS, habits_of, share
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "irregular", "usual_number"]

_LEAST_MAILBOXES = 3
_REGULAR = 0.2
_TOP = 100


def usual_number(delegates: Iterable[Sequence[Door]]) -> int:
    """Return how many mailboxes all but the top hundredth of delegates read, at least 2."""
    counts = sorted(len({door.mailbox for door in doors}) for doors in delegates)
    return max(2, counts[-1 - len(counts) // _TOP]) if len(counts) >= _TOP else 2


def irregular(doors: Sequence[Door], active: set[int]) -> list[Door]:
    """Return the doors to mailboxes that a delegate does not read regularly.

    Args:
        doors: All doors of one account to mailboxes of others.
        active: Days on which the account did anything.
    """
    days: dict[str, set[int]] = {}
    for door in doors:
        days.setdefault(door.mailbox, set()).update(door.days)
    return [door for door in doors if share(days[door.mailbox], active) <= _REGULAR]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    habits = habits_of(tables[WHEREABOUTS.name])
    reading: dict[str, list[Door]] = {}
    for door in doors_of(tables[DOORS.name]):
        if door.way in {"delegate", "administrator"}:
            reading.setdefault(door.actor, []).append(door)
    most = usual_number(reading.values())
    for actor, doors in reading.items():
        seldom = irregular(doors, habits.active.get(actor, set()))
        strange = [door for door in seldom if habits.is_strange(actor, door.address)]
        if strange:
            yield _observation(actor, strange, "from a network where the reader hardly ever works", "elsewhere")
        elif len({door.mailbox for door in seldom}) > max(most, _LEAST_MAILBOXES - 1):
            yield _observation(actor, seldom, "though none of them is one that the reader looks after", "many")


def _observation(actor: str, doors: Sequence[Door], how: str, kind: str) -> Observation:
    mailboxes, addresses = {d.mailbox for d in doors}, {d.address for d in doors if d.address}
    days = {day for door in doors for day in door.days}
    return Observation(
        identity=(kind, actor),
        sentence=f"{actor} read {number(len(mailboxes), 'mailbox', 'mailboxes')} of others ({among(mailboxes)})"
        f" {days_text(days)} from {among(addresses)}, {how}.",
        why=(
            ("mailboxes of others", f"{len(mailboxes)}"),
            ("days", f"{len(days)}"),
            ("messages named", f"{sum(door.items for door in doors):,}"),
        ),
        places=shown_places(place for door in doors for place in (door.first, door.last)),
        entities=(
            ("account", actor, "subject"),
            *(("mailbox", mailbox, "") for mailbox in sorted(mailboxes)),
            *(("address", address, "source") for address in sorted(addresses)),
        ),
        count=sum(door.n for door in doors),
        n_days=len(days),
        level=Level.HIGH if kind == "elsewhere" else Level.MEDIUM,
        strange=frozenset(addresses) if kind == "elsewhere" else frozenset(),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-delegate-read",
        title="Mailboxes of others read unusually",
        description="Somebody reads mailboxes of others from a strange network, or more of them than anybody else.",
        level=Level.MEDIUM,
        path="behaviour/delegate_read",
        tactics=("collection", "persistence"),
        techniques=("T1098.002", "T1114.002"),
        false_positives=("An investigation by the house itself", "A deputy on a journey"),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed",
    thresholds={
        **THRESHOLDS,
        "mailboxes": "at least 3, and more than all but the top hundredth of delegates: deputies have one or two",
    },
    aggregates=(DOORS, WHEREABOUTS),
    findings=_findings,
)
