"""Connections from outside through a gateway: who was given which address inside, from when to when.

What was done from an address inside while it was somebody's was done by whoever connected from outside. That is how a
directory's secrets, copied by a service's account, lead to the address abroad from which another account's password
was used. A session ends with the gateway's word, with the next owner of the address, or after a day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.moment import moment

__all__ = ["Session", "Sessions"]

_LONGEST = timedelta(days=1)
_OPENS = frozenset({"opened", "assigned"})
_CLOSES = "closed"

Mark = tuple[str, str, str, str, str, str, int]
"""``open`` or ``close``, gateway, file, account, address outside, address inside, microseconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Session:
    """One connection from outside.

    Attributes:
        opened_at: From when.
        closed_at: To when, at most.
        account: As whom, as the gateway calls them.
        outside: The address they came from.
        inside: The address they were given; empty if the gateway does not say.
        gateway: Which machine let them in.
    """

    opened_at: datetime
    closed_at: datetime
    account: str
    outside: str
    inside: str
    gateway: str


@dataclass(slots=True)
class Sessions:
    """What gateways logged of connections, whatever the order it was read in."""

    marks: set[Mark] = field(default_factory=set)

    def observe(self, batch: EventBatch) -> None:
        """Take note of connections that were opened or closed."""
        data = batch.data
        if "session" not in data.schema.names or "auth" not in batch.event_class.services:
            return
        inside: Any = data.column("assigned_ip") if "assigned_ip" in data.schema.names else None
        columns = [data.column(n).cast(pa.string()).to_pylist() for n in _NAMES]
        given = inside.cast(pa.string()).to_pylist() if inside is not None else [None] * data.num_rows
        times = pc.cast(data.column("@timestamp"), pa.int64()).to_pylist()
        for at, action, host, file, account, outside, told in zip(times, *columns, given, strict=True):
            if at is None or not account or not outside:
                continue
            if action in _OPENS:
                self.marks.add(("open", host or "", file or "", account, outside, told or "", at))
            elif action == _CLOSES:
                self.marks.add(("close", host or "", file or "", account, outside, "", at))

    def take(self, other: Sessions) -> None:
        """Take in what another worker saw."""
        self.marks |= other.marks

    def shift(self, shift_s: Callable[[str, str], int]) -> None:
        """Correct every time. To be called once, after reading."""
        self.marks = {(*mark[:6], mark[6] + shift_s(mark[2], mark[1]) * 1_000_000) for mark in self.marks}

    def all(self) -> tuple[Session, ...]:
        """Return the connections in order of time; of one that is logged twice, the one that says the address."""
        closes: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        taken: dict[tuple[str, str], list[int]] = defaultdict(list)
        opens = sorted(mark for mark in self.marks if mark[0] == "open")
        for kind, gateway, _, account, outside, inside, at in sorted(self.marks):
            if kind == "close":
                closes[gateway, account, outside].append(at)
            elif inside:
                taken[gateway, inside].append(at)
        for times in (*closes.values(), *taken.values()):
            times.sort()
        assigned = {(m[1], m[3], m[4], m[6] // _TOGETHER_US) for m in opens if m[5]}
        found: list[Session] = []
        for _, gateway, _, account, outside, inside, at in opens:
            beat = at // _TOGETHER_US
            if not inside and any((gateway, account, outside, beat + n) in assigned for n in (-1, 0, 1)):
                continue
            ends = [_after(closes[gateway, account, outside], at), _after(taken[gateway, inside], at)]
            opened_at = moment(at)
            closed_at = min([opened_at + _LONGEST, *(moment(e) for e in ends if e is not None)])
            found.append(
                Session(
                    opened_at=opened_at,
                    closed_at=closed_at,
                    account=account,
                    outside=outside,
                    inside=inside,
                    gateway=gateway,
                )
            )
        return tuple(sorted(found))


_TOGETHER_US = 30_000_000
_NAMES = ("session", "host.name", "event.file", "user.target.name", "source.ip")


def _after(times: Sequence[int], at: int) -> int | None:
    place = bisect_right(times, at)
    return times[place] if place < len(times) else None
