"""Which findings belong together, and why.

Criteria, in order; each link carries its reason:

1. One process tree: the findings' processes share an ancestor below the system's own roots.
2. For findings of medium level and above: the same account acting, the same remote address, or the same file hash.
   Accounts of the system itself, hashes of installed programs, local addresses, and accounts and addresses that more
   than half of all hosts know (where there are more than four) link nothing.
3. A remote logon from one host of a case to another, between an account and an address the findings name, unless
   the account has come that way since the logs begin. At either end the logon meets a finding within a day.
4. One host, unless two intruders can be told apart on it (:mod:`stillhunt.cases.operator`). Quiet months part nothing,
   since a lurker sleeps. On a machine that many accounts log on to (a domain controller, a file server), what
   different accounts did is joined only if it was done within a day.
5. One mailbox in the cloud that strangers opened; an account or application that was made or changed, and then acts.
   What an account does from its usual place is no part of what was done in its name from elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from itertools import pairwise

from stillhunt.cases.case import Link
from stillhunt.cases.operator import NO_MARKS, Marks, marks_of
from stillhunt.cases.outside import Outside, outside
from stillhunt.cases.trail import Logon, Trail, file_name
from stillhunt.cases.whereabouts import Whereabouts, actors, is_in_usual_place
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = [
    "DOORS",
    "INSTALLED",
    "ROOTS",
    "SERVERS",
    "WEB_SERVERS",
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

SERVERS = frozenset(["w3wp.exe", "httpd.exe", "nginx.exe", "tomcat.exe", "php-cgi.exe", "java.exe"])
"""Those of them that serve whoever asks, again and again."""

WEB_SERVERS = SERVERS | frozenset(
    "apache2 httpd nginx lighttpd caddy php-fpm php-cgi php java tomcat node gunicorn uwsgi".split()  # noqa: SIM905  # reads better
)
"""Web servers and what runs their pages, on any system."""

_ENDS = ROOTS | DOORS

_SYSTEM_ACCOUNTS = frozenset(
    "system|local service|network service|anonymous logon|localsystem|iusr|-|"  # noqa: SIM905  # reads better
    "root|daemon|bin|sys|nobody|www-data|apache|httpd|nginx|tomcat|http|wwwrun|lighttpd|caddy|mail|postfix|sshd|"
    "messagebus|syslog|systemd-network|systemd-resolve|mysql|postgres|unset".split("|")
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
    "/usr/",
    "/bin/",
    "/sbin/",
    "/lib/",
    "/lib64/",
    "/etc/",
)
"""Where installed programs lie, lower case: their files are the same on every machine."""

_COMMON_HOSTS = 4


@lru_cache(65_536)
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


@lru_cache(65_536)
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
    findings: Sequence[Finding], trail: Trail, *, n_hosts: int, known: Outside | None = None
) -> list[tuple[tuple[Finding, ...], tuple[Link, ...]]]:
    """Group findings into components.

    Args:
        findings: Findings above informational level, in any order.
        trail: What the rest of the logs remembers.
        n_hosts: Hosts in the logs.
        known: What connects the inside with addresses outside; worked out if it is not given.

    Returns:
        Per component its findings in order of time, and the links that hold it together (a spanning tree).
    """
    ordered = sorted(findings, key=_order)
    groups = _Groups(ordered)
    known = outside(trail) if known is None else known
    places = known.places
    trail.fetch(
        {e.value for f in ordered for e in f.entities if e.kind is EntityKind.PROCESS_ID and e.role != "parent"}
    )
    for reason, members in _shared(ordered, known, n_hosts):
        groups.join(members, reason)
    for a, b, reason in _logon_edges(ordered, known):
        groups.join([a, b], reason)
    _join_on_hosts(groups, known)
    _join_routine(groups, places)
    return groups.components()


def _join_routine(groups: _Groups, places: Whereabouts) -> None:
    """Join what one detector says of accounts in their usual places and nothing else is linked to: one habit."""
    by_detector: dict[str, list[Finding]] = defaultdict(list)
    for alone in groups.members():
        if all(is_in_usual_place(f, places) for f in alone):
            for finding in alone:
                by_detector[finding.detector.id].append(finding)
    for detector in sorted(by_detector):
        members = by_detector[detector]
        groups.join(members, f"{members[0].detector.title}, by accounts where they usually are", is_weak=True)


_DAY_S = 86_400


class _Activity:
    """Findings that belong together for certain, on one host or several."""

    __slots__ = ("_days", "_first", "_joined_to", "_last", "_marks", "is_serious", "on_host")

    def __init__(self, members: Sequence[Finding], known: Outside, many: AbstractSet[str]) -> None:
        self.on_host: dict[str, Finding] = {}
        self._days: dict[str, set[int]] = {}
        for finding in members:
            host = host_of(finding)
            self.on_host.setdefault(host, finding)
            if host in many:
                self._days.setdefault(host, set()).update(int(t.timestamp() // _DAY_S) for t in _times(finding))
        self.is_serious = any(f.detector.level.rank >= Level.MEDIUM.rank for f in members)
        self._marks = marks_of(
            members, is_person=is_meaningful_account, is_installed=_is_installed, is_everybodys=_is_everybodys
        )
        accounts, addresses = set(self._marks.accounts), set(self._marks.outside)
        for finding in members:
            if finding.detector.level.rank >= Level.MEDIUM.rank:
                accounts.update(filter(is_meaningful_account, known.acting(finding)))
            for session in known.sessions_of(finding):
                addresses.add(session.outside)
                accounts.add(known.full_name(session.account))
        addresses -= known.places.houses
        self._marks = Marks(addresses or NO_MARKS, accounts or NO_MARKS, self._marks.things)
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

    def meets(self, other: _Activity, host: str) -> bool:
        """Tell whether two activities may be one on a host that many use: the same accounts, or days side by side."""
        mine, theirs = self._marks.accounts, other._marks.accounts
        if not mine or not theirs or mine & theirs:
            return True
        fewer, more = sorted((self._days[host], other._days[host]), key=len)
        return any(not more.isdisjoint((day - 1, day, day + 1)) for day in fewer)

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
        for host, days in other._days.items():
            self._days.setdefault(host, set()).update(days)
        other._joined_to = self


def _join_on_hosts(groups: _Groups, known: Outside) -> None:
    """Join what happened on one host, unless two intruders can be told apart on it.

    What shows nobody goes with what happened nearest to it. Machines that many log on to, such as domain controllers,
    come last: what different accounts did there on different days is not joined by the place alone.
    """
    by_host: dict[str, list[_Activity]] = defaultdict(list)
    many = known.hosts_of_many()
    activities = [_Activity(members, known, many) for members in groups.members()]
    for activity in sorted(activities, key=lambda one: (not one.shows_somebody, not one.is_serious)):
        for host in activity.on_host:
            by_host[host].append(activity)
    for nowhere in ("", *known.places.houses):
        by_host.pop(nowhere, None)
    for host in sorted(by_host, key=lambda name: (name in many, name)):
        apart: list[_Activity] = []
        for activity in by_host[host]:
            one = activity.root
            apart = list({id(a.root): a.root for a in apart}.values())
            if one in apart:
                continue
            fitting = [a for a in apart if not a.differs(one) and (host not in many or a.meets(one, host))]
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


def _shared(findings: Sequence[Finding], known: Outside, n_hosts: int) -> Iterable[tuple[str, list[Finding]]]:
    """Yield (reason, findings that share a thing), the narrowest kind of thing first."""
    by_kind: list[dict[str, list[Finding]]] = [defaultdict(list) for _ in range(5)]
    trees, accounts, addresses, hashes, mailboxes = by_kind
    trail, places = known.trail, known.places
    changed: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        for entity in finding.entities:
            if entity.kind is EntityKind.PROCESS_ID and entity.role != "parent":
                entry = entry_process(entity.value, trail)
                if entry is not None:
                    started = trail.processes[entry]
                    trees[f"one process tree, begun by {file_name(started.image)} on {started.host} ({entry})"].append(
                        finding
                    )
        if _MADE_ACCOUNT.intersection(finding.detector.techniques):
            for account in _changed(finding):
                changed[account].append(finding)
        if finding.detector.level.rank < Level.MEDIUM.rank:
            continue
        for account in known.acting(finding):
            if is_meaningful_account(account):
                accounts[f"the same account acting: {account}"].append(finding)
        for mailbox in _mailboxes(finding, places):
            mailboxes[f"the same mailbox, opened by strangers: {mailbox}"].append(finding)
        for account in _changed(finding):
            changed[account].append(finding)
        for session in known.sessions_of(finding):
            addresses[f"the same address: {session.outside}"].append(finding)
            accounts[f"the same account acting: {known.full_name(session.account)}"].append(finding)
        for entity in finding.entities:
            value = entity.value
            if entity.kind is EntityKind.ADDRESS and is_remote_address(value) and value not in places.houses:
                if _is_common(value, trail, n_hosts):
                    continue
                addresses[f"the same address: {value}"].append(finding)
            elif entity.kind is EntityKind.HASH and not _is_everybodys(finding):
                hashes[f"the same file by hash: {value}"].append(finding)
    _drop_common(accounts, n_hosts)
    for reason in list(accounts):
        accounts[reason] = _without_routine(accounts[reason], places)
    for account, changing in changed.items():
        strange = [f for f in changing if not is_in_usual_place(f, places)]
        acting = accounts.get(f"the same account acting: {account}", [])
        if strange and acting:
            made = [
                name for f in strange for name in known.acting(f) if _MADE_ACCOUNT.intersection(f.detector.techniques)
            ]
            makers = [f for name in dict.fromkeys(made) for f in accounts.get(f"the same account acting: {name}", [])]
            accounts[f"{account} was made or changed, and acts"] = [*strange, *acting, *makers]
    for things in (trees, hashes, addresses, accounts, mailboxes):
        for reason in sorted(things):
            yield reason.partition(" (")[0] if things is trees else reason, things[reason]


_MADE_ACCOUNT = frozenset({"T1136", "T1136.001", "T1136.002", "T1136.003"})
_MOST_CHANGED = 3
"""Accounts that one finding may show to be changed and still say something of each."""


def _changed(finding: Finding) -> list[str]:
    """Return the accounts and applications that somebody else changed: given a key, a password, a right."""
    if actors(finding) and "persistence" in finding.detector.tactics:
        found = [e.value for e in finding.entities if e.kind is EntityKind.ACCOUNT and e.role == "target"]
        return [account for account in found if is_meaningful_account(account)] if len(found) <= _MOST_CHANGED else []
    return []


_MOST_MAILBOXES = 20


def _mailboxes(finding: Finding, places: Whereabouts) -> list[str]:
    """Return the mailboxes that a finding shows strangers in, by the name before the domain; none if they are many."""
    if is_in_usual_place(finding, places) or not actors(finding) or "collection" not in finding.detector.tactics:
        return []
    if any(e.kind is EntityKind.HOST and e.value for e in finding.entities):
        return []
    named = {e.value.partition("@")[0] for e in finding.entities if e.kind is EntityKind.MAILBOX}
    return sorted(named) if len(named) <= _MOST_MAILBOXES else []


_BEFORE, _AFTER = timedelta(days=30), timedelta(days=1)
_GIVEN_AWAY = frozenset({"T1528", "T1566", "T1566.002", "T1204", "T1204.001"})
"""Techniques by which a victim lets somebody in from their own desk."""


def _without_routine(members: list[Finding], places: Whereabouts) -> list[Finding]:
    """Leave out what an account did from its usual place, unless it let somebody in who is seen soon after.

    A consent given at one's own desk is part of what comes of it within a month; what an administrator does every few
    weeks from the office is not part of what somebody else once did in their name.
    """
    strange = [f for f in members if not is_in_usual_place(f, places)]
    if len(strange) == len(members):
        return members
    chosen = {f.id for f in strange}
    times = sorted(f.first_at for f in strange if f.first_at is not None)
    for finding in members:
        if (
            finding.id in chosen
            or finding.first_at is None
            or not _GIVEN_AWAY.intersection(finding.detector.techniques)
        ):
            continue
        following = bisect_left(times, finding.first_at - _AFTER)
        if following < len(times) and times[following] - finding.first_at <= _BEFORE:
            chosen.add(finding.id)
    return [f for f in members if f.id in chosen]


def _drop_common(accounts: dict[str, list[Finding]], n_hosts: int) -> None:
    """Leave out accounts that act on so many hosts that they say nothing: software distribution, monitoring."""
    for reason, members in list(accounts.items()):
        n_alike = len({host_of(finding) for finding in members})
        if n_alike > _COMMON_HOSTS and n_alike * 2 > n_hosts:
            del accounts[reason]


_ORIGINAL_NAME = re.compile(r"""OriginalFileName["'\s:=>\\]+([\w .-]+?)\s*(?:["'<,\\]|$)""", re.IGNORECASE)
_PUBLIC_TOOLS = frozenset(
    "rar.exe winrar.exe unrar.exe 7z.exe 7za.exe 7zr.exe 7zg.exe zip.exe psexec.c psexec.exe psexesvc.exe procdump "  # noqa: SIM905  # reads better
    "procdump.exe adfind.exe adexplorer.exe sdelete.exe plink plink.exe rclone.exe curl.exe wget.exe winscp.exe "
    "nbtscan.exe netscan.exe advanced_ip_scanner.exe anydesk.exe teamviewer.exe ngrok.exe putty pscp.exe nmap.exe "
    "python.exe pythonw.exe node.exe autoit3.exe".split()
)
"""Names that makers give to programs which everybody can have: the same file in two hands says nothing."""


def _is_everybodys(finding: Finding) -> bool:
    """Tell whether a finding's hash is that of an installed program or a public tool, under whatever name it ran."""
    if _is_of_installed_program(finding):
        return True
    found = (_ORIGINAL_NAME.search(shown.original) for shown in finding.evidence)
    return any(name is not None and name[1].lower() in _PUBLIC_TOOLS for name in found)


def _is_of_installed_program(finding: Finding) -> bool:
    return any(e.kind is EntityKind.PROCESS and e.value.startswith(INSTALLED) for e in finding.entities)


def _is_common(address: str, trail: Trail, n_hosts: int) -> bool:
    known_by = len(trail.hosts_by_address.get(address, ()))
    return known_by > _COMMON_HOSTS and known_by * 2 > n_hosts


def _logon_edges(findings: Sequence[Finding], known: Outside) -> Iterable[tuple[Finding, Finding, str]]:
    """Yield pairs of findings on two hosts between which an account of the findings logged on remotely."""
    trail = known.trail
    serious = [f for f in findings if f.detector.level.rank >= Level.MEDIUM.rank]
    beside = _Beside(serious, known)
    for key in sorted(trail.logons):
        logon = trail.logons[key]
        if logon.account not in beside.accounts or _is_routine(logon, trail.logons_begin(logon.host)):
            continue
        origin = trail.host_of_address(logon.address)
        if origin is None or origin == logon.host:
            continue
        left, came = beside.nearest(origin, logon), beside.nearest(logon.host, logon)
        if left is not None and came is not None:
            yield left, came, f"{logon.account} logged on from {origin} ({logon.address}) to {logon.host}"


class _Beside:
    """Findings by host and account in order of time, to find the one that a logon belongs to."""

    def __init__(self, findings: Sequence[Finding], known: Outside) -> None:
        self._by: dict[tuple[str, str], list[tuple[float, str, Finding]]] = defaultdict(list)
        self.accounts: set[str] = set()
        for finding in findings:
            named = {e.value for e in finding.entities if e.kind is EntityKind.ACCOUNT} | set(known.acting(finding))
            self.accounts.update(filter(is_meaningful_account, named))
            marks = [(t.timestamp(), finding.id, finding) for t in sorted(set(_times(finding)))]
            for account in ("", *named):
                self._by[host_of(finding), account] += marks
        for ordered in self._by.values():
            ordered.sort(key=lambda mark: mark[:2])

    def nearest(self, host: str, logon: Logon) -> Finding | None:
        """Return the finding on one end of a logon that belongs to it: by its account, else any, within a day."""
        ordered = self._by.get((host, logon.account)) or self._by.get((host, "")) or []
        near: list[tuple[float, str, Finding]] = []
        for at in (logon.first_at.timestamp(), logon.last_at.timestamp()):
            place = bisect_left(ordered, at, key=lambda mark: mark[0])
            near += [(abs(t - at), name, finding) for t, name, finding in ordered[max(0, place - 1) : place + 1]]
        chosen = min(near, default=None, key=lambda mark: mark[:2])
        return chosen[2] if chosen is not None and chosen[0] <= _AFTER.total_seconds() else None


def _times(finding: Finding) -> list[datetime]:
    """Return what is known of when a finding occurred: first, last, and the records shown."""
    return [t for t in (finding.first_at, finding.last_at, *(e.ref.at for e in finding.evidence)) if t is not None]


_ROUTINE_COUNT, _ROUTINE_SPAN = 5, timedelta(days=60)


def _is_routine(logon: Logon, begin: datetime | None) -> bool:
    """Tell whether an account has come this way since the logs begin, again and again: an administrator's desk."""
    is_old = begin is not None and logon.first_at - begin <= _BEFORE
    return is_old and logon.count >= _ROUTINE_COUNT and logon.last_at - logon.first_at >= _ROUTINE_SPAN


class _Groups:
    """Union-find over findings that remembers why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = list({f.id: f for f in findings}.values())
        self._number = {f.id: number for number, f in enumerate(self._findings)}
        self._parent = list(self._number.values())  # the same objects, not as many numbers again
        self._links: list[Link] = []

    def join(self, members: Sequence[Finding], reason: str, *, is_weak: bool = False) -> None:
        for a, b in pairwise(members):
            root_a, root_b = self._root(self._number[a.id]), self._root(self._number[b.id])
            if root_a == root_b:
                continue
            self._parent[root_b] = root_a
            self._links.append(Link(a=a.id, b=b.id, reason=reason, is_weak=is_weak))

    def members(self) -> list[list[Finding]]:
        """Return the findings of every group, in the order in which they were given."""
        return list(self._by_root().values())

    def components(self) -> list[tuple[tuple[Finding, ...], tuple[Link, ...]]]:
        links: dict[int, list[Link]] = defaultdict(list)
        for held in self._links:
            links[self._root(self._number[held.a])].append(held)
        return [(tuple(found), tuple(links.get(root, ()))) for root, found in self._by_root().items()]

    def _by_root(self) -> dict[int, list[Finding]]:
        members: dict[int, list[Finding]] = {}
        for number, finding in enumerate(self._findings):
            members.setdefault(self._root(number), []).append(finding)
        return members

    def _root(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number
