"""A name is given only where the evidence carries it."""

from __future__ import annotations

import re

import pytest

from stillhunt.attribution.abstain import capped_term, exclusive_items, judge
from stillhunt.attribution.profile import Profile, Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import weigh

GENERIC = ["T1059.001", "T1105", "T1003.001", "T1053.005", "T1021.001", "T1057", "T1082", "T1083"]


def _seen(techniques=(), software=()):
    return Seen(techniques=dict.fromkeys(sorted(techniques), ()), software=dict.fromkeys(sorted(software), ()))


def test_nothing_seen_names_nobody(judged):
    assessment = judged()
    assert assessment.is_abstention
    assert assessment.statement == "Not enough to name anyone: there is no technique and no software to weigh."
    assert assessment.would_decide == ()


def test_generic_techniques_name_nobody(judged):
    assessment = judged(GENERIC)
    assert assessment.is_abstention
    assert "nearest known groups" in assessment.statement
    assert assessment.would_decide


def test_techniques_alone_never_name_anybody(judged, knowledge):
    for group in ("G0016", "G0032", "G0125", "G0007"):
        whole_profile = [e.item for e in knowledge.edges_of(group) if e.item in knowledge.techniques]
        assessment = judged(whole_profile)
        assert assessment.is_abstention, group
        assert all(
            h.term in {"remote chance", "realistic possibility"} for h in assessment.hypotheses if h.group == group
        )
        assert any("only kind of evidence" in c for c in assessment.cautions)


def test_a_handful_of_techniques_without_malware_names_nobody(judged):
    assert "fewer than five techniques" in judged(["T1505.003", "T1190"], ["S0029"]).statement


def test_two_agreeing_kinds_may_name_but_no_stronger_than_likely(judged, hafnium):
    assessment = judged(*hafnium)
    assert not assessment.is_abstention
    leader = assessment.hypotheses[0]
    assert (leader.name, leader.term) == ("HAFNIUM", "likely")
    assert leader.probability == pytest.approx(0.79)  # two kinds of evidence carry no more
    assert {i.kind for i in leader.evidence_against} <= {"restraint", "by-chance"}
    assert any(i.kind == "restraint" for i in leader.evidence_against)
    assert "HAFNIUM" in assessment.statement
    assert "three independent kinds" in assessment.statement
    assert any(c.startswith("without ") for c in assessment.cautions)


def test_a_name_that_hangs_on_one_item_is_not_given(judged):
    techniques = ["T1190", "T1505.003", "T1059.001", "T1003.001", "T1114.002"]
    assessment = judged(techniques, ["S1011"])  # Tarrask, which one group alone is known for
    assert assessment.hypotheses[0].group == "G0125"
    assert assessment.hypotheses[0].probability >= assessment.threshold
    assert assessment.is_abstention
    assert "single item" in assessment.statement
    assert any("Tarrask" in c for c in assessment.cautions)


def test_malware_of_two_groups_names_neither_and_is_called_a_possible_false_flag(judged, hafnium):
    techniques, software = hafnium
    assessment = judged(techniques, [*software, "S0559", "S0588"])
    assert assessment.is_abstention
    assert any("possible false flag" in c and "SUNBURST" in c for c in assessment.cautions)


def test_likelihood_and_confidence_share_no_sentence(judged, hafnium):
    for assessment in (judged(), judged(GENERIC), judged(*hafnium)):
        assert not re.search("confiden", assessment.statement)
        assert not re.search("likely|chance|possib|probab|certain", assessment.confidence_why)


def test_confidence_is_low_where_nobody_is_named_and_never_high(judged, hafnium):
    assert judged(GENERIC).confidence == "low"
    assert judged(*hafnium).confidence == "moderate"


@pytest.mark.parametrize(
    ("probability", "n_kinds", "may_name", "term"),
    [
        (0.97, 3, True, "almost certain"),
        (0.97, 2, True, "likely"),
        (0.97, 1, True, "realistic possibility"),
        (0.97, 3, False, "realistic possibility"),
        (0.30, 2, False, "unlikely"),
        (0.02, 0, False, "remote chance"),
    ],
)
def test_words_are_no_stronger_than_the_kinds_of_evidence(probability, n_kinds, may_name, term):
    assert capped_term(probability, n_kinds=n_kinds, may_name=may_name) == term


def test_a_tool_of_one_group_is_no_signature():
    profiles = [
        Profile(group="G1", techniques={"T1": 1}, software={"S1": 1, "S2": 1}, n_reports=2),
        Profile(group="G2", techniques={"T2": 1}, software={}, n_reports=1),
        Profile(group="G3", techniques={}, software={}, n_reports=0),
    ]
    table = Table(profiles, tools=["S2"])
    assert exclusive_items(_seen(software=["S1", "S2", "S3"]), table) == {"G1": ("S1",)}
    ranking = weigh((), ("S1", "S2"), table)
    shares = {line.item: line.weights["G1"] for line in ranking.lines if line.kind == "software-exclusivity"}
    assert "S2" not in shares
    assert shares["S1"] > 3
    assert list(table.profiles) == ["G1", "G2"]


def test_the_verdict_on_an_empty_table_is_to_abstain():
    table = Table([Profile(group="G1", techniques={"T1": 1}, software={}, n_reports=1)], tools=())
    assert judge(_seen(), weigh((), (), table), table).named is None
