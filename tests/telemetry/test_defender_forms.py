"""Defender's events and alerts in all their forms: each gives the names that Sigma's rules ask for."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

ACTING = {
    "InitiatingProcessFileName": "cmd.exe",
    "InitiatingProcessFolderPath": "c:\\windows\\system32\\cmd.exe",
    "InitiatingProcessCommandLine": "cmd /c x",
    "InitiatingProcessId": 11,
    "InitiatingProcessCreationTime": "2024-02-03T04:00:00Z",
    "InitiatingProcessParentId": 7,
    "InitiatingProcessParentFileName": "explorer.exe",
    "InitiatingProcessParentCreationTime": "2024-02-03T03:00:00Z",
    "InitiatingProcessAccountDomain": "corp",
    "InitiatingProcessAccountName": "Bob",
}
WHERE = {"Timestamp": "2024-02-03T04:05:06.7Z", "DeviceId": "d1", "DeviceName": "WS1.corp.example", "ReportId": 1}
PROCESS = {
    **WHERE,
    **ACTING,
    "ActionType": "ProcessCreated",
    "FileName": "whoami.exe",
    "FolderPath": "C:\\Windows\\System32\\whoami.exe",
    "SHA256": "AB" * 32,
    "ProcessId": 12,
    "ProcessCreationTime": "2024-02-03T04:05:06Z",
    "ProcessCommandLine": "whoami /all",
    "ProcessVersionInfoOriginalFileName": "whoami.exe",
    "AccountDomain": "corp",
    "AccountName": "bob",
}


def lines_of(*records):
    return "\n".join(json.dumps(record) for record in records) + "\n"


def table(*records):
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0])
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


TIMELINE = {
    "Event Time": "2024-02-03T04:05:06.7Z",
    "Machine Id": "d1",
    "Computer Name": "WS1.corp.example",
    "Action Type": "ProcessCreated",
    "File Name": "whoami.exe",
    "Folder Path": "C:\\Windows\\System32",
    "Sha256": "AB" * 32,
    "Process Command Line": "whoami /all",
    "Account Domain": "corp",
    "Account Name": "bob",
    "Process Id": "12",
    "Process Creation Time": "2024-02-03T04:05:06Z",
    "Initiating Process File Name": "cmd.exe",
    "Initiating Process Folder Path": "c:\\windows\\system32",
    "Initiating Process Command Line": "cmd /c x",
    "Initiating Process Id": "11",
    "Initiating Process Creation Time": "2024-02-03T04:00:00Z",
}
FORMS = {
    "lines": lines_of(PROCESS),
    "the interface": json.dumps({"Schema": [{"Name": "Timestamp", "Type": "DateTime"}], "Results": [PROCESS]}),
    "Graph's interface": json.dumps({"schema": [{"name": "Timestamp"}], "results": [PROCESS]}, indent=1),
    "streamed": lines_of({"time": "x", "category": "AdvancedHunting-DeviceProcessEvents", "properties": PROCESS}),
    "Sentinel": lines_of({**PROCESS, "Type": "DeviceProcessEvents", "TimeGenerated": WHERE["Timestamp"]}),
    "the portal's CSV": table(PROCESS),
    "Log Analytics as CSV": table({"TimeGenerated [UTC]": "2/3/2024, 4:05:06.700 AM", **PROCESS}),
    "a timeline": "\ufeff" + table(TIMELINE),
}


def read(text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    return list(SOURCES["defender"].read(log)), log


def one(record):
    [(event_class, row)], log = read(lines_of(record))
    assert log.n_unread == 0
    return event_class, row


@pytest.mark.parametrize("form", FORMS)
def test_a_started_process_says_the_same_in_every_form(form):
    assert recognise(FORMS[form].encode()) == "defender"
    [(event_class, row)], log = read(FORMS[form])
    assert (log.n_unread, event_class.product, event_class.categories) == (0, "windows", {"process_creation"})
    assert row.at == datetime(2024, 2, 3, 4, 5, 6, 700_000, tzinfo=UTC)
    expected = {
        "Image": "C:\\Windows\\System32\\whoami.exe",
        "CommandLine": "whoami /all",
        "ParentImage": "c:\\windows\\system32\\cmd.exe",
        "ParentCommandLine": "cmd /c x",
        "User": "corp\\bob",
        "ProcessId": "12",
        "ParentProcessId": "11",
        "Hashes": f"SHA256={'AB' * 32}",
        "ProcessCommandLine": "whoami /all",
    }
    assert expected.items() <= row.native.items()
    common = {
        "host.name": "ws1.corp.example",
        "user.name": "corp\\bob",
        "event.action": "ProcessCreated",
        "process.entity_id": "ws1.corp.example:12@2024-02-03t04:05:06",
        "process.parent.entity_id": "ws1.corp.example:11@2024-02-03t04:00:00",
        "file.hash.sha256": "ab" * 32,
    }
    assert common.items() <= row.common.items()


@pytest.mark.parametrize(
    ("changed", "categories", "native"),
    [
        (
            {
                "ActionType": "ConnectionSuccess",
                "RemoteIP": "::ffff:203.0.113.9",
                "RemotePort": 443,
                "LocalIP": "10.0.0.1",
            }
            | {"LocalPort": 5000, "RemoteUrl": "https://evil.example:443/a?b", "Protocol": "TcpV4"},
            {"network_connection"},
            {"Initiated": "true", "SourceIp": "10.0.0.1", "DestinationIp": "203.0.113.9", "DestinationPort": "443"}
            | {"DestinationHostname": "evil.example", "Protocol": "tcp", "Image": "c:\\windows\\system32\\cmd.exe"},
        ),
        (
            {
                "ActionType": "InboundConnectionAccepted",
                "RemoteIP": "203.0.113.9",
                "RemotePort": 5,
                "LocalIP": "10.0.0.1",
            }
            | {"LocalPort": 3389},
            {"network_connection"},
            {"Initiated": "false", "SourceIp": "203.0.113.9", "DestinationIp": "10.0.0.1", "DestinationPort": "3389"},
        ),
        (
            {"ActionType": "FileCreated", "FileName": "a.aspx", "FolderPath": "C:\\inetpub"},
            {"file_event"},
            {"TargetFilename": "C:\\inetpub\\a.aspx", "User": "corp\\Bob"},
        ),
        (
            {"ActionType": "FileRenamed", "FileName": "b", "FolderPath": "C:\\x\\b", "PreviousFileName": "a"}
            | {"PreviousFolderPath": "C:\\x"},
            {"file_rename"},
            {"TargetFilename": "C:\\x\\b", "SourceFilename": "C:\\x\\a"},
        ),
        (
            {"ActionType": "RegistryValueSet", "RegistryKey": "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\x"}
            | {"RegistryValueName": "Start", "RegistryValueType": "Dword", "RegistryValueData": "2"},
            {"registry_event", "registry_set"},
            {"TargetObject": "HKLM\\System\\CurrentControlSet\\Services\\x\\Start", "Details": "DWORD (0x00000002)"}
            | {"EventType": "SetValue"},
        ),
        (
            {
                "ActionType": "RegistryKeyDeleted",
                "RegistryKey": "",
                "PreviousRegistryKey": "HKEY_CURRENT_USER\\S-1-5-21-1\\A",
            },
            {"registry_event", "registry_delete"},
            {"TargetObject": "HKU\\S-1-5-21-1\\A", "EventType": "DeleteKey"},
        ),
        (
            {"ActionType": "ImageLoaded", "FileName": "a.dll", "FolderPath": "C:\\x\\a.dll", "MD5": "m"},
            {"image_load"},
            {"ImageLoaded": "C:\\x\\a.dll", "Hashes": "MD5=m"},
        ),
        (
            {
                "ActionType": "NamedPipeEvent",
                "AdditionalFields": '{"PipeName": "\\\\Device\\\\NamedPipe\\\\msagent_1"}',
            },
            {"pipe_created"},
            {"PipeName": "\\msagent_1", "AdditionalFields.PipeName": "\\Device\\NamedPipe\\msagent_1"},
        ),
        (
            {"ActionType": "OpenProcessApiCall", "FileName": "lsass.exe", "FolderPath": "C:\\Windows\\System32"}
            | {"AdditionalFields": {"DesiredAccess": 5136}},
            {"process_access"},
            {"SourceImage": "c:\\windows\\system32\\cmd.exe", "TargetImage": "C:\\Windows\\System32\\lsass.exe"}
            | {"GrantedAccess": "0x1410"},
        ),
        (
            {"ActionType": "DnsQueryResponse", "AdditionalFields": '{"DnsQueryString": "A.evil.example"}'},
            {"dns_query"},
            {"QueryName": "A.evil.example"},
        ),
        (
            {"ActionType": "AntivirusDetection", "FileName": "m.exe", "FolderPath": "C:\\x"}
            | {"AdditionalFields": '{"ThreatName": "HackTool:Win32/Mimikatz"}'},
            {"antivirus"},
            {"Signature": "HackTool:Win32/Mimikatz", "Filename": "C:\\x\\m.exe"},
        ),
        ({"ActionType": "ScreenshotTaken"}, set(), {"Image": "c:\\windows\\system32\\cmd.exe"}),
    ],
)
def test_what_was_done_has_sigmas_category_and_names(changed, categories, native):
    event_class, row = one({**WHERE, **ACTING, **changed})
    assert (event_class.product, event_class.categories) == ("windows", categories)
    assert native.items() <= row.native.items()
    assert row.common["process.entity_id"] == "ws1.corp.example:11@2024-02-03t04:00:00"


@pytest.mark.parametrize(
    ("action", "event_id", "outcome"), [("LogonSuccess", "4624", "success"), ("LogonFailed", "4625", "failure")]
)
def test_a_logon_is_that_of_the_security_log(action, event_id, outcome):
    logon = {"ActionType": action, "LogonType": "RemoteInteractive", "AccountDomain": "corp", "AccountName": "Eve"}
    event_class, row = one({**WHERE, **logon, "RemoteIP": "203.0.113.9", "RemoteDeviceName": "kali"})
    assert (event_class.services, event_class.event_id) == ({"security"}, event_id)
    expected = {
        "EventID": event_id,
        "LogonType": "10",
        "LogonTypeName": "RemoteInteractive",
        "IpAddress": "203.0.113.9",
    }
    assert expected.items() <= row.native.items()
    common = {"user.target.name": "corp\\eve", "source.ip": "203.0.113.9", "logon.type": "10", "event.outcome": outcome}
    assert common.items() <= row.common.items()


@pytest.mark.parametrize(
    ("path", "product"), [("/usr/bin/id", "linux"), ("/System/Applications/a", "macos"), ("C:\\x", "windows")]
)
def test_the_system_follows_from_how_paths_are_written(path, product):
    event_class, _ = one({**WHERE, "ActionType": "ProcessCreated", "FolderPath": path, "ProcessCommandLine": "id"})
    assert event_class.product == product


def test_columns_that_a_query_left_are_enough():
    event_class, row = one({"TimeGenerated": WHERE["Timestamp"], "DeviceName": "ws1", "ProcessCommandLine": "whoami"})
    assert (event_class.categories, row.native["CommandLine"]) == ({"process_creation"}, "whoami")


GRAPH = {
    "id": "a1",
    "title": "Suspicious activity",
    "category": "CredentialAccess",
    "severity": "high",
    "createdDateTime": "2024-02-04T00:00:00Z",
    "firstActivityDateTime": "2024-02-03T04:05:06Z",
    "serviceSource": "microsoftDefenderForEndpoint",
    "detectionSource": "microsoftDefenderForEndpoint",
    "mitreTechniques": ["T1003.001"],
    "tenantId": "T1",
    "evidence": [
        {"@odata.type": "#microsoft.graph.security.deviceEvidence", "deviceDnsName": "WS1.corp.example"},
        {"userAccount": {"userPrincipalName": "bob@corp.example"}},
        {"ipAddress": "203.0.113.9"},
        {
            "imageFile": {"fileName": "m.exe", "filePath": "C:\\x", "sha256": "AB" * 32},
            "processCommandLine": "m.exe lsadump",
        },
    ],
}
OLD_GRAPH = {
    "id": "a1",
    "azureTenantId": "T1",
    "title": "Suspicious activity",
    "category": "CredentialAccess",
    "severity": "high",
    "createdDateTime": "2024-02-04T00:00:00Z",
    "eventDateTime": "2024-02-03T04:05:06Z",
    "vendorInformation": {"provider": "WDATP", "vendor": "Microsoft"},
    "hostStates": [{"fqdn": "WS1.corp.example"}],
    "userStates": [{"userPrincipalName": "bob@corp.example", "logonIp": "203.0.113.9"}],
    "fileStates": [{"name": "m.exe", "path": "C:\\x", "fileHash": {"hashType": "sha256", "hashValue": "AB" * 32}}],
    "processes": [{"commandLine": "m.exe lsadump"}],
}
ENDPOINT = {
    "id": "a1",
    "aadTenantId": "T1",
    "title": "Suspicious activity",
    "category": "CredentialAccess",
    "severity": "High",
    "alertCreationTime": "2024-02-04T00:00:00Z",
    "firstEventTime": "2024-02-03T04:05:06Z",
    "detectionSource": "WindowsDefenderAtp",
    "computerDnsName": "WS1.corp.example",
    "mitreTechniques": ["T1003.001"],
    "evidence": [
        {"entityType": "User", "userPrincipalName": "bob@corp.example"},
        {"entityType": "Ip", "ipAddress": "203.0.113.9"},
        {"entityType": "Process", "fileName": "m.exe", "filePath": "C:\\x", "sha256": "ab" * 32}
        | {"processCommandLine": "m.exe lsadump"},
    ],
}
SENTINEL = {
    "TenantId": "T1",
    "TimeGenerated": "2024-02-04T00:00:00Z",
    "StartTime": "2024-02-03T04:05:06Z",
    "DisplayName": "Suspicious activity",
    "AlertName": "Suspicious activity",
    "AlertSeverity": "High",
    "Tactics": "CredentialAccess",
    "Techniques": '["T1003"]',
    "ProductName": "Microsoft Defender Advanced Threat Protection",
    "Entities": json.dumps(
        [
            {"Type": "host", "HostName": "WS1", "DnsDomain": "corp.example"},
            {"Type": "account", "Name": "bob", "UPNSuffix": "corp.example"},
            {"Type": "ip", "Address": "203.0.113.9"},
            {"Type": "file", "Directory": "C:\\x", "Name": "m.exe"}
            | {"FileHashes": [{"Algorithm": "SHA256", "Value": "AB" * 32}]},
            {"Type": "process", "CommandLine": "m.exe lsadump"},
        ]
    ),
}
EVIDENCE = {
    "Timestamp": "2024-02-03T04:05:06Z",
    "AlertId": "a1",
    "Title": "Suspicious activity",
    "Categories": '["CredentialAccess"]',
    "AttackTechniques": '["LSASS Memory (T1003.001)"]',
    "Severity": "High",
    "ServiceSource": "Microsoft Defender for Endpoint",
    "DetectionSource": "EDR",
    "EntityType": "Process",
    "EvidenceRole": "Related",
    "FileName": "m.exe",
    "FolderPath": "C:\\x",
    "SHA256": "ab" * 32,
    "ProcessCommandLine": "m.exe lsadump",
    "AccountUpn": "bob@corp.example",
    "RemoteIP": "203.0.113.9",
    "AdditionalFields": json.dumps({"ImageFile": {"Host": {"HostName": "WS1", "DnsDomain": "corp.example"}}}),
}


ALERTS = {
    "Graph": json.dumps({"value": [GRAPH]}),
    "Graph before": json.dumps({"value": [OLD_GRAPH]}, indent=1),
    "an incident with alerts": json.dumps({"value": [{"id": "7", "displayName": "x", "alerts": [GRAPH]}]}),
    "Endpoint": lines_of(ENDPOINT),
    "Sentinel": table(SENTINEL),
    "evidence": lines_of(
        {"time": "x", "tenantId": "T1", "category": "AdvancedHunting-AlertEvidence", "properties": EVIDENCE}
    ),
}


@pytest.mark.parametrize("form", ALERTS)
def test_an_alert_says_the_same_in_every_form(form):
    assert recognise(ALERTS[form].encode()) == "defender"
    [(event_class, row)], log = read(ALERTS[form])
    assert (log.n_unread, event_class.product, event_class.services) == (0, "defender", {"alert"})
    assert row.at == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    same = {"title": "Suspicious activity", "category": "CredentialAccess", "severity": "high"}
    assert same.items() <= row.native.items()
    expected = {
        "event.action": "Suspicious activity",
        "host.name": "ws1.corp.example",
        "user.target.name": "corp\\bob",
        "source.ip": "203.0.113.9",
        "file.path": "C:\\x\\m.exe",
        "file.hash.sha256": "ab" * 32,
        "process.command_line": "m.exe lsadump",
        "cloud.account.id": "t1",
    }
    assert expected.items() <= row.common.items()


def test_alerts_of_cloud_applications_are_what_sigmas_rules_look_for():
    event_class, row = one(
        {**GRAPH, "serviceSource": "microsoftDefenderForCloudApps", "title": "Impossible travel activity"}
    )
    assert "threat_management" in event_class.services
    expected = {
        "eventSource": "SecurityComplianceCenter",
        "eventName": "Impossible travel activity",
        "status": "success",
    }
    assert expected.items() <= row.native.items()


def test_alerts_of_the_antivirus_name_signature_and_file():
    event_class, row = one({**GRAPH, "detectionSource": "antivirus", "threatDisplayName": "HackTool:Win32/Mimikatz"})
    assert event_class.categories == {"antivirus"}
    assert {"Signature": "HackTool:Win32/Mimikatz", "Filename": "C:\\x\\m.exe"}.items() <= row.native.items()


def test_a_time_that_is_not_known_is_none():
    _, row = one({**GRAPH, "firstActivityDateTime": "0001-01-01T00:00:00Z"})
    assert (row.at, row.clock) == (datetime(2024, 2, 4, tzinfo=UTC), "createdDateTime")


def test_mail_is_read_into_common_columns():
    mail = {
        "Timestamp": "2024-02-03T04:05:06Z",
        "NetworkMessageId": "n",
        "InternetMessageId": "<m@x>",
        "SenderFromAddress": "Eve@evil.example",
        "SenderIPv4": "203.0.113.9",
        "RecipientEmailAddress": "Bob@corp.example",
        "Subject": "Hello",
        "DeliveryAction": "Delivered",
    }
    assert recognise(table(mail).encode()) == "defender"
    [(event_class, row)], _ = read(table(mail))
    assert (event_class.product, event_class.services) == ("defender", {"email"})
    assert row.common == {
        "event.action": "Delivered",
        "event.outcome": "success",
        "source.ip": "203.0.113.9",
        "email.sender.address": "eve@evil.example",
        "email.subject": "Hello",
        "email.message_id": "m@x",
        "email.mailbox": "bob@corp.example",
    }


def test_headings_may_change_in_the_middle_of_a_table():
    rows, log = read(table(PROCESS) + table({**WHERE, **ACTING, "ActionType": "FileDeleted", "FileName": "a"}))
    found = [(row.record, *event_class.categories) for event_class, row in rows]
    assert (found, log.n_unread) == ([(2, "process_creation"), (4, "file_delete")], 0)


def test_what_is_no_record_is_counted_and_the_rest_is_read():
    rows, log = read(lines_of(PROCESS, {"a": 1}, {**PROCESS, "ReportId": 2}))
    assert ([row.record for _, row in rows], log.n_unread) == ([1, 3], 1)


@pytest.mark.parametrize(
    "content", [b"Name;Severity\nx;1\n", b'{"title":"x","severity":"1"}', b"Timestamp,DeviceId\n1,2\n"]
)
def test_what_only_resembles_it_is_left_to_others(content):
    assert not SOURCES["defender"].sniff(content)


def test_a_record_that_is_there_again_is_counted_once():
    rows, log = read(lines_of(PROCESS, GRAPH, PROCESS, {**PROCESS, "DeviceId": "d2"}, {**GRAPH, "status": "resolved"}))
    assert ([row.record for _, row in rows], log.n_duplicates) == ([1, 2, 4], 2)


@given(rubbish=st.binary(max_size=200), at=st.integers(0, 1000), form=st.sampled_from(sorted({**FORMS, **ALERTS})))
def test_damage_is_never_fatal(rubbish, at, form):
    content = {**FORMS, **ALERTS}[form].encode()
    rows, log = read(content[:at] + rubbish + content[at:])
    assert len(rows) + log.n_unread >= 0
