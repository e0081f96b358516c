"""Ordinary life: months of what staff, administrators, servers and the Internet do without meaning harm."""

from __future__ import annotations

from stillhunt.simulation.background.administration import administer
from stillhunt.simulation.background.cloud import live_in_the_tenant
from stillhunt.simulation.background.hosting import host_the_site
from stillhunt.simulation.background.network import pass_the_sensor
from stillhunt.simulation.background.office import work_in_the_office
from stillhunt.simulation.background.post import fill_the_mailboxes
from stillhunt.simulation.background.remote import connect_from_outside
from stillhunt.simulation.background.servers import run_servers
from stillhunt.simulation.background.web import serve_the_web
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["live"]


def live(world: World) -> None:
    """Play ordinary life from the world's first day to its last.

    Restarts come first: processes that run from boot to boot are named by the boot before.
    """
    run_servers(world)
    administer(world)
    work_in_the_office(world)
    if Part.MAIL_SERVER in world.parts:
        serve_the_web(world)
    if Part.SENSOR in world.parts:
        pass_the_sensor(world)
    if Part.POSTBOX in world.parts:
        fill_the_mailboxes(world)
    if Part.VPN in world.parts:
        connect_from_outside(world)
    if Part.TENANT in world.parts:
        live_in_the_tenant(world)
    if {Part.WEB_LINUX, Part.WEB_WINDOWS} & world.parts:
        host_the_site(world)
