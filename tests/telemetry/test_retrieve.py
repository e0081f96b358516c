"""One record read again has the fields that it had in the hunt, wherever it lies."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from stillhunt.errors import SourceError, UnknownNameError
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.retrieve import retrieve, split_place
from stillhunt.telemetry.sources import windows_json

W3C = (
    "#Software: Microsoft Internet Information Services 10.0\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status\r\n"
    "2021-08-24 03:12:09 10.0.0.5 GET /a 203.0.113.9 200\r\n"
    "2021-08-24 03:12:10 10.0.0.5 GET /b 203.0.113.9\r\n"
    "#Date: 2021-08-25 00:00:00\r\n"
    "#Fields: time s-computername cs-method cs-uri-stem c-ip sc-status\r\n"
    "03:13:00 MAIL01 GET /c 203.0.113.9 404\r\n"
)


def plain(event):
    """Fields that say something, but for the place, which is that in an excerpt."""
    row = event.data.to_pylist()[0]
    return {name: value for name, value in row.items() if value is not None and name != "event.place"}


def whole(path):
    """All events of a path as a hunt reads them, by file and number."""
    found = {}
    for batch in Reading([Path(path)]).batches():
        for row in batch.data.to_pylist():
            key = row["event.file"], row["event.record"]
            fields = {name: value for name, value in row.items() if value is not None and name != "event.place"}
            found.setdefault(key, []).append((batch.event_class, fields))
    return found


def assert_all_come_back(path):
    found = whole(path)
    assert found
    for (file, number), events in found.items():
        again = [(event.batch.event_class, plain(event.batch)) for event in retrieve(file, number)]
        assert sorted(again, key=str) == sorted(events, key=str)


@pytest.fixture
def events(evtx_dump):
    return [evtx_dump(record=100 + n, SubjectUserName=f"user{n}", NewProcessName=f"C:\\p{n}.exe") for n in range(5)]


def lines_of(events):
    return "".join(json.dumps(event) + "\n" for event in events)


def in_lines(events, folder):
    (folder / "a.json").write_text(lines_of(events))


def in_lines_with_mark_and_gaps(events, folder):
    parts = [json.dumps(event) for event in events]
    (folder / "a.json").write_text("\ufeff" + "\n\n".join(parts[:3]) + "\nno json\n" + "\n".join(parts[3:]))


def in_an_array(events, folder):
    (folder / "a.json").write_text(json.dumps(events, indent=2))


def in_an_array_by_line(events, folder):
    (folder / "a.json").write_text("[\n" + ",\n".join(json.dumps(event) for event in events) + "\n]\n")


def in_an_indented_array_by_line(events, folder):
    """Numbered by their order: that line two is no record two must not mislead."""
    (folder / "a.json").write_text("[\n" + ",\n".join("  " + json.dumps(event) for event in events) + "\n]\n")


def in_wrappers(events, folder):
    (folder / "a.json").write_text(json.dumps({"records": events[:2]}) + "\n" + lines_of(events[2:]))


def in_utf_16(events, folder):
    (folder / "a.json").write_text(lines_of(events), "utf-16")


def in_gzip(events, folder):
    (folder / "a.json.gz").write_bytes(gzip.compress(lines_of(events).encode()))


def in_an_archive(events, folder):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("ws1!x.json", lines_of(events[:2]))
        archive.writestr("deeper/ws2.json.gz", gzip.compress(lines_of(events[2:]).encode()))


SHAPES = [
    in_lines,
    in_lines_with_mark_and_gaps,
    in_an_array,
    in_an_array_by_line,
    in_an_indented_array_by_line,
    in_wrappers,
    in_utf_16,
    in_gzip,
    in_an_archive,
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_json_comes_back_in_every_shape(shape, events, tmp_path):
    shape(events, tmp_path)
    assert_all_come_back(tmp_path)


def test_lines_longer_than_what_is_read_at_once_come_back(events, tmp_path, evtx_dump, monkeypatch):
    monkeypatch.setattr(windows_json, "_CHUNK", 300)
    in_lines([*events, evtx_dump(record=7, CommandLine="x" * 200_000), *events], tmp_path)
    assert_all_come_back(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_web_log_keeps_the_header_above_the_line(tmp_path, encoding):
    (tmp_path / "u.log").write_bytes(W3C.encode(encoding))
    assert_all_come_back(tmp_path)
    (event,) = retrieve(str(tmp_path / "u.log"), 7)
    assert plain(event.batch)["@timestamp"].isoformat() == "2021-08-25T03:13:00+00:00"
    assert event.original == "03:13:00 MAIL01 GET /c 203.0.113.9 404"


def test_a_web_log_with_an_endless_line_is_read_as_a_whole(tmp_path):
    long = f"2021-08-24 03:12:09 10.0.0.5 GET /{'é' * (1 << 20)} 203.0.113.9 200\r\n"
    (tmp_path / "u.log").write_bytes((W3C[: W3C.index("2021-")] + long + W3C[W3C.index("2021-") :]).encode())
    assert_all_come_back(tmp_path)


def test_the_raw_record_comes_back(events, tmp_path):
    in_lines(events, tmp_path)
    (event,) = retrieve(str(tmp_path / "a.json"), 3)
    assert json.loads(event.original) == events[2]


@pytest.mark.parametrize(
    ("file", "number", "words"),
    [
        ("nowhere.json", 1, "no such file"),
        ("a.zip!nowhere.json", 1, "no such member"),
        ("a.json", 6, "no event with the number 6"),
        ("a.json", 0, "no event with the number 0"),
        ("a.json", 10**17, "no event with the number"),
    ],
)
def test_what_is_not_there_is_said(events, tmp_path, monkeypatch, *, file, number, words):
    monkeypatch.chdir(tmp_path)
    in_lines(events, tmp_path)
    in_an_archive(events, tmp_path)
    with pytest.raises(UnknownNameError, match=words):
        retrieve(file, number)


def test_a_file_that_is_no_log_is_said(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(SourceError, match="no source reads it"):
        retrieve(str(tmp_path / "a.bin"), 1)


def test_a_damaged_archive_is_said(events, tmp_path):
    in_gzip(events, tmp_path)
    path = tmp_path / "a.json.gz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises((SourceError, UnknownNameError)):
        retrieve(str(path), 5)


@pytest.mark.parametrize("place", ["a.json", "a.json:", ":3", "a.json:x", "a.json:-1", "a.json:" + "9" * 30, ""])
def test_a_place_is_a_file_and_a_number(place):
    with pytest.raises(UnknownNameError, match="names no record"):
        split_place(place)


def test_a_place_may_hold_colons_and_exclamation_marks():
    assert split_place("C:\\logs\\a.zip!b:1.json:42") == ("C:\\logs\\a.zip!b:1.json", 42)


@pytest.mark.parametrize(
    "name",
    [
        "attack-samples/Privilege_Escalation/sysmon_1_7_11_mcx2prov_uacbypass.evtx",
        "deepblue/metasploit-psexec-native-target-system.evtx",
        "damaged-or-odd",
    ],
)
def test_records_of_event_logs_come_back(shared_data, name):
    assert_all_come_back(shared_data / "evtx" / name)
