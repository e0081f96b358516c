"""VPN gateways say who came in from where, and who was turned away."""

from __future__ import annotations

import pytest

from stillhunt.telemetry.unix import read_message

NETSCALER = (
    "default SSLVPN LOGIN 1234 0 :  Context dave@203.0.113.6 - SessionId: 7 - User dave - Client_ip 203.0.113.6 - "
    'Nat_ip "Mapped Ip" - Vserver 10.0.0.1:443 - Browser_type "Mozilla/5.0" - SSLVPN_client_type ICA'
)
PULSE = (
    "2023-01-02 10:00:00 - ive - [203.0.113.8] carol(Users)[] - Primary authentication {} for carol/AD from 203.0.113.8"
)
SAID = [
    (
        "%ASA-6-113015",
        (
            "AAA user authentication Rejected : reason = Invalid password : local database : user = Admin : "
            "user IP = 192.0.2.251"
        ),
        ("cisco", "admin", "192.0.2.251", "failure"),
    ),
    (
        "%ASA-6-113039",
        "Group <STAFF> User <olive> IP <2001:db8::7> AnyConnect parent session started.",
        ("cisco", "olive", "2001:db8::7", "success"),
    ),
    (
        "%FTD-6-113019",
        "Group = STAFF, Username = olive, IP = 198.51.100.158, Session disconnected. Session Type: SSL",
        ("cisco", "olive", "198.51.100.158", None),
    ),
    (
        "",
        (
            'date=2023-01-02 time=10:00:00 devname="fg" type="event" subtype="vpn" action="tunnel-up" '
            'tunneltype="ssl-tunnel" remip=203.0.113.7 user="Alice" msg="SSL tunnel established"'
        ),
        ("fortigate", "alice", "203.0.113.7", "success"),
    ),
    (
        "openvpn",
        "203.0.113.5:51034 [alice] Peer Connection Initiated with [AF_INET]203.0.113.5:51034",
        ("openvpn", "alice", "203.0.113.5", "success"),
    ),
    ("PulseSecure", PULSE.format("successful"), ("pulsesecure", "carol", "203.0.113.8", "success")),
    ("PulseSecure", PULSE.format("failed"), ("pulsesecure", "carol", "203.0.113.8", "failure")),
    ("", NETSCALER, ("netscaler", "dave", "203.0.113.6", "success")),
]


@pytest.mark.parametrize(("program", "message", "expected"), SAID)
def test_who_came_in_from_where(program, message, expected):
    said = read_message(program, message)
    product, user, address, outcome = expected
    assert (said.event_class.product, said.common["user.target.name"]) == (product, user)
    assert (said.common["source.ip"], said.common.get("event.outcome")) == (address, outcome)
    assert "auth" in said.event_class.services


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("%ASA-6-302013", "Built outbound TCP connection 1 for outside:203.0.113.9/443"),
        ("%ASA-6-113039", "something else altogether"),
        ("openvpn", "Initialization Sequence Completed"),
        ("", 'type="event" subtype="vpn" action="tunnel-stats" user="N/A" remip=203.0.113.7'),
        ("kernel", "SSLVPN nothing"),
    ],
)
def test_what_names_no_account_stays_a_message(program, message):
    assert read_message(program, message).event_class.product == "linux"
