"""Log-source scoping, checked against a table of its own and the records as logged.

Neither stillhunt's map of log sources nor its reading of provider, channel and event id is used: the log source comes
from the rule's file, the identity of an event from the raw record. The table is written from the Sigma taxonomy
appendix 2.1.0 ("Windows Folder"), from Microsoft's documentation of Sysmon's events and of security auditing (4657:
a registry value was modified, 4688: a process was created), and for what the appendix does not name from the
channels that Windows registers.
"""

from __future__ import annotations

import json
import re
import zipfile

import pytest
import yaml

from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.telemetry.collect import Reading

SYSMON = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational")
AUDITING = ("Microsoft-Windows-Security-Auditing", "Security")
POWERSHELL = ("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational")
POWERSHELL_7 = ("PowerShellCore", "PowerShellCore/Operational")
CLASSIC = ("PowerShell", "Windows PowerShell")
EVERY = "*"

# Category to (provider, channel) to event ids; for Sysmon's event 12 with the kind of change that it reports.
CATEGORIES = {
    "process_creation": {SYSMON: "1", AUDITING: "4688"},
    "file_change": {SYSMON: "2"},
    "network_connection": {SYSMON: "3"},
    "sysmon_status": {SYSMON: "4 16"},
    "process_termination": {SYSMON: "5"},
    "driver_load": {SYSMON: "6"},
    "image_load": {SYSMON: "7"},
    "create_remote_thread": {SYSMON: "8"},
    "raw_access_thread": {SYSMON: "9"},
    "process_access": {SYSMON: "10"},
    "file_event": {SYSMON: "11"},
    "registry_event": {SYSMON: "12 13 14", AUDITING: "4657"},
    "registry_add": {SYSMON: "12:CreateKey 12:CreateValue"},
    "registry_delete": {SYSMON: "12:DeleteKey 12:DeleteValue"},
    "registry_set": {SYSMON: "13", AUDITING: "4657"},
    "registry_rename": {SYSMON: "14"},
    "create_stream_hash": {SYSMON: "15"},
    "pipe_created": {SYSMON: "17 18"},
    "wmi_event": {SYSMON: "19 20 21"},
    "dns_query": {SYSMON: "22"},
    "file_delete": {SYSMON: "23"},
    "clipboard_capture": {SYSMON: "24"},
    "process_tampering": {SYSMON: "25"},
    "file_delete_detected": {SYSMON: "26"},
    "file_block_executable": {SYSMON: "27"},
    "file_block_shredding": {SYSMON: "28"},
    "file_executable_detected": {SYSMON: "29"},
    "sysmon_error": {SYSMON: "255"},
    "ps_classic_start": {CLASSIC: "400"},
    "ps_classic_provider_start": {CLASSIC: "600"},
    "ps_classic_script": {CLASSIC: "800"},
    "ps_module": {POWERSHELL: "4103", POWERSHELL_7: "4103"},
    "ps_script": {POWERSHELL: "4104", POWERSHELL_7: "4104"},
}

# Service to channels; a channel of one provider is held to it.
SERVICES = {
    "application": {(EVERY, "Application"): EVERY},
    "applocker": {
        ("Microsoft-Windows-AppLocker", f"Microsoft-Windows-AppLocker/{channel}"): EVERY
        for channel in ("MSI and Script", "EXE and DLL", "Packaged app-Deployment", "Packaged app-Execution")
    },
    "bits-client": {("Microsoft-Windows-Bits-Client", "Microsoft-Windows-Bits-Client/Operational"): EVERY},
    "capi2": {("Microsoft-Windows-CAPI2", "Microsoft-Windows-CAPI2/Operational"): EVERY},
    "codeintegrity-operational": {
        ("Microsoft-Windows-CodeIntegrity", "Microsoft-Windows-CodeIntegrity/Operational"): EVERY
    },
    "dns-server": {("Microsoft-Windows-DNS-Server-Service", "DNS Server"): EVERY},
    "firewall-as": {(EVERY, "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"): EVERY},
    "msexchange-management": {(EVERY, "MSExchange Management"): EVERY},
    "ntlm": {("Microsoft-Windows-NTLM", "Microsoft-Windows-NTLM/Operational"): EVERY},
    "openssh": {("OpenSSH", "OpenSSH/Operational"): EVERY},
    "powershell": {POWERSHELL: EVERY, POWERSHELL_7: EVERY},
    "powershell-classic": {CLASSIC: EVERY},
    "printservice-admin": {("Microsoft-Windows-PrintService", "Microsoft-Windows-PrintService/Admin"): EVERY},
    "printservice-operational": {
        ("Microsoft-Windows-PrintService", "Microsoft-Windows-PrintService/Operational"): EVERY
    },
    # The clearing of the log itself is reported by the event log service.
    "security": {AUDITING: EVERY, ("Microsoft-Windows-Eventlog", "Security"): "1100 1101 1102 1104 1105 1108"},
    "sysmon": {SYSMON: EVERY},
    "system": {(EVERY, "System"): EVERY},
    "taskscheduler": {(EVERY, "Microsoft-Windows-TaskScheduler/Operational"): EVERY},
    "terminalservices-localsessionmanager": {
        (EVERY, "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"): EVERY
    },
    "windefend": {(EVERY, "Microsoft-Windows-Windows Defender/Operational"): EVERY},
    "wmi": {("Microsoft-Windows-WMI-Activity", "Microsoft-Windows-WMI-Activity/Operational"): EVERY},
}


def is_inside(identity, logsource):
    """Whether an event lies inside a log source; nothing lies inside one that the tables do not name."""
    if logsource.get("product") != "windows":
        return False
    named = [
        table.get(logsource[key], {})
        for key, table in (("category", CATEGORIES), ("service", SERVICES))
        if key in logsource
    ]
    return all(any(is_one_of(identity, origin, ids) for origin, ids in allowed.items()) for allowed in named)


def is_one_of(identity, origin, ids):
    provider, channel, event_id, change = identity
    return (
        # Some exports leave the provider out; then the channel and the id have to do.
        (origin[0] == EVERY or provider is None or provider.lower() == origin[0].lower())
        and channel.lower() == origin[1].lower()
        and (ids == EVERY or event_id in ids.split() or f"{event_id}:{change}" in ids.split())
    )


def identity_of(record):
    """Provider, channel, event id, and what Sysmon says happened to a registry key, as the raw record has them."""
    if "Event" in record:
        system, data = record["Event"]["System"], record["Event"].get("EventData") or {}
        event_id = system["EventID"]["#text"] if isinstance(system["EventID"], dict) else system["EventID"]
        return system["Provider"]["#attributes"]["Name"], system["Channel"], str(event_id), data.get("EventType")
    if "winlog" in record:
        winlog = record["winlog"]
        change = winlog.get("event_data", {}).get("EventType")
        return winlog["provider_name"], winlog["channel"], str(winlog["event_id"]), change
    if "log_name" in record:
        change = record.get("event_data", {}).get("EventType")
        return record["source_name"], record["log_name"], str(record["event_id"]), change
    # NXLog has an EventType of its own, and Sysmon's in the message alone.
    found = re.search(r"^EventType: (\w+)", record.get("Message", ""), re.MULTILINE)
    change = found[1] if found else record.get("EventType")
    return record.get("SourceName"), record["Channel"], str(record["EventID"]), change


@pytest.mark.parametrize(
    ("identity", "logsource", "expected"),
    [
        ((*SYSMON, "1", None), {"product": "windows", "category": "process_creation"}, True),
        ((*AUDITING, "4688", None), {"product": "windows", "category": "process_creation"}, True),
        ((*AUDITING, "4688", None), {"product": "windows", "category": "process_creation", "service": "sysmon"}, False),
        ((*AUDITING, "1", None), {"product": "windows", "category": "process_creation"}, False),
        (("Other", SYSMON[1], "1", None), {"product": "windows", "category": "process_creation"}, False),
        ((SYSMON[0], "Application", "1", None), {"product": "windows", "category": "process_creation"}, False),
        ((*SYSMON, "12", "CreateKey"), {"product": "windows", "category": "registry_delete"}, False),
        ((*SYSMON, "12", "DeleteKey"), {"product": "windows", "category": "registry_delete"}, True),
        ((*AUDITING, "4624", None), {"product": "windows", "service": "system"}, False),
        ((*AUDITING, "4624", None), {"product": "windows"}, True),
        ((*AUDITING, "4624", None), {"product": "linux", "service": "security"}, False),
        ((*AUDITING, "4624", None), {"product": "windows", "service": "unheard-of"}, False),
        ((*AUDITING, "4624", None), {"category": "webserver"}, False),
    ],
)
def test_the_table_itself_is_strict(identity, logsource, expected):
    assert is_inside(identity, logsource) is expected


@pytest.fixture(scope="module")
def findings(shared_data):
    """What the whole corpus finds in hundreds of logs of all kinds, loaded together."""
    scan = Scan(load_rules([shared_data / "sigma" / "sigma_8eaafff1f.zip"]))
    reading = Reading([shared_data / "evtx", shared_data / "otrf-atomic"])
    for batch in reading.batches():
        scan.feed(batch)
    return scan.findings(lambda file, host: 0, reading.fetch)


@pytest.fixture(scope="module")
def logsources(findings):
    """Log sources as the rules' files have them, by path."""
    found = {}
    for path in {finding.detector.path for finding in findings}:
        archive, member = path.split("!")
        with zipfile.ZipFile(archive) as rules:
            found[path] = yaml.safe_load(rules.read(member))["logsource"]
    return found


@pytest.mark.slow
def test_no_rule_matches_outside_its_log_source(findings, logsources):
    outside = [
        (finding.detector.path, logsource, identity, evidence.ref.file, evidence.ref.record)
        for finding in findings
        for evidence in finding.evidence
        if evidence.original.startswith("{")
        for logsource, identity in [(logsources[finding.detector.path], identity_of(json.loads(evidence.original)))]
        if not is_inside(identity, logsource)
    ]
    assert outside == []


@pytest.mark.slow
def test_lines_of_linux_match_rules_for_linux_alone(findings, logsources):
    products = {
        logsources[finding.detector.path].get("product", "linux")
        for finding in findings
        for evidence in finding.evidence
        if not evidence.original.startswith("{")
    }
    assert products == {"linux"}


@pytest.mark.slow
def test_the_check_of_log_sources_has_much_to_look_at(findings, logsources):
    assert len(findings) > 2_000
    assert sum(len(finding.evidence) for finding in findings) > 2_500
    assert len({str(sorted(logsource.items())) for logsource in logsources.values()}) >= 25
