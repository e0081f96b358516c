"""The invented office of the first scenarios, and its months of ordinary life."""

from __future__ import annotations

from datetime import UTC, datetime

from stillhunt.simulation.background import live
from stillhunt.simulation.estate import Organisation
from stillhunt.simulation.world import World

__all__ = ["open_office"]

_OFFICE = Organisation(
    title="Borough Elections Office",
    domain="elections.example",
    netbios="ELECTIONS",
    departments=("Registration", "Polling", "Correspondence"),
    register_share="Registers",
    register_file="electoral_register_{year}_full.csv",
)
_START = datetime(2021, 6, 1, tzinfo=UTC)
_END = datetime(2022, 10, 29, tzinfo=UTC)


def open_office(seed: int) -> World:
    """Return the office with all its ordinary life from June 2021 to October 2022."""
    world = World.found(_OFFICE, seed=seed, start=_START, end=_END)
    live(world)
    return world
