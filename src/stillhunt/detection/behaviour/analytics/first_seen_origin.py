"""First-seen origin: an account used from a network and with a client that it never had, nor hardly anybody else.

Method: each account is its own baseline. After at least a fortnight with five days of use, a success from a network
(/24, or /48 of version 6) and with a kind of client that are both new to the account is told, if few accounts of the
estate ever came from that address. People travel with the client they have, and change clients where they are; who
does both at once is a new pair of hands. Where a log names no client, the network alone is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, by_account, uses_of
from stillhunt.detection.behaviour.wording import count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_HISTORY_DAYS, _ACTIVE_DAYS = 14, 5
_USUAL_NETWORKS = 0.25
_LEAST, _SHARE = 2, 0.005


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.outcome != "failure" and use.network]
    accounts = by_account(uses)
    users_of_address: dict[str, set[str]] = {}
    users_of_client: dict[str, set[str]] = {}
    for use in uses:
        users_of_address.setdefault(use.address, set()).add(use.account)
        users_of_client.setdefault(use.client, set()).add(use.account)
    few = few_of(len(accounts), least=_LEAST, share=_SHARE)
    for account, own in accounts.items():
        for new in _new(own):
            n_address = len(users_of_address[new[0].address])
            n_client = len(users_of_client[new[0].client])
            if n_address <= few:
                yield _observed(account, own, new, (n_address, n_client, len(accounts)))


def _new(own: list[Use]) -> Iterator[list[Use]]:
    """Yield the uses from every network that came with a client as new as itself."""
    networks: dict[str, int] = {}
    clients: set[str] = set()
    days: set[int] = set()
    found: dict[str, list[Use]] = {}
    for use in own:
        is_history = bool(days) and use.day - min(days) >= _HISTORY_DAYS and len(days) >= _ACTIVE_DAYS
        # Who comes from another network every other day has no usual ones.
        is_settled = len(networks) <= max(2, _USUAL_NETWORKS * len(days))
        if use.network in found:
            found[use.network].append(use)
        elif use.network not in networks and use.client and use.client not in clients and is_history and is_settled:
            found[use.network] = [use]
        networks.setdefault(use.network, use.day)
        clients.add(use.client)
        days.add(use.day)
    yield from found.values()


def _observed(account: str, own: list[Use], new: list[Use], counts: tuple[int, int, int]) -> Observation:
    first = new[0]
    n_address, n_client, n_accounts = counts
    before = {use.network for use in own if use.first.at < first.first.at}
    days = {use.day for use in new}
    sentence = (
        f"{account} was used from {first.address} with {first.client or 'no named client'} on "
        f"{count_words(len(days), 'day')} from {day_words(first.first.at)} on, a network and a client it never "
        "had before; "
        f"{n_address:,} of {n_accounts:,} accounts ever came from this address"
    )
    return Observation(
        identity=(account, first.network),
        sentence=sentence,
        why=(
            ("networks of the account before", f"{len(before):,} over {count_words(first.day - own[0].day, 'day')}"),
            ("accounts that use this address", f"{n_address:,} of {n_accounts:,}"),
            ("accounts that use this client", f"{n_client:,} of {n_accounts:,}"),
        ),
        places=tuple(dict.fromkeys((first.first, new[-1].last))),
        entities=(
            ("account", account, "subject"),
            *(("address", address, "source") for address in sorted({use.address for use in new})),
        ),
        count=sum(use.n for use in new),
        n_days=len(days),
        level=Level.MEDIUM if n_client <= max(_LEAST, n_accounts // 50) else None,
        measured={"networks before": len(before)},
        strange=frozenset(use.address for use in new),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-first-seen-origin",
        title="An account used from a network and with a client it never had",
        description="After a history of its own, an account succeeds from a network and with a client that are "
        "both new "
        "to it, and that hardly any other account uses.",
        level=Level.LOW,
        path="behaviour/first_seen_origin",
        tactics=("initial-access", "persistence"),
        techniques=("T1078",),
        false_positives=("A new phone on a journey",),
    ),
    logs="uses of accounts with address and client (Microsoft 365, Google Workspace, AWS, Azure, web servers)",
    thresholds={
        "history": f"{_ACTIVE_DAYS} days of use within at least {_HISTORY_DAYS} days before",
        "rarity": f"at most one in 200 of the accounts, or {_LEAST}, ever came from the address",
        "level": "medium if at most one in 50 accounts uses such a client",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
