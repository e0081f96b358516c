"""``stillhunt attribute``: who a case most likely is, how sure, why, and what would change it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from stillhunt.cli.case import folder_option
from stillhunt.cli.console import handles_errors, progress
from stillhunt.cli.lines import show
from stillhunt.errors import InputError

__all__ = ["command"]

_PATH = click.Path(path_type=Path)


@click.command("attribute")
@click.argument("case", nargs=-1)
@click.option("--techniques", multiple=True, help="ATT&CK ids or names of techniques; several with commas.")
@click.option("--software", multiple=True, help="ATT&CK ids or names of software; several with commas.")
@click.option("--sector", "sectors", multiple=True, help="What the victim does: government, energy ... Repeatable.")
@click.option("--country", "countries", multiple=True, help="Where the victim is. Repeatable.")
@click.option("--hours", type=_PATH, help="File with instants of hands-on activity, one a line.")
@click.option("--exploited", multiple=True, metavar="CVE[=USED[@PUBLISHED]]", help="Vulnerability used. Repeatable.")
@click.option("--language", "languages", multiple=True, help="Language of artefacts, such as ru. Repeatable.")
@click.option("--indicators", type=_PATH, help="File with indicators, one a line; `, DAY` behind it if known.")
@click.option("--named", multiple=True, metavar="NAME[=QUOTE]", help="A group's name in the evidence. Repeatable.")
@click.option("--without", multiple=True, metavar="ITEM", help="Leave ITEM out, by id or name. Repeatable.")
@click.option("--base", help="Knowledge base: a file, or the URL of a PostgreSQL database; else the embedded one.")
@click.option("--as-of", metavar="DAY", help="Of a base, what was published by that day.")
@click.option(
    "--selftest", is_flag=True, help="Play the base's own reports as cases, each against the base without it."
)
@click.option("--cases", "n_cases", default=300, show_default=True, type=click.IntRange(min=1), help="For --selftest.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@folder_option
@handles_errors
def command(
    case: tuple[str, ...],
    folder: Path,
    *,
    techniques: tuple[str, ...],
    software: tuple[str, ...],
    without: tuple[str, ...],
    base: str | None,
    as_of: str | None,
    selftest: bool,
    n_cases: int,
    as_json: bool,
    **beside: Any,
) -> None:
    """Say who CASE of a finished hunt most likely is, or a list of what was seen; or that nobody can be named.

    `attribute compare A B` holds two groups against what is given, line by line; with a case, `attribute compare A B
    CASE`.
    """
    from stillhunt.report.renderers import attribution as lines
    from stillhunt.workflows import attribute as work

    if selftest:
        with progress(quiet=as_json) as watch:
            found = work.checked(work.base_of(base, as_of=as_of), n_cases=n_cases, watch=watch)
        _print(found) if as_json else show(lines.selftest_lines(found))
        return
    pair, named = _compared(case)
    given = work.Given(
        techniques=_split(techniques),
        software=_split(software),
        circumstances=work.circumstances_of(**beside),
        without=_split(without),
    )
    if named is None and not (given.techniques or given.software):
        hint = "name a case, or give --techniques and --software"
        raise InputError("there is nothing to attribute", hint=hint)
    knowledge = work.base_of(base, as_of=as_of)
    assessment = _assessed(named, folder, given, knowledge)
    if pair is not None:
        held = work.contrast(assessment, *pair, knowledge)
        told = lines.contrast_lines(held.one, held.other, held.items, held.difference)
        _print(held) if as_json else show(told)
        return
    _print(assessment) if as_json else show(lines.assessment_lines(assessment))


def _assessed(named: str | None, folder: Path, given: Any, knowledge: Any) -> Any:
    from stillhunt.workflows import attribute as work

    if named is None:
        return work.attribute(given, knowledge)
    from stillhunt.workflows.casework import open_desk

    desk = open_desk(folder)
    return work.attribute_case(desk.brief, desk.view(named).case, given, knowledge)


def _compared(words: tuple[str, ...]) -> tuple[tuple[str, str] | None, str | None]:
    """Return the groups to compare, if any, and the case, if one is named."""
    if words and words[0] == "compare":
        if len(words) not in {3, 4}:
            raise InputError("`compare` takes two groups, and a case if one is meant", hint="compare APT28 APT29")
        return (words[1], words[2]), words[3] if len(words) == 4 else None
    if len(words) > 1:
        raise InputError(f"one case at a time, not {len(words)}", hint="several techniques go with --techniques")
    return None, words[0] if words else None


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _print(value: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
