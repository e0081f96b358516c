"""What the servers do by themselves: services, scheduled tasks, backups, updates; and the monthly scan."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.background.calendar import days, is_patch_day, is_working_day
from stillhunt.simulation.chance import hexadecimal, moment, stream, wobble
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.windows import SYSTEM_SID
from stillhunt.simulation.world import World

__all__ = ["run_servers"]

_POWERSHELL = SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe"
_BACKUP_AGENT = "C:\\Program Files\\Sample Backup\\backupagent.exe"
_DEFENDER = "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2104.14-0\\MpCmdRun.exe"
_SERVICES = (
    ("Windows Update", "wuauserv"),
    ("Software Protection", "sppsvc"),
    ("WMI Performance Adapter", "wmiApSrv"),
    ("Windows Modules Installer", "TrustedInstaller"),
    ("Background Intelligent Transfer Service", "BITS"),
)
_MAIL_SERVICES = (
    ("World Wide Web Publishing Service", "W3SVC"),
    ("Microsoft Exchange Transport", "MSExchangeTransport"),
    ("Microsoft Exchange Mailbox Replication", "MSExchangeMailboxReplication"),
)
_PRODUCTS = ("Windows Server 2016 for x64-based Systems", "Windows Malicious Software Removal Tool x64")


def run_servers(world: World) -> None:
    """Play every day and night of the machines."""
    random = stream(world.seed, "servers")
    servers = [world.machines[h.name] for h in world.estate.hosts if h.is_server]
    for day in days(world.start, world.end):
        if is_patch_day(day):
            _patch(world, random, servers, moment(random, day, 21.0, 21.4))
        for machine in servers if world.is_due(random) else ():
            _change_services(machine, random, day)
            if random.random() < 0.2:
                _update_definitions(machine, random, moment(random, day, 0.5, 23))
        if world.is_due(random):
            _back_up(world, random, moment(random, day, 1.0, 1.4))
        if "MAIL01" in world.machines and random.random() < 0.6 * world.pace:
            _replicate(world, random, moment(random, day, 6, 20))
        if "MAIL01" in world.machines and is_working_day(day) and world.is_due(random):
            _report_mailboxes(world, random, moment(random, day, 5.0, 5.1))
        if day.weekday() == 6:
            _back_up_directory(world.machines["DC01"], random, moment(random, day, 3.0, 3.2))
        if is_patch_day(day - timedelta(days=5)):
            _scan(world, random, moment(random, day, 2.0, 2.3))
    for name in (h.name for h in world.estate.workstations):
        _keep_workstation(world, random, world.machines[name])


def _change_services(machine: Machine, random: Random, day: datetime) -> None:
    if random.random() < 0.45:
        title, name = random.choice(_SERVICES)
        started = moment(random, day, 0, 23)
        machine.change_service(started, title, name, "running")
        machine.change_service(wobble(random, started, 120, 1800), title, name, "stopped")


def _update_definitions(machine: Machine, random: Random, at: datetime) -> None:
    parent = machine.standing("msmpeng.exe", at)
    machine.run(at, _DEFENDER, f'"{_DEFENDER}" SignatureUpdate -ScheduleJob -RestrictPrivileges', parent=parent)
    if random.random() < 0.15:
        defender, lsass = parent, machine.standing("lsass.exe", at)
        trace = "C:\\Windows\\SYSTEM32\\ntdll.dll+a6134|C:\\Windows\\System32\\KERNELBASE.dll+20edd"
        machine.access(wobble(random, at, 2, 20), defender, lsass, "0x1000", trace)


def _back_up(world: World, random: Random, at: datetime) -> None:
    """The backup agent of the file server reads every server over the network."""
    file_server = world.machines["FILE01"]
    person = world.estate.service("svc_backup")
    file_server.log_on(wobble(random, at, -2, -1), person, logon_type=5, package="Negotiate")
    agent = file_server.run(
        at,
        _BACKUP_AGENT,
        f'"{_BACKUP_AGENT}" --job nightly --retention 35',
        parent=file_server.standing("services.exe", at),
        directory="C:\\Program Files\\Sample Backup\\",
    )
    for number, name in enumerate(n for n in ("DC01", "MAIL01") if n in world.machines):
        machine = world.machines[name]
        begun = wobble(random, at, 5 + 900 * number, 60 + 900 * number)
        file_server.connect(begun, agent, machine.host.address, 445, name=machine.host.fqdn)
        session = machine.log_on(begun, person, logon_type=3, address=file_server.host.address, is_admin=True)
        machine.log_off(wobble(random, begun, 300, 840), session, 3)


def _replicate(world: World, random: Random, at: datetime) -> None:
    """The mail server asks the directory."""
    mail, dc = world.machines["MAIL01"], world.estate.host("DC01")
    replication = mail.standing("mailboxreplication", at)
    mail.connect(wobble(random, at, 0, 60), replication, dc.address, 3268, name=dc.fqdn)


def _report_mailboxes(world: World, random: Random, at: datetime) -> None:
    """A script of the administrators counts mailboxes every morning."""
    mail = world.machines["MAIL01"]
    person = world.estate.service("svc_monitor")
    script = "C:\\Scripts\\MailboxReport.ps1"
    session = mail.log_on(at, person, logon_type=5, is_admin=True, package="Negotiate", is_logged=False)
    begun = wobble(random, at, 0.1, 0.5)
    lasts = random.uniform(20, 90)
    mail.run_task(begun, "\\Operations\\Mailbox report", _POWERSHELL, lasts_s=lasts)
    mail.run(
        wobble(random, begun, 0.05, 0.2),
        _POWERSHELL,
        f'"{_POWERSHELL}" -NoProfile -File {script}',
        parent=mail.standing("svchost.exe:schedule", at),
        session=session,
    )
    if random.random() < 0.3:
        text = (
            "Get-Mailbox -ResultSize Unlimited | Get-MailboxStatistics | Export-Csv C:\\Scripts\\Reports\\mailboxes.csv"
        )
        mail.run_script(wobble(random, begun, 1, 3), session, text, script)


def _back_up_directory(dc: Machine, random: Random, at: datetime) -> None:
    dc.run_task(at, "\\Operations\\System state backup", SYSTEM32 + "wbadmin.exe", lasts_s=random.uniform(600, 1500))
    line = "wbadmin.exe start systemstatebackup -backuptarget:\\\\FILE01\\Backup$ -quiet"
    dc.run(wobble(random, at, 0.1, 0.4), "wbadmin.exe", line, parent=dc.standing("svchost.exe:schedule", at))


def _patch(world: World, random: Random, servers: list[Machine], at: datetime) -> None:
    for number, machine in enumerate(servers):
        begun = wobble(random, at, 2400 * number, 2400 * number + 300)
        for product in _PRODUCTS:
            title = f"{begun:%Y-%m} Update for {product} (KB{5_000_000 + random.randrange(20_000)})"
            begun = _install(machine, random, begun, title)
        services = machine.standing("services.exe", begun)
        installer = machine.run(
            wobble(random, begun, 1, 9), "C:\\Windows\\servicing\\TrustedInstaller.exe", parent=services
        )
        machine.run(
            wobble(random, begun, 10, 20),
            "C:\\Windows\\WinSxS\\amd64_microsoft-windows-servicingstack\\TiWorker.exe",
            "C:\\Windows\\winsxs\\amd64_microsoft-windows-servicingstack\\TiWorker.exe -Embedding",
            parent=installer,
        )
        if begun.month in {6, 12}:
            machine.install_service(
                wobble(random, begun, 60, 90), "Sample Backup Agent", f'"{_BACKUP_AGENT}" --service'
            )
        up = machine.restart(wobble(random, begun, 200, 400))
        if machine.host.name == "MAIL01":
            _start_mail(world, random, machine, up)


def _install(machine: Machine, random: Random, at: datetime, title: str) -> datetime:
    drawn = hexadecimal(random, 32).upper()
    guid = f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"
    data = {"updateTitle": title, "updateGuid": guid, "updateRevisionNumber": 200}
    machine.log(at, kinds.UPDATE_STARTED, data, user_id=SYSTEM_SID)
    done = wobble(random, at, 60, 420)
    installed = {**data, "serviceGuid": "7971F918-A847-4430-9279-4A52D1EFE18D"}
    machine.log(done, kinds.UPDATE_INSTALLED, installed, user_id=SYSTEM_SID)
    return wobble(random, done, 2, 30)


def _start_mail(world: World, random: Random, mail: Machine, up: datetime) -> None:
    later = wobble(random, up, 70, 90)
    mail.announce("w3wp.exe:owa", "svchost.exe:iis", later)
    for number, (title, name) in enumerate(_MAIL_SERVICES):
        mail.change_service(wobble(random, up, 60 + 30 * number, 85 + 30 * number), title, name, "running")
    world.web.starts.append(wobble(random, up, 62, 66))


def _scan(world: World, random: Random, at: datetime) -> None:
    """The scanner logs on to every server, and tries what should not work."""
    person = world.estate.service("svc_scan")
    for number, name in enumerate(n for n in ("DC01", "FILE01", "MAIL01") if n in world.machines):
        machine = world.machines[name]
        begun = wobble(random, at, 600 * number, 600 * number + 90)
        for login in ("guest", "administrator"):
            machine.fail_logon(
                wobble(random, begun, 1, 9), login, logon_type=3, address=world.estate.scanner, exists=login == "guest"
            )
        dc = world.machines["DC01"]
        dc.check_password(wobble(random, begun, 9.2, 9.9), person, "SAMPLESCAN")
        session = machine.log_on(
            wobble(random, begun, 10, 20),
            person,
            logon_type=3,
            address=world.estate.scanner,
            is_admin=True,
            package="NTLM",
        )
        machine.log_off(wobble(random, begun, 200, 500), session, 3)


def _keep_workstation(world: World, random: Random, machine: Machine) -> None:
    for day in days(world.start, world.end):
        if is_working_day(day) and random.random() < 0.2 * world.pace:
            _update_definitions(machine, random, moment(random, day, 9.5, 15.5))
        if is_patch_day(day - timedelta(days=1)):
            at = moment(random, day, 11.0, 11.3)
            done = _install(machine, random, at, f"{day:%Y-%m} Cumulative Update for Windows 10 Version 21H1")
            machine.restart(wobble(random, done, 100, 200))
