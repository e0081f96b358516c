"""A wave of mails to named people, each with an image or link of its own, from a sender nobody knows.

Before they write the mail that breaks in, some intruders write to dozens of chosen people to learn who opens mail,
where, on what: each mail holds an image whose address is that reader's alone. What a newsletter does as well, and what
tells the two apart: a newsletter says that it is one (headers of lists), comes again and again for months to who asked
for it, from a sender that others of the house know.

Method: mails that name their reader to the same host (the host shared across the wave, whatever senders it used), or
of the same sender; a wave is of at least five readers with about as many tokens within three weeks, whose senders the
house neither knew before nor ever wrote to. Waves that carry headers of lists count only if the sender's name or
domain is written like one the house knows, since anybody may buy a mailing service. Then is told with it who received
it, who asked for the host afterwards (DNS, proxy, wire), in whose mailbox the message was opened (its Message-ID in
``MailItemsAccessed``), and whose mailbox was later read from where its owner never works.
Source: U.S. v. Ni Gaobin et al., E.D.N.Y. 24-CR-43 (2024), which tells of more than 10,000 such mails of APT31 in
2018-2021; Microsoft, "Nobelium's new e-mail-based attack" (May 2021), which tells of tracking before the intrusion;
MITRE ATT&CK T1598.003, T1589.002. Tokens and pixels: see :mod:`stillhunt.detection.behaviour.messages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillhunt.detection.behaviour.alike import like
from stillhunt.detection.behaviour.join import distinct, first_place, hash_of, last_place, rows_of
from stillhunt.detection.behaviour.mailboxes import DOORS, OPENED, Door, doors_of
from stillhunt.detection.behaviour.messages import ASKERS, LETTERS, TRACKED
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import registered_domain
from stillhunt.detection.behaviour.strangers import strange_doors
from stillhunt.detection.behaviour.taking import DAY_US, days_of
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.behaviour.whereabouts import WHEREABOUTS, habits_of
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.account import account_name
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "House", "Wave", "house_of", "waves"]

_LEAST_READERS = 5
_LEAST_TOKENS = 0.8
_MOST_DAYS = 21
_FRESH_DAYS = 2
_KNOWN_DAYS = 3
_FREEMAIL = frozenset(
    {"gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "proton.me", "protonmail.com", "gmx.net", "gmx.de"}
    | {"mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "icloud.com", "aol.com", "web.de", "live.com"}
)
"""Whoever writes from these is an address, not a domain."""

_NO_MESSAGE = hash_of("")
"""What stands for mails without a Message-ID."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Who writes to whom.

    Attributes:
        own: The house's own domains.
        known: Domains the house wrote to, or that wrote to it on several days before.
        first: First day on which a domain wrote.
        days: Days on which a domain wrote.
    """

    own: frozenset[str]
    known: frozenset[str]
    first: Mapping[str, int]
    days: Mapping[str, int]


def house_of(rows: Iterable[Row]) -> House:
    """Return what is known of correspondents.

    Args:
        rows: Of :data:`LETTERS`.
    """
    received: dict[str, set[str]] = {}
    days: dict[str, set[int]] = {}
    rows = list(rows)
    for row in rows:
        received.setdefault(row["receiver"], set()).add(row["sender"])
        days.setdefault(row["sender"], set()).update(days_of(row))
    most = max(map(len, received.values()), default=0)
    # Everybody writes to the house whose mail this is, and to others only the house does.
    own = frozenset(domain for domain, senders in received.items() if len(senders) * 2 >= most)
    written_to = {row["receiver"] for row in rows if row["sender"] in own}
    regular = {sender for sender, own_days in days.items() if len(own_days) >= _KNOWN_DAYS}
    return House(
        own=own,
        known=frozenset(written_to | regular | own),
        first={sender: min(own_days) for sender, own_days in days.items()},
        days={sender: len(own_days) for sender, own_days in days.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Mails that belong together.

    Attributes:
        hosts: Hosts that learn who opened them.
        senders: Addresses they came from.
        recipients: Who received them; without those of mails with headers of lists, which are counted only.
        n_readers: How many received them.
        n_tokens: How many different tokens they hold.
        n_mails: Mails, each counted once per recipient.
        hidden: How many hold a pixel.
        addressed: How many hold the reader's own address, or a hash of it.
        failed: How many senders could not be authenticated, or failed.
        first: Microseconds of the first mail.
        last: Microseconds of the last.
        imitates: What the sender is written like; empty if nothing.
        is_bulk: Whether they have headers of lists.
        rows: Rows of :data:`TRACKED`.
    """

    hosts: frozenset[str]
    senders: frozenset[str]
    recipients: frozenset[str]
    n_readers: int
    n_tokens: int
    n_mails: int
    hidden: int
    addressed: int
    failed: int
    first: int
    last: int
    imitates: str
    is_bulk: bool
    rows: tuple[Row, ...]


def waves(rows: Sequence[Row], house: House) -> list[Wave]:
    """Return the waves among mails that name their reader.

    Args:
        rows: Of :data:`TRACKED`.
        house: Who is known.
    """
    fresh = [row for row in rows if _is_fresh(row, house)]
    by_host: dict[str, list[Row]] = {}
    for row in fresh:
        by_host.setdefault(registered_domain(row["tracker"]) or row["tracker"], []).append(row)
    found: list[Wave] = []
    told: set[str] = set()
    for group in sorted(by_host.items()):
        wave = _wave(group[1], house)
        if wave is not None and not wave.senders <= told:
            found.append(wave)
            told |= wave.senders
    return found


def _sender(row: Row) -> str:
    domain = registered_domain(row["sender"].rpartition("@")[2])
    return row["sender"] if domain in _FREEMAIL else domain


def _is_fresh(row: Row, house: House) -> bool:
    """Tell whether nobody knew the sender before, and it did not stay."""
    domain = registered_domain(row["sender"].rpartition("@")[2])
    if domain in _FREEMAIL:
        return True
    first, day = house.first.get(domain), row["first_at"] // DAY_US
    is_known = domain in house.own or (domain in house.known and first is not None and day - first > _FRESH_DAYS)
    written_to = domain in house.known and house.days.get(domain, 0) < _KNOWN_DAYS
    return bool(domain) and not is_known and not written_to


def _wave(rows: Sequence[Row], house: House) -> Wave | None:
    images = [row for row in rows if row["kind"] == "image"]
    used = images or list(rows)
    tokens = {token for row in used for token in row["tokens"]}
    readers = {reader for row in used for reader in row["readers"]}
    n_readers = max([len(readers), *(distinct(row["readers"]) for row in used)])
    n_tokens = max([len(tokens), *(distinct(row["tokens"]) for row in used)])
    first, last = min(row["first_at"] for row in used), max(row["last_at"] for row in used)
    n_mails = sum(row["n"] for row in used)
    is_bulk = sum(row["n"] for row in used if row["bulk"]) * 2 >= n_mails
    imitates = next((found for row in used if (found := _imitated(row, house))), "")
    # Mails that come to one reader again and again are a subscription.
    if n_readers < _LEAST_READERS or n_tokens < _LEAST_TOKENS * n_readers or n_mails > 3 * n_readers:
        return None
    if last - first > _MOST_DAYS * DAY_US or (is_bulk and not imitates):
        return None
    return Wave(
        hosts=frozenset(row["tracker"] for row in used),
        senders=frozenset(row["sender"] for row in used),
        recipients=frozenset(row["recipient"] for row in used if row["recipient"]),
        n_readers=n_readers,
        n_tokens=n_tokens,
        n_mails=n_mails,
        hidden=sum(row["hidden"] for row in used),
        addressed=sum(row["addressed"] for row in used),
        failed=sum(row["n"] for row in used if row["verdict"] != "passed"),
        first=first,
        last=last,
        imitates=imitates,
        is_bulk=is_bulk,
        rows=tuple(used),
    )


def _imitated(row: Row, house: House) -> str:
    """Return what the sender is written like: a domain of the house or of those it knows."""
    domain = registered_domain(row["sender"].rpartition("@")[2])
    known = house.known - {domain} - _FREEMAIL
    found = like(domain, known)
    if found:
        return found
    return next((other for other in sorted(house.own) if other in row["shown"] and other != domain), "")


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    house = house_of(tables[LETTERS.name].to_pylist())
    found = waves(tables[TRACKED.name].to_pylist(), house)
    if not found:
        return
    asked: dict[str, list[Row]] = {}
    hosts = {host for wave in found for host in wave.hosts}
    for row in rows_of(tables[ASKERS.name]):
        if row["name"] in hosts:
            asked.setdefault(row["name"], []).append(row)
    afterwards = _read_from_elsewhere(tables)
    opened = _opened(found, tables)
    for number_, wave in enumerate(found):
        askers = [row for host in sorted(wave.hosts) for row in asked.get(host, []) if row["last_at"] >= wave.first]
        victims = {
            mailbox
            for mailbox, doors in afterwards.items()
            if mailbox in wave.recipients and any(door.last.at > wave.first for door in doors)
        }
        yield _observation(wave, askers, opened.get(number_, frozenset()), victims)


def _opened(found: Sequence[Wave], tables: Tables) -> dict[int, frozenset[str]]:
    """Return by number of the wave the recipients in whose mailboxes a message of it was opened."""
    sent: dict[str, dict[int, set[int]]] = {}
    for number_, wave in enumerate(found):
        for row in wave.rows:
            if row["recipient"]:
                sent.setdefault(row["recipient"], {}).setdefault(number_, set()).update(row["messages"])
    opened: dict[int, set[str]] = {}
    if not sent:
        return {}
    for row in rows_of(tables[OPENED.name]):
        for number_, messages in sent.get(row["mailbox"], {}).items():
            if (messages - {_NO_MESSAGE}) & set(row["messages"]):
                opened.setdefault(number_, set()).add(row["mailbox"])
    return {number_: frozenset(mailboxes) for number_, mailboxes in opened.items()}


def _read_from_elsewhere(tables: Tables) -> dict[str, list[Door]]:
    habits = habits_of(tables[WHEREABOUTS.name])
    own: dict[str, list[Door]] = {}
    for door in doors_of(tables[DOORS.name]):
        if door.way == "owner":
            own.setdefault(door.mailbox, []).append(door)
    return {mailbox: strange for mailbox, doors in own.items() if (strange := strange_doors(doors, habits))}


def _observation(wave: Wave, askers: Sequence[Row], opened: frozenset[str], victims: set[str]) -> Observation:
    openers = {row["who"] for row in askers}
    by_name = {address.partition("@")[0]: address for address in wave.recipients}
    readers = {by_name.get(who.rpartition("\\")[2].lower(), who) for who in openers}
    spelt = f", written like {wave.imitates}," if wave.imitates else ""
    after = f" {number(len(readers), 'of those who fetched it is', 'fetched it')}: {among(readers)}." if readers else ""
    if len(readers) == 1:
        after = f" {among(readers)} fetched it."
    if opened:
        after += f" {among(opened)} opened it in the mailbox."
    later = f" Later {among(victims)} was read from where the owner never works." if victims else ""
    return Observation(
        identity=(*sorted(wave.hosts), *sorted(wave.senders)[:3]),
        sentence=f"From {time_text(wave.first)} {among(wave.senders)}{spelt} sent"
        f" {number(wave.n_readers, 'person', 'people')} mail with {wave.n_tokens:,} different images or links"
        f" at {among(wave.hosts)} that tell who opens it; the house did not know the sender.{after}{later}",
        why=(
            ("people", f"{wave.n_readers}; at least {_LEAST_READERS}"),
            ("different tokens", f"{wave.n_tokens}"),
            ("pixels and hidden images", f"{wave.hidden}"),
            ("with the reader's own address", f"{wave.addressed}"),
            ("senders not authenticated", f"{wave.failed} of {wave.n_mails}"),
            ("received by", among(wave.recipients) or "not kept: mails with headers of lists"),
            ("fetched by", among(readers) or "nobody in these logs"),
            ("opened in the mailbox by", among(opened) or "nobody in these logs"),
            ("opened by, and read from elsewhere later", among(victims & (readers | opened)) or "nobody in these logs"),
        ),
        places=shown_places(place for row in (*wave.rows, *askers) for place in (first_place(row), last_place(row))),
        entities=_entities(wave, openers, victims),
        count=wave.n_mails,
        n_days=len({row["first_at"] // DAY_US for row in wave.rows}),
        first_at=wave.first,
        last_at=wave.last,
        level=Level.HIGH if victims or ((readers or opened) and wave.imitates) else None,
    )


def _entities(wave: Wave, openers: set[str], victims: set[str]) -> tuple[tuple[str, str, str], ...]:
    found = {("domain", host, "destination") for host in wave.hosts}
    found |= {("mailbox", recipient, "") for recipient in wave.recipients}
    found |= {("account", account_name(who), "subject") for who in openers if "\\" in who or "@" in who}
    found |= {("account", account_name(mailbox), "target") for mailbox in victims}
    return tuple(sorted(found))


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-reconnaissance-mail",
        title="Wave of mails that tell an unknown sender who opened them",
        description="Several people receive mail from a sender the house does not know, each with an image or link of"
        " its own that tells who opened it, and it is no newsletter.",
        level=Level.MEDIUM,
        path="behaviour/reconnaissance_mail",
        tactics=("reconnaissance",),
        techniques=("T1598.003", "T1589.002", "T1593"),
        false_positives=("An invitation sent through a service without headers of lists", "A survey among partners"),
    ),
    logs="mails (.eml, mbox, .msg); better with DNS or proxy logs and the mailbox audit",
    thresholds={
        "people": f"at least {_LEAST_READERS}: fewer share a supplier's mails by chance",
        "tokens": "for each five readers at least four: one image for all tells nothing about a reader",
        "span": f"within {_MOST_DAYS} days: a campaign ends, a newsletter goes on",
        "known": f"who wrote on {_KNOWN_DAYS} days before, or was written to, is known",
        "lists": "mails with headers of lists only if they imitate somebody known",
    },
    aggregates=(TRACKED, LETTERS, ASKERS, OPENED, DOORS, WHEREABOUTS),
    findings=_findings,
)
