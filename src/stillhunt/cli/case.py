"""``stillhunt case``: look at the cases of a finished hunt, and note down what was decided about them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillhunt.cli import export
from stillhunt.cli.console import handles_errors
from stillhunt.cli.lines import show

if TYPE_CHECKING:
    from stillhunt.cases.decision import Kind, Verdict
    from stillhunt.workflows.casework import Desk

__all__ = ["command"]

_VERDICTS = ("true-positive", "false-positive", "benign", "inconclusive")

folder_option = click.option(
    "--in",
    "folder",
    default=Path("stillhunt-out"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder that the hunt wrote its results into.",
)
suppress_option = click.option(
    "--suppress",
    multiple=True,
    type=click.Path(path_type=Path),
    help="YAML file of suppressions, beside `suppressions.yml` in the folder. Repeatable.",
)
author_option = click.option("--as", "author", default="", help="Who decides; by default the user of this machine.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("case")
def command() -> None:
    """Look at the cases of a finished hunt, and note down what was decided about them.

    A case is named by its id or the beginning of one. Decisions are appended to `decisions.jsonl` and can be undone;
    what the hunt found is never changed.
    """


@command.command("list")
@click.option("--all", "with_hidden", is_flag=True, help="Also closed and suppressed cases.")
@suppress_option
@folder_option
@json_option
@handles_errors
def list_command(folder: Path, suppress: tuple[Path, ...], *, with_hidden: bool, as_json: bool) -> None:
    """List cases, most serious first."""
    from stillhunt.report.renderers import casework as lines

    desk = _desk(folder, suppress)
    hidden = [v for v in desk.docket.views if not v.is_open or desk.is_suppressed(v.case)]
    chosen = [v for v in desk.docket.views if with_hidden or v not in hidden]
    if as_json:
        _json([{"case": v.case, "is_open": v.is_open, "verdict": v.verdict, "decisions": v.decisions} for v in chosen])
        return
    show(lines.list_lines(chosen, hidden=[] if with_hidden else hidden))
    show([*lines.suppression_lines(desk.suppressed), *_dangling(desk)])


@command.command("show")
@click.argument("case")
@suppress_option
@folder_option
@json_option
@handles_errors
def show_command(case: str, folder: Path, suppress: tuple[Path, ...], *, as_json: bool) -> None:
    """Show all about CASE: when, how far, who, and what was decided."""
    from stillhunt.report.renderers import casework as lines

    desk = _desk(folder, suppress)
    view = desk.view(case)
    assessment = next((a for a in desk.brief.assessments if a.case == view.case.id), None)
    if as_json:
        _json({"case": view.case, "assessment": assessment, "is_open": view.is_open, "decisions": view.decisions})
        return
    n_suppressed = sum(finding in desk.suppressed.by_finding for finding in view.case.findings)
    show(lines.case_lines(view, assessment, n_suppressed=n_suppressed))


@command.command("timeline")
@click.argument("case")
@click.option("--since", type=click.DateTime(), help="Leave out what is earlier (UTC).")
@click.option("--until", type=click.DateTime(), help="Leave out what is later (UTC).")
@click.option("--full", is_flag=True, help="One entry for every record, with where it lies.")
@click.option("--context", "with_context", is_flag=True, help="Also weak findings that only share a host with it.")
@suppress_option
@folder_option
@json_option
@handles_errors
def timeline_command(
    case: str,
    folder: Path,
    suppress: tuple[Path, ...],
    *,
    since: datetime | None,
    until: datetime | None,
    full: bool,
    with_context: bool,
    as_json: bool,
) -> None:
    """Show CASE day by day; what repeats on a day is one line with how often."""
    from stillhunt.report import events

    desk = _desk(folder, suppress)
    view = desk.view(case)
    left_out = {*desk.suppressed.by_finding, *(() if with_context else view.case.context)}
    found = events.moments(f for f in desk.findings(view.case) if f.id not in left_out)
    if as_json:
        show(events.as_json_lines(found))
        return
    show(events.timeline_lines(view.case, found, is_full=full, since=_utc(since), until=_utc(until)))


command.add_command(export.command, "export")


@command.command("note")
@click.argument("case")
@click.argument("text")
@author_option
@folder_option
@handles_errors
def note_command(case: str, text: str, author: str, folder: Path) -> None:
    """Add a note to CASE."""
    _decide(folder, "note", _named(folder, case), author=author, text=text)


@command.command("close")
@click.argument("case")
@click.option("--verdict", required=True, type=click.Choice(_VERDICTS), help="What it was.")
@click.option("--reason", required=True, help="Why.")
@author_option
@folder_option
@handles_errors
def close_command(case: str, verdict: Verdict, reason: str, author: str, folder: Path) -> None:
    """Close CASE."""
    _decide(folder, "close", _named(folder, case), author=author, text=reason, verdict=verdict)


@command.command("reopen")
@click.argument("case")
@click.option("--reason", default="", help="Why.")
@author_option
@folder_option
@handles_errors
def reopen_command(case: str, reason: str, author: str, folder: Path) -> None:
    """Open CASE again."""
    _decide(folder, "reopen", _named(folder, case), author=author, text=reason)


@command.command("merge")
@click.argument("case")
@click.argument("others", nargs=-1, required=True)
@click.option("--reason", default="", help="Why.")
@author_option
@folder_option
@handles_errors
def merge_command(case: str, others: tuple[str, ...], reason: str, author: str, folder: Path) -> None:
    """Make OTHERS part of CASE."""
    desk = _desk(folder, ())
    named = tuple(desk.view(other).case.id for other in others)
    _decide(folder, "merge", desk.view(case).case.id, author=author, text=reason, cases=named)


@command.command("split")
@click.argument("case")
@click.argument("findings", nargs=-1, required=True)
@click.option("--reason", default="", help="Why.")
@author_option
@folder_option
@handles_errors
def split_command(case: str, findings: tuple[str, ...], reason: str, author: str, folder: Path) -> None:
    """Make FINDINGS of CASE a case of their own; findings are named by their ids or the beginnings of them."""
    from stillhunt.errors import UnknownNameError

    view = _desk(folder, ()).view(case)
    own = (*view.case.findings, *view.case.context)
    chosen = []
    for named in findings:
        fitting = [f for f in own if f.startswith(named if named.startswith("finding-") else f"finding-{named}")]
        if len(fitting) != 1:
            message = f"{len(fitting)} findings of {view.case.id} begin with `{named}`"
            raise UnknownNameError(message, hint=f"`stillhunt case timeline {view.case.id} --full` lists them")
        chosen += fitting
    _decide(folder, "split", view.case.id, author=author, text=reason, findings=tuple(chosen))


@command.command("undo")
@click.argument("decision")
@author_option
@folder_option
@handles_errors
def undo_command(decision: str, author: str, folder: Path) -> None:
    """Undo DECISION; an undo can be undone as well."""
    from stillhunt.errors import UnknownNameError
    from stillhunt.workflows.casework import read_decisions

    fitting = [d.id for d in read_decisions(folder) if d.id in {decision, f"d-{decision}"}]
    if not fitting:
        raise UnknownNameError(f"there is no decision `{decision}`", hint="`stillhunt case log` lists them")
    _decide(folder, "undo", "", author=author, undoes=fitting[0])


@command.command("log")
@folder_option
@json_option
@handles_errors
def log_command(folder: Path, *, as_json: bool) -> None:
    """List all decisions in the order in which they were made."""
    from stillhunt.report.renderers import casework as lines

    desk = _desk(folder, ())
    if as_json:
        _json(desk.decisions)
        return
    show([*lines.decision_lines(desk.decisions), *_dangling(desk)] or ["nothing was decided yet"])


def _desk(folder: Path, suppress: tuple[Path, ...]) -> Desk:
    from stillhunt.workflows.casework import open_desk

    return open_desk(folder, suppress=suppress)


def _named(folder: Path, case: str) -> str:
    return _desk(folder, ()).view(case).case.id


def _decide(
    folder: Path,
    kind: Kind,
    case: str,
    *,
    author: str,
    text: str = "",
    verdict: Verdict | None = None,
    cases: tuple[str, ...] = (),
    findings: tuple[str, ...] = (),
    undoes: str = "",
) -> None:
    from stillhunt.cases.decision import Decision
    from stillhunt.report.renderers import casework as lines
    from stillhunt.workflows.casework import decide

    made = Decision(
        at=datetime.now(tz=UTC),
        by=author or _user(),
        kind=kind,
        case=case,
        text=text,
        verdict=verdict,
        cases=cases,
        findings=findings,
        undoes=undoes,
    )
    show(lines.decision_lines(decide(folder, [made])))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _dangling(desk: Desk) -> list[str]:
    from stillhunt.report.escape import for_terminal

    return [for_terminal(f"decision {d.id} ({d.kind}) has no effect: {why}") for d, why in desk.docket.dangling]


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def _json(value: object) -> None:
    import msgspec

    show([msgspec.json.format(msgspec.json.encode(value), indent=1).decode()])
