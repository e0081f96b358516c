"""Password spray, low and slow: one origin that fails at many accounts, at each hardly ever, over months.

Method: of every origin the different accounts that failed over all the time of the logs, the failures per account, and
the accounts that ever succeeded there: an office fails at many accounts and succeeds at all of them, who guesses
succeeds at few. Since guessers change their address with every guess, an origin is an address, and, across all
addresses outside, a kind of client that the estate does not use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, uses_of
from stillhunt.detection.behaviour.wording import count_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_ACCOUNTS = 10
_PER_ACCOUNT_DAY = 4
_SUCCEEDED = 0.25
_SHOWN = 20


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    by_origin: dict[tuple[str, str], list[Use]] = {}
    for use in uses_of(tables[SIGN_INS.name]):
        if use.address:
            by_origin.setdefault(("address", use.address), []).append(use)
        if use.network and use.client:
            by_origin.setdefault(("client", use.client), []).append(use)
    told: set[str] = set()
    for kind, origin in sorted(by_origin):
        uses = by_origin[kind, origin]
        failed = [use for use in uses if use.outcome == "failure"]
        accounts = {use.account for use in failed}
        if len(accounts) < _ACCOUNTS:
            continue
        succeeded = {use.account for use in uses if use.outcome != "failure"} & accounts
        others = {use.account for use in uses if use.outcome != "failure"}
        rate = median(Counter((use.account, use.day) for use in failed for _ in range(use.n)).values())
        if len(others) > _SUCCEEDED * len(accounts) or rate > _PER_ACCOUNT_DAY:
            continue
        if kind == "client" and {use.address for use in failed} <= told:
            continue
        told.add(origin)
        yield _observed((kind, origin), uses, failed, succeeded)


def _observed(origin: tuple[str, str], uses: list[Use], failed: list[Use], succeeded: set[str]) -> Observation:
    accounts = sorted({use.account for use in failed})
    addresses = sorted({use.address for use in failed})
    failed.sort(key=lambda use: use.first)
    first, last = failed[0].first, max(use.last for use in failed)
    got_in = sorted(use.first for use in uses if use.outcome != "failure" and use.account in succeeded)
    n_failures = sum(use.n for use in failed)
    who = origin[1]
    if origin[0] == "client":
        who = f"A client that calls itself `{origin[1]}`, from {len(addresses):,} different addresses,"
    ending = f", and got in as {', '.join(sorted(succeeded)[:3])}" if succeeded else ""
    sentence = (
        f"{who} failed at {count_words(len(accounts), 'account')} in {count_words(n_failures, 'attempt')} over "
        f"{span_words(first.at, last.at)}{ending}"
    )
    entities: list[EntityKey] = [("address", address, "source") for address in addresses[:_SHOWN]]
    entities += [("account", account, "target") for account in accounts[:_SHOWN]]
    return Observation(
        identity=origin,
        sentence=sentence,
        why=(
            ("accounts that failed", f"{len(accounts):,} (threshold {_ACCOUNTS})"),
            ("attempts per account", f"{n_failures / len(accounts):.1f}"),
            ("accounts of those that ever succeeded there", f"{len(succeeded):,}"),
            ("days with attempts", f"{len({use.day for use in failed}):,}"),
        ),
        places=tuple(dict.fromkeys((first, last, *got_in[:2]))),
        entities=tuple(entities),
        count=n_failures,
        n_days=len({use.day for use in failed}),
        level=Level.HIGH if succeeded else None,
        measured={"accounts": len(accounts)},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-password-spray",
        title="Password spray: many accounts tried from one origin, each hardly ever",
        description="One origin fails to sign in to many accounts, few times each, over days or months.",
        level=Level.MEDIUM,
        path="behaviour/password_spray",
        tactics=("credential-access",),
        techniques=("T1110.003",),
        false_positives=("A gateway that signs in on behalf of people whose passwords have changed",),
    ),
    logs="failed and successful uses of accounts (Windows 4624, 4625, 4771, cloud services, web servers)",
    thresholds={
        "accounts": f"{_ACCOUNTS} different ones, over all the time of the logs",
        "slowness": f"at most {_PER_ACCOUNT_DAY} failures of an account on a day, in the median: more is "
        "guessing at one",
        "success": f"at most {_SUCCEEDED:.0%} as many accounts ever succeeded from there as failed: offices and "
        "gateways "
        "succeed at all; high if one of those that failed succeeded",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
