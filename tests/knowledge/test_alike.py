"""Names that sound or look alike are candidates; names that differ in a number are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.knowledge.alike import Lookalikes, likeness, similarity
from stillhunt.knowledge.claim import entity_id
from stillhunt.knowledge.importer import IMPORTERS, Terms
from stillhunt.knowledge.romanise import fold
from stillhunt.knowledge.screen import screen


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zhao Guangzong", "\u8d75\u5149\u5b97"),
        ("Zhao Guangzong", "ZHAO, Guangzong"),
        ("Anatoliy Sergeyevich Kovalev", "\u0410\u043d\u0430\u0442\u043e\u043b\u0438\u0439 \u0421\u0435\u0440\u0433\u0435\u0435\u0432\u0438\u0447 \u041a\u043e\u0432\u0430\u043b\u0435\u0432"),  # noqa: E501
        ("Park Jin Hyok", "\ubc15\uc9c4\ud601"),
        ("Mojtaba", "\u0645\u062c\u062a\u0628\u06cc"),
        ("Wuhan Xiaoruizhi Science & Technology", "\u6b66\u6c49\u6653\u777f\u667a\u79d1\u6280\u6709\u9650\u8d23\u4efb\u516c\u53f8"),  # noqa: E501
        ("Ministry of State Security", "\u56fd\u5bb6\u5b89\u5168\u90e8"),
    ],
)  # fmt: skip
def test_names_of_other_scripts_meet_their_romanisations(one, other):
    how, score, because = likeness(fold(one), fold(other))
    assert how == "transliteration"
    assert score > 0.8
    assert because


@pytest.mark.parametrize(
    ("one", "other"),
    [("APT31", "APT30"), ("Chengdu 404", "Chengdu No.4"), ("Ni Gaobin", "Ni Gaobo"), ("Unit 26165", "Unit 74455")],
)
def test_names_that_only_resemble_each_other_are_not_alike(one, other):
    assert likeness(fold(one), fold(other)) is None


def test_pairs_judged_by_hand_agree(shared_data):
    pairs = [json.loads(line) for line in (shared_data / "reading/names/pairs.jsonl").read_text().splitlines()]
    same = [p for p in pairs if p["same"]]
    other = [p for p in pairs if not p["same"]]
    assert sum(_score(p) > 0 for p in same) >= 0.7 * len(same)
    assert sum(_score(p) >= 0.85 for p in other) <= 1  # one letter in thirteen: a person has to look


def _score(pair):
    like = likeness(fold(pair["a"]), fold(pair["b"]))
    return 0 if like is None else like[1]


@given(st.text("abc", min_size=1, max_size=70), st.text("abc", min_size=1, max_size=70))
def test_similarity_counts_edits(one, other):
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        following = [i]
        for j, right in enumerate(other, 1):
            following.append(min(row[j] + 1, following[-1] + 1, row[j - 1] + (left != right)))
        row = following
    assert similarity(one, other) == pytest.approx(1 - row[-1] / max(len(one), len(other)))


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_the_same_both_ways(one, other):
    assert likeness(fold(one), fold(other)) == likeness(fold(other), fold(one))


def test_the_likest_come_first():
    names = [("Sandworm Team", "a"), ("Sandworm", "b"), ("Wormsand", "c")]
    found = Lookalikes(names).find("SandWorm")
    assert [(a.entity, a.how) for a in found] == [("b", "transliteration"), ("a", "fuzzy")]
    assert Lookalikes(names).find("...") == []


def test_screening_explains_every_hit(tmp_path, store, shared_data):
    store.add(IMPORTERS["eu_sanctions"].read(shared_data / "reading/sanctions/eu_32019R0796_cyber.csv", Terms()).claims)
    with store.view() as view:
        found = screen(view, ["\u9ad8\u5f3a", "Shilong Zhang", "Somebody Else Entirely"])
    gao, zhang, nobody = found
    assert (gao.hits[0].name, gao.hits[0].because) == ("GAO Qiang", "sounds the same")
    assert zhang.hits[0].name == "ZHANG Shilong"
    assert any("European Union" in line.text for line in zhang.hits[0].lines)
    assert nobody.hits == ()
    assert gao.hits[0].entity.startswith("identity--")
    assert entity_id("identity", "x") not in {h.entity for s in found for h in s.hits}
