"""What millions of indicators cost a hunt: making the watchlist, opening it, memory, events per second.

    python benchmarks/indicators.py --data ../shared/data --indicators 5000000 --logs zeek/rita-missing_host otrf-atomic

The indicators are made up: hashes, domains, addresses and networks, none of which the logs hold but a handful that is
planted from the logs themselves, so that what is found can be counted. Every hunt is a process of its own, and rules
and analytics run in all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_HUNT = """
import json, resource, sys, time
from stillhunt.workflows.hunt import hunt
if __name__ == "__main__":
    paths, indicators, jobs = json.loads(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    began, cpu = time.monotonic(), time.process_time()
    found = hunt(paths, indicators=indicators, jobs=jobs)
    used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    n_met = sum(f.detector.kind == "indicator" for f in found.brief.findings)
    spent = [time.monotonic() - began, time.process_time() - cpu]
    print(json.dumps([*spent, found.coverage.n_events, used / 1024, n_met]))
"""

_GATHER = """
import json, resource, sys, time
from stillhunt.workflows.intelligence import gathered
began = time.monotonic()
found = gathered(json.loads(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.monotonic() - began, used, found.watchlist, sum(t.n_indicators for t in found.taken)]))
"""

_LOOK = """
import json, random, resource, sys, time
from stillhunt.detection.indicators.lookup import met_by
from stillhunt.detection.indicators.observable import Observable
from stillhunt.detection.indicators.table import Watchlist
began = time.perf_counter()
watchlist = Watchlist(sys.argv[1])
opened = time.perf_counter() - began
dice = random.Random(7)
texts = [Observable("domain", f"{dice.getrandbits(40):x}.host{n % 977}.example.net") for n in range(200_000)]
began = time.perf_counter()
met = sum(bool(met_by(text, watchlist)) for text in texts)
looked = time.perf_counter() - began
print(json.dumps([opened, looked / len(texts) * 1e6, met, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


_ENDS = ("com", "net", "org", "info")


def write_list(path: Path, n_indicators: int, planted: list[tuple[str, str]]) -> None:
    """Write a list: two fifths hashes, two fifths domains, a fifth addresses, and a thousand networks."""
    dice = random.Random(20240325)
    with path.open("w") as file:
        file.write("type,value,group,valid_from\n")
        for kind, value in planted:
            file.write(f"{kind},{value},Red Fox,2010-01-01\n")
        for number in range(n_indicators):
            place = number % 5
            if place < 2:
                file.write(f"sha256,{hashlib.sha256(b'%d' % number).hexdigest()},,2024-{1 + number % 12:02}-01\n")
            elif place < 4:
                file.write(f"domain,{dice.getrandbits(48):012x}.{_ENDS[number % 4]},,2024-03-01\n")
            elif number % 5_000 == 4:
                file.write(f"cidr,{11 + dice.randrange(80)}.{dice.randrange(256)}.{dice.randrange(256)}.0/24,,\n")
            else:
                octets = ".".join(str(dice.randrange(256)) for _ in range(3))
                file.write(f"ip,{200 + dice.randrange(20)}.{octets},,2024-06-01\n")


def run(code: str, *words: str) -> list:
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("STILLHUNT_DATA", "../shared/data")))
    parser.add_argument("--indicators", type=int, default=5_000_000)
    parser.add_argument("--logs", nargs="*", default=["zeek/rita-missing_host", "otrf-atomic"])
    parser.add_argument("--plant", nargs="*", default=["domain=fomocoin.app", "ip=10.0.5.13"], help="kind=value")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["STILLHUNT_CACHE"] = f"{name}/cache"
        path = Path(name) / "indicators.csv"
        write_list(path, given.indicators, [tuple(word.split("=", 1)) for word in given.plant])
        print(f"list: {given.indicators:,} indicators, {path.stat().st_size / 1e6:,.0f} MB of CSV")
        seconds, mib, watchlist, n_taken = run(_GATHER, json.dumps([str(path)]))
        size = Path(watchlist).stat().st_size / 1e6
        print(
            f"made the first time: {seconds:.1f} s, {mib:,.0f} MiB at most; {n_taken:,} taken, {size:,.0f} MB on disk"
        )
        seconds, mib, *_ = run(_GATHER, json.dumps([str(path)]))
        print(f"afterwards: {seconds:.2f} s, {mib:,.0f} MiB")
        opened, each, met, mib = run(_LOOK, watchlist)
        print(
            f"opened in {opened * 1000:.1f} ms; a name that meets none costs {each:.1f} us ({met} met), {mib:,.0f} MiB"
        )
        for logs in given.logs:
            paths = json.dumps([str(given.data / logs)])
            for label, indicators in (("none", []), ("all", [str(path)])):
                best = min(run(_HUNT, paths, json.dumps(indicators), str(given.jobs)) for _ in range(2))
                wall, cpu, events, mib, n_met = best
                rate = events / wall
                print(
                    f"{logs}, {label}: {events:,} events, {wall:.1f} s ({cpu:.1f} s of CPU), {rate:,.0f} events/s, "
                    f"{mib:,.0f} MiB at most, {n_met} findings of indicators"
                )
                time.sleep(0.1)


if __name__ == "__main__":
    main()
