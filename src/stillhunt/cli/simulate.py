"""``stillhunt simulate``: the logs of a synthetic intrusion, with its truth beside it."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, say

__all__ = ["command"]


@click.command("simulate")
@click.option("--scenario", default="electoral", show_default=True, help="Which intrusion to write.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="An empty or new folder.")
@click.option("--seed", default=1, show_default=True, help="Another number gives other times, names and addresses.")
@handles_errors
def command(scenario: str, out: Path, seed: int) -> None:
    """Write the logs of a synthetic intrusion into a folder. It writes logs; it never does anything."""
    from stillhunt.simulation.scenario import simulate

    truth = simulate(scenario, out, seed=seed)
    say(f"{truth.n_events:,} synthetic events of `{scenario}` in {out}; what is true stands in {out / 'truth.json'}")
