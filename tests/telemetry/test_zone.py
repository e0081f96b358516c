"""Zones are read as people give them, and local hours that are not clear are settled alike wherever they stand."""

# ruff: noqa: DTZ001, DTZ901 - times without zone are what this is about

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stillhunt.errors import UnknownNameError
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.zone import Doubt, fitting_zone, in_utc, read_zone, zone_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("UTC", "UTC"),
        ("z", "UTC"),
        ("+00:00", "UTC"),
        ("+02:00", "+02:00"),
        ("-0330", "-03:30"),
        ("UTC+5:45", "+05:45"),
        ("+9", "+09:00"),
        ("europe/berlin", "Europe/Berlin"),
        ("Asia/Tehran", "Asia/Tehran"),
    ],
)
def test_names_and_offsets_are_zones(text, words):
    assert zone_words(read_zone(text)) == words


@pytest.mark.parametrize(("text", "hint"), [("Europe/Berln", "Europe/Berlin"), ("+25:00", "+02:00"), ("", "+02:00")])
def test_what_is_no_zone_is_refused_with_what_to_write(text, hint):
    with pytest.raises(UnknownNameError) as raised:
        read_zone(text)
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("local", "zone", "utc", "doubt"),
    [
        ("2021-10-31T02:30", "Europe/Berlin", "2021-10-31T00:30", Doubt.TWICE),
        ("2021-10-31T03:00", "Europe/Berlin", "2021-10-31T02:00", Doubt.NONE),
        ("2021-03-28T02:30", "Europe/Berlin", "2021-03-28T01:30", Doubt.NEVER),
        ("2021-11-07T01:30", "America/New_York", "2021-11-07T05:30", Doubt.TWICE),
        ("2021-04-04T01:45", "Australia/Lord_Howe", "2021-04-03T14:45", Doubt.TWICE),
        ("2021-10-31T02:30", "+01:00", "2021-10-31T01:30", Doubt.NONE),
    ],
)
def test_hours_that_came_twice_or_never_are_known(local, zone, utc, doubt):
    found, why = in_utc(datetime.fromisoformat(local), read_zone(zone))
    assert (found.replace(tzinfo=None).isoformat(timespec="minutes"), why) == (utc, doubt)


def test_a_log_counts_times_without_zone_and_leaves_the_others_alone():
    log = LogFile(name="x", stream=None, zone=ZoneInfo("Europe/Berlin"))
    assert log.utc(datetime(2021, 7, 1, 12)).hour == 10
    assert log.utc(datetime(2021, 7, 1, 12, tzinfo=UTC)).hour == 12
    assert log.utc(datetime.min) == datetime.min.replace(tzinfo=UTC)
    assert log.n_zoneless == 2


def test_the_zone_that_explains_all_offsets_is_found():
    winter, summer = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 7, 1, tzinfo=UTC)
    assert zone_words(fitting_zone([(winter, 3600), (summer, 7200)])) == "Europe/Berlin"
    assert zone_words(fitting_zone([(winter, -18_000), (summer, -14_400)])) == "America/New_York"
    assert zone_words(fitting_zone([(winter, 39_600), (summer, 36_000)])) == "Australia/Sydney"
    assert fitting_zone([(winter, 19_800)]).utcoffset(None) == timedelta(hours=5, minutes=30)
    assert fitting_zone([(winter, 3600), (winter, 7200)]) is None
    paris = ZoneInfo("Europe/Paris")
    assert fitting_zone([(winter, 3600), (summer, 7200)], given=paris) is paris
