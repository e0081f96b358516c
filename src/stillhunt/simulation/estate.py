"""An invented organisation: its people, hosts and addresses, different for every seed.

Nothing in it can be mistaken for somebody: domains end in ``.example`` (RFC 2606), people are called after trees and
words for *sample*, addresses come from the documentation ranges (RFC 5737, RFC 3849) and, inside, from 10.0.0.0/8.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv6Address
from random import Random

from stillhunt.simulation.chance import hexadecimal, stream
from stillhunt.simulation.parts import Part

__all__ = ["Estate", "Host", "Organisation", "Person", "found_estate", "outside_addresses"]

_FIRST_NAMES = (
    "Alder",
    "Ash",
    "Aspen",
    "Beech",
    "Birch",
    "Cedar",
    "Cypress",
    "Elder",
    "Elm",
    "Hazel",
    "Holly",
    "Juniper",
    "Larch",
    "Laurel",
    "Linden",
    "Maple",
    "Olive",
    "Poplar",
    "Rowan",
    "Willow",
    "Yew",
)
_LAST_NAMES = (
    "Dummett",
    "Fakenham",
    "Instance",
    "Mockridge",
    "Modell",
    "Pattern",
    "Placeholder",
    "Sampleton",
    "Specimen",
    "Standin",
    "Testley",
    "Trialstone",
)
_DOCUMENTATION_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who is simulated.

    Attributes:
        title: Its name.
        domain: Its mail domain, which ends in ``.example``.
        netbios: The short name of its Windows domain.
        departments: What its staff work on.
        register_share: The share with what an intruder would want.
        register_file: Name of the file there, with ``{year}`` in it.
    """

    title: str
    domain: str
    netbios: str
    departments: tuple[str, ...]
    register_share: str
    register_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of staff, an administrator's second account, or a service account.

    Attributes:
        login: Account name.
        name: Name in the directory.
        sid: Security identifier.
        department: What they work on.
        seat: Address they work from in the office, or empty.
        workstation: Name of the host they sit at, if its logs are collected, or empty.
        home: Address they work from when at home, or empty.
        device: Id of their telephone, or empty.
    """

    login: str
    name: str
    sid: str
    department: str
    seat: str = ""
    workstation: str = ""
    home: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine.

    Attributes:
        name: Short name, upper case on Windows.
        fqdn: Full name, as its log writes it.
        address: Its address inside.
        account_sid: Security identifier of its computer account.
        machine_guid: Eight digits that begin every Sysmon GUID of it.
        build: Windows build number; 0 elsewhere.
        is_server: True for servers.
        has_sysmon: True if Sysmon runs on it.
        audits_processes: True if the Security log has 4688 with command lines.
    """

    name: str
    fqdn: str
    address: str
    account_sid: str
    machine_guid: str
    build: int
    is_server: bool
    has_sysmon: bool
    audits_processes: bool


@dataclass(frozen=True, kw_only=True)
class Estate:
    """An organisation with its people and machines.

    Attributes:
        organisation: Who it is.
        domain_sid: Security identifier of the Windows domain.
        staff: People with mailboxes.
        administrators: Accounts of those who run it.
        services: Accounts of services.
        hosts: Machines.
        scanner: Address of its own vulnerability scanner.
        neighbours: Addresses outside that knock at the door without meaning anything by it.
        unused: Addresses outside that nobody in the background uses: for intruders.
        linux: Servers that run Linux.
        gateway: The firewall between inside and outside.
        egress: Address outside from which everybody in the office is seen.
    """

    organisation: Organisation
    domain_sid: str
    staff: tuple[Person, ...]
    administrators: tuple[Person, ...]
    services: tuple[Person, ...]
    hosts: tuple[Host, ...]
    scanner: str
    neighbours: tuple[str, ...]
    unused: tuple[str, ...]
    linux: tuple[Host, ...]
    gateway: Host
    egress: str

    @cached_property
    def _hosts_by_name(self) -> dict[str, Host]:
        return {host.name: host for host in (*self.hosts, *self.linux)}

    @property
    def windows_domain(self) -> str:
        """The DNS name of the Windows domain."""
        return f"corp.{self.organisation.domain}"

    @property
    def workstations(self) -> tuple[Host, ...]:
        """The machines that people sit at."""
        return tuple(h for h in self.hosts if not h.is_server)

    @property
    def intranet(self) -> Host:
        """The server that pages of the house come from: the mail server, or the file server where there is none."""
        return self._hosts_by_name.get("MAIL01") or self.host("FILE01")

    def host(self, name: str) -> Host:
        """Return the host of a short name."""
        return self._hosts_by_name[name]

    def account(self, person: Person) -> str:
        r"""Return an account as ``DOMAIN\login``."""
        return f"{self.organisation.netbios}\\{person.login}"

    def mailbox(self, person: Person) -> str:
        """Return a person's mail address."""
        return f"{person.login}@{self.organisation.domain}"

    def service(self, login: str) -> Person:
        """Return the service account of a name."""
        return next(p for p in self.services if p.login == login)


def found_estate(
    organisation: Organisation,
    *,
    seed: int,
    n_staff: int = 9,
    n_workstations: int = 3,
    n_administrators: int = 2,
    parts: Collection[Part] = (Part.MAIL_SERVER,),
) -> Estate:
    """Found an estate: a domain controller, a file server, workstations, and the servers of its parts.

    Args:
        organisation: Who it is.
        seed: Another seed gives other names, addresses and identifiers.
        n_staff: People with mailboxes.
        n_workstations: Machines they sit at, with logs; the others' are not collected.
        n_administrators: How many of them run the place, with a second account each.
        parts: What it has beside its Windows domain.
    """
    random = stream(seed, "estate")
    domain_sid = "S-1-5-21-" + "-".join(str(random.randrange(10**8, 4 * 10**9)) for _ in range(3))
    network = f"10.{random.randrange(8, 200)}"
    outside = outside_addresses(random, 3 * n_staff)
    plan = _servers(random, network, parts) + _seats(random, network, n_workstations)
    hosts = _hosts(random, organisation, plan, domain_sid=domain_sid)
    beside = stream(seed, "estate beside")
    staff = _staff(random, organisation, domain_sid=domain_sid, hosts=hosts, homes=outside[:n_staff])
    return Estate(
        organisation=organisation,
        domain_sid=domain_sid,
        staff=staff,
        administrators=_administrators(staff[:n_administrators], domain_sid),
        services=tuple(
            Person(login=login, name=name, sid=f"{domain_sid}-{rid}", department="Services")
            for rid, (login, name) in enumerate(
                (("svc_backup", "Backup service"), ("svc_monitor", "Monitoring service"), ("svc_scan", "Scan service")),
                start=1105,
            )
        ),
        hosts=hosts,
        scanner=f"{network}.40.{random.randrange(10, 250)}",
        neighbours=tuple(outside[n_staff:]),
        unused=tuple(outside_addresses(random, 16, networks=("203.0.113", "192.0.2"), taken=outside)),
        linux=_hosts(beside, organisation, _linux_servers(beside, network, parts), domain_sid=domain_sid),
        gateway=_gateway(beside, organisation, network),
        egress=outside_addresses(beside, 1, networks=("198.51.100",), taken=outside)[0],
    )


def outside_addresses(
    random: Random, n: int, *, networks: tuple[str, ...] = _DOCUMENTATION_NETWORKS, taken: Collection[str] = ()
) -> list[str]:
    """Return ``n`` different addresses of the documentation ranges; one in eight is IPv6 unless networks are given.

    Args:
        random: Where chance comes from.
        n: How many; far fewer than the networks hold.
        networks: First three numbers of each network to draw from.
        taken: Addresses that are not to be drawn.
    """
    chosen: dict[str, None] = {}
    while len(chosen) < n:
        if networks is _DOCUMENTATION_NETWORKS and random.random() < 0.125:
            address = str(IPv6Address((0x20010DB8 << 96) | random.getrandbits(64)))
        else:
            address = f"{random.choice(networks)}.{random.randrange(1, 255)}"
        if address not in taken:
            chosen[address] = None
    return list(chosen)


_Planned = tuple[str, str, int, bool, bool]
"""Name, address, Windows build (0 for others), whether Sysmon runs there, whether process starts are audited."""


def _servers(random: Random, network: str, parts: Collection[Part]) -> tuple[_Planned, ...]:
    planned: list[_Planned] = [
        ("DC01", f"{network}.10.{random.randrange(10, 60)}", 14393, False, True),
        ("FILE01", f"{network}.10.{random.randrange(60, 120)}", 17763, True, False),
    ]
    if Part.MAIL_SERVER in parts:
        planned.append(("MAIL01", f"{network}.20.{random.randrange(10, 120)}", 14393, True, True))
    if Part.FEDERATION in parts:
        planned.append(("ADFS01", f"{network}.10.{random.randrange(120, 180)}", 17763, True, False))
    if Part.WEB_WINDOWS in parts:
        planned.append(("WEB01", f"{network}.20.{random.randrange(120, 180)}", 17763, True, False))
    return tuple(planned)


def _seats(random: Random, network: str, n_workstations: int) -> tuple[_Planned, ...]:
    numbers = sorted(random.sample(range(10, 99), n_workstations))
    return tuple((f"WS{n}", f"{network}.30.{n + 100}", 19042, True, False) for n in numbers)


def _linux_servers(random: Random, network: str, parts: Collection[Part]) -> tuple[_Planned, ...]:
    if not {Part.WEB_LINUX, Part.WEB_WINDOWS} & set(parts):
        return ()
    web = ("web01",) if Part.WEB_LINUX in parts else ()
    return (
        *((name, f"{network}.20.{random.randrange(180, 240)}", 0, False, True) for name in web),
        ("app01", f"{network}.50.{random.randrange(10, 120)}", 0, False, True),
        ("db01", f"{network}.50.{random.randrange(120, 240)}", 0, False, True),
    )


def _hosts(
    random: Random, organisation: Organisation, plan: tuple[_Planned, ...], *, domain_sid: str
) -> tuple[Host, ...]:
    return tuple(
        Host(
            name=name,
            fqdn=f"{name}.corp.{organisation.domain}",
            address=address,
            account_sid=f"{domain_sid}-{1001 + i}",
            machine_guid=hexadecimal(random, 8).upper(),
            build=build,
            is_server=not name.startswith("WS"),
            has_sysmon=has_sysmon,
            audits_processes=audits,
        )
        for i, (name, address, build, has_sysmon, audits) in enumerate(plan)
    )


def _gateway(random: Random, organisation: Organisation, network: str) -> Host:
    planned = ("fw01", f"{network}.0.1", 0, False, False)
    (host,) = _hosts(random, organisation, (planned,), domain_sid="")
    return host


def _staff(
    random: Random, organisation: Organisation, *, domain_sid: str, hosts: tuple[Host, ...], homes: list[str]
) -> tuple[Person, ...]:
    firsts = random.sample(_FIRST_NAMES, len(homes))
    seats = [h for h in hosts if not h.is_server]
    network = hosts[0].address.rsplit(".", 2)[0]
    return tuple(
        Person(
            login=f"{first}.{last}".lower(),
            name=f"{first} {last}",
            sid=f"{domain_sid}-{1120 + 3 * i}",
            department=organisation.departments[i % len(organisation.departments)],
            seat=seats[i].address if i < len(seats) else f"{network}.31.{100 + 7 * i}",
            workstation=seats[i].name if i < len(seats) else "",
            home=home,
            device=f"SAMPLE{hexadecimal(random, 10).upper()}",
        )
        for i, (first, last, home) in enumerate(
            (first, random.choice(_LAST_NAMES), home) for first, home in zip(firsts, homes, strict=True)
        )
    )


def _administrators(chosen: tuple[Person, ...], domain_sid: str) -> tuple[Person, ...]:
    """Those of the staff who run the place have a second account for it."""
    return tuple(
        Person(
            login=f"adm.{person.login.partition('.')[2]}{i}",
            name=f"{person.name} (administrator)",
            sid=f"{domain_sid}-{1110 + i}",
            department="Information Technology",
            seat=person.seat,
            workstation=person.workstation,
        )
        for i, person in enumerate(chosen, start=1)
    )
