"""Every analytic, built in or not, says what it is and finds nothing in nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.join import empty
from stillhunt.detection.behaviour.model import Setting
from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.behaviour.reference import documentation
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.errors import InputError
from stillhunt.knowledge import load_knowledge
from stillhunt.telemetry.collect import Reading
from stillhunt.terms.technique import TACTICS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", ANALYTICS.names())
def test_an_analytic_says_what_it_is(name):
    analytic = ANALYTICS[name]
    detector = analytic.detector
    assert detector.kind == "behaviour"
    assert detector.id == f"behaviour-{name.replace('_', '-')}"
    assert detector.path == f"behaviour/{name}"
    assert set(detector.tactics) <= set(TACTICS)
    assert detector.techniques
    assert detector.false_positives
    assert analytic.thresholds
    assert set(detector.techniques) <= set(load_knowledge().techniques)


@pytest.mark.parametrize("name", ANALYTICS.names())
def test_an_analytic_finds_nothing_in_nothing(name):
    analytic = ANALYTICS[name]
    tables = {a.name: a.condense(empty(a)) if a.condense else empty(a) for a in analytic.aggregates}
    assert list(analytic.findings(tables, Setting(networks=Networks()))) == []


def test_the_reference_page_is_what_the_analytics_say():
    assert (DOCS / "reference" / "analytics.md").read_text() == documentation()


def test_every_analytic_is_told_in_the_explanation():
    page = "".join((DOCS / "explanation" / f"{name}.md").read_text() for name in ("behaviour", "behaviour-mail-cloud"))
    assert [name for name in ANALYTICS.names() if f"`{name}`" not in page] == []


def test_a_file_that_is_no_database_of_addresses_is_refused(tmp_path):
    path = tmp_path / "x.mmdb"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no database of addresses"):
        Networks([path])


def observed(path, names=None):
    watch = Watch(names or ANALYTICS.names())
    for batch in Reading([path]).batches():
        watch.feed(batch)
    return [seen.observation for seen in watch.observed(lambda _file, _host: 0)]


def test_the_beacon_of_ritas_test_data_is_found_with_its_period(shared_data):
    found = observed(shared_data / "zeek" / "rita-missing_host", ["beaconing"])
    (beacon,) = [seen for seen in found if seen.identity[:2] == ("73.54.23.243", "64.225.56.201")]
    assert beacon.measured["period"] / 1e6 == pytest.approx(270, rel=0.05)
    assert len(found) <= 10


def test_a_remote_control_that_calls_home_is_found(shared_data):
    found = observed(shared_data / "zeek" / "stratosphere" / "001-zeek-scenario-malicious")
    assert [seen.identity[:3] for seen in found] == [("192.168.1.115", "41.108.179.197", "1177")]


@pytest.mark.parametrize("day", ["008-zeek-mixed", "010-zeek-mixed"])
def test_the_day_of_an_ordinary_computer_has_at_most_two_findings(shared_data, day):
    assert len(observed(shared_data / "zeek" / "stratosphere" / day)) <= 2


def test_the_stolen_session_of_a_real_tenant_is_found(shared_data):
    (found,) = observed(shared_data / "m365" / "invictus_ual_2021-03-23_2021-04-30.csv.gz", ["session_reuse"])
    assert ("address", "178.85.138.132", "source") in found.entities
