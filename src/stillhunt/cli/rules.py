"""``stillhunt rules``: what becomes of Sigma rules, and what they cover."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhunt.cli.console import handles_errors, results
from stillhunt.cli.options import values_option
from stillhunt.report.escape import for_terminal

if TYPE_CHECKING:
    from stillhunt.workflows.rules import Entry, Note, RuleCheck, RuleCoverage, SourceCount

__all__ = ["command"]

_EXIT_BROKEN = 1
_SOURCES_SHOWN = 12
_NOTES_SHOWN = 4
"""Remarks of one kind that are written out; the rest are counted."""
_PROBLEMS_SHOWN = 6

_CHECK_EPILOG = """
Exit status: 0 every rule runs, or waits for something that is not its own fault (lists of values, logs that no
source reads, features to come); 1 a rule is inert through a fault of its own, or, with --strict, there is a remark;
2 wrong usage; 3 a path cannot be read, or holds no rule.
"""

_json = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")


@click.group("rules")
def command() -> None:
    """Check Sigma rules, or say what they cover."""


@command.command("check", epilog=_CHECK_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@values_option
@_json
@click.option("--strict", is_flag=True, help="Exit with 1 for remarks too.")
@handles_errors
def check_command(paths: tuple[Path, ...], values: tuple[Path, ...], *, as_json: bool, strict: bool) -> None:
    """Load the rules in PATHS, say what becomes of each, and what is probably not meant.

    PATHS are rule files, folders or release zips; `builtin` stands for the built-in pack.
    A rule is active; dormant, where no source of stillhunt reads the logs it is about; or inert, with the line
    that is to blame and what to do. Remarks are about rules that run.
    """
    from stillhunt.workflows.rules import check

    found = check(paths, values=values)
    if as_json:
        click.echo(_as_json({"ledger": found.ledger, "remarks": found.notes, "problems": found.problems}))
    else:
        _Sheet(results()).check(found)
    if found.is_broken or (strict and found.notes):
        sys.exit(_EXIT_BROKEN)


@command.command("coverage")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@values_option
@_json
@handles_errors
def coverage_command(paths: tuple[Path, ...], values: tuple[Path, ...], *, as_json: bool) -> None:
    """Count what the rules in PATHS look for: by log source, and by ATT&CK tactic and technique.

    Without PATHS, the built-in pack.
    """
    from stillhunt.workflows.rules import coverage

    found = coverage(paths, values=values)
    if as_json:
        click.echo(_as_json(found))
    else:
        _Sheet(results()).coverage(found)


def _as_json(found: object) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2)


class _Sheet:
    """Writes what a person reads."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def check(self, found: RuleCheck) -> None:
        """Print a ledger: counts, then what does not run and why, then remarks."""
        statuses = Counter(entry.status for entry in found.ledger)
        counts = ", ".join(f"{statuses[status]:,} {status}" for status in ("active", "dormant", "inert"))
        self._say(f"{_plural(len(found.ledger), 'rule')}: {counts}", "bold")
        self._sources(found.sources())
        self._inert([entry for entry in found.ledger if entry.status == "inert"])
        self._filters([entry for entry in found.ledger if entry.kind == "filter" and entry.status == "active"])
        self._notes(found.notes)
        if found.problems:
            self._head(_plural(len(found.problems), "problem"))
            for problem in found.problems[:_PROBLEMS_SHOWN]:
                self._say(f"  {problem}", "yellow")
            self._more(len(found.problems) - _PROBLEMS_SHOWN)

    def coverage(self, found: RuleCoverage) -> None:
        """Print counts by log source and by tactic."""
        self._say(f"{_plural(found.n_rules, 'rule')} for {_plural(found.n_techniques, 'technique')}", "bold")
        self._sources(found.sources)
        self._say("")
        rows = [
            (
                tactic.tactic or "no tactic",
                f"{tactic.n_rules:,}",
                f"{tactic.n_active:,}",
                f"{len(tactic.techniques):,}",
            )
            for tactic in found.tactics
        ]
        self._table(("tactic", "rules", "active", "techniques"), rows)

    def _sources(self, sources: Sequence[SourceCount]) -> None:
        self._say("")
        rows = [
            (one.source or "no log source", f"{one.n_active:,}", f"{one.n_dormant:,}", f"{one.n_inert:,}")
            for one in sources[:_SOURCES_SHOWN]
        ]
        self._table(("log source", "active", "dormant", "inert"), rows)
        self._more(len(sources) - _SOURCES_SHOWN)

    def _inert(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._head(f"{len(entries):,} inert")
        for entry in entries:
            self._say(f"  {entry.path}", "bold red" if entry.cause == "fault" else "yellow")
            self._say(f"    {entry.reason}")
            self._say(f"    hint: {entry.remedy}", "dim")

    def _filters(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._head(_plural(len(entries), "filter"))
        for entry in entries:
            self._say(f"  {entry.path}: {entry.reason}")

    def _notes(self, notes: Sequence[Note]) -> None:
        if not notes:
            return
        self._head(_plural(len(notes), "remark"))
        for name, n_notes in Counter(note.check for note in notes).most_common():
            self._say(f"  {name}: {n_notes:,}", "yellow")
            of_one = [note for note in notes if note.check == name]
            for note in of_one[:_NOTES_SHOWN]:
                self._say(f"    {note.path}: {note.message}")
            self._more(len(of_one) - _NOTES_SHOWN, "    ")

    def _head(self, said: str) -> None:
        self._say("")
        self._say(said, "bold")

    def _more(self, n_left: int, margin: str = "  ") -> None:
        if n_left > 0:
            self._say(f"{margin}and {n_left:,} more: see --json", "dim")

    def _table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(Text(head[0], "dim"))
        for name in head[1:]:
            table.add_column(Text(name, "dim"), justify="right")
        for row in rows:
            table.add_row(*(Text(self._safe(cell)) for cell in row))
        self._console.print(table)

    def _say(self, said: str, style: str = "") -> None:
        self._console.print(Text(self._safe(said), style), soft_wrap=True)

    def _safe(self, said: str) -> str:
        """Write what the screen would obey or could not show as marks."""
        return for_terminal(said).encode(self._console.encoding, "backslashreplace").decode(self._console.encoding)


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
