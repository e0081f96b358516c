from __future__ import annotations

import random

import pytest

from stillhunt.telemetry.event import EventClass
from stillhunt.terms.level import Level

CONN = EventClass(product="zeek", services=frozenset({"conn"}))
HTTP = EventClass(product="zeek", services=frozenset({"http"}), categories=frozenset({"proxy"}))
DNS = EventClass(product="zeek", services=frozenset({"dns"}), categories=frozenset({"dns"}))
SYSMON = EventClass(product="windows", categories=frozenset({"network_connection"}), event_id="3")
DAY, HOUR = 86_400, 3_600


def conn(at, source="10.0.0.5", destination="203.0.113.9", *, port="443", proto="tcp", out=500, back=500, lasted=1):
    common = {"source.ip": source, "destination.ip": destination, "destination.port": port}
    sizes = {"proto": proto, "orig_bytes": str(out), "resp_bytes": str(back), "duration": str(lasted)}
    return at, common, sizes


def estate(n_sources=40, seed=1):
    """People who come and go, at places that many or few of them know."""
    chance = random.Random(seed)
    events = []
    for source in range(n_sources):
        for _ in range(60):
            place = f"198.51.100.{chance.randint(1, 30)}" if chance.random() < 0.8 else f"203.0.113.{100 + source}"
            at = chance.randint(0, 59) * DAY + chance.uniform(8, 18) * HOUR
            events.append(conn(at, f"10.0.1.{source}", place))
    return events


def beacon(period, *, jitter=0.0, days=60, start=100.0, keep=lambda at, chance: True, seed=2, **fields):
    chance, at, events = random.Random(seed), start, []
    while at < days * DAY:
        if keep(at, chance):
            events.append(conn(at, **fields))
        at += period * (1 + chance.uniform(-jitter, jitter))
    return events


@pytest.mark.parametrize(
    ("period", "jitter", "days", "keep"),
    [
        (30, 0.2, 2, lambda at, chance: True),
        (300, 0.4, 14, lambda at, chance: True),
        (1_800, 0.1, 60, lambda at, chance: 8 < at / HOUR % 24 < 18),
        (3_600, 0.3, 60, lambda at, chance: chance.random() > 0.15),
        (4 * HOUR, 0.0, 60, lambda at, chance: at // DAY % 10 < 5),
        (DAY, 0.2, 200, lambda at, chance: True),
        (7 * DAY, 0.1, 400, lambda at, chance: True),
    ],
)
def test_a_beacon_is_found_with_its_period_whatever_its_length_and_gaps(found, period, jitter, days, keep):
    (seen,) = found("beaconing", (CONN, estate() + beacon(period, jitter=jitter, days=days, keep=keep)))
    assert seen.identity[:2] == ("10.0.0.5", "203.0.113.9")
    assert seen.measured["period"] / 1e6 == pytest.approx(period, rel=0.05)
    assert seen.level is None
    assert "10.0.0.5 called 203.0.113.9 port 443 every" in seen.sentence


def test_age_never_lowers_the_score_of_a_beacon(found):
    young, old = (
        found("beaconing", (CONN, estate() + beacon(HOUR, jitter=0.2, days=d)))[0].measured["score"] for d in (14, 400)
    )
    assert old > young


def test_a_beacon_that_ended_long_ago_is_found(found):
    late = [conn(390 * DAY + n * 40, f"10.0.1.{n}", "198.51.100.1") for n in range(30)]
    (seen,) = found("beaconing", (CONN, estate() + beacon(HOUR, days=20) + late))
    assert seen.identity[0] == "10.0.0.5"


def test_people_without_a_rhythm_are_no_beacons(found):
    assert found("beaconing", (CONN, estate())) == []


def test_what_many_call_is_no_beacon_however_regular(found):
    updates = [e for n in range(20) for e in beacon(HOUR, source=f"10.0.1.{n}", start=n * 60.0, seed=n, jitter=0.1)]
    assert found("beaconing", (CONN, estate() + updates)) == []


def test_time_service_is_no_beacon_but_more_than_time_on_its_port_is(found):
    time = beacon(1024, port="123", proto="udp", out=48, back=48, days=5)
    heavy = beacon(1024, port="123", proto="udp", out=4_000, back=900, days=5)
    assert found("beaconing", (CONN, estate() + time)) == []
    assert len(found("beaconing", (CONN, estate() + heavy))) == 1


def test_a_scheduled_job_is_left_out_if_it_was_always_there_and_told_if_it_began(found):
    chance = random.Random(4)
    job = [conn(n * HOUR + chance.uniform(0.2, 4)) for n in range(60 * 24)]
    assert found("beaconing", (CONN, estate() + job)) == []
    assert len(found("beaconing", (CONN, estate() + job[24 * 20 :]))) == 1


def test_busy_traffic_has_no_period_of_the_length_that_joins_contacts(found):
    chance, at, events = random.Random(5), 0.0, []
    while at < 3 * HOUR:
        at += chance.expovariate(0.4)
        events.append(conn(at))
    assert found("beaconing", (CONN, estate() + events)) == []


def test_where_few_sources_are_there_to_compare_with_their_beacons_are_one_finding(found):
    events = beacon(HOUR, days=5) + beacon(600, days=5, destination="203.0.113.10", seed=3)
    (seen,) = found("beaconing", (CONN, events))
    assert "called 2 places outside with a period" in seen.sentence
    assert "every 10 minutes" in seen.sentence
    assert "every 1 hour" in seen.sentence


def test_a_name_is_told_rather_than_its_address(found):
    named = [
        (at, {"source.ip": "10.0.0.5", "destination.domain": "cdn.evil.example", "destination.ip": "203.0.113.9"}, {})
        for at, _, _ in beacon(HOUR, jitter=0.1)
    ]
    crowd = [
        (n * 977.0, {"source.ip": f"10.0.1.{n % 40}", "destination.domain": f"www{n % 13}.example.org"}, {})
        for n in range(4_000)
    ]
    (seen,) = found("beaconing", (CONN, estate() + beacon(HOUR, jitter=0.1)), (HTTP, named + crowd))
    assert seen.identity[:2] == ("10.0.0.5", "cdn.evil.example")
    assert ("domain", "cdn.evil.example", "destination") in seen.entities


def test_sysmon_names_the_host_and_what_came_in_does_not_count(found):
    def event(at, initiated):
        common = {"host.name": "ws01", "source.ip": "10.0.0.5", "destination.ip": "203.0.113.9"}
        return at, common, {"Initiated": initiated, "Protocol": "tcp"}

    going = [event(n * 600.0, "true") for n in range(200)]
    coming = [event(n * 600.0, "false") for n in range(200)]
    assert [seen.entities[0] for seen in found("beaconing", (SYSMON, going))] == [("host", "ws01", "")]
    assert found("beaconing", (SYSMON, coming)) == []


def test_a_connection_open_for_a_day_to_a_rare_place_is_told_and_a_push_service_is_not(found):
    long = conn(0, lasted=30 * HOUR, out=2_000_000)
    (seen,) = found("long_connections", (CONN, [*estate(), long]))
    assert (seen.level, seen.measured["lasted"]) == (Level.MEDIUM, 30 * HOUR * 1_000_000)
    assert found("long_connections", (CONN, [*estate(), conn(0, lasted=30 * HOUR, port="5223")])) == []
    assert found("long_connections", (CONN, [*estate(), conn(0, lasted=5 * HOUR)])) == []
    everybody = [conn(n, f"10.0.1.{n}", lasted=30 * HOUR) for n in range(20)]
    assert found("long_connections", (CONN, estate() + everybody)) == []


def test_an_upload_of_a_little_every_night_adds_up(found):
    nightly = [conn(n * DAY + 2 * HOUR, out=30_000_000, back=90_000) for n in range(50)]
    (seen,) = found("upload_outlier", (CONN, estate() + nightly))
    assert (seen.level, seen.measured["bytes_out"]) == (Level.MEDIUM, 1_500_000_000)
    assert "sent 1.5 GB to 203.0.113.9" in seen.sentence


def test_a_download_and_what_everybody_sends_are_no_uploads(found):
    down = [conn(n * DAY, out=3_000_000, back=90_000_000) for n in range(50)]
    backup = [conn(n * DAY, f"10.0.1.{s}", out=30_000_000, back=9_000) for n in range(20) for s in range(20)]
    assert found("upload_outlier", (CONN, estate() + down)) == []
    assert found("upload_outlier", (CONN, estate() + backup)) == []


def test_tens_of_thousands_of_connections_a_day_are_a_strobe(found):
    (seen,) = found("strobe", (CONN, estate() + [conn(n * 3.0) for n in range(25_000)]))
    assert seen.measured["a day"] == 25_000
    assert found("strobe", (CONN, estate() + [conn(n * 30.0) for n in range(5_000)])) == []


def test_a_rare_place_by_a_rare_port_for_months_is_told(found):
    own = [conn(n * 5 * DAY + 1_000 * n % 7_000, port="8531") for n in range(12)]
    (seen,) = found("rare_destination", (CONN, estate() + own))
    assert seen.measured["days"] == 12
    usual = [conn(n * 5 * DAY, port="443") for n in range(12)]
    assert found("rare_destination", (CONN, estate() + usual)) == []
    assert found("rare_destination", (CONN, estate(n_sources=10) + own)) == []


def question(at, name, source="10.0.0.5", kind="A"):
    return at, {"source.ip": source, "destination.domain": name}, {"record_type": kind}


def ordinary_questions(n):
    return [question(k * 11.0, f"www{k % 50}.site{k % 900}.example.com", f"10.0.1.{k % 60}") for k in range(n)]


def encoded(chance, length=44):
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(length))


def test_a_tunnel_is_found_by_its_thousands_of_names(found):
    chance = random.Random(6)
    tunnel = [question(n * 2.0, f"{encoded(chance)}.t.evil.example", kind="TXT") for n in range(2_000)]
    (seen,) = found("dns_tunnelling", (DNS, ordinary_questions(5_000) + tunnel))
    assert seen.identity == ("10.0.0.5", "evil.example", "encoded")
    assert seen.measured["names"] == pytest.approx(2_000, rel=0.2)
    assert seen.level is None


def test_seven_questions_among_many_thousands_are_found(found):
    chance = random.Random(7)
    slow = [question(n * 9 * DAY, f"{encoded(chance)}.x.evil.example") for n in range(7)]
    (seen,) = found("dns_tunnelling", (DNS, ordinary_questions(20_000) + slow))
    assert (seen.measured["names"], seen.level) == (7, Level.MEDIUM)


def test_reputation_services_repeated_names_and_what_many_ask_for_are_no_tunnels(found):
    chance = random.Random(8)
    hashes = [question(n * 60.0, f"{encoded(chance)}.avqs.mcafee.com") for n in range(500)]
    again = [question(n * 60.0, f"{'a1b2c3d4e5f60718293a4b5c6d7e8f90'}.cdn.example") for n in range(500)]
    shared = [question(n * 60.0, f"{encoded(chance)}.telemetry.example", f"10.0.1.{n % 60}") for n in range(500)]
    assert found("dns_tunnelling", (DNS, ordinary_questions(2_000) + hashes + again + shared)) == []
