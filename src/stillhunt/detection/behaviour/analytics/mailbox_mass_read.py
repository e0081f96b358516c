"""On one day somebody, or an application, reads far more mail than they or anybody ever do.

Method: messages named in ``MailItemsAccessed`` by reader, application and day. A day is told of if it lies ten robust
deviations and three times above the own days (modified z-score, Iglewicz and Hoaglin 1993) and above all but the top
thousandth of all days of all readers of the same kind. Readers with fewer than ten days are compared with the others
alone. A mailbox that made more than 1,000 records in a day is no longer recorded that day: numbers are then too small,
never too large.
Source: Microsoft, "Use MailItemsAccessed to investigate compromised accounts"; MITRE ATT&CK T1114.002.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.baseline import modified_z
from stillhunt.detection.behaviour.join import Columns, distinct, first_place, hashed, last_place, rows_of
from stillhunt.detection.behaviour.mailboxes import application_column, is_exchange, opened
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.taking import DAY_US
from stillhunt.detection.behaviour.telling import day_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "MAIL_DAYS", "is_mass", "top"]

_LEAST_ITEMS = 200
_LEAST_Z = 10.0
_LEAST_SPREAD = 5.0
_LEAST_TIMES = 3
_OWN_DAYS = 10
_TOP = 1000


def _rows(batch: EventBatch) -> pa.Table | None:
    took = opened(batch)
    if took is None:
        return None
    return took.table(
        {
            "actor": took.column("user.name"),
            "application": application_column(took),
            "day": took.days()["days"].cast(pa.string()),
            "items": took.numbers("OperationCount", default=1),
            "mailboxes": hashed(took.coded("email.mailbox")),
        }
    )


MAIL_DAYS = Aggregate(
    name="mail days",
    wants=is_exchange,
    fields=("ClientAppId", "AppId", "OperationCount"),
    keys=("actor", "application", "day"),
    measures={"items": "sum", "mailboxes": "least"},
    rows=_rows,
)
"""How much mail was read by whom through what on which day."""


def top(values: Sequence[int]) -> int:
    """Return what all but the top thousandth of values do not exceed."""
    ordered = sorted(values)
    return ordered[-1 - len(ordered) // _TOP] if len(ordered) >= _TOP else 0


def is_mass(items: int, own: Sequence[int], most: int) -> bool:
    """Tell whether a day is one on which mail was taken, not read.

    Args:
        items: Messages of the day.
        own: Messages of all days of the reader, this one among them.
        most: What all but the top thousandth of days of all readers do not exceed; 0 if there are too few.
    """
    if items < max(_LEAST_ITEMS, most):
        return False
    if len(own) < _OWN_DAYS:
        return most > 0 and items > 2 * most
    return items >= _LEAST_TIMES * median(own) and modified_z(items, own, least_spread=_LEAST_SPREAD) >= _LEAST_Z


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    table = tables[MAIL_DAYS.name]
    columns = Columns(table)
    readers: dict[tuple[str, str], list[tuple[int, int]]] = {}
    people: dict[bool, list[int]] = {True: [], False: []}
    rows = zip(*(columns.values(name) for name in ("actor", "application", "items")), strict=True)
    for row, (actor, application, items) in enumerate(rows):
        readers.setdefault((actor, application), []).append((items, row))
        people["\\" in actor].append(items)
    most = {is_person: top(items) for is_person, items in people.items()}
    for (actor, application), own_rows in readers.items():
        own = [items for items, _ in own_rows]
        chosen = [row for items, row in own_rows if is_mass(items, own, most["\\" in actor])]
        if chosen:
            days = list(rows_of(table.take(chosen)))
            yield _observation(actor, application, days, sorted(own)[len(own) // 2])


def _observation(actor: str, application: str, rows: Sequence[Mapping[str, Any]], usual: int) -> Observation:
    worst = max(rows, key=lambda row: (row["items"], row["day"]))
    n_mailboxes = distinct(worst["mailboxes"])
    through = f" through application {application}" if application else ""
    return Observation(
        identity=(actor, application),
        sentence=f"{actor} read {number(worst['items'], 'message')} of {number(n_mailboxes, 'mailbox', 'mailboxes')}"
        f" on {day_text(int(worst['day']))}{through}; on a usual day it is {usual:,}.",
        why=(
            ("messages on the day", f"{worst['items']:,}; at least {_LEAST_ITEMS}"),
            ("usual day", f"{usual:,}"),
            ("days like this", f"{len(rows)}"),
        ),
        places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
        entities=(("account", actor, "subject"),),
        count=sum(row["n"] for row in rows),
        n_days=len({int(row["first_at"]) // DAY_US for row in rows}),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mailbox-mass-read",
        title="Far more mail read in a day than ever",
        description="Somebody, or an application, reads far more messages on a day than on their other days and than"
        " others do.",
        level=Level.MEDIUM,
        path="behaviour/mailbox_mass_read",
        tactics=("collection",),
        techniques=("T1114.002",),
        false_positives=("A new computer that fetches all mail", "The first run of an archive"),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed",
    thresholds={
        "messages": f"at least {_LEAST_ITEMS} in a day: fewer can be read by a person",
        "own days": "ten robust deviations above the own median and three times it: a busy day is three or four",
        "others": "above all but the top thousandth of days: heavy readers are no spies",
    },
    aggregates=(MAIL_DAYS,),
    findings=_findings,
)
