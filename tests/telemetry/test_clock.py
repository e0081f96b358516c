"""Clocks that disagree are found, judged and said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

SYSMON = {"provider": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational"}
START = datetime(2023, 8, 15, 21, 0, tzinfo=UTC)


def _events(evtx_dump, offset, event_id=1, n=20):
    for i in range(n):
        at = START + timedelta(minutes=i)
        own = at + offset + timedelta(milliseconds=i)
        yield evtx_dump(event_id, at=at.isoformat(), UtcTime=own.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], **SYSMON)


def test_local_time_labelled_as_utc_is_shifted(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(hours=7)))))
    [fault] = coverage.clocks
    assert (fault.shift_s, fault.n_events, fault.host) == (25_200, 20, "ws1.corp.example")
    assert coverage.hosts[0].first_at == START + timedelta(hours=7)


def test_half_hour_zones_are_zones(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(hours=-3, minutes=-30)))))
    assert coverage.clocks[0].shift_s == -12_600


def test_clocks_that_agree_say_nothing(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(seconds=1)))))
    assert coverage.clocks == ()
    assert coverage.hosts[0].first_at == START


def test_an_odd_difference_is_said_and_shifts_nothing(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(minutes=22)))))
    assert [c.shift_s for c in coverage.clocks] == [None]
    assert coverage.hosts[0].first_at == START


def test_one_event_id_with_a_clock_of_its_own_is_distrusted(evtx_dump, write_lines, read):
    events = [*_events(evtx_dump, timedelta(hours=7)), *_events(evtx_dump, timedelta(days=-5), event_id=3)]
    _, coverage = read(write_lines(events))
    assert [(c.distrusted, c.shift_s) for c in coverage.clocks] == [
        ("system time", 25_200),
        ("UtcTime of Sysmon event 3", None),
    ]


def test_two_records_are_too_few_to_judge(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(hours=7), n=2))))
    assert coverage.clocks == ()


def _flat(offset, delay, n=20, zone="Z"):
    for i in range(n):
        at = START + timedelta(minutes=i)
        received = at + offset + timedelta(seconds=delay(i))
        yield {
            "EventTime": at.strftime("%Y-%m-%d %H:%M:%S"),
            "@timestamp": received.strftime("%Y-%m-%dT%H:%M:%S") + zone,
            "Hostname": "DC1",
            "Channel": "Security",
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "EventID": 4624,
        }


def test_a_time_without_zone_gets_the_zone_of_the_collectors(write_lines, read):
    _, coverage = read(write_lines(list(_flat(timedelta(hours=4), lambda i: 3 + i % 5))))
    [fault] = coverage.clocks
    assert (fault.shift_s, fault.trusted) == (14_400, "the collector's @timestamp")
    assert coverage.hosts[0].first_at == START + timedelta(hours=4)


def test_a_collector_that_lags_without_rule_shifts_nothing(write_lines, read):
    _, coverage = read(write_lines(list(_flat(timedelta(0), lambda i: 400 * i))))
    assert coverage.clocks == ()


def test_times_that_differ_without_rule_are_said_and_shift_nothing(evtx_dump, write_lines, read):
    events = [e for i in range(9) for e in _events(evtx_dump, timedelta(minutes=17 * i), n=1)]
    _, coverage = read(write_lines(events))
    assert [(c.distrusted, c.shift_s) for c in coverage.clocks] == [("UtcTime of Sysmon", None)]


def test_a_difference_of_days_is_no_time_zone(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(list(_events(evtx_dump, timedelta(days=30)))))
    assert [c.shift_s for c in coverage.clocks] == [None]


@pytest.mark.slow
def test_the_three_clocks_of_the_lsass_cases_are_told_apart(shared_data, read):
    _, coverage = read(shared_data / "intrusions" / "otrf-lsass-01")
    main, *others = coverage.clocks
    assert main.shift_s % 3600 == 0
    assert coverage.hosts[0].first_at.isoformat().startswith("2023-08-16T04:53")
    assert any(c.distrusted == "UtcTime of Sysmon event 3" and c.shift_s is None for c in others)
