"""How fast Sigma rules run over real events: reading, matching and whole hunts, and what each further rule costs.

    python benchmarks/rules.py --data ../shared/data [--events 1000000] [--work DIR]

Prints Markdown. The logs are real chunks and lines dealt out again with other times and hosts until there are enough
of them, so distinct values recur more than in real life; the shapes of records are as many as in the whole collection,
which is more than in real life. Every row of a table is a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.telemetry.chunks import FILE_HEADER
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources import windows_evtx
from stillhunt.workflows import workspace
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.hunt import hunt

FILES = 8
NAIVE_EVENTS = 3_000
FULL_CHUNK = 40 << 10
_STEP = 3 * 3600 * 10_000_000
"""Between one deal and the next, in hundreds of nanoseconds."""


def records(chunk: bytes) -> Iterator[tuple[int, int, int]]:
    at, end = 512, struct.unpack_from("<I", chunk, 48)[0]
    while at + 28 <= end:
        magic, size, _, written = struct.unpack_from("<IIQQ", chunk, at)
        if magic != 0x2A2A or size < 28:
            return
        yield at, size, written
        at += size


def deal_evtx(source: Path, target: Path, n_wanted: int) -> int:
    """Write real chunks again and again, each time later and on hosts of another name; return how many events."""
    chunks = []
    for path in sorted(source.rglob("*.evtx")):
        with path.open("rb") as stream:
            found = windows_evtx.chunks(LogFile(name=path.name, stream=stream))
            chunks += [c for _, c in found if struct.unpack_from("<I", c, 48)[0] >= FULL_CHUNK]
    target.mkdir(parents=True, exist_ok=True)
    streams = [(target / f"{number}.evtx").open("wb") for number in range(FILES)]
    for stream in streams:
        stream.write(FILE_HEADER)
    n_events = deal = 0
    while n_events < n_wanted:
        for number, chunk in enumerate(chunks):
            out = bytearray(chunk)
            for at, size, written in list(records(chunk)):
                later = struct.pack("<Q", written + deal * _STEP)
                out[at : at + size] = bytes(out[at : at + size]).replace(struct.pack("<Q", written), later)
                n_events += 1
            out = bytearray(
                bytes(out).replace("MSEDGEWIN10".encode("utf-16-le"), f"MSEDGEW{deal:04}".encode("utf-16-le"))
            )
            end = struct.unpack_from("<I", out, 48)[0]
            struct.pack_into("<I", out, 52, zlib.crc32(bytes(out[512:end])))
            struct.pack_into("<I", out, 124, zlib.crc32(bytes(out[128:512]), zlib.crc32(bytes(out[:120]))))
            streams[number % FILES].write(out)
        deal += 1
    for stream in streams:
        stream.close()
    return n_events


def deal_json(source: Path, target: Path, n_wanted: int) -> int:
    """Write the lines of zipped JSON logs again and again, each time in another year and on other hosts."""
    target.mkdir(parents=True, exist_ok=True)
    streams = [(target / f"{number}.json").open("wb") for number in range(FILES)]
    n_events = deal = 0
    while n_events < n_wanted:
        for number, path in enumerate(sorted(source.rglob("*.zip"))):
            with zipfile.ZipFile(path) as archive:
                for name in sorted(n for n in archive.namelist() if n.endswith(".json") and "MACOSX" not in n):
                    content = archive.read(name)
                    content = YEAR.sub(later_by(deal), content)
                    content = content.replace(b"WORKSTATION5", b"WORKSTAT%04d" % deal)
                    n_events += content.count(b"\n")
                    streams[number % FILES].write(content if content.endswith(b"\n") else content + b"\n")
        deal += 1
    for stream in streams:
        stream.close()
    return n_events


YEAR = re.compile(rb'"20(\d\d)-')


def later_by(years: int) -> Callable[[re.Match[bytes]], bytes]:
    return lambda found: b'"20%02d-' % ((int(found[1]) + years) % 100)


def beside(name: str) -> Any:
    """Import a file that lies beside this one, which may be called like a package that is needed."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def few_events(logs: Path) -> list[EventBatch]:
    """Return a tenth of every batch, as long as they are few: the naive way would take hours for all."""
    found: list[EventBatch] = []
    for batch in Reading([logs]).batches():
        found.append(replace(batch, data=batch.data.slice(0, max(1, batch.data.num_rows // 10))))
        if sum(one.data.num_rows for one in found) > NAIVE_EVENTS:
            break
    return found


def measured(what: str, logs: Path, rules: Path, *, n_rules: int, jobs: int, compiled: bool) -> dict[str, float]:
    """One measurement, in this process."""
    if not compiled:
        sys.modules["numba"] = None  # as if it were not installed
    n_bytes = sum(path.stat().st_size for path in logs.rglob("*") if path.is_file())
    started = time.perf_counter()
    if what == "hunt":
        with tempfile.TemporaryDirectory() as folder:
            found = hunt([logs], rules=[rules], jobs=jobs)
            workspace.save(found.brief, Path(folder) / "out")
        n_events, matching = found.coverage.n_events, 0.0
    elif what == "naive":
        chosen = load_rules([rules])
        held = few_events(logs)
        started = time.perf_counter()
        n_events = sum(1 for _ in beside("naive").matches(chosen.rules, held))
        matching, n_bytes = time.perf_counter() - started, 0
    else:
        chosen = load_rules([rules])
        scan = Scan(RuleSet(rules=chosen.rules[:: max(1, len(chosen.rules) // n_rules)][:n_rules] if n_rules else ()))
        n_events, matching = 0, 0.0
        started = time.perf_counter()
        with no_search_for_cycles():
            for batch in Reading([logs]).batches():
                n_events += batch.data.num_rows
                before = time.perf_counter()
                if n_rules:
                    scan.feed(batch)
                matching += time.perf_counter() - before
    seconds = time.perf_counter() - started
    usage = [resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "events": n_events,
        "seconds": seconds,
        "events_per_s": n_events / seconds,
        "mb_per_s": n_bytes / seconds / 1e6,
        "matching_us": 1e6 * matching / n_events,
        "mib": max(usage),
    }


def child(options: argparse.Namespace, what: str, logs: Path, **how: int) -> dict[str, float]:
    # -P: this file must not hide the package that is called as it is.
    command = [sys.executable, "-P", __file__, "--child", json.dumps({"what": what, "logs": str(logs), **how})]
    done = subprocess.run([*command, "--data", str(options.data)], check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def row(name: str, found: dict[str, float], *, matching: bool = False) -> None:
    per_event = f"{found['matching_us']:.1f}" if matching else ""
    print(
        f"| {name} | {found['events']:,.0f} | {found['seconds']:.1f} | {found['events_per_s']:,.0f} | "
        f"{found['mb_per_s']:.0f} | {per_event} | {found['mib']:,.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with evtx/, otrf-atomic/ and sigma/")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, help="where to write the logs; a temporary folder otherwise")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rules = options.data / "sigma" / "sigma_8eaafff1f.zip"
    if options.child:
        how = json.loads(options.child)
        print(
            json.dumps(
                measured(
                    how["what"],
                    Path(how["logs"]),
                    rules,
                    n_rules=how.get("n_rules", 0),
                    jobs=how.get("jobs", 1),
                    compiled=bool(how.get("compiled", 1)),
                )
            )
        )
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        deal_evtx(options.data / "evtx", work / "evtx", options.events)
        deal_evtx(options.data / "evtx", work / "evtx-4", options.events // 4)
        deal_evtx(options.data / "evtx", work / "evtx-16", options.events // 16)
        deal_json(options.data / "otrf-atomic", work / "json", options.events)
        child(options, "match", work / "evtx-16", n_rules=9_999)  # compiles rules and kernels once
        print("| what | events | s | events/s | MB/s | matching, µs/event | MiB |\n|---|---|---|---|---|---|---|")
        row("EVTX, read only", child(options, "read", work / "evtx"))
        row("EVTX, read only, without compiled code", child(options, "read", work / "evtx", compiled=0))
        for n_rules in (500, 1_000, 2_000, 9_999):
            name = "all rules" if n_rules == 9_999 else f"{n_rules:,} rules"
            row(f"EVTX, {name}", child(options, "match", work / "evtx", n_rules=n_rules), matching=True)
        few = work / "evtx-16"
        row("EVTX, all rules, row by row (benchmarks/naive.py)", child(options, "naive", few), matching=True)
        for part in (16, 4):
            logs = work / f"evtx-{part}"
            row(f"EVTX, all rules, 1/{part} of the events", child(options, "match", logs, n_rules=9_999), matching=True)
        for jobs in (1, 2):
            row(f"EVTX, whole hunt, {jobs} process(es)", child(options, "hunt", work / "evtx", jobs=jobs))
        row("EVTX, whole hunt, without compiled code", child(options, "hunt", work / "evtx", compiled=0))
        row("JSON, read only", child(options, "read", work / "json"))
        for jobs in (1, 2):
            row(f"JSON, whole hunt, {jobs} process(es)", child(options, "hunt", work / "json", jobs=jobs))


if __name__ == "__main__":
    main()
