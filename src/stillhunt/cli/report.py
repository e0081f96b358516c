"""``stillhunt report``: a finished hunt rendered again."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, results, say

__all__ = ["command"]

_USUAL = Path("stillhunt-out")


@click.command("report")
@click.argument("case", default="")
@click.option(
    "--in",
    "folder",
    default=_USUAL,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder that the hunt wrote its results into.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "html", "md", "json"]),
    help="What to write; by default the summary of the hunt, and its case.html again.",
)
@click.option(
    "--tlp",
    metavar="MARKING",
    default="",
    help="How far it may travel: CLEAR, GREEN, AMBER, AMBER+STRICT or RED; shown at its head and foot.",
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="File to write; by default stdout.")
@handles_errors
def command(case: str, folder: Path, form: str | None, tlp: str, out: Path | None) -> None:
    """Render a finished hunt again without reading logs: all of it, or CASE as it stands after decisions.

    CASE is the id of a case or the beginning of one. A folder in its place stands for --in.
    """
    from stillhunt.report.marking import marked
    from stillhunt.report.renderers import terminal
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import workspace

    if case and Path(case).is_dir():
        folder, case = Path(case), ""
    marking = parse_tlp(tlp) if tlp else None
    if form is None and not case and marking is None and out is None:
        brief = workspace.load_brief(folder)
        terminal.render(brief, results(), written=workspace.save(brief, folder))
        return
    if case:
        from stillhunt.workflows.casework import open_desk
        from stillhunt.workflows.narrow import narrowed

        brief = narrowed(open_desk(folder), case)
    else:
        brief = workspace.load_brief(folder)
    if marking is not None:
        brief = marked(brief, marking)
    if out is None and form in {None, "terminal"}:
        terminal.render(brief, results())
        return
    content = workspace.rendered(brief, form or "html")
    if out is None:
        click.echo(content, nl=False)
        return
    workspace.write(out, content)
    say(f"{len(content):,} bytes in {out}")
