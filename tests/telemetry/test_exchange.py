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
TRACE = """"Organization","MessageId","Received","SenderAddress","RecipientAddress","Subject","Status","FromIP",\
"MessageTraceId"
"corp","<1@x>","2021-03-01T00:00:01.123Z","ann@example.com","Bob@example.org","Hello","Delivered","203.0.113.9","7"
"""
EXTENDED = """origin_timestamp_utc,sender_address,recipient_status,message_subject,message_id,original_client_ip
2021-03-01T00:00:01.1230000Z,ann@example.com,Bob@example.org##Receive,Hello,<1@x>,203.0.113.9
"""
SMTP = """#Software: Microsoft Exchange Server
#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2021-03-01T00:00:01.123Z,MX1\\Default,08D8,5,10.0.0.2:587,203.0.113.9:35070,>,535 5.7.3 Authentication unsuccessful,
"""
OUTLOOK = """#Software: Microsoft Exchange Server
#Log-type: RCA Protocol Logs
#Fields: date-time,session-id,seq-number,client-name,organization-info,client-software,client-software-version,\
client-mode,client-ip,server-ip,protocol,application-id,operation,rpc-status,processing-time,operation-specific,failures
2021-03-01T00:00:01.123Z,9,1,/o=Org/ou=Group/cn=Recipients/cn=0123456789abcdef0123456789abcdef-Bob,,OUTLOOK.EXE,\
15.0.1,Cached,203.0.113.9,10.0.0.2,ncacn_http,Client=MSExchangeRPC,Connect,0,00:00:00.1,SID=S-1-5-21,
"""
ECP = """#Software: Microsoft Exchange Server
#Log-type: ECP Server Log
#Fields: TimeStamp,ServerName,EventId,EventData
2021-03-01T00:00:01.123Z,MX1,Cmdlet,S:CMD=Set-OabVirtualDirectory.ExternalUrl=http://f/<script>Page_Load;S:EX=
"""
UNKNOWN = """#Software: Microsoft Exchange Server
#Version: 15.0
#Log-type: Owa Logon Logs
#Fields: DateTime,UserName,ClientIP,Action
2021-03-01T00:00:01.123Z,bob,203.0.113.9,Logon
#Fields: DateTime,ClientIP,UserName
2021-03-01T00:00:02.123Z,203.0.113.9,bob
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
    "a message traced in the cloud": (
        TRACE,
        ("exchange", "messagetracking", set()),
        {
            "email.sender.address": "ann@example.com",
            "email.mailbox": "bob@example.org",
            "email.message_id": "1@x",
            "event.outcome": "success",
            "source.ip": "203.0.113.9",
        },
        {"Status": "Delivered"},
    ),
    "an extended trace": (
        EXTENDED,
        ("exchange", "messagetracking", set()),
        {"email.sender.address": "ann@example.com", "email.mailbox": "bob@example.org", "email.subject": "Hello"},
        {"message_id": "<1@x>"},
    ),
    "what was said to a mail server": (
        SMTP,
        ("exchange", "smtp", set()),
        {"source.ip": "203.0.113.9", "destination.port": "587", "event.outcome": "failure"},
        {"connector-id": "MX1\\Default"},
    ),
    "a session of Outlook": (
        OUTLOOK,
        ("exchange", "clientaccess", set()),
        {"source.ip": "203.0.113.9", "user.name": "bob", "event.action": "Connect", "event.outcome": "success"},
        {"client-software": "OUTLOOK.EXE"},
    ),
    "a cmdlet through the web": (
        ECP,
        ("windows", "msexchange-management", set()),
        {"host.name": "mx1", "event.action": "Set-OabVirtualDirectory"},
        {"Cmdlet": "Set-OabVirtualDirectory"},
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


def test_a_log_of_exchange_that_is_not_known_by_its_headings_is_of_its_own_type():
    assert recognise(UNKNOWN.encode()) == "exchange"
    rows, log = read(UNKNOWN)
    assert ([event_class.services for event_class, _ in rows], log.n_unread) == ([{"owalogon"}] * 2, 0)
    for _, row in rows:
        assert {"source.ip": "203.0.113.9", "user.name": "bob"}.items() <= row.common.items()


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
