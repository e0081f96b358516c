"""Who opens which mailbox in the cloud, from where and with what: views of ``MailItemsAccessed`` that analytics share.

Bind records name messages, one record for several within two minutes; sync records name a folder whose messages were
copied to a client. When a mailbox has made more than 1,000 bind records in a day the service logs no more of it for 24
hours and says so (``IsThrottled``): silence then is not absence.

Reference: Microsoft, "Use MailItemsAccessed to investigate compromised accounts"; Office 365 Management Activity API
schema, Exchange mailbox schema (LogonType 0 owner, 1 administrator, 2 delegate).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.clients import Client, client_read, client_text
from stillhunt.detection.behaviour.join import first_place, hash_of, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Place
from stillhunt.detection.behaviour.taking import DAYS, Taken, days_of, taken
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = [
    "DOORS",
    "OPENED",
    "SESSIONS",
    "Door",
    "application_column",
    "door_of",
    "doors_of",
    "is_exchange",
    "opened",
    "seldom_used",
]

_ITSELF = "00000002-0000-0ff1-ce00-000000000000"
"""Application id of Exchange Online: Outlook and the web."""


def is_exchange(event_class: EventClass) -> bool:
    """Tell whether events are of Exchange in the unified audit log."""
    return event_class.product == "m365" and "exchange" in event_class.services


def opened(batch: EventBatch) -> Taken | None:
    """Return the records of a batch that say a mailbox was read."""
    return taken(batch, "event.action", {"mailitemsaccessed"})


def application_column(took: Taken) -> Any:
    """Return the application of each record; empty for Outlook and the web."""
    said = zip(took.texts("ClientAppId"), took.texts("AppId"), strict=True)
    found = ((own or other).lower() for own, other in said)
    return pa.array(["" if _ITSELF in name else name for name in found], pa.string())


def _ways(took: Taken) -> list[str]:
    """Say of each record in what capacity the mailbox was opened."""
    fields = ("user.name", "email.mailbox", "LogonType", "UserType")
    return [_way(*values) for values in zip(*(took.texts(name) for name in fields), strict=True)]


def _way(actor: str, mailbox: str, logon: str, user: str) -> str:
    owner = account_name(mailbox)
    if actor == owner or not actor or not owner:
        return "owner"
    if user == "5" or actor.startswith("serviceprincipal_") or ("\\" not in actor and actor.count("-") == 4):
        return "application"
    return "administrator" if logon == "1" else "delegate"


def _door_rows(batch: EventBatch) -> pa.Table | None:
    took = opened(batch)
    if took is None:
        return None
    access = [value.lower() for value in took.texts("OperationProperties.MailAccessType")]
    throttled = [value.lower() == "true" for value in took.texts("OperationProperties.IsThrottled")]
    return took.table(
        {
            "mailbox": took.column("email.mailbox"),
            "actor": took.column("user.name"),
            "way": pa.array(_ways(took), pa.string()),
            "application": application_column(took),
            "client": took.column("user_agent.original", client_text),
            "address": took.column("source.ip"),
            "items": took.numbers("OperationCount", default=1),
            "syncs": pa.array([int(value == "sync") for value in access], pa.int64()),
            "throttled": pa.array([int(value) for value in throttled], pa.int64()),
            **took.days(),
        }
    )


DOORS = Aggregate(
    name="mailbox doors",
    wants=is_exchange,
    fields=(
        "ClientAppId",
        "AppId",
        "LogonType",
        "UserType",
        "OperationCount",
        "OperationProperties.MailAccessType",
        "OperationProperties.IsThrottled",
    ),
    keys=("mailbox", "actor", "way", "application", "client", "address"),
    measures={"items": "sum", "syncs": "sum", "throttled": "sum", **DAYS},
    rows=_door_rows,
)
"""How often a mailbox was read by whom, in what capacity, by what application and client, and from where."""


def _session_rows(batch: EventBatch) -> pa.Table | None:
    took = opened(batch)
    if took is None:
        return None
    table = took.table(
        {
            "actor": took.column("user.name"),
            "session": took.column("SessionId"),
            "client": took.column("user_agent.original", client_text),
            "address": took.column("source.ip"),
            "mailbox": took.column("email.mailbox"),
            "items": took.numbers("OperationCount", default=1),
        }
    )
    return None if table is None else table.filter(pc.is_valid(table["session"]))


SESSIONS = Aggregate(
    name="mailbox sessions",
    wants=is_exchange,
    fields=("SessionId", "OperationCount"),
    keys=("actor", "session", "client", "address", "mailbox"),
    measures={"items": "sum"},
    rows=_session_rows,
)
"""With which clients and from where the session of a sign-in was used to read mail."""


_ITEMS = "Folders.FolderItems.InternetMessageId"


def _opened_rows(batch: EventBatch) -> pa.Table | None:
    took = opened(batch)
    if took is None:
        return None
    mailboxes, ways, named = took.texts("email.mailbox"), _ways(took), took.texts(_ITEMS)
    rows, messages = [], []
    for row, (mailbox, way, items) in enumerate(zip(mailboxes, ways, named, strict=True)):
        if mailbox and way == "owner" and items:
            hashes = {hash_of(item.strip("<> ")) for item in items.split("\n")}
            rows += [row] * len(hashes)
            messages += sorted(hashes)
    table = took.table({"mailbox": took.column("email.mailbox", str.lower)})
    if table is None or not rows:
        return None
    return table.take(rows).append_column("messages", pa.array(messages, pa.int64()))


OPENED = Aggregate(
    name="opened messages",
    wants=is_exchange,
    fields=("LogonType", "UserType", _ITEMS),
    keys=("mailbox",),
    measures={"messages": "times"},
    rows=_opened_rows,
)
"""Which messages the owner of a mailbox opened: a hash of each one's Message-ID. Records of folders that were copied
(sync) name no message."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way into one mailbox.

    Attributes:
        mailbox: Whose.
        actor: Who reads.
        way: ``owner``, ``delegate``, ``administrator`` or ``application``.
        application: Id of the application, empty for Outlook and the web.
        client: What the client said it is.
        address: Where from.
        n: Records.
        items: Messages, as far as they are named.
        syncs: Records of folders that were copied.
        throttled: Records after which the log is silent for a day.
        days: Days since 1970.
        first: Where the first record lies.
        last: Where the last one lies.
    """

    mailbox: str
    actor: str
    way: str
    application: str
    client: Client
    address: str
    n: int
    items: int
    syncs: int
    throttled: int
    days: frozenset[int]
    first: Place
    last: Place

    @property
    def program(self) -> tuple[str, str, str]:
        """What identifies a client beside its version."""
        return self.application, self.client.program, self.client.system


def doors_of(table: pa.Table) -> Iterator[Door]:
    """Yield the rows of :data:`DOORS`."""
    for row in rows_of(table):
        yield door_of(row)


def door_of(row: Mapping[str, Any]) -> Door:
    """Return one row of :data:`DOORS`."""
    return Door(
        mailbox=row["mailbox"],
        actor=row["actor"],
        way=row["way"],
        application=row["application"],
        client=client_read(row["client"]),
        address=row["address"],
        n=row["n"],
        items=row["items"],
        syncs=row["syncs"],
        throttled=row["throttled"],
        days=frozenset(days_of(row)),
        first=first_place(row),
        last=last_place(row),
    )


_FEW_MAILBOXES = 3
_SHARE_OF_MAILBOXES = 0.005


def seldom_used(doors: Sequence[Door]) -> frozenset[str]:
    """Return the applications that read few of the mailboxes that are read at all: at most 3, or 0.5 %."""
    readers: dict[str, set[str]] = {}
    for door in doors:
        readers.setdefault(door.application, set()).add(door.mailbox)
    n_mailboxes = len({door.mailbox for door in doors})
    few = max(_FEW_MAILBOXES, n_mailboxes * _SHARE_OF_MAILBOXES)
    return frozenset(name for name, read in readers.items() if name and len(read) <= few < n_mailboxes)
