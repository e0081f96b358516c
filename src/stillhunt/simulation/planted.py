"""The intrusions planted in a tenant: what each kind does, a burst at a time, and what is true of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.chance import guid, wobble
from stillhunt.simulation.granting import add_key, let_in
from stillhunt.simulation.identities import GRAPH, OFFICE, Application, Subscriber
from stillhunt.simulation.tenant import Tenant

__all__ = ["KINDS", "Burst", "Plant", "PlantedEvent", "PlantedIntrusion"]

_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Firefox/102.0"
_GRAPH_CLIENT = "Client=REST;Client=RESTSystem;;"
_FOLDERS = ("\\Inbox", "\\Inbox", "\\Sent Items", "\\Archive")
_SCOPE = "offline_access openid profile User.Read Mail.Read"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEvent:
    """One record of an intruder.

    Attributes:
        source: Its log: ``m365 audit``, ``entra sign-ins`` or ``entra audit``.
        id: Its id in that log.
        at: When.
        operation: What the log calls it.
    """

    source: str
    id: str
    at: datetime
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedIntrusion:
    """What is true of one planted intrusion.

    Attributes:
        name: Its name: its kind and a number.
        kind: What kind it is.
        first_at: Its first record.
        last_at: Its last record.
        accounts: Accounts the intruder acted as.
        mailboxes: Mailboxes the intruder read.
        applications: Ids of the applications the intruder used.
        addresses: The intruder's addresses.
        messages_read: Different messages read, by mailbox.
        events: Every record of it.
    """

    name: str
    kind: str
    first_at: datetime
    last_at: datetime
    accounts: tuple[str, ...]
    mailboxes: tuple[str, ...]
    applications: tuple[str, ...]
    addresses: tuple[str, ...]
    messages_read: dict[str, int]
    events: tuple[PlantedEvent, ...]


@dataclass(slots=True)
class Plant:
    """An intrusion while it is played.

    Attributes:
        name: Its name.
        kind: What kind it is.
        victim: Whose account or mailbox it begins with.
        others: Whose mailboxes are read beside.
        admin: The administrator whose account helps, where one does.
        addresses: Where the intruder comes from.
        place: What the service makes of the addresses.
        bursts: When something is done.
        application: The application that is used, where one is.
        session: The session that is used, where one is stolen.
        messages: Messages read so far, by mailbox.
        accounts: Accounts used so far.
        events: Records so far.
    """

    name: str
    kind: str
    victim: Subscriber
    others: tuple[Subscriber, ...]
    admin: Subscriber
    addresses: tuple[str, ...]
    place: tuple[str, str]
    bursts: tuple[datetime, ...]
    application: Application
    session: str
    messages: dict[str, set[str]] = field(default_factory=dict)
    accounts: dict[str, None] = field(default_factory=dict)
    events: list[PlantedEvent] = field(default_factory=list)

    def closed(self) -> PlantedIntrusion:
        """Return what is true of it."""
        uses_application = self.kind in {"consent", "application key"}
        return PlantedIntrusion(
            name=self.name,
            kind=self.kind,
            first_at=min(e.at for e in self.events),
            last_at=max(e.at for e in self.events),
            accounts=tuple(self.accounts),
            mailboxes=tuple(self.messages),
            applications=(self.application.app_id,) if uses_application else (),
            addresses=self.addresses,
            messages_read={mailbox: len(read) for mailbox, read in self.messages.items()},
            events=tuple(self.events),
        )


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst of one intrusion.

    Attributes:
        tenant: Where.
        plant: Whose.
        number: Which one, from 0.
        at: When it begins.
        random: The intruder's chance.
    """

    tenant: Tenant
    plant: Plant
    number: int
    at: datetime
    random: Random

    @property
    def address(self) -> str:
        """Where the intruder comes from this time."""
        return self.plant.addresses[self.number % len(self.plant.addresses)]

    def sign_in(self, who: Subscriber, at: datetime, *, is_interactive: bool = True, has_mfa: bool = False) -> str:
        """Sign in as somebody; returns the session."""
        session = guid(self.random)
        is_application = self.plant.kind == "consent"
        self.plant.accounts[who.upn] = None
        self.tenant.sign_in(
            at,
            who,
            self.plant.application if is_application else OFFICE,
            address=self.address,
            agent=_BROWSER,
            place=self.plant.place,
            has_mfa=has_mfa,
            is_interactive=is_interactive,
            session=session,
            resource=GRAPH if is_application else OFFICE,
        )
        return session

    def read(
        self,
        owner: Subscriber,
        *,
        n: int,
        session: str = "",
        app_id: str = "",
        by: Application | None = None,
        reader: Subscriber | None = None,
    ) -> None:
        """Read a mailbox in ``n`` records, as its owner, as an application, or as a delegate."""
        at = self.at
        for _ in range(n):
            at = wobble(self.random, at, 4, 200)
            folder = self.random.choice(_FOLDERS)
            read = self.tenant.letters(self.random, owner, folder, self.random.randrange(1, 9))
            self.plant.messages.setdefault(owner.upn, set()).update(read)
            client = _GRAPH_CLIENT if app_id else f"Client=OWA;{_BROWSER};"
            self.tenant.read_mail(
                at,
                owner,
                address=self.address,
                client=client,
                app_id=app_id,
                session=session,
                folders={folder: read},
                by=by,
                reader=reader,
            )


def _consent(burst: Burst) -> None:
    """An application let in by the victim, which reads their mail."""
    plant = burst.plant
    if burst.number == 0:
        let_in(
            burst.tenant, plant.victim, plant.application, _SCOPE, burst.at - timedelta(hours=1), address=burst.address
        )
    burst.sign_in(plant.victim, burst.at, is_interactive=False)
    burst.read(plant.victim, n=burst.random.randrange(5, 20), app_id=plant.application.app_id)


def _password(burst: Burst) -> None:
    """The victim's password, used from somewhere else with a browser."""
    session = burst.sign_in(burst.plant.victim, burst.at)
    burst.read(burst.plant.victim, n=burst.random.randrange(4, 15), session=session)


def _session(burst: Burst) -> None:
    """The victim's session, used from somewhere else: no sign-in at all."""
    burst.plant.accounts[burst.plant.victim.upn] = None
    burst.read(burst.plant.victim, n=burst.random.randrange(3, 12), session=burst.plant.session)


def _application_key(burst: Burst) -> None:
    """A key added to the house's archive in an administrator's name; then mailboxes read as the archive."""
    plant = burst.plant
    if burst.number == 0:
        burst.sign_in(plant.admin, burst.at)
        add_key(burst.tenant, plant.admin, plant.application, wobble(burst.random, burst.at, 60, 400), burst.address)
        return
    burst.tenant.app_sign_in(burst.at, plant.application, address=burst.address, place=plant.place)
    for owner in burst.random.sample(plant.others, min(3, len(plant.others))):
        burst.read(owner, n=burst.random.randrange(3, 9), app_id=plant.application.app_id, by=plant.application)


def _forwarding(burst: Burst) -> None:
    """A rule that forwards what arrives, made in one short visit; sometimes looked after."""
    plant = burst.plant
    session = burst.sign_in(plant.victim, burst.at)
    if burst.number == 0:
        rule = {"Name": "..", "ForwardTo": "collector@post-relay.example", "StopProcessingRules": "False"}
        at = wobble(burst.random, burst.at, 30, 200)
        burst.tenant.run_cmdlet(
            at, plant.victim, "New-InboxRule", f"{plant.victim.upn}\\..", rule, address=burst.address
        )
    burst.read(plant.victim, n=burst.random.randrange(1, 5), session=session)


def _delegate(burst: Burst) -> None:
    """An administrator's account gives the victim's full access to others' mailboxes, which are then read."""
    plant = burst.plant
    if burst.number == 0:
        burst.sign_in(plant.admin, burst.at)
        at = burst.at
        for other in plant.others[:3]:
            at = wobble(burst.random, at, 20, 200)
            grant = {"Identity": other.upn, "User": plant.victim.upn, "AccessRights": "FullAccess"}
            burst.tenant.run_cmdlet(at, plant.admin, "Add-MailboxPermission", other.upn, grant, address=burst.address)
        return
    session = burst.sign_in(plant.victim, burst.at)
    for other in plant.others[:3]:
        burst.read(other, n=burst.random.randrange(2, 7), session=session, reader=plant.victim)


KINDS: Sequence[tuple[str, int, Callable[[Burst], None]]] = (
    ("consent", 5, _consent),
    ("password", 5, _password),
    ("session", 3, _session),
    ("application key", 2, _application_key),
    ("forwarding", 2, _forwarding),
    ("delegate", 3, _delegate),
)
"""Kinds of intrusion, how many of each, and what plays a burst of one."""
