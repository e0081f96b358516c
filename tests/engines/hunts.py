"""Hunt a store several times in one process and print what was found: run by tests, since a process has one Spark.

    python hunts.py STORE MASTER OUT KILL RUN...

A run is ``local-1`` or ``spark-7``: processes, or tasks. KILL is a group of processes that is killed once in the first
run on Spark, when a task is done, or 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path

from stillhunt.engines.spark import on_spark
from stillhunt.workflows import spread, stored, workers, workspace
from stillhunt.workflows.hunt import hunt

FILES = ("findings.jsonl", "cases.json", "coverage.json", "brief.json", "case.html")


def forget(store: Path) -> None:
    """Take away what hunts have kept, so that the next one looks at every event."""
    for path in (store / "states").iterdir():
        if path.suffix != ".read":
            path.unlink()


def main() -> None:
    store, master, out, group = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    # Small stores are worth another process too.
    stored._BYTES_PER_WORKER = workers._BYTES_PER_WORKER = 0
    killed: list[str] = []

    def watch(step) -> None:
        if group and not killed and step.task == "match" and step.done:
            killed.append(step.subject)
            os.killpg(group, signal.SIGKILL)

    settings = {"spark.executor.memory": "512m"}
    for run in sys.argv[5:]:
        engine, _, number = run.partition("-")
        forget(store)
        if engine == "local":
            found = hunt([store], jobs=int(number))
        else:
            spread.Spread = partial(_spread, n_tasks=int(number))
            found = hunt([store], engine="spark", master=master, spark_settings=settings, watch=watch)
        workspace.save(found.brief, out / run)
        whole = [sha256((out / run / name).read_bytes()).hexdigest() for name in FILES]
        said = {"run": run, "findings": len(found.brief.findings), "sha256": whole, "killed": killed}
        sys.stdout.write(json.dumps(said) + "\n")


_spread = spread.Spread

if __name__ == "__main__":
    session = on_spark(sys.argv[2], settings={"spark.executor.memory": "512m"})
    with session:
        main()
