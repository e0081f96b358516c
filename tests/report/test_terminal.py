"""The summary fits the screen and says the worst first."""

from __future__ import annotations

import dataclasses
import io
import re
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console

from stillhunt.errors import Problem
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
        "Not seen log cleared on web1",
        "Problem b.bin: bad (copy it again)",
        "Problem r.yml: rule does not run: broken (mend it or leave it out)",
        "Rules 2: 1 active, 0 dormant (no such source here), 1 inert",
        "1 case to look into, the most serious critical",
        "CRITICAL An intruder was on web1",
        "Break-in 24 August 2021 03:12 UTC; stayed about 14 months, to the end of the logs; 1 quiet period",
        "the longest about 7 months",
        "Assessment Not enough to name anyone.",
        "LOW web1, 24 August 2021 03:12 UTC; stayed about 14 months",
        "more cases in case.html: ",
        "Findings 3: 3 high",
        "Open out/case.html; beside it cases.json",
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


def test_wide_letters_do_not_break_the_frame(make_brief):
    text = _printed(make_brief(lambda s: s + "漢字" * 60))
    assert all(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) <= 80 for line in text.splitlines())


def test_a_terminal_without_unicode_gets_escapes_instead_of_an_error(make_brief):
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii"), width=80, highlight=False)
    render(make_brief(lambda s: s + "\u202e漢"), console)
    console.file.flush()
    assert b"\\u6f22" in raw.getvalue()


def test_a_long_path_keeps_its_end(make_brief):
    brief = make_brief()
    problem = Problem(code="source", message="is cut", where="/evidence/" + "folder/" * 20 + "Security.evtx:12")
    coverage = dataclasses.replace(brief.coverage, problems=(problem,))
    assert "Problem .../Security.evtx:12: is cut" in " ".join(
        _printed(dataclasses.replace(brief, coverage=coverage)).split()
    )
