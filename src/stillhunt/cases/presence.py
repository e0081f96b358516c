"""When somebody was at the keyboard: the instants of a case that a hand made, not a program.

Working hours tell where an operator sits only if beacons, services and scheduled tasks are left out. Four things
count, all between the first and the last sign of the case:

- a program that a shell, a script host or a web server's worker of the case started, unless the same command line was
  started there more than ten times: nobody types that often, and a task does;
- a logon of an account under control from one place of the case to another, if there were at most ten;
- the first and last reading of shared files, mail and documents by such an account from an outside address of it;
- of findings that name no process, the records that show them, if the tactic needs a hand (they explore, steal
  credentials, move on, collect) or a web server was asked, and it happened at most ten times.

What is left out is left out silently on purpose: a case has thousands of records that say nothing of hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from stillhunt.cases.case import Case, Scope
from stillhunt.cases.operator import is_external
from stillhunt.cases.trail import Process, Trail, file_name
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind

__all__ = ["at_the_keyboard"]

_MOST_TIMES = 10
"""Repetitions above which something is taken for a machine's."""

_SHELLS = frozenset(
    {
        *("cmd.exe", "powershell.exe", "pwsh.exe", "wscript.exe", "cscript.exe", "mshta.exe", "w3wp.exe"),
        *("sh", "bash", "dash", "zsh", "ash", "ksh", "pwsh", "php-fpm", "httpd", "apache2", "nginx"),
        *("httpd.exe", "nginx.exe", "php-cgi.exe", "tomcat.exe", "umworkerprocess.exe", "wsmprovhost.exe"),
    }
)
"""Programs through which people work: command interpreters, and servers behind which a web shell sits."""

_BY_HAND = frozenset({"discovery", "credential-access", "lateral-movement", "collection"})
"""Tactics in which somebody looks at what there is and decides."""


def at_the_keyboard(case: Case, findings: Mapping[str, Finding], trail: Trail) -> tuple[datetime, ...]:
    """Return when hands were at work in a case: the first instant of every hour in which they were, in order.

    Args:
        case: The case.
        findings: All findings by id.
        trail: What the rest of the logs remembers, in corrected time.
    """
    if case.first_at is None or case.last_at is None:
        return ()
    members = [findings[f] for f in case.findings if f in findings]
    found = {*_commands(members, trail), *_logons(case), *_readings(case, trail), *_records(members)}
    first: dict[datetime, datetime] = {}
    for at in sorted(at for at in found if case.first_at <= at <= case.last_at):
        first.setdefault(at.replace(minute=0, second=0, microsecond=0), at)
    return tuple(first.values())


def _commands(members: Iterable[Finding], trail: Trail) -> Iterator[datetime]:
    named = {e.value for f in members for e in f.entities if e.kind is EntityKind.PROCESS_ID}
    shells = {p for p in sorted(named) if p in trail.processes and _is_shell(trail.processes[p].image)}
    started = trail.processes.started_by(shells)
    # A named process whose parent was not logged still says what its parent was.
    started += [
        trail.processes[p]
        for p in sorted(named)
        if p in trail.processes
        and trail.processes[p].parent not in shells
        and _is_shell(trail.processes[p].parent_image)
    ]
    times = Counter(map(_what, started))
    return (process.at for process in started if times[_what(process)] <= _MOST_TIMES)


def _what(process: Process) -> tuple[str, str, str]:
    return process.host, process.image, process.command_line


def _is_shell(image: str) -> bool:
    return file_name(image) in _SHELLS


def _logons(case: Case) -> Iterator[datetime]:
    return (at for move in case.moves if move.count <= _MOST_TIMES for at in (move.first_at, move.last_at))


def _readings(case: Case, trail: Trail) -> Iterator[datetime]:
    accounts = {
        t.entity.value for t in case.entities if t.entity.kind is EntityKind.ACCOUNT and t.scope is Scope.CONFIRMED
    }
    addresses = {t.entity.value for t in case.entities if t.entity.kind is EntityKind.ADDRESS}
    outside = {address for address in addresses if is_external(address)}
    if not accounts or not outside or case.first_at is None:
        return iter(())
    return (
        at
        for access in trail.accesses.by(accounts, since=case.first_at)
        if access.address in outside
        for at in (access.first_at, access.last_at)
    )


def _records(members: Iterable[Finding]) -> Iterator[datetime]:
    for finding in members:
        kinds = {e.kind for e in finding.entities}
        is_by_hand = EntityKind.URL in kinds or _BY_HAND.intersection(finding.detector.tactics)
        if EntityKind.PROCESS_ID not in kinds and is_by_hand and finding.count <= _MOST_TIMES:
            yield from (e.ref.at for e in finding.evidence if e.ref.at is not None)
