"""Scenarios by name, and the one verb of this room: simulate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stillhunt.errors import InputError
from stillhunt.registry import Registry
from stillhunt.simulation.truth import Stage, Truth
from stillhunt.simulation.world import World
from stillhunt.simulation.writer import README_NAME, TRUTH_NAME, LogFile, log_files, write

__all__ = ["SCENARIOS", "Scenario", "Stage", "Truth", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An intrusion that can be simulated, or an estate without one.

    Attributes:
        name: The name it is asked for by.
        title: What happens, in a few words.
        summary: What happens, in a few sentences.
        write: Plays it: from a seed to a world with all its events and its ledger.
    """

    name: str
    title: str
    summary: str
    write: Callable[[int], World]


SCENARIOS: Registry[Scenario] = Registry(
    "scenario", package="stillhunt.simulation.scenarios", constant="SCENARIO", group="stillhunt.scenarios"
)
"""Every scenario by name; a new one is a file in ``scenarios/`` with a constant ``SCENARIO``."""


def simulate(scenario: str, out: Path, *, seed: int = 1) -> Truth:
    """Write the logs of a synthetic intrusion into a folder, with their truth beside them.

    The same scenario and seed give the same bytes. It writes logs; it never does anything.

    Args:
        scenario: Name of the scenario.
        out: A new or empty folder, or one that an earlier simulation wrote, which is replaced.
        seed: Another number gives other times, names and addresses.

    Returns:
        What is true of the logs.

    Raises:
        InputError: The folder holds something that no simulation wrote.
        UnknownNameError: There is no such scenario.
    """
    chosen = SCENARIOS[scenario]
    _clear(out)
    world = chosen.write(seed)
    files = list(log_files(world))
    truth = _truth(chosen, seed, world, files)
    write(files, truth, out)
    return truth


def _truth(scenario: Scenario, seed: int, world: World, files: list[LogFile]) -> Truth:
    ledger = world.ledger
    stages = ledger.stages()
    starts_at, ends_at = _span(world)
    return Truth(
        scenario=scenario.name,
        title=scenario.title,
        seed=seed,
        synthetic=True,
        starts_at=starts_at,
        ends_at=ends_at,
        first_break_in=min((s.first_at for s in stages), default=None),
        last_sign=max((s.last_at for s in stages), default=None),
        noticed_at=ledger.noticed_at,
        hosts_confirmed=tuple(ledger.hosts),
        accounts_confirmed=tuple(ledger.accounts),
        accounts_exposed=tuple(ledger.exposed),
        mailboxes_confirmed=tuple(ledger.mailboxes),
        addresses=tuple(ledger.addresses),
        domains=tuple(ledger.domains),
        paths=tuple(ledger.paths),
        files_read=tuple(ledger.files_read),
        web_shells=tuple(ledger.web_shells),
        stages=stages,
        cleared=tuple(ledger.cleared),
        inputs={file.path: file.n_events for file in files},
        n_events=sum(file.n_events for file in files),
    )


def _span(world: World) -> tuple[datetime, datetime]:
    times = [e.at for machine in world.machines.values() for e in machine.events]
    times += [r.at for r in world.web.requests]
    return min(times), max(times)


def _clear(out: Path) -> None:
    """Remove what an earlier simulation wrote; refuse whatever else is there."""
    if not out.exists():
        return
    hint = "name a new or empty folder; only what an earlier simulation wrote is replaced"
    if not out.is_dir():
        raise InputError("a folder is needed, and this is a file", where=str(out), hint=hint)
    present = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_symlink() or not p.is_dir()}
    strangers = sorted(present - _written_before(out))
    if strangers:
        what = f"the folder holds `{strangers[0]}`, which no simulation wrote"
        raise InputError(what, where=str(out), hint=hint)
    for name in present:
        (out / name).unlink()
    for folder in sorted(out.rglob("*"), reverse=True):
        folder.rmdir()


def _written_before(out: Path) -> set[str]:
    """Paths that the truth file in a folder says were written with it; empty if there is none of ours."""
    try:
        found = json.loads((out / TRUTH_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    if not isinstance(found, dict) or found.get("synthetic") is not True or not isinstance(found.get("inputs"), dict):
        return set()
    return {TRUTH_NAME, README_NAME, *map(str, found["inputs"])}
