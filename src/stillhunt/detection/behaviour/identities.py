"""Which identity calls Amazon's interfaces with which key, from where, with what, how often refused: shared views.

Calls that a service makes for itself, or for somebody in the console, have no address of their own or name a service
in its place; they are left out of who is where.

Reference: AWS, CloudTrail user guide, "CloudTrail record contents", ``userIdentity`` element.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.clients import client_text
from stillhunt.detection.behaviour.join import hashed
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.taking import DAYS, Taken
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["CALLS", "HOURS", "KEYS", "is_cloudtrail", "is_reading"]

_READS = ("get", "list", "describe", "lookup", "head", "search", "simulate", "query", "scan", "select")


def is_cloudtrail(event_class: EventClass) -> bool:
    """Tell whether events are of CloudTrail."""
    return event_class.product == "aws"


def is_reading(call: str) -> bool:
    """Tell whether a call only asks.

    >>> is_reading("DescribeInstances"), is_reading("CreateAccessKey")
    (True, False)
    """
    return call.lower().startswith(_READS)


def _callers(batch: EventBatch) -> tuple[Taken, Any]:
    """Return all rows, and which of them have somebody with an address behind them."""
    took = Taken(batch)
    rows = zip(took.texts("user.name"), took.texts("source.ip"), strict=True)
    return took, pa.array([bool(who) and bool(where) for who, where in rows], pa.bool_())


def _console(agent: str) -> str:
    """Say whether a call came through the console, where one click is a hundred calls."""
    said = agent.lower()
    is_console = "console" in said or "mozilla" in said or "aws-internal" in said or "signin.amazonaws" in said
    return "console" if is_console or said.endswith(".amazonaws.com") else "program"


def _key_rows(batch: EventBatch) -> pa.Table | None:
    took, is_kept = _callers(batch)
    table = took.table(
        {
            "identity": took.column("user.name"),
            "key": took.column("userIdentity.accessKeyId"),
            "through": took.column("user_agent.original", _console),
            "client": took.column("user_agent.original", client_text),
            "address": took.column("source.ip"),
            "region": took.column("awsRegion"),
            **took.days(),
        }
    )
    return None if table is None else table.filter(is_kept)


KEYS = Aggregate(
    name="cloud keys",
    wants=is_cloudtrail,
    fields=("userIdentity.accessKeyId", "awsRegion"),
    keys=("identity", "key", "through", "client", "address", "region"),
    measures=DAYS,
    rows=_key_rows,
)
"""On which days an identity called with which key, client, from which address, in which region."""


def _hour_rows(batch: EventBatch) -> pa.Table | None:
    took, is_kept = _callers(batch)
    actions = took.texts("event.action")
    refused = [outcome == "failure" for outcome in took.texts("event.outcome")]
    codes = took.texts("errorCode")
    denied = [
        int(is_no and ("denied" in code.lower() or "unauthorized" in code.lower() or "forbidden" in code.lower()))
        for is_no, code in zip(refused, codes, strict=True)
    ]
    calls = hashed(took.coded("event.action"))
    reads = [is_reading(action) for action in actions]
    is_identity = [source.startswith(("iam.", "sts.", "organizations.")) for source in took.texts("eventSource")]
    table = took.table(
        {
            "identity": took.column("user.name"),
            "through": took.column("user_agent.original", _console),
            "address": took.column("source.ip"),
            "hour": took.hours(),
            "reads": pa.array([int(is_read) for is_read in reads], pa.int64()),
            "denied": pa.array(denied, pa.int64()),
            "about_identities": pa.array([int(a and b) for a, b in zip(is_identity, reads, strict=True)], pa.int64()),
            "calls": calls,
            "services": hashed(took.coded("eventSource")),
            "regions": hashed(took.coded("awsRegion")),
        }
    )
    return None if table is None else table.filter(is_kept)


HOURS = Aggregate(
    name="cloud hours",
    wants=is_cloudtrail,
    fields=("errorCode", "eventSource", "awsRegion"),
    keys=("identity", "through", "address", "hour"),
    measures={
        "reads": "sum",
        "denied": "sum",
        "about_identities": "sum",
        "calls": "least",
        "services": "least",
        "regions": "least",
    },
    rows=_hour_rows,
)
"""How many calls, of how many kinds and services, an identity made in an hour, and how many were refused."""


def _call_rows(batch: EventBatch) -> pa.Table | None:
    took, is_kept = _callers(batch)
    table = took.table(
        {
            "identity": took.column("user.name"),
            "service": took.column("eventSource"),
            "call": took.column("event.action"),
            "through": took.column("user_agent.original", _console),
            **took.days(),
        }
    )
    return None if table is None else table.filter(is_kept)


CALLS = Aggregate(
    name="cloud calls",
    wants=is_cloudtrail,
    fields=("eventSource",),
    keys=("identity", "service", "call", "through"),
    measures=DAYS,
    rows=_call_rows,
)
"""On which days an identity made which call."""
