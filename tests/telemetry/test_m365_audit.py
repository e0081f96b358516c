"""The unified audit log says the same in every export, each record once."""

from __future__ import annotations

import contextlib
import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

RECORD = {
    "CreationTime": "2021-08-24T03:12:09",
    "Id": "11111111-1111-4111-8111-111111111111",
    "Operation": "New-InboxRule",
    "OrganizationId": "t-1",
    "RecordType": 1,
    "ResultStatus": "True",
    "UserId": "Anna@corp.example",
    "Workload": "Exchange",
    "ClientIP": "[2001:DB8::1]:443",
    "Parameters": [{"Name": "ForwardTo", "Value": "x@evil.example"}, {"Name": "DeleteMessage", "Value": "True"}],
}
ACCESSED = RECORD | {
    "Id": "2",
    "Operation": "MailItemsAccessed",
    "ResultStatus": "Succeeded",
    "MailboxOwnerUPN": "Boss@corp.example",
    "ClientIPAddress": "::ffff:203.0.113.9",
    "OperationProperties": [{"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "False"}],
    "Folders": [{"Path": "\\Inbox", "FolderItems": [{"InternetMessageId": "<a>"}, {"InternetMessageId": "<b>"}]}],
}
del ACCESSED["ClientIP"]


def as_csv(*records, head=("RecordType", "CreationDate", "AuditData")):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    for record in records:
        writer.writerow(["1", "8/24/2021", record if isinstance(record, str) else json.dumps(record)])
    return text.getvalue()


HOLDERS = {
    "csv": as_csv(RECORD),
    "csv of PowerShell": "#TYPE Deserialized\n" + as_csv(RECORD),
    "lines": json.dumps(RECORD) + "\n",
    "array": json.dumps([RECORD], indent=2),
    "graph": json.dumps({"value": [RECORD]}),
    "wrapped": json.dumps([{"Identity": "1", "AuditData": json.dumps(RECORD)}]),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_record_is_the_same_in_every_holder(read, tmp_path, holder, encoding):
    (tmp_path / "x").write_bytes(HOLDERS[holder].encode(encoding))
    (row,), coverage = read(tmp_path)
    assert coverage.n_unread == 0
    assert (row["class"].product, row["class"].services) == ("m365", {"audit", "exchange"})
    assert row["@timestamp"].isoformat() == "2021-08-24T03:12:09+00:00"
    assert (row["event.action"], row["event.outcome"]) == ("New-InboxRule", "success")
    assert (row["user.name"], row["source.ip"], row["cloud.account.id"]) == ("corp\\anna", "2001:db8::1", "t-1")
    assert (row["Parameters.ForwardTo"], row["Parameters.DeleteMessage"]) == ("x@evil.example", "True")
    assert (row["eventSource"], row["eventName"], row["status"]) == ("Exchange", "New-InboxRule", "success")


def test_what_was_read_in_a_mailbox_is_told(read, tmp_path):
    (tmp_path / "x.csv").write_text(as_csv(ACCESSED))
    (row,), _ = read(tmp_path)
    assert (row["email.mailbox"], row["source.ip"]) == ("boss@corp.example", "203.0.113.9")
    assert row["OperationProperties.MailAccessType"] == "Bind"
    assert row["Folders.FolderItems.InternetMessageId"] == "<a>\n<b>"
    assert row["event.record"] == 2


def test_a_record_that_is_there_again_is_counted_and_left_out(read, tmp_path):
    (tmp_path / "x.csv").write_text(as_csv(RECORD, ACCESSED, RECORD, RECORD))
    rows, coverage = read(tmp_path)
    assert len(rows) == 2
    assert coverage.files[0].n_duplicates == 2
    assert "2 records are there more than once" in coverage.files[0].note


def test_a_row_whose_record_is_cut_is_counted_with_its_line(read, tmp_path):
    (tmp_path / "x.csv").write_text(as_csv(RECORD, json.dumps(ACCESSED)[:40], "", ACCESSED))
    rows, coverage = read(tmp_path)
    assert len(rows) == 2
    assert coverage.n_unread == 2
    assert [p.where.rpartition(":")[2] for p in coverage.problems] == ["3", "4"]


def test_the_real_log_is_read_whole(read, shared_data):
    rows, coverage = read(shared_data / "m365" / "invictus_ual_2021-03-23_2021-04-30.csv.gz")
    (file,) = coverage.files
    assert (len(rows), file.n_duplicates, coverage.n_unread) == (1_723, 259, 0)
    assert len({row["Id"] for row in rows}) == len(rows)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_rubbish_raises_nothing_but_a_source_error(rubbish, keep):
    content = as_csv(RECORD, ACCESSED).encode()[:keep] + rubbish
    recognise(content)
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    with contextlib.suppress(SourceError):
        for _ in SOURCES["m365_audit"].into_outlet(log):
            pass
