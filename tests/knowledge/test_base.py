"""Every name leads to all who bear it, and to nobody else."""

from __future__ import annotations

import pytest

from stillhunt.knowledge import Edge, Group, KnowledgeBase, Provenance, Software, Technique, load_knowledge


@pytest.fixture
def small():
    edges = (
        Edge(group="G1", item="T1", quote="q", citations=("B", "A"), provenance=Provenance.QUOTED),
        Edge(group="G1", item="S1", quote="", citations=("B",), provenance=Provenance.CITED),
    )
    return KnowledgeBase(
        name="made by hand",
        edition="by hand",
        groups={
            "G1": Group(id="G1", name="Red Fox", aliases=("Shared",)),
            "G2": Group(id="G2", name="Blue", aliases=("SHARED",)),
        },
        software={"S1": Software(id="S1", name="Red Fox", kind="malware")},
        techniques={"T1": Technique(id="T1", name="Trick")},
        edges=edges,
        successors={"G9": "G2"},
        urls={},
    )


@pytest.mark.parametrize("spelling", ["Red Fox", "redfox", "RED-FOX", "\uff52\uff45\uff44 fox", "g1"])
def test_a_name_is_found_in_any_spelling(small, spelling):
    assert [g.id for g in small.find_groups(spelling)] == ["G1"]


def test_an_ambiguous_name_returns_all_who_bear_it(small):
    assert [g.id for g in small.find_groups("shared")] == ["G1", "G2"]


def test_a_group_and_a_software_of_one_name_are_not_confused(small):
    assert [s.id for s in small.find_software("red fox")] == ["S1"]


def test_a_withdrawn_id_finds_its_successor(small):
    assert [g.name for g in small.find_groups("G9")] == ["Blue"]
    assert small.current("G9") == "G2"


def test_an_unknown_name_finds_nobody(small):
    assert small.find_groups("nobody") == ()
    assert small.find_techniques("") == ()
    assert small.current("T9") is None
    assert small.edges_of("G7") == ()


def test_reports_are_counted_once(small):
    assert small.reports_of("G1") == ("A", "B")


def test_every_name_and_alias_of_the_release_resolves():
    knowledge = load_knowledge()
    for group in knowledge.groups.values():
        for name in (group.id, group.name, *group.aliases):
            assert group in knowledge.find_groups(name), name
    assert {g.id for g in knowledge.find_groups("Thrip")} >= {"G0076"}
    assert len(knowledge.find_groups("LuminousMoth")) == 2
