"""Archives are gathered in a place of a machine where nobody else puts any.

What is taken is packed before it leaves, often in volumes of equal size, in a folder that is out of sight.

Method: archives written, by machine, kind of folder (people's names and numbers left out) and program. A kind of
folder that archives are written to on at least three machines, or on more than five days of one, is a habit. Told of
are at least three archives in a folder of no habit, or volumes of one; written into a web server's folders, a single
one is enough, since it can be fetched from there. Downloads of browsers and updates of programs write where they always
do and so are habits.
Source: MITRE ATT&CK T1560.001, T1074.001; Microsoft, "HAFNIUM targeting Exchange servers" (2021), archives in folders
that the web server serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.shares import ARCHIVES
from stillhunt.detection.behaviour.taking import days_of
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "is_staging"]

_LEAST_ARCHIVES = 3
_LEAST_VOLUMES = 2
_HABIT_HOSTS = 3
_HABIT_DAYS = 5
_WEB = re.compile(
    r"\\(inetpub\\wwwroot|httpproxy|htdocs|webapps|aspnet_client|exchange server\\[^\\]+\\frontend)|^/var/www|^/srv/www"
)
_BROWSERS = frozenset({"chrome.exe", "msedge.exe", "firefox.exe", "iexplore.exe", "outlook.exe", "teams.exe"})

Row = Mapping[str, Any]


def is_staging(rows: Sequence[Row], n_hosts: int) -> bool:
    """Tell whether archives of one kind of folder on one machine were gathered there.

    Args:
        rows: Rows of :data:`ARCHIVES` of that machine and kind of folder.
        n_hosts: Machines on which archives are written to that kind of folder.
    """
    own = [row for row in rows if row["process"] not in _BROWSERS]
    days = {day for row in own for day in days_of(row)}
    if not own or n_hosts >= _HABIT_HOSTS or len(days) > _HABIT_DAYS:
        return False
    n_archives = distinct(sorted({file for row in own for file in row["files"]}))
    n_volumes = sum(row["volumes"] for row in own)
    return n_archives >= _LEAST_ARCHIVES or n_volumes >= _LEAST_VOLUMES or bool(_WEB.search(own[0]["folder"]))


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    hosts: dict[str, set[str]] = {}
    places: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(tables[ARCHIVES.name]):
        hosts.setdefault(row["folder"], set()).add(row["host"])
        places.setdefault((row["host"], row["folder"]), []).append(row)
    for (host, folder), rows in places.items():
        if is_staging(rows, len(hosts[folder])):
            yield _observation(host, folder, [row for row in rows if row["process"] not in _BROWSERS])


def _observation(host: str, folder: str, rows: Sequence[Row]) -> Observation:
    n_archives = distinct(sorted({file for row in rows for file in row["files"]}))
    n_volumes = sum(row["volumes"] for row in rows)
    days = {day for row in rows for day in days_of(row)}
    programs = {row["process"] for row in rows if row["process"]}
    users = {row["user"] for row in rows if row["user"]}
    is_web = bool(_WEB.search(folder))
    volumes = f", {number(n_volumes, 'of them a volume', 'of them volumes')}" if n_volumes else ""
    served = "; a web server serves that folder" if is_web else ""
    return Observation(
        identity=(host, folder),
        sentence=f"{among(programs) or 'A program'} wrote {number(n_archives, 'archive')}{volumes} to {folder} of"
        f" {host} {days_text(days)}, where no archives are kept otherwise{served}.",
        why=(
            ("archives", f"{n_archives}; at least {_LEAST_ARCHIVES}"),
            ("volumes", f"{n_volumes}; at least {_LEAST_VOLUMES}"),
            ("served by a web server", "yes" if is_web else "no"),
        ),
        places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
        entities=tuple(sorted({("host", host, "")} | {("account", user, "subject") for user in users})),
        count=sum(row["n"] for row in rows),
        n_days=len(days),
        level=Level.HIGH if is_web else None,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-staging-archive",
        title="Archives gathered where none are kept",
        description="A program writes several archives, or volumes of one, to a folder where nobody keeps archives.",
        level=Level.MEDIUM,
        path="behaviour/staging_archive",
        tactics=("collection",),
        techniques=("T1560.001", "T1074.001"),
        false_positives=("Somebody unpacking a collection of archives", "A backup made by hand"),
    ),
    logs="files written (Sysmon 11)",
    thresholds={
        "archives": "at least 3, or 2 volumes; one if a web server serves the folder",
        "habit": "kinds of folders used on 3 machines, or on more than 5 days, are habits",
    },
    aggregates=(ARCHIVES,),
    findings=_findings,
)
