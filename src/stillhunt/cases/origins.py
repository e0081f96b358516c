"""Where the people of an estate usually come from, learnt from all events and not only findings.

An address that many of an estate's accounts act from is a house: an office, a gateway, a carrier. Whoever acts from
there is no stranger by that, and two who do have nothing else in common. What is done from the house by an account
that is at home there is ordinary until something says otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from stillhunt.cases.operator import is_external
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind

__all__ = ["Origins", "origins_of"]

_MANY = 8
"""Accounts that one intruder may act as from one address."""

_FEW, _SHARE = 3, 3
"""In a small estate, a house is where at least three accounts, and one in three, come from."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Which addresses outside are houses.

    Attributes:
        houses: Addresses to the accounts that act from there.
    """

    houses: dict[str, frozenset[str]] = field(default_factory=dict)

    def is_house(self, address: str) -> bool:
        """Tell whether many accounts act from an address."""
        return address in self.houses

    def is_ordinary(self, finding: Finding) -> bool:
        """Tell whether a finding of a rule is about a service and names nobody who was not at home at a house.

        Analytics compare with what is usual themselves, and what names a machine is about more than who came.
        """
        if finding.detector.kind == "behaviour" or any(e.kind is EntityKind.HOST for e in finding.entities):
            return False
        came = [e.value for e in finding.entities if e.kind is EntityKind.ADDRESS and e.role == "source"]
        acted = [e.value for e in finding.entities if e.kind is EntityKind.ACCOUNT and e.role == "subject"]
        return bool(came and acted) and all(
            self.is_house(address) and all(account in self.houses[address] for account in acted) for address in came
        )


def origins_of(arrivals: Collection[tuple[str, str]]) -> Origins:
    """Return the houses of an estate.

    Args:
        arrivals: Accounts with the addresses that they acted from.
    """
    by_address: dict[str, set[str]] = defaultdict(set)
    for account, address in arrivals:
        if is_external(address):
            by_address[address].add(account)
    n_accounts = len({account for accounts in by_address.values() for account in accounts})
    return Origins(
        {
            address: frozenset(accounts)
            for address, accounts in sorted(by_address.items())
            if len(accounts) > _MANY or (len(accounts) >= _FEW and len(accounts) * _SHARE >= n_accounts)
        }
    )
