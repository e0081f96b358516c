"""``stillhunt read``: reports to claims, each with its words; and the queue in which they wait."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillhunt.cli.console import handles_errors, progress, say
from stillhunt.cli.lines import show

if TYPE_CHECKING:
    from stillhunt.reading.llm import Endpoint
    from stillhunt.workflows.read import ReadDocument

__all__ = ["command"]

_KEY = "STILLHUNT_LLM_KEY"


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
@click.option(
    "--llm-endpoint",
    metavar="URL",
    help=f"A second reader: an OpenAI-compatible endpoint of your own. Documents are sent to it. Its key: {_KEY}.",
)
@click.option("--llm-model", metavar="NAME", help="The model that the endpoint shall use.")
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
    llm_endpoint: str | None,
    llm_model: str | None,
) -> None:
    """Read reports into claims: who says what about whom, how sure, in which words.

    PATHS are text, Markdown, HTML, PDF, DOCX, mail, chats, RSS and Atom feeds, CSV and JSON of messages, zip archives
    of these, or folders. Nothing is fetched, and no model is asked unless --llm-endpoint and --llm-model name one. A
    dump of messages that was not read to its end is read on from there the next time. A claim waits in the queue until
    it is accepted or rejected.
    """
    from stillhunt.report.renderers import reading as shown
    from stillhunt.workflows import read

    if not (paths or waiting or accepted or rejected):
        raise click.UsageError("name a file to read, or --waiting, --accept or --reject")
    endpoint = _endpoint(llm_endpoint, llm_model)
    if endpoint is not None and paths:
        say(f"documents are sent to {endpoint.url}, which asks the model {endpoint.model}")
    queue = read.own_queue(base)
    n_queued = 0
    with progress(quiet=as_json) as watch, ExitStack() as open_files:

        def told() -> Iterator[ReadDocument]:
            nonlocal n_queued
            page = open_files.enter_context(html.open("w", encoding="utf-8")) if html is not None and paths else None
            if page is not None:
                page.write(shown.page_head("Claims read in documents"))
            found = read.read_documents(
                paths, base=base, endpoint=endpoint, journals=read.journals_of(queue), watch=watch
            )
            for number, each in enumerate(found, 1):
                if page is not None and (each.claims or not each.is_part):
                    document = each.document
                    page.write(
                        shown.page_section(
                            document.text,
                            each.claims,
                            title=document.title,
                            pages=document.pages,
                            number=number,
                            mentions=each.mentions,
                            meant=each.meant,
                        )
                    )
                n_queued += read.enqueue(queue, each) if queues else 0
                yield each
            if page is not None:
                page.write(shown.page_tail())

        if as_json and paths:
            for piece in read.as_json(told()):
                click.echo(piece, nl=False)
        else:
            _show_all(told())
    if queues:
        say(f"{n_queued} new claims wait in the queue")
    if accepted:
        say(read.take(queue, accepted, by=by, note=note, base=base))
    if rejected:
        say(read.refuse(queue, rejected, by=by, note=note))
    if waiting:
        show([line for each in queue.waiting() for line in shown.claim_lines([each.claim])] or ["nothing waits"])


def _show_all(documents: Iterator[ReadDocument]) -> None:
    """Show each document as it is read; of a dump the parts with claims, and at the end how many there were."""
    from stillhunt.report.renderers import reading as shown
    from stillhunt.workflows import read

    n_parts = n_messages = n_claims = n_known = 0
    for each in documents:
        if each.is_part:
            n_parts += 1
            n_known += each.was_known
            n_messages += len(each.document.messages) or 1
            n_claims += len(each.claims)
            if not (each.claims or each.document.notes):
                continue
        names = shown.name_lines(each.mentions, each.meant)
        show([*read.head_lines(each), *names, *shown.claim_lines(each.claims), shown.summary_line(each.claims), ""])
    if n_parts:
        before = f", {n_known} parts of them by a reading that was cut short" if n_known else ""
        say(f"{n_messages} messages or articles were read in {n_parts} parts, {n_claims} claims{before}")


def _endpoint(url: str | None, model: str | None) -> Endpoint | None:
    if url is None and model is None:
        return None
    if not url or not model:
        raise click.UsageError("a second reader needs both --llm-endpoint and --llm-model")
    from stillhunt.reading.llm import Endpoint

    return Endpoint(url=url, model=model, key=os.environ.get(_KEY, ""))
