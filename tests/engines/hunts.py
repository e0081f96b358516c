"""Hunt a store several times in one process and print what was found: run by tests, since a process has one Spark.

    python hunts.py STORE MASTER OUT KILL [spark.NAME=VALUE...] RUN...

A run is ``local-1`` or ``spark-7``: processes, or tasks; in ``killing-30``, which is on Spark too, KILL, a group of
processes, is killed once when a task is done. ``URL#3`` is a run on Spark with three tasks of a store given as a URL.
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
    runs = [one for one in sys.argv[5:] if not one.startswith("spark.")]
    # Small stores are worth another process too.
    stored._BYTES_PER_WORKER = workers._BYTES_PER_WORKER = 0
    killed: list[str] = []

    def watch(step) -> None:
        if engine == "killing" and not killed and step.task == "match" and step.done:
            killed.append(step.subject)
            os.killpg(group, signal.SIGKILL)

    for run in runs:
        engine, _, number = run.rpartition("#" if "#" in run else "-")
        forget(store)
        if engine == "local":
            found = hunt([store], jobs=int(number))
        else:
            spread.Spread = partial(_spread, n_tasks=int(number))
            where = engine if "#" in run else store
            found = hunt([where], engine="spark", master=master, spark_settings=_settings(), watch=watch)
        folder = out / run.replace("/", "_")
        workspace.save(found.brief, folder)
        whole = [sha256((folder / name).read_bytes()).hexdigest() for name in FILES]
        said = {"run": run, "findings": len(found.brief.findings), "sha256": whole, "killed": killed}
        sys.stdout.write(json.dumps(said) + "\n")


def _settings() -> dict[str, str]:
    given = dict(one.split("=", 1) for one in sys.argv[5:] if one.startswith("spark."))
    return {"spark.executor.memory": "512m", **given}


_spread = spread.Spread

if __name__ == "__main__":
    session = on_spark(sys.argv[2], settings=_settings())
    with session:
        main()
