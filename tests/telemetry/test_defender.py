"""Defender's tables and alerts, and Azure Monitor's tables of Linux hosts."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

AT = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
ROW = {
    "Timestamp": "2024-02-03T04:05:06Z",
    "DeviceName": "WS1.corp.example",
    "InitiatingProcessFolderPath": "c:\\windows\\explorer.exe",
    "InitiatingProcessFileName": "explorer.exe",
    "InitiatingProcessCommandLine": "explorer",
    "InitiatingProcessAccountDomain": "corp",
    "InitiatingProcessAccountName": "bob",
}


def read(source, text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    return list(SOURCES[source].read(log)), log


def as_csv(row):
    text = io.StringIO()
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue()


CASES = {
    "a process": (
        {
            "ActionType": "ProcessCreated",
            "FolderPath": "C:\\a.exe",
            "ProcessCommandLine": "a -x",
            "AccountName": "eve",
            "SHA256": "AB",
        },
        {"process_creation"},
        {
            "process.executable": "C:\\a.exe",
            "user.name": "eve",
            "process.parent.executable": "c:\\windows\\explorer.exe",
        },
        {
            "Image": "C:\\a.exe",
            "CommandLine": "a -x",
            "ParentImage": "c:\\windows\\explorer.exe",
            "Hashes": "SHA256=AB",
        },
    ),
    "a connection": (
        {"ActionType": "ConnectionSuccess", "RemoteIP": "203.0.113.9", "RemotePort": "443", "RemoteUrl": "x.example"},
        {"network_connection"},
        {"destination.ip": "203.0.113.9", "destination.port": "443", "user.name": "corp\\bob"},
        {"DestinationIp": "203.0.113.9", "DestinationHostname": "x.example", "Initiated": "true"},
    ),
    "a file": (
        {"ActionType": "FileCreated", "FolderPath": "C:\\x.aspx", "SHA256": "AB"},
        {"file_event"},
        {"file.path": "C:\\x.aspx", "file.hash.sha256": "ab"},
        {"TargetFilename": "C:\\x.aspx"},
    ),
    "a registry value": (
        {
            "ActionType": "RegistryValueSet",
            "RegistryKey": "HKLM\\Run",
            "RegistryValueName": "a",
            "RegistryValueData": "b",
        },
        {"registry_set", "registry_event"},
        {},
        {"TargetObject": "HKLM\\Run\\a", "Details": "b", "Image": "c:\\windows\\explorer.exe"},
    ),
    "a loaded image": (
        {"ActionType": "ImageLoaded", "FolderPath": "C:\\x.dll", "SHA256": ""},
        {"image_load"},
        {},
        {"ImageLoaded": "C:\\x.dll"},
    ),
}


@pytest.mark.parametrize("form", [json.dumps, as_csv], ids=["json", "csv"])
@pytest.mark.parametrize("case", CASES)
def test_rows_of_devices_have_the_fields_of_their_category(case, form):
    row, categories, common, native = CASES[case]
    text = form({**ROW, **row})
    assert recognise(text.encode()) == "defender"
    [(event_class, found)], log = read("defender", text)
    assert (log.n_unread, found.at, event_class.product, event_class.categories) == (0, AT, "windows", categories)
    assert {"host.name": "ws1.corp.example", **common}.items() <= found.common.items()
    assert native.items() <= found.native.items()


def test_a_logon_is_one_of_the_security_log():
    row = {
        "ActionType": "LogonFailed",
        "LogonType": "RemoteInteractive",
        "AccountName": "eve",
        "RemoteIP": "203.0.113.9",
    }
    [(event_class, found)], _ = read("defender", json.dumps({**ROW, **row}))
    assert (event_class.product, event_class.services) == ("windows", {"security"})
    assert {"EventID": "4625", "LogonType": "10", "TargetUserName": "eve"}.items() <= found.native.items()
    expected = {"event.outcome": "failure", "source.ip": "203.0.113.9", "user.target.name": "eve", "logon.type": "10"}
    assert expected.items() <= found.common.items()


@pytest.mark.parametrize(
    "alert",
    [
        {"title": "x", "severity": "high", "serviceSource": "d", "createdDateTime": "2024-02-03T04:05:06Z"},
        {
            "title": "x",
            "severity": "high",
            "vendorInformation": {"provider": "p"},
            "eventDateTime": "2024-02-03T04:05:06Z",
        },
        {"AlertName": "x", "Severity": "High", "ProductName": "p", "TimeGenerated": "2024-02-03T04:05:06Z"},
        {"AlertId": "1", "Title": "x", "Severity": "High", "ServiceSource": "p", "Timestamp": "2024-02-03T04:05:06Z"},
    ],
)
def test_alerts_of_every_interface_have_name_and_severity(alert):
    assert recognise(json.dumps(alert).encode()) == "defender"
    [(event_class, found)], _ = read("defender", json.dumps(alert))
    assert (event_class.product, event_class.services, found.at) == ("defender", {"alert"}, AT)
    assert found.native["alert.signature"] == "x"
    assert found.native["Severity"].lower() == "high"


SYSLOG = {
    "TimeGenerated": "2024-02-03T04:05:06Z",
    "Computer": "Web1",
    "Facility": "authpriv",
    "ProcessName": "sshd",
    "SyslogMessage": "Failed password for root from 203.0.113.9 port 5 ssh2",
}


@pytest.mark.parametrize("form", [json.dumps, as_csv], ids=["json", "csv"])
def test_a_message_in_a_table_says_what_it_says_in_a_file(form):
    assert recognise(form(SYSLOG).encode()) == "log_analytics"
    [(event_class, found)], _ = read("log_analytics", form(SYSLOG))
    assert (event_class.product, event_class.services, found.at) == ("linux", {"auth", "sshd"}, AT)
    expected = {"host.name": "web1", "source.ip": "203.0.113.9", "event.outcome": "failure"}
    assert expected.items() <= found.common.items()


@pytest.mark.parametrize("source", ["defender", "log_analytics"])
@given(rubbish=st.binary(max_size=200), at=st.integers(0, 400))
def test_damage_is_never_fatal(source, rubbish, at):
    whole = (json.dumps({**ROW, **CASES["a process"][0]}) + "\n" + as_csv(SYSLOG)).encode()
    rows, log = read(source, whole[:at] + rubbish + whole[at:])
    assert len(rows) + log.n_unread <= 10 + rubbish.count(b"\n") + rubbish.count(b"\r")


def test_every_line_of_a_real_intrusion_on_linux_is_read(shared_data):
    folder = shared_data / "intrusions" / "otrf-log4shell"
    reading = Reading([folder])
    n_linux = sum(b.data.num_rows for b in reading.batches() if b.event_class.product == "linux")
    files = {file.path.rpartition("!")[2].split("_log4")[0]: file for file in reading.coverage().files}
    counts = {
        name: files[name].n_events for name in ("syslog_auoms_auditd", "syslog_sysmon", "vminsights_vmconnection")
    }
    assert counts == {"syslog_auoms_auditd": 50, "syslog_sysmon": 93, "vminsights_vmconnection": 5}
    assert n_linux == 148
