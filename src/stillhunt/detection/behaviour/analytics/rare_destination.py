"""Rare destination: a place outside that one machine of many returns to for months, by a port nobody else uses.

Method: by population. Alone a rare destination says nothing, since most are rare; three rarities together are told: the
place has few sources of at least twenty, the port leads few sources outside, and the machine comes back on many days.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.flows import PAIRS
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.wording import bytes_words, count_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_SOURCES, _DAYS, _SPAN_US = 20, 10, 30 * 86_400_000_000
_HIGHEST = 32_768


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    table = tables[PAIRS.name]
    population = Population.of(table, "destination")
    if len(population.everyone) < _SOURCES:
        return
    by_port = Population.of(table, "port")
    returning = table.filter(pc.greater_equal(table["days"], pa.scalar(_DAYS, pa.int64())))
    for row in returning.to_pylist():
        is_long = row["last_at"] - row["first_at"] >= _SPAN_US
        is_port = row["port"].isdecimal() and int(row["port"]) < _HIGHEST and row["protocol"] != "icmp"
        if not (is_long and is_port and population.is_inside(row["source"])):
            continue
        if not (population.is_rare(row["destination"]) and by_port.is_rare(row["port"])):
            continue
        sentence = (
            f"{row['source']} went to {row['destination']} port {row['port']} on {count_words(row['days'], 'day')} of "
            f"{span_words(row['first_at'], row['last_at'])}; {population.words(row['destination'])} go there, and "
            f"{by_port.words(row['port'])} use this port outside"
        )
        yield Observation(
            identity=(row["source"], row["destination"], row["port"], row["protocol"]),
            sentence=sentence,
            why=(
                ("sources that go there", f"{population.words(row['destination'])} (few are up to {population.few})"),
                ("sources that use the port", f"{by_port.words(row['port'])} (few are up to {by_port.few})"),
                ("days", f"{row['days']:,} (threshold {_DAYS})"),
                ("bytes", f"{bytes_words(row['bytes_out'])} out, {bytes_words(row['bytes_in'])} in"),
            ),
            places=tuple(dict.fromkeys((first_place(row), last_place(row)))),
            entities=(source_entity(row["source"]), ("address", row["destination"], "destination")),
            count=row["n"],
            measured={"days": row["days"]},
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-rare-destination",
        title="A rare place outside, by a rare port, for months",
        description="A machine returns for months to a place outside that few others go to, by a port that few others "
        "use.",
        level=Level.LOW,
        path="behaviour/rare_destination",
        tactics=("command-and-control",),
        techniques=("T1571",),
        false_positives=("Private services of one department", "Games and file sharing"),
    ),
    logs="connections (Zeek conn, Suricata flow, Amazon VPC flow, Sysmon 3)",
    thresholds={
        "population": f"{_SOURCES} sources or more to compare with; at most one in 500 of them, or three, go there",
        "port": f"at most as few use the port outside; ports from {_HIGHEST:,} on, which peers draw by lot, are "
        "left out",
        "days": f"{_DAYS} different days within at least {_SPAN_US // 86_400_000_000} days",
    },
    aggregates=(PAIRS,),
    findings=_findings,
)
