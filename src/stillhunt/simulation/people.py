"""What somebody at a workstation does in a script without knowing whom it serves: log on, open a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from stillhunt.simulation.chance import wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.windows import Process, Session
from stillhunt.simulation.world import World

__all__ = ["Seat", "sit_down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Somebody at their workstation.

    Attributes:
        machine: Where.
        session: Their session.
        explorer: Its Explorer.
    """

    machine: Machine
    session: Session
    explorer: Process


def sit_down(world: World, person: Person, at: datetime, *, random: Random) -> Seat:
    """Have somebody log on at their workstation some time before ``at``, as on any other day."""
    machine = world.machines[person.workstation]
    before = len(machine.events)
    came = wobble(random, at, -2_400, -900)
    session = machine.log_on(came, person, logon_type=2, address="127.0.0.1", package="Negotiate")
    explorer = machine.run(
        wobble(random, came, 2, 9),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=machine.standing("winlogon.exe", came),
        session=session,
    )
    world.innocent += machine.events[before:]
    return Seat(machine=machine, session=session, explorer=explorer)
