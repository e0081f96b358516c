"""A finding: one detector's match, with the records that show it and the reason it matched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from stillhunt.terms.entity import Entity
from stillhunt.terms.level import Level

__all__ = ["Clause", "Detector", "EventRef", "Evidence", "Finding", "to_json_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What yields findings: a Sigma rule, a correlation, or an analytic.

    Attributes:
        kind: ``sigma``, or ``behaviour`` of analytics.
        id: The rule's id.
        title: Its title.
        description: Its description.
        level: Its level.
        path: Where it was read from.
        tactics: ATT&CK tactics it is tagged with, in matrix order.
        techniques: ATT&CK technique ids.
        software: ATT&CK software ids.
        groups: ATT&CK group ids.
        vulnerabilities: CVE ids of what it shows to be exploited.
        false_positives: What else can look like this.
        references: Where to read on; never fetched.
        author: Who wrote the rule, as it says itself.
        marking: How far what it quotes of others may travel (Traffic Light Protocol 2.0); empty if it quotes nobody.
    """

    kind: str
    id: str
    title: str
    description: str
    level: Level
    path: str
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    vulnerabilities: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    author: str = ""
    marking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRef:
    """Where to find a record again.

    Attributes:
        file: Input file, with ``!member`` for a member of an archive.
        record: Record id or line number in it.
        at: When it happened, UTC, after clock corrections.
        clock: Field the time came from; says so if it was corrected.
    """

    file: str
    record: int
    at: datetime | None
    clock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One part of a rule's condition that held, and what made it hold: a tree.

    Attributes:
        kind: ``and``, ``or``, ``not``, ``field`` or ``keyword``.
        label: The rule's words: a detection's name, or field, modifier and pattern.
        field: The event field looked at; empty for inner nodes and keywords.
        value: The value found there, as logged; None if absent.
        children: The parts that held (of an ``or``, only those).
    """

    kind: str
    label: str
    field: str = ""
    value: str | None = None
    children: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One record that shows a finding.

    Attributes:
        ref: Where it is.
        original: The raw record as text.
        matched: Why it matched.
    """

    ref: EventRef
    original: str
    matched: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One detector's match on one happening, which may have recurred.

    The same rule matching with the same field values on the same host is one finding with a count.

    Attributes:
        id: ``finding-`` and a hash of detector, host and matched values: the same for the same input.
        detector: What found it.
        first_at: First occurrence, UTC.
        last_at: Last occurrence, UTC.
        count: Events that matched.
        entities: What it is about, sorted.
        evidence: The first records and the last one, in order of time.
        n_evidence_omitted: Matching records not kept in ``evidence``.
        has_all_entities: False if it is about more things than ``entities`` holds.
        n_days: Different days on which it occurred.
    """

    id: str
    detector: Detector
    first_at: datetime | None
    last_at: datetime | None
    count: int
    entities: tuple[Entity, ...]
    evidence: tuple[Evidence, ...]
    n_evidence_omitted: int = 0
    has_all_entities: bool = True
    n_days: int = 0


def to_json_lines(findings: Iterable[Finding]) -> Iterator[bytes]:
    """Yield each finding as one line of JSON, with all its evidence."""
    return (msgspec.json.encode(finding) + b"\n" for finding in findings)
