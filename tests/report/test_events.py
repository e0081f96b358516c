"""A case as a list of moments reads well, loses nothing, and obeys nobody in the logs."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from stillhunt.report.events import as_csv, as_json_lines, as_timesketch, moments, timeline_lines


@pytest.fixture
def told(make_brief):
    brief = make_brief()
    case = brief.cases[0]
    findings = [finding for finding in brief.findings if finding.id in case.findings]
    return case, moments(findings), findings


def test_every_record_that_is_kept_is_a_moment_in_order_of_time(told):
    _, found, findings = told
    assert len(found) == sum(len(finding.evidence) for finding in findings)
    times = [m.at for m in found if m.at]
    assert times == sorted(times)
    assert sum(1 + m.n_more for m in found) == sum(f.count for f in findings)


def test_a_timeline_is_told_by_day_and_full_with_every_record(told):
    case, found, _ = told
    grouped, full = list(timeline_lines(case, found)), list(timeline_lines(case, found, is_full=True))
    assert grouped[0].startswith(f"{case.id}  {case.level}")
    assert len(full) >= len(grouped)
    assert all(any(m.finding in line for line in full) for m in found)


def test_only_the_time_asked_for_is_told_and_the_rest_counted(told):
    case, found, _ = told
    last = max(m.at for m in found if m.at)
    lines = list(timeline_lines(case, found, since=last + timedelta(seconds=1)))
    assert lines[1].endswith("outside the time asked for")
    assert len(lines) == 2


def test_fifty_thousand_moments_of_a_day_take_a_screen(told):
    case, found, _ = told
    timed = next(m for m in found if m.at)
    assert len(list(timeline_lines(case, [timed] * 50_000))) < 10


def test_every_export_holds_every_moment(told):
    case, found, _ = told
    lines = list(as_json_lines(found))
    assert [json.loads(line)["finding"] for line in lines] == [m.finding for m in found]
    sketch = [json.loads(line) for line in as_timesketch(case, found)]
    assert len(sketch) == sum(m.at is not None for m in found)
    assert all({"message", "datetime", "timestamp_desc"} <= line.keys() for line in sketch)
    rows = list(csv.DictReader(io.StringIO("\n".join(as_csv(found)))))
    assert [row["finding"] for row in rows] == [m.finding for m in found]


def test_a_hostile_log_writes_no_formula_and_moves_no_cursor(hostile):
    found = moments(hostile.findings)
    text = "\n".join([*as_csv(found), *timeline_lines(hostile.cases[0], found, is_full=True)])
    assert not set(text) & {"\x1b", "\x00", "\x9b", "\u202e"}
    for row in csv.reader(io.StringIO("\n".join(as_csv(found)))):
        assert not any(cell.lstrip()[:1] in set("=+-@|%") for cell in row)
