"""Upload outlier: much more sent to a rare place than comes back, and than anybody else sends anywhere.

Method: of every source and destination the bytes sent over all the time of the logs, so that a theft of a little every
night adds up; the logarithms of all such sums are the baseline, and a sum is strange by the modified z-score (median
and median deviation), which an intruder among them does not move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.baseline import spread
from stillhunt.detection.behaviour.flows import PAIRS
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.wording import bytes_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_LEAST_BYTES = 50_000_000
_MUCH_BYTES = 1_000_000_000
_RATIO = 3
_STRANGE, _LEAST_SPREAD = 3.5, 0.3
_FEWEST_PAIRS = 20
_MAIL = frozenset({"25", "465", "587"})


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    table = tables[PAIRS.name]
    population = Population.of(table, "destination")
    is_heavy = pc.greater_equal(table["bytes_out"], pa.scalar(_LEAST_BYTES, pa.int64()))
    heavy = {(row["source"], row["destination"]) for row in table.filter(is_heavy).to_pylist()}
    by_source = {source for source, _ in heavy}
    chosen = table.filter(pc.is_in(table["source"], value_set=pa.array(sorted(by_source), pa.string())))
    sums = table.group_by(["source", "destination"]).aggregate([("bytes_out", "sum")])["bytes_out_sum"].to_pylist()
    logs = sorted(math.log10(value) for value in sums if value)
    if len(logs) < _FEWEST_PAIRS:
        return
    middle, around = spread(logs)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in chosen.to_pylist():
        if (row["source"], row["destination"]) in heavy:
            rows.setdefault((row["source"], row["destination"]), []).append(row)
    for (source, destination), parts in rows.items():
        n_out, n_in = sum(row["bytes_out"] for row in parts), sum(row["bytes_in"] for row in parts)
        z = 0.6745 * (math.log10(n_out) - middle) / max(around, _LEAST_SPREAD)
        is_mail = all(row["port"] in _MAIL for row in parts)
        if z < _STRANGE or n_out < _RATIO * n_in or is_mail:
            continue
        if population.is_rare(destination) and population.is_inside(source):
            yield _observed(parts, (n_out, n_in, z), 10**middle, population)


def _observed(
    parts: list[dict[str, Any]], measured: tuple[int, int, float], usual: float, population: Population
) -> Observation:
    n_out, n_in, z = measured
    source, destination = parts[0]["source"], parts[0]["destination"]
    first, last = min(row["first_at"] for row in parts), max(row["last_at"] for row in parts)
    common = f"; {population.words(destination)} go there" if population.is_telling else ""
    parts.sort(key=lambda row: (-row["bytes_out"], row["port"]))
    sentence = (
        f"{source} sent {bytes_words(n_out)} to {destination} over {span_words(first, last)} and got "
        f"{bytes_words(n_in)} back, where a pair usually sends {bytes_words(round(usual))}{common}"
    )
    return Observation(
        identity=(source, destination),
        sentence=sentence,
        why=(
            ("sent, of all pairs", f"{z:.1f} robust deviations above the median (threshold {_STRANGE})"),
            ("sent against received", f"{n_out / max(1, n_in):.0f} times (threshold {_RATIO})"),
            ("largest connection", bytes_words(max(row["largest"] for row in parts))),
            ("sources that go there", f"{population.words(destination)} (few are up to {population.few})"),
        ),
        places=tuple(dict.fromkeys((first_place(parts[0]), last_place(parts[0])))),
        entities=(source_entity(source), ("address", destination, "destination")),
        count=sum(row["n"] for row in parts),
        first_at=first,
        last_at=last,
        level=Level.MEDIUM if n_out >= _MUCH_BYTES and population.is_telling else Level.LOW,
        measured={"bytes_out": n_out},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-upload-outlier",
        title="Far more sent to a rare place than is usual here",
        description="A machine sent much more to a place that few others go to than it got back, and than pairs of "
        "machines usually send in these logs.",
        level=Level.LOW,
        path="behaviour/upload_outlier",
        tactics=("exfiltration",),
        techniques=("T1048", "T1030"),
        false_positives=("Backups to a provider of their own", "Video calls", "Uploads of publications"),
    ),
    logs="connections with their bytes (Zeek conn, Suricata flow, Amazon VPC flow)",
    thresholds={
        "bytes": f"{_LEAST_BYTES // 1_000_000} MB in all, {_RATIO} times what came back; medium from "
        f"{_MUCH_BYTES // 1_000_000} MB on",
        "strange": f"{_STRANGE} robust deviations above the median of all pairs (Iglewicz and Hoaglin), of "
        f"{_FEWEST_PAIRS} pairs or more",
        "rarity": "at most one in 500 of the sources, or three, go there",
    },
    aggregates=(PAIRS,),
    findings=_findings,
)
