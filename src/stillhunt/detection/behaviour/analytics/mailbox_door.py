"""A mailbox is read in its owner's name from a network and with a client that are both strange to the owner.

A stolen password is used from somewhere else with something else. Either alone is life: people travel with their own
browser, and get new browsers at home. Both together, while the owner goes on as before, is somebody else.

Method: networks and clients that nothing ties to the owner's own (:mod:`stillhunt.detection.behaviour.strangers`), and
that are rare among the owner's days (:mod:`stillhunt.detection.behaviour.whereabouts`). The intruder's days count among
the owner's own, so an intruder who comes on a fifth of all days becomes a habit; first-seen tests would lose one who
was inside before the logs begin. Applications that hardly anybody uses are the matter of another analytic.
Source of the events: Microsoft, "Use MailItemsAccessed to investigate compromised accounts"; the practice:
CISA AA23-193A (2023), mailboxes read with forged tokens, found by clients and application ids unseen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stillhunt.detection.behaviour.mailboxes import DOORS, Door, doors_of, seldom_used
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.strangers import strange_doors
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.behaviour.whereabouts import THRESHOLDS, WHEREABOUTS, Habits, habits_of
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_LEAST_RECORDS = 2
_HIGH_DAYS = 2


def _findings(tables: Tables, setting: Setting) -> Iterable[Observation]:
    del setting
    habits = habits_of(tables[WHEREABOUTS.name])
    own: dict[tuple[str, str], list[Door]] = {}
    doors = list(doors_of(tables[DOORS.name]))
    rare = seldom_used(doors)
    for door in doors:
        if door.way == "owner" and door.application not in rare:
            own.setdefault((door.mailbox, door.actor), []).append(door)
    return _observed(own, habits)


def _observed(own: dict[tuple[str, str], list[Door]], habits: Habits) -> Iterator[Observation]:
    for (mailbox, actor), doors in own.items():
        strange = strange_doors(doors, habits)
        n_records = sum(door.n for door in strange)
        if n_records < _LEAST_RECORDS:
            continue
        days = {day for door in strange for day in door.days}
        usual = sorted({door.client.shown for door in doors if door not in strange})
        clients, addresses = {d.client.shown for d in strange}, {d.address for d in strange}
        applications = {d.application for d in strange if d.application}
        through = f" through application {among(applications)}" if applications else ""
        yield Observation(
            identity=(mailbox, actor),
            sentence=f"The mailbox {mailbox} was read {number(n_records, 'time')} {days_text(days)} with"
            f" {among(clients)} from {among(addresses)}{through}; its owner uses neither that client nor that network.",
            why=(
                ("days with strange client and network", f"{len(days)} of {len({d for x in doors for d in x.days})}"),
                ("usual clients", among(usual) or "none"),
                ("messages named", f"{sum(door.items for door in strange):,}"),
                ("folders copied", f"{sum(door.syncs for door in strange):,}"),
            ),
            places=shown_places(place for door in strange for place in (door.first, door.last)),
            entities=(
                ("account", actor, "subject"),
                ("mailbox", mailbox, ""),
                *(("address", address, "source") for address in sorted(addresses)),
            ),
            count=n_records,
            n_days=len(days),
            level=Level.HIGH if len(days) >= _HIGH_DAYS else Level.MEDIUM,
            strange=frozenset(addresses),
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mailbox-door",
        title="Mailbox read with a client and from a network that are both strange to its owner",
        description="Mail was read in the owner's name with a program and from a network that the owner hardly uses,"
        " while the owner goes on as before.",
        level=Level.MEDIUM,
        path="behaviour/mailbox_door",
        tactics=("collection",),
        techniques=("T1114.002", "T1078.004"),
        false_positives=("A computer borrowed on a journey", "A second telephone used abroad only"),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed",
    thresholds={**THRESHOLDS, "records": "at least 2: one record may be a link clicked on somebody's telephone"},
    aggregates=(DOORS, WHEREABOUTS),
    findings=_findings,
)
