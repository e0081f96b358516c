"""A letter to one person, a document, a library that a signed program loads, and an implant that calls home slowly.

Some weeks before, a wave of harmless letters counts who opens what. The implant calls every few hours while its
machine is on, and sleeps for weeks and months; now and then somebody looks around, reads the share of the victim's
department, and sends what was read out through the same channel. At the end the tools are taken away, or not yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import is_working_day, office_hour
from stillhunt.simulation.chance import hexadecimal, moment, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.intruder import Intruder
from stillhunt.simulation.parts import Part
from stillhunt.simulation.people import Seat, sit_down
from stillhunt.simulation.postbox import Attachment, Sender
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.truth import union
from stillhunt.simulation.windows import Process
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16\\"
_CARRIERS = (
    ("ViewHelper.exe", "viewcore.dll", "C:\\ProgramData\\SampleViewer"),
    ("PrintSvc.exe", "prntapi.dll", "C:\\ProgramData\\SamplePrint"),
    ("CallAssist.exe", "avbridge.dll", "C:\\ProgramData\\SampleCalls"),
)
_CHANNELS = ("cdn-assets.example", "portal-sync.example", "docs-preview.example", "edge-metrics.example")
_SENDERS = ("policy-forum", "research-network", "conference-office", "press-circle")
_TOPICS = ("Invitation to the autumn forum", "Draft statement for comment", "Speakers' programme", "Questions for you")
_DOCUMENTS = ("Programme", "Draft statement", "Questions", "Participants")
_LOOKS = (
    ("whoami /all", "whoami.exe"),
    ("ipconfig /all", "ipconfig.exe"),
    ("net group /domain", "net.exe"),
    ("net view \\\\FILE01", "net.exe"),
    ("tasklist /v", "tasklist.exe"),
    ("systeminfo", "systeminfo.exe"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed."""

    victim: Person
    opened: datetime
    channel: str
    server: str
    sender: Sender
    image: str
    library: str
    folder: str
    document: str
    period_h: float
    jitter: float
    asleep: tuple[tuple[datetime, datetime], ...]
    visits: tuple[datetime, ...]
    removed: datetime | None


def _play(world: World) -> None:
    random = world.chance("spearphish plan")
    plan = _plan(world, random)
    intruder = Intruder(world, plan.opened)
    union(world.ledger.addresses, (plan.sender.relay_address, plan.server))
    union(world.ledger.domains, (plan.sender.address.partition("@")[2], plan.channel))
    _count_readers(intruder, plan)
    implant = _deliver(intruder, plan)
    implants = _call_home(intruder, plan, implant)
    for number, at in enumerate(plan.visits):
        running = [p for p in implants if p.at < at]
        _visit(intruder, plan, running[-1], at, number)
    if plan.removed:
        _clean_up(intruder, plan, [p for p in implants if p.at < plan.removed][-1])


def _plan(world: World, random: Random) -> _Plan:
    seated = tuple(p for p in world.estate.staff if p.workstation)
    victim = random.choice(world.untouched(seated))
    day = _working(world.start + timedelta(days=random.randrange(35, world.n_days - 330)))
    opened = moment(random, day, office_hour(day, 9.2), office_hour(day, 16))
    relay, server = world.outside(random, 2)
    domain = f"{random.choice(_SENDERS)}-{hexadecimal(random, 2)}.example"
    program, library, folder = random.choice(_CARRIERS)
    visits = _visits(world, random, opened)
    removed = visits[-1] + timedelta(minutes=40) if random.random() < 0.5 else None
    return _Plan(
        victim=victim,
        opened=opened,
        channel=f"{hexadecimal(random, 3)}.{random.choice(_CHANNELS)}",
        server=server,
        sender=Sender(
            name="Alex Placeholder",
            address=f"secretariat@{domain}",
            relay=f"mta.{domain}",
            relay_address=relay,
            is_authentic=random.random() < 0.5,
        ),
        image=program,
        library=library,
        folder=folder,
        document=random.choice(_DOCUMENTS),
        period_h=random.choice((3.0, 6.0, 12.0, 24.0)),
        jitter=random.uniform(0.05, 0.35),
        asleep=_naps(random, opened, visits[-1]),
        visits=visits,
        removed=removed,
    )


def _visits(world: World, random: Random, opened: datetime) -> tuple[datetime, ...]:
    """A look around on the day or the next, and two or three returns over the year."""
    room = (world.end - opened).days - 10
    offsets = [1, *sorted(random.sample(range(40, room), random.randrange(2, 4)))]
    days = [_working(opened.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n)) for n in offsets]
    return tuple(moment(random, day, office_hour(day, 10), office_hour(day, 15.5)) for day in days)


def _naps(random: Random, opened: datetime, last: datetime) -> tuple[tuple[datetime, datetime], ...]:
    span = (last - opened).days
    naps = []
    for _ in range(2):
        since = opened + timedelta(days=random.randrange(5, max(6, span - 30)))
        naps.append((since, since + timedelta(days=random.randrange(20, 80))))
    return tuple(naps)


def _count_readers(intruder: Intruder, plan: _Plan) -> None:
    """Weeks before: harmless letters, each with an image of its own; who fetches it has read the letter."""
    world, random = intruder.world, intruder.random
    first = _working(
        plan.opened.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=random.randrange(9, 26))
    )
    sent = moment(random, first, 8.0, 11.0)
    host = f"img.{plan.sender.address.partition('@')[2]}"
    intruder.begin_at("letters with counting images", "mail", ("reconnaissance",), ("T1598.003",))
    for person in dict.fromkeys((plan.victim, *random.sample(world.estate.staff, min(5, len(world.estate.staff))))):
        token = hexadecimal(random, 32)
        at = world.ledger.sign(wobble(random, sent, 0, 1_500))
        image = f'<img src="http://{host}/i/{token}.png" width="1" height="1">'
        html = f"<html><body><p>Dear {person.name}, may we write to you about the forum?</p>{image}</body></html>"
        text = f"Dear {person.name}, may we write to you about the forum?"
        world.postbox.receive(at, person, plan.sender, "A question in advance", text=text, html=html)
        if person.workstation and (person == plan.victim or random.random() < 0.5):
            workstation = world.estate.host(person.workstation)
            seen = world.ledger.sign(moment(random, first, 11.2, 16.0))
            asked = world.sensor.look_up(seen, workstation.address, host, plan.sender.relay_address)
            uri = f"/i/{token}.png"
            relay = plan.sender.relay_address
            world.sensor.request(asked, workstation, relay, host, uri, agent="Microsoft Office/16.0", received=68)
    union(world.ledger.domains, (host,))


def _deliver(intruder: Intruder, plan: _Plan) -> Process:
    """The letter, the document, the signed program and the library beside it."""
    world, random, victim = intruder.world, intruder.random, plan.victim
    name = f"{plan.document}.docm"
    arrived = wobble(random, plan.opened, -5_000, -300)
    intruder.begin_at("a letter with a document", "mail", ("initial-access",), ("T1566.001",))
    attachment = Attachment(
        name=name,
        kind="application/vnd.ms-word.document.macroEnabled.12",
        content=b"PK\x03\x04 synthetic, no document " + random.randbytes(400),
    )
    text = f"Dear {victim.name.partition(' ')[0]},\nthe document we spoke of is attached.\nKind regards\nAlex"
    subject = random.choice(_TOPICS)
    world.postbox.receive(world.ledger.sign(arrived), victim, plan.sender, subject, text=text, attachment=attachment)
    seat = sit_down(world, victim, plan.opened, random=random)
    return _open_document(intruder, plan, seat, name)


def _open_document(intruder: Intruder, plan: _Plan, seat: Seat, name: str) -> Process:
    world, machine = intruder.world, seat.machine
    intruder.begin(
        "document opened, implant started", machine, ("execution", "persistence"), ("T1204.002", "T1574.002")
    )
    intruder.acts_as(plan.victim)
    cache = f"C:\\Users\\{plan.victim.login}\\AppData\\Local\\Microsoft\\Windows\\INetCache\\Content.Outlook"
    path = f"{cache}\\{hexadecimal(intruder.random, 8).upper()}\\{name}"
    outlook = machine.run(
        wobble(intruder.random, plan.opened, -200, -60), f"{_OFFICE}OUTLOOK.EXE", parent=seat.explorer
    )
    world.innocent += machine.events[-1:]
    at = world.ledger.enter(plan.opened)
    word = machine.run(at, f"{_OFFICE}WINWORD.EXE", f'"{_OFFICE}WINWORD.EXE" /n "{path}" /o ""', parent=outlook)
    intruder.now = at
    for dropped in (plan.image, plan.library):
        intruder.drops(intruder.after(1, 6), machine, word, f"{plan.folder}\\{dropped}")
    implant = _start(intruder, plan, word, intruder.after(1, 4))
    key = f"HKU\\{plan.victim.sid}\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\{plan.image.partition('.')[0]}"
    machine.set_value(intruder.after(0.5, 3), implant, key, f'"{plan.folder}\\{plan.image}" -b')
    return implant


def _start(intruder: Intruder, plan: _Plan, parent: Process, at: datetime) -> Process:
    machine = intruder.world.machines[plan.victim.workstation]
    image = f"{plan.folder}\\{plan.image}"
    process = machine.run(at, image, f'"{image}" -b', parent=parent, directory=f"{plan.folder}\\")
    when = intruder.world.ledger.sign(wobble(intruder.random, at, 0.05, 0.3))
    machine.load_image(when, process, f"{plan.folder}\\{plan.library}")
    return process


def _call_home(intruder: Intruder, plan: _Plan, implant: Process) -> list[Process]:
    """Call every few hours while the machine is on; the machine starts anew every Monday. Returns the processes."""
    world, random = intruder.world, intruder.random
    where = world.estate.host(plan.victim.workstation).fqdn
    intruder.begin_at("implant calls home", where, ("command-and-control",), ("T1071.001", "T1573", "T1029"))
    processes = [implant]
    at = plan.opened + timedelta(seconds=random.uniform(20, 90))
    until = plan.removed or world.end - timedelta(hours=8)
    week = at.isocalendar()[1]
    while at < until:
        if any(since <= at < to for since, to in plan.asleep):
            at = max(to for since, to in plan.asleep if since <= at < to)
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = day + timedelta(hours=office_hour(day, 8.9))
        ends = day + timedelta(hours=office_hour(day, 17.2))
        if not is_working_day(day) or at > ends:
            at = wobble(random, day + timedelta(days=1, hours=8), 3_600, 6_000)
            continue
        at = max(at, wobble(random, begins, 30, 900))
        if at >= until:
            break
        if at.isocalendar()[1] != week:
            week = at.isocalendar()[1]
            processes.append(_logon_start(intruder, plan, at))
        _beacon(intruder, plan, processes[-1], at, sent=random.randrange(610, 690), received=random.randrange(180, 260))
        at += timedelta(hours=plan.period_h * random.uniform(1 - plan.jitter, 1 + plan.jitter))
    return processes


def _logon_start(intruder: Intruder, plan: _Plan, at: datetime) -> Process:
    """Monday: the victim logs on, and the Run key starts the implant again."""
    machine = intruder.world.machines[plan.victim.workstation]
    session = machine.log_on(at, plan.victim, logon_type=2, is_logged=False)
    begun = at - timedelta(minutes=2)
    explorer = machine.unlogged(begun, "C:\\Windows\\explorer.exe", "C:\\Windows\\Explorer.EXE", session)
    return _start(intruder, plan, explorer, intruder.world.ledger.sign(at - timedelta(seconds=20)))


def _beacon(intruder: Intruder, plan: _Plan, implant: Process, at: datetime, *, sent: int, received: int) -> None:
    world = intruder.world
    machine = world.machines[plan.victim.workstation]
    world.ledger.sign(at)
    machine.query_name(at, implant, plan.channel, plan.server)
    asked = world.sensor.look_up(at, machine.host.address, plan.channel, plan.server)
    world.sensor.connect(asked, machine.host, plan.server, 443, name=plan.channel, sent=sent, received=received)
    machine.connect(
        world.ledger.sign(wobble(intruder.random, at, 0.1, 0.4)), implant, plan.server, 443, name=plan.channel
    )


def _visit(intruder: Intruder, plan: _Plan, implant: Process, at: datetime, number: int) -> None:
    """Somebody at the other end: looks around, or reads the department's share and sends it out."""
    machine = intruder.world.machines[plan.victim.workstation]
    intruder.come_back(at, plan.server)
    if number:
        _collect(intruder, plan, implant, number)
        return
    intruder.begin("a look around", machine, ("discovery",), ("T1033", "T1087.002", "T1135"))
    _beacon(intruder, plan, implant, intruder.after(0, 2), sent=700, received=4_100)
    for line, program in intruder.random.sample(_LOOKS, 4):
        _run(intruder, plan, implant, line, program)


def _run(intruder: Intruder, plan: _Plan, implant: Process, line: str, program: str, *, disguises: str = "") -> Process:
    machine = intruder.world.machines[plan.victim.workstation]
    shell = machine.run(intruder.after(8, 60), "cmd.exe", f"{SYSTEM32}cmd.exe /c {line}", parent=implant)
    return machine.run(intruder.after(0.05, 0.3), program, line, parent=shell, disguises=disguises)


def _collect(intruder: Intruder, plan: _Plan, implant: Process, number: int) -> None:
    world, random = intruder.world, intruder.random
    machine, server = world.machines[plan.victim.workstation], world.machines["FILE01"]
    intruder.begin("the department's share read", machine, ("collection",), ("T1039", "T1560.001"))
    _beacon(intruder, plan, implant, intruder.after(0, 2), sent=700, received=4_100)
    session = server.log_on(intruder.after(3, 20), plan.victim, logon_type=3, address=machine.host.address)
    folder = plan.victim.department
    names = [
        f"{folder}\\{name} {year}.docx" for year in range(2018, 2023) for name in ("Correspondence", "Minutes", "Plan")
    ]
    intruder.reads_files(server, session, "Shared", "D:\\Shared", random.sample(names, 9))
    packed = f"{plan.folder}\\~vc{number}.tmp"
    line = f"{plan.folder}\\vcx.exe a -hp{hexadecimal(random, 8)} -m3 {packed} \\\\FILE01\\Shared\\{folder}\\*.docx"
    intruder.drops(intruder.after(5, 20), machine, implant, f"{plan.folder}\\vcx.exe")
    packer = _run(intruder, plan, implant, line, f"{plan.folder}\\vcx.exe", disguises="rar.exe")
    intruder.drops(intruder.after(2, 9), machine, packer, packed)
    server.log_off(intruder.after(5, 60), session, 3)
    intruder.begin("sent out through the implant's channel", machine, ("exfiltration",), ("T1041",))
    _beacon(
        intruder, plan, implant, intruder.after(30, 90), sent=random.randrange(4_000_000, 60_000_000), received=9_000
    )
    for path in (packed, f"{plan.folder}\\vcx.exe"):
        machine.delete_file(intruder.after(1, 9), implant, path)
        union(world.ledger.removed, (path,))


def _clean_up(intruder: Intruder, plan: _Plan, implant: Process) -> None:
    machine = intruder.world.machines[plan.victim.workstation]
    intruder.now = plan.removed or intruder.now
    intruder.begin("implant removed", machine, ("defense-evasion",), ("T1070.004", "T1070.009"))
    key = f"HKU\\{plan.victim.sid}\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\{plan.image.partition('.')[0]}"
    path = f"{plan.folder}\\{plan.library}"
    shell = machine.run(
        intruder.after(1, 9),
        "cmd.exe",
        f"{SYSTEM32}cmd.exe /c ping -n 20 localhost & rd /s /q {plan.folder}",
        parent=implant,
    )
    machine.delete_value(intruder.after(0.5, 2), implant, key)
    machine.delete_file(intruder.after(18, 24), shell, path)
    union(intruder.world.ledger.removed, (path, key))


def _working(day: datetime) -> datetime:
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


SCENARIO = Scenario(
    name="spearphish",
    title="A document, a side-loaded library, and an implant that calls home slowly",
    summary=(
        "A wave of letters that count their readers; weeks later a letter to one of them with a document that drops a"
        " signed program and a library beside it. The implant calls home every few hours, sleeps for weeks, and is"
        " visited a few times in a year to read the department's share."
    ),
    needs=lambda _: frozenset({Part.POSTBOX, Part.SENSOR}),
    play=_play,
)
