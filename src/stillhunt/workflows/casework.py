"""Work on the cases of a finished hunt: decisions, suppressions, timelines, exports."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec

from stillhunt.cases.case import Case
from stillhunt.cases.decision import CaseView, Decision, Docket, docket
from stillhunt.cases.investigate import regroup
from stillhunt.cases.suppression import Suppressed, read_suppressions, suppressed
from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError, UnknownNameError
from stillhunt.report.brief import Brief
from stillhunt.terms.moment import EPOCH
from stillhunt.workflows.lookup import MARKER
from stillhunt.workflows.workspace import load_brief

__all__ = ["DECISIONS", "SUPPRESSIONS", "Desk", "decide", "open_desk", "read_decisions"]

DECISIONS = "decisions.jsonl"
SUPPRESSIONS = "suppressions.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A finished hunt as an analyst looks at it.

    Attributes:
        brief: What the hunt found.
        docket: Its cases, with what was decided about them.
        decisions: All decisions, in order.
        suppressed: What is hidden, and why.
    """

    brief: Brief
    docket: Docket
    decisions: tuple[Decision, ...]
    suppressed: Suppressed

    def view(self, named: str) -> CaseView:
        """Return a case by its id or the beginning of one.

        Raises:
            UnknownNameError: There is none, or several.
        """
        name = named if named.startswith("case-") else f"case-{named}"
        exact = self.docket.of(name)
        fitting = [exact] if exact else [view for view in self.docket.views if view.case.id.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        known = ", ".join(view.case.id for view in (fitting or self.docket.views)[:_NAMED])
        if fitting:
            raise UnknownNameError(f"{len(fitting)} cases begin with `{named}`", hint=f"they are {known}")
        raise UnknownNameError(f"there is no case `{named}`", hint=f"there are {known}" if known else "there are none")

    def findings(self, case: Case) -> list[Finding]:
        """Return the findings of a case, its context too, in order of time."""
        by_id = {finding.id: finding for finding in self.brief.findings}
        found = [by_id[name] for name in (*case.findings, *case.context) if name in by_id]
        return sorted(found, key=lambda f: (f.first_at is None, f.first_at or EPOCH, f.id))

    def is_suppressed(self, case: Case) -> bool:
        """Tell whether every finding that carries a case is hidden."""
        return bool(case.findings) and all(finding in self.suppressed.by_finding for finding in case.findings)


_NAMED = 6


def open_desk(folder: Path, *, suppress: Sequence[Path] = (), today: date | None = None) -> Desk:
    """Open a workspace.

    Args:
        folder: What ``hunt --out`` wrote.
        suppress: Files of suppressions, beside the one in the folder.
        today: The day on which suppressions must still hold; by default this one.

    Raises:
        InputError: The folder is no workspace, or a file in it or beside it cannot be read.
    """
    brief = load_brief(folder)
    own = folder / SUPPRESSIONS
    files = {str(path): _text(path) for path in (*suppress, *([own] if own.is_file() else []))}
    decisions = read_decisions(folder)
    by_id = {finding.id: finding for finding in brief.findings}
    return Desk(
        brief=brief,
        docket=docket(brief.cases, by_id, decisions, regroup=partial(regroup, coverage=brief.coverage)),
        decisions=decisions,
        suppressed=suppressed(brief.findings, read_suppressions(files), today=today or datetime.now(tz=UTC).date()),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8"
        raise InputError(f"cannot be read: {reason}", where=str(path), hint="check the path") from error


def read_decisions(folder: Path) -> tuple[Decision, ...]:
    """Read the log of decisions; a folder without one has none.

    Raises:
        InputError: A line cannot be read.
    """
    path = folder / DECISIONS
    if not path.is_file():
        return ()
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Decision))
        except msgspec.MsgspecError as error:
            hint = "every line is one decision; take out the broken one by hand, and say so in a note"
            raise InputError(f"is no decision: {error}", where=f"{path}:{number}", hint=hint) from error
    return tuple(found)


def decide(folder: Path, decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Append decisions to the log of a workspace, and return them with their ids.

    Raises:
        InputError: The folder is no workspace, or cannot be written.
    """
    if not (folder / MARKER).is_file():
        hint = "give the folder that `hunt --out` wrote"
        raise InputError("is no workspace of stillhunt", where=str(folder), hint=hint)
    # Numbered by content: two people may write at once.
    numbered = tuple(replace(decision, id=f"d-{_digest(decision)}") for decision in decisions)
    try:
        with (folder / DECISIONS).open("ab") as log:
            log.write(b"".join(msgspec.json.encode(decision) + b"\n" for decision in numbered))
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise InputError(message, where=str(folder / DECISIONS), hint="check its permissions") from error
    return numbered


def _digest(decision: Decision) -> str:
    return hashlib.sha256(msgspec.json.encode(decision)).hexdigest()[:8]
