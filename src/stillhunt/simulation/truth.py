"""What is true of a simulated intrusion, and how it is noted down while the script is played."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["ClearedLog", "Intrusion", "Ledger", "Stage", "Truth", "union"]

_BEFORE_ENTRY = frozenset({"reconnaissance", "resource-development"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of the intrusion.

    Attributes:
        title: What was done, in a few words.
        host: Where: a host's full name, or the name of a cloud service.
        tactics: ATT&CK tactics.
        techniques: ATT&CK technique ids.
        first_at: First record that shows it.
        last_at: Last record that shows it.
        intruder: Whose stage it is, as named in :class:`Intrusion`.
    """

    title: str
    host: str
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    intruder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedLog:
    """A log the intruder cleared: records between the two instants are gone."""

    host: str
    channel: str
    since: datetime
    cleared_at: datetime
    n_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrusion:
    """What is true of one intruder.

    ``confirmed`` is what the intruder controlled or read; ``potential`` is what they could have reached with what
    they took, without a trace of it.

    Attributes:
        name: The script's name, with a number if there are two intruders of one script.
        scenario: Name of the script.
        first_break_in: The act that let the intruder in, to the second its record shows (or would have shown).
        first_visible: First record of the intruder in the files that were written; None if there is none.
        last_visible: Last record of the intruder in the files that were written.
        n_visible: Records of the intruder in the files that were written.
        visible_by_source: These records by log.
        last_sign: Last trace of the intruder, written or not.
        noticed_at: When the defenders noticed, or None.
        hosts_confirmed: Hosts the intruder had control of, or read content on.
        hosts_visible: Those of them that a written record of the intruder names or comes from.
        hosts_potential: Hosts within reach of what was taken.
        accounts_confirmed: Accounts the intruder acted as.
        accounts_visible: Those of them that a written record of the intruder names.
        accounts_exposed: Accounts whose secrets the intruder took.
        mailboxes_confirmed: Mailboxes whose content the intruder read or took out.
        mailboxes_visible: Those of them that a written record of the intruder names.
        mailboxes_potential: Mailboxes within reach of what was taken.
        shares_confirmed: Shares whose files the intruder read.
        shares_potential: Shares within reach of what was taken.
        files_read: Files of the organisation that the intruder read.
        folders_read: Mail folders that the intruder read, by mailbox.
        messages_read: Different messages that the intruder read, by mailbox; a synchronised folder counts none.
        applications: Cloud applications the intruder used, by id.
        addresses: The intruder's addresses outside.
        domains: The intruder's domains.
        paths: Files the intruder wrote.
        web_shells: Address paths of web shells.
        removed: What the intruder took away again: files, accounts, grants, keys.
    """

    name: str
    scenario: str
    first_break_in: datetime | None
    first_visible: datetime | None
    last_visible: datetime | None
    n_visible: int
    visible_by_source: dict[str, int]
    last_sign: datetime | None
    noticed_at: datetime | None
    hosts_confirmed: tuple[str, ...]
    hosts_visible: tuple[str, ...]
    hosts_potential: tuple[str, ...]
    accounts_confirmed: tuple[str, ...]
    accounts_visible: tuple[str, ...]
    accounts_exposed: tuple[str, ...]
    mailboxes_confirmed: tuple[str, ...]
    mailboxes_visible: tuple[str, ...]
    mailboxes_potential: tuple[str, ...]
    shares_confirmed: tuple[str, ...]
    shares_potential: tuple[str, ...]
    files_read: tuple[str, ...]
    folders_read: dict[str, tuple[str, ...]]
    messages_read: dict[str, int]
    applications: tuple[str, ...]
    addresses: tuple[str, ...]
    domains: tuple[str, ...]
    paths: tuple[str, ...]
    web_shells: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that is true of a simulation; ``truth.json`` beside the logs holds it.

    Where there are two intruders, lists hold what is true of either; :attr:`intrusions` keeps them apart.

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
        companion: Name of the second intruder's script, or empty.
        partial: Which part of the logs was withheld, or empty.
        withheld: What was withheld, in sentences.
        begins: When each log begins, as far as it was written.
        intrusions: The intruders, each on their own.
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
    companion: str = ""
    partial: str = ""
    withheld: tuple[str, ...] = ()
    begins: dict[str, datetime] = field(default_factory=dict)
    intrusions: tuple[Intrusion, ...] = ()


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

    Attributes are those of :class:`Intrusion`; lists keep the order of what happened.
    """

    name: str = ""
    scenario: str = ""
    noticed_at: datetime | None = None
    entered_at: datetime | None = None
    hosts: list[str] = field(default_factory=list)
    hosts_potential: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    mailboxes_potential: list[str] = field(default_factory=list)
    shares: list[str] = field(default_factory=list)
    shares_potential: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    files_read: list[str] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[str, set[str]] = field(default_factory=dict)
    web_shells: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    cleared: list[ClearedLog] = field(default_factory=list)
    _stages: list[_OpenStage] = field(default_factory=list)

    def begin(self, title: str, *, host: str, tactics: tuple[str, ...], techniques: tuple[str, ...]) -> None:
        """Begin a stage; the signs that follow belong to it."""
        self._stages.append(_OpenStage(title, host, tactics, techniques))

    def sign(self, at: datetime) -> datetime:
        """Note a trace of the intruder in the current stage, and return its time."""
        self._stages[-1].times.append(at)
        return at

    def enter(self, at: datetime) -> datetime:
        """Note the act that lets the intruder in, where it is not the first stage's first sign."""
        self.entered_at = at
        return self.sign(at)

    def read_folder(self, mailbox: str, folder: str, messages: Iterable[str] = ()) -> None:
        """Note that a mail folder was read, and which messages of it."""
        union(self.mailboxes, (mailbox,))
        union(self.folders.setdefault(mailbox, []), (folder,))
        self.messages.setdefault(mailbox, set()).update(messages)

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
                intruder=self.name,
            )
            for stage in self._stages
            if stage.times
        ]
        return tuple(sorted(closed, key=lambda s: s.first_at))

    def first_break_in(self) -> datetime | None:
        """Return when the intruder was let in: as noted, or the first sign that is more than reconnaissance."""
        if self.entered_at:
            return self.entered_at
        return min((s.first_at for s in self.stages() if not _BEFORE_ENTRY.issuperset(s.tactics)), default=None)

    def closed(self, visible: dict[str, list[datetime]], text: str) -> Intrusion:
        """Return what is true of this intruder.

        Args:
            visible: The times of their records that were written, by log.
            text: All that these records say, in lower case.
        """
        times = [at for found in visible.values() for at in found]
        confirmed = set(self.hosts)
        return Intrusion(
            name=self.name,
            scenario=self.scenario,
            first_break_in=self.first_break_in(),
            first_visible=min(times, default=None),
            last_visible=max(times, default=None),
            n_visible=len(times),
            visible_by_source={source: len(found) for source, found in sorted(visible.items()) if found},
            last_sign=max((s.last_at for s in self.stages()), default=None),
            noticed_at=self.noticed_at,
            hosts_confirmed=tuple(self.hosts),
            hosts_visible=tuple(h for h in self.hosts if h.partition(".")[0].lower() in text),
            hosts_potential=tuple(h for h in self.hosts_potential if h not in confirmed),
            accounts_confirmed=tuple(self.accounts),
            accounts_visible=tuple(a for a in self.accounts if _login(a) in text),
            accounts_exposed=tuple(self.exposed),
            mailboxes_confirmed=tuple(self.mailboxes),
            mailboxes_visible=tuple(m for m in self.mailboxes if m.lower() in text),
            mailboxes_potential=tuple(m for m in self.mailboxes_potential if m not in self.mailboxes),
            shares_confirmed=tuple(self.shares),
            shares_potential=tuple(s for s in self.shares_potential if s not in self.shares),
            files_read=tuple(self.files_read),
            folders_read={mailbox: tuple(folders) for mailbox, folders in self.folders.items()},
            messages_read={mailbox: len(messages) for mailbox, messages in self.messages.items()},
            applications=tuple(self.applications),
            addresses=tuple(self.addresses),
            domains=tuple(self.domains),
            paths=tuple(self.paths),
            web_shells=tuple(self.web_shells),
            removed=tuple(self.removed),
        )


def _login(account: str) -> str:
    return account.rpartition("\\")[2].lower()


def union(notes: list[str], values: Iterable[str]) -> None:
    """Add to notes, in order, what they do not hold yet."""
    notes.extend(value for value in dict.fromkeys(values) if value not in notes)
