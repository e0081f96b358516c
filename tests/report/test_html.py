"""The page is whole, quiet, small, and obeys nobody in the logs."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import msgspec
import pytest

from stillhunt.cases.habit import Habit
from stillhunt.report import brief as briefs
from stillhunt.report.brief import Brief
from stillhunt.report.renderers.html import render
from stillhunt.terms.level import Level

VOID = {"meta", "input", "br", "link", "img", "base", "hr"}
OURS = {"script": 1, "style": 1, "meta": 4, "form": 1}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.fixture(scope="session")
def page(make_brief):
    return render(make_brief())


def test_tags_are_balanced(page, hostile, empty):
    for text in (page, render(hostile), render(empty)):
        assert _read(text).open == []


def test_it_loads_nothing_from_anywhere(page, hostile):
    for text in (page, render(hostile)):
        reader = _read(text)
        loading = [(n, v) for _, n, v in reader.attributes if n in {"src", "srcset", "data", "action", "background"}]
        assert loading == []
        assert all(v.startswith("#") for _, n, v in reader.attributes if n == "href")
        assert "default-src 'none'" in text
        assert "url(" not in text.partition("</style>")[0]
        assert "@import" not in text.partition("</style>")[0]


def test_a_hostile_brief_adds_no_element_and_no_handler(page, hostile):
    honest, attacked = _read(page), _read(render(hostile))
    assert {t: n for t, n in attacked.counts.items() if t in OURS} == OURS
    assert attacked.counts.keys() <= honest.counts.keys()
    assert {n for _, n, _ in attacked.attributes} <= {n for _, n, _ in honest.attributes}
    handlers = [(t, n) for t, n, _ in attacked.attributes if n.startswith("on")]
    assert handlers == []


def test_hostile_characters_are_visible_marks(hostile):
    text = render(hostile)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\u27e8202E\u27e9" in text
    text.encode()


def test_templates_are_not_evaluated(hostile):
    assert "{{ 7*7 }}" in render(hostile)


@pytest.mark.parametrize(
    "words",
    [
        "An intruder was on web1",
        "24 August 2021 03:12 UTC",
        "about 14 months",
        "the logs end there: they may still be inside",
        "control shown",
        "Web Shell",
        "both on web1",
        "Not enough to name anyone.",
        "unknown group",
        "look for PlugX",
        "no logs of web1",
        "a.evtx",
        "Image|endswith: cmd.exe",
        "C:\\cmd.exe",
        "6 further records matched in the same way",
        "copy it again",
        "broken",
        "silent",
        "China Chopper (S0020)",
    ],
)
def test_it_tells(page, words):
    assert words in " ".join(_read(page).text)


def test_a_raw_record_is_one_click_away_and_pretty(page):
    reader = _read(page)
    assert any('{\n  "a": "b"\n}' in t for t in reader.text)


def test_a_huge_record_is_cut_and_said(make_brief):
    text = render(make_brief(raw="y" * 50_000))
    assert "cut after 16,000 of 50,000 characters" in text
    assert "y" * 16_001 not in text


@pytest.mark.parametrize("n_cases", [1, 100])
@pytest.mark.parametrize("raw", ["y" * 15_000, '"' * 15_000, '{"a": "' + "<" * 3_000 + '"}'])
def test_the_page_stays_small_whatever_is_found(make_brief, n_cases, raw):
    text = render(make_brief(n_cases=n_cases, n_findings=2_000, raw=raw))
    assert len(text.encode()) < (2_500_000 if n_cases == 1 else 10_000_000)
    assert "left out to keep this page small" in text
    assert "found no room on this page; findings.jsonl has them" in text


def test_the_gravest_finding_keeps_its_record_when_room_is_short(make_brief):
    brief = make_brief(n_findings=900, raw="y" * 15_000)
    last = brief.findings[-1]
    record = dataclasses.replace(last.evidence[0], original="the one that matters")
    grave = dataclasses.replace(
        last, detector=dataclasses.replace(last.detector, level=Level.CRITICAL), evidence=(record,)
    )
    assert "the one that matters" in render(dataclasses.replace(brief, findings=(*brief.findings[:-1], grave)))


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere(page, hostile, empty):
    for text in (page, render(hostile), render(empty)):
        reader = _read(text)
        ids = [v for _, n, v in reader.attributes if n == "id"]
        assert len(ids) == len(set(ids))
        assert {v[1:] for _, n, v in reader.attributes if n == "href"} <= set(ids)


def test_an_unbounded_string_is_cut_everywhere(make_brief):
    assert "z" * 2_001 not in render(make_brief(lambda s: s + "z" * 100_000))


def test_the_same_brief_gives_the_same_page(make_brief):
    assert render(make_brief()) == render(make_brief())


def test_nothing_found_is_said(empty):
    assert "could not have shown it" in render(empty)


def test_a_brief_survives_json(make_brief):
    brief = make_brief(n_cases=2)
    assert msgspec.json.decode(briefs.encode(brief), type=Brief) == brief


def test_habits_are_told_with_their_reason(make_brief):
    brief = make_brief()
    finding = brief.findings[0]
    habit = Habit(finding=finding.id, why="seen on 43 days <b>of the 60</b> of its host's logs")
    page = render(dataclasses.replace(brief, habits=(habit,)))
    assert "Habits of this estate" in page
    assert "43 days &lt;b&gt;of the 60&lt;/b&gt;" in page
    assert "Habits of this estate" not in render(brief)
