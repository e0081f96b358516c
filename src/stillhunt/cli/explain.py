"""``stillhunt explain``: why a finding is one, clause by clause."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors
from stillhunt.cli.lines import show

__all__ = ["command"]


@click.command("explain")
@click.argument("finding")
@click.option(
    "--in",
    "folder",
    default=Path("stillhunt-out"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder that the hunt wrote its results into.",
)
@click.option("--full", is_flag=True, help="Show records and values whole, however long.")
@click.option("--json", "as_json", is_flag=True, help="Print the finding as JSON.")
@handles_errors
def command(finding: str, folder: Path, *, full: bool, as_json: bool) -> None:
    """Say why FINDING is one: which clause of its rule matched which value of which record.

    FINDING is an id as the summary, the page or findings.jsonl show it, or the beginning of one.
    """
    from stillhunt.workflows.lookup import find_finding

    found = find_finding(folder, finding)
    if as_json:
        import msgspec

        show([msgspec.json.format(msgspec.json.encode(found), indent=1).decode()])
        return
    from stillhunt.report.renderers import clauses

    show(clauses.explained(found, is_full=full))
