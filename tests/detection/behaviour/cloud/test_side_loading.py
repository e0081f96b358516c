r"""Trusted programs beside unsigned libraries: told where few machines have them, graver where they call outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stillhunt.detection.behaviour.analytics.side_loading import is_open_folder
from stillhunt.telemetry.event import EventClass
from stillhunt.terms.level import Level

LOAD = EventClass(product="windows", categories=frozenset({"image_load"}), services=frozenset({"sysmon"}))
CALL = EventClass(product="windows", categories=frozenset({"network_connection"}), services=frozenset({"sysmon"}))
PROGRAM = "c:\\programdata\\calls\\assist.exe"


def at(day, hour=9):
    return datetime(2024, 1, 8, hour, tzinfo=UTC) + timedelta(days=day)


def load(told, day, *, host="pc1", program=PROGRAM, library="C:\\ProgramData\\Calls\\bridge.dll", signed="false"):
    fields = {"host.name": host, "process.executable": program, "ImageLoaded": library, "Signed": signed}
    told.add(LOAD, at(day), **fields)


def call(told, day, *, host="pc1", program=PROGRAM, target="8.8.4.4"):
    told.add(CALL, at(day, 10), **{"host.name": host, "process.executable": program, "destination.ip": target})


@pytest.fixture
def implant(empty):
    for day in (0, 7, 14, 30):
        load(empty, day)
    return empty


def test_an_unsigned_library_beside_a_program_in_an_open_folder_is_told(implant):
    (found,) = implant.observe("side_loading")
    assert found.sentence.startswith(f"On pc1 {PROGRAM} loaded bridge.dll without a signature from its own folder on 4")
    assert (found.level, found.count, found.n_days) == (None, 4, 4)


def test_it_is_graver_if_the_program_calls_outside_on_several_days(implant):
    for day in (1, 2):
        call(implant, day)
    (found,) = implant.observe("side_loading")
    assert found.level is None
    call(implant, 9)
    (found,) = implant.observe("side_loading", split=1)
    assert (found.level, found.techniques) == (Level.HIGH, ("T1574.001", "T1071"))
    assert ("address", "8.8.4.4", "destination") in found.entities


def test_calls_inside_the_house_make_it_no_graver(implant):
    for day in range(5):
        call(implant, day, target="10.0.0.9")
    assert [one.level for one in implant.observe("side_loading")] == [None]


@pytest.mark.parametrize(
    "fields",
    [
        {"signed": "true"},
        {"library": "c:\\windows\\system32\\bridge.dll"},
        {"program": "c:\\program files\\calls\\assist.exe", "library": "c:\\program files\\calls\\bridge.dll"},
        {"library": PROGRAM},
    ],
)
def test_what_software_does_is_no_finding(empty, fields):
    load(empty, 0, **fields)
    assert empty.observe("side_loading") == []


def test_what_many_machines_run_was_rolled_out(empty):
    for number in range(3):
        folder = f"c:\\users\\person{number}\\appdata\\roaming\\tool"
        load(empty, 0, host=f"pc{number}", program=f"{folder}\\tool.exe", library=f"{folder}\\part.dll")
    assert empty.observe("side_loading") == []


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        (r"c:\users\ann\appdata\roaming\x\a.exe", True),
        (r"c:\users\public\a.exe", True),
        (r"c:\users\ann\appdata\local\vendor\a.exe", False),
        (r"c:\programdata\microsoft\windows defender\a.exe", False),
        (r"c:\windows\system32\a.exe", False),
    ],
)
def test_open_folders_are_those_that_software_seldom_uses(path, is_open):
    assert is_open_folder(path) == is_open
