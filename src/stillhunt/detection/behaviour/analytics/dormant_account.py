"""Dormant account awake: one that nobody used for a quarter of a year acts again.

Method: the longest silence between two uses of an account, where the logs go on through it: in the silence other
accounts were used on at least half of the days. How it comes back decides the level: from an origin that it never had,
or as it was before.
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

_SILENT_DAYS = 90
_COVERED, _FEWEST_OTHERS = 0.5, 5


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.outcome != "failure"]
    accounts = by_account(uses)
    if len(accounts) < _FEWEST_OTHERS:
        return
    by_service: dict[str, set[int]] = {}
    for use in uses:
        by_service.setdefault(use.service, set()).add(use.day)
    for account, own in accounts.items():
        for number in range(1, len(own)):
            before, after = own[number - 1], own[number]
            silent = after.day - before.day
            if silent < _SILENT_DAYS:
                continue
            logged = sum(before.day < day < after.day for day in by_service[before.service])
            if before.service == after.service and logged >= _COVERED * silent:
                yield _observed(
                    account, own[:number], [use for use in own[number:] if use.day <= after.day + 7], logged
                )


def _observed(account: str, before: list[Use], after: list[Use], logged: int) -> Observation:
    first, silent = after[0], after[0].day - before[-1].day
    is_new = bool(first.network) and first.network not in {use.network for use in before}
    is_new |= bool(first.host) and first.host not in {use.host for use in before}
    how = "from where it never had" if is_new else "as it did before"
    where = ", ".join(
        part for part in (first.address and f"from {first.address}", first.host and f"on {first.host}") if part
    )
    sentence = f"{account} was used again on {day_words(first.first.at)} {where} after "
    f"{count_words(silent, 'day')} of silence, {how}"
    entities: list[EntityKey] = [("account", account, "subject")]
    entities += [("address", use.address, "source") for use in after if use.address]
    entities += [("host", use.host, "") for use in after if use.host]
    return Observation(
        identity=(account, str(first.day)),
        sentence=sentence,
        why=(
            ("days of silence", f"{silent:,} (threshold {_SILENT_DAYS})"),
            ("days of it on which others were logged", f"{logged:,}"),
        ),
        places=tuple(dict.fromkeys((before[-1].last, first.first, after[-1].last))),
        entities=tuple(entities),
        count=sum(use.n for use in after),
        n_days=len({use.day for use in after}),
        first_at=first.first.at,
        level=Level.MEDIUM if is_new else None,
        measured={"silent days": silent},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-dormant-account",
        title="A dormant account is used again",
        description="An account that nobody used for a quarter of a year acts again. Nobody misses what is done "
        "with it.",
        level=Level.LOW,
        path="behaviour/dormant_account",
        tactics=("persistence", "defense-evasion"),
        techniques=("T1078",),
        false_positives=("People who come back from a leave", "Jobs that run once a quarter"),
    ),
    logs="uses of accounts (Windows 4624, cloud services, web servers)",
    thresholds={
        "silence": f"{_SILENT_DAYS} days, on {_COVERED:.0%} of which the same service logged others",
        "level": "medium if it comes back from a network or on a machine that it never had",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
