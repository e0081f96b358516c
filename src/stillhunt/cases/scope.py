"""How far it went: what is confirmed to be compromised, and what may be.

Confirmed: the evidence shows control or access: a host on which a core finding was made, an account that acted
in one, a mailbox or file that one names; and only in a case of high level or above, in one of medium level whose acts
were done through a gateway from a strange address, or by a finding of high level that is not an account's act from its
usual place, since weaker ones do not confirm that anybody was there. Accounts
that were used from an intruder's address are confirmed too, and machines reached in a way never taken before within
an hour of a sign. Potential: reachable with what was taken, with no trace either way: accounts that logged on
remotely to a host under control, hosts that a confirmed account logged on to from one. Shares, mailboxes and sites
that a confirmed account opened since the first sign are told with how much of them: confirmed if it came from an
address of the case or of a host under control, else potential, since accounts have owners.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stillhunt.cases.case import Scope, ScopedEntity
from stillhunt.cases.link import host_of, is_meaningful_account, is_remote_address
from stillhunt.cases.outside import Outside, outside
from stillhunt.cases.trail import Trail
from stillhunt.cases.whereabouts import is_in_usual_place
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

__all__ = ["scope"]

_CONTROL_TACTICS = frozenset(
    {"execution", "persistence", "privilege-escalation", "credential-access", "collection", "exfiltration"}
)


@dataclass(slots=True)
class _Trace:
    scope: Scope
    why: str
    findings: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)


def scope(
    findings: Sequence[Finding], trail: Trail, level: Level, *, known: Outside | None = None
) -> tuple[ScopedEntity, ...]:
    """Return every host, account, address, mailbox and file of a case with how sure it is.

    Args:
        findings: The core findings of the case, in order of time.
        trail: What the rest of the logs remembers, in corrected time.
        level: How serious the case is.
        known: What connects the inside with addresses outside; worked out if it is not given.
    """
    known = outside(trail) if known is None else known
    came_in = level.rank >= Level.MEDIUM.rank and any(known.sessions_of(finding) for finding in findings)
    can_confirm = came_in or level.rank >= Level.HIGH.rank
    traces: dict[tuple[EntityKind, str], _Trace] = {}
    for finding in findings:
        is_sure = can_confirm or _is_sure(finding, known)
        for entity in finding.entities:
            _take(traces, entity, finding, can_confirm=is_sure)
    if can_confirm or any(_is_sure(finding, known) for finding in findings):
        _used(traces, known, findings)
        _followed(traces, known, findings)
    _reachable(traces, trail, findings)
    _opened(traces, known, findings)
    return tuple(
        ScopedEntity(
            entity=Entity(EntityKind.APPLICATION if _is_application(kind, value) else kind, value),
            scope=trace.scope,
            why=trace.why,
            first_at=min(trace.times, default=None),
            last_at=max(trace.times, default=None),
            findings=tuple(dict.fromkeys(trace.findings)),
        )
        for (kind, value), trace in sorted(traces.items(), key=lambda i: (i[0][0], i[1].scope, i[0][1]))
    )


def _take(traces: dict[tuple[EntityKind, str], _Trace], entity: Entity, finding: Finding, *, can_confirm: bool) -> None:
    judged = _judge(entity, finding)
    if judged is None:
        return
    how_sure, why = judged
    if not can_confirm:
        how_sure = Scope.POTENTIAL
    trace = traces.setdefault((entity.kind, entity.value), _Trace(how_sure, why))
    if trace.scope is Scope.POTENTIAL and how_sure is Scope.CONFIRMED:
        trace.scope, trace.why = how_sure, why
    trace.findings.append(finding.id)
    trace.times.extend(t for t in (finding.first_at, finding.last_at) if t is not None)


def _is_sure(finding: Finding, known: Outside) -> bool:
    """Tell whether a finding confirms what it names even in a lesser case: it is strong, and from no usual place."""
    return finding.detector.level.rank >= Level.HIGH.rank and not is_in_usual_place(finding, known.places)


def _used(traces: dict[tuple[EntityKind, str], _Trace], known: Outside, findings: Sequence[Finding]) -> None:
    """Add accounts that were used from addresses of theirs, and what they logged on to through a gateway."""
    theirs = known.addresses(findings)
    for account, address, seen in known.arrivals(theirs):
        if not known.places.is_usual(account, address) and is_meaningful_account(account):
            why = f"used from {address}, which is theirs"
            key = EntityKind.ACCOUNT, known.full_name(account)
            _confirm(traces, key, why, [seen[0].first_at, max(s.last_at for s in seen)])
    for session, logon in known.during(theirs):
        times = [max(logon.first_at, session.opened_at), min(logon.last_at, session.closed_at)]
        way = f"through the connection of {session.account} from {session.outside}"
        if is_meaningful_account(logon.account):
            _confirm(traces, (EntityKind.ACCOUNT, logon.account), f"logged on to {logon.host} {way}", times)
        key, why = (EntityKind.HOST, logon.host), f"{logon.account} logged on to it {way}"
        if logon.logon_type == _DESKTOP:
            _confirm(traces, key, why, times)
        else:
            _potential(traces, key, why, times)


def _followed(traces: dict[tuple[EntityKind, str], _Trace], known: Outside, findings: Sequence[Finding]) -> None:
    """Add machines that were logged on to in a way never taken before, within an hour of a sign on a machine held.

    New ways are rare and signs are few, so the two seldom meet by chance; where the log of the machine reaches back
    less than a month, nothing can be called new.
    """
    held = {value for (kind, value), t in traces.items() if kind is EntityKind.HOST and t.scope is Scope.CONFIRMED}
    times = sorted(
        t
        for f in findings
        if _is_strong(f) and host_of(f) in held
        for t in (f.first_at, f.last_at, *(e.ref.at for e in f.evidence))
        if t is not None
    )
    for logon in known.trail.logons_begun(times, _SOON):
        if logon.host in held or not is_meaningful_account(logon.account) or known.is_given(logon.address):
            continue
        begin, way_begins = known.trail.logons_begin(logon.host), known.trail.way_begins(logon.account, logon.address)
        if begin is None or logon.first_at - begin < _NEW_AFTER or way_begins is None or way_begins < times[0]:
            continue
        place = bisect_right(times, logon.first_at)
        after = round((logon.first_at - times[place - 1]).total_seconds() / 60)
        why = f"{logon.account} came from {logon.address}, a way never taken before, {after} min after a sign of theirs"
        _confirm(traces, (EntityKind.HOST, logon.host), why, [logon.first_at, logon.last_at])
        _confirm(traces, (EntityKind.ACCOUNT, logon.account), f"logged on to {logon.host}: {why}", [logon.first_at])


_SOON = timedelta(hours=1)
_NEW_AFTER = timedelta(days=30)

_DESKTOP = "10"
"""Windows' type of a logon over remote desktop, which gives control; one over the network reads at most."""


def _confirm(
    traces: dict[tuple[EntityKind, str], _Trace], key: tuple[EntityKind, str], why: str, times: list[datetime]
) -> None:
    trace = traces.setdefault(key, _Trace(Scope.CONFIRMED, why))
    if trace.scope is Scope.POTENTIAL:
        trace.scope, trace.why = Scope.CONFIRMED, why
    trace.times += times


_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _is_application(kind: EntityKind, value: str) -> bool:
    """Tell whether an account is no person's but an application's, which clouds name by its identifier."""
    return kind is EntityKind.ACCOUNT and bool(_IDENTIFIER.fullmatch(value))


def _is_strong(finding: Finding) -> bool:
    return finding.detector.level.rank >= Level.MEDIUM.rank


def _acts(entity: Entity) -> bool:
    return entity.kind is EntityKind.ACCOUNT and entity.role == "subject" and is_meaningful_account(entity.value)


_ASKED = frozenset(
    "T1552.004 T1606 T1606.002 T1558 T1558.003 T1558.004 T1110 T1110.001 T1110.003 T1110.004 T1187 T1557".split()  # noqa: SIM905  # reads better
)
"""Techniques in which a machine answers what it is asked, as directories do: nobody need control it for that."""

_INSIDE = frozenset(
    {EntityKind.PROCESS, EntityKind.PROCESS_ID, EntityKind.FILE, EntityKind.SERVICE, EntityKind.HASH, EntityKind.URL}
)


def _shows_control(finding: Finding) -> bool:
    """Tell whether a finding shows that somebody ran or kept something on its host, or took its secrets."""
    if not _CONTROL_TACTICS.intersection(finding.detector.tactics):
        return False
    is_inside = any(entity.kind in _INSIDE for entity in finding.entities)
    return is_inside or not _ASKED.issuperset(finding.detector.techniques)


def _judge(entity: Entity, finding: Finding) -> tuple[Scope, str] | None:
    title = finding.detector.title
    is_strong = _is_strong(finding)
    shows_control = is_strong and _shows_control(finding)
    match entity.kind:
        case EntityKind.HOST:
            if shows_control:
                return Scope.CONFIRMED, f"control shown by: {title}"
            return Scope.POTENTIAL, f"touched: {title}"
        case EntityKind.ACCOUNT if is_meaningful_account(entity.value):
            if entity.role == "subject" and is_strong:
                return Scope.CONFIRMED, f"acted in: {title}"
            return Scope.POTENTIAL, f"named in: {title}"
        case EntityKind.MAILBOX:
            return (Scope.CONFIRMED if is_strong else Scope.POTENTIAL), f"named in: {title}"
        case EntityKind.ADDRESS if is_remote_address(entity.value):
            return Scope.POTENTIAL, f"{entity.role or 'address'} in: {title}"
        case EntityKind.DOMAIN | EntityKind.FILE | EntityKind.HASH | EntityKind.PROCESS | EntityKind.SERVICE:
            return (Scope.CONFIRMED if is_strong else Scope.POTENTIAL), f"used in: {title}"
        case _:
            return None


def _reachable(traces: dict[tuple[EntityKind, str], _Trace], trail: Trail, findings: Sequence[Finding]) -> None:
    """Add accounts exposed on hosts under control, and hosts that stolen accounts reached from them."""
    start = min((f.first_at for f in findings if f.first_at is not None), default=None)
    if start is None:
        return
    held = {value for (kind, value), t in traces.items() if kind is EntityKind.HOST and t.scope is Scope.CONFIRMED}
    accounts = {
        value for (kind, value), t in traces.items() if kind is EntityKind.ACCOUNT and t.scope is Scope.CONFIRMED
    }
    dumped = {host_of(f) for f in findings if "credential-access" in f.detector.tactics} & held
    theirs = {address for host in held for address in trail.own_addresses.get(host, ())}
    for logon in trail.logons_at(hosts=dumped, addresses=theirs):
        if logon.last_at < start or not is_meaningful_account(logon.account):
            continue
        times = [t for t in (logon.first_at, logon.last_at) if t >= start]
        if logon.host in dumped:
            why = f"logged on to {logon.host}, where credentials were taken"
            _potential(traces, (EntityKind.ACCOUNT, logon.account), why, times)
        origin = trail.host_of_address(logon.address)
        if origin in held and logon.host != origin and logon.account in accounts:
            why = f"{logon.account} logged on to it from {origin}"
            _potential(traces, (EntityKind.HOST, logon.host), why, times)


def _opened(traces: dict[tuple[EntityKind, str], _Trace], known: Outside, findings: Sequence[Finding]) -> None:
    """Add what confirmed accounts opened from the first sign on: confirmed from the intruder's addresses only."""
    start = min((f.first_at for f in findings if f.first_at is not None), default=None)
    confirmed = {key for key, trace in traces.items() if trace.scope is Scope.CONFIRMED}
    trail = known.trail
    accounts = {e.value for f in findings if _is_strong(f) for e in f.entities if _acts(e)}
    accounts |= {value for kind, value in confirmed if kind is EntityKind.ACCOUNT}
    if start is None or not accounts:
        return
    held = {value for kind, value in confirmed if kind is EntityKind.HOST}
    addresses = {value for kind, value in traces if kind is EntityKind.ADDRESS}
    addresses |= known.addresses(findings)
    addresses -= known.places.houses
    addresses |= {address for host in held for address in trail.own_addresses.get(host, ())}
    for access in trail.accesses.by(accounts, since=start):
        is_theirs = access.address in addresses and (EntityKind.ACCOUNT, access.account) in confirmed
        if access.address in _ITSELF and (EntityKind.ACCOUNT, access.account) in confirmed:
            is_theirs = any(access.container.startswith(f"\\\\{host}\\") for host in held)
        what = (
            f"{access.n_items:,} {_ITEMS[access.kind]}{'s' if access.n_items != 1 else ''}" if access.n_items else "it"
        )
        came = f" from {access.address}" if access.address else ""
        why = f"{what} opened by {access.account}{came}"
        trace = traces.setdefault((access.kind, access.container), _Trace(Scope.POTENTIAL, why))
        if is_theirs and trace.scope is Scope.POTENTIAL:
            trace.scope, trace.why = Scope.CONFIRMED, why
        trace.times += [access.first_at, access.last_at]
        server = _server_of(access.container) if access.kind is EntityKind.SHARE else ""
        if server and is_theirs and access.n_items:
            why = f"{what} on it opened by {access.account}{came}"
            _confirm(traces, (EntityKind.HOST, server), why, [access.first_at, access.last_at])


def _server_of(share: str) -> str:
    r"""Return the machine of a share named ``\\\\machine\\share``, or nothing."""
    return share.removeprefix("\\\\").partition("\\")[0] if share.startswith("\\\\") else ""


_ITEMS = {EntityKind.SHARE: "file", EntityKind.MAILBOX: "message", EntityKind.SITE: "document"}
_ITSELF = frozenset({"", "::1", "127.0.0.1"})
"""Addresses of whoever opens a share of the machine they are on."""


def _potential(
    traces: dict[tuple[EntityKind, str], _Trace], key: tuple[EntityKind, str], why: str, times: list[datetime]
) -> None:
    if key not in traces:
        traces[key] = _Trace(Scope.POTENTIAL, why, times=list(times))
