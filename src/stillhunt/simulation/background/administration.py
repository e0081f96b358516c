"""What the administrators do: remote desktop, PowerShell, mail administration, forgotten passwords."""

from __future__ import annotations

from datetime import datetime
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.background.office import ask_for_tickets
from stillhunt.simulation.chance import moment, stream, visits, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.windows import Process, Session
from stillhunt.simulation.world import World

__all__ = ["administer", "log_cmdlet", "open_desktop"]

_POWERSHELL = SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe"
_SNAP_INS = ("compmgmt.msc", "eventvwr.msc", "services.msc", "taskschd.msc")
_LINES = ("ipconfig /all", "hostname", "gpupdate /force", "systeminfo", "whoami /groups", "net use", "tasklist /svc")
_SCRIPTS = (
    "Get-EventLog -LogName System -EntryType Error -Newest 50",
    "Get-Service | Where-Object Status -eq 'Stopped' | Sort-Object DisplayName",
    "Get-PSDrive -PSProvider FileSystem",
    "Test-Connection FILE01 -Count 2",
    "Get-HotFix | Sort-Object InstalledOn | Select-Object -Last 5",
    "Get-ScheduledTask | Where-Object State -ne 'Disabled'",
)
_MAIL_SCRIPTS = (
    "Get-Queue | Where-Object MessageCount -gt 20",
    "Get-MailboxDatabase -Status | Select-Object Name,DatabaseSize",
    "Get-MessageTrackingLog -Start (Get-Date).AddHours(-4) -EventId FAIL",
    "Test-ServiceHealth",
)
_CMDLETS = (
    ("Get-Mailbox", '-Identity "{mailbox}"'),
    ("Set-Mailbox", '-Identity "{mailbox}" -ProhibitSendQuota "4 GB"'),
    ("Get-MailboxStatistics", '-Identity "{mailbox}"'),
    ("Add-DistributionGroupMember", '-Identity "All staff" -Member "{mailbox}"'),
    ("Get-ActiveSyncDeviceStatistics", '-Mailbox "{mailbox}"'),
    ("Set-MailboxAutoReplyConfiguration", '-Identity "{mailbox}" -AutoReplyState "Scheduled"'),
)


def administer(world: World) -> None:
    """Play the administrators' months."""
    random = stream(world.seed, "administration")
    for day in days(world.start, world.end):
        if not is_working_day(day):
            continue
        for person in world.estate.administrators:
            if random.random() < 0.3 * world.pace:
                name = random.choice(("DC01", "FILE01", "MAIL01", "MAIL01"))
                if name not in world.machines:
                    name = "FILE01"
                _visit(world, random, person, world.machines[name], day)


def open_desktop(
    world: World, person: Person, machine: Machine, at: datetime, *, random: Random
) -> tuple[Session, Process]:
    """Open a remote desktop as an administrator, from their seat; returns the session and its Explorer."""
    ask_for_tickets(world.machines["DC01"], person, machine.host, at, random=random)
    session = machine.log_on(
        wobble(random, at, 1, 3), person, logon_type=10, address=person.seat, is_admin=True, package="Negotiate"
    )
    explorer = machine.run(
        wobble(random, at, 5, 12),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=machine.standing("winlogon.exe", at),
        session=session,
        directory="C:\\Windows\\system32\\",
    )
    return session, explorer


def log_cmdlet(
    mail: Machine, at: datetime, person: Person, cmdlet: str, parameters: str, *, client: str, pid: int, took_s: float
) -> None:
    """Log that somebody ran a cmdlet of the mail server (MSExchange Management 1)."""
    actor = f"{mail.estate.windows_domain}/Users/{person.name}"
    values = [cmdlet, parameters, actor, person.sid, person.sid, client, f"{pid} w3wp#MSExchangePowerShellAppPool", ""]
    values += [
        "23",
        f"00:00:{took_s:010.7f}",
        "View Entire Forest: 'False', Default Scope: ''",
        "",
        "",
        "",
        "",
        "false",
    ]
    mail.log(at, kinds.CMDLET, values)


def _visit(world: World, random: Random, person: Person, machine: Machine, day: datetime) -> None:
    at = moment(random, day, office_hour(day, 9.5), office_hour(day, 16.5))
    session, explorer = open_desktop(world, person, machine, at, random=random)
    for number in range(1 + visits(random, 1.2)):
        _do_something(random, machine, session, explorer, wobble(random, at, 30 + 200 * number, 180 + 200 * number))
    if machine.host.name == "MAIL01":
        _administer_mail(world, random, person, session, wobble(random, at, 60, 1200))
    if machine.host.name == "DC01" and random.random() < 0.3:
        machine.reset_password(wobble(random, at, 100, 900), session, random.choice(world.estate.staff[2:]))
    machine.log_off(wobble(random, at, 1800, 5400), session, 10)


def _do_something(random: Random, machine: Machine, session: Session, explorer: Process, at: datetime) -> None:
    choice = random.random()
    if choice < 0.45:
        snap_in = SYSTEM32 + random.choice(_SNAP_INS)
        machine.run(at, "mmc.exe", f'"{SYSTEM32}mmc.exe" "{snap_in}" ', parent=explorer)
        return
    if choice < 0.75:
        machine.run(at, _POWERSHELL, f'"{_POWERSHELL}" ', parent=explorer)
        machine.run_script(wobble(random, at, 8, 60), session, random.choice(_SCRIPTS))
        return
    shell = machine.run(at, "cmd.exe", f'"{SYSTEM32}cmd.exe" ', parent=explorer)
    line = random.choice(_LINES)
    machine.run(wobble(random, at, 3, 50), f"{line.partition(' ')[0]}.exe", line, parent=shell)


def _administer_mail(world: World, random: Random, person: Person, session: Session, at: datetime) -> None:
    mail = world.machines["MAIL01"]
    pid = mail.standing("w3wp.exe:owa", at).pid + 4
    for number in range(1 + visits(random, 1.0)):
        cmdlet, parameters = random.choice(_CMDLETS)
        mailbox = world.estate.mailbox(random.choice(world.estate.staff))
        log_cmdlet(
            mail,
            wobble(random, at, 60 * number, 60 * number + 40),
            person,
            cmdlet,
            parameters.format(mailbox=mailbox),
            client="Remote-ManagementShell-Unknown",
            pid=pid,
            took_s=random.uniform(0.05, 2.5),
        )
    mail.run_script(wobble(random, at, 5, 30), session, random.choice(_MAIL_SCRIPTS))
    query = "serializationLevel=Full;clientApplication=ManagementShell;PSVersion=5.1.14393.4583"
    world.web.request(
        wobble(random, at, -9, -1),
        "POST",
        "/powershell",
        query,
        client=person.seat,
        agent="Microsoft WinRM Client",
        username=world.estate.account(person),
    )
