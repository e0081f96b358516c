"""What happens in the tenant: mail read and written, files opened, people travelling, administrators at work.

Much of it is what an intruder would leave too: consents, an application that reads every mailbox by night, inbox rules,
keys renewed, sign-ins from hotels, wrong passwords from everywhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.background.network import site_address
from stillhunt.simulation.background.vouching import vouched
from stillhunt.simulation.chance import guid, moment, stream, visits, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.granting import add_key, let_in
from stillhunt.simulation.identities import GRAPH, OFFICE, OUTLOOK, OUTLOOK_MOBILE, Subscriber
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["live_in_the_tenant"]

_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/91.0.4472.77 Safari/537.36 Edg/91.0.864.37"
)
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
_DESKTOP = "Client=MSExchangeRPC"
_OWA = f"Client=OWA;{_BROWSER};"
_MOBILE = "Client=REST;Client=RESTSystem;;"
_PLACES = (("Lisbon", "PT"), ("Oslo", "NO"), ("Vienna", "AT"), ("Montreal", "CA"), ("Tallinn", "EE"))
_FILES = ("Budget.xlsx", "Minutes.docx", "Plan.docx", "Rota.xlsx", "Speech.docx", "Contacts.xlsx")
_WISHED = ("Sample Polls", "Sample Whiteboard", "Sample Calendar Link")


def live_in_the_tenant(world: World) -> None:
    """Play every day of the tenant."""
    random = stream(world.seed, "cloud background")
    travels = _travels(world, random)
    for day in days(world.start, world.end):
        for person in world.estate.staff:
            away = next(((a, p) for who, since, until, a, p in travels if who == person and since <= day < until), None)
            if away or (is_working_day(day) and random.random() < 0.25 + 0.6 * world.pace):
                _spend_day(world, random, person, day, away)
            if random.random() < 0.25 * world.pace + 0.05:
                _glance_at_phone(world, random, person, moment(random, day, office_hour(day, 7), office_hour(day, 23)))
        if world.is_due(random):
            _archive(world, random, moment(random, day, 0.5, 1.5))
        for _ in range(visits(random, 0.7 * world.pace)):
            _guess(world, random, moment(random, day, 0, 24))
        if is_working_day(day):
            _administer(world, random, day)
    _wish_for_applications(world, random)


def _travels(world: World, random: Random) -> list[tuple[Person, datetime, datetime, str, tuple[str, str]]]:
    found = []
    for person in random.sample(world.estate.staff, 3):
        since = world.start + timedelta(days=random.randrange(20, world.n_days - 30))
        until = since + timedelta(days=random.randrange(4, 12))
        found.append((person, since, until, random.choice(world.estate.neighbours), random.choice(_PLACES)))
    return found


def _spend_day(
    world: World, random: Random, person: Person, day: datetime, away: tuple[str, tuple[str, str]] | None
) -> None:
    who, tenant = world.subscriber(person), world.tenant
    is_home = not away and random.random() < 0.3
    address, place = away or (person.home if is_home else world.estate.egress, ("London", "GB"))
    at = moment(random, day, office_hour(day, 7.9), office_hour(day, 10.5))
    session = guid(random)
    if random.random() < 0.35 or away:
        is_federated = vouched(world, person, at, address, random=random)
        application = random.choice((OFFICE, OUTLOOK))
        tenant.sign_in(
            at,
            who,
            application,
            address=address,
            agent=_BROWSER,
            place=place,
            has_mfa=bool(is_home or away),
            is_federated=is_federated,
            session=session,
        )
    if random.random() < 0.6:
        folder = random.choice(("\\Inbox", "\\Inbox", "\\Sent Items", "\\Calendar"))
        tenant.read_mail(
            wobble(random, at, 60, 9_000), who, address=address, client=_DESKTOP, folders={folder: ()}, is_sync=True
        )
    for _ in range(visits(random, 0.9)):
        folder = random.choice(("\\Inbox", "\\Inbox", "\\Inbox", "\\Sent Items", "\\Archive"))
        read = tenant.letters(random, who, folder, random.randrange(1, 4))
        when = wobble(random, at, 30, 28_000)
        tenant.read_mail(when, who, address=address, client=_OWA, session=session, folders={folder: read})
    if random.random() < 0.2:
        tenant.send_mail(
            wobble(random, at, 90, 28_000), who, address=address, client=_OWA, session=session, subject="Re: figures"
        )
    if random.random() < 0.2:
        tenant.open_file(wobble(random, at, 90, 28_000), who, random.choice(_FILES), address=address, agent=_BROWSER)
    if random.random() < 0.004:
        _make_rule(world, random, who, wobble(random, at, 300, 20_000), address)


def _glance_at_phone(world: World, random: Random, person: Person, at: datetime) -> None:
    who, tenant = world.subscriber(person), world.tenant
    if random.random() < 0.2:
        tenant.sign_in(at, who, OUTLOOK_MOBILE, address=person.home, agent=_PHONE, is_interactive=False, resource=GRAPH)
    read = tenant.letters(random, who, "\\Inbox", random.randrange(1, 3))
    tenant.read_mail(
        at, who, address=person.home, client=_MOBILE, app_id=OUTLOOK_MOBILE.app_id, folders={"\\Inbox": read}
    )


def _archive(world: World, random: Random, at: datetime) -> None:
    """The archive signs in as itself and copies the mailboxes, one a night."""
    tenant, application = world.tenant, world.archive
    address = site_address(world, "archive.sample-vault.example")
    tenant.app_sign_in(at, application, address=address, place=("Dublin", "IE"))
    who = world.subscriber(random.choice(world.estate.staff))
    for number in range(2):
        read = tenant.letters(random, who, "\\Inbox", 12)
        when = wobble(random, at, 20 + 60 * number, 60 + 60 * number)
        tenant.read_mail(
            when,
            who,
            address=address,
            client=_MOBILE,
            app_id=application.app_id,
            folders={"\\Inbox": read},
            by=application,
        )


def _guess(world: World, random: Random, at: datetime) -> None:
    """Somebody somewhere tries a password that an old leak holds; a federation server keeps that to itself."""
    if Part.FEDERATION in world.parts:
        return
    who = world.subscriber(random.choice(world.estate.staff))
    address, place = random.choice(world.estate.neighbours), random.choice(_PLACES)
    world.tenant.sign_in(at, who, OFFICE, address=address, agent="python-requests/2.25.1", place=place, error=50126)


def _administer(world: World, random: Random, day: datetime) -> None:
    if random.random() > 0.05 + 0.2 * world.pace:
        return
    tenant, person, address = world.tenant, random.choice(world.estate.administrators), world.estate.egress
    admin = world.subscriber(person)
    at = moment(random, day, office_hour(day, 9), office_hour(day, 17))
    is_federated = vouched(world, person, at, address, random=random)
    tenant.sign_in(at, admin, OFFICE, address=address, agent=_BROWSER, has_mfa=True, is_federated=is_federated)
    who = world.subscriber(random.choice(world.estate.staff))
    later = wobble(random, at, 60, 1_500)
    choice = random.random()
    if choice < 0.4:
        _change_user(
            world,
            admin,
            who,
            later,
            "Reset user password",
            changes={"PasswordLastSet": ("[]", f'["{later:%Y-%m-%d}"]')},
        )
    elif choice < 0.7:
        _change_user(world, admin, who, later, "Update user", changes={"Department": ('["Press"]', '["Events"]')})
    elif choice < 0.85:
        permissions = {"Identity": who.upn, "User": admin.upn, "AccessRights": "FullAccess", "InheritanceType": "All"}
        tenant.run_cmdlet(later, admin, "Add-MailboxPermission", who.upn, permissions, address=address)
        tenant.run_cmdlet(
            later + timedelta(hours=2), admin, "Remove-MailboxPermission", who.upn, permissions, address=address
        )
    else:
        quota = {"Identity": who.upn, "ProhibitSendQuota": "49.5 GB"}
        tenant.run_cmdlet(later, admin, "Set-Mailbox", who.upn, quota, address=address)


def _change_user(
    world: World,
    admin: Subscriber,
    who: Subscriber,
    at: datetime,
    operation: str,
    *,
    changes: dict[str, tuple[str, str]],
) -> None:
    world.tenant.change_directory(
        at,
        admin,
        operation,
        category="UserManagement",
        kind="User",
        target_id=who.object_id,
        target_name=who.upn,
        changes=changes,
        address=world.estate.egress,
        agent=_BROWSER,
    )


def _make_rule(world: World, random: Random, who: Subscriber, at: datetime, address: str) -> None:
    rule = {"Name": "Newsletters", "SubjectContainsWords": "weekly", "MoveToFolder": "Newsletters"}
    if random.random() < 0.3:
        rule = {"Name": "To my deputy", "ForwardTo": world.subscriber(random.choice(world.estate.staff)).upn}
    world.tenant.run_cmdlet(at, who, "New-InboxRule", f"{who.upn}\\{rule['Name']}", rule, address=address)


def _wish_for_applications(world: World, random: Random) -> None:
    """Three times somebody lets an application in, as they may; and twice the archive's key is renewed."""
    for title in _WISHED:
        person = random.choice(world.estate.staff)
        day = world.start + timedelta(days=random.randrange(10, world.n_days - 10))
        at = moment(random, day, office_hour(day, 9), office_hour(day, 17))
        scope = "openid profile User.Read Calendars.Read"
        is_federated = vouched(world, person, at, person.home, random=random)
        who, application = world.subscriber(person), world.tenant.application(title)
        let_in(world.tenant, who, application, scope, at, address=person.home, is_federated=is_federated)
    for number in range(2):
        day = world.start + timedelta(days=120 + 180 * number + random.randrange(60))
        at = moment(random, day, office_hour(day, 9), office_hour(day, 17))
        admin = world.subscriber(world.estate.administrators[number % 2])
        add_key(world.tenant, admin, world.archive, at, world.estate.egress)
