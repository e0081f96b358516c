"""The only place of the command line that draws: progress and errors on stderr, results on stdout.

What draws is loaded when something is drawn: a command that prints plain lines does not wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from stillhunt.errors import EngineError, StillhuntError, UnknownNameError
from stillhunt.progress import Step, Watcher, silent
from stillhunt.report.escape import for_terminal

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "EXIT_BLIND",
    "EXIT_CASES",
    "EXIT_INTERRUPTED",
    "handles_errors",
    "progress",
    "results",
    "say",
    "say_problem",
]

EXIT_USAGE, EXIT_INPUT, EXIT_ENGINE, EXIT_CASES, EXIT_BLIND, EXIT_INTERRUPTED = 2, 3, 4, 10, 20, 130

P = ParamSpec("P")


def results() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def say(message: str) -> None:
    """Say something to whoever watches, apart from the results."""
    from rich.text import Text

    _stderr().print(Text(for_terminal(message)))


def say_problem(error: StillhuntError) -> None:
    """Say in one line what is wrong, where, and what to do."""
    from rich.text import Text

    hint = f" (hint: {error.hint})" if error.hint else ""
    _stderr().print(Text(f"error: {for_terminal(str(error) + hint)}"), soft_wrap=True)


def handles_errors(function: Callable[P, None]) -> Callable[P, None]:
    """Turn errors raised on purpose into one clear line and an exit code."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except StillhuntError as error:
            say_problem(error)
            sys.exit(_exit_code(error))
        except KeyboardInterrupt:
            say("interrupted: nothing was written")
            sys.exit(EXIT_INTERRUPTED)

    return guarded


@contextmanager
def progress(*, quiet: bool) -> Iterator[Watcher]:
    """Show steps as a bar of bytes and events with the time left; nothing where stderr is no terminal."""
    console = _stderr()
    if quiet or not console.is_terminal:
        yield silent
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("start", total=None, events=0)

        def show(step: Step, /) -> None:
            if step.task == "read":
                bar.update(task, description="reading", completed=step.done, total=step.total, events=step.events)
            else:
                bar.update(task, description=f"{step.task} {step.subject}")

        yield show


def _exit_code(error: StillhuntError) -> int:
    if isinstance(error, EngineError):
        return EXIT_ENGINE
    return EXIT_USAGE if isinstance(error, UnknownNameError) else EXIT_INPUT


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)
