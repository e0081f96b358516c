"""Beaconing: a machine that calls the same place outside again and again, with a period of seconds or of days.

Method: the rhythm of the times of each pair (:mod:`stillhunt.detection.behaviour.rhythm`), over all the time there is:
a beacon of a week needs months to be seen, and is as sure then as one of a minute. Whoever many inside call is no
finding: update servers, time servers and clouds have a population, a beacon has few. The first to count who calls how
regularly was RITA (Active Countermeasures, "Beacon analysis"), over the last 24 hours. Periods of six seconds and more
are seen.

Left out:

- what has a period by its nature: time (UDP port 123 with the size of its messages) and questions to name servers,
  which :mod:`~stillhunt.detection.behaviour.analytics.dns_tunnelling` looks at;
- scheduled jobs: contacts within seconds behind a whole minute, with the small delays of a start, that were there when
  the logs began and when they ended. An implant that a scheduler starts looks the same, but begins one day.

Where fewer than ten sources are there to compare with, all that one of them calls with a period is one finding.
Of a name and an address that one source calls in one rhythm, the name is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.flows import NAMES, PAIRS
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import TIMES_KEPT, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.rhythm import LEAST_CONTACTS
from stillhunt.detection.behaviour.wording import bytes_words, count_words, period_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_SCORE, _SCORE_ALONE = 400, 1_000
_SCORE_OF_GUESTS, _SHARE_OF_GUESTS, _DAYS_OF_GUESTS, _PORTS_OF_GUESTS = 2_000, 0.9, 3, 2
_TOLD = 8
_TIME_PORT, _TIME_BYTES = "123", 512
_STANDING_US = 7 * 86_400_000_000
_SAME_PERIOD = 0.05

Row = dict[str, Any]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    pairs, names = tables[PAIRS.name], tables[NAMES.name]
    by_address, by_name = Population.of(pairs, "destination"), Population.of(names, "name")
    found = list(_beacons(names, by_name, "name"))
    told: dict[str, list[int]] = {}
    for row in found:
        told.setdefault(row["source"], []).append(row["period"])
    found += [
        row
        for row in _beacons(pairs, by_address, "destination")
        if not any(abs(row["period"] - period) <= _SAME_PERIOD * period for period in told.get(row["source"], ()))
    ]
    together: dict[str, list[Row]] = {}
    for row in found:
        population = by_name if "name" in row else by_address
        if population.is_telling or not population.is_inside(row["source"]):
            yield _observed(row, population)
        else:
            together.setdefault(row["source"], []).append(row)
    for rows in together.values():
        rows.sort(key=lambda row: (-row["score"], _where(row)))
        yield _of_one(rows) if len(rows) > 1 else _observed(rows[0], by_name if "name" in rows[0] else by_address)


def _beacons(table: pa.Table, population: Population, where: str) -> Iterator[Row]:
    is_regular = pc.greater_equal(table["score"], pa.scalar(_SCORE, pa.int64()))
    rows = table.filter(is_regular).to_pylist()
    span = (pc.min(table["first_at"]).as_py() or 0, pc.max(table["last_at"]).as_py() or 0)
    ports = Counter((row["source"], row[where]) for row in rows)
    for row in rows:
        is_own = population.is_inside(row["source"])
        if _is_service(row) or (row["clocked"] and _is_standing(row, span)):
            continue
        if not is_own and not (_is_steady_guest(row) and ports[row["source"], row[where]] <= _PORTS_OF_GUESTS):
            continue
        least = _SCORE if population.is_telling else _SCORE_ALONE
        if row["score"] >= least and (not is_own or population.is_rare(row[where])):
            yield row


def _is_steady_guest(row: Row) -> bool:
    share = row["regular"] / (row["contacts"] - 1)
    return bool(row["score"] >= _SCORE_OF_GUESTS and share >= _SHARE_OF_GUESTS and row["days"] >= _DAYS_OF_GUESTS)


def _is_standing(row: Row, span: tuple[int, int]) -> bool:
    first, last = span
    return bool(row["first_at"] - first < _STANDING_US and last - row["last_at"] < _STANDING_US)


def _is_service(row: Row) -> bool:
    """Tell what has a period by its nature: time, names, and errors that answer something."""
    port, protocol = row.get("port", ""), row.get("protocol", "")
    is_small = row.get("bytes_out", 0) + row.get("bytes_in", 0) <= _TIME_BYTES * row["n"]
    is_time = port == _TIME_PORT and protocol in {"udp", ""} and is_small
    return is_time or port in {"53", "853"} or (protocol == "icmp" and port != "0")


def _where(row: Row) -> str:
    target: str = row["name"] if "name" in row else row["destination"]
    return f"{target} port {row['port']}" if row.get("port") else target


def _how(row: Row) -> str:
    jitter = round(row["jitter"] / 10)
    return f"every {period_words(row['period'])}" + (f", give or take {jitter} %," if jitter >= 1 else "")


def _why(row: Row) -> list[tuple[str, str]]:
    why = [
        ("intervals that keep the period", f"{row['regular']:,} of {row['contacts'] - 1:,}"),
        ("chance that unrelated contacts look so", f"1 in 10^{row['score'] // 100} (threshold 10^{_SCORE // 100})"),
    ]
    if row.get("bytes_out") or row.get("bytes_in"):
        why.append(("bytes", f"{bytes_words(row['bytes_out'])} out, {bytes_words(row['bytes_in'])} in"))
    if row["n"] > TIMES_KEPT:
        why.append(("judged by", f"the latest {TIMES_KEPT:,} of {row['n']:,} connections"))
    return why


def _observed(row: Row, population: Population) -> Observation:
    target = row["name"] if "name" in row else row["destination"]
    common = f"{population.words(target)} go there"
    if not population.is_telling:
        common = "there are too few sources to say how common that is"
    sentence = (
        f"{row['source']} called {_where(row)} {_how(row)} over {span_words(row['first_at'], row['last_at'])}, "
        f"{count_words(row['contacts'], 'time')} in all; {common}"
    )
    return Observation(
        identity=(row["source"], target, row.get("port", ""), row.get("protocol", "")),
        sentence=sentence,
        why=(*_why(row), ("sources that go there", f"{population.words(target)} (few are up to {population.few})")),
        places=tuple(dict.fromkeys((first_place(row), last_place(row)))),
        entities=_entities([row]),
        count=row["n"],
        measured={"period": row["period"], "contacts": row["contacts"], "score": row["score"]},
    )


def _of_one(rows: list[Row]) -> Observation:
    """Tell of all places that one source calls, where there are none to compare it with."""
    told = [f"{_where(row)} {_how(row)}".rstrip(",") for row in rows[:_TOLD]]
    left = f" and {len(rows) - _TOLD:,} more" if len(rows) > _TOLD else ""
    sentence = (
        f"{rows[0]['source']} called {count_words(len(rows), 'place')} outside with a period, and there are too few "
        f"sources to say how common that is: {'; '.join(told)}{left}"
    )
    why = [(f"{_where(row)}: {label}", value) for row in rows[:_TOLD] for label, value in _why(row)]
    places = [place for row in rows[:_TOLD] for place in (first_place(row), last_place(row))]
    return Observation(
        identity=(rows[0]["source"], "places"),
        sentence=sentence,
        why=tuple(why),
        places=tuple(dict.fromkeys(places)),
        entities=_entities(rows),
        count=sum(row["n"] for row in rows),
        first_at=min(row["first_at"] for row in rows),
        last_at=max(row["last_at"] for row in rows),
        level=None if any(row["days"] >= _DAYS_OF_GUESTS for row in rows) else Level.LOW,
    )


def _entities(rows: list[Row]) -> tuple[EntityKey, ...]:
    found: list[EntityKey] = [source_entity(rows[0]["source"])]
    for row in rows:
        is_name = "name" in row
        found.append(
            ("domain" if is_name else "address", row["name"] if is_name else row["destination"], "destination")
        )
    return tuple(found)


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-beaconing",
        title="Beaconing: calls to a rare place outside, with a period",
        description="A machine calls a place that few others call, again and again, in a rhythm that unrelated "
        "contacts do not have. Implants report to their operators like this, from each half minute to each week.",
        level=Level.MEDIUM,
        path="behaviour/beaconing",
        tactics=("command-and-control",),
        techniques=("T1071", "T1029"),
        false_positives=("Update checks and monitoring of products that only a few machines have",),
        references=("https://github.com/activecm/rita",),
    ),
    logs="connections (Zeek conn, Suricata flow, Amazon VPC flow, Sysmon 3) or requests (Zeek http and ssl, proxies)",
    thresholds={
        "contacts": f"at least {LEAST_CONTACTS}: fewer intervals agree by accident too often",
        "chance": f"unrelated contacts look so regular once in 10^{_SCORE // 100} at most; once in "
        f"10^{_SCORE_ALONE // 100} where fewer than ten sources are there to compare with, whose places are told "
        "in one finding each",
        "period": "more than 5 seconds, since contacts closer together are one; there is no longest",
        "rarity": "at most one in 500 of the sources inside, or three, go there: what more have is the estate's own",
        "callers from outside": f"once in 10^{_SCORE_OF_GUESTS // 100}, {_SHARE_OF_GUESTS:.0%} of the intervals, on "
        f"{_DAYS_OF_GUESTS} days, at no more than {_PORTS_OF_GUESTS} ports: scanners keep rhythms of their own",
        "scheduled jobs": "left out if they were there in the first and in the last seven days of the logs",
    },
    aggregates=(PAIRS, NAMES),
    findings=_findings,
)
