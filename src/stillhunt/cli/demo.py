"""``stillhunt demo``: a first case on the screen, from nothing."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, progress, results, say

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--out",
    "-o",
    default=Path("stillhunt-demo"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for the logs (logs/) and the results (case/).",
)
@click.option("--scenario", default="electoral", show_default=True, help="Which synthetic intrusion.")
@click.option("--seed", default=1, show_default=True, help="Another number gives other times, names and addresses.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@handles_errors
def command(out: Path, scenario: str, seed: int, *, quiet: bool) -> None:
    """Write a small, clearly synthetic intrusion and hunt it.

    The story follows a public one: a mail server entered in one August, noticed fourteen months later.
    """
    from stillhunt.report.renderers import terminal
    from stillhunt.workflows import workspace
    from stillhunt.workflows.demo import demo

    workspace.check(out / "case")
    with progress(quiet=quiet) as watch:
        found, truth = demo(out / "logs", scenario=scenario, seed=seed, watch=watch)
        written = workspace.save(found.brief, out / "case", rules=())
    terminal.render(found.brief, results(), written=written)
    say(f"true break-in: {truth.first_break_in}; what is true stands in {out / 'logs' / 'truth.json'}")
