"""Decisions are applied in order, can be undone, and never change what the hunt found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.cases.decision import Decision, docket
from stillhunt.cases.investigate import investigate, regroup
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.coverage import Coverage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def findings(make_finding, at):
    return [
        make_finding(f"{name}{n}", at(2021, n + 1, 1), host=name, tactics=("execution",), techniques=(f"T100{n}",))
        for name in ("a", "b", "c")
        for n in range(3)
    ]


@pytest.fixture
def hunted(findings):
    coverage = Coverage()
    cases = sorted(investigate(findings, Trail(), coverage), key=lambda case: case.hosts)
    by_id = {finding.id: finding for finding in findings}

    def look(*decisions):
        numbered = [d if d.id else Decision(**{**_fields(d), "id": f"d-{n}"}) for n, d in enumerate(decisions)]
        return docket(cases, by_id, numbered, regroup=partial(regroup, coverage=coverage))

    return cases, look


def _fields(decision):
    return {name: getattr(decision, name) for name in Decision.__dataclass_fields__}


def decided(kind, case="", **rest):
    return Decision(at=NOON, by="anna", kind=kind, case=case, **rest)


def test_a_note_is_kept_with_its_case(hunted):
    cases, look = hunted
    found = look(decided("note", cases[0].id, text="look at me"))
    assert [d.text for d in found.of(cases[0].id).decisions] == ["look at me"]
    assert [view.case for view in found.views] == cases


def test_a_closed_case_can_be_opened_again(hunted):
    cases, look = hunted
    closing = decided("close", cases[0].id, verdict="benign", text="ours")
    assert (look(closing).of(cases[0].id).is_open, look(closing).of(cases[0].id).verdict) == (False, "benign")
    assert look(closing, decided("reopen", cases[0].id)).of(cases[0].id).is_open


def test_merged_cases_are_one_dated_by_the_earlier(hunted):
    cases, look = hunted
    found = look(decided("merge", cases[1].id, cases=(cases[0].id,)))
    assert len(found.views) == 2
    joined = found.of(cases[1].id).case
    assert set(joined.findings) == {*cases[0].findings, *cases[1].findings}
    assert joined.hosts == ("a", "b")
    assert joined.break_in.latest == min(cases[0].break_in.latest, cases[1].break_in.latest)
    assert joined.dwell_s == int((joined.last_at - joined.break_in.latest).total_seconds())


def test_what_is_said_of_a_merged_case_reaches_the_one_it_is_part_of(hunted):
    cases, look = hunted
    merge = decided("merge", cases[1].id, cases=(cases[0].id,))
    found = look(merge, decided("note", cases[0].id, text="still here"))
    assert "still here" in [d.text for d in found.of(cases[1].id).decisions]
    assert not found.dangling


def test_findings_split_off_are_a_case_of_their_own(hunted):
    cases, look = hunted
    apart = cases[0].findings[1:]
    found = look(decided("split", cases[0].id, findings=apart))
    kept, split = found.views[0], found.views[1]
    assert kept.case.id == cases[0].id
    assert set(kept.case.findings) == {cases[0].findings[0]}
    assert set(split.case.findings) == set(apart)
    assert kept.case.break_in == cases[0].break_in
    assert split.case.first_at > kept.case.last_at


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (decided("note", "case-gone"), "there is no case case-gone any more"),
        (decided("merge", "FIRST", cases=("case-gone",)), "there is no case case-gone any more"),
        (decided("split", "FIRST", findings=("finding-gone",)), "finding-gone is no finding of"),
        (decided("split", "FIRST", findings=("ALL",)), "nothing would be left of"),
    ],
)
def test_a_decision_that_fits_nothing_is_kept_and_explained(hunted, decision, why):
    cases, look = hunted
    first = cases[0]
    named = first.findings if decision.findings == ("ALL",) else decision.findings
    fields = {**_fields(decision), "findings": named}
    fields["case"] = first.id if decision.case == "FIRST" else decision.case
    found = look(Decision(**fields))
    ((_, reason),) = found.dangling
    assert why in reason
    assert [view.case for view in found.views] == cases


_KINDS = st.sampled_from(["note", "close", "reopen", "merge", "split"])


@st.composite
def _decisions(draw):
    kinds = draw(st.lists(_KINDS, max_size=6))
    return [(kind, draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.integers(1, 2))) for kind in kinds]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_decisions())
def test_undoing_everything_restores_what_was_found(hunted, drawn):
    cases, look = hunted
    made = [
        decided(
            kind,
            cases[one].id,
            id=f"d-{n}",
            cases=(cases[other].id,) if kind == "merge" else (),
            findings=cases[one].findings[:count] if kind == "split" else (),
            verdict="benign" if kind == "close" else None,
        )
        for n, (kind, one, other, count) in enumerate(drawn)
    ]
    undone = [decided("undo", id=f"u-{d.id}", undoes=d.id) for d in made]
    restored = look(*made, *undone)
    assert [view.case for view in restored.views] == cases
    assert all(view.is_open and not view.decisions for view in restored.views)
    again = [decided("undo", id=f"a-{d.id}", undoes=d.id) for d in undone]
    assert look(*made, *undone, *again) == look(*made)
    held = [f for view in look(*made).views for f in (*view.case.findings, *view.case.context)]
    assert sorted(held) == sorted(f for case in cases for f in (*case.findings, *case.context))


def test_a_merge_after_a_split_has_the_same_findings_as_before(hunted):
    cases, look = hunted
    split = decided("split", cases[0].id, findings=cases[0].findings[1:], id="d-1")
    merge = decided("merge", cases[0].id, cases=(f"{cases[0].id}-d-1",))
    found = look(split, merge)
    assert len(found.views) == len(cases)
    joined = found.of(cases[0].id).case
    assert joined.findings == cases[0].findings
    assert joined.break_in == cases[0].break_in
    assert joined.last_at - joined.first_at > timedelta(days=50)
