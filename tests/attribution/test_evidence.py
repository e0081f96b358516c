"""Each kind of evidence says what it should, within its cap, and no more."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from stillhunt.attribution.circumstances import Circumstances, Exploited, Indicator, Named
from stillhunt.attribution.constants import constants
from stillhunt.attribution.evidence.hours import CAP as HOURS_CAP
from stillhunt.attribution.evidence.hours import hours_lines, rhythm_of
from stillhunt.attribution.evidence.infrastructure import indicator_lines
from stillhunt.attribution.evidence.language import language_lines
from stillhunt.attribution.evidence.line import Line, capped
from stillhunt.attribution.evidence.software import software_lines
from stillhunt.attribution.evidence.targeting import CAP as TARGETING_CAP
from stillhunt.attribution.evidence.targeting import targeting_lines
from stillhunt.attribution.evidence.techniques import technique_lines
from stillhunt.attribution.evidence.vulnerabilities import vulnerability_lines
from stillhunt.attribution.profile import Profile, Table
from stillhunt.attribution.rank import assess

UNITS = dict.fromkeys(constants().weights, 1.0)


def _table(**groups):
    profiles = [
        Profile(
            group=group,
            techniques=dict.fromkeys(known.get("techniques", ()), 1),
            software=dict.fromkeys(known.get("software", ()), 1),
            n_reports=1,
            reports={s: frozenset({r}) for s, r in known.get("reports", {}).items()},
        )
        for group, known in groups.items()
    ]
    return Table(profiles, tools=["S9"], abilities={"S1": ["T1", "T2"], "S9": ["T3"]}, origins={"G1": "RU", "G2": "CN"})


def _office_hours(offset, *, days=30, weekend=(5, 6)):
    start = datetime(2024, 3, 4, tzinfo=UTC)
    return [
        start + timedelta(days=day, hours=hour - offset)
        for day in range(days)
        if (start + timedelta(days=day)).weekday() not in weekend
        for hour in (9, 10, 11, 14, 15, 16, 17)
    ]


def test_malware_that_one_report_names_with_another_counts_once():
    apart = _table(G1={"software": ["S1", "S2"], "reports": {"S1": "one", "S2": "two"}}, G2={"techniques": ["T1"]})
    together = _table(G1={"software": ["S1", "S2"], "reports": {"S1": "one", "S2": "one"}}, G2={"techniques": ["T1"]})

    def exclusive(table):
        lines = software_lines(["S1", "S2"], table, UNITS)
        return math.fsum(line.weights["G1"] for line in lines if line.kind == "software-exclusivity")

    assert exclusive(apart) == pytest.approx(math.sqrt(2))
    assert exclusive(together) == pytest.approx(1)


def test_a_tool_is_never_exclusive():
    table = _table(G1={"software": ["S9"]}, G2={"techniques": ["T1"]})
    assert {line.kind for line in software_lines(["S9"], table, UNITS)} == {"tool"}


def test_what_malware_of_a_group_can_do_speaks_for_it_but_not_what_a_tool_can():
    table = _table(G1={"software": ["S1", "S9"], "techniques": ["T1"]}, G2={"techniques": ["T1"]})
    by_item = {
        line.item: line.weights
        for line in technique_lines(["T1", "T2", "T3"], table, UNITS)
        if line.kind == "implied-technique"
    }
    assert set(by_item["T2"]) == {"G1"}
    assert by_item["T1"] == {}  # known of the group itself
    assert by_item["T3"] == {}


def test_a_cap_holds_for_the_sum_and_keeps_the_proportions():
    lines = [Line(kind="x", item="a", weights={"G1": 3.0, "G2": 0.5}), Line(kind="x", item="b", weights={"G1": 1.0})]
    held = capped(lines, 2.0)
    assert [line.weights["G1"] for line in held] == [1.5, 0.5]
    assert held[0].weights["G2"] == 0.5


def test_a_group_that_attacks_such_victims_gains_what_others_lose():
    known = {"G1": frozenset({"energy"}), "G2": frozenset({"media"}), "G3": frozenset({"media"})}
    (line,) = targeting_lines("victim-sector", ["energy"], known, told={})
    assert line.weights["G1"] > 0 > line.weights["G2"] == line.weights["G3"]
    assert max(map(abs, line.weights.values())) <= TARGETING_CAP
    assert targeting_lines("victim-sector", ["water"], known, told={}) == []


@pytest.mark.parametrize(("offset", "country", "other"), [(3, "RU", "CN"), (8, "CN", "RU"), (9, "KP", "IR")])
def test_office_hours_lean_to_the_country_that_keeps_them(offset, country, other):
    lines = hours_lines(_office_hours(offset), {"G1": country, "G2": other})
    sums = {g: math.fsum(line.weights.get(g, 0) for line in lines) for g in ("G1", "G2")}
    assert sums["G1"] > 0 > sums["G2"]
    assert max(map(abs, sums.values())) <= HOURS_CAP + 1e-12
    low, high = rhythm_of(_office_hours(offset)).offsets
    assert low <= offset <= high
    assert high - low <= 3


def test_few_hours_say_nothing():
    assert hours_lines(_office_hours(3)[:10], {"G1": "RU"}) == []
    assert rhythm_of(_office_hours(3)[:10]).offsets is None


def test_activity_at_all_hours_says_next_to_nothing():
    always = [datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=h) for h in range(24 * 14)]
    lines = [line for line in hours_lines(always, {"G1": "RU", "G2": "CN"}) if line.kind == "hours"]
    assert all(abs(w) < 0.05 for line in lines for w in line.weights.values())


def test_activity_on_a_countrys_holidays_speaks_against_it():
    golden_week = [datetime(2023, 10, d, h - 8 + 8, tzinfo=UTC) for d in range(2, 7) for h in range(1, 9)]
    holiday = next(line for line in hours_lines(golden_week, {"G1": "CN", "G2": "RU"}) if line.kind == "holiday")
    assert holiday.weights["G1"] < 0
    assert "G2" not in holiday.weights


@pytest.mark.parametrize(
    ("used", "published", "share"),
    [
        (date(2021, 1, 3), date(2021, 3, 2), 0.5),
        (date(2021, 3, 5), date(2021, 3, 2), 0.25),
        (date(2022, 1, 1), date(2021, 3, 2), 0.04),
        (None, None, 0.04),
    ],
)
def test_a_vulnerability_is_telling_before_it_is_public(used, published, share):
    one = Exploited(vulnerability="CVE-2021-26855", used=used, published=published)
    (line,) = vulnerability_lines([one], {"CVE-2021-26855": frozenset({"G1"})}, n_groups=20)
    assert line.weights == {"G1": pytest.approx(share * math.log(1 + 19.5 / 1.5))}


def test_language_weighs_little_and_english_nothing():
    origins = {"G1": "RU", "G2": "CN"}
    assert [line.weights for line in language_lines(["ru-RU"], origins)] == [{"G1": 0.4}]
    assert language_lines(["en"], origins) == []


@pytest.mark.parametrize(("seen", "weight"), [(date(2024, 1, 1), 2.0), (date(2024, 3, 31), 1.0), (None, 0.5)])
def test_an_address_is_stale_within_months(seen, weight):
    one = Indicator(kind="address", value="192.0.2.7", seen=seen)
    (line,) = indicator_lines([one], {"192.0.2.7": {"G1": "2024-01-01"}})
    assert line.weights["G1"] == pytest.approx(weight)


def test_every_kind_beside_is_told_and_the_sum_still_holds(knowledge):
    circumstances = Circumstances(
        sectors=("government",),
        countries=("US",),
        hours=tuple(_office_hours(8)),
        exploited=(Exploited(vulnerability="CVE-2021-26855", used=date(2021, 1, 3), published=date(2021, 3, 2)),),
        languages=("zh-CN",),
        named=(Named(name="HAFNIUM", quote="HAFNIUM Exchange Exploitation Activity", source="a rule"),),
    )
    assessment = assess(
        case_id="case-1",
        techniques=dict.fromkeys(["T1190", "T1505.003", "T1003.001", "T1114.002", "T1560.001"], ()),
        software={"S0020": ()},
        knowledge=knowledge,
        circumstances=circumstances,
        n_leading=None,
    )
    for hypothesis in assessment.hypotheses:
        items = (*hypothesis.evidence_for, *hypothesis.evidence_against)
        assert abs(math.fsum(i.weight for i in items) - hypothesis.score) < 1e-9
    hafnium = next(h for h in assessment.hypotheses if h.group == "G0125")
    kinds = {i.kind: i for i in (*hafnium.evidence_for, *hafnium.evidence_against)}
    assert {"victim-sector", "victim-country", "hours", "vulnerability", "language", "name"} <= set(kinds)
    assert kinds["name"].weight == 0
    assert "HAFNIUM Exchange Exploitation Activity" in kinds["name"].title
    assert kinds["language"].grade == "F6"
    assert all(math.isclose(i.likelihood, math.exp(i.weight)) for i in hafnium.evidence_for)
    assert any("named in a rule" in c for c in assessment.cautions)


def test_hours_alone_never_name_anybody(knowledge):
    assessment = assess(
        case_id="case-1",
        techniques={},
        software={},
        knowledge=knowledge,
        circumstances=Circumstances(hours=tuple(_office_hours(3)), languages=("ru",)),
    )
    assert assessment.is_abstention
