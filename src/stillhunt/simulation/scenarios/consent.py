"""An application let in by one click, and mail read through it for a year, without a password and without a machine.

Somebody follows a link and lets an application act in their name; it reads their mail in bursts, weeks and months
apart. In most runs an administrator's account follows, which adds a key to the house's own archive application; with it
every mailbox can be read as the archive does. At the end grant and key are taken away, or not yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.vouching import vouched
from stillhunt.simulation.chance import guid, moment
from stillhunt.simulation.estate import Person
from stillhunt.simulation.granting import add_key, let_in
from stillhunt.simulation.identities import GRAPH, OFFICE, Application, Subscriber
from stillhunt.simulation.intruder import Intruder
from stillhunt.simulation.parts import Part
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.truth import union
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_TITLES = ("Calendar Bridge", "Mail Insights", "Secure Document View", "Contact Sync Plus")
_SCOPE = "offline_access openid profile User.Read Mail.Read Contacts.Read"
_GRAPH_CLIENT = "Client=REST;Client=RESTSystem;;"
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Firefox/102.0"
_TOOL = "axios/0.21.4"
_FOLDERS = ("\\Inbox", "\\Sent Items", "\\Archive", "\\Drafts")
_PLACES = (("Amsterdam", "NL"), ("Frankfurt", "DE"), ("Helsinki", "FI"), ("Bucharest", "RO"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed."""

    victim: Person
    application: Application
    consented: datetime
    bursts: tuple[datetime, ...]
    escalated: datetime | None
    admin: Person
    addresses: tuple[str, ...]
    place: tuple[str, str]
    is_greedy: bool
    removed: datetime | None


def _play(world: World) -> None:
    plan = _plan(world, world.chance("consent plan"))
    intruder = Intruder(world, plan.consented)
    victim = world.subscriber(plan.victim)
    _be_let_in(intruder, plan, victim)
    for number, at in enumerate(plan.bursts):
        is_as_archive = plan.escalated is not None and at > plan.escalated
        if is_as_archive:
            _read_as_archive(intruder, plan, at)
        else:
            _read(intruder, plan, victim, at, is_last_of_greedy=plan.is_greedy and number == 1)
        if (
            plan.escalated
            and not is_as_archive
            and (number + 1 == len(plan.bursts) or plan.bursts[number + 1] > plan.escalated)
        ):
            _add_key(intruder, plan)
    if plan.removed:
        _clean_up(intruder, plan, victim)


def _plan(world: World, random: Random) -> _Plan:
    day = random.randrange(25, world.n_days - 330)
    consented = moment(random, world.start + timedelta(days=day), 8.5, 17)
    room = range(day + 20, world.n_days - 8)
    later = sorted(random.sample(room, random.randrange(4, 7)))
    bursts = [consented + timedelta(hours=random.uniform(0.5, 30))]
    bursts += [moment(random, world.start + timedelta(days=n), 0, 24) for n in later]
    escalated = bursts[1] + timedelta(hours=random.uniform(4, 60)) if random.random() < 0.65 else None
    removed = bursts[-1] + timedelta(hours=random.uniform(3, 30)) if random.random() < 0.5 else None
    return _Plan(
        victim=random.choice(world.untouched(world.estate.staff)),
        application=world.tenant.application(f"{random.choice(_TITLES)} {len(world.ledgers)}".removesuffix(" 1")),
        consented=consented,
        bursts=tuple(b for b in bursts if b < world.end - timedelta(days=2)),
        escalated=escalated,
        admin=random.choice(world.untouched(world.estate.administrators)),
        addresses=world.outside(random, 4),
        place=random.choice(_PLACES),
        is_greedy=random.random() < 0.4,
        removed=removed,
    )


def _be_let_in(intruder: Intruder, plan: _Plan, victim: Subscriber) -> None:
    """The victim, at home or at work, lets the application in; the directory writes it down six seconds later."""
    world = intruder.world
    intruder.begin_at(
        "an application let in", "tenant", ("initial-access", "credential-access"), ("T1566.002", "T1528")
    )
    intruder.now = plan.consented
    clicked = world.ledger.sign(plan.consented.replace(microsecond=0))
    address = plan.victim.home
    is_federated = vouched(world, plan.victim, clicked, address, random=intruder.random)
    let_in(world.tenant, victim, plan.application, _SCOPE, clicked, address=address, is_federated=is_federated)
    world.ledger.enter(clicked + timedelta(seconds=8))
    union(world.ledger.applications, (plan.application.app_id,))
    union(world.ledger.mailboxes_potential, (victim.upn,))


def _read(intruder: Intruder, plan: _Plan, victim: Subscriber, at: datetime, *, is_last_of_greedy: bool) -> None:
    """A burst: the token renewed, then folder after folder."""
    world, random = intruder.world, intruder.random
    intruder.come_back(at, random.choice(plan.addresses[:2]))
    intruder.begin_at("mail read in the victim's name", "tenant", ("collection",), ("T1114.002", "T1550.001"))
    when = intruder.after(0, 9)
    world.tenant.sign_in(
        when,
        victim,
        plan.application,
        address=intruder.address,
        agent=_TOOL,
        place=plan.place,
        is_interactive=False,
        resource=GRAPH,
    )
    union(world.ledger.accounts, (victim.upn,))
    _empty_folders(intruder, plan, victim, by=None, n_records=random.randrange(8, 30))
    if is_last_of_greedy:
        letters = world.tenant.letters(random, victim, "\\Inbox", 3)
        world.ledger.read_folder(victim.upn, "\\Inbox", letters)
        world.tenant.read_mail(
            intruder.after(2, 9),
            victim,
            address=intruder.address,
            client=_GRAPH_CLIENT,
            app_id=plan.application.app_id,
            folders={"\\Inbox": letters},
            is_throttled=True,
        )


def _empty_folders(
    intruder: Intruder, plan: _Plan, owner: Subscriber, *, by: Application | None, n_records: int
) -> None:
    world, random = intruder.world, intruder.random
    application = by or plan.application
    for _ in range(n_records):
        folder = random.choice(_FOLDERS[:2] if random.random() < 0.8 else _FOLDERS)
        read = world.tenant.letters(random, owner, folder, random.randrange(3, 14))
        world.ledger.read_folder(owner.upn, folder, read)
        world.tenant.read_mail(
            intruder.after(3, 140),
            owner,
            address=intruder.address,
            client=_GRAPH_CLIENT,
            app_id=application.app_id,
            folders={folder: read},
            by=by,
        )


def _add_key(intruder: Intruder, plan: _Plan) -> None:
    """An administrator's session, taken from what was read, adds a key to the archive."""
    world = intruder.world
    admin = world.subscriber(plan.admin)
    intruder.come_back(plan.escalated or intruder.now, plan.addresses[2])
    tactics = ("persistence", "privilege-escalation")
    intruder.begin_at("a key added to the archive", "tenant", tactics, ("T1098.001", "T1078.004"))
    _sign_in(intruder, plan, plan.admin)
    add_key(world.tenant, admin, world.archive, intruder.after(60, 400), intruder.address)
    union(world.ledger.applications, (world.archive.app_id,))
    union(world.ledger.mailboxes_potential, (world.estate.mailbox(p) for p in world.estate.staff))


def _read_as_archive(intruder: Intruder, plan: _Plan, at: datetime) -> None:
    world, random = intruder.world, intruder.random
    intruder.come_back(at, plan.addresses[3])
    intruder.begin_at("mailboxes read as the archive", "tenant", ("collection",), ("T1114.002", "T1550.001"))
    world.tenant.app_sign_in(intruder.after(0, 9), world.archive, address=intruder.address, place=plan.place)
    for person in random.sample(world.estate.staff, 2):
        _empty_folders(intruder, plan, world.subscriber(person), by=world.archive, n_records=random.randrange(5, 16))


def _clean_up(intruder: Intruder, plan: _Plan, victim: Subscriber) -> None:
    world = intruder.world
    admin = world.subscriber(plan.admin)
    who = admin if plan.escalated else victim
    intruder.come_back(plan.removed or intruder.now, plan.addresses[2])
    intruder.begin_at("grant and key taken away", "tenant", ("defense-evasion",), ("T1070",))
    _sign_in(intruder, plan, plan.admin if plan.escalated else plan.victim)
    _remove(intruder, who, plan.application, "Remove delegated permission grant")
    if plan.escalated:
        _remove(intruder, who, world.archive, "Remove service principal credentials")


def _sign_in(intruder: Intruder, plan: _Plan, person: Person) -> None:
    """Sign in with somebody's password; where the house federates, its server vouches for that, unknowing."""
    world, at = intruder.world, intruder.after(0, 20)
    is_federated = vouched(world, person, at, intruder.address, random=intruder.random)
    world.tenant.sign_in(
        at,
        world.subscriber(person),
        OFFICE,
        address=intruder.address,
        agent=_BROWSER,
        place=plan.place,
        session=guid(intruder.random),
        is_federated=is_federated,
    )
    union(world.ledger.accounts, (world.estate.mailbox(person),))


def _remove(intruder: Intruder, who: Subscriber, application: Application, operation: str) -> None:
    world = intruder.world
    world.tenant.change_directory(
        intruder.after(30, 200),
        who,
        operation,
        category="ApplicationManagement",
        kind="ServicePrincipal",
        target_id=application.object_id,
        target_name=application.title,
        changes={"ServicePrincipal.ObjectID": (application.object_id, "")},
        address=intruder.address,
        agent=_BROWSER,
    )
    union(world.ledger.removed, (f"{operation}: {application.title}",))


SCENARIO = Scenario(
    name="consent",
    title="An application let in by one click, and mail read through it for a year",
    summary=(
        "Somebody lets an application act in their name; it reads their mail through Graph in bursts, weeks and months"
        " apart. In most runs an administrator's account adds a key to the house's archive, with which every mailbox"
        " can be read. At the end grant and key are taken away, or not yet."
    ),
    needs=lambda _: frozenset({Part.TENANT}),
    play=_play,
)
