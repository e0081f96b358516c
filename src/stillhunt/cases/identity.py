"""One machine or account under several names.

Hosts: addresses and short names that mean a host the logs also name in full.

A web server logs its address, Sysmon its full name, a collector the first label of it. Two names are taken for
one host only where the logs leave no choice: an address that exactly one named host uses as its own, or a short
name that is the first label of exactly one full name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address

from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import Coverage, HostSpan
from stillhunt.terms.entity import Entity, EntityKind

__all__ = ["account_names", "host_names", "with_merged_spans", "with_names"]


def host_names(hosts: Iterable[str], trail: Trail) -> dict[str, str]:
    """Return, for every host known by another name as well, the name to use."""
    known = sorted(set(hosts))
    full: dict[str, list[str]] = defaultdict(list)
    for host in known:
        if "." in host and not _is_address(host):
            full[host.partition(".")[0]].append(host)
    found: dict[str, str] = {}
    for host in known:
        if _is_address(host):
            owner = trail.host_of_address(host)
            if owner is not None and owner != host:
                found[host] = owner
        elif "." not in host and len(full[host]) == 1:
            found[host] = full[host][0]
    return {alias: found.get(name, name) for alias, name in found.items()}


def account_names(trail: Trail) -> dict[str, str]:
    """Return, for every account that one log names in its own way, the name that the others know it by."""
    known = trail.accounts_by_sid
    return known | {name: known[sid] for name, sid in trail.sids_by_name.items() if sid in known}


def with_names(
    findings: Sequence[Finding], hosts: Mapping[str, str], accounts: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Name hosts and accounts of findings by the names to use."""
    names = {EntityKind.HOST: hosts, EntityKind.ACCOUNT: accounts}
    return tuple(_renamed(f, names) if _is_concerned(f, names) else f for f in findings)


def with_merged_spans(coverage: Coverage, names: Mapping[str, str]) -> Coverage:
    """Join the spans of one host under the name to use, which its gaps and what befell its logs get as well."""
    spans: dict[str, HostSpan] = {}
    for span in coverage.hosts:
        name = names.get(span.host, span.host)
        spans[name] = _joined(spans[name], span) if name in spans else replace(span, host=name)
    gaps = tuple(replace(g, host=names.get(g.host, g.host)) for g in coverage.gaps)
    changes = tuple(replace(c, host=names.get(c.host, c.host)) for c in coverage.changes)
    return replace(coverage, hosts=tuple(spans[h] for h in sorted(spans)), gaps=gaps, changes=changes)


_Names = Mapping[EntityKind, Mapping[str, str]]


def _is_concerned(finding: Finding, names: _Names) -> bool:
    return any(e.value in names.get(e.kind, ()) for e in finding.entities)


def _renamed(finding: Finding, names: _Names) -> Finding:
    entities = {
        Entity(e.kind, names[e.kind].get(e.value, e.value), e.role) if e.kind in names else e for e in finding.entities
    }
    return replace(finding, entities=tuple(sorted(entities)))


def _joined(a: HostSpan, b: HostSpan) -> HostSpan:
    return HostSpan(
        host=a.host,
        n_events=a.n_events + b.n_events,
        first_at=min(_known(a.first_at, b.first_at), default=None),
        last_at=max(_known(a.last_at, b.last_at), default=None),
    )


def _known(*times: datetime | None) -> list[datetime]:
    return [t for t in times if t is not None]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
