"""A program that always starts the same few others starts one it never starts on any machine like this one.

A web server's worker starts compilers and its own helpers; the day it starts a shell, somebody speaks through it. No
list of bad pairs is needed where the machines themselves show what is usual.

Method: machines are put together by role: those whose programs that start others are alike (Jaccard index of at least
0.5 with the role's first machine, largest first). A pair of parent and child is told of if no other machine of the
role has it and hardly any of all machines; if the parent is predictable there: at least thirty starts on at least three
machines of the role, of at most twelve different children; and if the child is known elsewhere, on at least three
machines: a new program that arrives with its own updater is news, not a new relation. A pair that occurs on more than
five days of the machine is its habit.
Source: peer groups: Bolton and Hand, "Unsupervised profiling methods for fraud detection" (2001); MITRE ATT&CK T1059,
T1505.003. Jaccard, "Étude comparative de la distribution florale" (1901).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.shares import STARTS
from stillhunt.detection.behaviour.taking import days_of
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "roles", "strange_pairs"]

_ALIKE = 0.5
_LEAST_HOSTS = 3
_LEAST_STARTS = 30
_MOST_CHILDREN = 12
_MOST_DAYS = 5

Row = Mapping[str, Any]
"""A row of :data:`STARTS`."""


def roles(rows: Sequence[Row]) -> dict[str, int]:
    """Return the number of each machine's role.

    >>> roles([{"host": h, "parent": p, "child": "x"} for h in "abc" for p in "123"])
    {'a': 0, 'b': 0, 'c': 0}
    """
    parents: dict[str, set[str]] = {}
    for row in rows:
        parents.setdefault(row["host"], set()).add(row["parent"])
    kinds: list[set[str]] = []
    found = {}
    for host in sorted(parents, key=lambda name: (-len(parents[name]), name)):
        own = parents[host]
        place = next((n for n, kind in enumerate(kinds) if len(own & kind) >= _ALIKE * len(own | kind)), None)
        if place is None:
            place = len(kinds)
            kinds.append(own)
        found[host] = place
    return found


def strange_pairs(rows: Sequence[Row]) -> list[tuple[Row, int]]:
    """Return the pairs that do not belong, each with the number of other machines of the role."""
    role = roles(rows)
    members: dict[int, set[str]] = {}
    for host, number_ in role.items():
        members.setdefault(number_, set()).add(host)
    pair_hosts: dict[tuple[str, str], set[str]] = {}
    child_hosts: dict[str, set[str]] = {}
    usual: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        pair_hosts.setdefault((row["parent"], row["child"]), set()).add(row["host"])
        child_hosts.setdefault(row["child"], set()).add(row["host"])
        usual.setdefault((role[row["host"]], row["parent"]), []).append(row)
    few = few_of(len(role), least=1, share=0.01)
    found = []
    for row in rows:
        peers = [other for other in usual[role[row["host"]], row["parent"]] if other["host"] != row["host"]]
        is_alone = len(pair_hosts[row["parent"], row["child"]]) <= few and all(
            p["child"] != row["child"] for p in peers
        )
        is_predictable = (
            len({peer["host"] for peer in peers}) >= _LEAST_HOSTS
            and sum(peer["n"] for peer in peers) >= _LEAST_STARTS
            and len({peer["child"] for peer in peers}) <= _MOST_CHILDREN
        )
        is_known = len(child_hosts[row["child"]] - {row["host"]}) >= _LEAST_HOSTS
        if is_alone and is_predictable and is_known and len(days_of(row)) <= _MOST_DAYS:
            found.append((row, len(members[role[row["host"]]]) - 1))
    return found


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    by_parent: dict[tuple[str, str], list[tuple[Row, int]]] = {}
    for row, n_peers in strange_pairs(tables[STARTS.name].to_pylist()):
        by_parent.setdefault((row["host"], row["parent"]), []).append((row, n_peers))
    for (host, parent), pairs in by_parent.items():
        rows = [row for row, _ in pairs]
        days = {day for row in rows for day in days_of(row)}
        yield Observation(
            identity=(host, parent, *sorted(row["child"] for row in rows)[:3]),
            sentence=f"On {host} {parent} started {among(row['child'] for row in rows)} {days_text(days)}, which it"
            f" does on none of {number(pairs[0][1], 'other machine')} like it.",
            why=(
                ("machines like it", f"{pairs[0][1]}"),
                ("starts", f"{sum(row['n'] for row in rows)}"),
            ),
            places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
            entities=(("host", host, ""),),
            count=sum(row["n"] for row in rows),
            n_days=len(days),
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-process-tree",
        title="Program starts what it never starts on machines like this",
        description="A program that always starts the same few others starts one that it starts on no machine of the"
        " same role.",
        level=Level.MEDIUM,
        path="behaviour/process_tree",
        tactics=("execution",),
        techniques=("T1059",),
        false_positives=("Repairs made by hand",),
    ),
    logs="process starts (Sysmon 1, Security 4688) of at least 4 machines",
    thresholds={
        "role": "machines whose starting programs overlap by half",
        "predictable": "30 starts on 3 machines of the role, of at most 12 different children",
        "known": "the child runs on 3 other machines: new software is no new relation",
        "days": "on at most 5 days: what recurs is a habit of that machine",
    },
    aggregates=(STARTS,),
    findings=_findings,
)
