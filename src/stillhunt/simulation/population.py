"""A whole tenant: thousands of people over months, twenty planted intrusions, and the truth of every record of theirs.

Everything habitual is drawn once a person: where they work from, with what, how often. What is played day by day is
that habit and its ordinary exceptions (journeys, new flats, applications let in, rules made, wrong passwords). The
planted intrusions are spies', not thieves': a few bursts over weeks or months, nothing sent, nothing broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from random import Random

import msgspec

from stillhunt.errors import InputError
from stillhunt.simulation.background.calendar import is_working_day
from stillhunt.simulation.chance import guid, moment, stream, wobble
from stillhunt.simulation.clearing import README_NAME, TRUTH_NAME, clear_folder
from stillhunt.simulation.feed import Feed, in_order, packed
from stillhunt.simulation.granting import let_in
from stillhunt.simulation.identities import GRAPH, OFFICE, OUTLOOK_MOBILE, Subscriber
from stillhunt.simulation.planted import KINDS, Burst, Plant, PlantedEvent, PlantedIntrusion
from stillhunt.simulation.tenant import Tenant

__all__ = ["TenantTruth", "simulate_tenant"]

_START = datetime(2023, 1, 9, tzinfo=UTC)
_DOMAIN = "ministry.example"
_OFFICES = tuple(f"198.51.100.{n}" for n in (10, 20, 30, 40))
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Edg/{0}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.2 Safari/605",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)
"""With their version left open: it rises by one in four weeks."""

_FIRST_VERSION = 109
_MAKERS = tuple(f"192.0.2.{n}" for n in (201, 202, 203, 204, 205, 206))
"""Where the makers of mail programs fetch mail from, each from two addresses."""
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
_HOME = ("London", "GB")
_PLACES = (("Lisbon", "PT"), ("Oslo", "NO"), ("Vienna", "AT"), ("Montreal", "CA"), ("Geneva", "CH"), ("Brussels", "BE"))
_FILES = ("Budget.xlsx", "Minutes.docx", "Plan.docx", "Rota.xlsx", "Speech.docx", "Contacts.xlsx")
_FOLDERS = ("\\Inbox", "\\Inbox", "\\Inbox", "\\Sent Items", "\\Archive")
_APPLICATIONS = ("Sample Polls", "Sample Whiteboard", "Sample Calendar Link", "Sample Notes", "Sample Diagrams")
_DECODE = msgspec.json.decode


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTruth:
    """What is true of a simulated tenant; ``truth.json`` beside the logs holds it.

    Attributes:
        scenario: Always ``tenant``.
        seed: Seed it was written with.
        synthetic: Always True: nothing in these logs ever happened.
        n_users: People in it.
        n_days: Days played.
        starts_at: Midnight of the first day.
        ends_at: Midnight after the last.
        inputs: Log files written, with their number of events.
        n_events: Events in all.
        intrusions: The planted intrusions, each with every record of it.
    """

    scenario: str
    seed: int
    synthetic: bool
    n_users: int
    n_days: int
    starts_at: datetime
    ends_at: datetime
    inputs: dict[str, int]
    n_events: int
    intrusions: tuple[PlantedIntrusion, ...]


@dataclass(slots=True)
class _Habit:
    """What somebody does as a rule.

    Attributes:
        who: Whom.
        office: Address of their office.
        home: Address of their home, which may change once.
        agent: Their browser, with its version left open.
        second: Another browser that they use at home now and then, if they have one.
        renewed: When they get another computer, and the browser on it, if they do.
        has_renewed: Whether they have it by now.
        own_program: The mail program of their own that fetches through its maker's servers, and from where.
        borrows: Whether they read mail on a hotel's computer on a day of their journey.
        begins: Hour they begin.
        homeliness: Share of days they work at home.
        diligence: Mailbox records in a day, on average.
        has_phone: Whether they read mail on a telephone.
        away: A journey: from, to, address, place.
        moves: When they move to another flat, if they do.
        session: Their browser's session, renewed about weekly.
        deputy_of: Whose mailbox they read beside their own, if anybody's.
    """

    who: Subscriber
    office: str
    home: str
    agent: str
    begins: float
    homeliness: float
    diligence: float
    has_phone: bool
    away: tuple[datetime, datetime, str, tuple[str, str]] | None
    moves: tuple[datetime, str] | None
    session: str
    second: str = ""
    renewed: tuple[datetime, str] | None = None
    has_renewed: bool = False
    own_program: tuple[str, str] | None = None
    borrows: bool = False
    deputy_of: Subscriber | None = None

    def browser(self, day: datetime, *, is_second: bool = False) -> str:
        """Return how a browser of theirs names itself on a day."""
        form = self.second if is_second else self.agent
        if self.renewed and day >= self.renewed[0] and not is_second:
            form = self.renewed[1]
        return form.format(_FIRST_VERSION + (day - _START).days // 28)


@dataclass(slots=True)
class _Play:
    """A tenant while it is played."""

    tenant: Tenant
    random: Random
    habits: list[_Habit]
    plants: list[Plant]
    inputs: dict[str, int] = field(default_factory=dict)


def simulate_tenant(out: Path, *, seed: int = 1, n_users: int = 200, n_days: int = 90) -> TenantTruth:
    """Write the audit and sign-in logs of a tenant into a folder, with their truth beside them.

    The same arguments give the same bytes. One file a log and day, compressed, is written as the days pass, so memory
    does not grow with the days.

    Args:
        out: A new or empty folder, or one that an earlier simulation wrote, which is replaced.
        seed: Another number gives other people, habits and intrusions.
        n_users: People in it, at least 60, so that the intrusions have somebody to hide among.
        n_days: Days to play, at least 30.

    Raises:
        InputError: The folder holds something that no simulation wrote, or the tenant would be too small.
    """
    if n_users < 60 or n_days < 30:
        raise InputError(
            f"a tenant of {n_users} users over {n_days} days is too small to hide twenty intrusions in",
            hint="ask for at least 60 users and 30 days",
        )
    clear_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    tenant = Tenant(_DOMAIN, seed)
    random = stream(seed, "population")
    habits = [_habit(tenant, random, number, n_days) for number in range(n_users)]
    for deputy in random.sample(habits, n_users // 25):
        # Nobody is their own deputy.
        deputy.deputy_of = random.choice([habit for habit in habits if habit is not deputy]).who
    play = _Play(tenant, random, habits, _plants(tenant, habits, stream(seed, "plants"), n_days))
    _save(out, seed, n_users, n_days, play)
    for number in range(n_days):
        day = _START + timedelta(days=number)
        _live(play, day)
        _intrude(play, day)
        for feed in (tenant.audit, tenant.sign_ins, tenant.directory):
            _write_day(out, feed, day, play.inputs)
    return _save(out, seed, n_users, n_days, play)


def _habit(tenant: Tenant, random: Random, number: int, n_days: int) -> _Habit:
    away = None
    if random.random() < 0.12:
        since = _START + timedelta(days=random.randrange(n_days))
        until = since + timedelta(days=random.randrange(2, 12))
        away = (since, until, f"198.18.{random.randrange(250, 256)}.{random.randrange(1, 255)}", random.choice(_PLACES))
    moves = None
    if random.random() < 0.06:
        moves = (_START + timedelta(days=random.randrange(n_days)), _consumer(random))
    renewed = None
    if random.random() < 0.08:
        renewed = (_START + timedelta(days=random.randrange(n_days)), random.choice(_BROWSERS))
    own_program = None
    if random.random() < 0.012:
        maker = random.randrange(3)
        own_program = (tenant.application(f"Sample Mail Program {maker}").app_id, _MAKERS[2 * maker])
    return _Habit(
        who=tenant.subscriber(f"user{number:04}@{_DOMAIN}", f"Sample User {number:04}"),
        office=random.choice(_OFFICES),
        home=_consumer(random),
        agent=random.choice(_BROWSERS),
        begins=random.uniform(7, 10),
        homeliness=random.choice((0.0, 0.1, 0.4, 0.4, 0.8)),
        diligence=random.uniform(0.6, 3.0),
        has_phone=random.random() < 0.5,
        away=away,
        moves=moves,
        session=guid(random),
        second=random.choice(_BROWSERS) if random.random() < 0.2 else "",
        renewed=renewed,
        own_program=own_program,
        borrows=away is not None and random.random() < 0.05,
    )


def _consumer(random: Random) -> str:
    """An address as households have them: of the range for benchmarks (RFC 2544), or of the one for documentation."""
    if random.random() < 0.3:
        return str(IPv6Address((0x20010DB8 << 96) | random.getrandbits(64)))
    return str(IPv4Address("198.18.0.0") + random.randrange(1, 120_000) % 63_000)


def _plants(tenant: Tenant, habits: list[_Habit], random: Random, n_days: int) -> list[Plant]:
    chosen = random.sample(habits[5:], 40)
    addresses = [f"203.0.113.{n}" for n in random.sample(range(1, 255), 60)]
    plants: list[Plant] = []
    for kind, many, _ in KINDS:
        for number in range(1, many + 1):
            victim = chosen.pop()
            own = tuple(addresses.pop() for _ in range(random.randrange(1, 4)))
            title = "Sample Mail Archive" if kind == "application key" else f"Mail Companion {len(plants)}"
            plants.append(
                Plant(
                    name=f"{kind} {number}",
                    kind=kind,
                    victim=victim.who,
                    others=tuple(h.who for h in random.sample(habits[5:], 6)),
                    admin=habits[random.randrange(5)].who,
                    addresses=own,
                    place=random.choice(_PLACES),
                    bursts=_bursts(random, n_days),
                    application=tenant.application(title),
                    session=victim.session,
                )
            )
    return plants


def _bursts(random: Random, n_days: int) -> tuple[datetime, ...]:
    first = random.randrange(n_days // 10, n_days // 2)
    span = range(first + 1, min(n_days - 1, first + 120))
    chosen = [first, *sorted(random.sample(span, min(len(span), random.randrange(3, 8))))]
    return tuple(moment(random, _START + timedelta(days=day), 2, 22) for day in chosen)


def _live(play: _Play, day: datetime) -> None:
    random, tenant = play.random, play.tenant
    is_open = is_working_day(day)
    for habit in play.habits:
        if habit.moves and day >= habit.moves[0]:
            habit.home = habit.moves[1]
        away = habit.away if habit.away and habit.away[0] <= day < habit.away[1] else None
        if away or random.random() < (0.88 if is_open else 0.06):
            _work(play, habit, day, away)
        if habit.has_phone and random.random() < (0.5 if is_open else 0.35):
            at = moment(random, day, 6.5, 22.5)
            read = tenant.letters(random, habit.who, "\\Inbox", random.randrange(1, 4))
            tenant.read_mail(
                at,
                habit.who,
                address=away[2] if away else habit.home,
                client="Client=REST;Client=RESTSystem;;",
                app_id=OUTLOOK_MOBILE.app_id,
                folders={"\\Inbox": read},
            )
            if random.random() < 0.1:
                address = away[2] if away else habit.home
                tenant.sign_in(
                    at, habit.who, OUTLOOK_MOBILE, address=address, agent=_PHONE, is_interactive=False, resource=GRAPH
                )
    _do_oddities(play, day)


def _work(
    play: _Play, habit: _Habit, day: datetime, away: tuple[datetime, datetime, str, tuple[str, str]] | None
) -> None:
    random, tenant, who = play.random, play.tenant, habit.who
    is_home = random.random() < habit.homeliness
    address = away[2] if away else habit.home if is_home else habit.office
    at = moment(random, day, habit.begins, habit.begins + 1)
    is_second = is_home and not away and bool(habit.second) and random.random() < 0.3
    agent, session = habit.browser(day, is_second=is_second), habit.session
    has_newer = habit.renewed is not None and day >= habit.renewed[0]
    is_new = has_newer and not is_second and not habit.has_renewed
    habit.has_renewed |= is_new
    if away or is_second or is_new or random.random() < 0.22:
        # Each browser has a session of its own.
        session = guid(random)
        habit.session = habit.session if is_second else session
        place = away[3] if away else _HOME
        tenant.sign_in(at, who, OFFICE, address=address, agent=agent, place=place, has_mfa=is_home, session=session)
    tenant.read_mail(
        wobble(random, at, 30, 900),
        who,
        address=address,
        client="Client=MSExchangeRPC",
        folders={"\\Inbox": ()},
        is_sync=True,
    )
    n_records = int(random.expovariate(1 / habit.diligence))
    for _ in range(min(n_records, 12)):
        folder = random.choice(_FOLDERS)
        read = tenant.letters(random, who, folder, random.randrange(1, 5))
        tenant.read_mail(
            wobble(random, at, 60, 30_000),
            who,
            address=address,
            client=f"Client=OWA;{agent};",
            session=session,
            folders={folder: read},
        )
    if habit.deputy_of and random.random() < 0.5:
        tenant.read_mail(
            wobble(random, at, 60, 30_000),
            habit.deputy_of,
            address=address,
            client=f"Client=OWA;{agent};",
            session=session,
            folders={"\\Inbox": tenant.letters(random, habit.deputy_of, "\\Inbox", 4)},
            reader=who,
        )
    if random.random() < 0.2:
        when = wobble(random, at, 60, 30_000)
        tenant.open_file(when, who, random.choice(_FILES), address=address, agent=agent)
    _read_otherwise(play, habit, day, away)


def _read_otherwise(
    play: _Play, habit: _Habit, day: datetime, away: tuple[datetime, datetime, str, tuple[str, str]] | None
) -> None:
    """What looks strange and is not: a mail program that fetches through its maker, a hotel's computer."""
    random, tenant, who = play.random, play.tenant, habit.who
    if habit.own_program and random.random() < 0.9:
        application, address = habit.own_program
        tenant.read_mail(
            moment(random, day, 6, 22),
            who,
            address=address,
            client="Client=REST;Client=RESTSystem;;",
            app_id=application,
            folders={"\\Inbox": tenant.letters(random, who, "\\Inbox", 4)},
        )
    if away and habit.borrows and day == away[0]:
        at, agent = moment(random, day, 18, 22), _BROWSERS[3].format(_FIRST_VERSION - 7)
        session = guid(random)
        tenant.sign_in(at, who, OFFICE, address=away[2], agent=agent, place=away[3], has_mfa=True, session=session)
        for number in range(random.randrange(1, 4)):
            tenant.read_mail(
                wobble(random, at, 60 + 120 * number, 170 + 120 * number),
                who,
                address=away[2],
                client=f"Client=OWA;{agent};",
                session=session,
                folders={"\\Inbox": tenant.letters(random, who, "\\Inbox", 3)},
            )


def _do_oddities(play: _Play, day: datetime) -> None:
    """What happens somewhere every day: wrong passwords, applications let in, rules, grants, the archive at night."""
    random, tenant, n_users = play.random, play.tenant, len(play.habits)
    for _ in range(1 + n_users // 150):
        habit = random.choice(play.habits)
        guesser = f"192.0.2.{random.randrange(1, 255)}"
        at = moment(random, day, 0, 24)
        place = random.choice(_PLACES)
        tenant.sign_in(at, habit.who, OFFICE, address=guesser, agent="python-requests/2.28.1", place=place, error=50126)
    if random.random() < n_users / 4_000:
        habit = random.choice(play.habits)
        application = tenant.application(random.choice(_APPLICATIONS))
        scope = "openid profile User.Read Calendars.Read"
        let_in(tenant, habit.who, application, scope, moment(random, day, 8, 18), address=habit.home)
    if random.random() < n_users / 1_500:
        habit = random.choice(play.habits)
        rule = {"Name": "Newsletters", "SubjectContainsWords": "weekly", "MoveToFolder": "Newsletters"}
        if random.random() < 0.2:
            rule = {"Name": "To my deputy", "ForwardTo": random.choice(play.habits).who.upn}
        at = moment(random, day, 8, 18)
        tenant.run_cmdlet(
            at, habit.who, "New-InboxRule", f"{habit.who.upn}\\{rule['Name']}", rule, address=habit.office
        )
    if random.random() < n_users / 5_000:
        owner, other = random.sample(play.habits, 2)
        admin = play.habits[random.randrange(5)]
        grant = {"Identity": owner.who.upn, "User": other.who.upn, "AccessRights": "FullAccess"}
        at = moment(random, day, 9, 17)
        tenant.run_cmdlet(at, admin.who, "Add-MailboxPermission", owner.who.upn, grant, address=admin.office)
    _archive(play, day)


def _archive(play: _Play, day: datetime) -> None:
    """The archive signs in as itself every night and copies a tenth of the mailboxes."""
    random, tenant = play.random, play.tenant
    application, address = tenant.application("Sample Mail Archive"), "198.51.100.200"
    at = moment(random, day, 0.5, 0.6)
    tenant.app_sign_in(at, application, address=address, place=("Dublin", "IE"))
    for number, habit in enumerate(play.habits[day.toordinal() % 10 :: 10]):
        read = tenant.letters(random, habit.who, "\\Inbox", 15)
        when = wobble(random, at, 30 + 9 * number, 38 + 9 * number)
        tenant.read_mail(
            when,
            habit.who,
            address=address,
            client="Client=REST;Client=RESTSystem;;",
            app_id=application.app_id,
            folders={"\\Inbox": read},
            by=application,
        )


def _intrude(play: _Play, day: datetime) -> None:
    """Play the bursts of the day, and note every record they leave."""
    kinds = {kind: burst for kind, _, burst in KINDS}
    sessions = {habit.who.upn: habit.session for habit in play.habits}
    for plant in play.plants:
        for number, at in enumerate(plant.bursts):
            if day <= at < day + timedelta(days=1):
                plant.session = sessions[plant.victim.upn]
                feeds = (play.tenant.audit, play.tenant.sign_ins, play.tenant.directory)
                lengths = [len(feed.records) for feed in feeds]
                random = stream(play.tenant.seed, f"{plant.name} {number}")
                kinds[plant.kind](Burst(play.tenant, plant, number, at, random))
                for feed, length in zip(feeds, lengths, strict=True):
                    plant.events.extend(_events(feed, length))


def _events(feed: Feed, since: int) -> Iterator[PlantedEvent]:
    for record in feed.records[since:]:
        read = _DECODE(record.text)
        operation = read.get("Operation") or read.get("activityDisplayName") or "sign-in"
        yield PlantedEvent(source=feed.source, id=read.get("Id") or read["id"], at=record.at, operation=operation)


def _write_day(out: Path, feed: Feed, day: datetime, inputs: dict[str, int]) -> None:
    """Write what a log holds as one list, and forget it."""
    if not feed.records:
        return
    name = {"m365 audit": "m365/unified-audit", "entra sign-ins": "entra/signIns"}.get(
        feed.source, "entra/directoryAudits"
    )
    text = "[\n" + ",\n".join(r.text for r in in_order(feed.records)) + "\n]\n"
    file = packed(f"{name}-{day:%Y-%m-%d}.json.gz", text, len(feed.records))
    path = out / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    inputs[file.path] = file.n_events
    feed.records.clear()


def _save(out: Path, seed: int, n_users: int, n_days: int, play: _Play) -> TenantTruth:
    """Write the truth and a note that all of it is synthetic; before the days are played, the list of their files."""
    begun = bool(play.inputs)
    truth = TenantTruth(
        scenario="tenant",
        seed=seed,
        synthetic=True,
        n_users=n_users,
        n_days=n_days,
        starts_at=_START,
        ends_at=_START + timedelta(days=n_days),
        inputs=dict(play.inputs) if begun else dict.fromkeys(_planned(n_days), 0),
        n_events=sum(play.inputs.values()),
        intrusions=tuple(plant.closed() for plant in play.plants) if begun else (),
    )
    (out / TRUTH_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(truth), indent=1) + b"\n")
    note = f"These logs are SYNTHETIC. Nothing in them ever happened.\n\n{TRUTH_NAME} says what is true of them.\n"
    (out / README_NAME).write_text(note, encoding="utf-8")
    return truth


def _planned(n_days: int) -> Iterator[str]:
    """Paths that may be written, so that an interrupted run is known to be ours."""
    for number in range(n_days):
        for name in ("m365/unified-audit", "entra/signIns", "entra/directoryAudits"):
            yield f"{name}-{_START + timedelta(days=number):%Y-%m-%d}.json.gz"
