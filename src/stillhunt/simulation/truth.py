"""What is true of a simulated intrusion, and how it is noted down while the script is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["ClearedLog", "Ledger", "Stage", "Truth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of the intrusion.

    Attributes:
        title: What was done, in a few words.
        host: Where.
        tactics: ATT&CK tactics.
        techniques: ATT&CK technique ids.
        first_at: First record that shows it.
        last_at: Last record that shows it.
    """

    title: str
    host: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedLog:
    """A log the intruder cleared: records between the two instants are gone."""

    host: str
    channel: str
    since: datetime
    cleared_at: datetime
    n_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that is true of a simulation; ``truth.json`` beside the logs holds it.

    Attributes:
        scenario: Name of the scenario.
        title: Title of the scenario.
        seed: Seed it was written with.
        synthetic: Always True: nothing in these logs ever happened.
        starts_at: First event.
        ends_at: Last event.
        first_break_in: First request or action that let the intruder in, to the second its record shows; None
            where there is no intrusion.
        last_sign: Last trace of the intruder.
        noticed_at: When the defenders noticed.
        hosts_confirmed: Hosts the intruder had control of, or read content on.
        accounts_confirmed: Accounts the intruder acted as.
        accounts_exposed: Accounts whose secrets the intruder took.
        mailboxes_confirmed: Mailboxes the intruder took out.
        addresses: The intruder's addresses outside.
        domains: The intruder's domains.
        paths: Files the intruder wrote.
        files_read: Files of the organisation that the intruder read.
        web_shells: Address paths of web shells.
        stages: What was done, in order.
        cleared: Logs that were cleared.
        inputs: Log files written, with their number of events.
        n_events: Events in all.
    """

    scenario: str
    title: str
    seed: int
    synthetic: bool
    starts_at: datetime
    ends_at: datetime
    first_break_in: datetime | None
    last_sign: datetime | None
    noticed_at: datetime | None
    hosts_confirmed: tuple[str, ...]
    accounts_confirmed: tuple[str, ...]
    accounts_exposed: tuple[str, ...]
    mailboxes_confirmed: tuple[str, ...]
    addresses: tuple[str, ...]
    domains: tuple[str, ...]
    paths: tuple[str, ...]
    files_read: tuple[str, ...]
    web_shells: tuple[str, ...]
    stages: tuple[Stage, ...]
    cleared: tuple[ClearedLog, ...]
    inputs: dict[str, int]
    n_events: int


@dataclass(slots=True)
class _OpenStage:
    title: str
    host: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    times: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """The notes of a script: what is true, gathered while it is played.

    Attributes are those of :class:`Truth`; lists keep the order of what happened.
    """

    noticed_at: datetime | None = None
    hosts: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    files_read: list[str] = field(default_factory=list)
    web_shells: list[str] = field(default_factory=list)
    cleared: list[ClearedLog] = field(default_factory=list)
    _stages: list[_OpenStage] = field(default_factory=list)

    def begin(self, title: str, *, host: str, tactics: tuple[str, ...], techniques: tuple[str, ...]) -> None:
        """Begin a stage; the signs that follow belong to it."""
        self._stages.append(_OpenStage(title, host, tactics, techniques))

    def sign(self, at: datetime) -> datetime:
        """Note a trace of the intruder in the current stage, and return its time."""
        self._stages[-1].times.append(at)
        return at

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages that left a trace, in order of their first."""
        closed = [
            Stage(
                title=stage.title,
                host=stage.host,
                tactics=stage.tactics,
                techniques=stage.techniques,
                first_at=min(stage.times),
                last_at=max(stage.times),
            )
            for stage in self._stages
            if stage.times
        ]
        return tuple(sorted(closed, key=lambda s: s.first_at))
