"""A standalone Spark cluster on this machine: one master and some workers, on the loopback address only.

    python benchmarks/spark_cluster.py --workers 2     # says the URL of the master, and ends with Ctrl-C

    stillhunt hunt STORE --engine spark --master spark://127.0.0.1:PORT
    python benchmarks/behaviour.py --rows 1 --engines local-2 spark --master spark://127.0.0.1:PORT

Workers run this Python with this ``PYTHONPATH``; each has one processor and a gigabyte unless told otherwise. What
they write goes to a folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 240
_MASTER = re.compile(r"Starting Spark master at (spark://\S+)")
_REGISTERED = "Successfully registered with master"


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        master: Its URL.
        workers: Processes of the workers, each the first of its group: executors are in it too.
    """

    master: str
    workers: tuple[int, ...]

    def kill(self, worker: int) -> None:
        """Kill a worker and its executors, as a machine dies."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.workers[worker], signal.SIGKILL)


@contextlib.contextmanager
def cluster(n_workers: int = 2, *, cores: int = 1, memory: str = "1g") -> Iterator[Cluster]:
    """Start a cluster, and stop it afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="spark-cluster-") as name:
        folder = Path(name)
        try:
            master = _start(folder, "master", "master.Master", "--host", "127.0.0.1", "--port", "0")
            started.append(master)
            url = _said(folder / "master.log", _MASTER, master)
            for number in range(n_workers):
                options = ("--host", "127.0.0.1", "--cores", str(cores), "--memory", memory, url)
                started.append(_start(folder, f"worker{number}", "worker.Worker", *options))
            for number, worker in enumerate(started[1:]):
                _said(folder / f"worker{number}.log", re.compile(f"({_REGISTERED})"), worker)
            yield Cluster(url, tuple(worker.pid for worker in started[1:]))
        finally:
            for process in reversed(started):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            # Python processes of executors end when they notice, and may still write.
            time.sleep(0.5)


def _start(folder: Path, name: str, what: str, *options: str) -> subprocess.Popen[bytes]:
    import pyspark  # noqa: PLC0415 - an extra

    own = folder / name
    own.mkdir()
    environment = {
        **os.environ,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(own),
        "SPARK_WORKER_DIR": str(own),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    command = [f"{environment['SPARK_HOME']}/bin/spark-class", f"org.apache.spark.deploy.{what}", "--webui-port", "0"]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [*command, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _said(log: Path, pattern: re.Pattern[str], process: subprocess.Popen[bytes]) -> str:
    """Wait until a log says something."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        text = log.read_text(errors="replace")
        found = pattern.search(text)
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"{log.name} never said `{pattern.pattern}`:\n{log.read_text(errors='replace')[-2000:]}")


def main() -> None:
    """Run a cluster until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    parser.add_argument("--memory", default="1g", help="of each worker")
    given = parser.parse_args()
    with (
        cluster(given.workers, cores=given.cores, memory=given.memory) as running,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(running.master, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
