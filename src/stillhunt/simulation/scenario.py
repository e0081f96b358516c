"""Scenarios by name, and the one verb of this room: simulate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stillhunt.errors import UnknownNameError
from stillhunt.registry import Registry
from stillhunt.simulation.clearing import clear_folder
from stillhunt.simulation.feed import LogFile
from stillhunt.simulation.opening import open_estate
from stillhunt.simulation.partial import Partial, cut
from stillhunt.simulation.parts import Part
from stillhunt.simulation.shelf import Entry, saying, shelves
from stillhunt.simulation.truth import Intrusion, Ledger, Stage, Truth, union
from stillhunt.simulation.world import World
from stillhunt.simulation.writer import log_files, write

__all__ = ["SCENARIOS", "Scenario", "Stage", "Truth", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An intrusion that can be simulated, or an estate without one.

    Attributes:
        name: The name it is asked for by.
        title: What happens, in a few words.
        summary: What happens, in a few sentences.
        needs: Returns what the estate must have beside its Windows domain, from the seed.
        play: Plays the intruder into a world that already has its ordinary life; None if nobody comes.
        opens: Its own estate, used where it plays alone and at full size; else one is opened that has what it needs.
    """

    name: str
    title: str
    summary: str
    needs: Callable[[int], frozenset[Part]]
    play: Callable[[World], None] | None
    opens: Callable[[int], World] | None = None


SCENARIOS: Registry[Scenario] = Registry(
    "scenario", package="stillhunt.simulation.scenarios", constant="SCENARIO", group="stillhunt.scenarios"
)
"""Every scenario by name; a new one is a file in ``scenarios/`` with a constant ``SCENARIO``."""


def simulate(
    scenario: str,
    out: Path,
    *,
    seed: int = 1,
    companion: str = "",
    partial: Partial | str = "",
    is_small: bool = False,
) -> Truth:
    """Write the logs of a synthetic intrusion into a folder, with their truth beside them.

    The same arguments give the same bytes. It writes logs; it never does anything.

    Args:
        scenario: Name of the scenario.
        out: A new or empty folder, or one that an earlier simulation wrote, which is replaced.
        seed: Another number gives other times, names and addresses.
        companion: Name of a second intruder's scenario in the same estate, or empty.
        partial: Which part of the logs to withhold, or empty; see :class:`Partial`.
        is_small: True for an estate of few people with part of their days.

    Returns:
        What is true of the logs.

    Raises:
        InputError: The folder holds something that no simulation wrote.
        UnknownNameError: There is no such scenario, or no such part.
    """
    scripts = [SCENARIOS[name] for name in (scenario, companion) if name]
    withheld = _partial(partial)
    clear_folder(out)
    world = _open(scripts, seed, is_small=is_small)
    acts = [_play(world, script, scripts[:number]) for number, script in enumerate(scripts) if script.play]
    cuts = cut(world, withheld, [e for found in acts for e in found]) if withheld else ()
    files = list(log_files(world))
    truth = _truth(world, scripts, files, acts, partial=withheld.value if withheld else "", cuts=cuts)
    write(files, truth, out)
    return truth


def _partial(name: Partial | str) -> Partial | None:
    if not name:
        return None
    if name not in list(Partial):
        known = ", ".join(p.value for p in Partial)
        raise UnknownNameError(f"unknown part of the logs `{name}`", hint=f"known: {known}")
    return Partial(name)


def _open(scripts: list[Scenario], seed: int, *, is_small: bool) -> World:
    (first, *others) = scripts
    if first.opens and not others and not is_small:
        return first.opens(seed)
    parts = frozenset().union(*(script.needs(seed) for script in scripts))
    return open_estate(seed, parts, is_small=is_small, n_intruders=len(scripts))


def _play(world: World, script: Scenario, earlier: list[Scenario]) -> list[Entry]:
    """Play one intruder, and return the records they left; those of the defenders who notice them are not theirs."""
    number = 1 + sum(other.name == script.name for other in earlier)
    ledger = Ledger(name=script.name if number == 1 else f"{script.name}-{number}", scenario=script.name)
    world.ledgers.append(ledger)
    before = [e for shelf in shelves(world) for e in shelf.entries]
    if script.play:
        script.play(world)
    known = {id(e) for e in (*before, *world.innocent)}
    until = (ledger.noticed_at or world.end) - timedelta(hours=1)
    return [e for shelf in shelves(world) for e in shelf.entries if id(e) not in known and e.at < until]


def _truth(
    world: World,
    scripts: list[Scenario],
    files: list[LogFile],
    acts: list[list[Entry]],
    *,
    partial: str,
    cuts: tuple[str, ...],
) -> Truth:
    intrusions = _intrusions(world, acts)
    ledgers = [ledger for ledger in world.ledgers if ledger.scenario]
    noticed = [i.noticed_at for i in intrusions if i.noticed_at]
    begins = {shelf.source: min(e.at for e in shelf.entries) for shelf in shelves(world)}
    return Truth(
        scenario=scripts[0].name,
        title=scripts[0].title,
        seed=world.seed,
        synthetic=True,
        starts_at=min(begins.values()),
        ends_at=max(e.at for shelf in shelves(world) for e in shelf.entries),
        first_break_in=min((i.first_break_in for i in intrusions if i.first_break_in), default=None),
        last_sign=max((i.last_sign for i in intrusions if i.last_sign), default=None),
        noticed_at=min(noticed, default=None),
        hosts_confirmed=_all(i.hosts_confirmed for i in intrusions),
        accounts_confirmed=_all(i.accounts_confirmed for i in intrusions),
        accounts_exposed=_all(i.accounts_exposed for i in intrusions),
        mailboxes_confirmed=_all(i.mailboxes_confirmed for i in intrusions),
        addresses=_all(i.addresses for i in intrusions),
        domains=_all(i.domains for i in intrusions),
        paths=_all(i.paths for i in intrusions),
        files_read=_all(i.files_read for i in intrusions),
        web_shells=_all(i.web_shells for i in intrusions),
        stages=tuple(sorted((s for ledger in ledgers for s in ledger.stages()), key=_begun)),
        cleared=tuple(c for ledger in ledgers for c in ledger.cleared),
        inputs={file.path: file.n_events for file in files},
        n_events=sum(file.n_events for file in files),
        companion=scripts[1].name if len(scripts) > 1 else "",
        partial=partial,
        withheld=cuts,
        begins=begins,
        intrusions=tuple(intrusions),
    )


def _intrusions(world: World, acts: list[list[Entry]]) -> list[Intrusion]:
    written = {id(e): shelf for shelf in shelves(world) for e in shelf.entries}
    closed = []
    for ledger, entries in zip((x for x in world.ledgers if x.scenario), acts, strict=True):
        visible: dict[str, list[datetime]] = {}
        said = []
        for entry in (e for e in entries if id(e) in written):
            shelf = written[id(entry)]
            visible.setdefault(shelf.source, []).append(entry.at)
            said.append(f"{shelf.host} {saying(entry)}")
        closed.append(ledger.closed(visible, "\n".join(said).lower()))
    return closed


def _all(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    together: list[str] = []
    for values in lists:
        union(together, values)
    return tuple(together)


def _begun(stage: Stage) -> datetime:
    return stage.first_at
