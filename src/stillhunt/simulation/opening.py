"""Opens the estate that a script plays in: who, how large, since when; and plays its months of ordinary life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stillhunt.simulation.background import live
from stillhunt.simulation.background.newcomers import welcome
from stillhunt.simulation.chance import stream
from stillhunt.simulation.estate import Organisation
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["open_estate"]

_ORGANISATIONS = (
    Organisation(
        title="Harbour Conservancy",
        domain="harbour.example",
        netbios="HARBOUR",
        departments=("Pilotage", "Surveys", "Correspondence"),
        register_share="Charts",
        register_file="soundings_{year}_all.csv",
    ),
    Organisation(
        title="Institute for River Policy",
        domain="riverpolicy.example",
        netbios="RIVERPOLICY",
        departments=("Research", "Events", "Press"),
        register_share="Manuscripts",
        register_file="contributors_{year}.csv",
    ),
    Organisation(
        title="Secretariat of the Upland Assembly",
        domain="assembly.example",
        netbios="ASSEMBLY",
        departments=("Committees", "Protocol", "Correspondence"),
        register_share="Members",
        register_file="members_{year}_full.csv",
    ),
    Organisation(
        title="Union of Translators",
        domain="translators.example",
        netbios="TRANSLATORS",
        departments=("Membership", "Casework", "Press"),
        register_share="Membership",
        register_file="membership_{year}.csv",
    ),
    Organisation(
        title="Valley Water Board",
        domain="waterboard.example",
        netbios="WATERBOARD",
        departments=("Operations", "Planning", "Customers"),
        register_share="Plans",
        register_file="network_{year}_full.csv",
    ),
)


def open_estate(seed: int, parts: frozenset[Part], *, is_small: bool, n_intruders: int = 1) -> World:
    """Return an estate with all its ordinary life over sixteen to eighteen months.

    Args:
        seed: Another seed gives another organisation, other months, other people.
        parts: What it has beside its Windows domain.
        is_small: Few people, and only part of their days.
        n_intruders: How many will come: each needs administrators of their own to rob.
    """
    random = stream(seed, "opening")
    organisation = random.choice(_ORGANISATIONS)
    months = random.randrange(20)
    start = datetime(2021 + (5 + months) // 12, (5 + months) % 12 + 1, 1, tzinfo=UTC)
    world = World.found(
        organisation,
        seed=seed,
        start=start,
        end=start + timedelta(days=random.randrange(480, 548)),
        parts=parts,
        pace=0.22 if is_small else 1.0,
        n_staff=random.randrange(5, 8) if is_small else 12,
        n_workstations=random.randrange(2, 4) if is_small else 5,
        n_administrators=2 * max(1, n_intruders),
    )
    live(world)
    welcome(world)
    return world
