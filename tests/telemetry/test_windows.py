"""Windows events carry Sigma's fields, Sysmon twins and common columns."""

from __future__ import annotations

import pytest

from stillhunt.telemetry.logsource import event_class
from stillhunt.telemetry.shapes import from_json
from stillhunt.telemetry.windows import to_row


def _row(record):
    return to_row(from_json(record), file="f", record=1, original="{}")


def test_a_process_creation_of_security_speaks_sysmons_names(evtx_dump):
    found, row = _row(
        evtx_dump(
            NewProcessName="C:\\Windows\\System32\\cmd.exe",
            ParentProcessName="C:\\inetsrv\\w3wp.exe",
            CommandLine="cmd /c whoami",
            NewProcessId="0x1a4",
            ProcessId="0x10",
            SubjectUserName="WEB1$",
            SubjectDomainName="CORP",
            MandatoryLabel="S-1-16-16384",
        )
    )
    assert found.name == "windows/process_creation"
    assert row.native["Image"] == "C:\\Windows\\System32\\cmd.exe"
    assert row.native["ParentImage"] == "C:\\inetsrv\\w3wp.exe"
    assert (row.native["ProcessId"], row.native["ParentProcessId"]) == ("0x10", "16")
    assert (row.native["User"], row.native["IntegrityLevel"]) == ("corp\\web1$", "System")
    assert row.common["process.parent.executable"] == "C:\\inetsrv\\w3wp.exe"
    assert row.common["user.name"] == "corp\\web1$"


@pytest.mark.parametrize(
    ("domain", "name", "expected"),
    [
        ("CORP", "Alice", "corp\\alice"),
        ("corp.example", "Alice", "corp\\alice"),
        ("CORP.EXAMPLE", "alice@CORP.EXAMPLE", "corp\\alice"),
        ("-", "alice", "alice"),
    ],
)
def test_one_account_is_written_in_one_way(evtx_dump, domain, name, expected):
    _, row = _row(evtx_dump(4624, TargetUserName=name, TargetDomainName=domain, IpAddress="::ffff:10.0.0.9"))
    assert row.common["user.target.name"] == expected
    assert row.common["source.ip"] == "10.0.0.9"


def test_a_ticket_is_asked_for_by_the_account_it_names(evtx_dump):
    _, row = _row(evtx_dump(4769, TargetUserName="alice@CORP.EXAMPLE", ServiceName="krbtgt"))
    assert row.common["user.name"] == "corp\\alice"
    assert "service.name" not in row.common


def test_the_records_own_event_id_wins_and_the_datas_channel_wins(evtx_dump):
    found, row = _row(evtx_dump(1108, channel="Security", EventID="4688", Channel="Application"))
    assert (row.native["EventID"], row.native["Channel"]) == ("1108", "Application")
    assert (found.event_id, found.channel) == ("1108", "Security")


def test_a_running_process_is_named_by_host_and_guid(evtx_dump):
    _, row = _row(
        evtx_dump(
            10,
            provider="Microsoft-Windows-Sysmon",
            channel="Microsoft-Windows-Sysmon/Operational",
            SourceProcessGUID="{AB-1}",
            SourceImage="C:\\a.exe",
        )
    )
    assert row.common["process.entity_id"] == "ws1.corp.example:{ab-1}"
    assert row.common["process.executable"] == "C:\\a.exe"


@pytest.mark.parametrize(
    ("provider", "channel", "event_id", "categories"),
    [
        ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", "1", {"process_creation"}),
        ("Microsoft-Windows-Security-Auditing", "Security", "4688", {"process_creation"}),
        ("Microsoft-Windows-Eventlog", "Security", "4688", set()),
        ("Microsoft-Windows-Sysmon", "Security", "1", set()),
        ("MsiInstaller", "Application", "1", set()),
        ("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", "4104", {"ps_script"}),
    ],
)
def test_a_category_needs_provider_channel_and_event_id(provider, channel, event_id, categories):
    assert event_class(provider, channel, event_id).categories == categories


def test_sysmons_registry_events_are_told_apart_by_their_type():
    sysmon = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", "12")
    assert event_class(*sysmon, "CreateKey").categories == {"registry_event", "registry_add"}
    assert event_class(*sysmon, "DeleteValue").categories == {"registry_event", "registry_delete"}
