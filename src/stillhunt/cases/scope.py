"""How far it went: what is confirmed to be compromised, and what may be.

Confirmed: the evidence shows control or access: a host on which a core finding was made, an account that acted
in one, a mailbox or file that one names; and only in a case of high level or above, since a weaker one does not
confirm that anybody was there at all. Potential: reachable with what was taken, with no trace either way:
accounts that logged on remotely to a host under control, hosts that a confirmed account logged on to from one.
Shares, mailboxes and sites that a confirmed account opened since the first sign are told with how much of them:
confirmed if it came from an address of the case or of a host under control, else potential, since accounts have owners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stillhunt.cases.case import Scope, ScopedEntity
from stillhunt.cases.link import host_of, is_meaningful_account, is_remote_address
from stillhunt.cases.trail import Trail
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


def scope(findings: Sequence[Finding], trail: Trail, level: Level) -> tuple[ScopedEntity, ...]:
    """Return every host, account, address, mailbox and file of a case with how sure it is.

    Args:
        findings: The core findings of the case, in order of time.
        trail: What the rest of the logs remembers, in corrected time.
        level: How serious the case is.
    """
    can_confirm = level.rank >= Level.HIGH.rank
    traces: dict[tuple[EntityKind, str], _Trace] = {}
    for finding in findings:
        for entity in finding.entities:
            _take(traces, entity, finding, can_confirm=can_confirm)
    _reachable(traces, trail, findings)
    _opened(traces, trail, findings)
    return tuple(
        ScopedEntity(
            entity=Entity(kind, value),
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


def _is_strong(finding: Finding) -> bool:
    return finding.detector.level.rank >= Level.MEDIUM.rank


def _acts(entity: Entity) -> bool:
    return entity.kind is EntityKind.ACCOUNT and entity.role == "subject" and is_meaningful_account(entity.value)


def _judge(entity: Entity, finding: Finding) -> tuple[Scope, str] | None:
    title = finding.detector.title
    is_strong = _is_strong(finding)
    shows_control = is_strong and bool(_CONTROL_TACTICS.intersection(finding.detector.tactics))
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
    for key in sorted(trail.logons):
        logon = trail.logons[key]
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


def _opened(traces: dict[tuple[EntityKind, str], _Trace], trail: Trail, findings: Sequence[Finding]) -> None:
    """Add what confirmed accounts opened from the first sign on: confirmed from the intruder's addresses only."""
    start = min((f.first_at for f in findings if f.first_at is not None), default=None)
    confirmed = {key for key, trace in traces.items() if trace.scope is Scope.CONFIRMED}
    accounts = {e.value for f in findings if _is_strong(f) for e in f.entities if _acts(e)}
    if start is None or not accounts:
        return
    held = {value for kind, value in confirmed if kind is EntityKind.HOST}
    addresses = {value for kind, value in traces if kind is EntityKind.ADDRESS}
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


_ITEMS = {EntityKind.SHARE: "file", EntityKind.MAILBOX: "message", EntityKind.SITE: "document"}
_ITSELF = frozenset({"", "::1", "127.0.0.1"})
"""Addresses of whoever opens a share of the machine they are on."""


def _potential(
    traces: dict[tuple[EntityKind, str], _Trace], key: tuple[EntityKind, str], why: str, times: list[datetime]
) -> None:
    if key not in traces:
        traces[key] = _Trace(Scope.POTENTIAL, why, times=list(times))
