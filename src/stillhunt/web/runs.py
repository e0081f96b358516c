"""Hunts that were started here: each a process, its steps kept for whoever watches."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from stillhunt.errors import InputError
from stillhunt.web.hunter import Job, Line

__all__ = ["Run", "Runs"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_AT_ONCE = 2
_END_S = 5
_ERROR_CHARACTERS = 2_000


@dataclass(slots=True, kw_only=True)
class Run:
    """One hunt.

    Attributes:
        id: Its number, as text.
        name: Name of the workspace that it writes.
        by: Who started it.
        paths: What is hunted.
        began: When.
        line: The last that it said.
        state: ``running``, ``done`` or ``failed``.
        n: How many lines it has said.
    """

    id: str
    name: str
    by: str
    paths: tuple[str, ...]
    began: str
    line: Line = field(default_factory=lambda: Line(kind="step", task="start"))
    state: str = "running"
    n: int = 0


class Runs:
    """All hunts started since the application began.

    Args:
        root: Folder of workspaces.
        logs: Folders below which logs may be hunted.
    """

    def __init__(self, root: Path, logs: Sequence[Path]) -> None:
        self._root = root
        self._logs = [folder.resolve() for folder in logs]
        self._runs: dict[str, Run] = {}
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._changed = threading.Condition()

    def all(self) -> list[Run]:
        """Return all runs, the latest first."""
        with self._changed:
            return list(self._runs.values())[::-1]

    def get(self, run: str) -> Run | None:
        """Return a run by its id."""
        with self._changed:
            return self._runs.get(run)

    def start(self, name: str, paths: Sequence[str], *, by: str, keeps_events: bool, jobs: int = 1) -> Run:
        """Start a hunt.

        Raises:
            InputError: The name or a path cannot be used, or enough hunts are going on.
        """
        if not _NAME.fullmatch(name):
            raise InputError("a name has letters, digits, dots, dashes and underscores", hint="choose another name")
        given = tuple(dict.fromkeys(path.strip() for path in paths if path.strip()))
        if not given:
            raise InputError("nothing to hunt was given", hint="give at least one path")
        for path in given:
            self._check(path)
        out = self._root / name
        job = Job(paths=given, out=str(out), store=str(out) if keeps_events else "", jobs=jobs)
        with self._changed:
            going_on = [run for run in self._runs.values() if run.state == "running"]
            if len(going_on) >= _MOST_AT_ONCE:
                raise InputError(f"{len(going_on)} hunts are going on", hint="wait until one is done")
            if any(run.name == name for run in going_on):
                raise InputError(f"`{name}` is being hunted", hint="wait until it is done")
            run = Run(
                id=str(len(self._runs) + 1),
                name=name,
                by=by,
                paths=given,
                began=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            process = subprocess.Popen(
                [sys.executable, "-m", "stillhunt.web.hunter"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            self._runs[run.id], self._processes[run.id] = run, process
        thread = threading.Thread(target=self._follow, args=(run, process, job), daemon=True)
        self._threads.append(thread)
        thread.start()
        return run

    def lines(self, run: Run, *, after: int = 0, wait_s: float = 10) -> Iterator[tuple[int, Run]]:
        """Yield a run whenever it says something new, and when it is over; now and then also when it is silent."""
        n = after
        while True:
            with self._changed:
                if run.n <= n and run.state == "running":
                    self._changed.wait(timeout=wait_s)
                n, state = run.n, run.state
            yield n, run
            if state != "running":
                return

    def stop(self) -> None:
        """End the hunts that go on; what they read into a store is kept."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for thread in self._threads:
            thread.join(timeout=_END_S)

    def _check(self, path: str) -> None:
        whole = Path(path).resolve()
        if not any(whole == folder or folder in whole.parents for folder in self._logs):
            raise InputError("lies outside the folders that may be hunted", where=path, hint="see `serve --logs`")
        if not whole.exists():
            raise InputError("there is no such file or folder", where=path, hint="check the path")

    def _follow(self, run: Run, process: subprocess.Popen[bytes], job: Job) -> None:
        with process:
            why = self._followed(run, process, job)
        if run.state == "running":
            self._tell(run, Line(kind="error", message=why or f"the process ended with {process.returncode}"))

    def _followed(self, run: Run, process: subprocess.Popen[bytes], job: Job) -> str:
        """Pass on what a hunt says until it ends, and return the last that it complained of."""
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        said: list[bytes] = []
        errors = threading.Thread(target=lambda: said.append(stderr.read()[-_ERROR_CHARACTERS:]), daemon=True)
        errors.start()
        with suppress(BrokenPipeError):  # it died before it was told what to do; its complaint says why
            stdin.write(msgspec.json.encode(job))
            stdin.close()
        for raw in stdout:
            try:
                line = msgspec.json.decode(raw, type=Line)
            except msgspec.MsgspecError:
                continue  # a library below us wrote to the output
            self._tell(run, line)
        errors.join(timeout=5)
        last = b"".join(said).decode("utf-8", "replace").strip().splitlines()
        return last[-1] if last else ""

    def _tell(self, run: Run, line: Line) -> None:
        with self._changed:
            run.line = line
            run.n += 1
            run.state = {"done": "done", "error": "failed"}.get(line.kind, run.state)
            self._changed.notify_all()
