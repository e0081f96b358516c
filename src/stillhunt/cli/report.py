"""``stillhunt report``: a finished hunt rendered again."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, results

__all__ = ["command"]


@click.command("report")
@click.argument("folder", default=Path("stillhunt-out"), type=click.Path(path_type=Path))
@handles_errors
def command(folder: Path) -> None:
    """Print the summary of the hunt in FOLDER and write its case.html again, without reading logs."""
    from stillhunt.report.renderers import terminal
    from stillhunt.workflows import workspace

    brief = workspace.load_brief(folder)
    terminal.render(brief, results(), written=workspace.save(brief, folder))
