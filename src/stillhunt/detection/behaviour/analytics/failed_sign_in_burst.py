"""From one address somebody tries sign-ins to the tenant for an hour: several accounts, several reasons to fail.

Quick guessing and the trying-out of an application that is to steal consent look alike in the log: a burst of failures
from one place. A telephone with an old password fails as often, but for one account and one reason; an office fails at
many accounts, but succeeds more often.

Method: failed and successful sign-ins by address and hour. An hour counts with at least ten failures, twice as many as
successes, of at least two accounts, and of accounts and reasons together at least four. An address with such hours on
more than five days is something that is set wrongly. Slow guessing, which no hour shows, is the matter of another
analytic.
Source: MITRE ATT&CK T1110; reasons: Microsoft Entra authentication error codes (50011 reply address, 65001 consent).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.join import distinct, first_place, hashed, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.taking import DAY_US, taken
from stillhunt.detection.behaviour.telling import days_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "SIGN_IN_HOURS", "is_burst"]

_LEAST_FAILURES = 10
_LEAST_ACCOUNTS = 2
_LEAST_VARIETY = 4
_MOST_DAYS = 5


def _is_tenant(event_class: EventClass) -> bool:
    return event_class.product == "m365"


def _rows(batch: EventBatch) -> pa.Table | None:
    took = taken(batch, "event.action", {"userloginfailed", "userloggedin"})
    if took is None:
        return None
    failed = [int(action == "UserLoginFailed") for action in took.texts("event.action")]
    names, errors = took.texts("user.name"), took.texts("LogonError")
    accounts = [name if is_failed else None for name, is_failed in zip(names, failed, strict=True)]
    reasons = [error if is_failed else None for error, is_failed in zip(errors, failed, strict=True)]
    table = took.table(
        {
            "address": took.column("source.ip"),
            "hour": took.hours(),
            "failed": pa.array(failed, pa.int64()),
            "accounts": hashed(pa.array(accounts, pa.string()).dictionary_encode()),
            "reasons": hashed(pa.array(reasons, pa.string()).dictionary_encode()),
        }
    )
    return None if table is None else table.filter(pa.array([bool(a) for a in took.texts("source.ip")], pa.bool_()))


SIGN_IN_HOURS = Aggregate(
    name="sign-in hours",
    wants=_is_tenant,
    fields=("LogonError",),
    keys=("address", "hour"),
    measures={"failed": "sum", "accounts": "least", "reasons": "least"},
    rows=_rows,
)
"""Sign-ins to the tenant by address and hour: how many failed, of which accounts and for which reasons."""


def is_burst(hour: Mapping[str, Any]) -> bool:
    """Tell whether somebody tried sign-ins in an hour."""
    # Successes put a zero among the hashes.
    accounts = distinct([one for one in hour["accounts"] if one])
    reasons = distinct([one for one in hour["reasons"] if one])
    return bool(
        hour["failed"] >= _LEAST_FAILURES
        and hour["failed"] >= 2 * (hour["n"] - hour["failed"])
        and accounts >= _LEAST_ACCOUNTS
        and accounts + reasons >= _LEAST_VARIETY
    )


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    bursts: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(tables[SIGN_IN_HOURS.name]):
        if is_burst(row):
            bursts.setdefault(row["address"], []).append(row)
    for address, hours in bursts.items():
        days = {hour["first_at"] // DAY_US for hour in hours}
        if len(days) > _MOST_DAYS:
            continue
        accounts = distinct(sorted({one for hour in hours for one in hour["accounts"] if one}))
        reasons = distinct(sorted({one for hour in hours for one in hour["reasons"] if one}))
        failed = sum(hour["failed"] for hour in hours)
        yield Observation(
            identity=(address,),
            sentence=f"From {address} {number(failed, 'sign-in')} to {number(accounts, 'account')} failed within"
            f" {number(len(hours), 'hour')} {days_text(days)}, for {number(reasons, 'reason')}.",
            why=(
                ("failures in an hour", f"up to {max(hour['failed'] for hour in hours)}; at least {_LEAST_FAILURES}"),
                ("accounts", f"{accounts}"),
                ("reasons", f"{reasons}"),
            ),
            places=shown_places(place for hour in hours for place in (first_place(hour), last_place(hour))),
            entities=(("address", address, "source"),),
            count=failed,
            n_days=len(days),
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-failed-sign-in-burst",
        title="Burst of failed sign-ins to the tenant from one address",
        description="Within an hour an address fails at several accounts, or for several reasons, and hardly succeeds.",
        level=Level.MEDIUM,
        path="behaviour/failed_sign_in_burst",
        tactics=("credential-access",),
        techniques=("T1110",),
        false_positives=("A service of the house's own that is set wrongly",),
    ),
    logs="Microsoft 365 unified audit log",
    thresholds={
        "failures": "at least 10 in an hour, and twice as many as successes: an office succeeds more often",
        "variety": "at least 2 accounts, and 4 accounts and reasons together: a telephone fails for one and one",
        "days": "on at most 5 days: what goes on is set wrongly",
    },
    aggregates=(SIGN_IN_HOURS,),
    findings=_findings,
)
