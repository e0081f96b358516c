"""Entra's logs in all their forms: each gives the same fields."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.seen import Seen
from stillhunt.telemetry.source import SOURCES, LogFile

SIGN_IN = {
    "id": "1",
    "createdDateTime": "2024-02-03T04:05:06.7Z",
    "userPrincipalName": "Bob@Example.org",
    "userId": "u1",
    "appDisplayName": "Office 365 Exchange Online",
    "appId": "00000002",
    "ipAddress": "203.0.113.9",
    "clientAppUsed": "Browser",
    "userAgent": "python-requests/2.1",
    "authenticationRequirement": "singleFactorAuthentication",
    "conditionalAccessStatus": "notApplied",
    "resourceDisplayName": "Exchange",
    "resourceTenantId": "T1",
    "status": {"errorCode": 50126, "failureReason": "Invalid username or password."},
    "location": {"city": "Utrecht", "countryOrRegion": "NL"},
    "deviceDetail": {"deviceId": "", "isCompliant": False, "operatingSystem": "Linux"},
}
TABLE = {
    "TimeGenerated [UTC]": "2/3/2024, 4:05:06.700 AM",
    "ResultType": "50126",
    "ResultDescription": "Invalid username or password.",
    "UserPrincipalName": "Bob@Example.org",
    "AppDisplayName": "Office 365 Exchange Online",
    "AppId": "00000002",
    "IPAddress": "203.0.113.9",
    "ClientAppUsed": "Browser",
    "UserAgent": "python-requests/2.1",
    "AuthenticationRequirement": "singleFactorAuthentication",
    "ConditionalAccessStatus": "notApplied",
    "ResourceDisplayName": "Exchange",
    "ResourceTenantId": "T1",
    "Location": "NL",
    "LocationDetails": json.dumps({"city": "Utrecht", "countryOrRegion": "NL"}),
    "DeviceDetail": json.dumps({"deviceId": "", "isCompliant": False}),
    "Status": json.dumps({"errorCode": 50126, "failureReason": "Invalid username or password."}),
}
PORTAL = {
    "Date (UTC)": "2024-02-03T04:05:06Z",
    "Request ID": "1",
    "User agent": "python-requests/2.1",
    "Username": "Bob@Example.org",
    "Application": "Office 365 Exchange Online",
    "Application ID ": "00000002",
    "Resource": "Exchange",
    "Resource tenant ID": "T1",
    "IP address": "203.0.113.9",
    "Location": "Utrecht, Utrecht, NL",
    "Status": "Failure",
    "Sign-in error code": "50126",
    "Failure reason": "Invalid username or password.",
    "Client app": "Browser",
    "Authentication requirement": "singleFactorAuthentication",
    "Conditional Access": "notApplied",
}


def lines_of(*records):
    return "\n".join(json.dumps(record) for record in records) + "\n"


def table(record):
    text = io.StringIO()
    writer = csv.DictWriter(text, record)
    writer.writeheader()
    writer.writerow(record)
    return text.getvalue()


FORMS = {
    "Graph, by line": lines_of(SIGN_IN),
    "Graph, a page": json.dumps({"@odata.context": "x", "value": [SIGN_IN]}, indent=1),
    "PowerShell": json.dumps([{name[0].upper() + name[1:]: value for name, value in SIGN_IN.items()}]),
    "diagnostic settings": lines_of(
        {"time": "2024-02-03T04:05:06.7Z", "category": "SignInLogs", "resultType": "50126", "properties": SIGN_IN}
    ),
    "Log Analytics as JSON": lines_of({**TABLE, "TimeGenerated": "2024-02-03T04:05:06.7Z", "Type": "SigninLogs"}),
    "Log Analytics as CSV": table(TABLE),
    "the portal's CSV": "\ufeff" + table(PORTAL),
    "Splunk's JSON": lines_of({"preview": False, "offset": 0, "result": {"_raw": json.dumps(SIGN_IN), "host": "h"}}),
    "Splunk's CSV": table({"_time": "2024-02-03T05:05:06+0100", "host": "h", "_raw": json.dumps(SIGN_IN)}),
}


def read(text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    return list(SOURCES["entra"].read(log)), log


@pytest.mark.parametrize("form", FORMS)
def test_a_sign_in_says_the_same_in_every_form(form):
    assert recognise(FORMS[form].encode()) == "entra"
    [(event_class, row)], log = read(FORMS[form])
    assert (log.n_unread, event_class.product, event_class.services) == (0, "azure", {"signinlogs"})
    assert row.at.replace(microsecond=0) == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert row.common == {
        "event.action": "sign-in",
        "event.outcome": "failure",
        "user.target.name": "example\\bob",
        "source.ip": "203.0.113.9",
        "user_agent.original": "python-requests/2.1",
        "cloud.account.id": "t1",
    }
    expected = {
        "ResultType": "50126",
        "resultType": "50126",
        "ResultDescription": "Invalid username or password.",
        "properties.appId": "00000002",
        "AuthenticationRequirement": "singleFactorAuthentication",
        "conditionalAccessStatus": "notApplied",
        "userAgent": "python-requests/2.1",
        "callerIpAddress": "203.0.113.9",
    }
    assert expected.items() <= row.native.items()
    assert row.native["Location"] in {"NL", "Utrecht, Utrecht, NL"}


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [({"status": {"errorCode": 0}}, "success"), ({"status": {}}, None), ({"status": "Success"}, "success")],
)
def test_the_outcome_is_that_of_the_code_or_of_the_word(changed, outcome):
    [(_, row)], _ = read(lines_of({**SIGN_IN, **changed}))
    assert row.common.get("event.outcome") == outcome


def test_a_sign_in_of_a_program_is_done_by_the_program():
    program = {**SIGN_IN, "userPrincipalName": None, "servicePrincipalName": "Backup", "servicePrincipalId": "sp"}
    [(_, row)], _ = read(lines_of({"category": "ServicePrincipalSignInLogs", "properties": program}))
    assert (row.common["user.name"], "user.target.name" in row.common) == ("sp", False)


AUDIT = {
    "activityDateTime": "2024-02-03T04:05:06Z",
    "activityDisplayName": "Consent to application",
    "category": "ApplicationManagement",
    "loggedByService": "Core Directory",
    "result": "success",
    "initiatedBy": {"user": {"userPrincipalName": "eve@example.org", "ipAddress": "203.0.113.9"}, "app": None},
    "targetResources": [
        {
            "type": "ServicePrincipal",
            "displayName": "Mail Helper",
            "modifiedProperties": [
                {"displayName": "ConsentContext.IsAdminConsent", "oldValue": None, "newValue": '"True"'},
                {"displayName": "ConsentAction.Permissions", "newValue": "Mail.Read offline_access"},
            ],
        },
        {"type": "User", "userPrincipalName": "Bob@example.org"},
    ],
    "additionalDetails": [{"key": "User-Agent", "value": "Moz"}],
}


def test_a_change_of_the_directory_names_actor_target_and_new_values():
    [(event_class, row)], _ = read(lines_of(AUDIT))
    assert event_class.services == {"auditlogs"}
    assert row.common == {
        "event.action": "Consent to application",
        "event.outcome": "success",
        "user.name": "example\\eve",
        "user.target.name": "example\\bob",
        "source.ip": "203.0.113.9",
        "user_agent.original": "Moz",
    }
    expected = {
        "OperationName": "Consent to application",
        "properties.message": "Consent to application",
        "ConsentContext.IsAdminConsent": "True",
        "Status": "Success",
        "Target": "Mail Helper, Bob@example.org",
        "properties.targetResources.modifiedProperties.displayName": [
            "ConsentContext.IsAdminConsent",
            "ConsentAction.Permissions",
        ],
    }
    assert expected.items() <= row.native.items()


def test_the_portals_table_of_changes_gives_the_same():
    record = {
        "Date (UTC)": "2024-02-03T04:05:06Z",
        "Service": "Core Directory",
        "Category": "ApplicationManagement",
        "Activity": "Consent to application",
        "Result": "success",
        "ActorType": "User",
        "ActorUserPrincipalName": "eve@example.org",
        "IPAddress": "203.0.113.9",
        "Target1Type": "ServicePrincipal",
        "Target1DisplayName": "Mail Helper",
        "Target1ModifiedProperty1Name": "ConsentContext.IsAdminConsent",
        "Target1ModifiedProperty1NewValue": '"True"',
        "AdditionalDetail1Key": "User-Agent",
        "AdditionalDetail1Value": "Moz",
    }
    assert recognise(table(record).encode()) == "entra"
    [(event_class, row)], _ = read(table(record))
    assert event_class.services == {"auditlogs"}
    assert row.native["ConsentContext.IsAdminConsent"] == "True"
    expected = {"user.name": "example\\eve", "source.ip": "203.0.113.9", "user_agent.original": "Moz"}
    assert expected.items() <= row.common.items()


def test_a_detected_risk_names_kind_account_and_address():
    risk = {"riskEventType": "unfamiliarFeatures", "detectedDateTime": "2024-02-03T04:05:06Z", "riskLevel": "high"}
    [(event_class, row)], _ = read(lines_of({**risk, "userPrincipalName": "bob@x", "ipAddress": "203.0.113.9"}))
    assert (event_class.services, row.native["riskEventType"]) == ({"riskdetection"}, "unfamiliarFeatures")
    assert row.common["source.ip"] == "203.0.113.9"


def test_an_alert_of_privileged_identities_is_of_their_service():
    alert = {"riskEventType": "tooManyGlobalAdminsAssignedToTenantAlertIncident"}
    [(event_class, _)], _ = read(lines_of({**alert, "detectedDateTime": "2024-02-03T04:05:06Z"}))
    assert event_class.services == {"pim"}


def test_a_record_that_is_there_again_in_another_form_is_counted_once():
    seen = Seen()
    n_rows = []
    for form in FORMS.values():
        log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(form.encode())), seen=seen)
        n_rows.append((len(list(SOURCES["entra"].read(log))), log.n_duplicates))
    # Those of Log Analytics have no id here, and what cannot be told to be the same is kept.
    assert n_rows == [(1, 0), (0, 1), (0, 1), (0, 1), (1, 0), (1, 0), (0, 1), (0, 1), (0, 1)]


def test_a_sign_in_that_was_answered_anew_is_another():
    rows, log = read(lines_of(SIGN_IN, {**SIGN_IN, "status": {"errorCode": 0}}))
    assert (len(rows), log.n_duplicates) == (2, 0)


def test_what_is_no_record_is_counted_and_the_rest_is_read():
    rows, log = read(lines_of(SIGN_IN, {"a": 1}, {**SIGN_IN, "id": "2"}))
    assert ([row.record for _, row in rows], log.n_unread) == ([1, 3], 1)


def test_headings_may_change_in_the_middle_of_a_table():
    rows, log = read(table(PORTAL) + table({**PORTAL, "Request ID": "2", "Extra": "x"}))
    assert ([row.record for _, row in rows], log.n_unread) == ([2, 4], 0)


@given(rubbish=st.binary(max_size=200), at=st.integers(0, 1000), form=st.sampled_from(sorted(FORMS)))
def test_damage_is_never_fatal(rubbish, at, form):
    content = FORMS[form].encode()
    rows, log = read(content[:at] + rubbish + content[at:])
    assert len(rows) + log.n_unread >= 0


FIXTURES = {
    "entra": ("*entraid*", 43),
    "m365_audit": ("*__o365__*", 30),
}
"""Single real records, each as somebody's collector got it, with what its parser makes of it."""


@pytest.mark.parametrize("source", FIXTURES)
def test_real_records_are_known_and_their_time_address_and_client_are_those_of_another_parser(source, shared_data):
    pattern, n_records = FIXTURES[source]
    n_read = 0
    for path in sorted((shared_data / "m365" / "sekoia-fixtures").glob(pattern)):
        fixture = json.loads(path.read_text("utf-8"))
        content, expected = fixture["input"]["message"].encode(), fixture["expected"]
        assert recognise(content) == source, path.name
        log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
        [(_, row)] = SOURCES[source].read(log)
        n_read += 1
        assert log.n_unread == 0
        assert row.at.isoformat()[:19] == expected["@timestamp"][:19], path.name
        for column, told in (
            ("source.ip", expected.get("source", {}).get("ip")),
            ("user_agent.original", expected.get("user_agent", {}).get("original")),
        ):
            assert told in {None, row.common.get(column)}, path.name
        if source == "entra" and expected["event"].get("outcome") in {"success", "failure"}:
            assert row.common["event.outcome"] == expected["event"]["outcome"], path.name
    assert n_read == n_records
