"""``stillhunt know``: who is out there, every line with who says it and in which words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stillhunt.cli.console import handles_errors, progress, say, say_problem
from stillhunt.cli.lines import show
from stillhunt.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from stillhunt.workflows.know import Taken

__all__ = ["command"]

_EXIT_REMARKS = 1
_MARKINGS = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")


def _reading(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of everything that only looks."""
    for option in (
        click.option("--base", help="Knowledge base: a file, or the URL of a PostgreSQL database."),
        click.option("--as-of", metavar="DAY", help="What was published by that day, such as 2024-03-25."),
        click.option(
            "--ceiling",
            type=click.Choice(_MARKINGS, case_sensitive=False),
            default="RED",
            help="Strictest TLP marking that is seen.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print everything as JSON."),
    ):
        function = option(function)
    return function


_base = click.option("--base", help="Knowledge base: a file, or the URL of a PostgreSQL database.")


@click.group("know")
def command() -> None:
    """Tell what is known of groups, software, people and companies, and who says so."""


@command.command("card")
@click.argument("name")
@_reading
@click.option("--all", "is_whole", is_flag=True, help="Leave nothing out: every line, with every quote.")
@handles_errors
def card_command(
    name: str, *, base: str | None, as_of: str | None, ceiling: str, as_json: bool, is_whole: bool
) -> None:
    """Show the card of NAME: names, sponsors, people, software, techniques, targets, what is disputed.

    NAME is any name, an id of a catalogue such as G0128, or the id of an entity.
    """
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        answer, card = know.card(view, name)
        if as_json:
            _print_json({"answer": answer, "card": card})
        elif card is not None:
            if len(answer.candidates) > 1:
                show([*knowledge.candidate_lines(name, answer.candidates, view), ""])
            show(knowledge.card_lines(card, is_whole=is_whole))
        elif answer.alike:
            show(knowledge.candidate_lines(name, answer.alike, view))
        if card is None:
            raise UnknownNameError(f"nobody is known as `{name}`", hint="`know search` looks through all words")


@command.command("search")
@click.argument("words", nargs=-1, required=True)
@_reading
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@handles_errors
def search_command(
    words: tuple[str, ...], *, base: str | None, as_of: str | None, ceiling: str, as_json: bool, limit: int
) -> None:
    """Search names, then the quotes and values of all claims, for WORDS."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    asked = " ".join(words)
    with _view(base, as_of, ceiling) as view:
        answer = know.who(view, asked)
        found = view.search(asked, limit=limit)
        if as_json:
            _print_json({"answer": answer, "found": found})
            return
        named = answer.candidates or answer.alike
        if named:
            show([*knowledge.candidate_lines(asked, named, view), ""])
        show(knowledge.found_lines(found, view))


@command.command("compare")
@click.argument("one")
@click.argument("other")
@_reading
@handles_errors
def compare_command(one: str, other: str, *, base: str | None, as_of: str | None, ceiling: str, as_json: bool) -> None:
    """Compare ONE and OTHER: what both are said to have, and what only one of them."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        found = know.comparison(view, one, other)
        _print(found, knowledge.comparison_lines(found), as_json=as_json)


@command.command("conflicts")
@click.argument("name", required=False)
@_reading
@handles_errors
def conflicts_command(name: str | None, *, base: str | None, as_of: str | None, ceiling: str, as_json: bool) -> None:
    """List where sources contradict each other, about everybody or about NAME."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        found = know.contradictions(view, name)
        _print(found, knowledge.conflict_lines(found), as_json=as_json)


@command.command("path")
@click.argument("one")
@click.argument("other")
@_reading
@click.option("--longest", default=4, show_default=True, type=click.IntRange(1, 8), help="Most steps.")
@handles_errors
def path_command(
    one: str, other: str, *, base: str | None, as_of: str | None, ceiling: str, as_json: bool, longest: int
) -> None:
    """Say how ONE and OTHER are connected, and by which claims."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        found = know.connections(view, one, other, longest=longest)
        _print(found, knowledge.path_lines(found), as_json=as_json)


@command.command("screen")
@click.argument("names", type=click.Path(path_type=Path))
@_reading
@click.option(
    "--at-least", default=0.85, show_default=True, type=click.FloatRange(0, 1), help="Least likeness that counts."
)
@handles_errors
def screen_command(
    names: Path, *, base: str | None, as_of: str | None, ceiling: str, as_json: bool, at_least: float
) -> None:
    """Compare the names in a file with all persons and organisations that are known.

    NAMES is a CSV file with a column `name`, or a text file with one name a line.
    A hit says that two names are alike, and why; whether they are one person is for you to judge.
    """
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        found = know.screened(view, names, at_least=at_least)
        _print(found, knowledge.screened_lines(found), as_json=as_json)


@command.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_base
@click.option("--as", "importer", help="Format, if it cannot be told from the content.")
@click.option("--speaker", default="", help="Who speaks, where the format does not say.")
@click.option("--title", default="", help="What to call the source.")
@click.option("--published", default="", metavar="DATE", help="When it was published: 2024, 2024-03 or 2024-03-25.")
@click.option(
    "--tlp", type=click.Choice(_MARKINGS, case_sensitive=False), default="CLEAR", help="How far it may travel."
)
@handles_errors
def import_command(
    paths: tuple[Path, ...],
    *,
    base: str | None,
    importer: str | None,
    speaker: str,
    title: str,
    published: str,
    tlp: str,
) -> None:
    """Take in files of other people's formats; taking one in twice changes nothing.

    ATT&CK and other STIX 2.1 bundles, MISP galaxies and events, sanctions lists (OFAC, United Kingdom, European
    Union), FollowTheMoney, lists of indicators.
    """
    from stillhunt.knowledge.importer import Terms
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import know

    terms = Terms(speaker=speaker, tlp=parse_tlp(tlp), title=title, published=published)
    with progress(quiet=False) as watch, know.own_base(base, watch=watch) as store:
        for path in paths:
            taken = know.import_from(store, path, importer=importer, terms=terms, watch=watch)
            _tell_of_import(str(path), taken)


@command.command("taxii")
@click.argument("url")
@_base
@click.option("--user", help="For basic authentication; the password is asked for.")
@click.option("--token", envvar="STILLHUNT_TAXII_TOKEN", help="Bearer token; or set STILLHUNT_TAXII_TOKEN.")
@click.option(
    "--tlp", type=click.Choice(_MARKINGS, case_sensitive=False), default="CLEAR", help="How far it may travel."
)
@handles_errors
def taxii_command(url: str, *, base: str | None, user: str | None, token: str | None, tlp: str) -> None:
    """Import the TAXII 2.1 collection at URL, which ends in /collections/ID/. This opens a connection."""
    from stillhunt.knowledge.importer import Terms
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import know

    password = click.prompt("password", hide_input=True, err=True) if user else None
    with know.own_base(base) as store:
        terms = Terms(tlp=parse_tlp(tlp))
        taken = know.import_collection(store, url, user=user, password=password, token=token, terms=terms)
        _tell_of_import(url, taken)


def _tell_of_import(where: str, taken: Taken) -> None:
    click.echo(f"{where}: {taken.importer}, {taken.n_read:,} claims read, {taken.operation.n_added:,} new")
    for problem in taken.problems[:_PROBLEMS_SHOWN]:
        say_problem(InputError(problem.message, where=problem.where, hint=problem.hint))
    if len(taken.problems) > _PROBLEMS_SHOWN:
        say(f"{len(taken.problems):,} records could not be read")


_PROBLEMS_SHOWN = 5


@command.command("export")
@click.argument("form", metavar="FORMAT")
@click.argument("name", required=False)
@_base
@click.option("--as-of", metavar="DAY", help="What was published by that day.")
@click.option(
    "--ceiling",
    type=click.Choice(_MARKINGS, case_sensitive=False),
    default="CLEAR",
    show_default=True,
    help="Strictest TLP marking that leaves.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; standard output if none.")
@handles_errors
def export_command(
    form: str, name: str | None, *, base: str | None, as_of: str | None, ceiling: str, out: Path | None
) -> None:
    """Write what is known, or what is known of NAME, as FORMAT: stix, misp, ftm or navigator.

    Nothing marked more strictly than the ceiling leaves.
    """
    from stillhunt.workflows import know

    with _view(base, as_of, ceiling) as view:
        written = know.export_to(view, form, name=name)
    if out is None:
        sys.stdout.buffer.write(written)
        return
    try:
        out.write_bytes(written)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(out)) from error


@command.command("same")
@click.argument("one")
@click.argument("other")
@_base
@click.option("--because", required=True, help="The grounds; they are kept as the quote.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--not", "is_denied", is_flag=True, help="Say that they are not the same.")
@click.option(
    "--tlp", type=click.Choice(_MARKINGS, case_sensitive=False), default="CLEAR", help="How far it may travel."
)
@handles_errors
def same_command(one: str, other: str, *, base: str | None, because: str, by: str, is_denied: bool, tlp: str) -> None:
    """Say that ONE and OTHER are the same, or with --not that they are two. Nothing is merged: undo takes it back."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import know

    with know.own_base(base) as store:
        done = know.same(store, one, other, because=because, by=by, is_same=not is_denied, tlp=parse_tlp(tlp))
        show(knowledge.operation_lines([done]))


@command.command("retract")
@click.argument("claims", nargs=-1, required=True)
@_base
@click.option("--because", required=True, help="Why; it is kept in the log.")
@handles_errors
def retract_command(claims: tuple[str, ...], *, base: str | None, because: str) -> None:
    """Take CLAIMS back, by their ids. They stay on record and can be restored with undo."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with know.own_base(base) as store:
        show(knowledge.operation_lines([store.retract(claims, note=because)]))


@command.command("undo")
@_base
@handles_errors
def undo_command(*, base: str | None) -> None:
    """Undo the last operation on the base that still stands."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with know.own_base(base) as store:
        show(knowledge.operation_lines([store.undo()]))


@command.command("log")
@_base
@handles_errors
def log_command(*, base: str | None) -> None:
    """List what was done to the base, in order."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows import know

    with know.own_base(base) as store:
        show(knowledge.operation_lines(store.operations()))


@command.command("sight")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_reading
@click.option("--jobs", "-j", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes to read with.")
@handles_errors
def sight_command(
    paths: tuple[Path, ...], *, base: str | None, as_of: str | None, ceiling: str, as_json: bool, jobs: int
) -> None:
    """Look in logs for the indicators of the base, each only in the time in which it is valid."""
    from stillhunt.report.renderers import knowledge
    from stillhunt.workflows.sightings import sight

    with progress(quiet=False) as watch, _view(base, as_of, ceiling) as view:
        found = sight(view, paths, jobs=jobs, watch=watch)
    _print(found, knowledge.sighting_lines(found), as_json=as_json)


@command.command("lint-language")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@handles_errors
def lint_language_command(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Check the estimative language of text files: one scale, one row of it, no confidence beside likelihood.

    Exit status 1 if there is a remark.
    """
    from stillhunt.knowledge.language import lint
    from stillhunt.report.renderers import knowledge

    found = {str(path): lint(_text_of(path)) for path in files}
    if as_json:
        _print_json(found)
    else:
        for path, remarks in found.items():
            show([f"{path}: {len(remarks)} remarks", *knowledge.remark_lines(remarks)])
    if any(found.values()):
        sys.exit(_EXIT_REMARKS)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error


def _view(base: str | None, as_of: str | None, ceiling: str) -> Any:
    from stillhunt.terms.marking import parse_tlp
    from stillhunt.workflows import know

    return know.looked_at(base, as_of=as_of, ceiling=parse_tlp(ceiling), watch=_tell_of_building)


def _tell_of_building(step: Any, /) -> None:
    if step.task == "build":
        click.echo(f"building {step.subject}", err=True)


def _print(found: object, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        _print_json(found)
    else:
        show(lines)


def _print_json(found: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
