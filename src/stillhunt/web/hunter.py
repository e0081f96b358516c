"""A hunt in a process of its own, which says on its output how far it is: lines of JSON.

The web application starts it and reads it; a hunt that dies takes nothing with it, and pages stay quick meanwhile.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from stillhunt.errors import StillhuntError
from stillhunt.progress import Step
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt
from stillhunt.workflows.origin import with_command

__all__ = ["Job", "Line", "main"]

_EVERY_S = 0.2


class Job(msgspec.Struct, kw_only=True):
    """What to hunt, and where to write what was found."""

    paths: tuple[str, ...]
    out: str
    store: str = ""
    jobs: int = 1


class Line(msgspec.Struct, kw_only=True):
    """What is said of a hunt: a step, its end, or why it failed."""

    kind: str
    task: str = ""
    subject: str = ""
    done: int = 0
    total: int | None = None
    events: int = 0
    n_cases: int = 0
    n_findings: int = 0
    message: str = ""


def main() -> int:
    """Hunt what the input says; return 0 if it was done."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    last: tuple[float, str] = (0.0, "")

    def watch(step: Step, /) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last[0] < _EVERY_S and step.task == last[1]:
            return
        last = (now, step.task)
        _say(
            Line(
                kind="step",
                task=step.task,
                subject=step.subject,
                done=step.done,
                total=step.total,
                events=step.events,
                n_findings=step.findings,
            )
        )

    try:
        workspace.check(Path(job.out))
        found = hunt(job.paths, jobs=job.jobs, store=job.store or None, watch=watch)
        command = ("stillhunt", "hunt", *job.paths, *(("--store", job.store) if job.store else ()))
        workspace.save(with_command(found.brief, command), Path(job.out), rules=())
    except StillhuntError as error:
        _say(Line(kind="error", message=str(error) + (f" ({error.hint})" if error.hint else "")))
        return 1
    n_events = found.coverage.n_events
    _say(Line(kind="done", n_cases=len(found.cases), n_findings=len(found.brief.findings), events=n_events))
    return 0


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
