from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stillhunt.kernel.text import Wildcard, compile_regex, needle_of, number_of, time_part, wildcard_regex


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        ("abc", "abc"),
        ("ABC", "abc"),
        ("ab+c", "ab"),
        ("ab*cd", "cd"),
        ("abc?", "ab"),
        ("a{0,2}bc", "bc"),
        ("ab{2,}c", "ab"),
        ("abc??d", "ab"),
        ("ab|cd", ""),
        ("(ab|cd)ef", "ef"),
        ("(a(b)[)])ef", "ef"),
        ("[abc]d", "d"),
        ("[]a]bc", "bc"),
        ("[^]a]bc", "bc"),
        ("[[:alpha:]]bc", "bc"),
        (r"a\.b", "a.b"),
        (r"ab\d+cd", "ab"),
        (r"\x61bc", ""),
        (r"\Qa|b\E", ""),
        ("(?x) a b c", ""),
        ("(?i)abc", "abc"),
        ("é abc", " abc"),
        ("a{b", "a"),
        ("", ""),
        ("abc\\", ""),
    ],
)
def test_a_needle_is_what_no_match_can_do_without(pattern, needle):
    assert needle_of(pattern) == needle


@given(pattern=st.text(r"ab.*+?|()[]{}\^$d0,1", max_size=8), text=st.text("ab0d.,", max_size=6))
def test_every_match_contains_the_needle(pattern, text):
    try:
        found = compile_regex(pattern)(text)
    except ValueError:
        assume(False)
    assert found is None or needle_of(pattern) in text.lower()


@pytest.mark.parametrize("pattern", ["a(?=b)", r"(a)\1", "(?<!a)b", "(", "a{2,1}"])
def test_what_cannot_run_in_linear_time_is_refused_with_a_reason(pattern):
    with pytest.raises(ValueError, match=r".+"):
        compile_regex(pattern)


def test_a_refused_pattern_says_nothing_on_the_screen(capfd):
    with pytest.raises(ValueError, match="perl operator"):
        compile_regex("a(?=b)")
    assert capfd.readouterr() == ("", "")


@given(parts=st.lists(st.text(".*?\\()[]^$ab\n", min_size=1, max_size=3), min_size=1, max_size=3))
def test_literals_of_a_wildcard_stand_for_themselves(parts):
    literal = "".join(parts)
    search = compile_regex(wildcard_regex(parts, is_start=True, is_end=True))
    assert search(literal)
    assert not search(literal + "x")


def test_wildcards_cross_lines():
    search = compile_regex(wildcard_regex(["a", Wildcard.ANY, "b", Wildcard.ONE], is_start=True, is_end=True))
    assert search("a\n\nb\n")
    assert not search("a\nb")


@pytest.mark.parametrize("text", ["", " 1", "1_0", "1e3", "0x", "nan", "inf", "²", "1" * 41])
def test_what_is_no_plain_number_is_none(text):
    assert number_of(text) is None


@given(st.text(max_size=30))
def test_reading_times_and_numbers_never_raises(text):
    for part in ("minute", "hour", "day", "week", "month", "year"):
        assert time_part(text, part) is None or re.search(r"\d", text)
    number_of(text)
