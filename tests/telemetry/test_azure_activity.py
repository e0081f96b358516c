"""Azure's activity log in its four forms."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

RESOURCE = "/subscriptions/S-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/VM1"
OPERATION = "Microsoft.Compute/virtualMachines/runCommand/action"

REST = {
    "caller": "Alice@corp.example",
    "category": {"value": "Administrative", "localizedValue": "Administrative"},
    "eventTimestamp": "2023-05-04T10:11:12.1234567Z",
    "httpRequest": {"clientIpAddress": "203.0.113.9", "method": "POST"},
    "operationName": {"value": OPERATION, "localizedValue": "Run Command"},
    "resourceId": RESOURCE,
    "resourceProviderName": {"value": "Microsoft.Compute"},
    "status": {"value": "Succeeded"},
    "subscriptionId": "S-1",
    "properties": {"message": OPERATION},
}
SDK = {
    "caller": "alice@corp.example",
    "category": {"value": "Administrative"},
    "event_timestamp": "2023-05-04T10:11:12.123456Z",
    "http_request": {"client_ip_address": "203.0.113.9"},
    "operation_name": {"value": OPERATION},
    "resource_id": RESOURCE,
    "status": {"value": "Succeeded"},
}
EXPORT = {
    "time": "2023-05-04T10:11:12.1234567Z",
    "resourceId": RESOURCE.upper(),
    "operationName": OPERATION.upper(),
    "category": "Administrative",
    "resultType": "Success",
    "callerIpAddress": "203.0.113.9:50123",
    "identity": {"claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "alice@corp.example"}},
    "properties": '{"message": "x"}',
}
ANALYTICS = {
    "TimeGenerated": "2023-05-04T10:11:12.123456Z",
    "Type": "AzureActivity",
    "OperationNameValue": OPERATION.upper(),
    "CategoryValue": "Administrative",
    "Caller": "alice@corp.example",
    "CallerIpAddress": "203.0.113.9",
    "ActivityStatusValue": "Success",
    "_ResourceId": RESOURCE.lower(),
    "SubscriptionId": "S-1",
}


@pytest.mark.parametrize("event", [REST, SDK, EXPORT, ANALYTICS], ids=["rest", "sdk", "export", "analytics"])
@pytest.mark.parametrize(
    "wrap",
    [lambda e: [e], lambda e: {"value": [e]}, lambda e: {"records": [e]}, lambda e: e],
    ids=["array", "value", "records", "one"],
)
def test_every_form_says_the_same(read, tmp_path, event, wrap):
    (tmp_path / "x").write_text(json.dumps(wrap(event)))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert (row["class"].product, row["class"].services) == ("azure", {"activitylogs"})
    assert row["@timestamp"].isoformat() == "2023-05-04T10:11:12.123456+00:00"
    assert row["event.action"].lower() == row["operationName"].lower() == OPERATION.lower()
    assert (row["event.outcome"], row["user.name"]) == ("success", "corp\\alice")
    assert (row["source.ip"], row["host.name"], row["cloud.account.id"]) == ("203.0.113.9", "vm1", "s-1")
    assert row["CategoryValue"] == row["category"] == "Administrative"


def test_an_operation_that_has_only_started_has_no_outcome(read, tmp_path):
    (tmp_path / "x").write_text(json.dumps(REST | {"status": {"value": "Started"}}))
    assert read(tmp_path)[0][0]["event.outcome"] is None


def test_logs_of_the_directory_are_left_to_their_own_source():
    signin = EXPORT | {"category": "SignInLogs", "resourceId": "/tenants/t/providers/Microsoft.aadiam"}
    assert not SOURCES["azure_activity"].sniff(json.dumps(signin).encode())


def test_records_of_other_logs_beside_are_counted(read, tmp_path):
    lines = [EXPORT, EXPORT | {"category": "AuditEvent"}]
    (tmp_path / "PT1H.json").write_text("\n".join(json.dumps(line) for line in lines))
    rows, coverage = read(tmp_path)
    assert (len(rows), coverage.n_unread) == (1, 1)


def test_real_events_are_read(read, shared_data):
    rows, coverage = read(shared_data / "m365" / "plaso-jsonl" / "azure_activity_log.jsonl")
    assert (len(rows), coverage.n_unread) == (4, 0)
    assert {r["source.ip"] for r in rows} == {"1.2.3.4"}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_random_and_cut_content_raises_nothing_else(noise, end):
    content = json.dumps([REST]).encode()[:end] + noise
    recognise(content)
    with contextlib.suppress(SourceError):
        list(SOURCES["azure_activity"].read(LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))))
