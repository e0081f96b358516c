"""An identity looks around: in an hour it asks for many kinds of things it never asked for, and is refused some.

Whoever finds a key does not know what it opens, and asks: who am I, who else is there, what may I do, what is there.
Programs ask for what they need, every day the same; people at work look into their own services.

Method: hours of one identity in which programs, not the console, made calls of at least eight kinds of three services,
at least six tenths of them questions, and at least four of those about identities; told of if the identity
has such hours on at most two days, and if its first day at all or half of its kinds of calls are new then. Refusals
for want of rights are counted: several kinds in one hour are the same search. Posture scanners look around every day
and are habits.
Source: MITRE ATT&CK T1580, T1087.004, T1069.003, T1526; Rhino Security Labs' and others' published tools enumerate so;
refusals: AWS, GuardDuty finding types "Discovery:IAMUser/AnomalousBehavior".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.identities import CALLS, HOURS
from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.taking import DAY_US, days_of
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "is_refused", "is_survey"]

_LEAST_KINDS = 8
_LEAST_SERVICES = 3
_LEAST_SHARE = 0.6
_LEAST_IDENTITY = 4
_LEAST_DENIED = 5
_MOST_DAYS = 2
_NEW_SHARE = 0.5

Hour = Mapping[str, Any]
"""A row of :data:`HOURS`."""


def is_survey(hour: Hour) -> bool:
    """Tell whether somebody looked around in an hour."""
    return (
        hour["through"] == "program"
        and distinct(hour["calls"]) >= _LEAST_KINDS
        and distinct(hour["services"]) >= _LEAST_SERVICES
        and hour["reads"] >= _LEAST_SHARE * hour["n"]
        and hour["about_identities"] >= _LEAST_IDENTITY
    )


def is_refused(hour: Hour) -> bool:
    """Tell whether somebody tried what they had no right to, several times in an hour, in several services."""
    return hour["denied"] >= _LEAST_DENIED and distinct(hour["services"]) >= _LEAST_SERVICES


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    hours: dict[str, list[Hour]] = {}
    for row in rows_of(tables[HOURS.name]):
        hours.setdefault(row["identity"], []).append(row)
    firsts: dict[str, list[int]] = {}
    for row in rows_of(tables[CALLS.name]):
        firsts.setdefault(row["identity"], []).append(min(days_of(row)))
    for identity, own in hours.items():
        odd = [hour for hour in own if is_survey(hour) or is_refused(hour)]
        days = {hour["first_at"] // DAY_US for hour in odd}
        new = sum(first in days for first in firsts.get(identity, []))
        if odd and len(days) <= _MOST_DAYS and new >= _NEW_SHARE * len(firsts.get(identity, [])):
            yield _observation(identity, odd, days, new)


def _observation(identity: str, odd: Sequence[Hour], days: set[int], new: int) -> Observation:
    addresses = {hour["address"] for hour in odd}
    kinds = max(distinct(hour["calls"]) for hour in odd)
    n_calls, denied = sum(hour["n"] for hour in odd), sum(hour["denied"] for hour in odd)
    refused = f", {number(denied, 'of them was', 'of them were')} refused for want of rights" if denied else ""
    return Observation(
        identity=(identity,),
        sentence=f"{identity} looked around {days_text(days)} from {among(addresses)}: {number(n_calls, 'call')} of up"
        f" to {kinds} kinds in an hour, {new} of them never made before{refused}.",
        why=(
            ("kinds of calls in an hour", f"{kinds}; at least {_LEAST_KINDS}"),
            ("questions about identities", f"{sum(hour['about_identities'] for hour in odd)}"),
            ("refused", f"{denied}"),
        ),
        places=shown_places(place for hour in odd for place in (first_place(hour), last_place(hour))),
        entities=(
            ("account", identity, "subject"),
            *(("address", address, "source") for address in sorted(addresses)),
        ),
        count=n_calls,
        n_days=len(days),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-cloud-survey",
        title="Identity of the cloud looks around",
        description="A key asks in an hour for many kinds of things that it never asked for, above all about"
        " identities, or is refused again and again.",
        level=Level.MEDIUM,
        path="behaviour/cloud_survey",
        tactics=("discovery",),
        techniques=("T1580", "T1087.004", "T1069.003", "T1526"),
        false_positives=("A new colleague's or tool's first hour", "An audit by somebody from outside"),
    ),
    logs="AWS CloudTrail",
    thresholds={
        "kinds": "at least 8 kinds of calls of 3 services in an hour, of which 6 in 10 ask",
        "identities": "at least 4 questions about users, roles or rights: what programs do not need to know",
        "refused": "or at least 5 refusals in an hour in which 3 services were called",
        "days": "on at most 2 days: who looks around daily is a scanner of the house's own",
    },
    aggregates=(HOURS, CALLS),
    findings=_findings,
)
