"""The stage a scenario plays on: an estate, its machines, its web server, and the ledger of what is true."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stillhunt.simulation.estate import Estate, Organisation, found_estate
from stillhunt.simulation.iis import WebServer
from stillhunt.simulation.machine import Machine
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
        machines: The hosts by short name.
        web: The mail server's web log.
        ledger: What is true.
    """

    estate: Estate
    seed: int
    start: datetime
    end: datetime
    machines: dict[str, Machine] = field(init=False)
    web: WebServer = field(init=False)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self.machines = {host.name: Machine(host, self.estate, self.seed) for host in self.estate.hosts}
        self.web = WebServer(self.estate.host("MAIL01"), self.seed)

    @classmethod
    def found(cls, organisation: Organisation, *, seed: int, start: datetime, end: datetime) -> World:
        """Found a new estate and begin to log on it."""
        return cls(found_estate(organisation, seed=seed), seed, start, end)
