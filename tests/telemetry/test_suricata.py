"""Suricata: EVE JSON, and alerts one per line."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

BASE = {
    "timestamp": "2023-05-04T10:11:12.123456+0200",
    "flow_id": 1,
    "src_ip": "10.0.0.5",
    "src_port": 49152,
    "dest_ip": "203.0.113.9",
    "dest_port": 443,
    "proto": "TCP",
}
ALERT = BASE | {
    "event_type": "alert",
    "alert": {"action": "allowed", "signature_id": 2013028, "signature": "ET POLICY curl", "severity": 1},
}


def eve(*records):
    return "".join(json.dumps(r) + "\n" for r in records)


def test_an_alert_says_what_and_between_whom(read, tmp_path):
    (tmp_path / "eve.json").write_text(eve(ALERT))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert (row["class"].product, row["class"].services) == ("suricata", {"alert"})
    assert row["@timestamp"].isoformat() == "2023-05-04T08:11:12.123456+00:00"
    assert (row["source.ip"], row["destination.ip"], row["destination.port"]) == ("10.0.0.5", "203.0.113.9", "443")
    assert (row["event.action"], row["alert.signature_id"]) == ("ET POLICY curl", "2013028")


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("dns", {"dns": {"type": "query", "rrname": "X.example", "rrtype": "TXT"}},
         {"destination.domain": "x.example", "query": "X.example", "record_type": "TXT", "event.action": "query"}),
        ("dns", {"dns": {"version": 3, "type": "response", "queries": [{"rrname": "x.example", "rrtype": "A"}],
                         "answers": [{"rrname": "x.example", "rdata": "192.0.2.1"}, {"rdata": "192.0.2.2"}]}},
         {"query": "x.example", "record_type": "A", "answer": ["192.0.2.1", "192.0.2.2"]}),
        ("http", {"http": {"hostname": "x.example", "url": "/a?b", "http_method": "GET", "status": 200}},
         {"destination.domain": "x.example", "url.path": "/a", "http.request.method": "GET",
          "http.response.status_code": "200"}),
        ("tls", {"tls": {"sni": "x.example"}}, {"destination.domain": "x.example", "tls.sni": "x.example"}),
        ("fileinfo", {"fileinfo": {"filename": "/a.exe", "sha256": "AB"}},
         {"file.path": "/a.exe", "file.hash.sha256": "ab"}),
        ("smtp", {"smtp": {"mail_from": "<B@x.example>"}, "email": {"subject": "s"}},
         {"email.sender.address": "b@x.example", "email.subject": "s"}),
        ("smb", {"smb": {"command": "SMB2_COMMAND_CREATE", "ntlmssp": {"domain": "CORP", "user": "Alice"}}},
         {"user.name": "corp\\alice", "event.action": "SMB2_COMMAND_CREATE"}),
        ("flow", {"flow": {"bytes_toclient": 5}}, {"flow.bytes_toclient": "5"}),
    ],
)  # fmt: skip
def test_each_kind_fills_the_common_columns_it_can(read, tmp_path, kind, fields, expected):
    (tmp_path / "eve.json").write_text(eve(BASE | {"event_type": kind} | fields))
    (row,), _ = read(tmp_path)
    assert row["class"].services == {kind}
    assert row["class"].categories == ({"dns"} if kind == "dns" else set())
    assert {name: row[name] for name in expected} == expected


def test_counters_are_no_events_and_strangers_are_counted(read, tmp_path):
    stats = {"timestamp": BASE["timestamp"], "event_type": "stats", "stats": {"uptime": 1}}
    (tmp_path / "eve.json").write_text(eve(stats, ALERT, {"a": 1}))
    rows, coverage = read(tmp_path)
    assert ([r["event.record"] for r in rows], coverage.n_unread) == ([2], 1)


FAST = (
    "05/04/2023-10:11:12.123456  [**] [1:2013028:4] ET POLICY curl [**] "
    "[Classification: Attempted Information Leak] [Priority: 2] {TCP} 10.0.0.5:49152 -> 203.0.113.9:443\n"
)


def alerts(content, **given):
    log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content.encode())), **given)
    return [row for _, row in SOURCES["suricata_fast"].read(log)], log


def test_an_alert_on_one_line_has_the_names_of_eve():
    (row,), log = alerts(FAST + "torn\n")
    assert row.at == datetime(2023, 5, 4, 10, 11, 12, 123456, tzinfo=UTC)
    assert row.native["alert.signature_id"] == "2013028"
    assert row.native["alert.category"] == "Attempted Information Leak"
    assert row.common == {
        "event.action": "ET POLICY curl",
        "source.ip": "10.0.0.5",
        "destination.ip": "203.0.113.9",
        "destination.port": "443",
    }
    assert (log.n_unread, log.n_zoneless) == (1, 1)
    assert recognise(FAST.encode()) == "suricata_fast"


def test_the_sensors_zone_and_the_missing_year_are_those_of_the_log():
    zone = timezone(timedelta(hours=2))
    content = FAST.replace("/2023-", "-") + FAST.replace("05/04/2023", "12/31")
    rows, _ = alerts(content, zone=zone, modified=datetime(2024, 6, 1, tzinfo=UTC))
    assert [row.at.isoformat() for row in rows] == [
        "2024-05-04T08:11:12.123456+00:00",
        "2023-12-31T08:11:12.123456+00:00",
    ]


@pytest.mark.parametrize(
    ("end", "address", "port"),
    [
        ("fe80::1:5353", "fe80::1", "5353"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001:80", "2001:db8::1", "80"),
        ("203.0.113.9", "203.0.113.9", None),
    ],
)
def test_a_port_is_told_from_an_address(end, address, port):
    (row,), _ = alerts(FAST.replace("203.0.113.9:443", end))
    assert row.common["destination.ip"] == address
    assert row.common.get("destination.port") == port


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_random_and_cut_content_raises_nothing_else(noise, end):
    for name, text in (("suricata_eve", eve(ALERT)), ("suricata_fast", FAST)):
        content = text.encode()[:end] + noise
        recognise(content)
        with contextlib.suppress(SourceError):
            list(SOURCES[name].read(LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))))
