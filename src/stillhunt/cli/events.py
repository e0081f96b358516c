"""``stillhunt events``: what a store holds, and search in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import click

from stillhunt.cli.console import handles_errors
from stillhunt.cli.lines import show
from stillhunt.errors import InputError

__all__ = ["command"]

_USUAL = Path("stillhunt-out")

_EXAMPLES = """
\b
stillhunt events STORE
stillhunt events STORE 'Image:*\\cmd.exe -user.name:"nt authority*"' --since 2021-08-24
stillhunt events STORE mimikatz --count-by host.name
stillhunt events STORE --sql 'SELECT "host.name", count(*) FROM events GROUP BY ALL'
"""


@click.command("events", epilog=_EXAMPLES)
@click.argument("store", type=click.Path(path_type=Path), default=_USUAL)
@click.argument("terms", nargs=-1)
@click.option("--since", metavar="TIME", help="From this time on: 2021-08-24, or 2021-08-24T03:12Z; UTC, as logged.")
@click.option("--until", metavar="TIME", help="Up to this time; up to the end of a day.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="NAME",
    help="Only of this class, such as windows/process_creation, iis or security; * fits anything. Repeatable.",
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="Rows to show.")
@click.option("--newest", is_flag=True, help="The latest first, instead of the earliest.")
@click.option("--count", "counts_all", is_flag=True, help="Say how many fit in all; rows are known sooner.")
@click.option("--count-by", metavar="FIELD", help="Count the events by the value of a field instead.")
@click.option("--sql", metavar="SELECT", help="Ask the view `events` in SQL instead; needs stillhunt[sql].")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per line, with all fields.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with all fields.")
@click.option("--schema", is_flag=True, help="Describe the columns of a store, as Markdown.")
@handles_errors
def command(
    store: Path,
    terms: tuple[str, ...],
    *,
    since: str | None,
    until: str | None,
    classes: tuple[str, ...],
    count_by: str | None,
    sql: str | None,
    limit: int,
    newest: bool,
    counts_all: bool,
    as_json: bool,
    as_csv: bool,
    schema: bool,
) -> None:
    """List what is in STORE, or search in it; STORE is the folder that `hunt --store` wrote.

    TERMS are field:value or free text, all of which must hold; a minus sign turns one round. Fields are the
    common columns or those of the log, `*` and `?` stand for any text and any character, and case does not matter.
    """
    from stillhunt.report.renderers import event_lines
    from stillhunt.workflows.events import Store, documentation, query

    if schema:
        show([documentation().rstrip("\n")])
        return
    wanted = query(terms, since=since, until=until, classes=classes)
    if sql is not None and (count_by is not None or not wanted.is_everything):
        hint = "put the conditions into the statement"
        raise InputError("--sql goes with no terms and no other question", where="--sql", hint=hint)
    opened = Store(store)
    if sql is not None:
        names, found = opened.sql(sql)
        rows = list(islice(found, limit + 1))
        if as_json or as_csv:
            _show_data(rows[:limit], as_csv=as_csv)
            return
        cells = [["" if row[name] is None else str(row[name]) for name in names] for row in rows[:limit]]
        show(event_lines.table(names, cells))
        if len(rows) > limit:
            show([f"more than {limit:,} rows; --limit shows more"])
        return
    if count_by is not None:
        counted = opened.count_by(wanted, count_by)
        if as_json or as_csv:
            _show_data([{count_by: value, "events": n} for value, n in counted[:limit]], as_csv=as_csv)
        else:
            show(event_lines.counts(counted, count_by, limit=limit))
        return
    if wanted.is_everything and not as_csv and not as_json:
        overview = opened.overview()
        show(event_lines.overview(overview.classes, n_parts=overview.n_parts, n_bytes=overview.n_bytes))
        return
    events = (opened.search if counts_all else opened.first)(wanted, limit=limit, newest=newest)
    if as_json or as_csv:
        _show_data(events.rows, as_csv=as_csv)
    else:
        show(event_lines.events(events, also=[term.field for term in wanted.terms if term.field]))


def _show_data(rows: Iterable[Mapping[str, object]], *, as_csv: bool) -> None:
    from stillhunt.report.renderers import event_lines

    if as_csv:
        show(event_lines.as_csv(list(rows)))
    else:
        # Escapes for all but ASCII: no terminal obeys what a log says.
        show(json.dumps(row, default=str).replace("\x7f", "\\u007f") for row in rows)
