"""The record of a mailbox being read ends, though its owner works on and others' records go on.

Who may change licences or the auditing of one mailbox can read it afterwards without a trace: the service stops
writing ``MailItemsAccessed`` for it, and nothing else changes.

Method: of each account, the share p of its active days on which its mailbox was recorded as read, up to the last such
day. If it goes on being active for n days behind that, the chance that none of them shows the mailbox read is
(1 - p)^n, were the days alike; told of is what is less likely than one in a million, while half of all other mailboxes
go on being recorded. A geometric waiting time is the simplest model that needs no more than counts.
Source: Mandiant, "You can't audit me: APT29 continues targeting Microsoft 365" (2022); MITRE ATT&CK T1562.008.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pyarrow as pa

from stillhunt.detection.behaviour.join import last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Place, Setting, Tables
from stillhunt.detection.behaviour.taking import DAYS, Taken, days_of
from stillhunt.detection.behaviour.telling import day_text, number
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "PULSE", "silence"]

_LEAST_SHARE = 0.5
_LEAST_READ_DAYS = 10
_LEAST_LOG_CHANCE = -math.log(1e6)


def _is_tenant(event_class: EventClass) -> bool:
    return event_class.product == "m365"


def _rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    actions = took.texts("event.action")
    owners = took.texts("email.mailbox")
    actors = took.texts("user.name")
    table = took.table(
        {
            "account": took.column("user.name"),
            "kind": pa.array(["read" if a == "MailItemsAccessed" else "other" for a in actions], pa.string()),
            **took.days(),
        }
    )
    if table is None:
        return None
    kept = [
        bool(actor) and (action != "MailItemsAccessed" or account_name(owner) == actor)
        for action, owner, actor in zip(actions, owners, actors, strict=True)
    ]
    return table.filter(pa.array(kept, pa.bool_()))


PULSE = Aggregate(
    name="mailbox pulse", wants=_is_tenant, fields=(), keys=("account", "kind"), measures=DAYS, rows=_rows
)
"""Days on which an account's own mailbox was recorded as read by it, and on which it did anything else."""


def silence(read: set[int], other: set[int]) -> tuple[int, float]:
    """Return for how many active days a mailbox has not been recorded, and the logarithm of the chance of that.

    >>> silence(set(range(60)), set(range(90)))[0], silence(set(range(60)), set(range(0, 60, 2)))[0]
    (30, 0)
    """
    last = max(read)
    n_before = sum(day <= last for day in other | read)
    likely = min(0.99, len(read) / max(1, n_before))
    n_silent = sum(day > last for day in other)
    if len(read) < _LEAST_READ_DAYS or likely < _LEAST_SHARE:
        return 0, 0.0
    return n_silent, n_silent * math.log(1 - likely)


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    days: dict[str, dict[str, set[int]]] = {}
    places: dict[tuple[str, str], Place] = {}
    for row in rows_of(tables[PULSE.name]):
        days.setdefault(row["account"], {})[row["kind"]] = days_of(row)
        places[row["account"], row["kind"]] = last_place(row)
    ends = sorted(max(kinds["read"]) for kinds in days.values() if kinds.get("read"))
    for account, kinds in days.items():
        if not kinds.get("read") or not kinds.get("other"):
            continue
        n_silent, chance = silence(kinds["read"], kinds["other"])
        # Where most records end, the log itself does.
        going_on = ends[len(ends) // 2] > max(kinds["read"]) and len(ends) > 2
        if chance > _LEAST_LOG_CHANCE or not going_on:
            continue
        yield Observation(
            identity=(account,),
            sentence=f"Since {day_text(max(kinds['read']))} no reading of {account}'s mailbox is recorded, though that"
            f" account was active on {number(n_silent, 'day')} after it and others' records go on.",
            why=(
                ("days recorded before", f"{len(kinds['read'])}"),
                ("active days without a record", f"{n_silent}"),
                ("chance of that", f"1 in 10^{-chance / math.log(10):.0f}"),
            ),
            places=(places[account, "read"], places[account, "other"]),
            entities=(("account", account, "subject"),),
            count=n_silent,
            n_days=n_silent,
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mailbox-silence",
        title="Record of a mailbox ends while its owner works on",
        description="A mailbox is no longer recorded as read, though its owner is active and others' records go on.",
        level=Level.MEDIUM,
        path="behaviour/mailbox_silence",
        tactics=("defense-evasion",),
        techniques=("T1562.008",),
        false_positives=("A licence without mailbox records", "A mailbox moved elsewhere"),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed",
    thresholds={
        "share": "recorded on at least half of the active days before: of a mailbox seldom read, silence says little",
        "chance": "less than one in a million, since every mailbox is looked at and days are not independent",
    },
    aggregates=(PULSE,),
    findings=_findings,
)
