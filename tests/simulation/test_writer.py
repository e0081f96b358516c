"""Every record could stand in a real export: valid, in order, at home in its shape, and of nobody."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from itertools import pairwise

START, END = datetime(2021, 6, 1, tzinfo=UTC), datetime(2022, 10, 29, tzinfo=UTC)
INVENTED = [ip_network(n) for n in ("10.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
INVENTED_6 = [ip_network("2001:db8::/32")]
ADDRESS_FIELDS = ("IpAddress", "SourceIp", "DestinationIp")


def is_invented(text):
    address = ip_address(text.removeprefix("::ffff:"))
    return any(address in network for network in (INVENTED if address.version == 4 else INVENTED_6))


def test_the_truth_counts_every_event_of_every_file(electoral, records, requests):
    assert len(records) + len(requests) == electoral.truth.n_events
    names = {p.relative_to(electoral.folder).as_posix() for p in electoral.folder.rglob("*") if p.is_file()}
    assert names == {"truth.json", "README.txt", *electoral.truth.inputs}


def test_record_ids_rise_with_time_in_every_channel(records):
    channels = defaultdict(list)
    for record in records:
        channels[record.host, record.channel].append((record.at, record.record_id))
    assert len(channels) > 15
    for events in channels.values():
        ordered = sorted(events, key=lambda e: e[1])
        assert len({number for _, number in events}) == len(events)
        assert all(a[0] <= b[0] for a, b in pairwise(ordered))


def test_only_a_cleared_log_has_holes(quiet_records):
    channels = defaultdict(list)
    for record in quiet_records:
        channels[record.host, record.channel].append(record.record_id)
    assert all(max(ids) - min(ids) + 1 == len(ids) for ids in channels.values())


def test_every_event_lies_within_the_months_of_the_scenario(electoral, records, requests):
    assert all(START <= datetime.fromisoformat(r.at) <= END for r in records)
    assert all(START <= datetime.fromisoformat(f"{r['date']}T{r['time']}Z") <= END for r in requests)
    assert all(r["file"] == f"u_ex{r['date'][2:4]}{r['date'][5:7]}.log" for r in requests)


def test_every_month_of_the_estate_is_alive(records, requests):
    months = {f"{y}-{m:02}" for y, m in [(2021, m) for m in range(6, 13)] + [(2022, m) for m in range(1, 11)]}
    for host in ("MAIL01", "DC01", "FILE01"):
        assert {r.at[:7] for r in records if r.host.startswith(host)} == months
    assert {r["date"][:7] for r in requests} == months


def test_weekends_are_quieter_than_working_days(records):
    logons = [datetime.fromisoformat(r.at).weekday() for r in records if r.event_id == 4624]
    weekend = sum(day >= 5 for day in logons) / 2
    working = sum(day < 5 for day in logons) / 5
    assert weekend < working / 2


def test_every_address_is_from_the_documentation_ranges_or_inside(records, requests):
    found = {r["c-ip"] for r in requests} | {r["s-ip"] for r in requests}
    found |= {r.data[f] for r in records for f in ADDRESS_FIELDS if r.data.get(f, "-") not in {"-", ""}}
    assert len(found) > 30
    assert all(map(is_invented, found))


def test_every_host_and_site_is_an_example(records):
    assert all(r.host.endswith(".elections.example") for r in records)
    assert all(r.data["QueryName"].endswith(".example") for r in records if r.event_id == 22)


def test_processes_have_identities_of_their_own_and_known_parents(records):
    for host in ("MAIL01", "FILE01"):
        started = [r.data for r in records if r.event_id == 1 and r.host.startswith(host) and "ProcessGuid" in r.data]
        guids = [d["ProcessGuid"] for d in started]
        assert len(set(guids)) == len(guids)
        assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", g) for g in guids)
        by_guid = {d["ProcessGuid"]: d for d in started}
        children = [d for d in started if d["ParentProcessGuid"] in by_guid]
        assert children
        for child in children:
            parent = by_guid[child["ParentProcessGuid"]]
            assert (child["ParentProcessId"], child["ParentImage"]) == (parent["ProcessId"], parent["Image"])
            assert child["UtcTime"] >= parent["UtcTime"]


def test_the_two_logs_of_a_process_start_agree(records):
    sysmon = {
        (r.data["ProcessId"], r.data["CommandLine"])
        for r in records
        if r.host.startswith("MAIL01") and r.event_id == 1 and "ProcessGuid" in r.data
    }
    security = {
        (int(r.data["NewProcessId"], 16), r.data["CommandLine"])
        for r in records
        if r.host.startswith("MAIL01") and r.event_id == 4688
    }
    assert len(security) > 300
    assert security <= sysmon


def test_a_workstation_speaks_as_winlogbeat_does(records):
    data = [r.data for r in records if "/workstations/" in r.path]
    assert data
    assert all(isinstance(value, str) for d in data for value in d.values())
    assert all(re.fullmatch(r"\{[0-9a-f-]{36}\}", d["ProcessGuid"]) for d in data if "ProcessGuid" in d)


def test_a_session_that_ends_has_begun(records):
    for host in {r.host for r in records}:
        opened = {r.data["TargetLogonId"] for r in records if r.host == host and r.event_id == 4624}
        closed = {r.data["TargetLogonId"] for r in records if r.host == host and r.event_id == 4634}
        lost = 40 if host.startswith("MAIL01") else 0  # sessions opened before the log was cleared
        assert len(closed - opened) <= lost


def test_lines_of_the_web_log_are_whole_and_in_order(requests):
    order = [(r["date"], r["time"]) for r in requests]
    assert order == sorted(order)
    assert {len(r) for r in requests} == {16}


def test_compressed_files_carry_no_time_of_their_own(electoral):
    compressed = list(electoral.folder.rglob("*.gz"))
    assert compressed
    assert all(path.read_bytes()[4:8] == bytes(4) for path in compressed)
    assert all(gzip.decompress(path.read_bytes()).endswith(b"\n") for path in compressed)
