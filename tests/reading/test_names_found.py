"""Persons, organisations, places and sectors are found by name, in Latin and in Han letters, with who may be meant."""

# ruff: noqa: RUF001 - Chinese signs are what is tested

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.reading.mention import Mention
from stillhunt.reading.naming import latin_form, names_in

pytest.importorskip("anyascii", reason="stillhunt[know] is not installed")


def found(text, kind, **more):
    return [m.text for m in names_in(text, **more) if m.kind == kind]


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("Ada Holm, a minister, spoke. Later Mr Holm left.", ["Ada Holm", "Holm"]),
        ("according to Sergei Kolov, who leads it", ["Sergei Kolov"]),
        ("YURIY SERGEYEVICH ANDROV was charged.", ["YURIY SERGEYEVICH ANDROV"]),
        ("Special Agent Karen Blythe wrote", ["Karen Blythe"]),
        ("Ni Gaoming and Zhao Guangfen worked there.", ["Ni Gaoming", "Zhao Guangfen"]),
        ("Gaoming Ni was paid.", ["Gaoming Ni"]),
        ("Torvald Eikeland, the agency’s director, said no.", ["Torvald Eikeland"]),
        ("Cobalt Strike and Active Directory were used by Red Fox.", []),
        ("The Grand Jury of the Western District of Pennsylvania", []),
        ("In August Microsoft Exchange was hit. April Update followed.", []),
    ],
)
def test_persons_are_told_by_what_stands_beside_or_in_a_name(text, persons):
    assert found(text, "person") == persons


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("Kite Trading Company, Ltd. of Oslo", ["Kite Trading Company, Ltd."]),
        ("the Ministry of Trade and Industry of Norway said", ["Ministry of Trade and Industry of Norway"]),
        ("Wuhan Xiaori Science and Technology Co., Ltd", ["Wuhan Xiaori Science and Technology Co., Ltd"]),
        ("The Norwegian government and the FBI agreed.", ["Norwegian government", "FBI"]),
        ("the Bureau of Tests (BOT) and later BOT", ["Bureau of Tests", "BOT", "BOT"]),
        ("students of the University of Holm", ["University of Holm"]),
        ("Microsoft Office, Windows Services and Remote Desktop Services", ["Microsoft"]),
    ],
)
def test_organisations_are_told_by_their_form(text, bodies):
    assert found(text, "organisation") == bodies


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Hackers in Hubei hit Norway and the United States.", ["Hubei", "Norway", "United States"]),
        ("see https://norway.example/China or china.example", []),
        ("Jordan Pike was in Jordan", ["Jordan"]),
        ("Chinese-speaking, U.S. and Norwegian users", ["Chinese", "U.S.", "Norwegian"]),
    ],
)
def test_places_are_told_by_lists_and_not_inside_addresses(text, places):
    assert found(text, "place") == places


def test_each_trade_of_a_list_is_a_sector():
    mentions = [m for m in names_in("It hit energy, water and transport companies, and banks.") if m.kind == "sector"]
    assert [(m.text, m.stands_for) for m in mentions] == [
        ("energy", "energy"),
        ("water", "water"),
        ("transport companies", "transport"),
        ("banks", "finance"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        (
            "四川安海信息技术有限公司与海南省公安厅签了合同",
            "organisation",
            ["四川安海信息技术有限公司", "海南省公安厅"],
        ),
        ("客户是成都市公安局和越南外交部", "organisation", ["成都市公安局", "越南外交部"]),
        ("我们公司今天去北京大学开会", "organisation", ["北京大学"]),
        ("隶属于国家安全部的解放军部队", "organisation", ["国家安全部", "解放军部队"]),
        ("梁富庆上海天游软件有限公司", "organisation", ["上海天游软件有限公司"]),
        ("全部都在公司，局部问题", "organisation", []),
        ("联系人：陈海诚。股东（郑华西）", "person", ["陈海诚", "郑华西"]),
        ("吴海明总经理说，吴海明不来", "person", ["吴海明", "吴海明"]),
        ("张伟强: 今天去开会", "person", ["张伟强"]),
        ("高兴地说，王者荣耀，方便的时候", "person", []),
        ("攻击了越南和哈萨克斯坦的网络", "place", ["越南", "哈萨克斯坦"]),
    ],
)
def test_han_names_are_read_without_spaces(text, kind, names):
    assert found(text, kind) == names


def test_a_chinese_name_comes_with_both_forms():
    by_text = {m.text: m.forms for m in names_in("Wu Haiming (吴海明) founded it with Chen Lu.")}
    assert by_text["吴海明"] == ("Wu Haiming", "Haiming Wu")
    assert by_text["Wu Haiming"] == ("Haiming Wu", "吴海明")
    assert by_text["Chen Lu"] == ("Lu Chen",)


def test_an_organisation_in_han_letters_has_an_english_form():
    assert latin_form("成都市公安局", kind="organisation") == ("Chengdu Public Security Bureau",)
    assert latin_form("四川安海信息技术有限公司", kind="organisation") == (
        "Sichuan Anhai Information Technology Company Limited",
    )


def test_what_the_base_knows_as_a_group_is_nothing_else():
    text = "Lazarus Group Limited and the Norwegian government"
    known = Mention(kind="group", start=0, end=13, text="Lazarus Group")
    assert [(m.kind, m.text) for m in names_in(text, [known])] == [
        ("group", "Lazarus Group"),
        ("organisation", "Norwegian government"),
    ]


@given(st.text(alphabet=st.sampled_from("Ada Holm的公司局部吴海波张伟在China Ltd.,()（）:：\n-&’ of and")))
def test_a_mention_is_verbatim_and_none_overlaps_another(text):
    mentions = names_in(text)
    assert all(text[m.start : m.end] == m.text and m.text.strip() for m in mentions)
    assert all(one.end <= other.start for one, other in itertools.pairwise(mentions))


@pytest.fixture
def resolver(tmp_path):
    pytest.importorskip("sqlalchemy")
    from stillhunt.knowledge.claim import entity_id, source_of  # noqa: PLC0415  # an extra
    from stillhunt.knowledge.scribe import Scribe  # noqa: PLC0415
    from stillhunt.knowledge.store import Store  # noqa: PLC0415
    from stillhunt.workflows.resolving import Resolver  # noqa: PLC0415

    store = Store(tmp_path / "know.db")
    scribe = Scribe("Bureau of Tests", source_of(kind="report", title="A list"), method="human")
    for name in ("吴海明", "Zhao Guangfen", "Ministry of State Security"):
        scribe.say(entity_id("identity", name), "name", value=name, quote=name)
    store.add(scribe.claims)
    with store.view() as view:
        made = Resolver(view, sorted(view.names()))
    store.close()
    return made


def resolved(resolver, text):
    mentions, meant = resolver.resolved(names_in(text))
    return mentions, {name: [(m.name, m.certain) for m in ms] for name, ms in meant.items()}, meant


def test_a_name_that_sounds_the_same_in_the_other_script_is_a_candidate_with_its_reason(resolver):
    mentions, by_name, meant = resolved(resolver, "Wu Haiming was there.")
    assert by_name == {"Wu Haiming": [("吴海明", False)]}
    assert "sounds the same" in meant["Wu Haiming"][0].reason
    assert mentions[0].forms == ("Haiming Wu", "吴海明")
    assert mentions[0].entities == ()


def test_a_name_like_another_is_a_candidate_and_no_more(resolver):
    _, by_name, meant = resolved(resolver, "Zhao Guangfeng was there.")
    assert by_name == {"Zhao Guangfeng": [("Zhao Guangfen", False)]}
    assert "%" in meant["Zhao Guangfeng"][0].reason


def test_the_very_name_is_certain_also_by_its_short_form(resolver):
    mentions, by_name, _ = resolved(resolver, "the Ministry of State Security (MSS), and the MSS again")
    assert by_name == {
        "MSS": [("Ministry of State Security", True)],
        "Ministry of State Security": [("Ministry of State Security", True)],
    }
    assert all(m.entities for m in mentions)


def test_the_adjective_of_a_country_is_the_country_and_a_city_is_not(resolver):
    _, by_name, _ = resolved(resolver, "Norwegian police in Hubei")
    assert by_name == {} or "Hubei" not in by_name
    assert resolved(resolver, "a Norwegian firm")[1] == {"Norwegian": [("Norway", True)]}


def test_whom_nobody_in_the_base_is_like_stays_without_an_entity(resolver):
    mentions, by_name, _ = resolved(resolver, "Torvald Eikeland, the director, said no.")
    assert ([m.entities for m in mentions], by_name) == ([()], {})
