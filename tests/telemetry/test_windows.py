"""Windows events carry Sigma's fields, Sysmon twins and common columns."""

from __future__ import annotations

import re
import zipfile

import pytest

from stillhunt.telemetry.logsource import CATEGORIES, CHANNELS_BY_SERVICE, event_class


def test_a_process_creation_of_security_speaks_sysmons_names(evtx_dump, as_row):
    found, row = as_row(
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
    assert (row.native["User"], row.native["IntegrityLevel"]) == ("CORP\\WEB1$", "System")
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
def test_one_account_is_written_in_one_way(evtx_dump, domain, name, expected, as_row):
    _, row = as_row(evtx_dump(4624, TargetUserName=name, TargetDomainName=domain, IpAddress="::ffff:10.0.0.9"))
    assert row.common["user.target.name"] == expected
    assert row.common["source.ip"] == "10.0.0.9"


def test_a_ticket_is_asked_for_by_the_account_it_names(evtx_dump, as_row):
    _, row = as_row(evtx_dump(4769, TargetUserName="alice@CORP.EXAMPLE", ServiceName="krbtgt"))
    assert row.common["user.name"] == "corp\\alice"
    assert "service.name" not in row.common


def test_the_records_own_event_id_wins_and_the_datas_channel_wins(evtx_dump, as_row):
    found, row = as_row(evtx_dump(1108, channel="Security", EventID="4688", Channel="Application"))
    assert (row.native["EventID"], row.native["Channel"]) == ("1108", "Application")
    assert (found.event_id, found.channel) == ("1108", "Security")


def test_a_running_process_is_named_by_host_and_guid(evtx_dump, as_row):
    _, row = as_row(
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
        ("Microsoft-Windows-PowerShell", "Application", "4104", set()),
    ],
)
def test_a_category_needs_provider_channel_and_event_id(provider, channel, event_id, categories):
    assert event_class(provider, channel, event_id).categories == categories


@pytest.mark.parametrize(
    ("logged", "kept"),
    [("LOCAL", None), ("-", None), ("0200000A", None), ("::1", "::1"), ("::ffff:10.1.2.3", "10.1.2.3")],
)
def test_only_an_address_is_an_address(evtx_dump, logged, kept, as_row):
    _, row = as_row(evtx_dump(25, provider="x", channel="y", Address=logged))
    assert row.common.get("source.ip") == kept


REMOTE_DESKTOP = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"


def test_a_remote_desktop_logon_names_its_account_and_address(evtx_dump, as_row):
    data = {"Param1": "Alice", "Param2": "CORP", "Param3": "203.0.113.9"}
    _, row = as_row(evtx_dump(1149, provider=REMOTE_DESKTOP, channel=f"{REMOTE_DESKTOP}/Operational", **data))
    assert (row.common["user.name"], row.common["source.ip"]) == ("corp\\alice", "203.0.113.9")


def test_powershell_says_who_in_its_context_or_by_identifier(evtx_dump, as_row):
    shell = {"provider": "Microsoft-Windows-PowerShell", "channel": "Microsoft-Windows-PowerShell/Operational"}
    _, row = as_row(evtx_dump(4103, **shell, ContextInfo="  Severity = x\r\n  User = CORP\\Alice\r\n  Host = y"))
    assert row.common["user.name"] == "corp\\alice"
    record = evtx_dump(4104, **shell, ScriptBlockText="whoami")
    record["Event"]["System"]["Security"] = {"#attributes": {"UserID": "S-1-5-18"}}
    assert as_row(record)[1].common["user.name"] == "nt authority\\system"


def test_an_exchange_command_names_its_administrator(evtx_dump, as_row):
    data = ["Set-Mailbox", '-Identity "x"', "corp.example/Users/Alice", "S-1-5-21-1"]
    _, row = as_row(evtx_dump(1, provider="MSExchange CmdletLogs", channel="MSExchange Management", Data=data))
    assert row.common["user.name"] == "corp\\alice"
    assert row.native["Data"] == data


def test_a_registry_change_of_security_speaks_sysmons_names(evtx_dump, as_row):
    key = "\\REGISTRY\\MACHINE\\SOFTWARE\\Run"
    found, row = as_row(
        evtx_dump(4657, ObjectName=key, ObjectValueName="x", NewValue="evil.exe", ProcessName="C:\\a.exe")
    )
    assert found.categories == {"registry_event", "registry_set"}
    assert (row.native["TargetObject"], row.native["Details"]) == ("HKLM\\SOFTWARE\\Run\\x", "evil.exe")


def test_a_channel_of_two_services_serves_both():
    assert event_class("x", "Microsoft-Windows-LDAP-Client/Debug", "30").services == {"ldap", "ldap_debug"}


def test_every_log_source_of_sigmas_windows_rules_is_known(shared_data):
    rules = zipfile.ZipFile(shared_data / "sigma" / "sigma_8eaafff1f.zip")
    categories, services = set(), set()
    for name in (n for n in rules.namelist() if n.endswith(".yml")):
        for source in re.findall(r"^logsource:\n((?:[ ]+.*\n)+)", rules.read(name).decode(), re.MULTILINE):
            named = dict(re.findall(r"^ +(product|category|service): *'?([\w-]+)", source, re.MULTILINE))
            if named.get("product") == "windows":
                categories.add(named.get("category"))
                services.add(named.get("service"))
    assert services - {None} <= CHANNELS_BY_SERVICE.keys()
    assert categories - {None} <= CATEGORIES
    assert len(services) > 30


def test_sysmons_registry_events_are_told_apart_by_their_type():
    sysmon = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", "12")
    assert event_class(*sysmon, "CreateKey").categories == {"registry_event", "registry_add"}
    assert event_class(*sysmon, "DeleteValue").categories == {"registry_event", "registry_delete"}
