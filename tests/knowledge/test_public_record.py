"""The public record: every line of it is a claim of its document, about groups that are known."""

from __future__ import annotations

import pytest

from stillhunt.knowledge.card import card_of
from stillhunt.knowledge.claim import type_of
from stillhunt.knowledge.conflicts import conflicts
from stillhunt.knowledge.resolve import resolve

GROUPS = [
    "APT1",
    "APT3",
    "APT10",
    "APT40",
    "APT31",
    "Hafnium",
    "APT41",
    "APT27",
    "APT28",
    "Sandworm",
    "APT29",
    "Turla",
    "Dragonfly",
    "Kimsuky",
    "Andariel",
    "Bluenoroff",
    "APT39",
    "MuddyWater",
    "APT32",
    "Gamaredon Group",
    "Salt Typhoon",
    "Volt Typhoon",
    "Star Blizzard",
    "Silent Librarian",
    "TEMP.Veles",
]


@pytest.fixture(scope="module")
def view(embedded_store):
    with embedded_store.view() as opened:
        yield opened


def card(view, name):
    found = [c for c in resolve(view, name) if any(type_of(member) == "intrusion-set" for member in c.identity.members)]
    return card_of(view, found[0])


def texts(lines):
    return {line.text for line in lines}


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_of_the_record_is_one_that_attack_knows(view, name):
    found = card(view, name)
    assert any(line.text.startswith("G") and "ATT&CK" in said.source for line in found.ids for said in line.said)
    assert found.sponsors or found.people or found.legal or found.fronts or found.disputed


def test_the_card_of_apt31_names_bureau_front_people_charges_sanctions_and_the_denial(view):
    found = card(view, "APT31")
    assert {"Hubei State Security Department", "Ministry of State Security of China"} <= texts(found.sponsors)
    assert "Wuhan Xiaoruizhi Science and Technology Company, Limited" in texts(found.fronts)
    assert {"Ni Gaobin", "Zhao Guangzong", "Sun Xiaohui"} <= texts(found.people)
    assert "Ni Gaobin: United Kingdom: cyber" in texts(found.legal)
    assert any(line.text == "Hubei State Security Department" and line.is_disputed for line in found.sponsors)
    assert "Parliament of the United Kingdom" in texts(found.targets)


def test_the_fronts_of_a_ministry_are_not_those_of_each_of_its_groups(view):
    assert "Guangzhou Bo Yu Information Technology Company Limited" not in texts(card(view, "APT31").fronts)
    assert "Hainan Xiandun Technology Development Co., Ltd." in texts(card(view, "APT40").fronts)


def test_all_lines_have_their_document_date_and_record(view):
    everything = view.everything()
    claims = [c for c in everything.claims.values() if c.method == "human:public-record"]
    own = [c for c in claims if c.quote.startswith('{"document"')]
    assert len(own) > 400
    assert all(everything.sources[c.source].published for c in own)
    assert {c.predicate for c in claims if c not in own} <= {"name", "identity-class", "country-code", "region"}


def test_a_denial_is_a_conflict_with_what_catalogues_say_of_the_same_group(view):
    found = {(c.kind, c.name) for c in conflicts(view)}
    assert {("denied", "Volt Typhoon"), ("denied", "ZIRCONIUM")} <= found
