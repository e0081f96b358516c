"""What an estate does every day: findings that are habits of it and no intrusion.

A finding is a habit if it is of medium level or below, was there from the beginning of its host's logs, and occurs
on at least every other day of them, over a fortnight at least; or if its detector finds something on at least half of
all hosts (of four or more), from the beginning, as often. The latter holds for findings of any level: what every
machine does all the time is how the estate is run.

An indicator that one machine meets every day is a beacon as likely as a habit: of indicators only what most hosts meet
is folded.

Habits are folded, not deleted: they stay among the findings, are counted, and open no case. Whoever was inside before
the logs begin and has shown a medium sign every day since would look the same, which is why a habit is told with its
reason and can be kept with ``--habits keep``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from stillhunt.cases.link import host_of
from stillhunt.detection.finding import Finding
from stillhunt.telemetry.coverage import HostSpan
from stillhunt.terms.level import Level

__all__ = ["Habit", "habits"]

_FROM_THE_BEGINNING = timedelta(days=3)
_LEAST_SPAN = timedelta(days=14)
_OFTEN = 0.5
"""Share of the days of a host's logs on which a habit shows: a habit of working days shows on five of seven."""

_MANY_HOSTS = 4
_MOST_HOSTS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A finding that is a habit.

    Attributes:
        finding: Its id.
        why: One sentence.
    """

    finding: str
    why: str


def habits(findings: Sequence[Finding], spans: Mapping[str, HostSpan]) -> tuple[Habit, ...]:
    """Return the findings that are habits, sorted by id.

    Args:
        findings: All findings.
        spans: Host to the span of its logs.
    """
    regular = [f for f in findings if _is_regular(f, spans)]
    n_hosts = len(spans)
    hosts: dict[str, set[str]] = {}
    for finding in regular:
        hosts.setdefault(finding.detector.id, set()).add(host_of(finding))
    found = []
    for finding in regular:
        n_alike = len(hosts[finding.detector.id])
        if n_hosts >= _MANY_HOSTS and n_alike >= n_hosts * _MOST_HOSTS:
            often = f"so are findings of this detector on {n_alike:,} of {n_hosts:,} hosts"
        elif finding.detector.kind != "indicator" and finding.detector.level.rank <= Level.MEDIUM.rank:
            often = "and has been since they begin"
        else:
            continue
        why = f"seen on {finding.n_days:,} days of the {_n_days(spans[host_of(finding)]):,} of its host's logs, {often}"
        found.append(Habit(finding=finding.id, why=why))
    return tuple(sorted(found, key=lambda habit: habit.finding))


def _is_regular(finding: Finding, spans: Mapping[str, HostSpan]) -> bool:
    span = spans.get(host_of(finding))
    if span is None or span.first_at is None or span.last_at is None or finding.first_at is None:
        return False
    if span.last_at - span.first_at < _LEAST_SPAN or finding.first_at - span.first_at > _FROM_THE_BEGINNING:
        return False
    return finding.n_days >= _n_days(span) * _OFTEN


def _n_days(span: HostSpan) -> int:
    assert span.first_at is not None
    assert span.last_at is not None
    return (span.last_at.date() - span.first_at.date()).days + 1
