"""What was read, what was not, and what the logs could have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stillhunt.errors import Problem
from stillhunt.terms.technique import TACTICS, tactic_title

__all__ = [
    "NEEDED_TACTICS",
    "ClassSpan",
    "ClockFault",
    "Coverage",
    "Gap",
    "HostSpan",
    "InputFile",
    "LoggingChange",
    "RecordHole",
    "RuleState",
    "RuleStatus",
    "SourceSpan",
    "Truncation",
    "UnreadRecord",
    "Verdict",
    "judge",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRecord:
    """A record that could not be read.

    Attributes:
        record: Where it is in its file.
        reason: Why.
        text: How it begins, where its source says so.
    """

    record: str
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file, or member of an archive, and what became of it.

    Attributes:
        path: As given, with ``!member`` for a member of an archive.
        source: Name of the source that read it, or None if no source knows it.
        n_bytes: Size of the raw content read, uncompressed.
        n_events: Events read.
        n_unread: Records that could not be parsed.
        n_duplicates: Records that are there more than once, which were read once.
        note: Why nothing or not everything was read; empty if all was well.
        n_zoneless: Events whose time names no zone.
        zone: The zone that these were taken to be in; empty if there are none.
        zone_why: How that is known; empty if it was only assumed.
        n_hour_twice: Those of them in an hour that came twice, when clocks were put back: the first is taken.
        n_hour_never: Those in an hour that never was, when clocks were put forward.
        samples: The first records that could not be read.
        breaks_off: It ends in the middle: its last record could not be read, or it could not be unpacked to its end.
    """

    path: str
    source: str | None
    n_bytes: int
    n_events: int
    n_unread: int
    n_duplicates: int = 0
    note: str = ""
    n_zoneless: int = 0
    zone: str = ""
    zone_why: str = ""
    n_hour_twice: int = 0
    n_hour_never: int = 0
    samples: tuple[UnreadRecord, ...] = ()
    breaks_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSpan:
    """How many events of one kind there are, and from when to when.

    Attributes:
        name: Event class, such as ``windows/process_creation``.
        channel: Windows channel, or None.
    """

    name: str
    channel: str | None
    n_events: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpan:
    """What was read of one source, and from when to when it reaches, after clock corrections."""

    source: str
    n_files: int
    n_events: int
    n_unread: int
    n_duplicates: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpan:
    """From when to when a host's logs reach, after clock corrections."""

    host: str
    n_events: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A silence of a host's channel, or of its source where there are none, that is long against its own rhythm."""

    host: str
    channel: str
    start_at: datetime
    end_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHole:
    """Record ids missing inside one file: removed, filtered on export, or lost.

    Attributes:
        is_telling: The ids around it run on without a break, at least a hundred for each hole: nothing was filtered.
    """

    path: str
    host: str
    channel: str
    first_missing: int
    last_missing: int
    is_telling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """A sign that a file stops short of what there was.

    Attributes:
        path: The file.
        source: What it is.
        sign: In a few words.
        why: One sentence.
    """

    path: str
    source: str
    sign: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingChange:
    """Events that say that logging itself was stopped, narrowed or emptied.

    Attributes:
        host: Where.
        channel: The channel that says so, or the product where there are none.
        what: What happened, in a few words.
        who: The account that did it, or empty.
        n_events: How often.
        first_at: When first.
        last_at: When last.
        path: A file that says so.
        record: A record in it.
        is_routine: It also happens at every restart.
    """

    host: str
    channel: str
    what: str
    who: str
    n_events: int
    first_at: datetime | None
    last_at: datetime | None
    path: str
    record: int
    is_routine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFault:
    """Two clocks of one host disagree; which is trusted, and why.

    Attributes:
        host: Whose records.
        path: In which file.
        trusted: The clock that is believed.
        distrusted: The clock that is not.
        shift_s: Seconds added to the distrusted clock's times of this host, or None if its times are left alone.
        n_events: Records that show the disagreement.
        why: One sentence.
    """

    host: str
    path: str
    trusted: str
    distrusted: str
    shift_s: int | None
    n_events: int
    why: str


RuleStatus = Literal["active", "dormant", "inert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """What became of one rule, rule filter, correlation or analytic.

    Attributes:
        id: Rule id, or the path where it has none.
        title: Rule title, or empty.
        path: File it was read from.
        status: ``active``; ``dormant``: no such source in these logs; ``inert``: cannot run.
        reason: Why dormant or inert; of a filter, what it filters; of what correlations do, what they used.
        kind: ``rule``, ``filter``, ``correlation``, ``analytic`` or ``indicator``.
        tactics: ATT&CK tactics it looks for.
        techniques: ATT&CK technique ids it looks for.
        n_findings: Findings it made.
        marking: How far its title may travel (Traffic Light Protocol 2.0), if it quotes an indicator of others.
    """

    id: str
    title: str
    path: str
    status: RuleStatus
    reason: str = ""
    kind: str = "rule"
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    n_findings: int = 0
    marking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an empty result would mean anything.

    Attributes:
        is_blind: True if the logs could not have shown a tactic that matters.
        blind_tactics: ATT&CK tactics that no active rule looks for here.
        sentence: The verdict in words.
    """

    is_blind: bool
    blind_tactics: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was read, what was not, and what the logs could have shown.

    Attributes:
        unseen: What could not be seen, in sentences without a full stop, the gravest first.
    """

    unseen: tuple[str, ...] = ()
    verdict: Verdict | None = None
    changes: tuple[LoggingChange, ...] = ()
    truncations: tuple[Truncation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    record_holes: tuple[RecordHole, ...] = ()
    clocks: tuple[ClockFault, ...] = ()
    problems: tuple[Problem, ...] = ()
    sources: tuple[SourceSpan, ...] = ()
    hosts: tuple[HostSpan, ...] = ()
    classes: tuple[ClassSpan, ...] = ()
    files: tuple[InputFile, ...] = ()
    rules: tuple[RuleState, ...] = ()

    @property
    def n_events(self) -> int:
        """Events read in all."""
        return sum(f.n_events for f in self.files)

    @property
    def n_unread(self) -> int:
        """Records that could not be parsed, in all."""
        return sum(f.n_unread for f in self.files)

    @property
    def n_zoneless(self) -> int:
        """Events whose time names no zone, in all."""
        return sum(f.n_zoneless for f in self.files)


NEEDED_TACTICS = ("execution", "persistence", "credential-access", "lateral-movement")
"""What a lurker cannot do without; logs that can show none or not all of these are called blind."""


def judge(rules: Sequence[RuleState], *, n_events: int) -> Verdict:
    """Say whether these logs could have shown an intrusion to these rules.

    Args:
        rules: Every rule with its state.
        n_events: Events read.
    """
    # An analytic sees one habit, an indicator one thing, neither a stage: they make no log see.
    rules = [rule for rule in rules if rule.kind not in {"filter", "analytic", "indicator"}]
    seen = {tactic for rule in rules if rule.status == "active" for tactic in rule.tactics}
    blind = tuple(t for t in TACTICS if t not in seen and t not in _OUTSIDE_THE_LOGS)
    missing = [tactic_title(t) for t in NEEDED_TACTICS if t not in seen]
    n_active = sum(rule.status == "active" for rule in rules)
    if n_events == 0:
        return Verdict(
            is_blind=True, blind_tactics=blind, sentence="no event was read, so nothing could have been seen"
        )
    if missing:
        sentence = f"these logs could not have shown {', '.join(missing)} to the {n_active} rules that apply to them"
        return Verdict(is_blind=True, blind_tactics=blind, sentence=sentence)
    sentence = f"{n_active} rules apply to these logs, for every stage that a lurker cannot do without"
    return Verdict(is_blind=False, blind_tactics=blind, sentence=sentence)


_OUTSIDE_THE_LOGS = frozenset({"reconnaissance", "resource-development"})
