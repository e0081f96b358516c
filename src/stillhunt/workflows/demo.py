"""Demo: write a small synthetic intrusion, then hunt it."""

from __future__ import annotations

from pathlib import Path

from stillhunt.progress import Watcher, silent
from stillhunt.simulation.scenario import Truth, simulate
from stillhunt.workflows.hunt import Hunt, hunt

__all__ = ["demo"]


def demo(folder: Path, *, scenario: str = "electoral", seed: int = 1, watch: Watcher = silent) -> tuple[Hunt, Truth]:
    """Write a scenario's logs into ``folder`` and hunt them.

    Returns:
        What the hunt found, and what is true.

    Raises:
        InputError: The folder holds something else.
        UnknownNameError: There is no such scenario.
    """
    truth = simulate(scenario, folder, seed=seed)
    return hunt(folder, watch=watch), truth
