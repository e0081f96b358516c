"""What an engine does: a function over the files of each task, and one over all that tasks say of the same subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from stillhunt.progress import Watcher

__all__ = ["Engine", "Join", "Piece", "Work"]


class Piece(NamedTuple):
    """What a task says.

    Attributes:
        subject: What it is about; pieces of the same subject meet in one place.
        body: The rest, in the words of whoever gave the functions.
    """

    subject: str
    body: bytes


Work = Callable[[Iterable[tuple[str, bytes]]], Iterable[Piece]]
"""Given (path, content) of the files of a task, says something of them.

It is called somewhere else and may be called again: it must say the same of the same files, and change nothing.
"""

Join = Callable[[str, Sequence[bytes]], Iterable[bytes]]
"""Given a subject and all that was said of it, in any order, says it in fewer words; under the same conditions."""


class Engine(Protocol):
    """Runs functions over files."""

    @property
    def n_hands(self) -> int:
        """How many tasks it does at a time."""
        ...

    def contents(self, folder: str, pattern: str) -> dict[str, bytes]:
        """Return name and content of the files in a folder whose names fit a pattern (``*`` for any characters).

        Raises:
            EngineError: They cannot be read.
        """
        ...

    def gathered(self, paths: Sequence[str], work: Work, join: Join, *, n_tasks: int, watch: Watcher) -> list[Piece]:
        """Divide files among tasks, and return what comes of them, in order of subject and body.

        Args:
            paths: The files.
            work: Called with the files of each task.
            join: Called with every subject.
            n_tasks: About how many tasks there are to be.
            watch: Told how many tasks are done.

        Raises:
            EngineError: A file cannot be read, a function failed, or the engine did.
        """
        ...
