"""What wevtutil prints is read block by block."""

# ruff: noqa: E501 - records stand here as logs have them

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.telemetry.retrieve import retrieve
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources.windows_text import SOURCE


def block(number, *, event_id="4688", date="2021-08-24T05:12:09.123"):
    return (
        f"Event[{number}]:\r\n  Log Name: Security\r\n  Source: Microsoft-Windows-Security-Auditing\r\n  Date: {date}\r\n"
        f"  Event ID: {event_id}\r\n  Task: Process Creation\r\n  Level: Information\r\n  Opcode: Info\r\n"
        "  Keyword: Audit Success\r\n  User: N/A\r\n  User Name: N/A\r\n  Computer: WS1.corp.example\r\n  Description: \r\n"
        "A new process has been created.\r\n\r\nProcess Information:\r\n\tNew Process Name:\tC:\\a.exe\r\n\r\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_block_is_an_event(read, tmp_path, encoding):
    path = tmp_path / "log.txt"
    path.write_bytes(
        (block(0) + block(1).replace("]:", "]") + block(2, date="2021-08-24T05:12:09.1230000Z")).encode(encoding)
    )
    rows, coverage = read(path)
    assert ([f.source for f in coverage.files], coverage.n_events, coverage.n_unread) == (["windows_text"], 3, 0)
    assert {r["@timestamp"].isoformat() for r in rows} == {"2021-08-24T05:12:09.123000+00:00"}
    assert (rows[0]["NewProcessName"], rows[0]["host.name"], rows[0]["Channel"]) == (
        "C:\\a.exe",
        "ws1.corp.example",
        "Security",
    )
    assert rows[0]["class"].categories == {"process_creation"}
    assert coverage.files[0].n_zoneless == 2


def test_a_block_without_an_event_id_is_counted(read, tmp_path):
    (tmp_path / "x").write_text(block(0) + block(1, event_id="?") + block(2)[:60])
    _, coverage = read(tmp_path)
    assert (coverage.n_events, coverage.n_unread) == (1, 2)


def test_a_block_is_found_again_by_its_line(tmp_path):
    path = tmp_path / "x"
    path.write_text(block(0) + block(1, event_id="4689"))
    [record] = retrieve(str(path), block(0).count("\n") + 1)
    assert record.batch.data.to_pylist()[0]["EventID"] == "4689"


@settings(max_examples=40, deadline=None)
@given(rubbish=st.binary(max_size=300), at=st.integers(0, 600))
def test_no_damage_stops_the_reading(rubbish, at):
    content = (block(0) + block(1)).encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content[:at] + rubbish + content[at:])))
    for _ in SOURCE.into_outlet(log):
        pass
    assert log.n_events + log.n_unread >= 1
