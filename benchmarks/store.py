"""What a store costs and what it saves: size, an added day, hunting again, memory.

    python benchmarks/store.py --data ../shared/data --days 100 --events 2000
    python benchmarks/store.py --data ../shared/data --memory 1000000 10000000

The logs are real host logs as JSON lines, dealt out again: every day has the next lines of them, with its own date,
shifted record ids, and hosts of another name every ten days. So texts recur more often than in real life.
Every hunt is a process of its own.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

START = date(2021, 3, 1)
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d(?=[T ])")
_NUMBER = re.compile(r'("(?:RecordNumber|record_id|EventRecordID)":\s*"?)(\d+)')
_HOST = re.compile(r'("(?:Hostname|host|Computer|computer_name|ComputerName)":\s*")([^".]+)')


def lines_of(data: Path) -> Iterator[str]:
    """Deal out the lines of host logs, again and again."""
    logs = sorted((data / "otrf-atomic").rglob("*.zip"))
    while True:
        for path in logs:
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    if name.endswith(".json") and not name.startswith("__MACOSX"):
                        with archive.open(name) as member:
                            yield from io.TextIOWrapper(member, "utf-8", "replace")


def write_day(folder: Path, day: int, lines: Iterator[str], n_events: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    when, shift = f"{START + timedelta(days=day)}", day * 10_000_000
    path = folder / f"day{day:04}.json"
    with path.open("w") as log:
        for line in itertools.islice(lines, n_events):
            dated = _DATE.sub(when, line)
            numbered = _NUMBER.sub(lambda m: f"{m[1]}{int(m[2]) + shift}", dated)
            log.write(_HOST.sub(lambda m: f"{m[1]}{m[2]}-{day // 10}", numbered))
    return path.stat().st_size


_HUNT = """
import json, resource, sys, time
from stillhunt.workflows.hunt import hunt
if __name__ == "__main__":
    began = time.monotonic()
    store = sys.argv[2] or None
    found = hunt(sys.argv[1], store=store, jobs=int(sys.argv[3]))
    used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps([time.monotonic() - began, found.coverage.n_events, used / 1024, len(found.brief.findings)]))
"""


def hunted(logs: Path, store: Path | str, jobs: int) -> tuple[float, int, float, int]:
    """Hunt, and return seconds, events, MiB of the largest process and findings."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _HUNT, str(logs), str(store), str(jobs)], capture_output=True, text=True, check=True
    )
    _, events, mib, findings = json.loads(done.stdout.splitlines()[-1])
    return time.monotonic() - began, events, mib, findings


def size(folder: Path, pattern: str) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in folder.rglob(pattern) if path.is_file()]
    return len(sizes), sum(sizes)


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def days(data: Path, work: Path, n_days: int, n_events: int, jobs: int) -> None:
    logs, store, lines = work / "logs", work / "store", lines_of(data)
    raw = sum(write_day(logs, day, lines, n_events) for day in range(n_days))
    row("what", "s", "events", "MiB", "findings")
    row("---", "---", "---", "---", "---")
    plain = hunted(logs, "", jobs)
    row("hunt without a store", f"{plain[0]:.1f}", plain[1], f"{plain[2]:.0f}", plain[3])
    whole = hunted(logs, store, jobs)
    row("hunt into a store", f"{whole[0]:.1f}", whole[1], f"{whole[2]:.0f}", whole[3])
    again = hunted(logs, store, jobs)
    row("again, unchanged", f"{again[0]:.1f}", again[1], f"{again[2]:.0f}", again[3])
    write_day(logs, n_days, lines, n_events)
    added = hunted(logs, store, jobs)
    row(f"with day {n_days + 1}", f"{added[0]:.1f}", added[1], f"{added[2]:.0f}", added[3])
    for state in (store / "states").glob("*.[ers]*[etn]"):
        state.unlink()
    rehunt = hunted(store, "", jobs)
    row("the store with other rules", f"{rehunt[0]:.1f}", rehunt[1], f"{rehunt[2]:.0f}", rehunt[3])
    n_files, n_bytes = size(store / "events", "*.parquet")
    _, n_states = size(store / "states", "*")
    _, n_indexes = size(store / "index", "*.words")
    print(
        f"\nraw {raw / 1e6:,.1f} MB; {n_files:,} Parquet files {n_bytes / 1e6:,.1f} MB, 1/{raw / n_bytes:.0f} of it; "
        f"indexes {n_indexes / 1e6:,.1f} MB; "
        f"what was found {n_states / 1e6:,.1f} MB; a day costs 1/{whole[0] / added[0]:.0f} of the whole"
    )


def memory(data: Path, work: Path, counts: list[int], jobs: int) -> None:
    row("events", "s", "MiB of the largest process")
    row("---", "---", "---")
    for count in counts:
        lines = lines_of(data)
        for day in range(100):
            write_day(work / f"logs{count}", day, lines, count // 100)
        seconds, events, mib, _ = hunted(work / f"logs{count}", work / f"store{count}", jobs)
        row(f"{events:,}", f"{seconds:.1f}", f"{mib:.0f}")
        shutil.rmtree(work / f"logs{count}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", type=Path, default=Path(os.environ.get("STILLHUNT_DATA", "../shared/data")))
    asked.add_argument("--days", type=int, default=0)
    asked.add_argument("--events", type=int, default=2_000, help="a day")
    asked.add_argument("--memory", type=int, nargs="*", default=[])
    asked.add_argument("--jobs", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        if given.days:
            days(given.data, Path(work), given.days, given.events, given.jobs)
        if given.memory:
            memory(given.data, Path(work), given.memory, given.jobs)


if __name__ == "__main__":
    main()
