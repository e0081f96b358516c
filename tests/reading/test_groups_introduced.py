"""A text itself says who is a group; and what its turns of phrase may not be mistaken for."""

import pytest

from stillhunt.reading.claims import claims_in
from stillhunt.reading.introduced import introduced_groups
from stillhunt.reading.publication import publication_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The group known as Grey Heron struck. Grey Heron left.", ["Grey Heron", "Grey Heron"]),
        ("the activity tracked as Cold Petrel", ["Cold Petrel"]),
        ("Iron Puffin, a Norwegian hacking group, left.", ["Iron Puffin"]),
        ("Iron Puffin (also known as UNC7777)", ["Iron Puffin"]),
        ("The Chinese group and the Working group met the Microsoft group.", []),
        ("a group called the Ministry of Trade", []),
    ],
)
def test_a_group_is_who_the_text_calls_one(text, names):
    assert [n for _, _, n in introduced_groups(text)] == names


def said(text):
    return [(c.kind, c.subject.text, c.predicate, c.object.text, c.said_by) for c in claims_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "“The group known as Grey Heron was behind the intrusion,” Ada Holm, the director, told reporters.",
            ("attribution", "Grey Heron", "conducted", "intrusion", "Ada Holm"),
        ),
        (
            "The ministry imposed sanctions on Starbridge, a firm that prosecutors say is a front for the Bureau.",
            ("front-company", "Starbridge", "front-company-of", "Bureau", "prosecutors"),
        ),
        (
            "UNITED STATES OF AMERICA v. LEI QIANWEN, a/k/a “Gull,” Defendant.",
            ("alias/part-of", "LEI QIANWEN", "known-as", "Gull", "article"),
        ),
    ],
)
def test_who_says_what_about_whom(text, expected):
    assert expected in said(text)


def test_what_somebody_calls_accusations_is_no_name():
    assert [
        c for c in said("The embassy denied the accusations, calling them “groundless”.") if c[2] == "known-as"
    ] == []


def test_the_number_of_a_footnote_belongs_to_no_name():
    text = "APT77 targeted ports in Norway and Malaysia.1\n\n1 The names have been withheld."
    assert not any("1" in c[3] for c in said(text))


def test_the_date_of_a_byline_is_that_of_publication():
    found = publication_of("A title\n\nBy Holm Research, 12 March 2025 | https://holm.example/blog\n\nText.")
    assert (found.date, found.is_inferred) == ("2025-03-12", False)
