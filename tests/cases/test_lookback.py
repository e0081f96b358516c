"""What only the intruder has is looked for in all events, and moves the break-in to where it was first seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from stillhunt.cases.lookback import traces
from stillhunt.cases.outside import outside
from stillhunt.cases.timeline import break_in
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.coverage import HostSpan
from stillhunt.telemetry.event import COMMON, EventBatch, EventClass
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

TOOL = "c:\\programdata\\tool.exe"


@pytest.fixture
def seen_before():
    def see(*events):
        columns = {
            name: pa.array([{"event.file": "log", **event}.get(name) for event in events], kind)
            for name, (kind, _) in COMMON.items()
        }
        trail = Trail()
        trail.observe(EventBatch(event_class=EventClass(product="any"), data=pa.RecordBatch.from_pydict(columns)))
        return trail

    return see


@pytest.fixture
def spans(at):
    return {
        host: HostSpan(host=host, n_events=9, first_at=at(2021, 1, 1), last_at=at(2022, 1, 1))
        for host in ("web1", "db1", "pc1", "pc2", "pc3")
    }


@pytest.fixture
def finding(make_finding, at):
    found = make_finding("injection", at(2021, 9, 1), tactics=("defense-evasion",))
    return replace(found, entities=(*found.entities, Entity(EntityKind.PROCESS, TOOL)))


def test_a_file_that_was_there_before_the_first_finding_dates_the_break_in(finding, seen_before, spans, at):
    dropped = at(2021, 6, 3, 4)
    trail = seen_before({"@timestamp": dropped, "host.name": "web1", "file.path": TOOL.upper()})
    started = break_in([finding], trail, spans)
    assert (started.latest, started.host, started.is_censored) == (dropped, "web1", True)
    assert any("they were in before that" in ground and TOOL in ground for ground in started.grounds)


def test_an_address_that_knocked_before_bounds_the_break_in(make_finding, seen_before, spans, at):
    shell = make_finding("shell", at(2021, 9, 1), address="203.0.113.9", tactics=("persistence",))
    trail = seen_before({"@timestamp": at(2021, 8, 25), "host.name": "web1", "source.ip": "203.0.113.9"})
    started = break_in([shell], trail, spans)
    assert (started.earliest, started.latest) == (at(2021, 8, 25), at(2021, 9, 1))


def test_what_was_there_when_the_logs_began_is_no_trace(finding, seen_before, spans, at):
    trail = seen_before({"@timestamp": at(2021, 1, 1, 5), "host.name": "web1", "file.path": TOOL})
    assert traces([finding], outside(trail), spans) == ()


def test_what_other_hosts_have_as_well_is_no_trace(finding, seen_before, spans, at):
    trail = seen_before(
        {"@timestamp": at(2021, 6, 1), "host.name": "web1", "file.path": TOOL},
        {"@timestamp": at(2021, 6, 1), "host.name": "pc2", "file.path": TOOL},
    )
    assert traces([finding], outside(trail), spans) == ()


def test_a_program_of_the_system_is_no_trace(make_finding, seen_before, spans, at):
    shell = "c:\\windows\\system32\\cmd.exe"
    found = make_finding("shell", at(2021, 9, 1))
    found = replace(found, entities=(*found.entities, Entity(EntityKind.PROCESS, shell)))
    trail = seen_before({"@timestamp": at(2021, 6, 1), "host.name": "web1", "process.executable": shell})
    assert traces([found], outside(trail), spans) == ()


def test_what_only_a_low_finding_names_is_no_trace(finding, seen_before, spans, at):
    low = replace(finding, detector=replace(finding.detector, level=Level.LOW))
    trail = seen_before({"@timestamp": at(2021, 6, 3), "host.name": "web1", "file.path": TOOL})
    assert traces([low], outside(trail), spans) == ()


def test_a_file_brought_just_before_it_was_run_is_one_entry(make_finding, seen_before, spans, at):
    run = make_finding("opened", at(2021, 9, 1), tactics=("initial-access",))
    run = replace(run, entities=(*run.entities, Entity(EntityKind.PROCESS, TOOL)))
    trail = seen_before({"@timestamp": at(2021, 9, 1) - timedelta(minutes=5), "host.name": "web1", "file.path": TOOL})
    started = break_in([run], trail, spans)
    assert (started.earliest, started.latest) == (at(2021, 9, 1), at(2021, 9, 1))


def _act(at, account="corp\\anna", address="203.0.113.9", **rest):
    return {"@timestamp": at, "host.name": "web1", "user.name": account, "source.ip": address, **rest}


def test_an_account_that_came_from_an_address_of_the_case_was_them(make_finding, seen_before, spans, at):
    shell = make_finding("shell", at(2021, 9, 1), account="corp\\anna", address="203.0.113.9", tactics=("collection",))
    trail = seen_before(
        _act(at(2021, 5, 1)), _act(at(2021, 8, 1)), _act(at(2021, 2, 1), **{"event.outcome": "failure"})
    )
    started = break_in([shell], trail, spans)
    assert started.latest == at(2021, 5, 1)
    assert any("corp\\anna acts from 203.0.113.9 for the first time" in ground for ground in started.grounds)


@pytest.mark.parametrize(
    "event",
    [
        {"account": "corp\\bert"},
        {"address": "10.0.0.9"},
        {"at": (2021, 1, 1, 5)},
    ],
    ids=["another account", "an address inside", "from the beginning"],
)
def test_what_need_not_be_them_is_no_trace(make_finding, seen_before, spans, at, event):
    shell = make_finding("shell", at(2021, 9, 1), account="corp\\anna", tactics=("collection",))
    when = at(*event.pop("at", (2021, 8, 20)))
    assert traces([shell], outside(seen_before(_act(when, **event))), spans) == ()


def test_a_house_is_not_a_person(make_finding, seen_before, spans, at):
    shell = make_finding("shell", at(2021, 9, 1), account="corp\\anna", tactics=("collection",))
    crowd = [_act(at(2021, 8, 20), account=f"corp\\user{n}") for n in range(8)]
    assert traces([shell], outside(seen_before(_act(at(2021, 8, 20)))), spans)
    assert traces([shell], outside(seen_before(_act(at(2021, 8, 20)), *crowd)), spans) == ()
