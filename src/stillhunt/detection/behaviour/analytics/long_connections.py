"""Long-lived connections: one that stays open for half a day or longer, to a place few others stay connected to.

Method: the longest connections of each pair against how many sources keep connections of an hour or more open to the
same place. Push services of phones and operating systems hold connections for days, but to places that many use.
RITA calls a connection long from an hour on, and longest from twelve.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillhunt.detection.behaviour.flows import LONG_CONNECTIONS, PAIRS
from stillhunt.detection.behaviour.join import first_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.wording import bytes_words, count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words

__all__ = ["ANALYTIC"]

_HOUR = 3_600 * 1_000_000
_LONG, _VERY_LONG = 12, 24
_PUSH = frozenset({"5223", "5228", "5229", "5230"})
_SHOWN = 3


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    population = Population.of(tables[PAIRS.name], "destination")
    pairs: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for row in rows_of(tables[LONG_CONNECTIONS.name]):
        key = (row["source"], row["destination"], row["port"], row["protocol"])
        if row["port"] not in _PUSH and row["protocol"] != "icmp":
            pairs.setdefault(key, []).append(row)
    for key, rows in pairs.items():
        rows.sort(key=lambda row: (-row["lasted"], row["first_at"]))
        if rows[0]["lasted"] < _LONG * _HOUR or not population.is_rare(key[1]) or not population.is_inside(key[0]):
            continue
        yield _observed(key, rows, population)


def _observed(key: tuple[str, str, str, str], rows: list[dict[str, Any]], population: Population) -> Observation:
    source, destination, port, _ = key
    longest, n_all = rows[0], sum(row["n"] for row in rows)
    n_out, n_in = sum(row["bytes_out"] for row in rows), sum(row["bytes_in"] for row in rows)
    common = f"; {population.words(destination)} go there" if population.is_telling else ""
    sentence = (
        f"{source} kept a connection to {destination} port {port} open for {duration_words(longest['lasted'] / 1e6)} "
        f"from {day_words(longest['first_at'])} on, {bytes_words(n_out)} out and {bytes_words(n_in)} in{common}"
    )
    is_very_long = longest["lasted"] >= _VERY_LONG * _HOUR
    return Observation(
        identity=key,
        sentence=sentence,
        why=(
            ("longest connection", f"{longest['lasted'] / _HOUR:.1f} hours (threshold {_LONG})"),
            ("connections of an hour or more", count_words(n_all, "connection")),
            ("sources that go there", f"{population.words(destination)} (few are up to {population.few})"),
        ),
        places=tuple(dict.fromkeys(first_place(row) for row in rows[:_SHOWN])),
        entities=(source_entity(source), ("address", destination, "destination")),
        count=n_all,
        first_at=min(row["first_at"] for row in rows),
        last_at=max(row["last_at"] for row in rows),
        level=Level.MEDIUM if is_very_long and population.is_telling else Level.LOW,
        measured={"lasted": longest["lasted"]},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-long-connections",
        title="A connection kept open for half a day or longer, to a rare place",
        description="A machine keeps a connection open for very long to a place that few others go to, as remote "
        "control over a tunnel does.",
        level=Level.LOW,
        path="behaviour/long_connections",
        tactics=("command-and-control",),
        techniques=("T1572", "T1095"),
        false_positives=("Private networks to partners", "Remote maintenance", "Push services of single products"),
    ),
    logs="connections with their duration (Zeek conn, Suricata flow, Amazon VPC flow)",
    thresholds={
        "duration": f"{_LONG} hours: longer than a working day; medium from {_VERY_LONG} hours on",
        "rarity": "at most one in 500 of the sources, or three, go there",
        "push services": f"the ports {', '.join(sorted(_PUSH))} are left out: phones hold them open for days",
    },
    aggregates=(LONG_CONNECTIONS, PAIRS),
    findings=_findings,
)
