"""Who asked a proxy or a name server for what: Squid, BIND, Windows."""

from __future__ import annotations

import io

import pytest

from stillhunt.telemetry.source import SOURCES, LogFile
from stillhunt.workflows.hunt import hunt

SQUID = (
    "1616673600.123    210 10.0.0.5 TCP_MISS/200 4512 GET http://news.example/a/b.gif?u=1 bob HIER_DIRECT/192.0.2.34 "
    "image/gif\n"
    "1616673601.456     95 10.0.0.6 TCP_TUNNEL/200 39120 CONNECT Mail.example:443 - FIRSTUP_PARENT/10.0.0.9 -\n"
    "1616673602.000      0 10.0.0.6 TCP_DENIED/403 3800 CONNECT 198.51.100.7:8443 - HIER_NONE/- text/html\n"
    "1616673603.000      0 10.0.0.6 NONE/400 3800 NONE error:invalid-request - HIER_NONE/- text/html\n"
)
BIND = (
    "25-Mar-2021 12:00:00.123 queries: info: client @0x7f3c 10.0.0.5#53211 (www.example.com): query: www.example.com "
    "IN A +E(0)K (10.0.0.1)\n"
    "25-Mar-2021 12:00:01 client 2001:db8::6#40000: view inside: query: A.b.example IN TXT +\n"
    "25-Mar-2021 12:00:02 zone example.com/IN: loaded serial 7\n"
)
WINDOWS = """DNS Server log file creation at 3/25/2021 12:00:00 PM
Log file wrap at 3/25/2021 12:00:00 PM

Message logging key (for packets - other items use a subset of these fields):
\tField #  Information         Values
\t-------  -----------         ------
\t   1     Date

3/5/2021 12:00:00 AM 0E5C PACKET  1E8 UDP Rcv 10.0.0.5  4a3b   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)
3/5/2021 12:00:00 AM 0E5C PACKET  1E8 UDP Snd 192.0.2.53  4a3c   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)
3/25/2021 1:00:00 PM 0E5C PACKET  1E8 UDP Snd 10.0.0.5  4a3b R Q [8081   DR  NXDOMAIN] A      (3)www(7)example(3)com(0)
"""


def events(name, text):
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(text.encode())))
    for _ in SOURCES[name].into_outlet(log):
        pass
    rows = [row for batch in log.outlet.rest() for row in batch.data.to_pylist()]
    return sorted(rows, key=lambda row: row["event.record"]), log


def told(row, *names):
    return tuple(row.get(name) for name in names)


def test_squid_says_who_asked_for_what_and_who_was_reached():
    rows, log = events("squid", SQUID)
    names = ("source.ip", "user.name", "destination.domain", "destination.ip", "destination.port", "sc-status")
    assert [told(row, *names) for row in rows] == [
        ("10.0.0.5", "bob", "news.example", "192.0.2.34", "80", "200"),
        ("10.0.0.6", None, "mail.example", None, "443", "200"),
        ("10.0.0.6", None, None, "198.51.100.7", "8443", "403"),
        ("10.0.0.6", None, None, None, None, "400"),
    ]
    assert told(rows[0], "c-uri-extension", "cs-method", "c-uri") == ("gif", "GET", "http://news.example/a/b.gif?u=1")
    assert (str(rows[0]["@timestamp"]), rows[2]["event.outcome"]) == ("2021-03-25 12:00:00.123000+00:00", "failure")
    assert log.n_unread == 0


def test_bind_says_who_asked_and_other_messages_are_counted():
    rows, log = events("dns_queries", BIND)
    assert [told(row, "source.ip", "destination.domain", "record_type", "destination.ip") for row in rows] == [
        ("10.0.0.5", "www.example.com", "A", "10.0.0.1"),
        ("2001:db8::6", "a.b.example", "TXT", None),
    ]
    assert [str(row["@timestamp"]) for row in rows] == [
        "2021-03-25 12:00:00.123000+00:00",
        "2021-03-25 12:00:01+00:00",
    ]
    assert (log.n_unread, log.n_zoneless) == (1, 2)


def test_windows_names_are_put_together_and_the_order_of_day_and_month_is_found():
    rows, log = events("dns_queries", WINDOWS)
    assert [told(row, "source.ip", "destination.domain", "event.action", "rcode") for row in rows] == [
        ("10.0.0.5", "www.example.com", "query", "NOERROR"),
        (None, "www.example.com", "query", "NOERROR"),
        (None, "www.example.com", "response", "NXDOMAIN"),
    ]
    assert [f"{row['@timestamp']:%m-%d %H:%M}" for row in rows] == ["03-05 00:00", "03-05 00:00", "03-25 13:00"]
    assert log.n_unread == 0


@pytest.mark.parametrize("is_outside", [True, False])
def test_a_slow_beacon_to_the_outside_shows_in_what_a_proxy_was_asked_for(tmp_path, is_outside):
    begin = 1_616_673_600
    lines = []
    for n in range(400):
        at, jitter = begin + n * 3_600, n * 7_919 % 240
        if is_outside:
            lines.append(
                f"{at + jitter}.000 95 10.0.0.6 TCP_TUNNEL/200 3912 CONNECT cdn.quiet.example.net:443 - "
                "HIER_DIRECT/203.0.113.35 -"
            )
        else:
            lines.append(
                f"{at}.000 95 10.0.0.6 TCP_MISS/200 3912 GET http://intranet.corp.local/ - HIER_DIRECT/10.0.0.1 -"
            )
    (tmp_path / "access.log").write_text("\n".join(lines) + "\n")
    found = [f.detector.id for f in hunt([tmp_path]).brief.findings if "beacon" in f.detector.id]
    assert bool(found) == is_outside
