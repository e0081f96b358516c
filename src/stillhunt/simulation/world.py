"""The stage a scenario plays on: an estate, everything in it that logs, and the ledgers of what is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from stillhunt.simulation.chance import stream
from stillhunt.simulation.estate import Estate, Organisation, Person, found_estate
from stillhunt.simulation.feed import Feed
from stillhunt.simulation.firewall import Firewall
from stillhunt.simulation.identities import Application, Subscriber
from stillhunt.simulation.iis import WebServer
from stillhunt.simulation.linux import LinuxServer
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.parts import Part
from stillhunt.simulation.postbox import Postbox
from stillhunt.simulation.sensor import Sensor
from stillhunt.simulation.tenant import Tenant
from stillhunt.simulation.truth import Ledger

__all__ = ["World"]


@dataclass(slots=True)
class World:
    """Everything a scenario writes into.

    Attributes:
        estate: Who and what there is.
        seed: Seed of the simulation.
        start: Midnight of the first day of the logs.
        end: Midnight after the last day of the logs.
        parts: What the estate has beside its Windows domain.
        pace: How much of ordinary life is played: 1 for all of it, less for small estates.
        machines: The Windows hosts by short name.
        webs: The IIS logs by short name of their host.
        servers: The Linux hosts by name.
        firewall: The firewall's log.
        sensor: The network sensor's logs.
        tenant: The cloud tenant's logs.
        postbox: The mailboxes.
        ledgers: What is true, one ledger for each intruder so far.
        innocent: Records of ordinary life that a script had to add for its story to hold.
    """

    estate: Estate
    seed: int
    start: datetime
    end: datetime
    parts: frozenset[Part] = frozenset({Part.MAIL_SERVER})
    pace: float = 1.0
    machines: dict[str, Machine] = field(init=False)
    webs: dict[str, WebServer] = field(init=False)
    servers: dict[str, LinuxServer] = field(init=False)
    firewall: Firewall = field(init=False)
    sensor: Sensor = field(init=False)
    tenant: Tenant = field(init=False)
    postbox: Postbox = field(init=False)
    ledgers: list[Ledger] = field(default_factory=list)
    innocent: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        estate, dc = self.estate, self.estate.host("DC01")
        self.machines = {host.name: Machine(host, estate, self.seed) for host in estate.hosts}
        self.webs = {n: WebServer(estate.host(n), self.seed) for n in ("MAIL01", "WEB01") if n in self.machines}
        self.servers = {host.name: LinuxServer(host, self.seed) for host in estate.linux}
        network = ".".join(dc.address.split(".")[:2])
        self.firewall = Firewall(estate.gateway, network, self.seed)
        self.sensor = Sensor(dc.address, self.seed)
        self.tenant = Tenant(estate.organisation.domain, self.seed)
        self.postbox = Postbox(estate, self.seed)

    @classmethod
    def found(
        cls,
        organisation: Organisation,
        *,
        seed: int,
        start: datetime,
        end: datetime,
        parts: frozenset[Part] = frozenset({Part.MAIL_SERVER}),
        pace: float = 1.0,
        n_staff: int = 9,
        n_workstations: int = 3,
        n_administrators: int = 2,
    ) -> World:
        """Found a new estate and begin to log on it."""
        estate = found_estate(
            organisation,
            seed=seed,
            n_staff=n_staff,
            n_workstations=n_workstations,
            n_administrators=n_administrators,
            parts=parts,
        )
        return cls(estate, seed, start, end, parts, pace)

    @property
    def web(self) -> WebServer:
        """The web log of the mail server."""
        return self.webs["MAIL01"]

    @property
    def ledger(self) -> Ledger:
        """The ledger of the intruder who is acting now."""
        if not self.ledgers:
            self.ledgers.append(Ledger())
        return self.ledgers[-1]

    @property
    def n_days(self) -> int:
        """How many days the logs cover."""
        return (self.end - self.start).days

    def chance(self, purpose: str) -> Random:
        """Return the acting intruder's own stream of chance for a purpose."""
        number = len(self.ledgers)
        return stream(self.seed, purpose if number < 2 else f"{purpose} {number}")

    def outside(self, random: Random, n: int) -> tuple[str, ...]:
        """Return addresses outside that neither the background nor an earlier intruder uses."""
        taken = {address for ledger in self.ledgers for address in ledger.addresses}
        return tuple(random.sample([a for a in self.estate.unused if a not in taken], n))

    def untouched(self, people: tuple[Person, ...]) -> list[Person]:
        """Return those of some people whom no earlier intruder has taken for themselves, or all if none is left."""
        taken = {name for ledger in self.ledgers for name in (*ledger.accounts, *ledger.mailboxes)}
        return [p for p in people if not {self.estate.account(p), self.estate.mailbox(p)} & taken] or list(people)

    def subscriber(self, person: Person) -> Subscriber:
        """Return a person's account in the tenant."""
        return self.tenant.subscriber(self.estate.mailbox(person), person.name)

    @property
    def archive(self) -> Application:
        """The application that copies every mailbox by night, as the house wishes."""
        return self.tenant.application("Sample Mail Archive")

    def is_due(self, random: Random) -> bool:
        """Tell whether something of ordinary life is played, in an estate where not all of it is."""
        return self.pace >= 1 or random.random() < self.pace

    def feeds(self) -> Iterator[Feed]:
        """Yield every log that is lines, in a fixed order."""
        yield self.firewall.feed
        yield from self.sensor.feeds.values()
        yield from (self.tenant.audit, self.tenant.sign_ins, self.tenant.directory)
        yield from self.postbox.feeds.values()
        for server in self.servers.values():
            yield from server.feeds
