"""Twice in the months somebody new begins: an account in the morning, first logons from places nobody has seen."""

from __future__ import annotations

from datetime import timedelta

from stillhunt.simulation.background.calendar import is_working_day, office_hour
from stillhunt.simulation.background.remote import work_from_outside
from stillhunt.simulation.chance import moment, stream, wobble
from stillhunt.simulation.directory import add_to_group, create_account
from stillhunt.simulation.estate import Person
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["welcome"]


def welcome(world: World) -> None:
    """Play the newcomers' first days."""
    random = stream(world.seed, "newcomers")
    dc, estate = world.machines["DC01"], world.estate
    for number in range(2):
        day = world.start + timedelta(days=random.randrange(30, world.n_days - 20))
        while not is_working_day(day):
            day += timedelta(days=1)
        at = moment(random, day, office_hour(day, 9), office_hour(day, 11))
        person = Person(
            login=f"new.starter{number + 1}",
            name=f"New Starter {number + 1}",
            sid=f"{estate.domain_sid}-{1600 + number}",
            department=estate.organisation.departments[number],
        )
        admin = estate.administrators[number % 2]
        session = dc.log_on(at, admin, logon_type=10, address=admin.seat, is_admin=True, package="Negotiate")
        create_account(dc, wobble(random, at, 60, 200), session, person)
        add_to_group(dc, wobble(random, at, 210, 300), session, person, "VPN users", rid=1201)
        dc.log_off(wobble(random, at, 600, 900), session, 10)
        if Part.VPN in world.parts:
            client = random.choice(estate.neighbours)
            work_from_outside(world, random, person, client, moment(random, day + timedelta(days=2), 8.5, 11))
