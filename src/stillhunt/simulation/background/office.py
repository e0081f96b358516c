"""What the staff do: log on in the morning, open programs, read and write files of the shares, mistype passwords."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.background.calendar import days, is_working_day, office_hour
from stillhunt.simulation.chance import moment, stream, visits, wobble
from stillhunt.simulation.estate import Estate, Host, Person
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.windows import NO_GUID, Process
from stillhunt.simulation.world import World

__all__ = ["ask_for_tickets", "work_in_the_office"]

_OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16\\"
_PROGRAMS = (
    (_OFFICE + "OUTLOOK.EXE", '"{image}" '),
    (_OFFICE + "WINWORD.EXE", '"{image}" /n "S:\\{department}\\{document}.docx"'),
    (_OFFICE + "EXCEL.EXE", '"{image}" "S:\\{department}\\{document}.xlsx"'),
    ("C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe", '"{image}" --profile-directory=Default'),
    ("C:\\Users\\{login}\\AppData\\Local\\Microsoft\\Teams\\current\\Teams.exe", '"{image}" --process-start-args "-s"'),
)
_DOCUMENTS = ("Agenda", "Budget", "Canvass plan", "Minutes", "Polling places", "Rota", "Supplier list", "Training")
_SITES = ("intranet", "news", "maps", "weather")


def work_in_the_office(world: World) -> None:
    """Play the working days of everybody with an account."""
    random = stream(world.seed, "office")
    for day in days(world.start, world.end):
        if not is_working_day(day):
            continue
        for person in world.estate.staff:
            if random.random() < 0.82 * world.pace:
                _spend_day(world, random, person, day)


def ask_for_tickets(
    dc: Machine, person: Person, server: Host, at: datetime, *, random: Random, address: str = ""
) -> None:
    """Log what the domain controller sees when somebody logs on: a ticket, and one for a server.

    Args:
        dc: The domain controller.
        person: Who.
        server: What the second ticket is for.
        at: When.
        random: Where chance comes from.
        address: Where from; their seat if empty.
    """
    place = f"::ffff:{address or person.seat}"
    realm = dc.estate.windows_domain
    ticket = {
        "TargetUserName": person.login,
        "TargetDomainName": dc.estate.organisation.netbios,
        "TargetSid": person.sid,
        "ServiceName": "krbtgt",
        "ServiceSid": f"{dc.estate.domain_sid}-502",
        "TicketOptions": "0x40810010",
        "Status": "0x0",
        "TicketEncryptionType": "0x12",
        "PreAuthType": "2",
        "IpAddress": place,
        "IpPort": str(dc.port()),
        "CertIssuerName": "",
        "CertSerialNumber": "",
        "CertThumbprint": "",
    }
    dc.log(at, kinds.KERBEROS_TICKET, ticket)
    service = {
        "TargetUserName": f"{person.login}@{realm.upper()}",
        "TargetDomainName": realm.upper(),
        "ServiceName": f"{server.name}$",
        "ServiceSid": server.account_sid,
        "TicketOptions": "0x40810000",
        "TicketEncryptionType": "0x12",
        "IpAddress": place,
        "IpPort": str(dc.port()),
        "Status": "0x0",
        "LogonGuid": NO_GUID,
        "TransmittedServices": "-",
    }
    dc.log(wobble(random, at, 0.02, 2.5), kinds.KERBEROS_SERVICE, service)


def _spend_day(world: World, random: Random, person: Person, day: datetime) -> None:
    came = moment(random, day, office_hour(day, 8.1), office_hour(day, 9.8))
    left = moment(random, day, office_hour(day, 16.2), office_hour(day, 18.3))
    file_server, dc = world.machines["FILE01"], world.machines["DC01"]
    if random.random() < 0.55:
        ask_for_tickets(dc, person, file_server.host, wobble(random, came, 0.1, 3), random=random)
    if person.workstation:
        _sit_down(world.machines[person.workstation], random, person, came, left)
    if random.random() < 0.29:
        _use_share(world, random, person, wobble(random, came, 600, 20_000))
    if random.random() < 0.22:
        session = dc.log_on(wobble(random, came, 2, 40), person, logon_type=3, address=person.seat)
        dc.log_off(wobble(random, came, 45, 900), session, 3)
    if random.random() < 0.04:
        file_server.fail_logon(wobble(random, came, 30, 9000), person.login, logon_type=3, address=person.seat)


def _sit_down(machine: Machine, random: Random, person: Person, came: datetime, left: datetime) -> None:
    if random.random() < 0.06:
        machine.fail_logon(wobble(random, came, -40, -8), person.login, logon_type=2, address="127.0.0.1")
    session = machine.log_on(came, person, logon_type=2, address="127.0.0.1", package="Negotiate")
    winlogon = machine.standing("winlogon.exe", came)
    explorer = machine.run(
        wobble(random, came, 2, 9),
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\Explorer.EXE",
        parent=winlogon,
        session=session,
    )
    for _ in range(visits(random, 1.3)):
        _open_program(machine, random, person, explorer, wobble(random, came, 20, 25_000))
    machine.log_off(left, session, 2)


def _open_program(machine: Machine, random: Random, person: Person, explorer: Process, at: datetime) -> None:
    pattern, line = random.choice(_PROGRAMS)
    image = pattern.format(login=person.login)
    command_line = line.format(image=image, department=person.department, document=random.choice(_DOCUMENTS))
    process = machine.run(at, image, command_line, parent=explorer)
    if random.random() < 0.35:
        domain = machine.estate.organisation.domain
        server = machine.estate.intranet
        name, answer = f"{random.choice(_SITES)}.{domain}", server.address
        machine.query_name(wobble(random, at, 1, 4), process, name, answer)
        machine.connect(wobble(random, at, 4.1, 6), process, answer, 443, name=server.fqdn)


def _use_share(world: World, random: Random, person: Person, at: datetime) -> None:
    server = world.machines["FILE01"]
    session = server.log_on(at, person, logon_type=3, address=person.seat)
    share, local, paths = _place(world.estate, random, person, at)
    server.open_share(wobble(random, at, 0.05, 0.4), session, share, local)
    for number in range(1 + visits(random, 0.7)):
        when = wobble(random, at, 1 + 40 * number, 40 + 40 * number)
        server.touch_share_file(when, session, share, local, random.choice(paths), is_write=random.random() < 0.25)
    server.log_off(at + timedelta(seconds=random.randrange(700, 6000)), session, 3)


def _place(estate: Estate, random: Random, person: Person, at: datetime) -> tuple[str, str, list[str]]:
    """Return the share, its local path and the files that a person is likely to open."""
    organisation = estate.organisation
    if person.department == organisation.departments[0] and random.random() < 0.5:
        register = organisation.register_file.format(year=at.year)
        return organisation.register_share, f"D:\\{organisation.register_share}", [register, "Monthly changes.xlsx"]
    folder = person.department
    return "Shared", "D:\\Shared", [f"{folder}\\{document}.docx" for document in _DOCUMENTS]
