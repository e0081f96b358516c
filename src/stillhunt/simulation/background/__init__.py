"""Ordinary life: months of what staff, administrators, servers and the Internet do without meaning harm."""

from __future__ import annotations

from stillhunt.simulation.background.administration import administer
from stillhunt.simulation.background.office import work_in_the_office
from stillhunt.simulation.background.servers import run_servers
from stillhunt.simulation.background.web import serve_the_web
from stillhunt.simulation.world import World

__all__ = ["live"]


def live(world: World) -> None:
    """Play ordinary life from the world's first day to its last.

    Restarts come first: processes that run from boot to boot are named by the boot before.
    """
    run_servers(world)
    administer(world)
    work_in_the_office(world)
    serve_the_web(world)
