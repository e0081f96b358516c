"""Google Cloud's audit logs and Google Workspace's reports."""

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

ENTRY = {
    "insertId": "1",
    "logName": "projects/p-1/logs/cloudaudit.googleapis.com%2Factivity",
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "Alice@corp.example"},
        "authorizationInfo": [
            {"granted": True, "permission": "iam.serviceAccountKeys.create"},
            {"granted": True, "permission": "iam.roles.get"},
        ],
        "methodName": "google.iam.admin.v1.CreateServiceAccountKey",
        "requestMetadata": {"callerIp": "203.0.113.9", "callerSuppliedUserAgent": "gcloud"},
        "serviceName": "iam.googleapis.com",
        "status": {},
    },
    "resource": {"type": "service_account", "labels": {"project_id": "p-1"}},
    "timestamp": "2023-05-04T10:11:12.123456789Z",
}

ACTIVITY = {
    "kind": "admin#reports#activity",
    "id": {"time": "2023-05-04T10:11:12.123Z", "applicationName": "admin", "customerId": "C1"},
    "actor": {"email": "alice@corp.example"},
    "ipAddress": "2001:DB8::1",
    "events": [
        {
            "type": "APPLICATION_SETTINGS",
            "name": "CHANGE_APPLICATION_SETTING",
            "parameters": [
                {"name": "SETTING_NAME", "value": "ContextAwareAccess"},
                {"name": "NEW_VALUE", "boolValue": False},
                {"name": "ORGS", "multiValue": ["a", "b"]},
                {"name": "USER_EMAIL", "value": "bob@corp.example"},
            ],
        },
        {"type": "x", "name": "REMOVE_PRIVILEGE"},
    ],
}


@pytest.mark.parametrize(
    "wrap", [lambda e: [e], lambda e: {"entries": [e]}, lambda e: e], ids=["array", "wrapped", "one"]
)
def test_an_audit_entry_is_the_same_in_every_holder(read, tmp_path, wrap):
    (tmp_path / "x").write_text(json.dumps(wrap(ENTRY)))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert (row["class"].product, row["class"].services) == ("gcp", {"gcp.audit"})
    assert row["@timestamp"].isoformat() == "2023-05-04T10:11:12.123456+00:00"
    assert row["event.action"] == row["gcp.audit.method_name"] == "google.iam.admin.v1.CreateServiceAccountKey"
    assert (row["user.name"], row["source.ip"], row["cloud.account.id"]) == ("corp\\alice", "203.0.113.9", "p-1")
    permissions = ["iam.serviceAccountKeys.create", "iam.roles.get"]
    assert row["data.protoPayload.authorizationInfo.permission"] == permissions
    assert row["event.outcome"] == "success"


@pytest.mark.parametrize("change", [{"status": {"code": 7}}, {"authorizationInfo": [{"granted": False}]}])
def test_what_was_refused_has_failed(read, tmp_path, change):
    (tmp_path / "x").write_text(json.dumps(ENTRY | {"protoPayload": ENTRY["protoPayload"] | change}))
    assert read(tmp_path)[0][0]["event.outcome"] == "failure"


def test_entries_of_workspace_have_both_services(read, tmp_path):
    event = {"eventName": "suspicious_login", "parameter": [{"name": "LOGIN_TYPE", "value": "exchange"}]}
    payload = {"serviceName": "login.googleapis.com", "methodName": "x", "metadata": {"event": [event]}}
    (tmp_path / "x").write_text(json.dumps(ENTRY | {"protoPayload": payload}))
    (row,), _ = read(tmp_path)
    assert row["class"].services == {"gcp.audit", "google_workspace.login"}
    assert row["protoPayload.metadata.event.eventName"] == "suspicious_login"
    assert row["login_type"] == "exchange"


def test_real_entries_are_read_those_that_are_no_audit_too(read, shared_data):
    rows, coverage = read(shared_data / "m365" / "plaso-jsonl" / "gcp_logging.jsonl")
    assert (len(rows), coverage.n_unread) == (11, 0)
    assert sum(r["class"].services == {"gcp.audit"} for r in rows) == 9


@pytest.mark.parametrize(
    "wrap", [lambda e: [e], lambda e: {"items": [e]}, lambda e: e], ids=["array", "wrapped", "one"]
)
def test_every_event_of_an_activity_is_one(read, tmp_path, wrap):
    (tmp_path / "x").write_text(json.dumps(wrap(ACTIVITY)))
    rows, coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert [r["eventName"] for r in rows] == ["CHANGE_APPLICATION_SETTING", "REMOVE_PRIVILEGE"]
    row = rows[0]
    assert (row["class"].product, row["class"].services) == ("gcp", {"google_workspace.admin"})
    assert (row["eventService"], row["setting_name"], row["new_value"]) == (
        "admin.googleapis.com",
        "ContextAwareAccess",
        "false",
    )
    assert (row["orgs"], row["actor.email"]) == ("a\nb", "alice@corp.example")
    assert (row["user.name"], row["user.target.name"]) == ("corp\\alice", "corp\\bob")
    assert (row["source.ip"], row["event.record"]) == ("2001:db8::1", 1)


@pytest.mark.parametrize(
    ("name", "outcome"), [("login_failure", "failure"), ("login_success", "success"), ("logout", None)]
)
def test_signing_in_has_an_outcome(read, tmp_path, name, outcome):
    activity = ACTIVITY | {"events": [{"name": name, "type": "login"}]}
    (tmp_path / "x").write_text(json.dumps(activity))
    assert read(tmp_path)[0][0]["event.outcome"] == outcome


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_random_and_cut_content_raises_nothing_else(noise, end):
    for name, value in (("gcp_audit", ENTRY), ("google_workspace", ACTIVITY)):
        content = json.dumps([value]).encode()[:end] + noise
        recognise(content)
        with contextlib.suppress(SourceError):
            list(SOURCES[name].read(LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))))
