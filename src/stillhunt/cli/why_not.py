"""``stillhunt why-not``: which clause of a rule a record fails."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stillhunt.cli.console import handles_errors
from stillhunt.cli.lines import show
from stillhunt.cli.options import mappings_option, passwords_option, values_option, zone_option

__all__ = ["command"]

_USUAL = Path("stillhunt-out")


@click.command("why-not")
@click.argument("rule")
@click.argument("event")
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path),
    help=f"Folder that the hunt wrote its results into, whose rules are used.  [default: {_USUAL}, if there is one]",
)
@click.option(
    "--rules",
    "-r",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Other rules than those of the hunt: file, folder or release zip. Repeatable; `builtin` stands for the pack.",
)
@values_option
@passwords_option
@mappings_option
@zone_option
@click.option("--full", is_flag=True, help="Show every text that was compared, records and values whole.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@handles_errors
def command(
    rule: str,
    event: str,
    folder: Path | None,
    rules: tuple[Path, ...],
    values: tuple[Path, ...],
    *,
    passwords: tuple[str, ...],
    mappings: tuple[Path, ...],
    zone: str,
    full: bool,
    as_json: bool,
) -> None:
    """Say why RULE matches EVENT, or which of its clauses failed.

    RULE is an id, the beginning of one, or a title. EVENT is file:record as findings show it: the record id of
    an event log or the line of another, also archive.zip!member:line.
    """
    # Arrow loads numpy where it is installed, which costs this command a third of its time and gives it nothing.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # how a module is said to be missing
    from stillhunt.workflows.lookup import MARKER
    from stillhunt.workflows.why_not import why_not

    if folder is None and (_USUAL / MARKER).is_file():
        folder = _USUAL
    answer = why_not(
        rule, event, folder=folder, rules=rules, values=values, passwords=passwords, mappings=mappings, zone=zone
    )
    if as_json:
        import msgspec

        show([msgspec.json.format(msgspec.json.encode(answer), indent=1).decode()])
        return
    from stillhunt.report.renderers import clauses

    if answer.inert is not None:
        show(clauses.inert(answer.inert, notes=answer.notes))
        return
    assert answer.judgement is not None
    assert answer.ref is not None
    show(clauses.judged(answer.judgement, ref=answer.ref, original=answer.original, notes=answer.notes, is_full=full))
