"""The summary fits the screen and says the worst first."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from stillhunt.report.renderers.terminal import MOST_LINES, render


def _printed(brief, width=80, **options):
    console = Console(file=io.StringIO(), width=width, highlight=False, **options)
    render(brief, console, written=[Path("out/case.html"), Path("out/cases.json")])
    return console.file.getvalue()


@pytest.mark.parametrize("n_cases", [0, 1, 3, 40])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_never_takes_more_than_thirty_lines(make_brief, n_cases, width):
    assert len(_printed(make_brief(n_cases=n_cases), width).splitlines()) <= MOST_LINES


def test_no_line_is_wider_than_the_screen(make_brief):
    assert max(map(len, _printed(make_brief(n_cases=3)).splitlines())) <= 80


def test_it_says_what_was_read_what_was_found_and_where_it_lies(make_brief):
    text = " ".join(_printed(make_brief(n_cases=40)).split())
    for words in (
        "9 events of 1 host in 1 file",
        "1 file not read",
        "Note: b.bin: bad (copy it again)",
        "Note: r.yml: rule does not run: broken (mend it or leave it out)",
        "2 rules: 1 active, 0 dormant (no such source here), 1 inert",
        "1 case to look into, the most serious critical",
        "CRITICAL case-0000",
        "Break-in: 24 August 2021 03:12 UTC; stayed about 14 months; 1 quiet period, the longest about 7 months",
        "Assessment: Not enough to name anyone.",
        "more cases: ",
        "Open out/case.html for the evidence.",
    ):
        assert words in text


def test_nothing_found_and_blind_says_so(empty):
    assert "could not have shown it" in " ".join(_printed(empty).split())


def test_a_hostile_brief_neither_drives_the_terminal_nor_breaks_the_frame(hostile):
    text = _printed(hostile)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert len(text.splitlines()) <= MOST_LINES
    assert max(map(len, text.splitlines())) <= 80


def test_colour_is_only_ours(make_brief):
    text = _printed(make_brief(lambda s: f"[red]{s}[/red]"), force_terminal=True)
    assert "[red]" in text
