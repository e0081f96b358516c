"""What an attacker wrote obeys nobody's rules but ours."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.report.escape import for_html, for_terminal

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
INVISIBLE = set("\u034f\u180e\u2061\u2065\u2800\u3164\ufe0f\uffa0\ufff9\U0001d173\U000e0041")


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_is_left(text):
    safe = for_terminal(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in safe)
    assert not set(safe) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200e\u200f\u2028\u2029\ufeff")
    safe.encode()


@given(ANY_TEXT)
def test_html_keeps_line_breaks_and_shows_the_rest(text):
    safe = for_html(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\r\t" for c in safe)
    assert safe.count("\n") == text.count("\n")


@given(st.text(st.sampled_from("abc XYZ äß漢字 ق 0-9 .,;<>&\\/")))
def test_ordinary_text_of_any_script_stays_as_it_is(text):
    assert for_html(text) == for_terminal(text) == text


@given(ANY_TEXT)
def test_escaping_twice_changes_nothing_more(text):
    assert for_terminal(for_terminal(text)) == for_terminal(text)


@given(ANY_TEXT, ANY_TEXT)
def test_a_mark_says_which_character_was_there(before, after):
    assert "\u27e81B\u27e9" in for_terminal(f"{before}\x1b{after}")


@pytest.mark.parametrize("character", sorted(INVISIBLE))
def test_what_cannot_be_seen_becomes_a_mark(character):
    assert for_html(f"a{character}b") == f"a\u27e8{ord(character):02X}\u27e9b"


@pytest.mark.parametrize("text", ["é e\u0301", "שָׁלוֹם", "น้ำ", "Việt"])
def test_marks_that_a_script_needs_stay(text):
    assert for_html(text) == text


def test_marks_piled_on_one_letter_are_cut_and_counted():
    assert for_html("a" + "\u0336\u0301" * 50 + "b") == "a" + "\u0336\u0301" * 2 + "\u27e896 marks\u27e9b"
