"""What is quoted of others travels no further than they allow: by no exporter, no renderer and no error message."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import InputError
from stillhunt.report.exporter import EXPORTERS, export
from stillhunt.report.marking import floor_of, marked, marking_of
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.workspace import FORMATS, rendered

SECRET = "never-tell-this-word"
UNMARKED = {"csv", "jsonl", "timesketch"}
"""Formats that have no place for a marking."""

MARKS = st.sampled_from(list(Tlp))


@pytest.fixture(scope="module")
def brief(make_brief):
    made = make_brief()
    return dataclasses.replace(made, tlp="", cases=made.cases[:1], assessments=made.assessments[:1])


def quoting(brief, mark):
    """The same brief, whose first finding is of an indicator with a marking."""
    first, *rest = brief.findings
    detector = dataclasses.replace(first.detector, title=SECRET, kind="indicator", marking=str(mark))
    return dataclasses.replace(brief, findings=(dataclasses.replace(first, detector=detector), *rest))


def test_a_brief_that_nobody_marked_stays_in_the_organisation_and_quotes_nobody(brief):
    assert (floor_of(brief), marking_of(brief)) == (Tlp.CLEAR, Tlp.AMBER_STRICT)


def test_a_strict_indicator_makes_the_whole_strict(brief):
    assert marking_of(quoting(brief, Tlp.RED)) is Tlp.RED
    assert marked(quoting(brief, Tlp.AMBER)).tlp == "TLP:AMBER+STRICT"


def test_a_lax_marking_is_refused_with_what_would_do(brief):
    with pytest.raises(InputError) as refused:
        marked(quoting(brief, Tlp.AMBER), Tlp.GREEN)
    assert str(refused.value) == "TLP:GREEN is too lax: an indicator that is quoted is TLP:AMBER"
    assert "TLP:AMBER or stricter" in refused.value.hint


@settings(max_examples=150, deadline=None)
@given(of=MARKS, asked=st.none() | MARKS, ceiling=MARKS, form=st.sampled_from(EXPORTERS.names()))
def test_with_a_ceiling_no_byte_above_it_leaves_by_any_exporter_or_message(brief, of, asked, ceiling, form):
    whole = quoting(brief, of)
    wanted = marking_of(whole) if asked is None else asked
    if of <= wanted <= ceiling:
        assert str(wanted).encode() in export(whole, form, tlp=asked, ceiling=ceiling).upper() or form in UNMARKED
        return
    with pytest.raises(InputError) as refused:
        export(whole, form, tlp=asked, ceiling=ceiling)
    assert SECRET not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("form", FORMATS)
def test_a_rendered_brief_shows_the_marking_of_what_it_quotes(brief, form):
    assert b"TLP:AMBER" in rendered(marked(quoting(brief, Tlp.AMBER), Tlp.AMBER), form)
