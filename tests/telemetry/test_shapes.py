"""One Windows event reads the same in whatever shape it was written."""

from __future__ import annotations

import pytest

DATA = {"SubjectUserName": "alice", "SubjectDomainName": "CORP", "NewProcessName": "C:\\x.exe", "ProcessId": "0x1a"}
TIME = "2021-08-24T03:12:00.000000Z"
SECURITY = {"Name": "Microsoft-Windows-Security-Auditing"}

SHAPES = {
    "evtx_dump": {
        "Event": {
            "System": {
                "Provider": {"#attributes": SECURITY},
                "EventID": {"#text": 4688, "#attributes": {"Qualifiers": 0}},
                "TimeCreated": {"#attributes": {"SystemTime": TIME}},
                "EventRecordID": 7,
                "Channel": "Security",
                "Computer": "WS1",
            },
            "EventData": DATA,
        }
    },
    "evtx_dump with named data": {
        "Event": {
            "System": {
                "Provider": {"@Name": "Microsoft-Windows-Security-Auditing"},
                "EventID": "4688",
                "TimeCreated": {"@SystemTime": TIME},
                "EventRecordID": "7",
                "Channel": "Security",
                "Computer": "WS1",
            },
            "EventData": {"Data": [{"@Name": name, "#text": value} for name, value in DATA.items()]},
        }
    },
    "winlogbeat 7": {
        "@timestamp": TIME,
        "winlog": {
            "provider_name": "Microsoft-Windows-Security-Auditing",
            "channel": "Security",
            "event_id": 4688,
            "record_id": 7,
            "computer_name": "WS1",
            "event_data": DATA,
        },
    },
    "winlogbeat 6 out of Elasticsearch": {
        "_index": "winlogbeat",
        "_source": {
            "@timestamp": TIME,
            "log_name": "Security",
            "source_name": "Microsoft-Windows-Security-Auditing",
            "event_id": 4688,
            "record_number": "7",
            "computer_name": "WS1",
            "event_data": DATA,
        },
    },
    "nxlog": {
        "EventTime": TIME,
        "Hostname": "WS1",
        "SourceName": "Microsoft-Windows-Security-Auditing",
        "Channel": "Security",
        "EventID": 4688,
        "RecordNumber": 7,
        **DATA,
    },
    "splunk": {
        "preview": False,
        "result": {
            "_time": TIME,
            "ComputerName": "WS1",
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "LogName": "Security",
            "EventCode": "4688",
            "RecordNumber": "7",
            **DATA,
        },
    },
    "dotted": {
        "Event.System.Provider.Name": "Microsoft-Windows-Security-Auditing",
        "Event.System.EventID": 4688,
        "Event.System.TimeCreated.SystemTime": TIME,
        "Event.System.EventRecordID": 7,
        "Event.System.Channel": "Security",
        "Event.System.Computer": "WS1",
        **{f"Event.EventData.{name}": value for name, value in DATA.items()},
    },
    "hayabusa": {
        "Timestamp": "2021-08-24 03:12:00.000 +00:00",
        "RuleTitle": "Proc Exec",
        "Computer": "WS1",
        "Channel": "Sec",
        "EventID": 4688,
        "RecordID": 7,
        "AllFieldInfo": DATA,
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_event(name, as_table):
    event = as_table(SHAPES[name])
    assert (event.provider, event.channel, event.event_id) == (SECURITY["Name"], "Security", "4688")
    assert (event.computer.to_pylist(), event.record_id.to_pylist()) == (["WS1"], ["7"])
    assert event.at.to_pylist()[0].isoformat() == "2021-08-24T03:12:00+00:00"
    assert DATA.items() <= held(event).items()


def held(table):
    return {name: value for name, column in table.columns.items() if (value := column.to_pylist()[0]) is not None}


NO_EVENTS = [{}, [], "text", 3, None, {"Event": {}}, {"EventID": 1}, {"EventID": "x", "Channel": "y"}]


@pytest.mark.parametrize("value", NO_EVENTS, ids=str)
def test_what_is_no_windows_event_is_none(value, as_table):
    assert as_table(value) is None


def test_unnamed_data_becomes_a_list_and_names_lose_their_spaces(as_table):
    event = as_table(
        {
            "Event": {
                "System": {"Provider": {"#attributes": {"Name": "P"}}, "EventID": 1, "Channel": "C"},
                "EventData": {"Data": ["one", "two"], "Threat Name": "x", "Initiated": True, "Gone": None},
            }
        }
    )
    assert held(event) == {"Data": ["one", "two"], "ThreatName": "x", "Initiated": "true"}


def test_user_data_is_flattened_below_its_wrapping_element(as_table):
    event = as_table(
        {
            "Event": {
                "System": {"EventID": 1102, "Channel": "Security"},
                "UserData": {"LogFileCleared": {"#attributes": {"xmlns": "n"}, "SubjectUserName": "alice"}},
            }
        }
    )
    assert held(event) == {"SubjectUserName": "alice"}
