"""An account opens far more files on shares or in sites in a day than it ever does, or shares of more servers.

Collecting is reading: whoever takes a department's documents opens them one after the other, in hours, with an account
that opened thirty a day until then. Looking for documents is walking from server to server.

Method: different files by account and day (5145, 4663, Zeek's smb_files, SharePoint), and different shares (5140,
5145). A day is told of at two hundred files, ten robust deviations and five times above the account's own median
(modified z-score), and above all but the top thousandth of days of all accounts; or at ten shares of three servers,
five times above the own median and above all others but the top thousandth. Accounts that do so on more than a tenth of
their days are backups and indexers. Accounts without ten days are compared with the others alone.
Source: MITRE ATT&CK T1039, T1135; robust statistics: :mod:`stillhunt.detection.behaviour.baseline`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from stillhunt.detection.behaviour.baseline import modified_z
from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.shares import SHARE_DAYS
from stillhunt.detection.behaviour.telling import among, day_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "Day", "days_by_account", "is_unusual"]

_LEAST_FILES, _LEAST_SHARES, _LEAST_HOSTS = 200, 10, 3
_TIMES = 5
_LEAST_Z = 10.0
_OWN_DAYS = 10
_MOST_SHARE = 0.1
_TOP = 1000


@dataclass(frozen=True, slots=True)
class Day:
    """What an account did on shares on a day.

    Attributes:
        day: Days since 1970.
        files: Different files, estimated above 256 on one share.
        shares: Different shares.
        hosts: Different servers.
        rows: Rows of :data:`SHARE_DAYS`.
    """

    day: int
    files: int
    shares: int
    hosts: int
    rows: tuple[Mapping[str, Any], ...]


def days_by_account(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Day]]:
    """Return the days of each account."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["actor"], row["day"]), []).append(row)
    accounts: dict[str, list[Day]] = {}
    for (actor, day), own in found.items():
        files = sum(distinct(row["files"]) for row in own if row["named"])
        shares = {(row["server"], row["share"]) for row in own}
        accounts.setdefault(actor, []).append(
            Day(int(day), files, len(shares), len({h for h, _ in shares}), tuple(own))
        )
    return accounts


def is_unusual(value: int, own: Sequence[int], *, least: int, top: int) -> bool:
    """Tell whether a number is far above an account's own and everybody's.

    Args:
        value: Of the day.
        own: Of all days of the account, this one among them.
        least: Below which nothing is told of.
        top: What all but the top thousandth of days do not exceed; 0 if there are too few to say.
    """
    if value < max(least, top):
        return False
    if len(own) < _OWN_DAYS:
        return top > 0 and value > 2 * top
    spread = max(0.5, least / 40)
    return value >= _TIMES * median(own) and modified_z(value, own, least_spread=spread) >= _LEAST_Z


def _top(values: Sequence[int]) -> int:
    ordered = sorted(values)
    return ordered[-1 - len(ordered) // _TOP - 1] if len(ordered) >= _TOP else 0


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    accounts = days_by_account(rows_of(tables[SHARE_DAYS.name]))
    every = [day for days in accounts.values() for day in days]
    top_files, top_shares = _top([day.files for day in every]), _top([day.shares for day in every])
    for actor, days in accounts.items():
        files, shares = [day.files for day in days], [day.shares for day in days]
        read = [day for day in days if is_unusual(day.files, files, least=_LEAST_FILES, top=top_files)]
        walked = [
            day
            for day in days
            if day.hosts >= _LEAST_HOSTS and is_unusual(day.shares, shares, least=_LEAST_SHARES, top=top_shares)
        ]
        most = max(1, len(days) * _MOST_SHARE)
        if read and len(read) <= most:
            worst = max(read, key=lambda day: (day.files, day.day))
            what = f"opened about {number(worst.files, 'file')} on shares"
            yield _observation("files", actor, read, worst, f"{what}; on a usual day it is {median(files):,.0f}")
        if walked and len(walked) <= most:
            worst = max(walked, key=lambda day: (day.shares, day.day))
            what = f"opened {number(worst.shares, 'share')} of {number(worst.hosts, 'server')}"
            yield _observation("shares", actor, walked, worst, f"{what}; on a usual day it is {median(shares):,.0f}")


def _observation(kind: str, actor: str, days: Sequence[Day], worst: Day, what: str) -> Observation:
    rows = [row for day in days for row in day.rows]
    hosts, addresses = (
        {row["server"] for row in rows if row["server"]},
        {row["address"] for row in rows if row["address"]},
    )
    return Observation(
        identity=(kind, actor),
        sentence=f"On {day_text(worst.day)} {actor} {what}; the servers were {among(hosts) or 'not named'}.",
        why=(
            ("files on the day", f"{worst.files:,}; at least {_LEAST_FILES}"),
            ("shares on the day", f"{worst.shares}; at least {_LEAST_SHARES}"),
            ("days like this", f"{len(days)}"),
        ),
        places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
        entities=tuple(
            sorted(
                {("account", actor, "subject")}
                | {("host", host, "") for host in hosts}
                | {("share", row["share"], "") for row in rows}
                | {("address", address, "source") for address in addresses}
            )
        ),
        count=sum(row["n"] for row in rows),
        n_days=len(days),
        techniques=_techniques(kind, rows),
    )


def _techniques(kind: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    if kind == "shares":
        return ("T1135",)
    return ("T1213.002",) if all(row["share"].startswith("http") for row in rows) else ("T1039",)


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-share-mass-read",
        title="Far more files or shares opened in a day than ever",
        description="An account opens far more files on shares, or shares of more servers, than on its other days.",
        level=Level.MEDIUM,
        path="behaviour/share_mass_read",
        tactics=("collection", "discovery"),
        techniques=("T1039", "T1135", "T1213.002"),
        false_positives=("Moving a department's files", "A new indexer's first run"),
    ),
    logs="Windows Security 5140, 5145 or 4663 of file servers, Zeek smb_files, or SharePoint in the audit log",
    thresholds={
        "files": "at least 200 different ones in a day: fewer can be opened by a person",
        "shares": "at least 10 of at least 3 servers in a day",
        "own days": "five times and ten robust deviations above the own median",
        "others": "above all but the top thousandth of all days",
        "days": "on at most a tenth of the account's days: else it is its work",
    },
    aggregates=(SHARE_DAYS,),
    findings=_findings,
)
