"""Where accounts usually act from, worked out from every event and not from findings.

An account's *usual place* is an address that it acted from since the logs begin, for at least half of its time and a
tenth of its acts. An address that is the usual place of at least two accounts, or from which most people (four at
least) acted for a month or more, is a *house*: the way out of an office, a gateway of a provider. It tells nobody
apart, and is usual for everybody. What somebody does from where they always are says less than what comes from
elsewhere, and dates no break-in by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stillhunt.cases.operator import is_external
from stillhunt.cases.sightings import Sighting
from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind

__all__ = ["Whereabouts", "actors", "is_in_usual_place", "whereabouts"]

_SINCE_THE_BEGINNING = timedelta(days=30)
_OFTEN = 0.1
"""Share of an account's acts that come from its usual place, at least: people have a home, an office, a telephone."""

_HOUSE = 2
_MOST_OF, _A_MONTH = 4, timedelta(days=30)

_GUESSED = frozenset({"T1110", "T1110.001", "T1110.003", "T1110.004"})
"""Techniques in which the account named is tried and does not act."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Houses, and accounts with the addresses that are their own.

    Attributes:
        houses: Addresses that are the usual place of several accounts.
        own: (account, address) of usual places that are no house.
        n_accounts: Address to how many accounts acted from it.
        begins: When sign-ins begin to be logged, by machine, and for services under no name.
    """

    houses: frozenset[str] = frozenset()
    own: frozenset[tuple[str, str]] = frozenset()
    n_accounts: dict[str, int] | None = None
    begins: dict[str, datetime] | None = None

    def is_usual(self, account: str, address: str) -> bool:
        """Tell whether an account acting from an address is what it always does."""
        return address in self.houses or (account, address) in self.own


def whereabouts(trail: Trail) -> Whereabouts:
    """Work out where accounts usually act from.

    Args:
        trail: What the logs remember, in corrected time.
    """
    acts: dict[str, dict[str, _Stay]] = {}
    arrivals = trail.sightings.arrivals()
    begins = _sign_ins_begin(arrivals)
    for (account, address), seen in arrivals.items():
        # Each machine, and the cloud, has logs of its own, which begin when they do.
        is_old = any(s.host in begins and s.first_at - begins[s.host] <= _SINCE_THE_BEGINNING for s in seen)
        stay = _Stay(sum(s.n_events for s in seen), seen[0].first_at, max(s.last_at for s in seen), is_old)
        acts.setdefault(account, {})[address] = stay
    usual = [(account, address) for account, stays in acts.items() for address in _usual(stays)]
    lived_at = Counter(address for _, address in usual)
    houses = frozenset(address for address, n in lived_at.items() if n >= _HOUSE) | _shared_by_most(acts)
    return Whereabouts(
        houses=houses,
        own=frozenset((account, address) for account, address in usual if address not in houses),
        n_accounts=dict(Counter(address for by_address in acts.values() for address in by_address)),
        begins=begins,
    )


def _sign_ins_begin(arrivals: Mapping[tuple[str, str], Sequence[Sighting]]) -> dict[str, datetime]:
    """Return when sign-ins begin to be logged, by machine, and for services under no name.

    A machine on which but one account acted from but one address tells nothing: that may be the intruder alone.
    """
    begins: dict[str, datetime] = {}
    n_pairs: Counter[str] = Counter()
    for seen in arrivals.values():
        n_pairs.update({sight.host for sight in seen})
        for sight in seen:
            begins[sight.host] = min(sight.first_at, begins.get(sight.host, sight.first_at))
    return {host: at for host, at in begins.items() if n_pairs[host] > 1}


@dataclass(frozen=True, slots=True)
class _Stay:
    n_events: int
    first_at: datetime
    last_at: datetime
    is_old: bool


def _shared_by_most(acts: Mapping[str, Mapping[str, _Stay]]) -> frozenset[str]:
    """Return the addresses from which most people acted for a month or more, whenever that began.

    Logs of several services that begin on different days hide since when everybody was there.
    """
    logins: set[str] = set()
    stayed: dict[str, set[str]] = {}
    for account, stays in acts.items():
        login = account.rpartition("\\")[2]
        for address, stay in stays.items():
            if is_external(address):
                logins.add(login)
                if stay.last_at - stay.first_at >= _A_MONTH:
                    stayed.setdefault(address, set()).add(login)
    least = max(_MOST_OF, len(logins) / 2)
    return frozenset(address for address, found in stayed.items() if len(found) >= least)


def _usual(stays: Mapping[str, _Stay]) -> Iterator[str]:
    """Yield the addresses that an account used since the logs begin, for half of its time, for a part of its acts."""
    total = sum(stay.n_events for stay in stays.values())
    first, last = min(s.first_at for s in stays.values()), max(s.last_at for s in stays.values())
    for address, stay in stays.items():
        if stay.is_old and stay.last_at - stay.first_at >= (last - first) / 2 and stay.n_events >= total * _OFTEN:
            yield address


def actors(finding: Finding) -> tuple[str, ...]:
    """Return the accounts that act in a finding: its subjects; of a sign-in that succeeded, who signed in."""
    accounts = [(entity.role, entity.value) for entity in finding.entities if entity.kind is EntityKind.ACCOUNT]
    subjects = tuple(account for role, account in accounts if role == "subject")
    if subjects or not accounts or _GUESSED.intersection(finding.detector.techniques):
        return subjects
    if not any(entity.kind is EntityKind.ADDRESS and entity.role == "source" for entity in finding.entities):
        return ()
    return tuple(account for role, account in accounts if role == "target")


def is_in_usual_place(finding: Finding, places: Whereabouts) -> bool:
    """Tell whether a finding names no machine, and everybody in it acts from where they usually do."""
    if any(e.kind is EntityKind.HOST and e.value for e in finding.entities):
        return False
    addresses = [e.value for e in finding.entities if e.kind is EntityKind.ADDRESS and e.role == "source"]
    who = actors(finding)
    return bool(addresses and who) and all(places.is_usual(w, address) for w in who for address in addresses)
