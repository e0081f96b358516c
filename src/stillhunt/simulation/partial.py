"""Partial logs, as responders get them: begun too late, a host's missing, kept too short, with a hole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from stillhunt.simulation.chance import stream, wobble
from stillhunt.simulation.shelf import Entry, Shelf, shelves, withhold
from stillhunt.simulation.world import World

__all__ = ["Partial", "cut"]

_DAY = 86_400.0


class Partial(StrEnum):
    """Which part of the logs is withheld."""

    LATE = "late"
    """Every log begins weeks or months after the break-in."""
    ENTRY = "entry"
    """The logs that show the break-in begin after it; the others are whole."""
    MISSING = "missing"
    """One host's logs, or one service's, are missing: of one where the intruder was, if there was more than one."""
    RETENTION = "retention"
    """Every log was kept for a time of its own, from weeks to a year, and begins accordingly."""
    GAP = "gap"
    """All logs of one host or service have a hole of two to eight weeks."""


def cut(world: World, partial: Partial, acts: Sequence[Entry]) -> tuple[str, ...]:
    """Withhold part of a world's logs, and return what was withheld, in sentences.

    Args:
        world: Whose logs.
        partial: Which part.
        acts: The intruders' records, from which it is known where they came in; empty if there is nobody.
    """
    random = stream(world.seed, f"partial {partial.value}")
    known = [at for at in (ledger.first_break_in() for ledger in world.ledgers) if at]
    entered = min(known, default=world.start + (world.end - world.start) / 4)
    found = _shown(world, acts)
    return _CUTS[partial](world, random, entered, found)


_Shown = list[tuple[Shelf, list[datetime]]]
"""Every log with the times of the intruders' records in it."""


def _shown(world: World, acts: Sequence[Entry]) -> _Shown:
    known = {id(e) for e in acts}
    return [(shelf, [e.at for e in shelf.entries if id(e) in known]) for shelf in shelves(world)]


def _late(world: World, random: Random, entered: datetime, shown: _Shown) -> tuple[str, ...]:
    common = wobble(random, entered, 20 * _DAY, 150 * _DAY)
    begins = {_machine(s): wobble(random, common, 0, 20 * _DAY) for s, _ in shown}
    return _begin(world, {s.source: begins[_machine(s)] for s, _ in shown})


def _entry(world: World, random: Random, entered: datetime, shown: _Shown) -> tuple[str, ...]:
    begins = wobble(random, entered, 15 * _DAY, 120 * _DAY)
    first = {_machine(s) for s, times in shown if any(at - entered < timedelta(days=2) for at in times)}
    return _begin(world, {s.source: begins for s, _ in shown if _machine(s) in first})


def _missing(world: World, random: Random, entered: datetime, shown: _Shown) -> tuple[str, ...]:
    del entered
    visited = sorted({_machine(s) for s, times in shown if times})
    candidates = visited if len(visited) > 1 else sorted({_machine(s) for s, _ in shown} - set(visited))
    if not candidates:
        return ()
    chosen = random.choice(candidates)
    gone = {s.source for s, _ in shown if _machine(s) == chosen}
    withhold(world, lambda source, _: source in gone)
    return (f"all logs of {chosen} are missing",)


def _retention(world: World, random: Random, entered: datetime, shown: _Shown) -> tuple[str, ...]:
    del entered
    kept = {}
    for shelf, _ in shown:
        busy = shelf.source.endswith(" Security") or shelf.source.startswith(("vpn", "zeek"))
        n_days = random.choice((30, 60, 90, 180)) if busy else random.choice((90, 180, 365, 400))
        kept[shelf.source] = world.end - timedelta(days=n_days)
    return _begin(world, kept)


def _gap(world: World, random: Random, entered: datetime, shown: _Shown) -> tuple[str, ...]:
    machines = sorted({_machine(s) for s, _ in shown})
    chosen = random.choice(machines)
    since = wobble(random, entered, -20 * _DAY, 200 * _DAY)
    until = wobble(random, since, 14 * _DAY, 56 * _DAY)
    holed = {s.source for s, _ in shown if _machine(s) == chosen}
    withhold(world, lambda source, at: source in holed and since <= at < until)
    return (f"all logs of {chosen} lack {since:%Y-%m-%d} to {until:%Y-%m-%d}",)


def _begin(world: World, begins: dict[str, datetime]) -> tuple[str, ...]:
    withhold(world, lambda source, at: source in begins and at < begins[source])
    return tuple(f"{source} begins {at:%Y-%m-%d}" for source, at in sorted(begins.items()))


def _machine(shelf: Shelf) -> str:
    """A host's name, or a service's first word: what is lost together."""
    return shelf.host.partition(".")[0] if shelf.host else shelf.source.partition(" ")[0]


_CUTS: dict[Partial, Callable[[World, Random, datetime, _Shown], tuple[str, ...]]] = {
    Partial.LATE: _late,
    Partial.ENTRY: _entry,
    Partial.MISSING: _missing,
    Partial.RETENTION: _retention,
    Partial.GAP: _gap,
}
