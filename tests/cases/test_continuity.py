"""Cases keep their ids when more logs are hunted, and what became of the others is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.cases.case import BreakIn, Case
from stillhunt.cases.continuity import continued
from stillhunt.terms.level import Level


def case(name, *findings):
    return Case(
        id=name,
        opening="",
        level=Level.HIGH,
        level_why="",
        break_in=BreakIn(earliest=None, latest=None, is_censored=True, host="", grounds=()),
        first_at=None,
        last_at=None,
        dwell_s=None,
        is_active_at_end=False,
        hosts=(),
        entities=(),
        stages=(),
        techniques=(),
        software=(),
        findings=tuple(findings),
        links=(),
    )


@pytest.mark.parametrize(
    ("former", "now", "ids", "absorbed", "gone"),
    [
        ({"A": "12"}, [case("x", *"123")], ["A"], {}, ()),
        ({"A": "12", "B": "345"}, [case("x", *"12345")], ["B"], {"A": "B"}, ()),
        ({"A": "1234"}, [case("x", *"123"), case("y", *"45")], ["A", "y"], {}, ()),
        ({"A": "12"}, [case("x", *"34")], ["x"], {}, ("A",)),
        ({}, [case("x", *"34")], ["x"], {}, ()),
        ({"A": "123456"}, [case("A", *"16789"), case("x", *"2345")], ["A-new", "A"], {}, ()),
    ],
    ids=["grown", "joined", "parted", "gone", "new", "a fresh id that is taken"],
)
def test_cases_are_recognised_by_their_findings(former, now, ids, absorbed, gone):
    found = continued({name: list(findings) for name, findings in former.items()}, now)
    assert [case.id for case in found.cases] == ids
    assert dict(found.absorbed) == absorbed
    assert found.gone == gone


@given(
    st.dictionaries(st.sampled_from("ABCD"), st.sets(st.sampled_from("123456"), min_size=1).map(sorted), max_size=4),
    st.lists(st.sets(st.sampled_from("123456789"), min_size=1).map(sorted), max_size=4),
)
def test_ids_stay_different_and_nothing_is_forgotten(former, now):
    found = continued(former, [case(f"n{n}", *findings) for n, findings in enumerate(now)])
    ids = [one.id for one in found.cases]
    assert len(set(ids)) == len(ids)
    assert set(former) == (set(ids) & set(former)) | set(found.absorbed) | set(found.gone)
    assert [one.findings for one in found.cases] == [tuple(findings) for findings in now]


def test_the_same_hunt_again_changes_nothing():
    cases = (case("A", *"123"), case("B", *"45"))
    assert continued({c.id: c.findings for c in cases}, cases).cases == cases
    assert replace(cases[0]) == cases[0]
