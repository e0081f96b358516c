"""One session of a sign-in reads mail with two different clients: the session was copied.

A stolen cookie or token needs no password and leaves no sign-in; it brings the session's id with it. A session belongs
to one program on one system. Networks may change under it, as a laptop is carried home; the program may be updated,
never downgraded, and never becomes another.

Method: all clients that showed one session id. Two programs or systems in one session from two addresses, or an older
version from another address after a newer one, is a copy; the browser that most sessions of the account have is the
owner's, the other the copy's.
Source: Microsoft, "Token tactics: how to prevent, detect and respond to cloud token theft" (2022); MITRE ATT&CK
T1550.004, T1539.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.clients import Client, client_read
from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.mailboxes import SESSIONS
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "browsers", "copied"]

_BROWSERS = frozenset({"edge", "opera", "firefox", "chrome", "safari", "internet explorer"})
"""Only these keep one session each; programs that act for a user may share theirs by design."""

Use = Mapping[str, Any]
"""A row of :data:`SESSIONS`."""


def browsers(uses: Iterable[Use]) -> Counter[tuple[str, str]]:
    """Count the sessions of one account in which each browser, on its system, was used."""
    found = {(use["session"], client.program, client.system) for use in uses for client in [client_read(use["client"])]}
    return Counter((program, system) for _, program, system in found if program in _BROWSERS)


def copied(uses: Sequence[Use], usual_ones: Counter[tuple[str, str]]) -> list[Use]:
    """Return those uses of one session that are a copy's.

    Args:
        uses: All rows of one session.
        usual_ones: How many of the account's sessions each browser was used in.
    """
    own = [(client_read(use["client"]), use) for use in uses]
    own = [(client, use) for client, use in own if client.program in _BROWSERS]
    kinds = {(client.program, client.system) for client, _ in own}
    if not kinds:
        return []
    usual = max(kinds, key=lambda kind: (usual_ones[kind], kind))
    home = {use["address"] for client, use in own if (client.program, client.system) == usual}
    found = []
    for client, use in own:
        if (client.program, client.system) != usual:
            if use["address"] not in home:
                found.append(use)
        elif _is_younger(client, use, own):
            found.append(use)
    return found


def _is_younger(client: Client, use: Use, own: Sequence[tuple[Client, Use]]) -> bool:
    """Tell whether a newer version of the same browser used the session elsewhere before."""
    return any(
        other[:1] == client[:1]
        and other.system == client.system
        and other.major > client.major
        and earlier["first_at"] < use["last_at"]
        and earlier["address"] != use["address"]
        for other, earlier in own
    )


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    accounts: dict[str, dict[str, list[Use]]] = {}
    for row in rows_of(tables[SESSIONS.name]):
        accounts.setdefault(row["actor"], {}).setdefault(row["session"], []).append(row)
    for actor, sessions in accounts.items():
        shared = [uses for uses in sessions.values() if len({(use["client"], use["address"]) for use in uses}) > 1]
        if not shared:
            continue
        usual = browsers(use for uses in sessions.values() for use in uses)
        stolen = [use for uses in shared for use in copied(uses, usual)]
        if stolen:
            yield _observation(actor, stolen)


def _observation(actor: str, uses: Sequence[Use]) -> Observation:
    n_records = sum(use["n"] for use in uses)
    addresses, mailboxes = {use["address"] for use in uses}, {use["mailbox"] for use in uses if use["mailbox"]}
    clients = {client_read(use["client"]).shown for use in uses}
    first = min(use["first_at"] for use in uses)
    n_sessions = len({use["session"] for use in uses})
    return Observation(
        identity=(actor,),
        sentence=f"From {time_text(first)} {number(n_sessions, 'session')} of {actor} also read mail with"
        f" {among(clients)} from {among(addresses)}, which is not the browser that"
        f" {'it belongs' if n_sessions == 1 else 'they belong'} to; a session was copied.",
        why=(
            ("sessions used by two clients", f"{n_sessions}"),
            ("records of the copy", f"{n_records:,}"),
            ("messages named", f"{sum(use['items'] for use in uses):,}"),
        ),
        places=shown_places(place for use in uses for place in (first_place(use), last_place(use))),
        entities=(
            ("account", actor, "subject"),
            *(("mailbox", mailbox, "") for mailbox in sorted(mailboxes)),
            *(("address", address, "source") for address in sorted(addresses) if address),
        ),
        count=n_records,
        strange=frozenset(addresses),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-mailbox-session",
        title="Session used to read mail by two different clients",
        description="The session of one sign-in read mail with two browsers, or with an older version after a newer.",
        level=Level.HIGH,
        path="behaviour/mailbox_session",
        tactics=("credential-access", "collection"),
        techniques=("T1539", "T1550.004", "T1114.002"),
        false_positives=("A browser that pretends to be another to load a page", "A page opened in another browser"),
    ),
    logs="Microsoft 365 unified audit log with MailItemsAccessed and session ids",
    thresholds={
        "clients": "two browsers, or a version older than before: a session is kept by one browser, which is updated",
        "addresses": "the second from an address where the first is not used: on one machine a page may be handed over",
    },
    aggregates=(SESSIONS,),
    findings=_findings,
)
