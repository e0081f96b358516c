"""Strobe: a pair that connects so often that it is one long conversation in very short pieces.

Method: connections per day on which there were any; RITA's strobe begins at 86,400 a day, one each second. Tools that
poll for commands or carry a tunnel over single requests do this, and so do broken programs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.flows import PAIRS
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import TIMES_KEPT, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.wording import bytes_words, count_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_A_DAY = 20_000
_SERVICES = frozenset({"53", "123", "853"})


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    table = tables[PAIRS.name]
    population = Population.of(table, "destination")
    for row in table.filter(pc.greater_equal(table["n"], pa.scalar(_A_DAY, pa.int64()))).to_pylist():
        # Of a pair with more events than times are kept, the days are those of the latest.
        per_day = min(row["n"], TIMES_KEPT) // max(1, row["days"])
        is_of_interest = population.is_inside(row["source"]) and population.is_rare(row["destination"])
        if per_day < _A_DAY or row["port"] in _SERVICES or not is_of_interest:
            continue
        sentence = (
            f"{row['source']} connected to {row['destination']} port {row['port']} {row['n']:,} times, "
            f"{per_day:,} times a day, with {bytes_words(row['bytes_out'])} out and {bytes_words(row['bytes_in'])} in"
        )
        yield Observation(
            identity=(row["source"], row["destination"], row["port"], row["protocol"]),
            sentence=sentence,
            why=(
                ("connections a day", f"{per_day:,} (threshold {_A_DAY:,})"),
                ("days with connections", count_words(row["days"], "day")),
                ("sources that go there", f"{population.words(row['destination'])} (few are up to {population.few})"),
            ),
            places=tuple(dict.fromkeys((first_place(row), last_place(row)))),
            entities=(source_entity(row["source"]), ("address", row["destination"], "destination")),
            count=row["n"],
            measured={"a day": per_day},
        )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-strobe",
        title="Strobe: tens of thousands of connections a day to a rare place",
        description="A machine connects to one rare place so often that it amounts to one conversation.",
        level=Level.LOW,
        path="behaviour/strobe",
        tactics=("command-and-control",),
        techniques=("T1071", "T1572"),
        false_positives=("Programs that fail and try again at once",),
        references=("https://github.com/activecm/rita",),
    ),
    logs="connections (Zeek conn, Suricata flow, Amazon VPC flow, Sysmon 3)",
    thresholds={
        "connections": f"{_A_DAY:,} on each day with any; a person's browser makes a tenth of that everywhere together",
        "rarity": "at most one in 500 of the sources, or three, go there; questions to name and time servers "
        "are left out",
    },
    aggregates=(PAIRS,),
    findings=_findings,
)
