"""Which findings belong together, and why.

Criteria, in order; each link carries its reason:

1. One process tree: the findings' processes share an ancestor below the system's own roots.
2. For findings of medium level and above: the same account acting, the same remote address, or the same file hash.
   Accounts of the system itself, hashes of installed programs, local addresses, and accounts and addresses that more
   than half of all hosts know (where there are more than four) link nothing.
3. A remote logon from one host of a case to another, between an account and an address the findings name.
4. One host, unless two intruders can be told apart on it (:mod:`stillhunt.cases.operator`). Quiet months part nothing,
   since a lurker sleeps.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from itertools import pairwise

from stillhunt.cases.case import Link
from stillhunt.cases.operator import marks_of
from stillhunt.cases.trail import Trail, file_name
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = [
    "DOORS",
    "INSTALLED",
    "ROOTS",
    "acting",
    "entry_process",
    "host_of",
    "is_meaningful_account",
    "is_remote_address",
    "is_visit",
    "link",
]

ROOTS = frozenset(
    [
        "system",
        "smss.exe",
        "csrss.exe",
        "wininit.exe",
        "services.exe",
        "lsass.exe",
        "winlogon.exe",
        "userinit.exe",
        "svchost.exe",
        "sihost.exe",
        "taskhostw.exe",
        "taskeng.exe",
        "runtimebroker.exe",
    ]
)
"""Images that start others on the system's behalf: a process tree ends below them."""

DOORS = frozenset(
    [
        "explorer.exe",
        "chrome.exe",
        "msedge.exe",
        "firefox.exe",
        "iexplore.exe",
        "brave.exe",
        "opera.exe",
        "outlook.exe",
        "olk.exe",
        "thunderbird.exe",
        "winword.exe",
        "excel.exe",
        "powerpnt.exe",
        "onenote.exe",
        "acrord32.exe",
        "acrobat.exe",
        "winrar.exe",
        "7zfm.exe",
        "w3wp.exe",
        "httpd.exe",
        "nginx.exe",
        "tomcat.exe",
        "php-cgi.exe",
        "java.exe",
    ]
)
"""Images through which somebody comes in: what a user opens, what a server runs."""

_ENDS = ROOTS | DOORS

_SYSTEM_ACCOUNTS = frozenset(
    {
        "www-data",
        "apache",
        "nginx",
        "httpd",
        "tomcat",
        "nobody",
        "daemon",
        "system",
        "local service",
        "network service",
        "anonymous logon",
        "localsystem",
        "iusr",
        "-",
    }
)
_FIRST_PERSON = 1_000
"""Numbers of Linux accounts below this are the system's and its services'; audit logs seldom know their names."""

_SYSTEM_DOMAINS = frozenset(
    {"font driver host", "window manager", "nt authority", "nt service", "iis apppool", "nt virtual machine"}
)

INSTALLED = (
    "c:\\windows\\",
    "c:\\program files\\",
    "c:\\program files (x86)\\",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib",
    "/bin/",
    "/sbin/",
    "/lib",
)
"""Where installed programs lie, lower case: their files are the same on every machine."""

_COMMON_HOSTS = 4


def is_meaningful_account(account: str) -> bool:
    r"""Tell whether an account is a person's or a service's own, not the system's.

    >>> is_meaningful_account("corp\\alice"), is_meaningful_account("nt authority\\system")
    (True, False)
    """
    domain, _, name = account.lower().rpartition("\\")
    if not name or name in _SYSTEM_ACCOUNTS or name.endswith("$"):
        return False
    if name.isdecimal() and int(name) < _FIRST_PERSON:
        return False
    return domain not in _SYSTEM_DOMAINS and not name.startswith(("dwm-", "umfd-", "s-1-5-1"))


def is_remote_address(address: str) -> bool:
    """Tell whether an address names another machine.

    >>> is_remote_address("203.0.113.9"), is_remote_address("127.0.0.1"), is_remote_address("LOCAL")
    (True, False, False)
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_link_local or parsed.is_multicast)


def host_of(finding: Finding) -> str:
    """Return the host a finding was made on; where a sensor on the network saw it, the address it came from.

    Empty if neither is known.
    """
    address = ""
    for entity in finding.entities:
        if entity.kind is EntityKind.HOST and entity.role in {"", "subject"}:
            return entity.value
        if entity.kind is EntityKind.ADDRESS and entity.role == "source" and not address:
            address = entity.value
    return address


def is_visit(finding: Finding) -> bool:
    """Tell whether :func:`host_of` gives where somebody came from, since the log names no machine of its own.

    A sensor on the network names both ends, and the one it was made for is the machine inside.
    """
    own = {EntityKind.HOST: {"", "subject"}, EntityKind.ADDRESS: {"destination"}, EntityKind.DOMAIN: {"destination"}}
    names_other = any(entity.role in own.get(entity.kind, ()) for entity in finding.entities)
    return not names_other and bool(host_of(finding))


def acting(finding: Finding) -> tuple[str, ...]:
    """Return the accounts that act in a finding: those named as acting, or else those that it is about.

    A sign-in names whom it let in and nobody beside. An application is an account of a directory: who gave it a key or
    consented to it did that for its acts to come.
    """
    named = [e for e in finding.entities if e.kind is EntityKind.ACCOUNT and is_meaningful_account(e.value)]
    subjects = [e.value for e in named if e.role == "subject"] or [e.value for e in named]
    applications = [e.value for e in named if _APPLICATION.fullmatch(e.value.rpartition("\\")[2])]
    return tuple(dict.fromkeys((*subjects, *applications)))


_APPLICATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Directories name applications by such numbers, and people never."""


def entry_process(process: str, trail: Trail) -> str | None:
    """Return the oldest ancestor of a process below the system's roots and the doors, or None if none was logged."""
    if process not in trail.entries:
        trail.entries[process] = _oldest(process, trail)
    return trail.entries[process]


def _oldest(process: str, trail: Trail) -> str | None:
    oldest: str | None = None
    for ancestor in trail.ancestors(process):
        if file_name(ancestor.image) in _ENDS:
            break
        oldest = ancestor.id
        if file_name(ancestor.parent_image) in _ENDS:
            break
    return oldest


def link(
    findings: Sequence[Finding], trail: Trail, *, n_hosts: int
) -> list[tuple[tuple[Finding, ...], tuple[Link, ...]]]:
    """Group findings into components.

    Args:
        findings: Findings above informational level, in any order.
        trail: What the rest of the logs remembers.
        n_hosts: Hosts in the logs.

    Returns:
        Per component its findings in order of time, and the links that hold it together (a spanning tree).
    """
    ordered = sorted(findings, key=_order)
    groups = _Groups(ordered)
    for reason, members in _shared(ordered, trail, n_hosts):
        groups.join(members, reason)
    for a, b, reason in _logon_edges(ordered, trail):
        groups.join([a, b], reason)
    _join_on_hosts(groups)
    return groups.components()


class _Activity:
    """Findings that belong together for certain, on one host or several."""

    def __init__(self, members: Sequence[Finding]) -> None:
        self.on_host: dict[str, Finding] = {}
        for finding in members:
            self.on_host.setdefault(host_of(finding), finding)
        self.is_serious = any(f.detector.level.rank >= Level.MEDIUM.rank for f in members)
        self._marks = marks_of(members, is_person=is_meaningful_account, is_installed=_is_installed)
        times = [t for f in members for t in (f.first_at, f.last_at) if t is not None]
        self._first, self._last = min(times, default=None), max(times, default=None)
        self._joined_to: _Activity | None = None

    @property
    def shows_somebody(self) -> bool:
        return bool(self._marks.outside and self._marks.accounts)

    @property
    def root(self) -> _Activity:
        found = self
        while found._joined_to is not None:
            found = found._joined_to
        return found

    def differs(self, other: _Activity) -> bool:
        return self._marks.differ(other._marks)

    def seconds_from(self, other: _Activity) -> float:
        """Return the time between two activities; 0 if they overlap."""
        if self._first is None or self._last is None or other._first is None or other._last is None:
            return float("inf")
        return max(0.0, (other._first - self._last).total_seconds(), (self._first - other._last).total_seconds())

    def join(self, other: _Activity) -> None:
        """Become one with another: the smaller becomes part of the larger."""
        if len(self.on_host) < len(other.on_host):
            other.join(self)
            return
        self._marks.take(other._marks)
        firsts = [t for t in (self._first, other._first) if t is not None]
        lasts = [t for t in (self._last, other._last) if t is not None]
        self._first, self._last = min(firsts, default=None), max(lasts, default=None)
        for host, finding in other.on_host.items():
            self.on_host.setdefault(host, finding)
        other._joined_to = self


def _join_on_hosts(groups: _Groups) -> None:
    """Join what happened on one host, unless two intruders can be told apart on it.

    What shows nobody goes with what happened nearest to it.
    """
    by_host: dict[str, list[_Activity]] = defaultdict(list)
    activities = [_Activity(members) for members, _ in groups.components()]
    for activity in sorted(activities, key=lambda one: (not one.shows_somebody, not one.is_serious)):
        for host in activity.on_host:
            by_host[host].append(activity)
    by_host.pop("", None)
    for host in sorted(by_host):
        apart: list[_Activity] = []
        for activity in by_host[host]:
            one = activity.root
            apart = list({id(known.root): known.root for known in apart}.values())
            if one in apart:
                continue
            fitting = [known for known in apart if not known.differs(one)]
            if not fitting:
                apart.append(one)
                continue
            nearest = min(fitting, key=one.seconds_from)
            groups.join([nearest.on_host[host], one.on_host[host]], f"both on {host}", is_weak=True)
            nearest.join(one)


def _is_installed(path: str) -> bool:
    return path.lower().startswith(INSTALLED)


def _order(finding: Finding) -> tuple[bool, float, str]:
    return finding.first_at is None, finding.first_at.timestamp() if finding.first_at else 0.0, finding.id


def _shared(findings: Sequence[Finding], trail: Trail, n_hosts: int) -> Iterable[tuple[str, list[Finding]]]:
    """Yield (reason, findings that share a thing), the narrowest kind of thing first."""
    by_kind: list[dict[str, list[Finding]]] = [defaultdict(list) for _ in range(4)]
    trees, accounts, addresses, hashes = by_kind
    for finding in findings:
        for entity in finding.entities:
            if entity.kind is EntityKind.PROCESS_ID and entity.role != "parent":
                entry = entry_process(entity.value, trail)
                if entry is not None:
                    started = trail.processes[entry]
                    trees[f"one process tree, begun by {file_name(started.image)} on {started.host} ({entry})"].append(
                        finding
                    )
        if finding.detector.level.rank < Level.MEDIUM.rank:
            continue
        for account in acting(finding):
            accounts[f"the same account acting: {account}"].append(finding)
        for entity in finding.entities:
            value = entity.value
            if entity.kind is EntityKind.ADDRESS and is_remote_address(value) and not _is_common(value, trail, n_hosts):
                addresses[f"the same address: {value}"].append(finding)
            elif entity.kind is EntityKind.HASH and not _is_of_installed_program(finding):
                hashes[f"the same file by hash: {value}"].append(finding)
    _drop_common(accounts, n_hosts)
    for things in (trees, hashes, addresses, accounts):
        for reason in sorted(things):
            yield reason.partition(" (")[0] if things is trees else reason, things[reason]


def _drop_common(accounts: dict[str, list[Finding]], n_hosts: int) -> None:
    """Leave out accounts that act on so many hosts that they say nothing: software distribution, monitoring."""
    for reason, members in list(accounts.items()):
        n_alike = len({host_of(finding) for finding in members})
        if n_alike > _COMMON_HOSTS and n_alike * 2 > n_hosts:
            del accounts[reason]


def _is_of_installed_program(finding: Finding) -> bool:
    return any(e.kind is EntityKind.PROCESS and e.value.startswith(INSTALLED) for e in finding.entities)


def _is_common(address: str, trail: Trail, n_hosts: int) -> bool:
    if trail.origins.is_house(address):
        return True
    known_by = len(trail.hosts_by_address.get(address, ()))
    return known_by > _COMMON_HOSTS and known_by * 2 > n_hosts


def _logon_edges(findings: Sequence[Finding], trail: Trail) -> Iterable[tuple[Finding, Finding, str]]:
    """Yield pairs of findings on two hosts between which an account of the findings logged on remotely."""
    serious = [f for f in findings if f.detector.level.rank >= Level.MEDIUM.rank]
    by_host: dict[str, list[Finding]] = defaultdict(list)
    for finding in serious:
        by_host[host_of(finding)].append(finding)
    accounts = {
        e.value for f in serious for e in f.entities if e.kind is EntityKind.ACCOUNT and is_meaningful_account(e.value)
    }
    for key in sorted(trail.logons):
        logon = trail.logons[key]
        origin = trail.host_of_address(logon.address)
        if origin is None or origin == logon.host or logon.account not in accounts:
            continue
        if origin in by_host and logon.host in by_host:
            reason = f"{logon.account} logged on from {origin} ({logon.address}) to {logon.host}"
            yield by_host[origin][0], by_host[logon.host][0], reason


class _Groups:
    """Union-find over findings that remembers why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = {f.id: f for f in findings}
        self._parent = {f.id: f.id for f in findings}
        self._links: list[Link] = []

    def join(self, members: Sequence[Finding], reason: str, *, is_weak: bool = False) -> None:
        for a, b in pairwise(members):
            root_a, root_b = self._root(a.id), self._root(b.id)
            if root_a == root_b:
                continue
            self._parent[root_b] = root_a
            self._links.append(Link(a=a.id, b=b.id, reason=reason, is_weak=is_weak))

    def components(self) -> list[tuple[tuple[Finding, ...], tuple[Link, ...]]]:
        members: dict[str, list[Finding]] = defaultdict(list)
        links: dict[str, list[Link]] = defaultdict(list)
        for finding in self._findings.values():
            members[self._root(finding.id)].append(finding)
        for held in self._links:
            links[self._root(held.a)].append(held)
        return [(tuple(found), tuple(links[root])) for root, found in members.items()]

    def _root(self, finding: str) -> str:
        while self._parent[finding] != finding:
            self._parent[finding] = self._parent[self._parent[finding]]
            finding = self._parent[finding]
        return finding
