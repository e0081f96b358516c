"""Where accounts usually act from, which addresses are an intruder's, and what came through a gateway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from stillhunt.cases.outside import outside
from stillhunt.cases.sessions import Session
from stillhunt.cases.timeline import break_in
from stillhunt.cases.trail import Trail
from stillhunt.cases.triage import case_level
from stillhunt.cases.whereabouts import actors, is_in_usual_place, whereabouts
from stillhunt.detection.finding import Detector, Finding
from stillhunt.telemetry.event import COMMON, TEXT, EventBatch, EventClass
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

BEGIN = datetime(2021, 1, 1, tzinfo=UTC)
OFFICE, HOME, STRANGE = "198.51.100.1", "198.51.100.77", "203.0.113.9"


def _batch(event_class, rows, native=()):
    columns = {
        name: pa.array([row.get(name) for row in rows], kind if kind != TEXT else pa.string())
        for name, (kind, _) in COMMON.items()
    }
    columns = {n: c.dictionary_encode() if COMMON[n][0] == TEXT else c for n, c in columns.items()}
    for name in native:
        columns[name] = pa.array([row.get(name) for row in rows], pa.string()).dictionary_encode()
    return EventBatch(
        event_class=event_class, data=pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    )


def _trail(*acts):
    """Acts in a tenant: (account, address, day)."""
    trail = Trail()
    rows = [
        {
            "@timestamp": BEGIN + timedelta(days=day),
            "event.file": "audit.json",
            "user.name": account,
            "source.ip": address,
        }
        for account, address, day in acts
    ]
    trail.observe(_batch(EventClass(product="m365", services=frozenset({"audit"})), rows))
    return trail


def _finding(account, address, *, day=100, level=Level.HIGH, role="subject", techniques=(), host=""):
    entities = [Entity(EntityKind.ACCOUNT, account, role), Entity(EntityKind.ADDRESS, address, "source")]
    entities += [Entity(EntityKind.HOST, host)] if host else []
    at = BEGIN + timedelta(days=day)
    return Finding(
        id=f"finding-{account}-{address}-{day}",
        detector=Detector(kind="sigma", id="d", title="d", description="", level=level, path="", techniques=techniques),
        first_at=at,
        last_at=at,
        count=1,
        entities=tuple(sorted(entities)),
        evidence=(),
    )


def _daily(account, address, days=range(0, 200, 2)):
    return [(account, address, day) for day in days]


def test_an_address_where_two_accounts_always_are_is_a_house():
    places = whereabouts(_trail(*_daily("c\\anna", OFFICE), *_daily("c\\bert", OFFICE), *_daily("c\\anna", HOME)))
    assert places.houses == {OFFICE}
    assert places.own == {("c\\anna", HOME)}
    assert places.is_usual("c\\carl", OFFICE)
    assert not places.is_usual("c\\bert", HOME)


def test_an_address_that_reads_many_mailboxes_later_is_no_house():
    acts = [*_daily("c\\anna", OFFICE), *_daily("c\\bert", OFFICE)]
    acts += [("c\\anna", STRANGE, 100)] * 500 + [("c\\bert", STRANGE, 150)] * 500
    assert whereabouts(_trail(*acts)).houses == {OFFICE}


def test_an_address_that_most_people_use_for_a_month_is_a_house_whenever_it_began():
    late = [(f"c\\user{n}", OFFICE, day) for n in range(4) for day in (60, 100)]
    places = whereabouts(_trail(*_daily("c\\user0", HOME), *_daily("c\\zoe", "198.51.100.78"), *late))
    assert OFFICE in places.houses


@pytest.mark.parametrize(
    ("role", "techniques", "expected"),
    [("subject", (), ("c\\anna",)), ("target", ("T1078.004",), ("c\\anna",)), ("target", ("T1110.003",), ())],
    ids=["who acts", "who signs in", "whose password is tried"],
)
def test_who_acts_in_a_finding(role, techniques, expected):
    assert actors(_finding("c\\anna", OFFICE, role=role, techniques=techniques)) == expected


def test_only_what_is_done_in_a_cloud_from_a_usual_place_is_usual():
    places = whereabouts(_trail(*_daily("c\\anna", OFFICE), *_daily("c\\bert", OFFICE)))
    assert is_in_usual_place(_finding("c\\anna", OFFICE), places)
    assert not is_in_usual_place(_finding("c\\anna", STRANGE), places)
    assert not is_in_usual_place(_finding("c\\anna", OFFICE, host="dc1"), places)


def test_an_intruders_addresses_are_those_where_its_accounts_never_are():
    trail = _trail(*_daily("c\\anna", OFFICE), *_daily("c\\bert", OFFICE), ("c\\anna", STRANGE, 100))
    known = outside(trail)
    assert known.addresses([_finding("c\\anna", STRANGE), _finding("c\\anna", OFFICE)]) == {STRANGE}
    assert known.addresses([_finding("c\\anna", STRANGE, level=Level.LOW)]) == frozenset()


def _with_gateway(*, closed=True):
    """A connection of anna from abroad, and a logon as a service's account from the address she was given."""
    trail = _trail(*_daily("anna", HOME))
    gateway = EventClass(product="cisco", services=frozenset({"asa", "auth"}))
    at = BEGIN + timedelta(days=100)
    opened = {"@timestamp": at, "session": "assigned", "assigned_ip": "10.9.0.5"}
    rows = [opened]
    if closed:
        rows.append({"@timestamp": at + timedelta(minutes=10), "session": "closed"})
    told = {"event.file": "fw.log", "host.name": "fw1", "user.target.name": "anna", "source.ip": STRANGE}
    trail.observe(_batch(gateway, [{**told, **row} for row in rows], native=("assigned_ip", "session")))
    logon = {
        "@timestamp": at + timedelta(minutes=1),
        "event.file": "security.evtx",
        "host.name": "dc1",
        "source.ip": "10.9.0.5",
        "user.target.name": "c\\svc",
        "logon.type": "3",
    }
    security = EventClass(product="windows", services=frozenset({"security"}), event_id="4624")
    trail.observe(_batch(security, [logon]))
    return trail


@pytest.mark.parametrize(("closed", "lasted"), [(True, timedelta(minutes=10)), (False, timedelta(days=1))])
def test_a_session_ends_with_the_gateways_word_or_after_a_day(closed, lasted):
    at = BEGIN + timedelta(days=100)
    assert _with_gateway(closed=closed).sessions.all() == (
        Session(
            opened_at=at,
            closed_at=at + lasted,
            account="anna",
            outside=STRANGE,
            inside="10.9.0.5",
            gateway="fw1",
        ),
    )


def test_what_was_done_from_an_address_inside_leads_to_the_one_outside():
    known = outside(_with_gateway())
    replicated = _finding("c\\svc", "10.9.0.5", host="dc1")
    assert [session.outside for session in known.sessions_of(replicated)] == [STRANGE]
    assert known.addresses([replicated]) == {STRANGE}
    assert known.sessions_of(_finding("c\\svc", "10.9.0.6", host="dc1", day=110)) == ()
    assert known.sessions_of(_finding("c\\other", "10.9.0.6", host="dc1")) == ()


@pytest.mark.parametrize(("other", "level"), [("ben", Level.MEDIUM), ("anna", Level.LOW)])
def test_one_strange_address_that_is_several_people_is_more_than_one_act(other, level):
    known = outside(
        _trail(*_daily("anna", HOME), *_daily("ben", OFFICE), ("anna", STRANGE, 100), (other, STRANGE, 101))
    )
    found = [
        _finding("anna", STRANGE, level=Level.MEDIUM),
        _finding(other, STRANGE, day=100.5, level=Level.MEDIUM),
    ]
    assert case_level(found, known=known)[0] is level


def test_a_case_in_a_service_says_where_they_came_from():
    trail = _trail(*_daily("anna", HOME), *_daily("ben", OFFICE), ("anna", STRANGE, 100))
    found = _finding("anna", STRANGE, day=101)
    started = break_in([found], trail, {}, known=outside(trail))
    assert (started.host, started.is_from_outside) == (STRANGE, True)
    assert started.latest == BEGIN + timedelta(days=100)
