"""Estimative words stay on one scale and in one row, and confidence stands in a sentence of its own."""

from __future__ import annotations

import pytest

from stillhunt.knowledge.language import lint
from stillhunt.terms.likelihood import ICD_203, YARDSTICK, term_for


def checks(text):
    return [remark.check for remark in lint(text)]


def test_the_yardstick_is_exact():
    assert YARDSTICK == (
        ("remote chance", 0.00, 0.05),
        ("highly unlikely", 0.10, 0.20),
        ("unlikely", 0.25, 0.35),
        ("realistic possibility", 0.40, 0.50),
        ("likely", 0.55, 0.75),
        ("highly likely", 0.80, 0.90),
        ("almost certain", 0.95, 1.00),
    )
    assert [term_for(low) for _, low, _ in YARDSTICK] == [term for term, _, _ in YARDSTICK]


def test_the_table_of_icd_203_is_exact():
    assert [(low, high) for _, low, high in ICD_203] == [
        (0.01, 0.05),
        (0.05, 0.20),
        (0.20, 0.45),
        (0.45, 0.55),
        (0.55, 0.80),
        (0.80, 0.95),
        (0.95, 0.99),
    ]
    assert [terms[0] for terms, _, _ in ICD_203] == [
        "almost no chance",
        "very unlikely",
        "unlikely",
        "roughly even chance",
        "likely",
        "very likely",
        "almost certain",
    ]
    assert [terms[1] for terms, _, _ in ICD_203][1:] == [
        "highly improbable",
        "improbable",
        "roughly even odds",
        "probable",
        "highly probable",
        "nearly certain",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We assess with high confidence that APT31 is likely responsible.", ["confidence-with-likelihood"]),
        ("It is almost certain, with moderate\nconfidence, that they did it.", ["confidence-with-likelihood"]),
        ("It is a realistic possibility. It is very likely.", ["mixed-scales"]),
        ("It is very likely. The other is highly improbable.", ["mixed-rows"]),
        ("There is a slim chance of that.", ["unknown-term"]),
        ("It is more likely than not.", ["unknown-term"]),
        ("It is extremely unlikely.", ["unknown-term"]),
        ("This is virtually certain.", ["unknown-term"]),
    ],
)
def test_seeded_errors_are_found(text, expected):
    assert checks(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is highly likely that APT31 is responsible. We have high confidence in this judgement.",
        "They will likely return. It is unlikely that they left.",
        "It is almost certain, and a remote chance remains.",
        "Remote access to the host was seen. Confidence was shaken.",
        "The certificate was certain to expire.",
    ],
)
def test_careful_texts_have_no_remarks(text):
    assert lint(text) == []


def test_a_remark_says_where_and_what_to_write():
    (remark,) = lint("First line.\n\nThere is a slim chance.")
    assert (remark.line, remark.column) == (3, 12)
    assert "remote chance" in remark.message
    assert remark.sentence == "There is a slim chance."


def test_public_advisories_have_no_false_alarms(shared_data):
    for path in sorted((shared_data / "reading").glob("gold_dev_*.txt")):
        assert [r for r in lint(path.read_text()) if r.check != "confidence-with-likelihood"] == [], path.name
