"""Who connects from outside through the firewall: staff at home, travellers, administrators on call, and guessers."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.background.office import ask_for_tickets
from stillhunt.simulation.chance import moment, stream, visits, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.world import World

__all__ = ["connect_from_outside", "work_from_outside"]

_GUESSED = ("admin", "test", "vpn", "guest", "support", "administrator", "scanner", "info")


def connect_from_outside(world: World) -> None:
    """Play every day at the firewall."""
    random = stream(world.seed, "remote background")
    travels = _travels(world, random)
    for day in days(world.start, world.end):
        for person in world.estate.staff:
            away = next(
                (address for who, since, until, address in travels if who == person and since <= day < until), ""
            )
            if away and random.random() < 0.5:
                work_from_outside(world, random, person, away, moment(random, day, 5, 20))
            elif is_working_day(day) and random.random() < 0.18 * (0.3 + world.pace):
                came = moment(random, day, office_hour(day, 7.6), office_hour(day, 18.5))
                work_from_outside(world, random, person, person.home, came)
        for person, owner in zip(world.estate.administrators, world.estate.staff, strict=False):
            if random.random() < 0.02:
                _on_call(world, random, person, owner.home, moment(random, day, 21.5, 27))
        for _ in range(visits(random, 0.5 * (0.3 + world.pace))):
            client = random.choice(world.estate.neighbours)
            world.firewall.refuse(moment(random, day, 0, 24), random.choice(_GUESSED), client)


def _travels(world: World, random: Random) -> list[tuple[Person, datetime, datetime, str]]:
    """Some work from far away for a week or two: another address, at other hours."""
    found = []
    for person in random.sample(world.estate.staff, 3):
        since = world.start + timedelta(days=random.randrange(20, world.n_days - 30))
        found.append(
            (person, since, since + timedelta(days=random.randrange(5, 15)), random.choice(world.estate.neighbours))
        )
    return found


def work_from_outside(world: World, random: Random, person: Person, client: str, at: datetime) -> None:
    """Connect, ask for tickets, read something on the shared drive, and leave."""
    if random.random() < 0.08:
        world.firewall.refuse(wobble(random, at, -40, -9), person.login, client)
    tunnel = world.firewall.open(at, person.login, client)
    dc, server = world.machines["DC01"], world.machines["FILE01"]
    ask_for_tickets(dc, person, server.host, wobble(random, at, 3, 20), random=random, address=tunnel.inside)
    session = server.log_on(wobble(random, at, 22, 40), person, logon_type=3, address=tunnel.inside)
    server.open_share(wobble(random, at, 41, 50), session, "Shared", "D:\\Shared")
    path = f"{person.department}\\{random.choice(('Agenda', 'Budget', 'Minutes', 'Rota'))}.docx"
    server.touch_share_file(wobble(random, at, 60, 900), session, "Shared", "D:\\Shared", path)
    left = wobble(random, at, 1_800, 16_000)
    server.log_off(left, session, 3)
    sent = random.randrange(2_000_000, 90_000_000)
    world.firewall.close(wobble(random, left, 1, 30), tunnel, sent=sent, received=sent // 9)


def _on_call(world: World, random: Random, person: Person, client: str, at: datetime) -> None:
    """Something broke at night: an administrator connects from home, looks at a server, and goes back to bed."""
    tunnel = world.firewall.open(at, person.login, client)
    server = world.machines[random.choice(("FILE01", "DC01"))]
    dc = world.machines["DC01"]
    ask_for_tickets(dc, person, server.host, wobble(random, at, 3, 20), random=random, address=tunnel.inside)
    session = server.log_on(
        wobble(random, at, 25, 60), person, logon_type=10, address=tunnel.inside, is_admin=True, package="Negotiate"
    )
    explorer = server.run(
        wobble(random, at, 62, 70),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=server.standing("winlogon.exe", at),
        session=session,
    )
    shell = server.run(wobble(random, at, 90, 300), "cmd.exe", parent=explorer)
    server.run(wobble(random, at, 310, 600), "systeminfo.exe", "systeminfo", parent=shell)
    left = wobble(random, at, 900, 5_000)
    server.log_off(left, session, 10)
    world.firewall.close(wobble(random, left, 2, 60), tunnel, sent=random.randrange(10**6, 10**7), received=10**6)
