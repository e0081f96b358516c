"""CloudTrail in every wrapping: who called what, and with what answer."""

from __future__ import annotations

import contextlib
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

EVENT = {
    "eventVersion": "1.08",
    "userIdentity": {
        "type": "IAMUser",
        "arn": "arn:aws:iam::111122223333:user/Alice",
        "accountId": "111122223333",
        "userName": "Alice",
    },
    "eventTime": "2023-07-10T11:22:33Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateAccessKey",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "203.0.113.9",
    "userAgent": "aws-cli/2.9",
    "requestParameters": {"userName": "Bob", "tags": [{"key": "a"}, {"key": "b"}]},
    "responseElements": None,
    "readOnly": False,
    "recipientAccountId": "111122223333",
}

HOLDERS = {
    "trail": {"Records": [EVENT]},
    "event": EVENT,
    "array": [EVENT],
    "event history": {"Events": [{"EventId": "1", "CloudTrailEvent": json.dumps(EVENT)}]},
    "event bridge": {"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": EVENT},
    "cloudwatch": {"logEvents": [{"id": "1", "message": json.dumps(EVENT)}]},
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("indent", [None, 2])
def test_an_event_is_the_same_in_every_holder(read, tmp_path, holder, indent):
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(json.dumps(HOLDERS[holder], indent=indent).encode()))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert row["class"].product == "aws"
    assert row["class"].services == {"cloudtrail"}
    assert row["@timestamp"].isoformat() == "2023-07-10T11:22:33+00:00"
    assert (row["event.action"], row["event.outcome"]) == ("CreateAccessKey", "success")
    assert row["user.name"] == "111122223333\\alice"
    assert row["user.target.name"] == "111122223333\\bob"
    assert (row["source.ip"], row["cloud.account.id"]) == ("203.0.113.9", "111122223333")
    assert row["userIdentity.arn"] == "arn:aws:iam::111122223333:user/Alice"
    assert row["requestParameters.tags.key"] == "a\nb"
    assert row["requestParameters"] == '{"userName":"Bob","tags":[{"key":"a"},{"key":"b"}]}'
    assert row["readOnly"] == "false"


@pytest.mark.parametrize(
    ("identity", "user"),
    [
        ({"type": "Root", "arn": "arn:aws:iam::1:root", "accountId": "1"}, "1\\root"),
        (
            {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Admin/alice@x.example", "accountId": "1"},
            "1\\admin/alice@x.example",
        ),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/Eve", "accountId": "1"}, "1\\eve"),
        ({"type": "AWSAccount", "principalId": "AIDAX", "accountId": "9"}, "9\\aidax"),
        ({}, None),
        ("text", None),
    ],
)
def test_every_kind_of_caller_has_one_name(read, tmp_path, identity, user):
    (tmp_path / "x").write_text(json.dumps({"Records": [EVENT | {"userIdentity": identity}]}))
    assert read(tmp_path)[0][0]["user.name"] == user


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"errorCode": "AccessDenied"}, "failure"),
        ({"errorMessage": "Failed authentication"}, "failure"),
        ({"responseElements": {"ConsoleLogin": "Failure"}}, "failure"),
        ({"responseElements": {"ConsoleLogin": "Success"}}, "success"),
    ],
)
def test_an_answer_says_whether_it_was_granted(read, tmp_path, change, outcome):
    (tmp_path / "x").write_text(json.dumps({"Records": [EVENT | change]}))
    assert read(tmp_path)[0][0]["event.outcome"] == outcome


def test_a_service_in_place_of_an_address_is_none(read, tmp_path):
    (tmp_path / "x").write_text(json.dumps({"Records": [EVENT | {"sourceIPAddress": "ec2.amazonaws.com"}]}))
    (row,), _ = read(tmp_path)
    assert row["source.ip"] is None
    assert row["sourceIPAddress"] == "ec2.amazonaws.com"


def test_a_digest_is_no_log_and_no_trouble(read, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"Records": [EVENT]}))
    (tmp_path / "b.json").write_text(json.dumps({"awsAccountId": "1", "digestS3Object": "x", "logFiles": []}))
    _, coverage = read(tmp_path)
    assert "digest" in next(f.note for f in coverage.files if f.path.endswith("b.json"))
    assert not coverage.problems


def test_what_is_no_event_is_counted(read, tmp_path):
    (tmp_path / "x").write_text(json.dumps({"Records": [EVENT, {"a": 1}, 5]}))
    rows, coverage = read(tmp_path)
    assert (len(rows), coverage.n_unread) == (1, 2)


def test_every_event_of_a_real_trail_is_read(read, shared_data):
    rows, coverage = read(shared_data / "aws" / "sans504-s3" / "us-east-1")
    assert coverage.n_unread == 0
    assert {r["user.name"] for r in rows if r["source.ip"] == "3.238.12.183"} <= {"342082656213\\jmerckle"}
    assert all(r["@timestamp"] for r in rows)


def test_single_events_of_real_attacks_are_read(read, shared_data):
    rows, coverage = read(shared_data / "aws" / "stratus-detonations")
    assert len([f for f in coverage.files if f.source == "aws_cloudtrail"]) == 13
    assert (len(rows), coverage.n_unread) == (83, 0)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 900))
def test_random_and_cut_content_raises_nothing_else(noise, end):
    content = json.dumps({"Records": [EVENT]}).encode()[:end] + noise
    recognise(content)
    log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))
    with contextlib.suppress(SourceError):
        list(SOURCES["aws_cloudtrail"].read(log))
