"""A stolen password at the firewall, the directory behind it, and the file share over a year.

Somebody connects with a colleague's password from an address nobody knows, looks at what there is, asks for tickets
that can be cracked at leisure, and comes back weeks later as a service account that may replicate the directory's
secrets. Then silence; an account of their own, hidden among the services'; and a few nights on the file server. At the
end that account is deleted and the file server's Security log cleared, or one of them, or nothing yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.office import ask_for_tickets
from stillhunt.simulation.chance import hexadecimal, moment, wobble
from stillhunt.simulation.directory import (
    add_to_group,
    create_account,
    delete_account,
    replicate_secrets,
    weak_ticket,
)
from stillhunt.simulation.estate import Person
from stillhunt.simulation.firewall import Tunnel
from stillhunt.simulation.intruder import Intruder
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.parts import Part
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.truth import ClearedLog, union
from stillhunt.simulation.windows import Session
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_HIDDEN = ("svc_print", "svc_patch", "svc_sync", "svc_index")
_PIPES = ("srvsvc", "samr", "lsarpc")
_PACKED = ("C:\\PerfLogs\\Admin\\sr.dat", "C:\\Windows\\Temp\\wct19A2.tmp", "D:\\Shared\\~tmp0021.dat")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed."""

    victim: Person
    service: Person
    hidden: Person
    entered: datetime
    cracked: datetime
    settled: datetime
    nights: tuple[datetime, ...]
    addresses: tuple[str, ...]
    packed: str
    deletes_account: bool
    clears_log: bool


def _play(world: World) -> None:
    plan = _plan(world, world.chance("vpn plan"))
    intruder = Intruder(world, plan.entered)
    _enter(intruder, plan)
    _take_secrets(intruder, plan)
    _settle(intruder, plan)
    for number, night in enumerate(plan.nights):
        _read_share(intruder, plan, night, number)
    _clean_up(intruder, plan)


def _plan(world: World, random: Random) -> _Plan:
    estate = world.estate
    entered_on = random.randrange(30, world.n_days - 340)
    entered = _late(world, random, entered_on)
    cracked_on = entered_on + random.randrange(9, 40)
    settled_on = cracked_on + random.randrange(60, 150)
    room = range(settled_on + 10, world.n_days - 6)
    nights = sorted(random.sample(room, random.randrange(3, 5)))
    login = random.choice(_HIDDEN)
    return _Plan(
        victim=random.choice(world.untouched(estate.staff)),
        service=random.choice(world.untouched(tuple(p for p in estate.services if p.login != "svc_scan"))),
        hidden=Person(login=login, name=login, sid=f"{estate.domain_sid}-{1730 + random.randrange(80)}", department=""),
        entered=entered,
        cracked=_late(world, random, cracked_on),
        settled=_late(world, random, settled_on),
        nights=tuple(_late(world, random, day) for day in nights),
        addresses=world.outside(random, 4),
        packed=random.choice(_PACKED),
        deletes_account=random.random() < 0.6,
        clears_log=random.random() < 0.4,
    )


def _late(world: World, random: Random, day: int) -> datetime:
    """An evening or a night: when the intruder works, which is somebody else's morning."""
    return moment(random, world.start + timedelta(days=day), 18.0, 27.5)


def _enter(intruder: Intruder, plan: _Plan) -> None:
    world, dc, server = intruder.world, intruder.world.machines["DC01"], intruder.world.machines["FILE01"]
    intruder.come_back(plan.entered, plan.addresses[0])
    gateway = world.estate.gateway.fqdn
    intruder.begin_at("connected with a stolen password", gateway, ("initial-access",), ("T1133", "T1078.002"))
    tunnel = _connect(intruder, plan.victim)
    intruder.acts_as(plan.victim)
    intruder.begin("a look at shares and accounts", server, ("discovery",), ("T1135", "T1087.002"))
    session = _log_on(intruder, plan.victim, server, tunnel)
    for pipe in intruder.random.sample(_PIPES, 2):
        server.touch_share_file(intruder.after(2, 20), session, "IPC$", "", pipe)
    intruder.reads_files(server, session, "Shared", "D:\\Shared", [f"{plan.victim.department}\\Agenda.docx"])
    server.log_off(intruder.after(60, 400), session, 3)
    intruder.begin("tickets that can be cracked", dc, ("credential-access",), ("T1558.003",))
    for service in world.estate.services:
        weak_ticket(dc, intruder.after(0.4, 3), plan.victim, service, tunnel.inside)
    union(world.ledger.exposed, (world.estate.account(p) for p in world.estate.services))
    _disconnect(intruder, tunnel, received=900_000)


def _take_secrets(intruder: Intruder, plan: _Plan) -> None:
    """Weeks later: the service account's password is known, and it may do too much."""
    world, dc = intruder.world, intruder.world.machines["DC01"]
    intruder.come_back(plan.cracked, plan.addresses[0])
    intruder.begin("the directory's secrets replicated", dc, ("lateral-movement", "credential-access"), ("T1003.006",))
    tunnel = _connect(intruder, plan.victim)
    intruder.acts_as(plan.service)
    session = _log_on(intruder, plan.service, dc, tunnel, is_admin=True)
    for _ in range(3):
        replicate_secrets(dc, intruder.after(0.5, 4), session)
    dc.log_off(intruder.after(4, 60), session, 3)
    estate = world.estate
    people = (*estate.staff, *estate.administrators, *estate.services)
    union(world.ledger.exposed, (estate.account(p) for p in people))
    union(world.ledger.hosts_potential, (h.fqdn for h in estate.hosts))
    union(world.ledger.shares_potential, (f"\\\\FILE01\\{s}" for s in ("Shared", estate.organisation.register_share)))
    _disconnect(intruder, tunnel, received=30_000_000)


def _settle(intruder: Intruder, plan: _Plan) -> None:
    """Months later: an account of their own, which looks like one of the services'."""
    dc = intruder.world.machines["DC01"]
    intruder.come_back(plan.settled, plan.addresses[1])
    intruder.begin("an account of their own", dc, ("persistence",), ("T1136.002", "T1098.007"))
    tunnel = _connect(intruder, plan.victim)
    session = _log_on(intruder, plan.service, dc, tunnel, is_admin=True)
    create_account(dc, intruder.after(5, 40), session, plan.hidden)
    add_to_group(dc, intruder.after(3, 30), session, plan.hidden, "VPN users", rid=1201)
    add_to_group(dc, intruder.after(3, 30), session, plan.hidden, "File backup", rid=1202)
    dc.log_off(intruder.after(20, 90), session, 3)
    _disconnect(intruder, tunnel, received=400_000)


def _read_share(intruder: Intruder, plan: _Plan, night: datetime, number: int) -> None:
    """A night on the file server: files read over the share, or packed there by remote desktop."""
    world, server = intruder.world, intruder.world.machines["FILE01"]
    organisation = world.estate.organisation
    intruder.come_back(night, plan.addresses[2 + number % 2])
    intruder.begin("files read on the file server", server, ("collection", "exfiltration"), ("T1039", "T1078.002"))
    tunnel = _connect(intruder, plan.hidden)
    intruder.acts_as(plan.hidden)
    session = _log_on(intruder, plan.hidden, server, tunnel)
    register = organisation.register_file
    files = [register.format(year=night.year - back) for back in range(2)]
    intruder.reads_files(server, session, organisation.register_share, f"D:\\{organisation.register_share}", files)
    names = [
        f"{d}\\{n}.docx" for d in organisation.departments for n in ("Agenda", "Budget", "Minutes", "Plan", "Rota")
    ]
    intruder.reads_files(server, session, "Shared", "D:\\Shared", intruder.random.sample(names, 11))
    if number == 1:
        _pack(intruder, plan, server, tunnel)
    server.log_off(intruder.after(60, 900), session, 3)
    _disconnect(intruder, tunnel, received=2_000_000, sent=intruder.random.randrange(300_000_000, 2_000_000_000))


def _pack(intruder: Intruder, plan: _Plan, server: Machine, tunnel: Tunnel) -> None:
    intruder.begin(
        "files packed by remote desktop", server, ("lateral-movement", "collection"), ("T1021.001", "T1560.001")
    )
    session = server.log_on(
        intruder.after(20, 90), plan.hidden, logon_type=10, address=tunnel.inside, is_admin=True, package="Negotiate"
    )
    explorer = server.run(
        intruder.after(4, 9),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=server.standing("winlogon.exe", intruder.now),
        session=session,
    )
    shell = server.run(intruder.after(9, 40), "cmd.exe", f'"{SYSTEM32}cmd.exe" ', parent=explorer)
    tool = "C:\\PerfLogs\\Admin\\srv.exe"
    intruder.drops(intruder.after(5, 30), server, explorer, tool)
    line = f"{tool} a -hp{hexadecimal(intruder.random, 8)} -m3 -v300m {plan.packed} D:\\Shared"
    packer = server.run(
        intruder.after(5, 30), tool, line, parent=shell, disguises="rar.exe", directory="C:\\PerfLogs\\Admin\\"
    )
    intruder.drops(intruder.after(60, 400), server, packer, plan.packed)
    for path in (tool, plan.packed):
        server.delete_file(intruder.after(200, 900), shell, path)
        union(intruder.world.ledger.removed, (path,))
    server.log_off(intruder.after(20, 90), session, 10)


def _clean_up(intruder: Intruder, plan: _Plan) -> None:
    if not (plan.deletes_account or plan.clears_log):
        return
    world, dc, server = intruder.world, intruder.world.machines["DC01"], intruder.world.machines["FILE01"]
    intruder.come_back(wobble(intruder.random, plan.nights[-1], 90_000, 170_000), plan.addresses[3])
    where = dc if plan.deletes_account else server
    intruder.begin("traces removed", where, ("defense-evasion",), ("T1070.001", "T1070.009"))
    tunnel = _connect(intruder, plan.victim)
    if plan.deletes_account:
        session = _log_on(intruder, plan.service, dc, tunnel, is_admin=True)
        delete_account(dc, intruder.after(5, 30), session, plan.hidden)
        dc.log_off(intruder.after(5, 30), session, 3)
        union(world.ledger.removed, (world.estate.account(plan.hidden),))
    if plan.clears_log:
        session = _log_on(intruder, plan.service, server, tunnel, is_admin=True)
        since = plan.nights[-1] - timedelta(days=20)
        at = intruder.after(5, 30)
        n_lost = server.clear_security_log(at, session, since=since)
        cleared = ClearedLog(host=server.host.fqdn, channel="Security", since=since, cleared_at=at, n_lost=n_lost)
        world.ledger.cleared.append(cleared)
    _disconnect(intruder, tunnel, received=100_000)


def _connect(intruder: Intruder, person: Person) -> Tunnel:
    """Connect at the firewall; the log shows whole seconds, and so does the truth."""
    at = intruder.after(0, 3).replace(microsecond=0)
    intruder.now = at
    if intruder.world.ledger.entered_at is None:
        intruder.world.ledger.enter(at)
    return intruder.world.firewall.open(at, person.login, intruder.address)


def _disconnect(intruder: Intruder, tunnel: Tunnel, *, received: int, sent: int = 4_000_000) -> None:
    at = intruder.after(5, 200)
    intruder.world.firewall.close(at, tunnel, sent=sent, received=received)


def _log_on(intruder: Intruder, person: Person, machine: Machine, tunnel: Tunnel, *, is_admin: bool = False) -> Session:
    """Log on over the network from inside the tunnel, with tickets or, for the hidden account, with its password."""
    dc = intruder.world.machines["DC01"]
    at = intruder.after(8, 60)
    uses_ticket = bool(person.department)
    if uses_ticket:
        ask_for_tickets(dc, person, machine.host, at, random=intruder.random, address=tunnel.inside)
    else:
        dc.check_password(at, person, "WORKSTATION")
    union(intruder.world.ledger.hosts, (machine.host.fqdn,))
    return machine.log_on(
        intruder.after(2.6, 6),
        person,
        logon_type=3,
        address=tunnel.inside,
        workstation="-" if uses_ticket else "WORKSTATION",
        is_admin=is_admin,
        package="Kerberos" if uses_ticket else "NTLM",
    )


SCENARIO = Scenario(
    name="vpn",
    title="A stolen password at the firewall, the directory, and the file share",
    summary=(
        "Somebody connects with a colleague's password, asks for tickets that can be cracked, comes back weeks later as"
        " a service account and replicates the directory's secrets; months later an account of their own, and nights on"
        " the file server. At the end traces are removed, or not yet."
    ),
    needs=lambda _: frozenset({Part.VPN}),
    play=_play,
)
