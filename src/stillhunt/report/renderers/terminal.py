"""The summary on the screen: what was read, then the cases, in at most thirty lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.report.brief import Brief
from stillhunt.report.escape import for_terminal
from stillhunt.report.layers import INCONSISTENT, standing_words
from stillhunt.report.wording import (
    break_in_words,
    coverage_words,
    levels_words,
    plural,
    problem_words,
    quiet_words,
    sighted_words,
    summary_words,
)
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words

__all__ = ["MOST_LINES", "as_text", "render"]

MOST_LINES = 30
_WIDEST = 100
_NARROWEST = 40
_PROBLEMS_SHOWN = 3
_UNSEEN_LINES = 4
_BRIEFLY_SHOWN = 3
"""So many further cases keep their place when one after the first is told at length."""

_SHORT = 2
"""Lines of a case that is told in short, at most."""

_LABEL = 12
"""Columns of the words in front, the longest of which is Assessment."""

_SIGHTED_SHOWN = 2
"""Indicators told of in the summary."""

_STYLES = {
    Level.CRITICAL: "bold white on red",
    Level.HIGH: "bold red",
    Level.MEDIUM: "bold yellow",
    Level.LOW: "cyan",
    Level.INFORMATIONAL: "dim",
}


def render(brief: Brief, console: Console, *, written: Sequence[Path] = ()) -> None:
    """Print a brief in at most :data:`MOST_LINES` lines.

    Args:
        brief: What to say.
        console: Where to say it; its width is kept, up to 100 columns.
        written: Files that hold the rest.
    """
    sheet = _Sheet(console=console, width=max(_NARROWEST, min(console.width, _WIDEST)))
    marked = [*sheet.plain(brief.tlp, "bold")] if brief.tlp else []
    head = [
        *marked,
        *_coverage(brief, sheet),
        *_problems(brief, sheet),
        *_sighted(brief, sheet),
        Text(),
        *sheet.plain(summary_words(brief), "bold"),
    ]
    foot = [Text(), *_foot(brief, sheet, written)]
    for line in [*head, *_cases(brief, sheet, room=MOST_LINES - len(head) - len(foot)), *foot]:
        console.print(line, soft_wrap=False)


def as_text(brief: Brief) -> str:
    """Return what :func:`render` prints, as plain text."""
    sheet = StringIO()
    render(brief, Console(file=sheet, width=_WIDEST, color_system=None, highlight=False))
    return sheet.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """Turns sentences into lines that fit."""

    console: Console
    width: int
    label: str = field(default=" " * _LABEL, init=False)

    def plain(self, said: str, style: str = "", *, most: int = 2) -> list[Text]:
        return self._wrapped(said, self.width, style, most)

    def labelled(
        self, label: str, said: str, *, style: str = "", label_style: str = "dim", most: int = 2
    ) -> list[Text]:
        """Say something beside a word in the margin."""
        lines = self._wrapped(said, self.width - _LABEL, style, most)
        margins = [Text.assemble((label, label_style), " " * (_LABEL - len(label)))]
        margins += [Text(self.label)] * (len(lines) - 1)
        return [margin + line for margin, line in zip(margins, lines, strict=True)]

    def _wrapped(self, said: str, width: int, style: str, most: int) -> list[Text]:
        lines = list(Text(self._safe(said)).wrap(self.console, width, overflow="fold"))
        if len(lines) > most:
            lines = lines[:most]
            lines[-1] = _cut(lines[-1], width)
        for line in lines:
            line.rstrip()
            line.style = style
        return lines

    def _safe(self, said: str) -> str:
        """Write what the console's encoding lacks as escapes, so that no name in a log ends the summary."""
        encoding = self.console.encoding
        return for_terminal(said).encode(encoding, "backslashreplace").decode(encoding)


def _cut(line: Text, width: int) -> Text:
    """Make room for dots, at the end of a word if one is near."""
    line.rstrip()
    line.truncate(width - 4)
    words, _, rest = line.plain.rpartition(" ")
    return Text(f"{words if len(rest) < len(words) else line.plain} ...")


def _coverage(brief: Brief, sheet: _Sheet) -> Iterator[Text]:
    verdict = brief.coverage.verdict
    for label, said in coverage_words(brief.coverage):
        is_blind = label == "Verdict" and verdict is not None and verdict.is_blind
        is_warning = is_blind or label == "Not seen"
        most = _UNSEEN_LINES if label == "Not seen" else 2
        yield from sheet.labelled(label, said, style="yellow" if is_warning else "", most=most)


def _problems(brief: Brief, sheet: _Sheet) -> Iterator[Text]:
    said = problem_words(brief.coverage)
    for problem in said[:_PROBLEMS_SHOWN]:
        yield from sheet.labelled("Problem", problem, style="yellow", most=1 if len(said) > 1 else 2)
    if len(said) > _PROBLEMS_SHOWN:
        more = plural(len(said) - _PROBLEMS_SHOWN, "more kind") + " of problem: see coverage.json"
        yield from sheet.labelled("", more, style="yellow", most=1)


def _sighted(brief: Brief, sheet: _Sheet) -> Iterator[Text]:
    """Tell of the indicators that were met, those first whose confidence changes most."""
    for one in brief.sighted[:_SIGHTED_SHOWN]:
        yield from sheet.labelled("Met", sighted_words(one), most=2)
    if len(brief.sighted) > _SIGHTED_SHOWN:
        more = f"and {plural(len(brief.sighted) - _SIGHTED_SHOWN, 'more indicator')}, in case.html"
        yield from sheet.labelled("", more, most=1)


def _foot(brief: Brief, sheet: _Sheet, written: Sequence[Path]) -> Iterator[Text]:
    levels = levels_words(f.detector.level for f in brief.findings)
    said = f"{len(brief.findings):,}: {levels}" if brief.findings else "none"
    said += f"; {plural(len(brief.habits), 'habit')} of this estate folded" if brief.habits else ""
    yield from sheet.labelled("Findings", said, most=1)
    if written:
        first, *others = sorted(written, key=lambda p: p.suffix != ".html")
        beside = f"; beside it {', '.join(p.name for p in others)}" if others else ""
        yield from sheet.labelled("Open", f"{first}{beside}", style="bold", most=3)


def _cases(brief: Brief, sheet: _Sheet, *, room: int) -> list[Text]:
    """Tell as many cases as there is room for, the most serious at length, and count the rest."""
    lines: list[Text] = []
    for number, (case, assessment) in enumerate(zip(brief.cases, brief.assessments, strict=True)):
        left = len(brief.cases) - number - 1
        kept_free = 2 * min(left, _BRIEFLY_SHOWN if number else 1) + bool(left)
        space = room - len(lines) - kept_free - (number == 0)
        block = _fitting(case, assessment, sheet, space=space)
        if number == 0 and len(block) > _SHORT:
            block = [Text(), *block]
        if len(lines) + len(block) + bool(left) > room:
            rest = brief.cases[number:]
            said = f"and {plural(len(rest), 'more case')} in case.html: {levels_words(c.level for c in rest)}"
            return [*lines, *sheet.labelled("", said, most=1)]
        lines += block
    return lines


def _fitting(case: Case, assessment: Assessment, sheet: _Sheet, *, space: int) -> list[Text]:
    """Tell a case as fully as there is room for."""
    told = _whole(case, sheet)
    for who in (_who(assessment, sheet), sheet.labelled("Assessment", assessment.statement)):
        block = [*told, *who]
        if len(block) <= space:
            return block
    return _in_short(case, sheet)


def _whole(case: Case, sheet: _Sheet) -> list[Text]:
    slept = f"; {quiet_words(case)}" if case.quiet else ""
    return [
        *sheet.labelled(case.level.upper(), case.opening, label_style=_STYLES[case.level], most=6),
        *sheet.labelled("Break-in", f"{break_in_words(case.break_in)}{_stay_words(case)}{slept}"),
    ]


def _who(assessment: Assessment, sheet: _Sheet) -> Iterator[Text]:
    """Say the three layers, the possible false flag, and how a name stands, in few lines."""
    if assessment.is_inconsistent:
        yield from sheet.labelled("", INCONSISTENT, style="yellow", most=1)
    if assessment.resemblance:
        yield from sheet.labelled("Resembles", assessment.resemblance, most=1)
    if assessment.origin:
        yield from sheet.labelled("Country", assessment.origin, most=1)
    yield from sheet.labelled("Assessment", assessment.statement)
    if not assessment.is_abstention and (standing := standing_words(assessment)):
        yield from sheet.labelled("Standing", standing, most=1)


def _in_short(case: Case, sheet: _Sheet) -> list[Text]:
    said = f"{case.break_in.host or case.id}, {break_in_words(case.break_in)}{_stay_words(case)}"
    return sheet.labelled(case.level.upper(), said, label_style=_STYLES[case.level])


def _stay_words(case: Case) -> str:
    if case.dwell_s is None:
        return ""
    tail = ", to the end of the logs" if case.is_active_at_end else ""
    return f"; stayed {duration_words(case.dwell_s)}{tail}"
