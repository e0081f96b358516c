"""``stillhunt export``: a case in other people's formats."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, say

__all__ = ["command"]


@click.command("export")
@click.argument("case")
@click.option(
    "--format",
    "form",
    default="stix",
    show_default=True,
    help="stix, navigator, attack-flow, misp, ocsf, timesketch, csv or jsonl.",
)
@click.option(
    "--in",
    "folder",
    default=Path("stillhunt-out"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder that the hunt wrote its results into.",
)
@click.option(
    "--tlp",
    metavar="MARKING",
    default="",
    help="How far it may travel; by default AMBER+STRICT, or stricter if what it quotes of others is.",
)
@click.option("--ceiling", metavar="MARKING", default="RED", show_default=True, help="Strictest marking that leaves.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="File to write; by default stdout.")
@handles_errors
def command(case: str, *, form: str, folder: Path, tlp: str, ceiling: str, out: Path | None) -> None:
    """Write CASE for another tool: STIX 2.1, ATT&CK Navigator, Attack Flow, MISP, OCSF, Timesketch, CSV, JSONL.

    CASE is the id of a case or the beginning of one, as it stands after what was decided about it.
    """
    from stillhunt.report.exporter import export
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import workspace
    from stillhunt.workflows.casework import open_desk
    from stillhunt.workflows.narrow import narrowed

    name = form.replace("-", "_")
    mark = parse_tlp(tlp) if tlp else None
    content = export(narrowed(open_desk(folder), case), name, tlp=mark, ceiling=parse_tlp(ceiling))
    if out is None:
        sys.stdout.buffer.write(content)
        return
    workspace.write(out, content)
    say(f"{len(content):,} bytes in {out}")
