"""A case: findings that belong to one intrusion, dated and scoped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stillhunt.terms.entity import Entity
from stillhunt.terms.level import Level

__all__ = ["BreakIn", "Case", "Link", "Move", "Scope", "ScopedEntity", "Stage"]


class Scope(StrEnum):
    """How sure it is that an entity was compromised (STIX incident-core: confirmed, suspected)."""

    CONFIRMED = "confirmed"
    POTENTIAL = "potential"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakIn:
    """When they first broke in: an interval with its grounds.

    Attributes:
        earliest: Not before this, or None if the logs set no lower bound.
        latest: Not after this: the first sign.
        is_censored: True if the logs begin too late to show the break-in: "no later than".
        host: Where the first sign was seen, or the address it came from if the log names no machine; else empty.
        grounds: The sentences that support it.
        findings: Ids of the findings it rests on.
        is_from_outside: Whether ``host`` is where somebody came from, and no machine that was entered: services in
            a cloud and web servers log their visitors and not themselves.
    """

    earliest: datetime | None
    latest: datetime | None
    is_censored: bool
    host: str
    grounds: tuple[str, ...]
    findings: tuple[str, ...] = ()
    is_from_outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Why two findings, or a finding and the rest of its case, belong together.

    Attributes:
        a: Finding id.
        b: Finding id.
        reason: One sentence: what they share.
        is_weak: They share no more than a host.
    """

    a: str
    b: str
    reason: str
    is_weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedEntity:
    """An entity of a case and how sure it is that it was compromised.

    Attributes:
        entity: What.
        scope: ``confirmed``: the evidence shows control or access; ``potential``: reachable, no trace either way.
        why: One sentence.
        first_at: First trace in this case.
        last_at: Last trace in this case.
        findings: Ids of the findings that name it.
    """

    entity: Entity
    scope: Scope
    why: str
    first_at: datetime | None
    last_at: datetime | None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One ATT&CK tactic reached in a case.

    Attributes:
        tactic: Short name, such as ``credential-access``.
        first_at: When it was first seen.
        last_at: When it was last seen.
        techniques: Technique ids seen under it.
        findings: Ids of its findings.
    """

    tactic: str
    first_at: datetime | None
    last_at: datetime | None
    techniques: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Remote logons of one account from one place to one host.

    Attributes:
        origin: The host they came from, or the address where no host is known to have it.
        host: The host they came to.
        account: As whom.
        first_at: First of them within the case.
        last_at: Last of them within the case.
        count: How many were logged, also outside the case's time.
    """

    origin: str
    host: str
    account: str
    first_at: datetime
    last_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Findings linked into one intrusion.

    Attributes:
        id: ``case-`` and a hash of the findings that carry it.
        opening: One sentence: who, since when, how far, how sure.
        level: How serious the evidence together is.
        level_why: One sentence on why that level.
        break_in: When they first broke in.
        first_at: First sign.
        last_at: Last sign.
        dwell_s: Seconds from the latest possible break-in to the last sign, or None without times.
        is_active_at_end: True if the last sign lies at the very end of the logs of its host.
        hosts: Hosts in it.
        entities: Everything touched, with scope.
        stages: ATT&CK tactics reached, in matrix order.
        techniques: ATT&CK technique ids, sorted.
        software: ATT&CK software ids, sorted.
        findings: Ids of the findings that carry the case, in order of time.
        context: Ids of weak findings that share a host or more with it, but date and scope nothing.
        links: Why they belong together.
        quiet: Silences of more than a week between signs, as (start, end).
        blind: What could not be seen, in sentences.
        moves: Remote logons from one place of it to another, in order of time.
    """

    id: str
    opening: str
    level: Level
    level_why: str
    break_in: BreakIn
    first_at: datetime | None
    last_at: datetime | None
    dwell_s: int | None
    is_active_at_end: bool
    hosts: tuple[str, ...]
    entities: tuple[ScopedEntity, ...]
    stages: tuple[Stage, ...]
    techniques: tuple[str, ...]
    software: tuple[str, ...]
    findings: tuple[str, ...]
    links: tuple[Link, ...]
    context: tuple[str, ...] = ()
    quiet: tuple[tuple[datetime, datetime], ...] = ()
    blind: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
