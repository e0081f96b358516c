"""What tells one intruder from another: where they come from, as whom they act, what they bring along.

Two groups of findings are taken for two intruders only if everything that can be compared differs: both come from
the outside and share no address and no name outside, both act as somebody and share no account, and they share no
file. That both use one public tool says nothing. An intruder changes addresses and steals accounts, but seldom all at
once without leaving a thread; where one of these cannot be compared, nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["NO_MARKS", "Marks", "is_external", "marks_of"]

_INTERNAL = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Networks that nobody comes from over the Internet (RFC 1918, 6598, 3927, 4193, 4291)."""

_RANGES = {
    version: [(int(n.network_address), int(n.broadcast_address)) for n in _INTERNAL if n.version == version]
    for version in (4, 6)
}


@lru_cache(65_536)
def is_external(address: str) -> bool:
    """Tell whether an address lies outside every private network.

    >>> is_external("203.0.113.9"), is_external("10.0.0.1"), is_external("fe80::1"), is_external("web1")
    (True, False, False, False)
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    number = int(parsed)
    return not any(first <= number <= last for first, last in _RANGES[parsed.version])


NO_MARKS: AbstractSet[str] = frozenset()
"""Most marks are missing, and there may be a million findings: all of those are one set."""


@dataclass(slots=True)
class Marks:
    """What is known of whoever is behind some findings.

    Attributes:
        outside: External addresses, and names outside that were talked to.
        accounts: Accounts that act.
        things: Hashes and paths of files that belong to no installed program.
    """

    outside: AbstractSet[str] = NO_MARKS
    accounts: AbstractSet[str] = NO_MARKS
    things: AbstractSet[str] = NO_MARKS

    def differ(self, other: Marks) -> bool:
        """Tell whether two sets of marks are those of two intruders."""
        return (
            bool(self.outside and other.outside and self.accounts and other.accounts)
            and not self.outside & other.outside
            and not self.accounts & other.accounts
            and not self.things & other.things
        )

    def take(self, other: Marks) -> None:
        """Add what is known of another who is the same."""
        self.outside = _both(self.outside, other.outside)
        self.accounts = _both(self.accounts, other.accounts)
        self.things = _both(self.things, other.things)


def _both(ours: AbstractSet[str], theirs: AbstractSet[str]) -> AbstractSet[str]:
    """Return what is in either; the larger takes the smaller in where it can, so that many small ones cost little."""
    if not theirs or not ours:
        return ours or theirs
    smaller, larger = sorted((ours, theirs), key=len)
    if not isinstance(larger, set):
        return larger | smaller
    larger.update(smaller)
    return larger


def marks_of(
    findings: Iterable[Finding],
    *,
    is_person: Callable[[str], bool],
    is_installed: Callable[[str], bool],
    is_everybodys: Callable[[Finding], bool] | None = None,
) -> Marks:
    """Return what findings of at least medium level say of whoever is behind them.

    Args:
        findings: Findings of one intruder.
        is_person: Tells whether an account is somebody's own.
        is_installed: Tells whether a path is that of an installed program.
        is_everybodys: Tells whether a finding's file is a public tool, whose hash marks nobody.
    """
    outside: set[str] = set()
    accounts: set[str] = set()
    things: set[str] = set()

    def is_own(finding: Finding) -> bool:
        if any(e.kind is EntityKind.PROCESS and is_installed(e.value) for e in finding.entities):
            return False
        return is_everybodys is None or not is_everybodys(finding)

    for finding in findings:
        if finding.detector.level.rank < Level.MEDIUM.rank:
            continue
        for entity in finding.entities:
            match entity.kind:
                case EntityKind.ADDRESS if is_external(entity.value):
                    outside.add(entity.value)
                case EntityKind.DOMAIN:
                    outside.add(entity.value)
                case EntityKind.ACCOUNT if entity.role == "subject" and is_person(entity.value):
                    accounts.add(entity.value)
                case EntityKind.HASH if is_own(finding):
                    things.add(entity.value)
                case EntityKind.FILE | EntityKind.PROCESS if not is_installed(entity.value):
                    things.add(entity.value.lower())
                case _:
                    pass
    return Marks(outside or NO_MARKS, accounts or NO_MARKS, things or NO_MARKS)
