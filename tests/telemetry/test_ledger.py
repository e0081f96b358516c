"""Spans, silences, holes and impossible times are counted and said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stillhunt.telemetry.collect import Reading

START = datetime(2021, 1, 1, tzinfo=UTC)


def _hourly(evtx_dump, hours):
    return [evtx_dump(record=i, at=(START + timedelta(hours=h)).isoformat()) for i, h in enumerate(hours)]


def test_a_long_silence_in_a_busy_channel_is_a_gap(evtx_dump, write_lines, read):
    _, coverage = read(write_lines(_hourly(evtx_dump, [*range(200), *range(600, 800)])))
    [gap] = coverage.gaps
    assert (gap.start_at, gap.end_at) == (START + timedelta(hours=200), START + timedelta(hours=600))
    assert (gap.host, gap.channel) == ("ws1.corp.example", "Security")


def test_weekends_and_rare_channels_are_no_gaps(evtx_dump, write_lines, read):
    office = [h for h in range(24 * 60) if (h // 24) % 7 < 5 and 8 <= h % 24 < 18]
    assert read(write_lines(_hourly(evtx_dump, office)))[1].gaps == ()
    assert read(write_lines(_hourly(evtx_dump, range(0, 9000, 300))))[1].gaps == ()


def test_missing_record_ids_are_holes(evtx_dump, write_lines, read):
    _, coverage = read(write_lines([evtx_dump(record=i) for i in (5, 6, 9, 10)]))
    assert [(h.first_missing, h.last_missing) for h in coverage.record_holes] == [(7, 8)]


def test_an_impossible_time_widens_no_span_and_is_said(evtx_dump, write_lines, read):
    rows, coverage = read(write_lines([evtx_dump(at="1601-01-01T00:00:00Z"), evtx_dump(at="2021-01-01T00:00:00Z")]))
    assert len(rows) == 2
    assert coverage.hosts[0].first_at == START
    assert [r["@timestamp"] for r in sorted(rows, key=lambda r: r["event.record"])] == [None, START]
    [fault] = coverage.clocks
    assert (fault.n_events, fault.shift_s, fault.host) == (1, None, "ws1.corp.example")
    assert "dated 1601" in fault.why


def test_a_record_without_time_is_still_an_event(evtx_dump, write_lines, read):
    rows, coverage = read(write_lines([evtx_dump(at="soon")]))
    assert rows[0]["@timestamp"] is None
    assert coverage.classes[0].first_at is None


def test_asking_for_the_coverage_twice_says_nothing_twice(evtx_dump, write_lines):
    reading = Reading([write_lines([evtx_dump(record=3 * i) for i in range(30)])])
    list(reading.batches())
    assert reading.coverage() == reading.coverage()
    assert len(reading.coverage().problems) == 1
