"""An assessment adds up, says how it came about, and comes out the same every time."""

from __future__ import annotations

import math
import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment
from stillhunt.attribution.profile import table_of
from stillhunt.attribution.rank import assess
from stillhunt.attribution.weigh import weigh
from stillhunt.knowledge import load_knowledge
from stillhunt.terms.likelihood import YARDSTICK, term_for

KNOWLEDGE = load_knowledge()
TABLE = table_of(KNOWLEDGE)
techniques = st.sets(st.sampled_from(sorted(KNOWLEDGE.techniques)), max_size=25)
software = st.sets(st.sampled_from(sorted(KNOWLEDGE.software)), max_size=5)


def _assess(seen_techniques, seen_software, **more):
    return assess(
        case_id="case-1",
        techniques={t: [f"finding-{t}"] for t in seen_techniques},
        software={s: [f"finding-{s}"] for s in seen_software},
        knowledge=KNOWLEDGE,
        **more,
    )


@settings(max_examples=15, deadline=None)
@given(techniques, software)
def test_the_weights_of_the_evidence_add_up_to_the_score(seen_techniques, seen_software):
    looked_for = frozenset(KNOWLEDGE.techniques)
    for hypothesis in _assess(seen_techniques, seen_software, looked_for=looked_for).hypotheses:
        items = (*hypothesis.evidence_for, *hypothesis.evidence_against)
        assert abs(sum(i.weight for i in items) - hypothesis.score) < 1e-9


@settings(max_examples=5, deadline=None)
@given(techniques, software)
def test_probabilities_sum_to_one_with_the_unknown_group_among_them(seen_techniques, seen_software):
    assessment = _assess(seen_techniques, seen_software, n_leading=None)
    assert len(assessment.hypotheses) == assessment.n_candidates + 1
    assert UNKNOWN_GROUP in {h.group for h in assessment.hypotheses}
    assert math.isclose(sum(h.probability for h in assessment.hypotheses), 1.0, abs_tol=1e-9)


@settings(max_examples=50, deadline=None)
@given(techniques, software, st.sampled_from([e for e in KNOWLEDGE.edges if e.group in TABLE.profiles]))
def test_seeing_what_a_group_uses_never_lowers_its_score(seen_techniques, seen_software, edge):
    before = weigh(seen_techniques, seen_software, TABLE)
    if edge.item in KNOWLEDGE.techniques:
        after = weigh(seen_techniques | {edge.item}, seen_software, TABLE)
    else:
        after = weigh(seen_techniques, seen_software | {edge.item}, TABLE)
    assert after.scores[edge.group] >= before.scores[edge.group] - 1e-12


@settings(max_examples=10, deadline=None)
@given(techniques, software)
def test_terms_follow_the_yardstick_and_are_never_stronger(seen_techniques, seen_software):
    order = [term for term, _, _ in YARDSTICK]
    for hypothesis in _assess(seen_techniques, seen_software, n_leading=None).hypotheses:
        uncapped = term_for(hypothesis.probability)
        if order.index(uncapped) <= order.index("realistic possibility") or hypothesis.group == UNKNOWN_GROUP:
            assert hypothesis.term == uncapped
        else:
            assert order.index(hypothesis.term) <= order.index(uncapped)


def test_before_anything_is_seen_the_odds_of_nobody_known_are_even(judged):
    unknown = next(h for h in judged().hypotheses if h.group == UNKNOWN_GROUP)
    assert 0.45 < unknown.probability < 0.55


def test_the_leading_hypotheses_are_ranked_and_the_rest_is_accounted_for(judged):
    assessment = judged(["T1059.001", "T1003.001", "T1105", "T1021.002", "T1053.005"])
    probabilities = [h.probability for h in assessment.hypotheses]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(assessment.hypotheses) == 11
    assert any("further groups share" in c for c in assessment.cautions)


def test_an_item_says_in_whose_words_from_which_report_and_shown_by_what(judged, hafnium):
    leader = next(h for h in judged(*hafnium).hypotheses if h.group == "G0125")
    item = next(i for i in leader.evidence_for if i.kind == "technique" and i.id == "T1505.003")
    assert "web shells" in item.quote
    assert "Volexity Exchange Marauder March 2021" in item.source
    assert item.source.startswith("ATT&CK v18.1")
    assert item.findings == ("finding-T1505.003",)
    assert item.title == "Server Software Component: Web Shell"
    assert item.n_groups > 20


def test_a_rule_that_names_only_the_parent_speaks_for_groups_known_for_a_sub_technique(judged):
    shown = [i for h in judged(["T1003"]).hypotheses for i in h.evidence_for if i.kind == "parent-technique"]
    assert shown
    assert {(i.id, i.findings) for i in shown} == {("T1003", ("finding-T1003",))}


def test_a_parent_beside_its_sub_technique_says_nothing_more(judged):
    assessment = judged(["T1003", "T1003.001"])
    assert not [i for h in assessment.hypotheses for i in h.evidence_for if i.kind == "parent-technique"]


def test_what_was_looked_for_and_not_seen_is_told_without_weight(judged, hafnium):
    seen, software_seen = hafnium
    rest = [t for t in seen if t != "T1505.003"]
    assessment = judged(rest, software_seen, looked_for=frozenset({"T1505.003", "T1059.001"}))
    leader = next(h for h in assessment.hypotheses if h.group == "G0125")
    silent = [(i.kind, i.id, i.weight) for i in leader.evidence_against if i.kind not in {"restraint", "by-chance"}]
    assert silent == [("looked-for-not-seen", "T1505.003", 0.0)]
    assert any("no weight" in c for c in assessment.cautions)


def test_malware_of_somebody_else_speaks_against(judged, hafnium):
    seen, software_seen = hafnium
    assessment = judged(seen, [*software_seen, "S0559"])
    leader = next(h for h in assessment.hypotheses if h.group == "G0125")
    against = next(i for i in leader.evidence_against if i.kind == "points-elsewhere")
    assert against.title == "SUNBURST: known of APT29 alone"


def test_ids_that_nobody_knows_are_told_and_old_ones_are_translated(judged):
    assessment = judged(["T1086", "T9999"], ["S9999"])
    assert any("S9999, T9999 (2)" in c for c in assessment.cautions)
    shown = {i.id for h in assessment.hypotheses for i in h.evidence_for}
    assert "T1059.001" in shown
    assert "T1086" not in shown


def test_what_would_decide_has_not_been_seen(judged, hafnium):
    assessment = judged(*hafnium, looked_for=frozenset({"T1136.001"}))
    seen = {*hafnium[0], *hafnium[1]}
    assert assessment.would_decide
    assert not [w for w in assessment.would_decide if any(f"({i})" in w for i in seen)]


def test_the_order_in_which_things_are_given_makes_no_difference(hafnium):
    seen, software_seen = hafnium
    first = _assess(seen, software_seen)
    draw = random.Random(1)
    again = _assess(draw.sample(seen, len(seen)), draw.sample(software_seen, len(software_seen)))
    assert msgspec.json.encode(first) == msgspec.json.encode(again)


def test_an_assessment_survives_json(judged, hafnium):
    assessment = judged(*hafnium)
    assert msgspec.json.decode(msgspec.json.encode(assessment), type=Assessment) == assessment
