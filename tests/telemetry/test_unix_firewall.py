"""Firewalls say who was connected to whom, and how much went through."""

from __future__ import annotations

import pytest

from stillhunt.telemetry.unix import read_message
from stillhunt.workflows.hunt import hunt

PAN = (
    "1,2021/03/25 12:00:00,0011,TRAFFIC,end,2049,2021/03/25 12:00:00,10.0.0.5,203.0.113.9,0.0.0.0,0.0.0.0,rule1,"
    "corp\\bob,,ssl,vsys1,trust,untrust,eth1,eth2,fwd,2021/03/25 12:00:00,1234,1,51000,443,0,0,0x19,tcp,allow,5000,"
    "2000,3000,20,2021/03/25 11:59:00,60,any"
)
FORTI = (
    'date=2021-03-25 time=12:00:00 devname="fg" type="traffic" subtype="forward" srcip=10.0.0.5 srcport=51000 '
    'dstip=203.0.113.9 dstport=443 proto=6 action="close" duration=30 sentbyte=100 rcvdbyte=200 user="bob"'
)
ASA = (
    "302014: Teardown TCP connection 1 for outside:203.0.113.9/443 to inside:10.0.0.5/51000 duration 0:01:30 bytes "
    "4500 TCP FINs"
)
ASA_DENIED = 'Deny tcp src outside:203.0.113.9/51000 dst inside:10.0.0.5/22 by access-group "outside_in" [0x0, 0x0]'
PFSENSE = "5,,,1000000103,em0,match,block,in,4,0x0,,64,1,0,none,6,tcp,60,203.0.113.9,10.0.0.5,51000,22,0,S,1,,1,,"
PFSENSE_6 = "7,,,1000000105,em0,match,pass,out,6,0x00,0x0,64,udp,17,75,2001:db8::5,2001:db8:1::9,5353,53,75"
CEF = (
    "0|Check Point|VPN-1 & FireWall-1|R80|100|Accept|Low|act=Accept src=10.0.0.5 spt=51000 dst=203.0.113.9 dpt=443 "
    "proto=TCP out=10 in=20 suser=corp\\\\bob msg=a \\= b"
)
UFW = "[1.2] [UFW BLOCK] IN=eth0 OUT= MAC=0 SRC=203.0.113.9 DST=10.0.0.5 LEN=60 PROTO=TCP SPT=51000 DPT=22 SYN"

OUT, IN = ("10.0.0.5", "203.0.113.9", "443"), ("203.0.113.9", "10.0.0.5", "22")
SAID = [
    ("", PAN, "paloalto", OUT, ("success", "2000", "3000", "60", "tcp")),
    ("", FORTI, "fortigate", OUT, ("success", "100", "200", "30", "tcp")),
    ("%ASA-6", f"%ASA-6-{ASA}", "cisco", OUT, ("success", None, None, "90", "tcp")),
    ("", f": %ASA-4-106023: {ASA_DENIED}", "cisco", IN, ("failure", None, None, None, "tcp")),
    ("filterlog", PFSENSE, "pfsense", IN, ("failure", None, None, None, "tcp")),
    (
        "filterlog",
        PFSENSE_6,
        "pfsense",
        ("2001:db8::5", "2001:db8:1::9", "53"),
        ("success", None, None, None, "udp"),
    ),
    ("CEF", CEF, "check_point", OUT, ("success", "10", "20", None, "tcp")),
    ("kernel", UFW, "linux", IN, ("failure", None, None, None, "tcp")),
]


@pytest.mark.parametrize(("program", "message", "product", "ends", "told"), SAID)
def test_a_connection_is_told_with_its_ends_and_what_it_carried(program, message, product, ends, told):
    said = read_message(program, message)
    assert (said.event_class.product, said.event_class.categories) == (product, {"firewall"})
    assert tuple(said.common.get(n) for n in ("source.ip", "destination.ip", "destination.port")) == ends
    carried = tuple(said.native.get(n) for n in ("bytes_out", "bytes_in", "duration", "protocol"))
    assert (said.common.get("event.outcome"), *carried) == told


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("filterlog", "5,,,1"),
        ("filterlog", "5,,,1000000103,em0,match,block,in,4,0x0,,64,1,0,none,1,icmp,60,x,10.0.0.5,"),
        ("CEF", "0|Vendor|Product|1|100|login|5|suser=bob"),
        ("", "%ASA-6-302013: Built outbound TCP connection 1 for outside:203.0.113.9/443 to inside:10.0.0.5/51000"),
        ("kernel", "IN=eth0 OUT= SRC= DST="),
        ("", "1,2021/03/25 12:00:00,0011,TRAFFIC,start"),
    ],
)
def test_what_tells_of_no_connection_stays_a_message(program, message):
    assert read_message(program, message).event_class.categories == frozenset()


def test_a_beacon_shows_in_the_log_of_a_firewall(tmp_path):
    line = "<134>1 {day}T{hour:02}:00:{second:02}Z fw filterlog 1 - - " + PFSENSE_6.replace(
        "6,0x00,0x0,64,udp,17,75,2001:db8::5,2001:db8:1::9,5353,53,75",
        "4,0x0,,64,1,0,DF,6,tcp,60,10.0.0.5,203.0.113.9,51000,443,0,S,1,,1,,",
    )
    days = [f"2021-03-{day:02}" for day in range(1, 21)]
    rows = [line.format(day=day, hour=hour, second=hour * 7 % 40) for day in days for hour in range(24)]
    (tmp_path / "firewall.log").write_text("\n".join(rows) + "\n")
    found = hunt([tmp_path]).brief
    assert [f.detector.title for f in found.findings if "beacon" in f.detector.id]
    assert found.coverage.files[0].n_events == 480
