"""How work tells whoever watches, without knowing who that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Recorder", "Step", "Watcher", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a task is.

    Attributes:
        task: What is being done: ``read``, ``compile``, ``link`` ...
        subject: What it is being done to, such as a file name.
        done: Amount done so far; bytes for ``read``, items elsewhere.
        total: Amount in all, or None where it cannot be known.
        events: Events read so far.
        findings: Findings so far.
    """

    task: str
    subject: str
    done: int
    total: int | None
    events: int = 0
    findings: int = 0


class Watcher(Protocol):
    """Called once per batch, never per event; must return quickly and not raise."""

    def __call__(self, step: Step, /) -> None:
        """Take note of a step."""
        ...


def silent(step: Step, /) -> None:
    """Watch nothing."""


@dataclass(slots=True)
class Recorder:
    """A watcher for tests: keeps every step."""

    steps: list[Step] = field(default_factory=list)

    def __call__(self, step: Step, /) -> None:
        """Keep a step."""
        self.steps.append(step)
