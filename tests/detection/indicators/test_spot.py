"""What meets an indicator of a watchlist, and what the finding says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.detection.indicators.lookup import met_by
from stillhunt.detection.indicators.observable import Observable, canonical, of_pattern, pattern_of
from stillhunt.detection.indicators.saying import Said, Saying, instant
from stillhunt.detection.indicators.table import Listed, Watchlist, write
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.telemetry.collect import Retrieved
from stillhunt.telemetry.event import EventClass

DNS = EventClass(product="zeek", services=frozenset({"dns"}))


@pytest.fixture
def listing(tmp_path):
    def make(*entries, **saying):
        listed = Listed()
        for number, entry in enumerate(entries, 1):
            kind, value, *times = entry
            one = canonical(kind, value)
            assert one is not None, entry
            since, until = (*times, None, None)[:2]
            said = Said(
                saying=Saying(source="A report", file="a.csv", **saying),
                since=instant(since) if since else None,
                until=instant(until, is_end=True) if until else None,
                row=number,
            )
            listed.add(one, said)
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.arrow"
        write(listed, path)
        return str(path)

    return make


def findings(path, *batches):
    def fetch(wanted):
        for batch in batches:
            originals = {(b["event.file"], b["event.record"]): f"record {b['event.record']}" for b in rows(batch)}
            yield Retrieved(batch, {key: text for key, text in originals.items() if key[0] in wanted})

    scan = Scan(RuleSet(rules=(), watchlist=path))
    for batch in batches:
        scan.feed(batch)
    return scan.findings(lambda *_: 0, fetch)


def rows(batch):
    return batch.data.select(["event.file", "event.record"]).to_pylist()


def field_of(finding):
    met = finding.evidence[0].matched.children[0]
    return met.field, met.value


@pytest.mark.parametrize(
    ("entry", "event", "field"),
    [
        (("domain", "evil.example"), {"destination.domain": "evil.example"}, "destination.domain"),
        (("domain", "evil.example"), {"destination.domain": "A.b.Evil.example."}, "destination.domain"),
        (("domain", "evil.example"), {"destination.domain": "evil.example:8443"}, "destination.domain"),
        (("domain", "evil.example"), {"process.command_line": "curl http://x.evil.example/a"}, "process.command_line"),
        (("domain", "evil.example"), {"email.sender.address": "ceo@evil.example"}, "email.sender.address"),
        (("domain", "evil.example"), {"answers": ["192.0.2.1", "cdn.evil.example"]}, "answers"),
        (("address", "192.0.2.7"), {"destination.ip": "192.0.2.7"}, "destination.ip"),
        (("address", "192.0.2.7"), {"source.ip": "::ffff:192.0.2.7"}, "source.ip"),
        (("address", "2001:DB8::7"), {"destination.ip": "2001:db8:0:0::7"}, "destination.ip"),
        (("network", "198.51.100.0/24"), {"destination.ip": "198.51.100.77"}, "destination.ip"),
        (("network", "2001:db8:1::/48"), {"source.ip": "2001:db8:1:2::3"}, "source.ip"),
        (("hash", "AB" * 32), {"file.hash.sha256": "ab" * 32}, "file.hash.sha256"),
        (("hash", "ab" * 16), {"Hashes": f"SHA1={'00' * 20},MD5={'AB' * 16}"}, "Hashes"),
        (("url", "http://evil.example/a/b.php?id=1"), {"c-uri": "http://evil.example/a/b.php?id=9"}, "c-uri"),
        (
            ("url", "https://evil.example/a"),
            {"destination.domain": "evil.example", "url.path": "/a"},
            "destination.domain",
        ),
        (("mail", "a@evil.example"), {"email.from": "Chief <A@evil.example>"}, "email.from"),
        (("file", "dropper.exe"), {"file.path": "C:\\Users\\a\\Dropper.exe"}, "file.path"),
        (("file", "c:\\x\\dropper.exe"), {"process.executable": "C:\\X\\dropper.exe"}, "process.executable"),
    ],
)
def test_an_indicator_is_met_wherever_an_event_holds_it(listing, make_batch, entry, event, field):
    (found,) = findings(listing(entry), make_batch(event, event_class=DNS))
    assert found.detector.kind == "indicator"
    assert field_of(found)[0] == field
    assert found.evidence[0].original == "record 1"


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        (("domain", "evil.example"), {"destination.domain": "notevil.example"}),
        (("domain", "evil.example"), {"destination.domain": "evil.example.org"}),
        (("domain", "a.evil.example"), {"destination.domain": "evil.example"}),
        (("domain", "workers.dev"), {"destination.domain": "somebody.workers.dev"}),
        (("domain", "co.uk"), {"destination.domain": "shop.co.uk"}),
        (("address", "192.0.2.7"), {"destination.ip": "192.0.2.77"}),
        (("network", "198.51.100.0/24"), {"destination.ip": "198.51.101.1"}),
        (("url", "http://evil.example/a"), {"destination.domain": "evil.example", "url.path": "/b"}),
        (("url", "http://evil.example/a"), {"destination.domain": "good.example", "url.path": "/a"}),
        (("file", "a.exe"), {"file.path": "C:\\banana.exe"}),
        (("mail", "a@evil.example"), {"user.name": "b@evil.example"}),
    ],
)
def test_what_only_resembles_an_indicator_is_none(listing, make_batch, entry, event):
    assert findings(listing(entry), make_batch(event, event_class=DNS)) == ()


@pytest.mark.parametrize(
    ("times", "confidence", "expected"),
    [
        (("2021-01-01", "2021-12-31"), 80, ("Indicator of Red Fox: evil.example", "high")),
        (("2021-01-01", "2021-08-24"), 80, ("Indicator of Red Fox: evil.example", "high")),
        (("2021-01-01", "2021-08-23"), 80, ("Expired indicator of Red Fox: evil.example", "medium")),
        (("2015-01-01", "2016-01-01"), 80, ("Expired indicator of Red Fox: evil.example", "informational")),
        (("2021-08-25", "2022-01-01"), 80, ("Indicator before its time of Red Fox: evil.example", "high")),
        (("2024-08-25", "2025-01-01"), 80, ("Indicator before its time of Red Fox: evil.example", "low")),
        (("2021-08-01", None), 50, ("Indicator of Red Fox: evil.example", "medium")),
        (("2012-08-01", None), 50, ("Indicator of Red Fox: evil.example", "informational")),
        ((None, None), -1, ("Indicator of Red Fox: evil.example", "medium")),
        ((None, None), 15, ("Indicator of Red Fox: evil.example", "low")),
    ],
)
def test_the_level_follows_confidence_and_validity_at_the_time_of_the_event(
    listing, make_batch, times, confidence, expected
):
    path = listing(("domain", "evil.example", *times), indicates=("Red Fox",), confidence=confidence)
    (found,) = findings(path, make_batch({"destination.domain": "evil.example"}))
    assert (found.detector.title, found.detector.level) == expected


def test_a_finding_says_who_says_so_since_when_and_what_is_left(listing, make_batch):
    saying = {"indicates": ("Red Fox",), "confidence": 80, "speaker": "A vendor"}
    path = listing(("domain", "evil.example", "2021-01-01", "2021-06-30"), **saying)
    (found,) = findings(path, make_batch({"destination.domain": "a.evil.example"}))
    clauses = {clause.label: clause.value for clause in found.evidence[0].matched.children}
    assert clauses["[domain-name:value = 'evil.example']"] == "a.evil.example"
    assert clauses["said by"].startswith("A vendor in A report (a.csv, row 1): ")
    assert '"indicates":"Red Fox"' in clauses["said by"]
    assert clauses["valid"] == "from 2021-01-01 to 2021-06-30; the event is 54 days after its end"
    assert clauses["confidence"] == "80 of 100, as its source says; 37 of it left at the time of the event"


@pytest.mark.parametrize(
    ("entry", "event", "expected"),
    [
        (("address", "10.1.2.3"), {"destination.ip": "10.1.2.3"}, ("houses use inside", "informational")),
        (("address", "8.8.8.8"), {"destination.ip": "8.8.8.8"}, ("public resolver", "informational")),
        (("address", "104.16.1.1"), {"destination.ip": "104.16.1.1"}, ("delivery network (Cloudflare)", "low")),
        (("network", "11.0.0.0/8"), {"destination.ip": "11.1.1.1"}, ("16,777,216 addresses", "low")),
        (("domain", "www.microsoft.com"), {"destination.domain": "www.microsoft.com"}, ("well-known", "informational")),
        (("domain", "pastebin.com"), {"destination.domain": "pastebin.com"}, ("everybody else does", "low")),
        (("domain", "workers.dev"), {"destination.domain": "workers.dev"}, ("strangers get names", "low")),
        (
            ("hash", "d41d8cd98f00b204e9800998ecf8427e"),
            {"Hash": "D41D8CD98F00B204E9800998ECF8427E"},
            ("empty", "informational"),
        ),
    ],
)
def test_what_is_everybodys_comes_with_a_warning_and_weighs_less(listing, make_batch, entry, event, expected):
    words, most = expected
    (found,) = findings(listing(entry, confidence=95), make_batch(event))
    assert words in found.detector.false_positives[0]
    assert any(c.label == "caution" and words in (c.value or "") for c in found.evidence[0].matched.children)
    assert found.detector.level == most


def test_a_tenant_of_a_shared_host_is_nobody_elses(listing, make_batch):
    path = listing(("domain", "evil.workers.dev"), confidence=95)
    (found,) = findings(path, make_batch({"destination.domain": "evil.workers.dev"}))
    assert (found.detector.false_positives, found.detector.level) == ((), "high")


def test_events_before_and_after_the_end_are_two_findings(listing, make_batch):
    path = listing(("domain", "evil.example", "2021-01-01", "2021-03-31"))
    days = [datetime(2021, month, 1, tzinfo=UTC) for month in (3, 4, 5)]
    batch = make_batch(*({"destination.domain": "evil.example", "@timestamp": day} for day in days))
    assert [(f.detector.title, f.count) for f in findings(path, batch)] == [
        ("Indicator: evil.example", 1),
        ("Expired indicator: evil.example", 2),
    ]


def test_a_corrected_clock_decides_whether_an_indicator_was_valid(listing, make_batch):
    path = listing(("domain", "evil.example", "2023-01-01", "2023-12-31"))
    scan = Scan(RuleSet(rules=(), watchlist=path))
    scan.feed(make_batch({"destination.domain": "evil.example"}))
    two_years = 2 * 365 * 86_400
    (found,) = scan.findings(lambda *_: two_years, lambda _: ())
    assert found.detector.title == "Indicator: evil.example"


def test_one_source_that_stands_by_an_indicator_is_enough(listing, make_batch):
    path = listing(("domain", "evil.example", "2015-01-01", "2016-01-01"), ("domain", "evil.example", "2021-01-01"))
    (found,) = findings(path, make_batch({"destination.domain": "evil.example"}))
    assert found.detector.title == "Indicator: evil.example"
    assert sum(clause.label == "said by" for clause in found.evidence[0].matched.children) == 2


def test_of_too_many_indicators_on_one_machine_the_surest_have_findings_of_their_own(listing, make_batch):
    names = [f"n{number}.example" for number in range(230)]
    sure = listing(("domain", "sure.example"), *(("domain", name) for name in names), confidence=50)
    batch = make_batch(*({"destination.domain": name} for name in [*names, "sure.example"]))
    found = findings(sure, batch)
    assert len(found) == 201
    (shared,) = [f for f in found if f.detector.title == "Further indicators"]
    assert (shared.count, shared.detector.level) == (31, "low")


def test_what_was_met_is_the_same_however_the_work_was_shared(listing, make_batch):
    path = listing(("domain", "evil.example"), ("network", "198.51.100.0/24"), ("file", "a.exe"))
    batches = [
        make_batch(
            {"destination.domain": f"h{n}.evil.example", "destination.ip": f"198.51.{n}.1", "event.file": f"{n}.evtx"},
            {"file.path": "/tmp/a.exe", "event.file": f"{n}.evtx", "host.name": f"host{n}"},
        )
        for n in range(99, 102)
    ]
    whole = findings(path, *batches)
    parts = []
    for batch in reversed(batches):
        part = Scan(RuleSet(rules=(), watchlist=path))
        part.feed(batch)
        parts.append(part.hand_over())
    joined = Scan(RuleSet(rules=(), watchlist=path))
    for part in parts:
        joined.take(part)
    again = joined.findings(lambda *_: 0, lambda wanted: ())
    assert [(f.id, f.count, f.entities, f.detector) for f in again] == [
        (f.id, f.count, f.entities, f.detector) for f in whole
    ]


def test_the_account_says_which_kinds_no_event_could_have_shown(listing, make_batch):
    path = listing(("domain", "evil.example"), ("hash", "ab" * 32))
    scan = Scan(RuleSet(rules=(), watchlist=path))
    scan.feed(make_batch({"destination.domain": "evil.example"}))
    scan.findings(lambda *_: 0, lambda _: ())
    assert [(s.title, s.status, s.reason, s.n_findings) for s in scan.rule_states()] == [
        ("1 domain of indicators", "active", "", 1),
        ("1 hash of indicators", "dormant", "no event of these logs names any hash", 0),
    ]


ADDRESSES = ("192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::1")
DOMAINS = ("evil.example", "a.evil.example", "good.example", "vil.example")
HASHES = ("ab" * 16, "cd" * 32, "ef" * 20)
values = st.one_of(
    st.sampled_from(ADDRESSES).map(lambda v: ("ipv6-addr" if ":" in v else "ipv4-addr", "value", v)),
    st.sampled_from(DOMAINS).map(lambda v: ("domain-name", "value", v)),
    st.sampled_from(HASHES).map(lambda v: ("file", {32: "MD5", 40: "SHA-1", 64: "SHA-256"}[len(v)], v)),
)
networks = st.sampled_from(["192.0.2.0/24", "192.0.2.8/31", "198.51.0.0/16", "203.0.113.0/24"])


def comparison(part):
    kind, name, value = part
    return f"file:hashes.'{name}' = '{value}'" if kind == "file" else f"{kind}:{name} = '{value}'"


tests = st.one_of(values.map(comparison), networks.map(lambda n: f"ipv4-addr:value ISSUBSET '{n}'"))
patterns = st.lists(tests, min_size=1, max_size=4).map(lambda parts: f"[{' OR '.join(parts)}]")
seen = st.lists(values, min_size=1, max_size=3, unique=True)


def observed(things):
    """Return a bundle with one observation of some things."""
    objects = []
    for number, (kind, name, value) in enumerate(things):
        one = {"type": kind, "id": f"{kind}--00000000-0000-4000-8000-{number:012}", "spec_version": "2.1"}
        objects.append(one | ({"hashes": {name: value}} if kind == "file" else {name: value}))
    data = {
        "type": "observed-data",
        "id": "observed-data--00000000-0000-4000-8000-000000000000",
        "spec_version": "2.1",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "first_observed": "2024-01-01T00:00:00Z",
        "last_observed": "2024-01-01T00:00:00Z",
        "number_observed": 1,
        "object_refs": [one["id"] for one in objects],
    }
    return {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000002", "objects": [data, *objects]}


def event_of(things):
    """Return the event that logs the same: every thing in the column where logs have it."""
    addresses = [value for kind, _, value in things if kind.endswith("-addr")]
    hashes = [f"{name.replace('-', '')}={value.upper()}" for kind, name, value in things if kind == "file"]
    domains = [value for kind, _, value in things if kind == "domain-name"]
    return {"answers": [*addresses, *domains], "Hashes": ",".join(hashes) or None}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns, seen)
def test_a_watchlist_agrees_with_the_reference_matcher(listing, make_batch, pattern, things):
    matcher = pytest.importorskip("stix2matcher.matcher")
    observables = of_pattern(pattern)
    assert observables is not None
    path = listing(*observables)
    expected = bool(matcher.match(pattern, [observed(things)], stix_version="2.1"))
    batch = make_batch(event_of(things))
    found = findings(path, batch)
    # A domain covers the names below it, which the pattern by itself does not.
    exact = [f for f in found if any(_is_exact(f, value) for _, _, value in things)]
    assert bool(exact) == expected, (pattern, things)


def _is_exact(finding, value):
    one = of_pattern(finding.detector.description)[0]
    return one.kind in {"hash", "network"} or one.value == value.lower()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["address", "domain", "file", "hash", "mail", "network", "url"]), st.text(max_size=40))
def test_any_text_is_an_observable_in_one_form_or_none(kind, text):
    one = canonical(kind, text)
    if one is not None:
        assert canonical(one.kind, one.value) == one
        assert of_pattern(pattern_of(one)) == (one,)


def test_a_watchlist_holds_what_was_written_and_nothing_else(tmp_path: Path):
    listed = Listed()
    for number in range(3_000):
        listed.add(Observable("domain", f"n{number}.example"), Said(saying=Saying(source="x"), row=number))
    write(listed, tmp_path / "w")
    watchlist = Watchlist(tmp_path / "w")
    assert all(Observable("domain", f"n{number}.example") in watchlist for number in range(3_000))
    assert not any(Observable("domain", f"m{number}.example") in watchlist for number in range(3_000))
    assert watchlist.said_of(Observable("domain", "n7.example"))[0].row == 7
    assert met_by(Observable("domain", "a.n7.example"), watchlist) == [Observable("domain", "n7.example")]
