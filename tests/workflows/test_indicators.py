"""Indicators of others in the one hunt: from lists, bundles and bases, to findings, cases, claims and attribution."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from stillhunt.errors import InputError
from stillhunt.knowledge import load_knowledge
from stillhunt.knowledge.store import Store
from stillhunt.report.brief import Brief, encode
from stillhunt.report.renderers import html, markdown, terminal
from stillhunt.telemetry import share
from stillhunt.workflows import workers, workspace
from stillhunt.workflows.attribute import Given, attribute_case
from stillhunt.workflows.hunt import hunt
from stillhunt.workflows.intelligence import gathered
from stillhunt.workflows.know import import_from
from stillhunt.workflows.record import record_sightings

HEAD = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-03-15 00:00:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n"
)


def log_of(*addresses):
    rows = (f"2024-03-15 10:00:{n:02} 10.0.0.1 GET /owa/ - 443 - {a} curl 200\n" for n, a in enumerate(addresses))
    return HEAD + "".join(rows)


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "u_ex240315.log").write_text(log_of("192.0.2.7", "192.0.2.8", "198.51.100.9", "192.0.2.7"))
    return folder


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "type,value,group,confidence,valid_from,valid_until\n"
        "ip,192.0.2[.]7,APT31,80,2024-01,2024-06\n"
        "ip,192.0.2.8,APT31,80,2020,2021\n"
        "cidr,198.51.100.0/24,,,,\n"
        "mutex,Global\\x,,,,\n"
        "sha256,not a hash,,,,\n"
        "domain,never.example,,,soon,\n"
    )
    return path


BUNDLE = {
    "type": "bundle",
    "id": "bundle--00000000-0000-4000-8000-000000000001",
    "objects": [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--00000000-0000-4000-8000-000000000002",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "name": "A server",
            "pattern": "[ipv4-addr:value = '192.0.2.7' OR domain-name:value = 'evil.example']",
            "pattern_type": "stix",
            "confidence": 85,
            "valid_from": "2024-01-01T00:00:00Z",
        },
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--00000000-0000-4000-8000-000000000003",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "pattern": "[url:value LIKE '/owa/%' AND ipv4-addr:value = '192.0.2.8']",
            "pattern_type": "stix",
            "valid_from": "2024-06-01T00:00:00Z",
        },
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--00000000-0000-4000-8000-000000000004",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "pattern": "[ipv4-addr:value = '192.0.2.7'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.8']",
            "pattern_type": "stix",
            "valid_from": "2024-01-01T00:00:00Z",
        },
        {
            "type": "intrusion-set",
            "spec_version": "2.1",
            "id": "intrusion-set--00000000-0000-4000-8000-000000000005",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "name": "Red Fox",
        },
        {
            "type": "relationship",
            "spec_version": "2.1",
            "id": "relationship--00000000-0000-4000-8000-000000000006",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "relationship_type": "indicates",
            "source_ref": "indicator--00000000-0000-4000-8000-000000000002",
            "target_ref": "intrusion-set--00000000-0000-4000-8000-000000000005",
        },
    ],
}


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(BUNDLE))
    return path


def titles(brief):
    return {f.detector.title: f.detector.level.value for f in brief.findings if f.detector.kind == "indicator"}


def test_a_list_is_hunted_for_beside_the_rules(logs, csv):
    found = hunt([logs], indicators=[csv]).brief
    assert titles(found) == {
        "Indicator of APT31: 192.0.2.7": "high",
        "Expired indicator of APT31: 192.0.2.8": "informational",
        "Indicator: 198.51.100.0/24": "medium",
    }
    words = {problem.message for problem in found.coverage.problems}
    assert "`not a hash` names no indicator" in words
    assert any("1 dates of validity are none" in word for word in words)
    states = {s.title: (s.status, s.n_findings) for s in found.coverage.rules if s.kind == "indicator"}
    assert states == {
        "2 addresses of indicators": ("active", 2),
        "1 domain of indicators": ("dormant", 0),
        "1 network of indicators": ("active", 1),
        r"Indicator: [mutex:name = 'Global\\x']": ("inert", 0),
    }


def test_a_network_whose_source_says_nothing_is_of_low_confidence_and_medium_level(logs, csv):
    (one,) = [s for s in hunt([logs], indicators=[csv]).brief.sighted if "198.51.100.0/24" in s.pattern]
    assert (one.before, one.delta, one.sources) == (30, 0, ("list.csv",))


def test_patterns_that_ask_for_more_are_compiled_and_judged_by_their_time(logs, bundle):
    found = hunt([logs], indicators=[bundle]).brief
    assert titles(found) == {
        "Indicator of Red Fox: 192.0.2.7": "medium",
        "Indicator before its time: [url:value LIKE '/owa/%' AND ipv4-addr:value = '192.0.2.8']": "medium",
    }
    (early,) = [f for f in found.findings if f.detector.title.startswith("Indicator before")]
    labels = [c.label for c in early.evidence[0].matched.children]
    assert labels == ["all of", "said by", "valid", "confidence"]
    (refused,) = [s for s in found.coverage.rules if s.kind == "indicator" and s.status == "inert"]
    assert "asks for several events" in refused.reason


def test_a_base_says_who_said_so_and_where(tmp_path, logs, bundle):
    base = tmp_path / "k.db"
    store = Store(base)
    import_from(store, bundle)
    store.close()
    found = hunt([logs], indicators=[base]).brief
    (finding,) = [f for f in found.findings if f.detector.title == "Indicator of Red Fox: 192.0.2.7"]
    (said,) = [c.value for c in finding.evidence[0].matched.children if c.label == "said by"]
    assert re.match(r"whoever wrote bundle.json in bundle.json \(.*k.db, claim--[0-9a-f-]{36}\): \[ipv4-addr", said)
    assert '"GET /owa/' in finding.evidence[0].original or "192.0.2.7" in finding.evidence[0].original


def test_indicators_link_into_cases_and_are_told_everywhere(logs, csv):
    brief = hunt([logs], indicators=[csv]).brief
    met = {f.id for f in brief.findings if f.detector.title == "Indicator of APT31: 192.0.2.7"}
    assert any(met & set(case.findings) for case in brief.cases)
    assert "Indicator of APT31: 192.0.2.7: met 2 times" in " ".join(terminal.as_text(brief).split())
    for page in (html.render(brief), markdown.render(brief)):
        assert "Indicators of others that were met" in page
    assert msgspec.json.decode(encode(brief), type=Brief) == brief


def test_a_list_alone_may_not_open_a_case_of_high_level(logs, tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("192.0.2.7\n192.0.2.8\n198.51.100.9\n")
    brief = hunt([logs], indicators=[path]).brief
    assert {case.level.value for case in brief.cases} == {"low"}


def test_workers_and_a_store_write_the_same_bytes(logs, csv, bundle, tmp_path, monkeypatch):
    for number in range(3):
        (logs / f"u_ex24031{number}.log").write_text(log_of("192.0.2.7", f"198.51.100.{number}", "192.0.2.8"))
    given = {"indicators": [csv, bundle]}
    workspace.save(hunt([logs], **given).brief, tmp_path / "one")
    monkeypatch.setattr(workers, "_BYTES_PER_WORKER", 0)
    monkeypatch.setattr(share, "_WORTH_CUTTING", 1 << 18)
    workspace.save(hunt([logs], jobs=2, **given).brief, tmp_path / "two")
    hunt([logs], store=tmp_path / "store")
    workspace.save(hunt([logs], store=tmp_path / "store", **given).brief, tmp_path / "three")
    workspace.save(hunt([logs], store=tmp_path / "store", **given).brief, tmp_path / "four")
    for other in ("two", "three", "four"):
        for name in ("findings.jsonl", "cases.json", "brief.json", "case.html"):
            assert (tmp_path / other / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), (other, name)


def test_a_store_is_hunted_for_new_indicators_without_its_logs(logs, csv, tmp_path):
    hunt([logs], store=tmp_path / "store")
    for path in logs.iterdir():
        path.unlink()
    assert "Indicator of APT31: 192.0.2.7" in titles(hunt([tmp_path / "store"], indicators=[csv]).brief)


def test_a_watchlist_is_made_once(csv, monkeypatch):
    first = gathered([csv])
    monkeypatch.setattr("stillhunt.workflows.intelligence.read_list", None)
    again = gathered([csv])
    assert (again.watchlist, again.taken, again.problems) == (first.watchlist, first.taken, first.problems)


def test_without_a_cache_a_hunt_does_as_well(logs, csv, monkeypatch):
    monkeypatch.setenv("STILLHUNT_CACHE", "off")
    assert "Indicator of APT31: 192.0.2.7" in titles(hunt([logs], indicators=[csv]).brief)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", "nothing here\nor there\n", "names no indicator in 2 rows"),
        ("a.csv", "type,value\n", "names no indicator in 0 rows"),
        ("a.json", '{"type": "bundle", "id": "bundle--x", "objects": []}', "names no indicator"),
        ("a.json", '{"x": 1}', "of no format that is known"),
        ("a.csv", b"type,value\nip,\xff\xfe\n", "no list of indicators"),
    ],
)
def test_what_holds_no_indicator_is_refused_with_a_way_out(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=reason) as caught:
        gathered([path])
    assert caught.value.where
    assert caught.value.hint


def test_what_is_not_there_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(InputError, match="cannot be read") as caught:
        gathered([tmp_path / "none.csv"])
    assert "knowledge base" in caught.value.hint


def test_plain_lists_and_hosts_files_are_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(
        "# a feed\n0.0.0.0 bad.example # why\nhxxps://evil[.]example/a,b\n192.0.2.0/24\n192.0.2.1,comment\n"
        f"{'AB' * 32}\nMe[at]evil.example\n\nCOUNT\n"
    )
    (taken,) = gathered([path]).taken
    assert (taken.form, taken.n_indicators, taken.n_unread) == ("list", 6, 1)


@pytest.fixture
def confirmed(tmp_path):
    """A hunt in which an indicator is met by a case that rules have opened, too."""

    def run(indicators):
        log = tmp_path / "web" / "u_ex240315.log"
        log.parent.mkdir(exist_ok=True)
        stem = "/owa/auth/x.aspx"
        rows = [
            f"2024-03-15 10:00:{n:02} 10.0.0.1 POST {stem} cmd=whoami+/all 443 - 192.0.2.7 antSword/v2.1 200\n"
            for n in range(9)
        ]
        log.write_text(HEAD + "".join(rows))
        return hunt([log.parent], indicators=indicators).brief

    return run


def test_sightings_are_recorded_as_claims_and_undone(tmp_path, confirmed, bundle):
    base = tmp_path / "k.db"
    store = Store(base)
    import_from(store, bundle)
    before = store.digest()
    brief = confirmed([base])
    (one,) = brief.sighted
    assert (one.before, one.after) == (85, 94), one.why
    assert store.digest() == before, "a hunt records nothing by itself"
    done = record_sightings(brief, store)
    assert [(c.before, c.after) for c in done.changes] == [(85, 94)]
    with store.view() as view:
        claims = view.about(["indicator--00000000-0000-4000-8000-000000000002"], "sighted", "confidence")
    said = [(c.predicate, c.value, c.method) for c in claims if c.method == "sighting"]
    assert sorted(said) == [("confidence", "94", "sighting"), ("sighted", "9", "sighting")]
    (sighting,) = [c for c in claims if c.predicate == "sighted"]
    assert (sighting.valid_from, sighting.valid_until) == ("2024-03-15T10:00:00Z", "2024-03-15T10:00:08Z")
    assert str(sighting.tlp) == "TLP:AMBER+STRICT"
    again = confirmed([base])
    assert again.sighted[0].before == 94
    assert record_sightings(again, store).operation is None, "the same hunt twice is one sighting"
    store.undo()
    assert store.digest() == before
    store.close()


def test_the_same_evidence_a_day_longer_does_not_raise_confidence_again(tmp_path, confirmed, bundle):
    base = tmp_path / "k.db"
    store = Store(base)
    import_from(store, bundle)
    record_sightings(confirmed([base]), store)
    log = tmp_path / "web" / "u_ex240316.log"
    log.write_text((tmp_path / "web" / "u_ex240315.log").read_text().replace("2024-03-15", "2024-03-16"))
    longer = record_sightings(confirmed([base]), store)
    assert (len(longer.sightings), longer.changes) == (1, ())
    store.close()


def test_an_indicator_of_a_list_enters_the_base_with_its_sighting(tmp_path, confirmed, csv):
    store = Store(tmp_path / "k.db")
    done = record_sightings(confirmed([csv]), store)
    assert [(c.before, c.after) for c in done.changes] == [(80, 92)]
    with store.view() as view:
        said = {(c.predicate, c.value) for c in view.saying("pattern", "confidence", "sighted")}
    assert said == {
        ("pattern", "[ipv4-addr:value = '192.0.2.7']"),
        ("confidence", "80"),
        ("confidence", "92"),
        ("sighted", "9"),
    }
    store.close()


def test_a_case_that_met_a_groups_indicator_is_evidence_of_the_group_that_fades(confirmed, csv, tmp_path):
    old = tmp_path / "old.csv"
    old.write_text("type,value,group,valid_from\nip,192.0.2.7,APT31,2020-01-01\n")
    weights = []
    for path in (csv, old):
        brief = confirmed([path])
        evidence = [
            item
            for assessment in brief.assessments
            for h in assessment.hypotheses
            if h.group == "G0128"
            for item in h.evidence_for
            if item.kind == "indicator"
        ]
        weights.append(evidence[0].weight if evidence else 0.0)
    fresh, stale = weights
    assert fresh == pytest.approx(2), "met while it was valid"
    assert stale == pytest.approx(0, abs=0.01)


def test_a_saved_hunt_gives_its_indicators_to_attribution(confirmed, csv):
    brief = confirmed([csv])
    assessment = attribute_case(brief, brief.cases[0], Given(), load_knowledge())
    assert assessment.case == brief.cases[0].id


@pytest.mark.slow
@pytest.mark.parametrize(
    ("logs", "rows", "expected"),
    [
        ("aws/sans504-s3", ["ip,3.238.12.183,APT31"], (37, "up")),
        ("zeek/rita-missing_host", ["ip,64.225.56.201,", "ip,73.54.23.243,"], (None, "")),
    ],
)
def test_real_logs_meet_made_up_indicators(shared_data, tmp_path, logs, rows, expected):
    path = tmp_path / "made-up.csv"
    path.write_text("\n".join(["type,value,group", *rows]) + "\n")
    brief = hunt([shared_data / logs], indicators=[path]).brief
    assert len(brief.sighted) == len(rows)
    count, word = expected
    assert count is None or brief.sighted[0].count == count
    assert brief.sighted[0].why.startswith(word)
    assert all(f.evidence[0].original for f in brief.findings if f.detector.kind == "indicator")
