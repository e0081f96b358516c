"""``stillhunt read``: reports to claims, each with its words; and the queue in which they wait."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, progress, say
from stillhunt.cli.lines import show

__all__ = ["command"]


@click.command("read")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the claims as JSON.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with every quote marked in the text.")
@click.option("--queue", "queues", is_flag=True, help="Put the claims into the reading queue.")
@click.option("--waiting", is_flag=True, help="Show what waits in the queue.")
@click.option("--accept", "accepted", multiple=True, metavar="ID", help="Take a claim of the queue into the base.")
@click.option("--reject", "rejected", multiple=True, metavar="ID", help="Reject a claim of the queue.")
@click.option("--by", default="analyst", show_default=True, help="Who accepts or rejects.")
@click.option("--note", default="", help="Why.")
@click.option("--base", help="Knowledge base: a file, or the URL of a PostgreSQL database.")
@handles_errors
def command(
    paths: tuple[Path, ...],
    *,
    as_json: bool,
    html: Path | None,
    queues: bool,
    waiting: bool,
    accepted: tuple[str, ...],
    rejected: tuple[str, ...],
    by: str,
    note: str,
    base: str | None,
) -> None:
    """Read reports into claims: who says what about whom, how sure, in which words.

    PATHS are text, Markdown, HTML, PDF, DOCX, mail, zip archives of these, or folders. Nothing is fetched, and no
    model is asked. A claim waits in the queue until it is accepted or rejected.
    """
    from stillhunt.report.renderers import reading as shown
    from stillhunt.workflows import read

    if not (paths or waiting or accepted or rejected):
        raise click.UsageError("name a file to read, or --waiting, --accept or --reject")
    with progress(quiet=as_json) as watch:
        documents = list(read.read_documents(paths, base=base, watch=watch))
    if html is not None and documents:
        html.write_text("\n".join(shown.as_page(d.document.text, d.claims, title=d.document.title) for d in documents))
    if as_json:
        click.echo(read.as_json(documents))
    for each in [] if as_json else documents:
        show([*read.head_lines(each), *shown.claim_lines(each.claims), shown.summary_line(each.claims), ""])
    queue = read.own_queue(base)
    if queues:
        say(f"{read.enqueue(queue, documents)} new claims wait in the queue")
    if accepted:
        say(read.take(queue, accepted, by=by, note=note, base=base))
    if rejected:
        say(read.refuse(queue, rejected, by=by, note=note))
    if waiting:
        show([line for each in queue.waiting() for line in shown.claim_lines([each.claim])] or ["nothing waits"])
