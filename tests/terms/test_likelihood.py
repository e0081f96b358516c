"""Words of likelihood mean what the yardstick says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.terms.likelihood import YARDSTICK, term_for

TERMS = [term for term, _, _ in YARDSTICK]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_gets_a_lower_word(a, b):
    low, high = sorted((a, b))
    assert TERMS.index(term_for(low)) <= TERMS.index(term_for(high))


@pytest.mark.parametrize(
    ("probability", "term"), [(0.52, "realistic possibility"), (0.78, "likely"), (0.93, "highly likely")]
)
def test_a_probability_in_a_gap_takes_the_lower_word(probability, term):
    assert term_for(probability) == term


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        term_for(probability)
