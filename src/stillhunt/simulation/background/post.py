"""What arrives in the mailboxes: letters, invoices, newsletters with counting images, and crude lures."""

from __future__ import annotations

from datetime import datetime
from random import Random

from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.background.network import site_address
from stillhunt.simulation.chance import hexadecimal, moment, stream, visits, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.parts import Part
from stillhunt.simulation.postbox import Attachment, Sender
from stillhunt.simulation.world import World

__all__ = ["fill_the_mailboxes"]

_SUBJECTS = ("Minutes of Tuesday", "Your question", "Agenda for next week", "Room booking", "Re: figures", "Thank you")
_PARTNERS = ("partner", "council", "printers", "auditors", "college", "carriers")
_LETTERS = ("gazette", "tenders", "library", "travel")
_LURES = ("Your mailbox is full", "Parcel waiting", "Invoice overdue", "Voice message received")


def fill_the_mailboxes(world: World) -> None:
    """Play every day's post."""
    random = stream(world.seed, "post background")
    subscriptions = {p.login: random.sample(_LETTERS, 2) for p in world.estate.staff}
    for day in days(world.start, world.end):
        if day.weekday() == 2:
            for person in world.estate.staff:
                for letter in subscriptions[person.login]:
                    if world.is_due(random):
                        _newsletter(world, random, person, letter, moment(random, day, 5.5, 6.5))
        if not is_working_day(day):
            continue
        for person in world.estate.staff:
            for _ in range(visits(random, 0.15 + 0.8 * world.pace)):
                _letter(world, random, person, moment(random, day, office_hour(day, 8), office_hour(day, 18)))
        if random.random() < 0.03:
            _lure(world, random, moment(random, day, 0, 24))


def _letter(world: World, random: Random, person: Person, at: datetime) -> None:
    partner = random.choice(_PARTNERS)
    domain = f"{partner}.example"
    writer = random.choice(("office", "reception", "desk", "accounts"))
    sender = Sender(
        name=f"{partner.title()} {writer}",
        address=f"{writer}@{domain}",
        relay=f"mail.{domain}",
        relay_address=site_address(world, f"mail.{domain}"),
    )
    attachment = None
    if writer == "accounts":
        content = b"%PDF-1.4 synthetic " + random.randbytes(120)
        attachment = Attachment(
            name=f"invoice-{random.randrange(1000, 9999)}.pdf", kind="application/pdf", content=content
        )
    text = f"Dear {person.name.partition(' ')[0]},\nplease find what we spoke of.\nKind regards"
    world.postbox.receive(at, person, sender, random.choice(_SUBJECTS), text=text, attachment=attachment)


def _newsletter(world: World, random: Random, person: Person, letter: str, at: datetime) -> None:
    domain = f"{letter}.example"
    host = f"img.news.{domain}"
    token = hexadecimal(random, 24)
    sender = Sender(
        name=f"The {letter.title()} weekly",
        address=f"weekly@{domain}",
        relay=f"bulk.{domain}",
        relay_address=site_address(world, f"bulk.{domain}"),
        is_list=True,
    )
    html = (
        f'<html><body><p>News of the week</p><a href="https://news.{domain}/read/{at:%Y%m%d}">Read on</a>'
        f'<img src="http://{host}/open/{token}.gif" width="1" height="1" alt=""></body></html>'
    )
    world.postbox.receive(
        at, person, sender, f"{letter.title()} weekly, {at:%d %B}", text="News of the week", html=html
    )
    if person.workstation and Part.SENSOR in world.parts and random.random() < 0.6:
        seen = wobble(random, at, 9_000, 30_000)
        workstation, answer = world.estate.host(person.workstation), site_address(world, host)
        asked = world.sensor.look_up(seen, workstation.address, host, answer)
        uri = f"/open/{token}.gif"
        world.sensor.request(asked, workstation, answer, host, uri, agent="Microsoft Office/16.0", received=43)


def _lure(world: World, random: Random, at: datetime) -> None:
    """A crude lure to a few people, which nobody follows."""
    domain = f"{hexadecimal(random, 8)}.example"
    sender = Sender(
        name="Service Desk",
        address=f"noreply@{domain}",
        relay=f"vps.{domain}",
        relay_address=site_address(world, domain),
        is_authentic=False,
    )
    subject = random.choice(_LURES)
    for person in random.sample(world.estate.staff, 2):
        html = f'<html><body>{subject}: <a href="http://{domain}/{hexadecimal(random, 10)}">open</a></body></html>'
        world.postbox.receive(wobble(random, at, 0, 90), person, sender, subject, text=subject, html=html)
