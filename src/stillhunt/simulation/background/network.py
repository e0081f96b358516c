"""What passes the network sensor: browsing, update checks, telemetry, clocks, calls, and the nightly backup's upload.

Some of it is as regular as any implant, and meant to be.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.chance import moment, stream, visits, wobble
from stillhunt.simulation.estate import Host
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["pass_the_sensor", "site_address"]

_SITES = (
    "search",
    "news",
    "maps",
    "weather",
    "travel",
    "dictionary",
    "bank",
    "video",
    "library",
    "forum",
    "shop",
    "recipes",
    "rail",
    "tenders",
    "gazette",
    "archive",
)
_AGENT = "Microsoft-Delivery-Optimization/10.0"
_PROBE = "Microsoft NCSI"


def pass_the_sensor(world: World) -> None:
    """Play every day of the traffic with the world outside; a sensor bought for the site alone sees no workstations."""
    random = stream(world.seed, "network background")
    is_only_for_site = bool({Part.WEB_LINUX, Part.WEB_WINDOWS} & world.parts) and Part.POSTBOX not in world.parts
    for host in () if is_only_for_site else world.estate.workstations:
        for day in days(world.start, world.end):
            if is_working_day(day) and random.random() < min(0.9, 0.5 + 0.5 * world.pace):
                _spend_day(world, random, host, day)
    for day in days(world.start, world.end):
        if world.is_due(random):
            _back_up_outside(world, moment(random, day, 1.9, 2.1), random)


def site_address(world: World, name: str) -> str:
    """Return the address of a site outside, the same every time."""
    random = stream(world.seed, f"site {name}")
    return f"198.51.100.{random.randrange(1, 255)}"


def _spend_day(world: World, random: Random, host: Host, day: datetime) -> None:
    came = moment(random, day, office_hour(day, 8.1), office_hour(day, 9.6))
    left = moment(random, day, office_hour(day, 16.3), office_hour(day, 18.2))
    _probe(world, random, host, came)
    for _ in range(visits(random, 1 + 7 * world.pace)):
        _browse(world, random, host, wobble(random, came, 60, (left - came).total_seconds()))
    _report(world, random, host, came, left)
    if day.toordinal() % 3 == 0:
        _check_for_updates(world, random, host, wobble(random, came, 600, 3000))
    if random.random() < 0.06 * (1 + world.pace):
        _call(world, random, host, wobble(random, came, 1800, 18_000))


def _browse(world: World, random: Random, host: Host, at: datetime) -> None:
    site = _SITES[min(int(random.expovariate(0.25)), len(_SITES) - 1)]
    name = f"www.{site}.example"
    answer = site_address(world, name)
    asked = world.sensor.look_up(at, host.address, name, answer)
    sent, received = random.randrange(900, 9_000), random.randrange(5_000, 900_000)
    world.sensor.connect(
        asked, host, answer, 443, name=name, lasted=random.uniform(0.4, 90), sent=sent, received=received
    )


def _probe(world: World, random: Random, host: Host, at: datetime) -> None:
    """Windows looks whether there is an Internet."""
    name = "connecttest.sampleos.example"
    answer = site_address(world, name)
    asked = world.sensor.look_up(wobble(random, at, -30, -5), host.address, name, answer)
    world.sensor.request(asked, host, answer, name, "/connecttest.txt", agent=_PROBE, received=22)


def _report(world: World, random: Random, host: Host, came: datetime, left: datetime) -> None:
    """The virus scanner reports home every four hours from when it was started, to the second or so."""
    name = "telemetry.sample-av.example"
    answer = site_address(world, name)
    at = wobble(random, came, 20, 40)
    while at < left:
        world.sensor.connect(
            wobble(random, at, 0, 2), host, answer, 443, name=name, sent=random.randrange(1_180, 1_260), received=642
        )
        at += timedelta(hours=4)


def _check_for_updates(world: World, random: Random, host: Host, at: datetime) -> None:
    name = "update.sampleos.example"
    answer = site_address(world, name)
    asked = world.sensor.look_up(at, host.address, name, answer)
    uri = f"/v9/windowsupdate/redir/check.cab?{at:%y%m%d}"
    world.sensor.request(asked, host, answer, name, uri, agent=_AGENT, received=random.randrange(6_000, 9_000))


def _call(world: World, random: Random, host: Host, at: datetime) -> None:
    name = "meet.sample-calls.example"
    answer = site_address(world, name)
    asked = world.sensor.look_up(at, host.address, name, answer)
    lasts = random.uniform(900, 6_500)
    world.sensor.connect(
        asked, host, answer, 443, name=name, lasted=lasts, sent=int(lasts * 150_000), received=int(lasts * 170_000)
    )


def _back_up_outside(world: World, at: datetime, random: Random) -> None:
    """The file server sends what changed to a vault outside: large, by night, and always to the same place."""
    host, name = world.estate.host("FILE01"), "vault.sample-backup.example"
    answer = site_address(world, name)
    asked = world.sensor.look_up(at, host.address, name, answer)
    sent = random.randrange(80_000_000, 900_000_000)
    world.sensor.connect(asked, host, answer, 443, name=name, lasted=sent / 9_000_000, sent=sent, received=sent // 900)
