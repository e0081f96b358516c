"""GuardDuty's findings and flow logs of virtual networks."""

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

FINDING = {
    "schemaVersion": "2.0",
    "accountId": "111122223333",
    "arn": "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f",
    "type": "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B",
    "resource": {"accessKeyDetails": {"userName": "Alice"}},
    "service": {
        "detectorId": "d",
        "eventLastSeen": "2023-05-04T10:11:12Z",
        "action": {"awsApiCallAction": {"remoteIpDetails": {"ipAddressV4": "203.0.113.9"}}},
    },
    "severity": 5,
    "createdAt": "2023-05-04T10:20:00.000Z",
}
BY_INTERFACE = {
    "AccountId": "111122223333",
    "Type": FINDING["type"],
    "Severity": 5,
    "Resource": {"AccessKeyDetails": {"UserName": "Alice"}},
    "Service": {
        "DetectorId": "d",
        "EventLastSeen": "2023-05-04T10:11:12Z",
        "Action": {"AwsApiCallAction": {"RemoteIpDetails": {"IpAddressV4": "203.0.113.9"}}},
    },
}

FLOWS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status\n"
    "2 111122223333 eni-1 10.0.0.5 203.0.113.9 49152 443 6 10 840 1683195072 1683195132 ACCEPT OK\n"
    "2 111122223333 eni-1 - - - - - - - 1683195132 1683195192 - NODATA\n"
)


@pytest.mark.parametrize("finding", [FINDING, BY_INTERFACE], ids=["export", "interface"])
@pytest.mark.parametrize(
    "wrap",
    [lambda f: f, lambda f: {"Findings": [f]}, lambda f: {"detail-type": "GuardDuty Finding", "detail": f}],
    ids=["one", "list", "event"],
)
def test_a_finding_says_the_same_in_every_form(read, tmp_path, finding, wrap):
    (tmp_path / "x").write_text(json.dumps(wrap(finding)))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert (row["class"].product, row["class"].services) == ("aws", {"guardduty"})
    assert row["@timestamp"].isoformat() == "2023-05-04T10:11:12+00:00"
    assert (row["event.action"], row["severity"]) == (FINDING["type"], "5")
    assert (row["user.name"], row["source.ip"]) == ("111122223333\\alice", "203.0.113.9")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_flows_follow_their_header(read, tmp_path, encoding):
    (tmp_path / "x").write_bytes((FLOWS + "2 111122223333 eni-1\n").encode(encoding))
    (flow, nothing), coverage = read(tmp_path)
    assert flow["@timestamp"].isoformat() == "2023-05-04T10:11:12+00:00"
    assert (flow["source.ip"], flow["destination.ip"], flow["destination.port"]) == ("10.0.0.5", "203.0.113.9", "443")
    assert (flow["event.action"], flow["bytes"], nothing["srcaddr"]) == ("ACCEPT", "840", None)
    assert (coverage.n_unread, coverage.problems[0].where[-2:]) == (1, ":4")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_random_and_cut_content_raises_nothing_else(noise, end):
    for name, text in (("aws_guardduty", json.dumps(FINDING)), ("aws_vpc_flow", FLOWS)):
        content = text.encode()[:end] + noise
        recognise(content)
        with contextlib.suppress(SourceError):
            list(SOURCES[name].read(LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))))
