"""A page that only a few addresses ever ask for, to send data to it, and that was not there before.

A web shell is a page nobody links to. Its user knows where it is, sends commands in the body of a request, and is
alone. The pages of a site are asked for by its guests, who come from other pages.

Method: of each page that runs on a server with at least ten guests, points are given for: half and more of the
requests send data; no request names a page it came from; it was first asked for more than a week after the log begins;
no other page that runs lies in its folder. Asked by at most three addresses and at most a tenth of all guests is a
condition. Three points are told of. A file of that name that a program wrote on some machine within the thirty days
before its first request counts two points and is said; written by the web server itself, it needs no more.
Source: Canary and others' "rare page" method; NSA and ASD, "Detect and prevent web shell malware" (2020), section on
detection by rare addresses and missing referrers; MITRE ATT&CK T1505.003.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.pages import PAGES, POSTERS, SITES, WRITTEN, base_name
from stillhunt.detection.behaviour.taking import DAY_US
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "points"]

_MOST_ADDRESSES = 3
_SHARE_OF_GUESTS = 0.1
_LEAST_GUESTS = 10
_LEAST_REQUESTS = 2
_LATE_DAYS = 7
_WRITTEN_DAYS = 30
_LEAST_POINTS = 3
_SERVERS = frozenset(
    {"w3wp.exe", "httpd.exe", "httpd", "apache2", "nginx", "php-fpm", "php-cgi.exe", "tomcat9.exe", "tomcat8.exe"}
    | {"java.exe", "java", "umworkerprocess.exe"}
)

Row = Mapping[str, Any]


def points(page: Row, *, begins: int, siblings: int, written: Sequence[Row]) -> dict[str, int]:
    """Return what speaks for a web shell, and how much.

    Args:
        page: A row of :data:`PAGES`.
        begins: Microseconds at which the server's log begins.
        siblings: Pages that run in the same folder, without this one.
        written: Rows of :data:`WRITTEN` of that name, from the thirty days before the first request.
    """
    found = {}
    if page["posts"] * 2 >= page["n"]:
        found["mostly sends data"] = 1
    if not page["referred"]:
        found["no request names where it came from"] = 1
    if page["first_at"] - begins > _LATE_DAYS * DAY_US:
        found["not asked for in the first week"] = 1
    if not siblings:
        found["the only page in its folder"] = 1
    if written:
        by_server = any(row["process"] in _SERVERS for row in written)
        found["written by the web server itself" if by_server else "written shortly before"] = 3 if by_server else 2
    return found


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    sites = {row["host"]: row for row in rows_of(tables[SITES.name])}
    pages = tables[PAGES.name].to_pylist()
    folders: dict[tuple[str, str], int] = {}
    for page in pages:
        folders[page["host"], _folder(page)] = folders.get((page["host"], _folder(page)), 0) + 1
    writes: dict[str, list[Row]] = {}
    for row in rows_of(tables[WRITTEN.name]):
        writes.setdefault(base_name(row["path"]), []).append(row)
    senders: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(tables[POSTERS.name]):
        senders.setdefault((row["host"], row["path"]), []).append(row)
    for page in pages:
        guests, everyone = distinct(page["guests"]), distinct(sites[page["host"]]["guests"])
        written = [row for row in writes.get(base_name(page["path"]), []) if _is_before(row, page)]
        is_rare = guests <= _MOST_ADDRESSES and bool(written or guests <= max(1, everyone * _SHARE_OF_GUESTS))
        if page["n"] < _LEAST_REQUESTS or not page["posts"] or not is_rare:
            continue
        said = points(
            page,
            begins=sites[page["host"]]["first_at"],
            siblings=folders[page["host"], _folder(page)] - 1,
            written=written,
        )
        if sum(said.values()) >= _LEAST_POINTS and (everyone >= _LEAST_GUESTS or written):
            yield _observation(page, said, written, senders.get((page["host"], page["path"]), []), everyone)


def _folder(page: Row) -> str:
    return str(page["path"]).rpartition("/")[0]


def _is_before(row: Row, page: Row) -> bool:
    waited = int(page["first_at"]) - int(row["first_at"])
    return -DAY_US <= waited <= _WRITTEN_DAYS * DAY_US


def _observation(
    page: Row, said: Mapping[str, int], written: Sequence[Row], senders: Sequence[Row], everyone: int
) -> Observation:
    addresses = {row["address"] for row in senders if row["address"]}
    by = f" It was written by {among(row['process'] for row in written)} on {among(row['host'] for row in written)}"
    when = f"{by} at {time_text(min(row['first_at'] for row in written))}." if written else ""
    return Observation(
        identity=(page["host"], page["path"]),
        sentence=f"From {time_text(page['first_at'])} the page {page['path']} of {page['host'] or 'the web server'} was"
        f" asked for {number(page['n'], 'time')} by {among(addresses)} only, {page['posts']:,} of them to send data,"
        f" while {everyone:,} addresses use that server.{when}",
        why=(
            ("addresses", f"{distinct(page['guests'])} of {everyone}"),
            *((what, f"{worth} of {_LEAST_POINTS} points") for what, worth in said.items()),
        ),
        places=shown_places(place for row in (page, *written) for place in (first_place(row), last_place(row))),
        entities=tuple(
            sorted(
                {("host", page["host"], ""), ("url", page["path"], "")}
                | {("address", address, "source") for address in addresses}
                | {("file", row["path"], "") for row in written}
            )
        ),
        count=page["n"],
        level=Level.HIGH if written else None,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-web-shell",
        title="Page used by a few addresses to send data, as web shells are",
        description="A page that runs is asked for by almost nobody, mostly to send data, without a page that links to"
        " it, and was not asked for before.",
        level=Level.MEDIUM,
        path="behaviour/web_shell",
        tactics=("persistence",),
        techniques=("T1505.003",),
        false_positives=("An interface that one partner uses", "A page of the administrators"),
    ),
    logs="web server logs; better with files written (Sysmon 11, Security 4663)",
    thresholds={
        "addresses": "at most 3, and at most a tenth of a server's guests",
        "guests": "at least 10, unless the file's writing is recorded: a server that nobody uses has only rare pages",
        "points": "at least 3: sends data, no referrer, not in the first week, alone in its folder; written: 2, or 3 by"
        " the server itself",
    },
    aggregates=(PAGES, POSTERS, SITES, WRITTEN),
    findings=_findings,
)
