"""Service account used by hand: an account that only ever ran services or jobs logs on as people do.

Method: what an account is, its own history says: at least a fortnight and five days of logons as a service (5), a batch
(4) or over the network (3), with services or batches among them, and none at a keyboard. A logon at a keyboard (2, 11),
by remote desktop (10) or to unlock a screen (7) after that is told.

Reference: Microsoft, "Audit logon": types of logon.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, by_account, uses_of
from stillhunt.detection.behaviour.wording import count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_DAYS, _ACTIVE = 14, 5
_BY_HAND = {"2": "at the keyboard", "7": "to unlock the screen", "10": "by remote desktop", "11": "at the keyboard"}
_SERVICE = frozenset({"4", "5"})


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.service == "windows" and use.outcome == "success"]
    for account, own in by_account(uses).items():
        first = next((number for number, use in enumerate(own) if use.logon in _BY_HAND), None)
        if first is None or not first:
            continue
        before = own[:first]
        days = {use.day for use in before}
        is_service = any(use.logon in _SERVICE for use in before)
        if is_service and len(days) >= _ACTIVE and own[first].day - min(days) >= _DAYS:
            yield _observed(account, before, [use for use in own[first:] if use.logon in _BY_HAND])


def _observed(account: str, before: list[Use], after: list[Use]) -> Observation:
    first = after[0]
    origin = f" from {first.address}" if first.address else ""
    sentence = (
        f"{account}, which only ran services and jobs for {count_words(first.day - before[0].day, 'day')}, "
        "logged on to "
        f"{first.host} {_BY_HAND[first.logon]}{origin} on {day_words(first.first.at)}"
    )
    entities: list[EntityKey] = [("account", account, "target"), ("host", first.host, "")]
    entities += [("address", use.address, "source") for use in after if use.address]
    return Observation(
        identity=(account,),
        sentence=sentence,
        why=(
            ("days of logons before", f"{len({use.day for use in before}):,} (threshold {_ACTIVE}), none by hand"),
            ("type of logon", first.logon),
        ),
        places=tuple(dict.fromkeys((first.first, after[-1].last))),
        entities=tuple(entities),
        count=sum(use.n for use in after),
        n_days=len({use.day for use in after}),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-interactive-service-account",
        title="A service account logs on as a person does",
        description="An account that only ran services and jobs logs on at a keyboard or by remote desktop. "
        "Passwords of "
        "service accounts are seldom changed and open many machines.",
        level=Level.MEDIUM,
        path="behaviour/interactive_service_account",
        tactics=("lateral-movement", "privilege-escalation"),
        techniques=("T1078.002", "T1021.001"),
        false_positives=("Administrators who set up the service anew",),
    ),
    logs="logons with their type (Windows 4624)",
    thresholds={"history": f"{_ACTIVE} days with logons within at least {_DAYS} days, services or jobs among them"},
    aggregates=(SIGN_INS,),
    findings=_findings,
)
