r"""A program outside the folders of installed software loads an unsigned library from its own folder, and calls home.

Whoever wants to stay for months puts a trusted, signed program into a folder that anybody may write to, beside a
library of the name that it looks for. The program is known to every scanner, the library to none; it runs at every
logon and calls outside from time to time, too seldom for a period to show where machines are turned off at night.

Method: of programs below ``ProgramData``, ``Users\Public``, roaming profiles, temporary folders and the like, those
that load an unsigned library from the folder they lie in themselves; of these, those that few machines run. It is of
high level where the same program also called addresses outside on at least three days: a tool that somebody unpacked
does not, and software that does is signed or installed where software is.
Source: MITRE ATT&CK T1574.001; public reports on PlugX and ShadowPad, which have started like this since 2012.
Compared by population as in Microsoft, "Prevalence" of files in advanced hunting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import is_outside
from stillhunt.detection.behaviour.pages import base_name
from stillhunt.detection.behaviour.taking import DAYS, Taken, days_of, is_in
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "is_open_folder"]

_FEW, _SHARE = 2, 0.02
_CALLING_DAYS = 3
_OPEN = re.compile(
    r":\\(?:programdata|perflogs|\$recycle\.bin|users\\public|windows\\(?:temp|tasks|fonts|debug)|temp)\\"
    r"|:\\users\\[^\\]+\\(?:downloads|desktop|documents|music|pictures|videos|appdata\\(?:roaming|local\\temp))\\"
)
_KEPT = re.compile(
    r":\\programdata\\(?:microsoft|package cache|chocolatey|scoop|docker|anaconda|miniconda)"
    r"|\\node_modules\\|\\site-packages\\"
)
"""Where software puts itself although everybody may write there."""

_PERSON = re.compile(r"(:\\users\\)(?!public\\)[^\\]+\\")


def is_open_folder(path: str) -> bool:
    r"""Tell whether a file in lower case lies where anybody may put one, and software seldom does.

    >>> is_open_folder(r"c:\programdata\calls\a.exe"), is_open_folder(r"c:\program files\calls\a.exe")
    (True, False)
    """
    return bool(_OPEN.search(path)) and not _KEPT.search(path)


def _kind(path: str) -> str:
    return _PERSON.sub(r"\1*\\", path)


def _folder(path: str) -> str:
    return path.rpartition("\\")[0]


def _loads(event_class: EventClass) -> bool:
    return event_class.product == "windows" and "image_load" in event_class.categories


def _load_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch, is_in(batch, "Signed", frozenset({"false"})))
    programs = took.column("process.executable", str.lower)
    libraries = took.column("ImageLoaded", str.lower)
    table = took.table(
        {"host": took.column("host.name"), "program": programs, "library": libraries, **took.days()},
    )
    if table is None:
        return None
    pairs = zip(programs.to_pylist(), libraries.to_pylist(), strict=True)
    kept = [bool(p and one) and p != one and _folder(p) == _folder(one) and is_open_folder(p) for p, one in pairs]
    return table.filter(pa.array(kept, pa.bool_()))


LOADS = Aggregate(
    name="unsigned libraries beside programs",
    wants=_loads,
    fields=("ImageLoaded", "Signed"),
    keys=("host", "program", "library"),
    measures=DAYS,
    rows=_load_rows,
)
"""Unsigned libraries that programs in open folders loaded from there, and on which days."""


def _calls(event_class: EventClass) -> bool:
    return event_class.product == "windows" and "network_connection" in event_class.categories


def _call_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    programs = took.column("process.executable", str.lower)
    targets = took.column("destination.ip")
    table = took.table({"host": took.column("host.name"), "program": programs, "target": targets, **took.days()})
    if table is None:
        return None
    outside = pa.array([bool(one) and is_outside(one) for one in targets.to_pylist()], pa.bool_())
    is_open = pa.array([bool(one) and is_open_folder(one) for one in programs.to_pylist()], pa.bool_())
    return table.filter(pc.and_(outside, is_open))


CALLS = Aggregate(
    name="calls of programs in open folders",
    wants=_calls,
    fields=(),
    keys=("host", "program", "target"),
    measures=DAYS,
    rows=_call_rows,
)
"""Addresses outside that programs in open folders called, and on which days."""


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    rows = list(rows_of(tables[LOADS.name]))
    hosts: dict[str, set[str]] = {}
    by_program: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        hosts.setdefault(_kind(row["program"]), set()).add(row["host"])
        by_program.setdefault((row["host"], row["program"]), []).append(row)
    called: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows_of(tables[CALLS.name]):
        called.setdefault((row["host"], row["program"]), []).append(row)
    few = few_of(len({row["host"] for row in rows}), least=_FEW, share=_SHARE)
    for (host, program), loaded in by_program.items():
        if len(hosts[_kind(program)]) <= few:
            yield _observation(host, program, loaded, called.get((host, program), []))


def _observation(host: str, program: str, loaded: list[dict[str, Any]], calls: list[dict[str, Any]]) -> Observation:
    days = {day for row in loaded for day in days_of(row)}
    calling = {day for row in calls for day in days_of(row)}
    libraries = sorted({base_name(row["library"]) for row in loaded})
    targets = sorted({row["target"] for row in calls})
    is_calling = len(calling) >= _CALLING_DAYS
    called = f" and called {among(targets)} {days_text(calling)}" if targets else ""
    shown = [place for row in (*loaded, *calls) for place in (first_place(row), last_place(row))]
    return Observation(
        identity=(host, program),
        sentence=f"On {host} {program} loaded {among(libraries)} without a signature from its own folder"
        f" {days_text(days)}{called}.",
        why=(
            ("unsigned libraries beside it", number(len(libraries), "library", "libraries")),
            ("days on which it called outside", f"{len(calling)}; from {_CALLING_DAYS} on it is of high level"),
        ),
        places=shown_places(shown),
        entities=tuple(
            sorted(
                {("host", host, ""), ("process", program, "")}
                | {("address", one, "destination") for one in targets[:8]}
            )
        ),
        count=sum(row["n"] for row in (*loaded, *calls)),
        n_days=len(days | calling),
        level=Level.HIGH if is_calling else None,
        techniques=("T1574.001", "T1071") if is_calling else None,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-side-loading",
        title="Program in an open folder loads an unsigned library beside it",
        description="A program that lies where anybody may write loads an unsigned library from its own folder, on few"
        " machines; implants that stay for months start like this.",
        level=Level.MEDIUM,
        path="behaviour/side_loading",
        tactics=("persistence", "defense-evasion"),
        techniques=("T1574.001",),
        false_positives=("Portable software that somebody unpacked", "Software of one's own that nobody signs"),
    ),
    logs="libraries loaded (Sysmon 7); connections of programs (Sysmon 3) for the higher level",
    thresholds={
        "machines": "at most 2, or 2 % of those that load any: what many run was rolled out",
        "calls": "on at least 3 days: high instead of medium",
    },
    aggregates=(LOADS, CALLS),
    findings=_findings,
)
