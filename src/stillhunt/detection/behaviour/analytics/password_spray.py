"""Password spray, low and slow: one origin that fails at many accounts, at each hardly ever, over months.

Method: of every origin the different accounts that failed over all the time of the logs, the failures per account, and
the accounts that ever succeeded there: an office fails at many accounts and succeeds at all of them, who guesses
succeeds at few. Since guessers change their address with every guess, an origin is an address, and, across all
addresses outside, a kind of client that the estate does not use. What is told of such a client is not told again of
each of its addresses, and many addresses that guess in vain are told as one: an estate on the Internet has hundreds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from stillhunt.detection.behaviour.model import Analytic, Observation, Place, Setting, Tables
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
_TOLD_APART = 3
"""Addresses that guess in vain and are told one by one; more are told together."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """What was tried from one address, or with one kind of client.

    Attributes:
        kind: ``address`` or ``client``.
        name: Which.
        uses: All that came from there.
        failed: Those that failed, in order of time.
        succeeded: Accounts that failed and got in as well.
    """

    kind: str
    name: str
    uses: list[Use]
    failed: list[Use]
    succeeded: set[str]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.address]
    clients = list(_guessers("client", ((use.client, use) for use in uses if use.network and use.client)))
    # One address that tries with one kind of client is told as the address.
    campaigns = [origin for origin in clients if len({use.address for use in origin.failed}) > 1]
    told = {origin.name for origin in campaigns}
    alone = [
        origin
        for origin in _guessers("address", ((use.address, use) for use in uses))
        if not {use.client for use in origin.failed} <= told
    ]
    in_vain = [origin for origin in alone if not origin.succeeded]
    if len(in_vain) > _TOLD_APART:
        yield _together(in_vain)
        alone = [origin for origin in alone if origin.succeeded]
    for origin in (*alone, *campaigns):
        yield _observed(origin)


def _guessers(kind: str, named: Iterable[tuple[str, Use]]) -> Iterator[_Origin]:
    by_name: dict[str, list[Use]] = {}
    for name, use in named:
        by_name.setdefault(name, []).append(use)
    for name, uses in sorted(by_name.items()):
        failed = sorted((use for use in uses if use.outcome == "failure"), key=lambda use: use.first)
        accounts = {use.account for use in failed}
        if len(accounts) < _ACCOUNTS:
            continue
        others = {use.account for use in uses if use.outcome != "failure"}
        rate = median(Counter((use.account, use.day) for use in failed for _ in range(use.n)).values())
        if len(others) <= _SUCCEEDED * len(accounts) and rate <= _PER_ACCOUNT_DAY:
            yield _Origin(kind, name, uses, failed, others & accounts)


def _together(origins: Sequence[_Origin]) -> Observation:
    """Tell many addresses that all guess in vain as one: that is the weather of the Internet, or one campaign."""
    failed = sorted((use for origin in origins for use in origin.failed), key=lambda use: use.first)
    who = f"{len(origins):,} addresses, each at {_ACCOUNTS} accounts or more,"
    return _seen(("addresses", "together"), who, failed, [], set())


def _observed(origin: _Origin) -> Observation:
    who = origin.name
    if origin.kind == "client":
        addresses = {use.address for use in origin.failed}
        who = f"A client that calls itself `{origin.name}`, from {len(addresses):,} different addresses,"
    got_in = sorted(use.first for use in origin.uses if use.outcome != "failure" and use.account in origin.succeeded)
    return _seen((origin.kind, origin.name), who, origin.failed, got_in, origin.succeeded)


def _seen(
    identity: tuple[str, str], who: str, failed: Sequence[Use], got_in: Sequence[Place], succeeded: set[str]
) -> Observation:
    accounts = sorted({use.account for use in failed})
    addresses = sorted({use.address for use in failed})
    first, last = failed[0].first, max(use.last for use in failed)
    n_failures = sum(use.n for use in failed)
    ending = f", and got in as {', '.join(sorted(succeeded)[:3])}" if succeeded else ""
    sentence = (
        f"{who} failed at {count_words(len(accounts), 'account')} in {count_words(n_failures, 'attempt')} over "
        f"{span_words(first.at, last.at)}{ending}"
    )
    entities: list[EntityKey] = [("address", address, "source") for address in addresses[:_SHOWN]]
    entities += [("account", account, "target") for account in accounts[:_SHOWN]]
    return Observation(
        identity=identity,
        sentence=sentence,
        why=(
            ("accounts that failed", f"{len(accounts):,} (threshold {_ACCOUNTS})"),
            ("addresses", f"{len(addresses):,}"),
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
        "together": f"more than {_TOLD_APART} addresses that never got in are one finding",
        "success": f"at most {_SUCCEEDED:.0%} as many accounts ever succeeded from there as failed: offices and "
        "gateways "
        "succeed at all; high if one of those that failed succeeded",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
