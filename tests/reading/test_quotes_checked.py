"""A quote stands in the text or the claim falls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.reading.claims import claims_in
from stillhunt.reading.quotes import is_verbatim, locate, missing_names, unsaid

TEXT = "Mr Holm said “APT77 has not stolen\nthe 40 files” — but Ada denied it."


@pytest.mark.parametrize(
    "quote", ["APT77 has not stolen the 40 files", '"APT77 has not stolen  the 40 files"', "files” - but Ada"]
)
def test_a_quote_is_found_whatever_its_marks_and_spaces(quote):
    start, end = locate(TEXT, quote)

    assert TEXT[start:end].split(maxsplit=1)[0].strip('“"') == quote.split()[0].strip('“"')


@pytest.mark.parametrize("quote", ["APT78 has not stolen the 40 files", "has stolen the 40 files", "the 41 files", ""])
def test_an_altered_quote_is_not_found(quote):
    assert locate(TEXT, quote) is None


def test_a_quote_that_stands_twice_is_not_found():
    assert locate("a b. a b.", "a b") is None


@given(st.text(min_size=1), st.integers(0, 50), st.integers(1, 30))
def test_a_stretch_of_a_text_is_found_there_or_nowhere(text, start, length):
    quote = text[start : start + length]
    found = locate(text, quote)

    assert found is None or text[found[0] : found[1]].split() == quote.split() or quote.split() != []


def test_names_that_the_quote_does_not_have_are_told():
    assert missing_names("APT78 in Oslo", "APT77 in Oslo") == ["APT78"]


@pytest.mark.parametrize(
    ("quote", "claimed", "word"),
    [
        ("APT77 stole 40 files", {"subject": "APT78", "object": "files"}, "APT78"),
        ("APT77 stole 40 files", {"subject": "APT77", "object": "41 files"}, "41"),
        ("APT77 did not steal files", {"subject": "APT77", "object": "files"}, "negation"),
        ("APT77 allegedly stole files", {"subject": "APT77", "object": "files"}, "allegedly"),
        ("APT77 stole files", {"subject": "APT77", "object": "files"}, ""),
    ],
)
def test_a_claim_that_says_more_than_its_quote_is_refused(quote, claimed, word):
    why = unsaid(quote, speaker="", negated=False, sure=True, **claimed)

    assert word in why
    assert bool(why) == bool(word)


@given(st.text(alphabet="APT7 said the.,“”\n()stole frombank", max_size=200))
def test_whatever_the_text_every_claim_quotes_it(text):
    assert all(is_verbatim(text, c) for c in claims_in(text))
