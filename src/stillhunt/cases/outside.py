"""Which addresses outside are an intruder's, and what came from them.

An address is theirs if a finding of at least medium level names it as the source of what accounts did, and those
accounts are not usually there; or if an account of such a finding logged on, near the time of the finding, from an
address inside that a gateway had given to somebody outside who is not usually there. Houses are nobody's.
What else was done from such an address was done by them: the accounts that it was used for are theirs as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stillhunt.cases.operator import is_external
from stillhunt.cases.sessions import Session
from stillhunt.cases.sightings import Sighting
from stillhunt.cases.trail import Logon, Trail
from stillhunt.cases.whereabouts import Whereabouts, actors, whereabouts
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["ACCOUNTS_OF_ONE", "Outside", "outside"]

ACCOUNTS_OF_ONE = 8
"""Accounts that one intruder may act as from one address; where more do, it is a house or a proxy of many."""

_OLD = timedelta(days=30)

_BEFORE, _AFTER = timedelta(minutes=5), timedelta(hours=12)
"""What an account did this long after a session began, or ended, it may have done through it."""


_MANY, _MANY_SHARE = 5, 0.2
"""Accounts that log on to a machine which many use, at least, and their share of all that log on anywhere."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What connects the inside with addresses outside, made ready to be asked of every finding.

    Attributes:
        trail: What the logs remember, in corrected time.
        places: Where accounts usually act from.
    """

    trail: Trail
    places: Whereabouts
    _sessions: Mapping[str, Sequence[Session]] = field(default_factory=dict)
    _logons: Mapping[tuple[str, str], Sequence[Logon]] = field(default_factory=dict)
    _full: Mapping[str, str] = field(default_factory=dict)
    _by_account: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    _by_address: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def sessions_of(self, finding: Finding) -> tuple[Session, ...]:
        """Return the connections through which strangers did what a finding shows."""
        if not self._sessions or finding.detector.level.rank < Level.MEDIUM.rank:
            return ()
        times = [t for t in (finding.first_at, finding.last_at) if t is not None]
        times += [e.ref.at for e in finding.evidence if e.ref.at is not None]
        hosts = [e.value for e in finding.entities if e.kind is EntityKind.HOST]
        found = {
            session
            for account in self.acting(finding)
            for host in hosts
            for logon in self._logons.get((host, account), ())
            for session in self._sessions.get(logon.address, ())
            if _overlap(logon, session)
            and any(session.opened_at - _BEFORE <= t <= session.closed_at + _AFTER for t in times)
        }
        found |= {
            session
            for entity in finding.entities
            if entity.kind is EntityKind.ADDRESS and entity.role == "source"
            for session in self._sessions.get(entity.value, ())
            if _is_near(times, session, timedelta())
        }
        return tuple(sorted(s for s in found if not self.places.is_usual(s.account, s.outside)))

    def acting(self, finding: Finding) -> tuple[str, ...]:
        """Return the accounts that act in a finding, or as whom its processes run."""
        found, processes = actors(finding), self.trail.processes
        for entity in finding.entities:
            if entity.kind is EntityKind.PROCESS_ID and entity.role != "parent" and entity.value in processes:
                found = (*found, processes[entity.value].user.lower())
        return tuple(name for name in dict.fromkeys(found) if name)

    def addresses(self, findings: Sequence[Finding]) -> frozenset[str]:
        """Return the addresses outside that are theirs who are behind some findings."""
        found = {session.outside for finding in findings for session in self.sessions_of(finding)}
        for finding in findings:
            if finding.detector.level.rank >= Level.MEDIUM.rank:
                found.update(self._strange(finding))
        n_accounts = self.places.n_accounts or {}
        return frozenset(address for address in found if n_accounts.get(address, 0) <= ACCOUNTS_OF_ONE)

    def arrivals(
        self, addresses: Collection[str], accounts: Collection[str] = ()
    ) -> Iterator[tuple[str, str, Sequence[Sighting]]]:
        """Yield (account, address, when and where) of what was done from some addresses, and by some accounts."""
        asked = {pair for address in addresses for pair in self._by_address.get(address, ())}
        asked.update(pair for account in accounts for pair in self._by_account.get(account, ()))
        seen = self.trail.sightings.arrivals()
        for account, address in sorted(asked):
            yield account, address, seen[account, address]

    def during(self, addresses: frozenset[str]) -> Iterator[tuple[Session, Logon]]:
        """Yield the logons inside that were made through connections from some addresses."""
        for inside in sorted(self._sessions):
            for session in self._sessions[inside]:
                if session.outside in addresses and not self.places.is_usual(session.account, session.outside):
                    for logon in self.trail.logons_at(addresses=[inside]):
                        if _overlap(logon, session):
                            yield session, logon

    def is_old(self, account: str) -> bool:
        """Tell whether an account was there when the logs began, under any of its names.

        One that was made since was not how they came in first: somebody inside made it.
        """
        names = {account, self.full_name(account)}
        seen = [sight for sights in self.trail.sightings.of(EntityKind.ACCOUNT, names).values() for sight in sights]
        span = self.trail.sightings.began()
        return span is not None and any(sight.first_at - span <= _OLD for sight in seen)

    def is_given(self, address: str) -> bool:
        """Tell whether an address is one that gateways give to whoever connects."""
        return address in self._sessions

    def hosts_of_many(self) -> frozenset[str]:
        """Return the machines that many accounts log on to from elsewhere: nothing there tells people apart."""
        accounts: dict[str, set[str]] = defaultdict(set)
        for host, account in self._logons:
            if not account.endswith("$"):
                accounts[host].add(account)
        n_accounts = len(set().union(*accounts.values())) if accounts else 0
        return frozenset(h for h, found in accounts.items() if len(found) >= max(_MANY, n_accounts * _MANY_SHARE))

    def full_name(self, account: str) -> str:
        """Return the name with its domain of an account that a gateway calls by its login, if only one has it."""
        return self._full.get(account, account)

    def _strange(self, finding: Finding) -> Iterator[str]:
        who = self.acting(finding)
        for entity in finding.entities:
            if entity.kind is not EntityKind.ADDRESS or entity.role != "source" or not is_external(entity.value):
                continue
            if entity.value not in self.places.houses and not any(self.places.is_usual(w, entity.value) for w in who):
                yield entity.value


def outside(trail: Trail, places: Whereabouts | None = None) -> Outside:
    """Make ready what is asked of every finding.

    Args:
        trail: What the logs remember, in corrected time.
        places: Where accounts usually act from; worked out if it is not given.
    """
    sessions: dict[str, list[Session]] = defaultdict(list)
    for session in trail.sessions.all():
        if session.inside:
            sessions[session.inside].append(session)
    logons: dict[tuple[str, str], list[Logon]] = defaultdict(list)
    full: dict[str, set[str]] = defaultdict(set)
    lower: dict[str, str] = {}  # one text for each name, however many logons have it
    for key in sorted(trail.logons):
        logon = trail.logons[key]
        host, account = (lower.setdefault(name, name.lower()) for name in (logon.host, logon.account))
        logons[host, account].append(logon)
        if "\\" in account:
            full[account.rpartition("\\")[2]].add(account)
    one = {login: next(iter(names)) for login, names in full.items() if len(names) == 1}
    by_account: dict[str, list[tuple[str, str]]] = defaultdict(list)
    by_address: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair in trail.sightings.arrivals():
        by_account[pair[0]].append(pair)
        by_address[pair[1]].append(pair)
    places = whereabouts(trail) if places is None else places
    return Outside(trail, places, sessions, logons, one, by_account, by_address)


def _is_near(times: Sequence[datetime], session: Session, after: timedelta) -> bool:
    return any(session.opened_at - _BEFORE <= t <= session.closed_at + after for t in times)


def _overlap(logon: Logon, session: Session) -> bool:
    first: datetime = logon.first_at
    return first <= session.closed_at and session.opened_at <= logon.last_at
