"""Claims of any store, folded into what cases are weighed against."""

from __future__ import annotations

import pytest

from stillhunt.knowledge.claim import source_of
from stillhunt.knowledge.folded import folded
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.scribe import Scribe
from stillhunt.knowledge.store import Store

GROUP, OTHER = (
    "intrusion-set--11111111-1111-4111-8111-111111111111",
    "intrusion-set--22222222-2222-4222-8222-222222222222",
)
MALWARE = "malware--33333333-3333-4333-8333-333333333333"


@pytest.fixture
def base(tmp_path):
    scribe = Scribe("Us", source_of(kind="report", title="A report", published="2024-01-01"), method="human")
    for number in range(6):
        technique = f"attack-pattern--44444444-4444-4444-8444-00000000000{number}"
        scribe.say(technique, "name", value=f"Technique {number}", quote="x")
        scribe.say(technique, "external-id", value=f"T900{number}", quote="x")
        scribe.say(GROUP, "uses", object=technique, quote=f"Velvet Ant used technique {number}.")
    scribe.say(GROUP, "name", value="Velvet Ant", quote="x")
    scribe.say(OTHER, "name", value="Too Little Known", quote="x")
    scribe.say(MALWARE, "name", value="Antware", quote="x")
    scribe.say(GROUP, "uses", object=MALWARE, quote="Velvet Ant brought Antware and CVE-2024-20399.")
    scribe.say(GROUP, "originates-from", object=scribe.place(find_place("China")), quote="from China")
    scribe.say(
        GROUP, "originates-from", object=scribe.place(find_place("Russia")), quote="not Russia", polarity="denies"
    )
    scribe.say(GROUP, "targets", object=scribe.sector("Energy"), quote='{"target_categories":"Energy"}')
    store = Store(tmp_path / "own.db")
    store.add(scribe.claims)
    with store.view() as view:
        yield folded(view)
    store.close()


def test_a_group_that_attack_does_not_have_is_kept_if_enough_is_said_of_it(base):
    assert [g.name for g in base.groups.values()] == ["Velvet Ant"]
    assert {e.item for e in base.edges_of(GROUP)} == {f"T900{n}" for n in range(6)} | {MALWARE}


def test_an_edge_keeps_its_words_and_its_report(base):
    edge = next(e for e in base.edges_of(GROUP) if e.item == "T9000")
    assert (edge.quote, edge.citations, edge.provenance) == ("Velvet Ant used technique 0.", ("A report",), "quoted")


def test_origins_and_victims_are_traits_and_denials_are_not(base):
    assert base.origin_of(GROUP) == "CN"
    assert [t.value for t in base.traits_of(GROUP, "victim-sector")] == ["energy"]
    assert {t.value for t in base.traits_of(GROUP, "origin")} == {"CN"}
