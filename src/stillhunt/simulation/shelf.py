"""Every log of a world as one list of records each, whatever writes it: what to withhold from, and to count in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from stillhunt.simulation.feed import Record
from stillhunt.simulation.iis import Request
from stillhunt.simulation.windows import WindowsEvent
from stillhunt.simulation.world import World

__all__ = ["Entry", "Shelf", "saying", "shelves", "withhold"]

Entry = WindowsEvent | Request | Record
"""A record of any log; all have the time they were written at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One log.

    Attributes:
        source: What the truth calls it, such as ``windows DC01 Security`` or ``zeek conn``.
        host: Full name of the host it is about, or empty for a service.
        entries: Its records.
    """

    source: str
    host: str
    entries: tuple[Entry, ...]


def shelves(world: World) -> Iterator[Shelf]:
    """Yield every log of a world that holds anything."""
    for name, machine in world.machines.items():
        channels: defaultdict[str, list[Entry]] = defaultdict(list)
        for event in machine.events:
            channels[event.kind.channel].append(event)
        for channel, events in sorted(channels.items()):
            yield Shelf(source=_windows(name, channel), host=machine.host.fqdn, entries=tuple(events))
    for name, web in world.webs.items():
        if web.requests:
            yield Shelf(source=f"iis {name}", host=web.host.fqdn, entries=tuple(web.requests))
    for feed in world.feeds():
        if feed.records:
            yield Shelf(source=feed.source, host=feed.host, entries=tuple(feed.records))


def saying(entry: Entry) -> str:
    """Return all that a record says, and the name of the host it comes from, in lower case."""
    if isinstance(entry, Record):
        return entry.text.lower()
    if isinstance(entry, Request):
        return f"{entry.client} {entry.username} {entry.path} {entry.query}".lower()
    return f"{entry.host.fqdn} {entry.data}".lower()


def withhold(world: World, is_lost: Callable[[str, datetime], bool]) -> None:
    """Take records out of the logs that will be written; Windows' record ids keep their holes.

    Args:
        world: Whose logs.
        is_lost: Tells from a log's source and a record's time whether the record is withheld.
    """
    for name, machine in world.machines.items():
        lost = [e for e in machine.events if is_lost(_windows(name, e.kind.channel), e.at)]
        gone = {id(e) for e in lost}
        machine.events[:] = [e for e in machine.events if id(e) not in gone]
        machine.cleared += lost
    for name, web in world.webs.items():
        web.requests[:] = [r for r in web.requests if not is_lost(f"iis {name}", r.at)]
    for feed in world.feeds():
        feed.records[:] = [r for r in feed.records if not is_lost(feed.source, r.at)]


def _windows(name: str, channel: str) -> str:
    return f"windows {name} {channel}"
