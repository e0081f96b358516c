"""Session reuse: one session of mail or the cloud used from two networks with two kinds of client at once.

Method: a session belongs to one client on one device. Its address may change on a journey, but not the client; where
both differ, and the uses interleave in time, two hands have the same token. A stolen cookie looks like this, and so
does an attacker in the middle.

Source: MITRE ATT&CK T1539 and T1550.004, detection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import is_outside, network_of
from stillhunt.detection.behaviour.sign_ins import SESSIONS, is_person
from stillhunt.detection.behaviour.wording import count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_NEAR_US = 24 * 3_600_000_000
_SHOWN = 3
_CLOUD_OWN = ("microsoft", "office", "exchange", "owa", "rest", "outlookservice", "client")
"""Words of Microsoft's own services, which act in a session on behalf of who opened it."""

Row = dict[str, Any]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    sessions: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(tables[SESSIONS.name]):
        if row["client"] and is_person(row["account"]) and is_outside(row["address"]):
            sessions.setdefault((row["account"].lower(), row["session"]), []).append(row)
    shared: dict[str, list[tuple[Row, Row, list[Row]]]] = {}
    for (account, _), rows in sessions.items():
        rows.sort(key=lambda row: (first_place(row), row["address"], row["client"]))
        pairs = ((one, other) for n, one in enumerate(rows) for other in rows[n + 1 :] if _is_other_hand(one, other))
        if (pair := next(pairs, None)) is not None:
            shared.setdefault(account, []).append((*pair, rows))
    for account, found in shared.items():
        found.sort(key=lambda one: first_place(one[1]))
        yield _observed(account, found)


def _is_other_hand(one: Row, other: Row) -> bool:
    is_elsewhere = network_of(one["address"]) != network_of(other["address"])
    is_near = other["first_at"] - one["last_at"] <= _NEAR_US
    return (
        is_elsewhere
        and is_near
        and _kind(one["client"]) != _kind(other["client"])
        and ""
        not in (
            _kind(one["client"]),
            _kind(other["client"]),
        )
    )


def _kind(client: str) -> str:
    """Return the words of a client that are not those of the service itself."""
    words = [word for word in client.split() if not word.startswith(_CLOUD_OWN)]
    return " ".join(sorted(set(words)))


def _observed(account: str, found: list[tuple[Row, Row, list[Row]]]) -> Observation:
    one, other, _ = found[0]
    rows = [row for _, _, held in found for row in held]
    addresses = sorted({row["address"] for row in rows})
    more = f", and {count_words(len(found) - 1, 'further session')} like it" if len(found) > 1 else ""
    sentence = (
        f"A session of {account} was used from {one['address']} with {one['client'][:40]} and on "
        f"{day_words(other['first_at'])} from {other['address']} with {other['client'][:40]}{more}"
    )
    shown = [place for first, second, _ in found[:_SHOWN] for place in (last_place(first), first_place(second))]
    return Observation(
        identity=(account,),
        sentence=sentence,
        why=(
            ("sessions of two hands", f"{len(found):,}"),
            ("their addresses", f"{len(addresses):,}"),
            ("their clients", f"{len({row['client'] for row in rows}):,}"),
            ("first of them", one["session"]),
        ),
        places=tuple(dict.fromkeys(shown)),
        entities=(("account", account, "subject"), *(("address", address, "source") for address in addresses)),
        count=sum(row["n"] for row in rows),
        measured={"sessions": len(found)},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-session-reuse",
        title="One session used by two clients in two networks",
        description="A session of mail or the cloud is used from two networks with two kinds of client, as a "
        "stolen token "
        "is.",
        level=Level.MEDIUM,
        path="behaviour/session_reuse",
        tactics=("credential-access", "defense-evasion", "lateral-movement"),
        techniques=("T1539", "T1550.004"),
        false_positives=("Programs that take over the session of a browser on a journey",),
    ),
    logs="sessions of Microsoft 365 (`SessionId`, `AADSessionId`) with addresses and clients",
    thresholds={
        "hands": "network (/24) and kind of client both differ; versions do not count, nor what Microsoft's own "
        "services "
        "call themselves",
        "time": f"within {_NEAR_US // 3_600_000_000} hours of each other",
    },
    aggregates=(SESSIONS,),
    findings=_findings,
)
