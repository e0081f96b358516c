"""The earliest trace of what a case brought along, looked for in all events of its hosts and not only in findings.

A rule may speak late: months after a file was dropped, a service installed, a page first asked for. What only the
intruder has is looked up in everything that was seen: if it is there before the first finding, so were they.

What counts as theirs is named by a finding of at least medium level, is no part of an installed system, is seen on
hardly any host outside the case, and was not there already when the logs of its host began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stillhunt.cases.link import INSTALLED, host_of, is_meaningful_account, is_remote_address
from stillhunt.cases.operator import is_external, marks_of
from stillhunt.cases.outside import ACCOUNTS_OF_ONE, Outside
from stillhunt.cases.sightings import Sighting
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import HostSpan
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.period import instant_words

__all__ = ["Trace", "traces"]

_NEW_AFTER = timedelta(days=1)
"""What is seen within this of the beginning of a host's logs may have been there before."""

_HOSTS_BESIDE = 0.05
"""Share of all hosts outside the case that may know a thing which is the intruder's all the same."""

_ENTRY_AFTER = timedelta(days=45)
"""An address that was never met in six weeks of logs before is taken to be new; intruders are silent for weeks,
and seldom for longer."""

_WORDS = {
    EntityKind.FILE: "the file {} is there",
    EntityKind.HASH: "a file with the hash {} is there",
    EntityKind.SERVICE: "the service {} is there",
    EntityKind.DOMAIN: "the name {} is asked for",
    EntityKind.URL: "the page {} is asked for",
}


_PRESENT = frozenset({EntityKind.FILE, EntityKind.HASH, EntityKind.SERVICE})
"""What is on a host only if somebody brought it there; an address or a name may be met by knocking, or by chance."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Trace:
    """The first sight of something that is the intruder's.

    Attributes:
        at: When.
        host: Where.
        what: In a sentence.
        is_presence: It shows that they were in; else only that they knocked.
        is_entry: It shows them coming in for the first time, in logs that reach back long enough to tell.
        came_from: The address that an account acted from.
    """

    at: datetime
    host: str
    what: str
    is_presence: bool
    is_entry: bool = False
    came_from: str = ""


def traces(findings: Sequence[Finding], known: Outside, spans: Mapping[str, HostSpan]) -> tuple[Trace, ...]:
    """Return the first sight of every thing of a case on its hosts, earliest first.

    Args:
        findings: The core findings of the case.
        known: What the rest of the logs remembers, in corrected time.
        spans: Host to the span of its logs.
    """
    trail = known.trail
    hosts = {host_of(f) for f in findings}
    things: dict[EntityKind, dict[str, Entity]] = {}
    for finding in findings:
        if finding.detector.level.rank >= Level.MEDIUM.rank:
            for entity in _own(finding):
                things.setdefault(entity.kind, {}).setdefault(entity.value.lower(), entity)
    found: list[Trace] = []
    for kind, by_value in things.items():
        for value, seen in trail.sightings.of(kind, by_value).items():
            if _is_theirs(seen, hosts, len(spans)):
                found += _first_sights(by_value[value], [s for s in seen if s.host in hosts], spans)
    return tuple(sorted([*found, *_arrivals(findings, known, spans)]))


def _arrivals(findings: Sequence[Finding], known: Outside, spans: Mapping[str, HostSpan]) -> Iterator[Trace]:
    """Yield the first time that an account acted from an address of theirs, or an account of the case from outside.

    An address from which many accounts act is a house, not a person; one that an account used from the beginning, or
    that much of what it does comes from, is its own.
    """
    strong = [f for f in findings if f.detector.level.rank >= Level.MEDIUM.rank]
    marks = marks_of(strong, is_person=is_meaningful_account, is_installed=_is_installed)
    theirs = known.addresses(strong)
    n_accounts = known.places.n_accounts or {}
    begins = known.places.begins or {}
    for account, address, seen in known.arrivals(theirs, marks.accounts):
        is_theirs = address in theirs
        if not is_theirs and not is_external(address):
            continue
        if known.places.is_usual(account, address) or n_accounts.get(address, 0) > ACCOUNTS_OF_ONE:
            continue
        first = seen[0]
        begin = begins.get(first.host) or (spans[first.host].first_at if first.host in spans else None)
        before = first.first_at - begin if begin is not None else timedelta()
        if before >= _NEW_AFTER:
            what = f"{instant_words(first.first_at)}: {account} acts from {address} for the first time"
            is_entry = is_theirs and before >= _ENTRY_AFTER and first.host != "" and known.is_old(account)
            yield Trace(
                at=first.first_at,
                host=first.host,
                what=what,
                is_presence=is_theirs,
                is_entry=is_entry,
                came_from=address,
            )


def _is_installed(path: str) -> bool:
    return path.lower().startswith(INSTALLED)


def _own(finding: Finding) -> Iterator[Entity]:
    """Yield what a finding names that may be the intruder's alone."""
    is_installed = any(e.kind is EntityKind.PROCESS and e.value.lower().startswith(INSTALLED) for e in finding.entities)
    for entity in finding.entities:
        match entity.kind:
            case EntityKind.FILE | EntityKind.PROCESS if "\\" in entity.value or "/" in entity.value:
                if not entity.value.lower().startswith(INSTALLED):
                    yield Entity(EntityKind.FILE, entity.value)
            case EntityKind.HASH if not is_installed:
                yield entity
            case EntityKind.SERVICE | EntityKind.DOMAIN | EntityKind.URL:
                yield entity
            case EntityKind.ADDRESS if is_remote_address(entity.value):
                yield entity
            case _:
                pass


def _is_theirs(seen: Sequence[Sighting], hosts: set[str], n_hosts: int) -> bool:
    beside = {s.host for s in seen} - hosts
    return len(beside) <= n_hosts * _HOSTS_BESIDE


def _first_sights(entity: Entity, seen: Sequence[Sighting], spans: Mapping[str, HostSpan]) -> Iterator[Trace]:
    """Yield the first sight on each host, unless it may have been there before its logs began."""
    told: set[str] = set()
    for sight in seen:
        span = spans.get(sight.host)
        if sight.host in told or span is None or span.first_at is None:
            continue
        told.add(sight.host)
        if sight.first_at - span.first_at >= _NEW_AFTER:
            yield Trace(
                at=sight.first_at,
                host=sight.host,
                what=f"{instant_words(sight.first_at)} on {sight.host}: {_words(entity)} for the first time",
                is_presence=entity.kind in _PRESENT,
            )


def _words(entity: Entity) -> str:
    if entity.kind is EntityKind.ADDRESS:
        return f"{entity.value} is {'talked to' if entity.role == 'destination' else 'met'}"
    return _WORDS[entity.kind].format(entity.value)
