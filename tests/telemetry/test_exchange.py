"""Logs of Exchange's own servers and exports of its audit."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

PROXY = """DateTime,RequestId,Protocol,UrlHost,UrlStem,AuthenticatedUser,AnchorMailbox,UserAgent,ClientIpAddress,\
ServerHostName,HttpStatus,Method,UrlQuery
#Software: Microsoft Exchange Server
#Version: 15.01.2106.013
#Log-type: HttpProxy Logs
#Date: 2021-03-01T00:00:00.000Z
#Fields: DateTime,RequestId,Protocol,UrlHost,UrlStem,AuthenticatedUser,AnchorMailbox,UserAgent,ClientIpAddress,\
ServerHostName,HttpStatus,Method,UrlQuery
2021-03-01T00:00:01.123Z,1,Ecp,mail.example.org,/ecp/y.js,,ServerInfo~a]@mx1:444/x?#,python-requests/2.25,203.0.113.9,\
MX1,200,POST,?a=1
"""
TRACKING = """#Software: Microsoft Exchange Server
#Log-type: Message Tracking Log
#Fields: date-time,client-ip,server-hostname,source,event-id,message-id,recipient-address,message-subject,\
sender-address,original-client-ip
2021-03-01T00:00:01.123Z,10.0.0.1,MX1,SMTP,RECEIVE,<1@x>,Bob@example.org;eve@example.org,"Hello, you",\
ann@example.com,203.0.113.9
"""
IMAP = (
    "2021-03-01T00:00:01.123Z,000000000000000E,2,10.0.0.2:143,203.0.113.9:35070,bob,168,31,31,authenticate,PLAIN,"
    '"R=""2 NO AUTHENTICATE failed."";ErrMsg=AuthFailed:LogonDenied"\n'
)
MAILBOX = """"Operation","OperationResult","LogonType","MailboxGuid","MailboxOwnerUPN","LogonUserDisplayName",\
"ClientIPAddress","LastAccessed","ItemSubject"
"FolderBind","Succeeded","Delegate","1","bob@example.org","Eve","203.0.113.9","2021-03-01T00:00:01.123Z","Plans"
"""
ADMIN = """"ObjectModified","CmdletName","CmdletParameters","Caller","Succeeded","RunDate","OriginatingServer"
"x","New-MailboxExportRequest","{Mailbox,FilePath}","example.org/Users/adm","True","%s","MX1 (15.1)"
"""
AT = datetime(2021, 3, 1, 0, 0, 1, 123000, tzinfo=UTC)


def read(text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    return list(SOURCES["exchange"].read(log)), log


CASES = {
    "a request": (
        PROXY,
        ("exchange", "httpproxy", {"webserver"}),
        {"host.name": "mx1", "source.ip": "203.0.113.9", "url.path": "/ecp/y.js", "http.request.method": "POST"},
        {
            "cs-uri-stem": "/ecp/y.js",
            "cs-uri-query": "a=1",
            "sc-status": "200",
            "cs-user-agent": "python-requests/2.25",
        },
    ),
    "a message": (
        TRACKING,
        ("exchange", "messagetracking", set()),
        {
            "email.sender.address": "ann@example.com",
            "email.mailbox": "bob@example.org",
            "email.subject": "Hello, you",
            "source.ip": "203.0.113.9",
        },
        {"event-id": "RECEIVE"},
    ),
    "a session whose log has lost its headings": (
        IMAP,
        ("exchange", "protocol", set()),
        {"event.outcome": "failure", "user.target.name": "bob", "source.ip": "203.0.113.9", "destination.port": "143"},
        {"command": "authenticate"},
    ),
    "somebody in another's mailbox": (
        MAILBOX,
        ("exchange", "mailboxaudit", set()),
        {
            "user.name": "eve",
            "email.mailbox": "bob@example.org",
            "event.action": "FolderBind",
            "email.subject": "Plans",
        },
        {"LogonType": "Delegate"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_log_has_its_common_columns(case):
    text, (product, service, categories), common, native = CASES[case]
    assert recognise(text.encode()) == "exchange"
    [(event_class, row)], log = read(text)
    assert (event_class.product, event_class.services, event_class.categories) == (product, {service}, categories)
    assert (log.n_unread, row.at) == (0, AT)
    assert common.items() <= row.common.items()
    assert native.items() <= row.native.items()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("3/28/2021 11:05:06 PM", 28),
        ("28.03.2021 23:05:06", 28),
        ("2021-03-28T23:05:06Z", 28),
        ("28/03/2021 23:05:06", 28),
    ],
)
def test_cmdlets_are_those_of_the_event_log_and_dates_those_of_any_country(written, day):
    [(event_class, row)], _ = read(ADMIN % written)
    assert (event_class.product, event_class.services) == ("windows", {"msexchange-management"})
    assert row.at == datetime(2021, 3, day, 23, 5, 6, tzinfo=UTC)
    assert (row.common["event.action"], row.common["host.name"]) == ("New-MailboxExportRequest", "mx1")


def test_headings_change_in_the_middle_and_lines_above_them_are_counted():
    rows, log = read("lost,line\n" + TRACKING + PROXY)
    assert ([row.record for _, row in rows], log.n_unread) == ([5, 12], 1)


@given(rubbish=st.binary(max_size=200), at=st.integers(0, 900))
def test_damage_is_never_fatal(rubbish, at):
    whole = (PROXY + TRACKING + IMAP).encode()
    rows, log = read(whole[:at] + rubbish + whole[at:])
    assert len(rows) + log.n_unread <= 20 + rubbish.count(b"\n") + rubbish.count(b"\r")


def test_real_sessions_of_imap_are_read_whole(shared_data):
    path = shared_data / "linux" / "crowdsec" / "exchange-imap-bf" / "exchange-imap-bf.log"
    reading = Reading([path])
    n_events = sum(batch.data.num_rows for batch in reading.batches())
    (file,) = reading.coverage().files
    n_lines = sum(bool(line.strip()) for line in path.read_text().split("\n"))
    assert (file.source, n_events, file.n_unread) == ("exchange", n_lines, 0)
