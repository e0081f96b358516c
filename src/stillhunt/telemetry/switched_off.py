"""Events that say that logging itself was stopped, narrowed or emptied: facts about what could be seen.

Sources: Microsoft, Windows security audit events 1100 to 1108, 4612, 4719, 4906; the event log service's event 104;
Sysmon's events 4 and 16; cmdlets of Exchange Online that switch auditing; AWS, Google and Azure operations on trails,
sinks and diagnostic settings; Linux audit's record types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.columns import mapped
from stillhunt.telemetry.event import COMMON, EventBatch

__all__ = ["SwitchLedger", "Switched", "SwitchedKey"]


class _Sign(NamedTuple):
    """What an event says.

    Attributes:
        what: In a few words.
        only: What the event's own fields must hold, written as ``name=value`` lines; empty for any.
        is_routine: It also happens at every restart.
    """

    what: str
    only: str = ""
    is_routine: bool = False


_EVENTLOG, _AUDITING = "microsoft-windows-eventlog", "microsoft-windows-security-auditing"
_WINDOWS: dict[tuple[str, str], _Sign] = {
    (_EVENTLOG, "1102"): _Sign("security log cleared"),
    (_EVENTLOG, "104"): _Sign("log cleared"),
    (_EVENTLOG, "1100"): _Sign("event log service stopped", is_routine=True),
    (_EVENTLOG, "1101"): _Sign("audit events dropped"),
    (_EVENTLOG, "1104"): _Sign("security log full"),
    (_EVENTLOG, "1108"): _Sign("event log service failed to log"),
    (_AUDITING, "1102"): _Sign("security log cleared"),
    (_AUDITING, "4612"): _Sign("audit events lost"),
    (_AUDITING, "4719"): _Sign("auditing switched off", only=r"(?m)^AuditPolicyChanges=.*(?:%%8448|%%8450|removed)"),
    (_AUDITING, "4906"): _Sign("halt on failed auditing changed"),
    ("microsoft-windows-sysmon", "4"): _Sign("Sysmon stopped", only=r"(?mi)^State=Stopped", is_routine=True),
    ("service control manager", "7036"): _Sign(
        "logging service stopped",
        only=r"(?mi)^param1=(?:Windows Event Log|Sysmon(?:64)?|Windows Event Collector)$[\s\S]*^param2=stopped",
        is_routine=True,
    ),
    ("service control manager", "7040"): _Sign(
        "logging service disabled",
        only=r"(?mi)^param1=(?:Windows Event Log|Sysmon(?:64)?)$[\s\S]*^param3=disabled",
    ),
}
"""(provider, event id) to what it says."""

_ACTIONS: dict[str, _Sign] = {
    "set-adminauditlogconfig": _Sign(
        "audit log of the tenant switched off", only=r"(?i)(?:UnifiedAuditLogIngestion|AdminAuditLog)Enabled\W.*?False"
    ),
    "set-mailboxauditbypassassociation": _Sign("mailbox auditing bypassed", only=r"(?i)AuditBypassEnabled\W.*?True"),
    "set-mailbox": _Sign("mailbox auditing switched off", only=r"(?i)AuditEnabled\W.*?False"),
    "set-organizationconfig": _Sign("auditing of the organisation switched off", only=r"(?i)AuditDisabled\W.*?True"),
    "remove-unifiedauditlogretentionpolicy": _Sign("retention of the audit log removed"),
    "stoplogging": _Sign("trail stopped"),
    "deletetrail": _Sign("trail deleted"),
    "deleteflowlogs": _Sign("flow logs deleted"),
    "deletedetector": _Sign("GuardDuty deleted"),
    "deleteloggroup": _Sign("log group deleted"),
    "google.logging.v2.configservicev2.deletesink": _Sign("log sink deleted"),
    "google.logging.v2.loggingservicev2.deletelog": _Sign("log deleted"),
    "microsoft.insights/diagnosticsettings/delete": _Sign("diagnostic settings deleted"),
    "microsoft.operationalinsights/workspaces/delete": _Sign("log workspace deleted"),
}
"""Operation, in lower case, to what it says."""

_LINUX_TYPES = {
    "DAEMON_END": _Sign("audit daemon stopped", is_routine=True),
    "DAEMON_ABORT": _Sign("audit daemon failed"),
    "CONFIG_CHANGE": _Sign("auditing switched off", only=r"(?m)^(?:audit_enabled=0|op=remove_rule)\b"),
}
_LINUX_MESSAGES = (
    (re.compile(r"audit daemon is exiting", re.IGNORECASE), _Sign("audit daemon stopped", is_routine=True)),
    (re.compile(r"audit: (?:rate limit|backlog limit) exceeded|audit: audit_lost=[1-9]"), _Sign("audit events lost")),
    (re.compile(r"audit daemon is suspending logging", re.IGNORECASE), _Sign("audit daemon suspended")),
)

SwitchedKey = tuple[str, str, str, str]
"""File, host, channel (or product where there is none), what."""

_MOST_KEPT = 10_000


@dataclass(slots=True)
class Switched:
    """Events that say the same.

    Attributes:
        n_events: How many.
        first_at: The first of them.
        last_at: The last.
        record: A record of them, the one with the smallest number.
        who: The account that did it, where one is named.
        is_routine: It also happens at every restart.
    """

    n_events: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    record: int = 0
    who: str = ""
    is_routine: bool = False

    def take(self, other: Switched) -> None:
        """Take other events that say the same."""
        firsts = [at for at in (self.first_at, other.first_at) if at is not None]
        lasts = [at for at in (self.last_at, other.last_at) if at is not None]
        self.first_at, self.last_at = min(firsts, default=None), max(lasts, default=None)
        if not self.n_events or (other.n_events and (other.record, other.who) < (self.record, self.who)):
            self.record, self.who = other.record, other.who
        self.n_events += other.n_events
        self.is_routine = other.is_routine


@dataclass(slots=True)
class SwitchLedger:
    """Collects them."""

    seen: dict[SwitchedKey, Switched] = field(default_factory=dict)

    def observe(self, batch: EventBatch) -> None:
        """Take note of a batch."""
        event = batch.event_class
        if event.product == "windows":
            sign = _WINDOWS.get(((event.provider or "").lower(), event.event_id or ""))
            if sign is not None:
                self._take(batch, sign, None)
            return
        self._by_text(batch, "event.action", lambda text: _ACTIONS.get(text.lower()))
        if event.product == "linux":
            self._by_text(batch, "type", _LINUX_TYPES.get)
            self._by_text(batch, "message", _of_message)

    def take(self, other: SwitchLedger) -> None:
        """Take in what another worker saw."""
        for key, switched in other.seen.items():
            self.seen.setdefault(key, Switched()).take(switched)

    def _by_text(self, batch: EventBatch, column: str, sign_of: Any) -> None:
        if column not in batch.data.schema.names:
            return
        texts: Any = batch.data.column(column)
        if not pa.types.is_dictionary(texts.type):
            return
        signs = {text: sign for text in texts.dictionary.to_pylist() if text and (sign := sign_of(text)) is not None}
        for sign in dict.fromkeys(signs.values()):
            chosen = mapped(texts, lambda text, sign=sign: "1" if signs.get(text) == sign else None)  # type: ignore[misc]
            self._take(batch, sign, pc.is_valid(chosen))

    def _take(self, batch: EventBatch, sign: _Sign, mask: Any) -> None:
        data = batch.data if mask is None else batch.data.filter(mask)
        only = re.compile(sign.only) if sign.only else None
        names = [name for name in data.schema.names if name not in COMMON]
        place = batch.event_class.channel or batch.event_class.product
        told = [*_TOLD, *(names if only is not None else ())]
        for row in data.select(told).to_pylist():
            if only is not None and not only.search("\n".join(f"{n}={row[n]}" for n in names if row[n] is not None)):
                continue
            key = (row["event.file"] or "", row["host.name"] or "", place, sign.what)
            if key in self.seen or len(self.seen) < _MOST_KEPT:
                at = row["@timestamp"]
                one = Switched(1, at, at, row["event.record"] or 0, row["user.name"] or "", sign.is_routine)
                self.seen.setdefault(key, Switched()).take(one)


_TOLD = ("event.file", "host.name", "@timestamp", "event.record", "user.name")


def _of_message(text: str) -> _Sign | None:
    return next((sign for pattern, sign in _LINUX_MESSAGES if pattern.search(text)), None)
