"""Beacons planted in a year of connections: how many are found, at what price, and against a loop over pairs.

    python benchmarks/behaviour.py --rows 1 3 10
    python benchmarks/behaviour.py --rows 1 --engines local-1 local-2 spark

Rows of Zeek's ``conn`` are made from a seed (``planted``): people who come and go by day, bursts, scheduled jobs, time
service and update checks are benign; beacons of 30 seconds to 7 days with jitter up to 40 %, lost contacts, working
hours and sleep are planted. Each size runs in a process of its own; memory is the peak of the process less what it had
when its rows were made. The naive loop keeps a list of times per pair and looks at each with the same statistics, one
pair after another, as most scripts for this do.

With ``--engines`` the rows are put into a store, and the whole hunt of it (built-in rules and all analytics) is timed
on one process, on two, and on Spark with two hands. Spark's session is started before; its second hunt, when its
workers have everything loaded, is told as ``spark again``. What is found must have the same hash everywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stillhunt.detection.behaviour.rhythm import rhythm_of
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.engines.spark import on_spark
from stillhunt.telemetry.coverage import InputFile
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.store.manifest import Add, Given, Input, Manifest
from stillhunt.telemetry.store.manifest import Piece as LogPiece
from stillhunt.telemetry.store.write import PartWriter
from stillhunt.telemetry.table import Piece, build_batch
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt
from stillhunt.workflows.states import ReadState
from stillhunt.workflows.stored import _reader
from stillhunt.workflows.units import Keys, keep_read_state, unit_id

DAY = 86_400
START = 1_672_531_200
CLASS = EventClass(product="zeek", services=frozenset({"conn"}))
BATCH_ROWS = 200_000
N_SOURCES = 2_000


@dataclass(frozen=True)
class Beacon:
    """One planted beacon: its pair, period in seconds, jitter, and what its times are like."""

    pair: int
    period: float
    jitter: float
    kind: str
    days: int
    n: int


@dataclass(frozen=True)
class Made:
    """Rows: pair and time of each (microseconds, sorted by time); source, destination, port, protocol of each pair."""

    pair: np.ndarray
    at: np.ndarray
    source: np.ndarray
    destination: np.ndarray
    port: list[str]
    protocol: list[str]
    beacons: list[Beacon]
    n_benign: int


def beacon_times(rng: np.random.Generator, period: float, jitter: float, days: int, kind: str) -> np.ndarray:
    """Return seconds of one beacon within its days; ``kind`` names base (drift or grid) and gaps."""
    n = int(days * DAY / period) + 2
    start = rng.uniform(0, min(period, DAY))
    if kind.startswith("drift"):
        times = start + np.cumsum(period * (1 + rng.uniform(-jitter, jitter, n)))
    else:
        times = start + period * (np.arange(n) + rng.uniform(-jitter, jitter, n))
    times = np.sort(times[(times < days * DAY) & (times >= 0)])
    if kind.endswith("loss"):
        times = times[rng.random(len(times)) > 0.15]
    elif kind.endswith("hours"):
        hour = times / 3_600 % 24
        times = times[(hour > 8) & (hour < 18)]
    elif kind.endswith("sleep"):
        times = times[times // DAY % 10 < 5]
    return times


def planted(n_rows: int, n_beacons: int, seed: int = 7) -> Made:
    """Make rows: about so many, beacons among them."""
    rng = np.random.default_rng(seed)
    beacons, parts, ports, protocols, sources, destinations = [], [], [], [], [], []

    def add(times: np.ndarray, source: int, destination: int, port: str, protocol: str) -> int:
        pair = len(ports)
        parts.append((np.full(len(times), pair, np.int32), (times * 1e6).astype(np.int64)))
        ports.append(port)
        protocols.append(protocol)
        sources.append(source)
        destinations.append(destination)
        return pair

    # A tenth of the rows are beacons; fast ones are planted for fewer days.
    most = max(400, n_rows // 5 // n_beacons)
    while len(beacons) < n_beacons:
        period = math.exp(rng.uniform(math.log(30), math.log(7 * DAY)))
        days = int(rng.choice([14, 30, 60, 120, 250, 400]))
        jitter = float(rng.choice([0, 0.05, 0.1, 0.2, 0.3, 0.4]))
        base = str(rng.choice(["drift", "grid"]))
        gap = str(rng.choice(["", "-loss", "-hours", "-sleep"]))
        gap = "" if (gap == "-hours" and period > 4 * 3_600) or (gap == "-sleep" and period > DAY) else gap
        days = min(days, max(14, int(most * period / DAY)))
        times = beacon_times(rng, period, jitter, days, base + gap)
        if len(times) < 12:
            continue
        times += rng.uniform(0, max(1, (400 - days) * DAY))
        pair = add(times, int(rng.integers(N_SOURCES)), 1_000_000 + len(beacons), "443", "tcp")
        beacons.append(Beacon(pair, period, jitter, base + gap, days, len(times)))
    for source in range(min(N_SOURCES, n_rows // 5_000)):
        # Time service: four servers of a pool that everybody asks.
        for server in rng.integers(0, 20, 2):
            period = float(rng.choice([1_024, 2_048]))
            times = np.arange(rng.uniform(0, period), 20 * DAY, period * 20)
            times = np.sort(times + rng.normal(0, 0.3, len(times))).clip(0)
            add(times, source, 2_000_000 + int(server), "123", "udp")
        # Update checks: every few hours, at a few vendors.
        for vendor in rng.integers(0, 30, 2):
            period = float(rng.choice([4, 6, 12, 22])) * 3_600
            add(np.sort(beacon_times(rng, period, 0.1, 60, "drift")), source, 3_000_000 + int(vendor), "443", "tcp")
        if source % 4 == 0:
            # Scheduled jobs: on the minute, with the delay of a start; one machine, one place.
            period = float(rng.choice([3_600, 21_600, 86_400]))
            times = np.arange(0, 400 * DAY if period > 20_000 else 90 * DAY, period)
            times = (times // 60 * 60) + rng.exponential(1.2, len(times)).clip(0, 9)
            add(times + (0 if period > 20_000 else 310 * DAY), source, 4_000_000 + source, "443", "tcp")
    n_left = n_rows - sum(len(times) for _, times in parts)
    sizes = np.minimum(300, 1 + rng.pareto(1.3, max(1, n_left // 2)) * 3).astype(int)
    sizes = sizes[: np.searchsorted(np.cumsum(sizes), n_left) + 1]
    parts.append(people(rng, sizes, len(ports)))
    n = len(sizes)
    popular = np.minimum(rng.zipf(1.3, n), 9_000)
    sources += rng.integers(0, N_SOURCES, n).tolist()
    destinations += np.where(rng.random(n) < 0.5, popular, rng.integers(10_000, 900_000, n)).tolist()
    ports += ["443"] * n
    protocols += ["tcp"] * n
    pair = np.concatenate([pair for pair, _ in parts])
    at = np.concatenate([times for _, times in parts]) + START * 1_000_000
    order = np.argsort(at, kind="stable")
    return Made(
        pair=pair[order],
        at=at[order],
        source=np.array(sources),
        destination=np.array(destinations),
        port=ports,
        protocol=protocols,
        beacons=beacons,
        n_benign=len(ports) - len(beacons),
    )


def people(rng: np.random.Generator, sizes: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs and times of people: one half comes by day now and then, the other for visits of many requests."""
    work = np.concatenate([np.arange(8, 18, 0.01)] * 3 + [np.arange(0, 24, 0.04)]) * 3_600
    n = int(sizes.sum())
    owner = np.repeat(np.arange(len(sizes)), sizes)
    alone = rng.integers(0, 400, n) * DAY + rng.choice(work, n) + rng.uniform(0, 36, n)
    n_visits = np.maximum(1, sizes // 12)
    begins = np.cumsum(n_visits) - n_visits
    visits = rng.integers(0, 400, int(n_visits.sum())) * DAY + rng.choice(work, int(n_visits.sum()))
    chosen = begins[owner] + (rng.random(n) * n_visits[owner]).astype(int)
    times = np.where(owner % 2 == 0, alone, visits[chosen] + rng.exponential(90, n))
    return (owner + first).astype(np.int32), (times * 1e6).astype(np.int64)


def source_name(number: int) -> str:
    """Return the address of a source."""
    return f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}"


def destination_name(number: int) -> str:
    """Return the address of a destination: public, and different for every number."""
    return f"{20 + number // 16_777_216 % 60}.{number // 65_536 % 256}.{number // 256 % 256}.{number % 256}"


def batches(made: Made) -> Iterator[EventBatch]:
    """Yield the rows as a source would."""
    for start in range(0, len(made.at), BATCH_ROWS):
        pair = made.pair[start : start + BATCH_ROWS]
        n = len(pair)
        columns = {
            "@timestamp": pa.array(made.at[start : start + n]).cast(pa.timestamp("us", tz="UTC")),
            "event.clock": pa.array(["ts"] * n).dictionary_encode(),
            "event.file": pa.array(["conn.log"] * n).dictionary_encode(),
            "event.record": pa.array(np.arange(start, start + n)),
            "source.ip": _texts(made.source[pair], source_name),
            "destination.ip": _texts(made.destination[pair], destination_name),
            "destination.port": pa.array([made.port[p] for p in pair]).dictionary_encode(),
            "proto": pa.array([made.protocol[p] for p in pair]).dictionary_encode(),
            "orig_bytes": pa.array(["76"] * n).dictionary_encode(),
            "resp_bytes": pa.array(["76"] * n).dictionary_encode(),
            "duration": pa.array(["0.5"] * n).dictionary_encode(),
        }
        yield build_batch(CLASS, [Piece(event_class=CLASS, columns=columns)])


def _texts(numbers: np.ndarray, name) -> pa.Array:
    known, codes = np.unique(numbers, return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array([name(int(n)) for n in known]))


def judged(made: Made, found: dict[tuple[str, str], int]) -> dict[str, float]:
    """Compare periods found, by pair, with the truth."""
    truth = {
        (source_name(int(made.source[b.pair])), destination_name(int(made.destination[b.pair]))): b
        for b in made.beacons
    }
    right = [key for key in truth if key in found]
    exact = [key for key in right if abs(found[key] / 1e6 / truth[key].period - 1) <= 0.05]
    n_false = len(found.keys() - truth.keys())
    return {
        "beacons": len(truth),
        "recall": round(len(right) / max(1, len(truth)), 4),
        "period within 5 %": round(len(exact) / max(1, len(right)), 4),
        "benign pairs": made.n_benign,
        "false": n_false,
        "false per 1,000 pairs": round(1_000 * n_false / made.n_benign, 4),
    }


def one(n_rows: int, n_beacons: int, how: str) -> dict[str, object]:
    """Run one size in this process."""
    made = planted(n_rows, n_beacons)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[tuple[str, str], int] = {}
    clock = time.process_time
    began = clock()
    making = 0.0
    if how == "naive":
        times: dict[tuple[str, str, str], list[int]] = {}
        for batch in timed(made):
            making += batch[1]
            data = batch[0].data
            columns = (data.column(name).to_pylist() for name in ("source.ip", "destination.ip", "destination.port"))
            for source, destination, port, at in zip(
                *columns, data.column("@timestamp").cast(pa.int64()).to_pylist(), strict=True
            ):
                times.setdefault((source, destination, port), []).append(at)
        folded = clock() - began - making
        for (source, destination, _), held in times.items():
            rhythm = rhythm_of(sorted(held)) if len(held) > 5 else None
            if rhythm is not None and rhythm.score >= 400:
                found[source, destination] = rhythm.period_us
    else:
        watch = Watch(["beaconing"])
        for batch, seconds in timed(made):
            making += seconds
            watch.feed(batch)
        folded = clock() - began - making
        for observed in watch.observed(lambda _file, _host: 0):
            source, destination = observed.observation.identity[:2]
            found[source, destination] = observed.observation.measured["period"]
    spent = clock() - began - making
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "how": how,
        "rows": len(made.at),
        "fold s": round(folded, 2),
        "find s": round(spent - folded, 2),
        "memory MiB": (peak - before) // 1024,
        **judged(made, found),
    }


def timed(made: Made) -> Iterator[tuple[EventBatch, float]]:
    """Yield batches with the CPU seconds that making them took."""
    source = batches(made)
    while True:
        began = time.process_time()
        batch = next(source, None)
        if batch is None:
            return
        yield batch, time.process_time() - began


N_HANDS = 2


def stored(made: Made, folder: Path) -> None:
    """Put rows into a new store, a unit for each batch, as if they had been read from one log."""
    manifest, reader = Manifest.begin(folder, made_by="benchmark"), _reader(ReadOptions())
    for number, batch in enumerate(batches(made)):
        given = Input("conn.log", 0, 0, "0", piece=LogPiece(start=number, stop=number + 1))
        unit = unit_id([given], reader)
        writer = PartWriter(folder, unit)
        writer.add(batch)
        parts, groups = writer.close()
        n_rows = batch.data.num_rows
        file = InputFile(path="conn.log", source="zeek_conn", n_bytes=200 * n_rows, n_events=n_rows, n_unread=0)
        add = Add(unit=unit, reader=reader, inputs=(given,), parts=parts, groups=groups, files=(file,))
        observed = ReadState()
        observed.ledger.observe(batch)
        observed.trail.observe(batch)
        keep_read_state(folder, add, observed, Keys(reader=reader, rules=""))
        manifest.append(add)
    manifest.append(Given(paths=("conn.log",)))


def forget(folder: Path) -> None:
    """Take away what hunts have kept, so that the next one looks at every event."""
    for path in (folder / "states").iterdir():
        if path.suffix != ".read":
            path.unlink()


def processor_s() -> float:
    """Return the processor time of this process and all below it, Java's and those of Spark's workers as well."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            stats[int(path.parent.name)] = (int(fields[1]), sum(int(field) for field in fields[11:15]))
    ours = {os.getpid()}
    while more := {pid for pid, (parent, _) in stats.items() if parent in ours} - ours:
        ours |= more
    return sum(stats[pid][1] for pid in ours if pid in stats) / os.sysconf("SC_CLK_TCK")


def timed_hunt(folder: Path, how: str, **options) -> dict[str, object]:
    """Hunt the store in this process, and say what it took and found."""
    forget(folder)
    before, began = processor_s(), time.monotonic()
    found = hunt([folder], **options)
    wall, spent = time.monotonic() - began, processor_s() - before
    out = folder.parent / "out"
    workspace.save(found.brief, out)
    whole = b"".join((out / name).read_bytes() for name in ("findings.jsonl", "cases.json", "coverage.json"))
    return {
        "how": how,
        "events": found.coverage.n_events,
        "wall s": round(wall, 1),
        "CPU s": round(spent, 1),
        "MiB here": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "findings": len(found.brief.findings),
        "sha256": hashlib.sha256(whole).hexdigest()[:16],
    }


def engine(folder: Path, how: str, master: str) -> None:
    """Hunt the store by one engine in this process."""
    if not how.startswith("spark"):
        print(json.dumps(timed_hunt(folder, how, jobs=int(how.rpartition("-")[2]))), flush=True)
        return
    began = time.monotonic()
    with on_spark(master) as started:
        started.contents(f"file://{folder}", "*.jsonl")
        print(json.dumps({"how": "spark starts", "wall s": round(time.monotonic() - began, 1)}), flush=True)
        for name in ("spark", "spark again"):
            print(json.dumps(timed_hunt(folder, name, engine="spark", master=master)), flush=True)


def engines(rows: float, n_beacons: int, hows: list[str], master: str) -> None:
    """Time the hunt of one store by several engines, each in processes of its own."""
    with tempfile.TemporaryDirectory() as work:
        store = Path(work) / "store"
        stored(planted(int(rows * 1_000_000), n_beacons), store)
        for how in hows:
            command = [sys.executable, __file__, "--on", how, "--store", str(store), "--master", master]
            print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip(), flush=True)


def main() -> None:
    """Run all sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=float, default=[1, 3, 10], help="millions of rows")
    parser.add_argument("--beacons", type=int, default=300)
    parser.add_argument("--naive", action="store_true", help="also run the loop over pairs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--engines", nargs="+", help="time whole hunts of a store: local-1 local-2 spark")
    parser.add_argument("--master", default=f"local[{N_HANDS}]", help="of Spark")
    parser.add_argument("--on", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.on:
        engine(given.store, given.on, given.master)
        return
    if given.engines:
        for rows in given.rows:
            engines(rows, given.beacons, given.engines, given.master)
        return
    if given.one:
        print(json.dumps(one(int(given.rows[0] * 1_000_000), given.beacons, given.one)))
        return
    for rows in given.rows:
        for how in ("stillhunt", "naive") if given.naive else ("stillhunt",):
            command = [sys.executable, __file__, "--rows", str(rows), "--beacons", str(given.beacons), "--one", how]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
