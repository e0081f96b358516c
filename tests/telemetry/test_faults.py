"""What can be wrong with logs is named, stops nothing, and is not seen where it is not.

Every fault is made from a sample of our own and read beside a log that is whole. ``said`` is all that a reader is
told: what could not be seen, problems, notes, signs of cut files, clocks, and what became of records.
"""

# ruff: noqa: E501 - records stand here as logs have them

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.coverage import Coverage
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.unseen import unseen
from stillhunt.telemetry.zone import read_zone

START = datetime(2021, 1, 4, tzinfo=UTC)
EVENTLOG = {"provider": "Microsoft-Windows-Eventlog", "channel": "Security"}
SYSMON = {"provider": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational"}
IIS = "#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status\n"
HEADINGS = "Level,Date and Time,Source,Event ID,Task Category\r\n"


def said(coverage: Coverage) -> str:
    told = [*unseen(coverage)]
    told += [f"{p.where}: {p.message}" for p in coverage.problems]
    told += [f"{f.path}: {f.note or f.source}" for f in coverage.files]
    told += [f"{f.path}:{s.record}: {s.reason}" for f in coverage.files for s in f.samples]
    told += [f"{t.path}: {t.sign}: {t.why}" for t in coverage.truncations]
    told += [f"{c.path}: {c.host}: {c.why}" for c in coverage.clocks]
    told += [f"{g.host} {g.channel}: {g.why}" for g in coverage.gaps]
    told += [f"{c.host}: {c.what}" for c in coverage.changes]
    told += [f"{h.path}: {h.channel}: {h.first_missing} to {h.last_missing}" for h in coverage.record_holes]
    return "\n".join(told)


@dataclass
class Bench:
    """A folder to put damaged logs into, with the makers of whole ones."""

    folder: Path
    event: Callable[..., dict]

    def write(self, name, content):
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def events(self, n=20, *, minutes=1, first=1, start=START, **fields):
        return [
            self.event(record=first + i, at=(start + timedelta(minutes=minutes * i)).isoformat(), **fields)
            for i in range(n)
        ]

    def lines(self, events):
        return "".join(json.dumps(event) + "\n" for event in events)

    def requests(self, n, *, step=timedelta(seconds=1), start=START):
        rows = (start + step * i for i in range(n))
        return IIS + "".join(f"{t:%Y-%m-%d %H:%M:%S} 10.0.0.5 GET /{i} 192.0.2.1 200\n" for i, t in enumerate(rows))

    def xml(self, n, *, data="x"):
        head = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='p'/><EventID>1</EventID>"
        return [
            f"{head}<TimeCreated SystemTime='2021-01-04T00:00:{i:02}Z'/><EventRecordID>{i}</EventRecordID><Channel>System</Channel>"
            f"<Computer>ws2</Computer></System><EventData><Data Name='a'>{data}</Data></EventData></Event>"
            for i in range(n)
        ]

    def table(self, times):
        return HEADINGS + "".join(f"Information,{time},Contoso,1,None,It went well.\r\n" for time in times)


def zipped(content, *, locked=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.json", content)
    packed = bytearray(out.getvalue())
    if locked:
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = packed.index(mark) + at
            struct.pack_into("<H", packed, place, struct.unpack_from("<H", packed, place)[0] | 1)
    return bytes(packed)


def broken(packed):
    half = len(packed) // 2
    return packed[:half] + bytes(byte ^ 0xFF for byte in packed[half : half + 200]) + packed[half + 200 :]


def shuffled(lines):
    random.Random(1).shuffle(lines)
    return "".join(lines)


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth + "\n"


FAULTS: dict[str, tuple[Callable[[Bench], None], list[str]]] = {
    "a file cut inside a record": (
        lambda b: b.write("cut.json", b.lines(b.events())[:-40]),
        ["cut.json: cut off", "is no JSON", "may stop short"],
    ),
    "a table cut inside a message": (
        lambda b: b.write(
            "cut.csv", b.table(["13.01.2021 10:00:00"] * 5) + 'Information,13.01.2021 10:00:00,Contoso,1,None,"It'
        ),
        ["opens quotes that do not end", "cut.csv: cut off"],
    ),
    "an export as XML cut inside an event": (
        lambda b: b.write("cut.xml", "".join(b.xml(5))[:-50]),
        ["breaks off before its end", "cut.xml: cut off"],
    ),
    "a name that says another format": (
        lambda b: b.write("security.evtx", b.lines(b.events())),
        ["security.evtx: windows_json"],
    ),
    "several formats in one folder": (
        lambda b: (
            b.write("a", b.requests(5)),
            b.write("b", "".join(b.xml(5))),
            b.write("c", b.table(["13.01.2021 10:00:00"])),
            b.write("d.png", b"\x89PNG\r\n"),
        ),
        ["a: iis", "b: windows_xml", "c: windows_csv", "an image, no log"],
    ),
    "an unknown format": (
        lambda b: b.write("odd.log", "a" * 500),
        ["odd.log: text of no known log format", "file not read"],
    ),
    "a capture of packets": (lambda b: b.write("x.pcap", b"\xd4\xc3\xb2\xa1" + b"\x00" * 20), ["a packet capture"]),
    "an empty file": (lambda b: b.write("empty.json", b""), ["empty.json: an empty file"]),
    "gzip without its tail": (
        lambda b: b.write("x.json.gz", gzip.compress(b.lines(b.events(400)).encode())[:-300]),
        ["x.json.gz: cannot be read to its end", "x.json.gz: cut off"],
    ),
    "gzip damaged half-way": (
        lambda b: b.write("x.json.gz", broken(gzip.compress(b.lines(b.events(4000)).encode()))),
        ["x.json.gz: cannot be read to its end", "x.json.gz: cut off"],
    ),
    "a zip archive behind a password": (
        lambda b: b.write("x.zip", zipped(b.lines(b.events()), locked=True)),
        ["x.zip!events.json", "password"],
    ),
    "a zip archive cut off": (lambda b: b.write("x.zip", zipped(b.lines(b.events(200)))[:200]), ["x.zip", "damaged"]),
    "an archive bomb": (
        lambda b: b.write("x.json.gz", gzip.compress(b.lines(b.events(2)).encode() + b" " * (280 << 20))),
        ["bomb"],
    ),
    "a record of the year 1601": (
        lambda b: b.write("x.json", b.lines([*b.events(), b.event(record=21, at="1601-01-01T00:00:00Z")])),
        ["1 record is dated 1601", "clock fault not corrected"],
    ),
    "records of a clock that was never set": (
        lambda b: b.write(
            "x.json", b.lines([*b.events(), *b.events(3, first=21, start=datetime(1970, 1, 1, tzinfo=UTC))])
        ),
        ["3 records are dated 1970"],
    ),
    "a record far in the future": (
        lambda b: b.write("x.json", b.lines([*b.events(200), b.event(record=201, at="2047-01-01T00:00:00Z")])),
        ["1 record is dated 2047", "all others end in 2021"],
    ),
    "columns that are missing": (
        lambda b: b.write("x.log", b.requests(9) + "2021-01-04 00:00:00 10.0.0.5 GET\n" + b.requests(9)),
        ["has 4 fields where its header names 7"],
    ),
    "exactly 50,000 rows": (
        lambda b: b.write("x.log", b.requests(50_000)),
        ["x.log: 50,000 records", "may stop short"],
    ),
    "exactly 5,000 rows": (lambda b: b.write("x.log", b.requests(5_000)), ["x.log: 5,000 records"]),
    "exactly 1,000 rows": (lambda b: b.write("x.json", b.lines(b.events(1_000))), ["x.json: 1,000 records"]),
    "a wall of 90 days": (
        lambda b: b.write("x.log", b.requests(90 * 12 - 3, step=timedelta(hours=2))),
        ["x.log: 90 days", "begins 90 days before its end"],
    ),
    "lines in no order": (
        lambda b: b.write("x.json", shuffled(b.lines(b.events(200, minutes=180)).splitlines(keepends=True))),
        ["x.json: its records lie in no order of time"],
    ),
    "two clocks in one record": (
        lambda b: b.write(
            "x.json",
            b.lines(
                [
                    b.event(
                        1,
                        record=i,
                        at=(START + timedelta(minutes=i)).isoformat(),
                        UtcTime=f"{START + timedelta(hours=7, minutes=i):%Y-%m-%d %H:%M:%S}.000",
                        **SYSMON,
                    )
                    for i in range(1, 20)
                ]
            ),
        ),
        ["Sysmon's time lies +7 hours from it", "shifted by +7 hours"],
    ),
    "two clocks for the same records in two files": (
        lambda b: (
            b.write("own.xml", "".join(b.xml(30))),
            b.write(
                "other.json",
                b.lines(
                    [
                        b.event(
                            1, record=i, at=f"2021-01-04T02:00:{i:02}", provider="p", channel="System", computer="ws2"
                        )
                        for i in range(30)
                    ]
                ),
            ),
        ),
        ["other.json: ws2: the same 30 records lie -2 hours from it there: every time here is shifted by -2 hours"],
    ),
    "times without a zone": (
        lambda b: b.write("x.csv", b.table(["13.01.2021 10:00:00"] * 7)),
        ["7 events name no time zone and were taken as UTC"],
    ),
    "dates that may be either": (
        lambda b: b.write("x.csv", b.table(["1/2/2021 10:00:00 AM"])),
        ["order of day and month"],
    ),
    "NUL bytes in a file": (
        lambda b: b.write(
            "x.json", b.lines(b.events()).encode() + b"\x00" * 5000 + b"\n" + b.lines(b.events(5, first=21)).encode()
        ),
        ["x.json:21: is no JSON"],
    ),
    "a line of 64 MB": (
        lambda b: b.write(
            "x.json", b.lines(b.events(5)) + '{"a": "' + "x" * (64 << 20) + '"}\n' + b.lines(b.events(5, first=6))
        ),
        ["x.json:6: is a line of more than 67,108,864 characters"],
    ),
    "objects nested without end": (
        lambda b: b.write("x.json", b.lines(b.events(5)) + nested(100_000) + b.lines(b.events(5, first=6))),
        ["x.json:6: is nested too deeply"],
    ),
    "an entity bomb in XML": (
        lambda b: b.write(
            "x.xml",
            "<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + "".join(b.xml(5)) + b.xml(1, data="&a;")[0] + "".join(b.xml(5)),
        ),
        ["event 6: is no XML: undefined entity"],
    ),
    "records missing by their ids": (
        lambda b: b.write("x.json", b.lines(b.events(200) + b.events(200, first=231))),
        ["30 records missing by their ids", "Security: 201 to 230"],
    ),
    "records that a file holds twice": (
        lambda b: b.write("x.json", b.lines(b.events(30) + b.events(10))),
        ["10 records of Security have an id that another record here has"],
    ),
    "records that two files hold": (
        lambda b: (b.write("x.json", b.lines(b.events(40))), b.write("y.json", b.lines(b.events(40)[5:]))),
        ["y.json: records of Security are in", "x.json as well"],
    ),
    "a silence against the log's rhythm": (
        lambda b: b.write(
            "x.json", b.lines([e for i, e in enumerate(b.events(900, minutes=60)) if not 400 <= i < 500])
        ),
        ["Security: silent for 100 hours", "1 gap in the logs"],
    ),
    "a log that was cleared": (
        lambda b: b.write("x.json", b.lines([*b.events(), b.event(1102, record=21, **EVENTLOG)])),
        ["security log cleared on ws1.corp.example, first at 24 August 2021"],
    ),
    "auditing that was switched off": (
        lambda b: b.write(
            "x.json", b.lines([*b.events(), b.event(4719, record=21, AuditPolicyChanges="%%8448, %%8450")])
        ),
        ["auditing switched off on ws1.corp.example"],
    ),
    "a log service that stopped": (
        lambda b: b.write("x.json", b.lines([*b.events(), b.event(1100, record=21, **EVENTLOG)])),
        ["ws1.corp.example: event log service stopped"],
    ),
}


def test_there_are_thirty_and_more():
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_stops_nothing(evtx_dump, tmp_path, fault):
    make, words = FAULTS[fault]
    bench = Bench(tmp_path, evtx_dump)
    bench.write("whole.json", bench.lines(bench.events(17, computer="DC1")))
    make(bench)
    reading = Reading([tmp_path])
    rows = sum(batch.data.num_rows for batch in reading.batches())
    coverage = reading.coverage()
    assert rows == coverage.n_events
    assert [f.n_events for f in coverage.files if f.path.endswith("whole.json")] == [17]
    for word in words:
        assert word in said(coverage)


def test_an_hour_that_came_twice_is_said(evtx_dump, tmp_path):
    bench = Bench(tmp_path, evtx_dump)
    bench.write("x.csv", bench.table(["31.10.2021 02:30:00", "28.03.2021 02:30:00"]))
    reading = Reading([tmp_path], options=ReadOptions(zone=read_zone("Europe/Berlin")))
    list(reading.batches())
    assert "1 event fell into an hour that came twice" in said(reading.coverage())
    assert "1 event fell into an hour that clocks skipped" in said(reading.coverage())


def alarms(coverage: Coverage) -> list[object]:
    found: list[object] = [*coverage.gaps, *coverage.truncations, *coverage.clocks, *coverage.problems]
    found += [change for change in coverage.changes if not change.is_routine]
    found += [hole for hole in coverage.record_holes if hole.is_telling]
    return found


WHOLE: dict[str, Callable[[Bench], None]] = {
    "events as JSON": lambda b: b.write("x.json", b.lines(b.events(300))),
    "events as JSON, latest first": lambda b: b.write("x.json", b.lines(b.events(300, minutes=180)[::-1])),
    "a year of web requests": lambda b: b.write("x.log", b.requests(9_000, step=timedelta(hours=1))),
    "a calendar month of web requests": lambda b: b.write(
        "x.log", b.requests(30 * 24, step=timedelta(hours=1), start=datetime(2021, 6, 1, tzinfo=UTC))
    ),
    "events as XML": lambda b: b.write("x.xml", "".join(b.xml(50))),
    "events as a table": lambda b: b.write("x.csv", b.table(["13.01.2021 10:00:00"] * 50)),
    "logs of one host in parts": lambda b: (
        b.write("a.json", b.lines(b.events(150))),
        b.write("b.json", b.lines(b.events(150, first=151))),
    ),
    "records of one host over two files by turns": lambda b: (
        b.write("a.json", b.lines(b.events(400)[::2])),
        b.write("b.json", b.lines(b.events(400)[1::2])),
    ),
    "an archive": lambda b: b.write("x.zip", zipped(b.lines(b.events(300)))),
}


@pytest.mark.parametrize("what", WHOLE)
def test_what_is_whole_raises_no_alarm(evtx_dump, tmp_path, what):
    WHOLE[what](Bench(tmp_path, evtx_dump))
    reading = Reading([tmp_path])
    list(reading.batches())
    assert alarms(reading.coverage()) == []


def test_ordinary_machines_over_months_have_no_gap_and_only_the_file_that_is_cut_is_said_to_be(shared_data, read):
    _, coverage = read(shared_data / "evtx" / "benign")
    assert coverage.gaps == ()
    # Its header says 96 chunks, and it has three.
    assert [Path(t.path).name for t in coverage.truncations] == ["plaso_System2.evtx"]
    [hole] = [h for h in coverage.record_holes if h.is_telling]
    # Two chunks of this shadow copy are zeros.
    assert (Path(hole.path).name, hole.first_missing, hole.last_missing) == ("2-vss_7-System.evtx", 1156, 1417)
    assert not any("no order" in p.message or "as well" in p.message for p in coverage.problems)


def test_short_captures_and_real_xml_have_neither_gaps_nor_cut_files(shared_data):
    reading = Reading([shared_data / "otrf-atomic" / "windows" / "discovery", shared_data / "linux"])
    for _ in reading.batches():
        pass
    coverage = reading.coverage()
    assert (coverage.gaps, coverage.truncations) == ((), ())
    assert not any("no order" in p.message for p in coverage.problems)


def test_a_real_log_cut_in_half_is_said_to_be(shared_data, tmp_path, read):
    content = (shared_data / "evtx" / "benign" / "security.evtx").read_bytes()
    (tmp_path / "x.evtx").write_bytes(content[: len(content) // 2])
    rows, coverage = read(tmp_path)
    assert len(rows) > 500
    assert [t.sign for t in coverage.truncations] == ["cut off"]
