"""The summary on the screen: what was read, then the cases, in at most thirty lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.report.brief import Brief
from stillhunt.report.escape import for_terminal
from stillhunt.report.wording import (
    break_in_words,
    coverage_words,
    levels_words,
    plural,
    problem_words,
    quiet_words,
    summary_words,
)
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words

__all__ = ["MOST_LINES", "render"]

MOST_LINES = 30
_WIDEST = 110
_NARROWEST = 40
_PROBLEMS_SHOWN = 3
_STYLES = {
    Level.CRITICAL: "bold white on red",
    Level.HIGH: "bold red",
    Level.MEDIUM: "bold yellow",
    Level.LOW: "cyan",
    Level.INFORMATIONAL: "dim",
}

Line = tuple[str, str]
"""Text and style."""


def render(brief: Brief, console: Console, *, written: Sequence[Path] = ()) -> None:
    """Print a brief in at most :data:`MOST_LINES` lines.

    Args:
        brief: What to say.
        console: Where to say it; its width is kept, up to 110 columns.
        written: Files that hold the rest.
    """
    width = max(_NARROWEST, min(console.width, _WIDEST))
    head = list(_head(brief, width))
    foot = list(_foot(brief, width, written))
    room = MOST_LINES - len(head) - len(foot)
    for text, style in [*head, *_cases(brief, width, room), *foot]:
        console.print(Text(text, style=style, no_wrap=True, overflow="ellipsis"), soft_wrap=False)


def _head(brief: Brief, width: int) -> Iterator[Line]:
    read, *rest = coverage_words(brief.coverage)
    yield from _wrapped(f"Read: {read}", width, "", most=2)
    for sentence in rest:
        is_blind = brief.coverage.verdict is not None and brief.coverage.verdict.is_blind
        style = "yellow" if is_blind and sentence is rest[-1] else "dim"
        yield from _wrapped(f"      {sentence}", width, style, most=2)
    yield from _problems(brief, width)
    yield "", ""
    yield from _wrapped(summary_words(brief), width, "bold", most=2)


def _problems(brief: Brief, width: int) -> Iterator[Line]:
    lines = problem_words(brief.coverage)
    for line in lines[:_PROBLEMS_SHOWN]:
        yield from _wrapped(f"Note: {line}", width, "yellow", most=1)
    if len(lines) > _PROBLEMS_SHOWN:
        yield f"Note: and {len(lines) - _PROBLEMS_SHOWN:,} more such notes in coverage.json", "yellow"


def _foot(brief: Brief, width: int, written: Sequence[Path]) -> Iterator[Line]:
    yield "", ""
    levels = levels_words(f.detector.level for f in brief.findings)
    yield from _wrapped(f"{plural(len(brief.findings), 'finding')}: {levels}", width, "dim", most=1)
    pages = [p for p in written if p.suffix == ".html"]
    if pages:
        yield f"Open {for_terminal(str(pages[0]))} for the evidence.", "bold"


def _cases(brief: Brief, width: int, room: int) -> list[Line]:
    """Show the most serious case whole, and as many others as there is room for by their opening."""
    lines: list[Line] = []
    for shown, (case, assessment) in enumerate(zip(brief.cases, brief.assessments, strict=True)):
        block = _case(case, assessment, width) if shown == 0 else _opening(case, width)
        is_last = shown == len(brief.cases) - 1
        if len(lines) + len(block) + (0 if is_last else 1) > room:
            left = brief.cases[shown:]
            return [*lines, (f"and {plural(len(left), 'more case')}: {levels_words(c.level for c in left)}", "dim")]
        lines += block
    return lines


def _opening(case: Case, width: int) -> list[Line]:
    return _wrapped(f"{case.level.upper()}  {case.opening}", width, _STYLES[case.level].replace("bold ", ""), most=2)


def _case(case: Case, assessment: Assessment, width: int) -> list[Line]:
    is_low = case.level is Level.LOW
    lines = [("", ""), (f"{case.level.upper()}  {case.id}", _STYLES[case.level])]
    lines += _wrapped(f"  {case.opening}", width, "", most=2 if is_low else 4)
    if is_low:
        return lines
    stayed = f"; stayed {duration_words(case.dwell_s)}" if case.dwell_s is not None else ""
    slept = f"; {quiet_words(case)}" if case.quiet else ""
    lines += _wrapped(f"  Break-in: {break_in_words(case.break_in)}{stayed}{slept}", width, "", most=2)
    lines += _wrapped(f"  Assessment: {assessment.statement}", width, "italic", most=2)
    return lines


def _wrapped(text: str, width: int, style: str, *, most: int) -> list[Line]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    found = textwrap.wrap(for_terminal(text), width, subsequent_indent=indent, max_lines=most, placeholder=" ...")
    return [(line, style) for line in found]
