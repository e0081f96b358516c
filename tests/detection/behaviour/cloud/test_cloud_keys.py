"""Keys of Amazon's cloud: used from elsewhere, looking around, doing what they never did."""

from __future__ import annotations

import pytest

from stillhunt.detection.behaviour.identities import is_reading
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.event import EventClass

from .conftest import at

AWS = EventClass(product="aws", services=frozenset({"cloudtrail"}))
SDK = "Boto3/1.28 Python/3.11 Linux/5.10"
CLI = "aws-cli/2.13 Python/3.11 Darwin/22"
SURVEY = (
    *(("iam", name) for name in ("ListUsers", "ListRoles", "ListGroups", "GetPolicy", "ListPolicies")),
    *(("sts", name) for name in ("GetCallerIdentity",)),
    *(("ec2", name) for name in ("DescribeInstances", "DescribeVpcs")),
    *(("s3", name) for name in ("ListBuckets",)),
)


def call(told, day, service, action, *, who="1\\deploy", address="198.51.100.5", agent=SDK, minute=0, denied=False):
    fields = {
        "event.action": action,
        "event.outcome": "failure" if denied else "success",
        "user.name": who,
        "source.ip": address,
        "user_agent.original": agent,
        "eventSource": f"{service}.amazonaws.com",
        "userIdentity.accessKeyId": "AKIAEXAMPLE",
        "awsRegion": "eu-west-1",
    }
    refused = {"errorCode": "AccessDenied"} if denied else {}
    told.add(AWS, at(day, 9 + minute / 60), **fields, **refused)


@pytest.fixture
def account(empty):
    """A program that puts objects every day for sixty days, and a colleague who looks after machines."""
    for day in range(60):
        for action in ("PutObject", "GetObject"):
            call(empty, day, "s3", action)
        call(empty, day, "ec2", "DescribeInstances", who="1\\ann", address="198.51.100.9", agent=CLI)
        call(empty, day, "iam", "ListUsers", who="1\\ann", address="198.51.100.9", agent=CLI)
    return empty


def test_ordinary_days_say_nothing(account):
    for name in ("cloud_key_elsewhere", "cloud_survey", "cloud_first_calls"):
        assert account.observe(name) == []


def test_a_key_used_elsewhere_with_another_client_is_told_of(account):
    call(account, 50, "s3", "ListBuckets", address="203.0.113.66", agent=CLI)
    (found,) = account.observe("cloud_key_elsewhere")
    assert "1\\deploy made 1 call on 2024-02-27 with aws-cli 2 on macos from 203.0.113.66" in found.sentence


@pytest.mark.parametrize(("address", "agent"), [("203.0.113.66", SDK), ("198.51.100.5", CLI)])
def test_another_network_or_another_client_alone_is_not(account, address, agent):
    call(account, 50, "s3", "ListBuckets", address=address, agent=agent)
    assert account.observe("cloud_key_elsewhere") == []


def test_a_key_that_looks_around_for_an_hour_is_told_of(account):
    for minute, (service, action) in enumerate(SURVEY):
        call(account, 30, service, action, who="1\\lost", minute=minute, denied=minute > 6)
    (found,) = account.observe("cloud_survey")
    assert "9 calls of up to 9 kinds in an hour, 9 of them never made before" in found.sentence
    assert "2 of them were refused" in found.sentence


def test_a_scanner_of_the_houses_own_is_not(account):
    for day in range(10):
        for minute, (service, action) in enumerate(SURVEY):
            call(account, day, service, action, who="1\\scanner", minute=minute)
    assert account.observe("cloud_survey") == []


def test_the_console_asks_for_much_at_one_click(account):
    for minute, (service, action) in enumerate(SURVEY):
        call(account, 30, service, action, who="1\\boss", minute=minute, agent="console.amazonaws.com")
    assert account.observe("cloud_survey") == []


def test_many_new_kinds_of_calls_on_one_day_are_told_of(account):
    for minute, (service, action) in enumerate([*SURVEY, ("iam", "CreateAccessKey")]):
        call(account, 50, service, action, minute=minute)
    (found,) = account.observe("cloud_first_calls")
    assert found.sentence.startswith("On 2024-02-27 1\\deploy made 10 kinds of calls that it never made before")
    assert "CreateAccessKey" in found.sentence


def test_reading_is_told_from_changing():
    assert [is_reading(name) for name in ("GetObject", "PutObject", "LookupEvents")] == [True, False, True]


def test_of_a_real_account_only_the_stolen_key_is_told(shared_data):
    watch = Watch(["cloud_key_elsewhere", "cloud_survey", "cloud_first_calls"])
    for batch in Reading([shared_data / "aws" / "sans504-s3"]).batches():
        watch.feed(batch)
    (found,) = [one.observation for one in watch.observed(lambda file, host: 0)]
    assert ("address", "3.238.12.183", "source") in found.entities
    assert ("account", "342082656213\\jmerckle", "subject") in found.entities
    assert found.count == 36  # of 37: the last call came an hour later
