"""The federation server's signing key copied, and mailboxes read with tokens that it never gave out.

An administrator's password at the firewall, one night on the federation server: the configuration database and the key
that protects it are read, and with them goes the key that signs tokens. From then on nobody needs a password: sign-ins
in the cloud carry the house's own signature, and the federation server knows nothing of them. In some runs a second
certificate is added to the domain's federation settings. Mailboxes are read for months.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.background.office import ask_for_tickets
from stillhunt.simulation.chance import guid, hexadecimal, moment, wobble
from stillhunt.simulation.directory import read_object
from stillhunt.simulation.estate import Person
from stillhunt.simulation.identities import OFFICE
from stillhunt.simulation.intruder import Intruder
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.parts import Part
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.truth import ClearedLog, union
from stillhunt.simulation.windows import Process, Session
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_POWERSHELL = SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe"
_CONTACT = "5cb41ed0-0e4c-11d0-a286-00aa003049e2"
_PHOTO = "8d3bca50-1d7e-11d0-a081-00aa006c33ed"
_PIPE = "\\MICROSOFT##WID\\tsql\\query"
_SCRIPTS = ("sync-check.ps1", "health.ps1", "inventory.ps1")
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0 Safari/537.36"
_PLACES = (("Warsaw", "PL"), ("Stockholm", "SE"), ("Madrid", "ES"))
_FOLDERS = ("\\Inbox", "\\Inbox", "\\Sent Items", "\\Archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed."""

    admin: Person
    entered: datetime
    addresses: tuple[str, ...]
    place: tuple[str, str]
    script: str
    copied: str
    victims: tuple[Person, ...]
    readings: tuple[datetime, ...]
    settings_changed: datetime | None
    clears_log: bool


def _play(world: World) -> None:
    plan = _plan(world, world.chance("samltoken plan"))
    intruder = Intruder(world, plan.entered)
    _take_key(intruder, plan)
    if plan.settings_changed:
        _change_settings(intruder, plan, plan.settings_changed)
    for number, at in enumerate(plan.readings):
        _read(intruder, plan, at, plan.victims[number % len(plan.victims)])


def _plan(world: World, random: Random) -> _Plan:
    day = random.randrange(30, world.n_days - 330)
    entered = moment(random, world.start + timedelta(days=day), 19, 27.5)
    room = range(day + 8, world.n_days - 5)
    readings = [moment(random, world.start + timedelta(days=n), 0, 24) for n in sorted(random.sample(room, 7))]
    staff = world.untouched(world.estate.staff)
    changed = readings[1] + timedelta(days=random.uniform(0.5, 4)) if random.random() < 0.4 else None
    return _Plan(
        admin=random.choice(world.untouched(world.estate.administrators)),
        entered=entered,
        addresses=world.outside(random, 3),
        place=random.choice(_PLACES),
        script=f"C:\\Windows\\Temp\\{random.choice(_SCRIPTS)}",
        copied=f"C:\\Windows\\Temp\\{hexadecimal(random, 6)}.bin",
        victims=tuple(random.sample(staff, min(len(staff), random.randrange(2, 4)))),
        readings=tuple(readings),
        settings_changed=changed,
        clears_log=random.random() < 0.4,
    )


def _take_key(intruder: Intruder, plan: _Plan) -> None:
    """One night: at the firewall, on the federation server, and out with its key."""
    world, machine = intruder.world, intruder.world.machines["ADFS01"]
    intruder.come_back(plan.entered, plan.addresses[0])
    gateway = world.estate.gateway.fqdn
    intruder.begin_at(
        "connected with an administrator's password", gateway, ("initial-access",), ("T1133", "T1078.002")
    )
    at = world.ledger.enter(plan.entered.replace(microsecond=0))
    tunnel = world.firewall.open(at, plan.admin.login, intruder.address)
    intruder.acts_as(plan.admin)
    intruder.begin(
        "the signing key read", machine, ("lateral-movement", "credential-access"), ("T1021.001", "T1552.004")
    )
    ticket_at = intruder.after(9, 60)
    dc = world.machines["DC01"]
    ask_for_tickets(dc, plan.admin, machine.host, ticket_at, random=intruder.random, address=tunnel.inside)
    session = machine.log_on(
        intruder.after(3, 9), plan.admin, logon_type=10, address=tunnel.inside, is_admin=True, package="Negotiate"
    )
    _export(intruder, plan, machine, session)
    union(world.ledger.exposed, (f"token-signing key of {machine.host.fqdn}",))
    union(world.ledger.mailboxes_potential, (world.estate.mailbox(p) for p in world.estate.staff))
    if plan.clears_log:
        _clear(intruder, machine, session, plan.entered - timedelta(days=30))
    machine.log_off(intruder.after(20, 90), session, 10)
    world.firewall.close(intruder.after(3, 30), tunnel, sent=9_000_000, received=700_000)


def _export(intruder: Intruder, plan: _Plan, machine: Machine, session: Session) -> None:
    explorer = machine.run(
        intruder.after(5, 12),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=machine.standing("winlogon.exe", intruder.now),
        session=session,
    )
    intruder.drops(intruder.after(20, 90), machine, explorer, plan.script)
    line = f'"{_POWERSHELL}" -NoProfile -ExecutionPolicy Bypass -File {plan.script}'
    shell: Process = machine.run(intruder.after(9, 40), _POWERSHELL, line, parent=explorer)
    text = (
        "$c = New-Object System.Data.SqlClient.SqlConnection('server=\\\\.\\pipe\\MICROSOFT##WID\\tsql\\query;"
        "database=AdfsConfigurationV4;trusted_connection=true;'); # synthetic, not a working script"
    )
    machine.run_script(intruder.after(0.3, 1), session, text, plan.script)
    machine.open_pipe(intruder.after(0.3, 2), shell, _PIPE)
    dc = intruder.world.machines["DC01"]
    dc_session = dc.log_on(
        intruder.after(0.2, 1), plan.admin, logon_type=3, address=machine.host.address, is_admin=True
    )
    read_object(dc, intruder.after(0.1, 0.5), dc_session, kind=_CONTACT, properties=(_PHOTO, _CONTACT))
    dc.log_off(intruder.after(5, 12), dc_session, 3)
    values = {
        "SubjectNames": f"CN=ADFS Signing - sts.{machine.estate.organisation.domain}",
        "Thumbprint": _thumbprint(intruder),
    }
    machine.log(intruder.after(0.5, 3), kinds.CERTIFICATE_EXPORTED, values, user_id=session.sid)
    intruder.drops(intruder.after(0.2, 2), machine, shell, plan.copied)
    for path in (plan.script, plan.copied):
        machine.delete_file(intruder.after(20, 90), explorer, path)
        union(intruder.world.ledger.removed, (path,))


def _thumbprint(intruder: Intruder) -> str:
    return hexadecimal(intruder.random, 40).upper()


def _clear(intruder: Intruder, machine: Machine, session: Session, since: datetime) -> None:
    intruder.begin("Security log cleared", machine, ("defense-evasion",), ("T1070.001",))
    at = intruder.after(10, 60)
    n_lost = machine.clear_security_log(at, session, since=since)
    cleared = ClearedLog(host=machine.host.fqdn, channel="Security", since=since, cleared_at=at, n_lost=n_lost)
    intruder.world.ledger.cleared.append(cleared)


def _change_settings(intruder: Intruder, plan: _Plan, at: datetime) -> None:
    """A second signing certificate in the domain's federation settings, put there in the administrator's name."""
    world = intruder.world
    admin = world.subscriber(plan.admin)
    intruder.come_back(at, plan.addresses[1])
    intruder.begin_at("federation settings changed", "tenant", ("persistence", "defense-evasion"), ("T1484.002",))
    _sign_in(intruder, plan, plan.admin, intruder.after(0, 9))
    domain = world.estate.organisation.domain
    for operation in ("Set domain authentication", "Set federation settings on domain"):
        world.tenant.change_directory(
            intruder.after(20, 200),
            admin,
            operation,
            category="DirectoryManagement",
            kind="Domain",
            target_id=guid(intruder.random),
            target_name=domain,
            changes={
                "IssuerUri": (
                    f'["http://sts.{domain}/adfs/services/trust/"]',
                    f'["http://sts.{domain}/adfs/services/trust/"]',
                ),
                "NextSigningCertificate": ("[]", f'["{_thumbprint(intruder)}"]'),
                "Included Updated Properties": ("", '"NextSigningCertificate"'),
            },
            address=intruder.address,
            agent=_BROWSER,
        )


def _sign_in(intruder: Intruder, plan: _Plan, person: Person, at: datetime) -> str:
    """Sign in with a token that the federation server never gave out. Returns the session."""
    session = guid(intruder.random)
    world = intruder.world
    world.tenant.sign_in(
        at,
        world.subscriber(person),
        OFFICE,
        address=intruder.address,
        agent=_BROWSER,
        place=plan.place,
        has_mfa=True,
        is_federated=True,
        session=session,
    )
    union(world.ledger.accounts, (world.estate.mailbox(person),))
    return session


def _read(intruder: Intruder, plan: _Plan, at: datetime, victim: Person) -> None:
    world, random = intruder.world, intruder.random
    intruder.come_back(at, random.choice(plan.addresses[1:]))
    tactics, techniques = ("credential-access", "collection"), ("T1606.002", "T1114.002")
    intruder.begin_at("a mailbox read with a forged token", "tenant", tactics, techniques)
    session = _sign_in(intruder, plan, victim, intruder.after(0, 9))
    owner = world.subscriber(victim)
    for _ in range(random.randrange(5, 18)):
        folder = random.choice(_FOLDERS)
        read = world.tenant.letters(random, owner, folder, random.randrange(1, 6))
        world.ledger.read_folder(owner.upn, folder, read)
        world.tenant.read_mail(
            intruder.after(5, 120),
            owner,
            address=intruder.address,
            client=f"Client=OWA;{_BROWSER};",
            session=session,
            folders={folder: read},
        )
    if random.random() < 0.3:
        world.ledger.read_folder(owner.upn, "\\Inbox")
        world.tenant.read_mail(
            world.ledger.sign(wobble(random, intruder.now, 5, 90)),
            owner,
            address=intruder.address,
            client="Client=MSExchangeRPC",
            session=session,
            folders={"\\Inbox": ()},
            is_sync=True,
        )


SCENARIO = Scenario(
    name="samltoken",
    title="The federation server's signing key copied, mailboxes read with forged tokens",
    summary=(
        "An administrator's password at the firewall, one night on the federation server, and its signing key is gone."
        " Sign-ins in the cloud then carry the house's own signature, which the federation server never gave; mailboxes"
        " are read for months. In some runs a second certificate is added to the federation settings."
    ),
    needs=lambda _: frozenset({Part.TENANT, Part.FEDERATION, Part.VPN}),
    play=_play,
)
