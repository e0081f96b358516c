"""An identity with a history makes many kinds of calls on a day that it never made before.

Method: first day of each kind of call of an identity that has at least ten active days before it. A day counts if at
least eight kinds are new on it, more than a third of all that the identity ever made, and at least two of them are
made by hardly any identity: at most two, or one in fifty. The population tells new work, which others do too, from
somebody else's work.
Source: AWS, GuardDuty "AnomalousBehavior" finding types describe the same signals; MITRE ATT&CK T1078.004.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.identities import CALLS, is_reading
from stillhunt.detection.behaviour.join import first_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.taking import days_of
from stillhunt.detection.behaviour.telling import among, day_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "new_day"]

_LEAST_NEW = 8
_LEAST_SHARE = 1 / 3
_LEAST_RARE = 2
_LEAST_DAYS = 10

Call = Mapping[str, Any]
"""A row of :data:`CALLS`."""


def new_day(calls: Sequence[Call], rare: frozenset[tuple[str, str]]) -> list[Call]:
    """Return the calls that were new on the day on which most were, if they are many and some are rare.

    Args:
        calls: All rows of one identity, made by programs.
        rare: (service, call) that hardly any identity makes.
    """
    active = {day for call in calls for day in days_of(call)}
    by_day: dict[int, list[Call]] = {}
    for call in calls:
        by_day.setdefault(min(days_of(call)), []).append(call)
    days = [day for day in by_day if sum(other < day for other in active) >= _LEAST_DAYS]
    if not days:
        return []
    day = max(days, key=lambda one: (len(by_day[one]), -one))
    new = by_day[day]
    n_rare = sum((call["service"], call["call"]) in rare for call in new)
    is_much = len(new) >= _LEAST_NEW and len(new) >= _LEAST_SHARE * len(calls)
    return new if is_much and n_rare >= _LEAST_RARE else []


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    identities: dict[str, list[Call]] = {}
    makers: dict[tuple[str, str], set[str]] = {}
    for row in rows_of(tables[CALLS.name]):
        makers.setdefault((row["service"], row["call"]), set()).add(row["identity"])
        if row["through"] == "program":
            identities.setdefault(row["identity"], []).append(row)
    few = few_of(len(identities), least=2, share=0.02)
    rare = frozenset(call for call, made in makers.items() if len(made) <= few)
    for identity, calls in identities.items():
        new = new_day(calls, rare)
        if new:
            changes = {call["call"] for call in new if not is_reading(call["call"])}
            yield Observation(
                identity=(identity,),
                sentence=f"On {day_text(min(days_of(new[0])))} {identity} made {number(len(new), 'kind')} of calls that"
                f" it never made before, such as {among(changes or {call['call'] for call in new})}.",
                why=(
                    ("new kinds of calls", f"{len(new)} of {len(calls)}; at least {_LEAST_NEW} and a third"),
                    ("changes among them", among(changes) or "none"),
                ),
                places=shown_places(first_place(call) for call in new),
                entities=(("account", identity, "subject"),),
                count=len(new),
                n_days=1,
            )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-cloud-first-calls",
        title="Identity of the cloud makes many kinds of calls for the first time",
        description="An identity with a history makes on one day many kinds of calls that it never made, some of which"
        " hardly anybody makes.",
        level=Level.MEDIUM,
        path="behaviour/cloud_first_calls",
        tactics=("discovery", "persistence"),
        techniques=("T1078.004",),
        false_positives=("A new version of a program", "A new duty"),
    ),
    logs="AWS CloudTrail",
    thresholds={
        "new": "at least 8 kinds and a third of all: new versions of programs add a few",
        "history": "at least 10 active days before: the first days are all new",
        "rare": "at least 2 of them made by hardly anybody: new work is mostly others' work too",
    },
    aggregates=(CALLS,),
    findings=_findings,
)
