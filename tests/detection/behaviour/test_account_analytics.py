from __future__ import annotations

import random
import struct

import pytest

from stillhunt.detection.behaviour.networks import Networks
from stillhunt.telemetry.event import EventClass
from stillhunt.terms.level import Level

M365 = EventClass(product="m365", services=frozenset({"audit"}))
DAY, HOUR = 86_400, 3_600


def windows(event_id):
    return EventClass(product="windows", services=frozenset({"security"}), channel="Security", event_id=event_id)


def cloud(
    at,
    account="corp\\alice",
    address="198.51.100.7",
    client="Outlook/16.0 (Windows NT 10.0)",
    outcome="success",
    **native,
):
    common = {"user.name": account, "source.ip": address, "user_agent.original": client, "event.outcome": outcome}
    return at, common, native


def logon(at, account="corp\\alice", host="fs01", kind="3", address="10.0.0.5"):
    return at, {"user.target.name": account, "host.name": host, "logon.type": kind, "source.ip": address}, {}


def office(n_accounts=40, days=60, client="Outlook/16.0 (Windows NT 10.0)"):
    return [
        cloud(day * DAY + 9 * HOUR + n * 20, f"corp\\user{n}", f"198.51.100.{n % 3 + 1}", client)
        for day in range(days)
        for n in range(n_accounts)
        if day % 7 < 5
    ]


def test_a_new_network_with_a_new_client_is_told_and_either_alone_is_not(found):
    alice = [cloud(day * DAY) for day in range(40)]
    strange = cloud(41 * DAY, address="203.0.113.50", client="python-requests/2.31")
    (seen,) = found("first_seen_origin", (M365, [*office(), *alice, strange]))
    assert (seen.identity, seen.level) == (("corp\\alice", "203.0.113.0/24"), Level.MEDIUM)
    assert "a network and a client it never had before" in seen.sentence
    journey = cloud(41 * DAY, address="203.0.113.50")
    new_phone = cloud(41 * DAY, client="Outlook-iOS/2.0")
    young = [cloud(0), strange]
    assert found("first_seen_origin", (M365, [*office(), *alice, journey, new_phone])) == []
    assert found("first_seen_origin", (M365, [*office(), *young])) == []


def test_a_new_version_is_no_new_client(found):
    alice = [cloud(day * DAY, client=f"Outlook/16.0.{day} (Windows NT 10.0)") for day in range(40)]
    newer = cloud(41 * DAY, address="203.0.113.50", client="Outlook/16.0.99 (Windows NT 10.0)")
    assert found("first_seen_origin", (M365, [*office(), *alice, newer])) == []


def test_a_slow_spray_from_one_address_is_found_over_months(found):
    slow = [cloud(n * 5 * DAY, f"corp\\user{n}", "203.0.113.66", outcome="failure") for n in range(30)]
    (seen,) = found("password_spray", (M365, office() + slow))
    assert (seen.identity, seen.measured["accounts"], seen.level) == (("address", "203.0.113.66"), 30, None)


def test_a_spray_that_got_in_is_high(found):
    slow = [cloud(n * 5 * DAY, f"corp\\user{n}", "203.0.113.66", outcome="failure") for n in range(30)]
    (seen,) = found("password_spray", (M365, [*office(), *slow, cloud(99 * DAY, "corp\\user7", "203.0.113.66")]))
    assert seen.level is Level.HIGH
    assert "got in as corp\\user7" in seen.sentence


def test_a_spray_with_an_address_for_every_guess_is_found_by_its_client(found):
    spread = [
        cloud(n * DAY, f"corp\\user{n}", f"203.{n}.113.66", "Mozilla/5.0 (Fuzzilla 9)", outcome="failure")
        for n in range(30)
    ]
    (seen,) = found("password_spray", (M365, office() + spread))
    assert seen.identity[0] == "client"
    assert "from 30 different addresses" in seen.sentence


def test_the_addresses_of_a_client_that_is_told_are_not_told_again(found):
    spread = [
        cloud((n + 200 * turn) * DAY, f"corp\\user{n}", f"203.{n % 2}.113.66", "Fuzzilla 9", outcome="failure")
        for n in range(30)
        for turn in range(2)
    ]
    (seen,) = found("password_spray", (M365, office() + spread))
    assert seen.identity == ("client", "fuzzilla")


def test_many_addresses_that_guess_in_vain_are_one_finding_and_one_that_got_in_is_another(found):
    many = [
        cloud(n * 5 * DAY + turn, f"corp\\user{n}", f"203.0.113.{turn}", outcome="failure")
        for n in range(12)
        for turn in range(10)
    ]
    got_in = cloud(80 * DAY, "corp\\user7", "203.0.113.4")
    seen = {one.identity: one for one in found("password_spray", (M365, [*office(), *many, got_in]))}
    assert set(seen) == {("addresses", "together"), ("address", "203.0.113.4")}
    assert seen["address", "203.0.113.4"].level is Level.HIGH
    assert seen["addresses", "together"].sentence.startswith("9 addresses, each at 10 accounts or more, failed at 12")


def test_an_office_that_mistypes_and_guesses_at_one_account_are_no_spray(found):
    mistyped = [cloud(n * DAY, f"corp\\user{n}", "198.51.100.1", outcome="failure") for n in range(30)]
    guessing = [cloud(n * 10.0, "corp\\user1", "203.0.113.66", outcome="failure") for n in range(500)]
    assert found("password_spray", (M365, office() + mistyped + guessing)) == []


def test_many_new_machines_in_a_day_are_told(found):
    usual = [logon(day * DAY + n, f"corp\\user{n}", f"fs0{n % 3}") for day in range(40) for n in range(20)]
    around = [logon(30 * DAY + n * 60, "corp\\user3", f"srv{n}", address="10.0.9.9") for n in range(12)]
    (seen,) = found("new_logon_paths", (windows("4624"), usual + around))
    assert (seen.identity[0], seen.measured["hosts"]) == ("corp\\user3", 12)
    assert found("new_logon_paths", (windows("4624"), usual)) == []
    assert found("new_logon_paths", (windows("4624"), [*usual, logon(30 * DAY, "corp\\user3", "srv1")])) == []


def test_a_remote_desktop_from_a_machine_never_come_from_is_low(found):
    usual = [logon(day * DAY + n, f"corp\\user{n}", "fs01", "10", f"10.0.1.{n}") for day in range(40) for n in range(9)]
    (seen,) = found("new_logon_paths", (windows("4624"), [*usual, logon(39 * DAY + HOUR, "corp\\user3", "dc01", "10")]))
    assert (seen.identity, seen.level) == (("corp\\user3", "10.0.0.5", "dc01"), Level.LOW)


def test_an_account_that_slept_for_months_is_told_when_it_wakes_elsewhere(found):
    sleeper = [cloud(day * DAY, "corp\\old") for day in range(5)]
    woken = cloud(150 * DAY, "corp\\old", "203.0.113.50", "curl/8")
    (seen,) = found("dormant_account", (M365, [*office(days=160), *sleeper, woken]))
    assert (seen.level, seen.measured["silent days"]) == (Level.MEDIUM, 146)
    holiday = cloud(40 * DAY, "corp\\old")
    assert found("dormant_account", (M365, [*office(days=160), *sleeper, holiday])) == []


def test_a_silence_of_the_logs_is_no_silence_of_the_accounts(found):
    before, after = office(days=10), [(at + 150 * DAY, c, n) for at, c, n in office(days=10)]
    assert found("dormant_account", (M365, before + after)) == []


def test_a_service_account_by_remote_desktop_is_told_and_a_person_is_not(found):
    service = [logon(day * DAY, "corp\\svc-sql", "sql01", "5", "") for day in range(30)]
    person = [logon(day * DAY, "corp\\alice", "ws01", "2", "") for day in range(30)]
    hand = logon(31 * DAY, "corp\\svc-sql", "dc01", "10")
    (seen,) = found("interactive_service_account", (windows("4624"), [*service, *person, hand]))
    assert seen.identity == ("corp\\svc-sql",)
    assert "by remote desktop from 10.0.0.5" in seen.sentence
    assert found("interactive_service_account", (windows("4624"), [*service, *person])) == []


def ticket(at, account, encryption="0x12", status="0x0"):
    return at, {"user.name": account, "source.ip": "10.0.0.5"}, {"TicketEncryptionType": encryption, "Status": status}


def kerberos(n_accounts=10, days=30):
    given = [ticket(day * DAY + n, f"corp\\user{n}") for day in range(days) for n in range(n_accounts)]
    return given, [(at + 60, common, native) for at, common, native in given]


def test_service_tickets_without_a_ticket_given_out_are_told(found):
    given, asked = kerberos()
    forged = ticket(20 * DAY, "corp\\administrator", "0x17")
    (seen,) = found("golden_ticket", (windows("4768"), given), (windows("4769"), [*asked, forged]))
    assert (seen.identity, seen.level) == (("administrator",), Level.HIGH)


def test_missing_controllers_and_the_first_week_say_nothing_of_tickets(found):
    given, asked = kerberos()
    early = ticket(3 * DAY, "corp\\administrator")
    assert found("golden_ticket", (windows("4768"), given), (windows("4769"), [*asked, early])) == []
    assert found("golden_ticket", (windows("4768"), given[:40]), (windows("4769"), asked)) == []


def test_a_session_of_two_hands_is_told_and_a_journey_is_not(found):
    own = [cloud(n * 600.0, SessionId="s1") for n in range(5)]
    thief = cloud(1_500, address="203.0.113.50", client="Mozilla/5.0 (X11; Linux) Firefox/100", SessionId="s1")
    journey = cloud(1_500, address="203.0.113.50", SessionId="s1")
    (seen,) = found("session_reuse", (M365, [*own, thief]))
    assert (seen.identity, seen.measured) == (("corp\\alice",), {"sessions": 1})
    assert found("session_reuse", (M365, [*own, journey])) == []
    assert (
        found("session_reuse", (M365, [*own, cloud(1_500, address="203.0.113.50", client="x/1", SessionId="s2")])) == []
    )


GATEWAY = EventClass(product="fortigate", services=frozenset({"event", "vpn", "auth"}))


def tunnel(begin, end, address, account="alice"):
    common = {"user.target.name": account, "source.ip": address}
    opened = {**common, "event.action": "tunnel-up", "event.outcome": "success"}
    return [(begin, opened, {}), (end, {**common, "event.action": "tunnel-down"}, {})]


def commuter(days=40):
    """By tunnel from home all day, and on Fridays with a telephone beside it."""
    for day in range(days):
        yield from tunnel(day * DAY + 8 * HOUR, day * DAY + 17 * HOUR, "198.51.100.7")
        if day % 4 == 0:
            yield from tunnel(day * DAY + 12 * HOUR, day * DAY + 13 * HOUR, "192.0.2.9")


def test_a_tunnel_from_a_strange_network_within_the_owners_is_told(found):
    thief = tunnel(30 * DAY + 10 * HOUR, 30 * DAY + 11 * HOUR, "203.0.113.66")
    (seen,) = found("tunnel_reuse", (GATEWAY, [*commuter(), *thief]))
    assert seen.identity == ("alice",)
    assert "a tunnel from 203.0.113.66 on" in seen.sentence
    assert "while another from 198.51.100.7 went on before and after." in seen.sentence
    assert ("address", "203.0.113.66", "source") in seen.entities


@pytest.mark.parametrize(
    "other",
    [
        tunnel(30 * DAY + 10 * HOUR, 30 * DAY + 18 * HOUR, "203.0.113.66"),  # the old one ran out after a move
        tunnel(30 * DAY + 20 * HOUR, 30 * DAY + 21 * HOUR, "203.0.113.66"),  # in the evening, on a journey
        tunnel(30 * DAY + 10 * HOUR, 30 * DAY + 11 * HOUR, "198.51.100.99"),  # from the same network
        tunnel(30 * DAY + 10 * HOUR, 30 * DAY + 11 * HOUR, "203.0.113.66", "bob"),  # somebody else
        tunnel(30 * DAY + 10 * HOUR, 30 * DAY + 11 * HOUR, "203.0.113.66")[:1],  # its end was not logged
        [],
    ],
)
def test_moves_journeys_and_telephones_are_no_second_hand(found, other):
    assert found("tunnel_reuse", (GATEWAY, [*commuter(), *other])) == []


def test_one_account_from_many_home_networks_is_told(found):
    chance = random.Random(9)
    homes = [cloud(n * 2 * DAY, "corp\\boss", f"{chance.randint(60, 90)}.{n}.7.9") for n in range(25)]
    (seen,) = found("consumer_proxies", (M365, office() + homes))
    assert (seen.identity, seen.measured["networks"]) == (("corp\\boss",), 25)
    assert found("consumer_proxies", (M365, office())) == []


def test_travel_is_judged_only_with_a_database(found, tmp_path):
    path = tmp_path / "places.mmdb"
    path.write_bytes(database({"192.0.2.0": (48.2, 16.4, "AT"), "203.0.113.0": (35.7, 139.7, "JP")}))
    home = {"address": "192.0.2.7"}
    both = [cloud(0, **home), cloud(HOUR, address="203.0.113.50"), cloud(40 * DAY, **home)]
    assert found("impossible_travel", (M365, [*office(), *both])) == []
    (seen,) = found("impossible_travel", (M365, [*office(), *both]), networks=Networks([path]))
    assert seen.measured["km"] == pytest.approx(9_130, rel=0.02)
    assert "(AT)" in seen.sentence
    assert "(JP)" in seen.sentence
    slow = [cloud(0, **home), cloud(20 * HOUR, address="203.0.113.50")]
    assert found("impossible_travel", (M365, [*office(), *slow]), networks=Networks([path])) == []


def database(networks: dict[str, tuple[float, float, str]]) -> bytes:
    """Write a database of /24 networks in MaxMind's format 2.0: a binary tree of 24-bit records, then the data."""

    def text(value):
        return bytes([0x40 | len(value)]) + value.encode()

    def mapping(pairs):
        return bytes([0xE0 | len(pairs)]) + b"".join(text(key) + value for key, value in pairs)

    def double(value):
        return b"\x68" + struct.pack(">d", value)

    def number(value, kind):
        raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        return bytes([kind << 5 | len(raw)]) + raw

    nodes, leaves = [[None, None]], []
    for address, (north, east, country) in networks.items():
        place = mapping([("latitude", double(north)), ("longitude", double(east))])
        leaves.append(mapping([("location", place), ("country", mapping([("iso_code", text(country))]))]))
        bits = "".join(f"{int(part):08b}" for part in address.split("."))[:24]
        node = 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        nodes[node][int(bits[-1])] = ("leaf", len(leaves) - 1)
    offsets = [sum(map(len, leaves[:n])) for n in range(len(leaves))]

    def record(value):
        found = len(nodes) if value is None else value
        found = len(nodes) + 16 + offsets[found[1]] if isinstance(found, tuple) else found
        return found.to_bytes(3, "big")

    tree = b"".join(record(one) + record(other) for one, other in nodes)
    metadata = [
        ("binary_format_major_version", number(2, 5)),
        ("binary_format_minor_version", number(0, 5)),
        ("build_epoch", b"\x01\x02\x01"),
        ("database_type", text("Test-City")),
        ("description", mapping([])),
        ("ip_version", number(4, 5)),
        ("languages", b"\x00\x04"),
        ("node_count", number(len(nodes), 6)),
        ("record_size", number(24, 5)),
    ]
    return tree + b"\x00" * 16 + b"".join(leaves) + b"\xab\xcd\xefMaxMind.com" + mapping(metadata)
