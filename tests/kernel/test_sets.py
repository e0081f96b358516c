from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.kernel.program import Predicate
from stillhunt.kernel.sets import TextTests
from stillhunt.kernel.text import needle_of

LITERALS = st.text("aAbB\u017fsé", min_size=1, max_size=3)
TEXTS = st.text("aAbB\u017fsSéÉ", max_size=5)
PATTERNS = st.sampled_from(
    [
        "ab",
        "(?i)AB",
        "a+b",
        "ab*",
        "ab?b",
        "a{2}b",
        "a{0,1}b",
        "(a|b)b",
        "[ab]a",
        "^ab",
        "ba$",
        "a.b",
        "(?i)s",
        r"\x61b",
    ]
)
SAYS = {
    "equals": lambda text, literal: text == literal,
    "contains": lambda text, literal: literal in text,
    "startswith": lambda text, literal: text.startswith(literal),
    "endswith": lambda text, literal: text.endswith(literal),
}


@st.composite
def predicates(draw):
    if draw(st.integers(0, 4)) == 0:
        pattern = draw(PATTERNS)
        return Predicate(field="f", kind="regex", text=pattern, is_cased=True, needle=needle_of(pattern))
    is_cased = draw(st.booleans())
    literal = draw(LITERALS)
    kind = draw(st.sampled_from(sorted(SAYS)))
    return Predicate(field="f", kind=kind, text=literal if is_cased else literal.lower(), is_cased=is_cased)


def says(predicate, text):
    if predicate.kind == "regex":
        return re.search(predicate.text, text) is not None
    return SAYS[predicate.kind](text if predicate.is_cased else text.lower(), predicate.text)


@settings(max_examples=300, deadline=None)
@given(chosen=st.lists(predicates(), unique=True, max_size=25), texts=st.lists(TEXTS, max_size=10))
def test_all_at_once_and_one_by_one_give_the_same_answer(chosen, texts):
    tests = TextTests(enumerate(chosen))
    for text in texts:
        assert tests.holding(text) == tuple(n for n, predicate in enumerate(chosen) if says(predicate, text))


@pytest.mark.parametrize(
    ("kind", "number", "text", "holds"),
    [
        ("number", 5, "5", True),
        ("number", 5, "0x5", True),
        ("number", 5, "0X0005", True),
        ("number", 5, "5.0", True),
        ("number", 5, "five", False),
        ("number", 5, "", False),
        ("number", 5, "\u0665", False),
        ("lt", 5, "4.9", True),
        ("lte", 5, "5", True),
        ("gt", 5, "0x10", True),
        ("gte", 5, "5_0", False),
    ],
)
def test_numbers_compare_by_value_not_by_spelling(kind, number, text, holds):
    tests = TextTests([(0, Predicate(field="f", kind=kind, number=number))])
    assert bool(tests.holding(text)) is holds


@pytest.mark.parametrize(
    ("network", "text", "holds"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "LOCAL", False),
        ("fe80::/10", "fe80::1%12", True),
        ("fe80::/10", "10.0.0.1", False),
        ("::/0", "fe80::1", True),
    ],
)
def test_an_address_is_read_as_logs_write_it(network, text, holds):
    tests = TextTests([(0, Predicate(field="f", kind="cidr", text=network))])
    assert bool(tests.holding(text)) is holds


def test_an_expression_that_would_take_for_ever_elsewhere_is_quick():
    pattern = r"(a+)+$"
    tests = TextTests([(0, Predicate(field="f", kind="regex", text=pattern, is_cased=True))])
    assert tests.holding("a" * 50_000 + "!") == ()
