"""Consumer proxies: one account of the house used from many networks of homes, a few times each.

Method: operators of state hide behind home routers that they have taken over, and change them often. An account that
comes from very many outside networks for the days it is used, most of them on one or two days only, is compared with
all accounts of the estate (modified z-score of networks per day of use). With a database of networks (`--networks`),
networks are counted by their owner: a phone changes addresses daily but not its carrier.

Source: NCSC-UK, CISA and others, advisories on covert networks of compromised routers (2018, 2021, 2024).
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.baseline import modified_z
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, by_account, uses_of
from stillhunt.detection.behaviour.wording import count_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_NETWORKS, _SHORT, _SHORT_SHARE = 10, 2, 0.7
_STRANGE, _LEAST_SPREAD = 3.5, 0.05
_FEWEST_ACCOUNTS = 10
_SHOWN = 20


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.outcome != "failure" and use.network]
    accounts = by_account(uses)
    if len(accounts) < _FEWEST_ACCOUNTS:
        return
    users: dict[str, set[str]] = {}
    for use in uses:
        users.setdefault(_home(use, setting), set()).add(use.account)
    rates: dict[str, float] = {}
    alone: dict[str, dict[str, list[Use]]] = {}
    for account, own in accounts.items():
        homes: dict[str, list[Use]] = {}
        for use in own:
            # Where others come from too is an office, a campus or a carrier.
            if len(users[_home(use, setting)]) == 1 or setting.networks.is_there:
                homes.setdefault(_home(use, setting), []).append(use)
        alone[account] = homes
        rates[account] = len(homes) / len({use.day for use in own})
    everyone = sorted(rates.values())
    for account, homes in alone.items():
        n_short = sum(len({use.day for use in held}) <= _SHORT for held in homes.values())
        z = modified_z(rates[account], everyone, least_spread=_LEAST_SPREAD)
        if len(homes) >= _NETWORKS and n_short >= _SHORT_SHARE * len(homes) and z >= _STRANGE:
            yield _observed(account, homes, (z, n_short, len(accounts)))


def _home(use: Use, setting: Setting) -> str:
    number = setting.networks.of(use.address).number
    return use.network if number is None else f"AS{number}"


def _observed(account: str, homes: dict[str, list[Use]], measured: tuple[float, int, int]) -> Observation:
    z, n_short, n_accounts = measured
    uses = sorted((use for held in homes.values() for use in held), key=lambda use: use.first)
    first, last = uses[0].first, max(use.last for use in uses)
    sentence = (
        f"{account} came from {len(homes):,} networks that no other account uses over {span_words(first.at, last.at)}, "
        f"{n_short:,} of them on {count_words(_SHORT, 'day')} at most"
    )
    addresses = sorted({use.address for use in uses})[:_SHOWN]
    entities: list[EntityKey] = [("account", account, "subject")]
    entities += [("address", address, "source") for address in addresses]
    chosen = [held[0].first for _, held in sorted(homes.items())]
    return Observation(
        identity=(account,),
        sentence=sentence,
        why=(
            ("networks", f"{len(homes):,} (threshold {_NETWORKS})"),
            ("networks of one or two days", f"{n_short:,} (threshold {_SHORT_SHARE:.0%})"),
            (
                "networks per day of use",
                f"{z:.1f} robust deviations above {n_accounts:,} accounts (threshold {_STRANGE})",
            ),
        ),
        places=tuple(dict.fromkeys((first, *chosen[:3], last))),
        entities=tuple(entities),
        count=sum(use.n for use in uses),
        n_days=len({use.day for use in uses}),
        measured={"networks": len(homes)},
        strange=frozenset(addresses),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-consumer-proxies",
        title="One account from many home networks",
        description="An account is used from many networks that nobody else uses, each for a day or two, as by "
        "somebody "
        "who hides behind home routers.",
        level=Level.MEDIUM,
        path="behaviour/consumer_proxies",
        tactics=("command-and-control", "initial-access"),
        techniques=("T1090.003", "T1078"),
        false_positives=("People who travel all the time", "Private networks for subscribers"),
    ),
    logs="uses of accounts with an address (Microsoft 365, Google Workspace, AWS, Azure, web servers)",
    thresholds={
        "networks": f"{_NETWORKS} that no other account uses, {_SHORT_SHARE:.0%} of them on at most {_SHORT} days",
        "peers": f"{_STRANGE} robust deviations above all accounts, of {_FEWEST_ACCOUNTS} or more, in networks "
        "per day of use",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
