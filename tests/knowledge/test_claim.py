"""A claim says who, what, where and in which words, or it is none."""

from __future__ import annotations

import pytest

from stillhunt.errors import ClaimError, InputError
from stillhunt.knowledge.claim import claim_of, entity_id, is_date, source_of
from stillhunt.terms.marking import Tlp, parse_tlp

GROUP, SPEAKER = entity_id("intrusion-set", "g"), entity_id("identity", "s")
SOURCE = source_of(kind="press", title="A paper", text="They were hacked by APT31.")


def say(**given):
    usual = {
        "subject": GROUP,
        "predicate": "name",
        "value": "APT31",
        "speaker": SPEAKER,
        "source": SOURCE,
        "quote": "q",
    }
    return claim_of(**{**usual, **given})


def test_the_same_statement_has_the_same_id():
    assert say() == say()
    assert say(method="import:x", recorded="2024-01-01").id == say().id


@pytest.mark.parametrize(
    "other",
    [
        {"value": "APT30"},
        {"polarity": "denies"},
        {"quote": "other words"},
        {"valid_from": "2024"},
        {"confidence": "low"},
        {"credibility": 2},
        {"tlp": Tlp.RED},
        {"speaker": entity_id("identity", "t")},
    ],
)
def test_another_statement_has_another_id(other):
    assert say(**other).id != say().id


def test_a_quote_lies_where_it_is_said_to():
    claim = say(quote="APT31", start=20)
    assert SOURCE.text[claim.start : claim.end] == claim.quote
    with pytest.raises(ClaimError, match="the text at 19 is not the quote"):
        say(quote="APT31", start=19)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quote": "  "}, "no quote"),
        ({"value": ""}, "to an entity or to a value"),
        ({"object": GROUP}, "to an entity or to a value"),
        ({"subject": "APT31"}, "no entity"),
        ({"subject": entity_id("x-thing", "g")}, "no entity"),
        ({"predicate": "Is Named"}, "no predicate"),
        ({"valid_from": "25 March"}, "no date"),
        ({"valid_until": "2024-02-30"}, "no date"),
        ({"credibility": 7}, "no credibility"),
    ],
)
def test_what_is_no_claim_is_refused_with_its_place(wrong, message):
    with pytest.raises(ClaimError, match=message) as caught:
        say(**wrong)
    assert "A paper" in caught.value.where
    assert caught.value.hint


def test_a_source_needs_a_title_and_a_reliability_of_the_scale():
    with pytest.raises(ClaimError, match="no title"):
        source_of(kind="press", title="")
    with pytest.raises(ClaimError, match="no reliability"):
        source_of(kind="press", title="t", reliability="G")


def test_dates_may_be_as_vague_as_they_are():
    assert all(map(is_date, ("2024", "2024-03", "2024-03-25", "2024-03-25T10:00:00Z")))
    assert not any(map(is_date, ("", "24", "2024-13", "2024-3", "2024-03-25T25:00:00Z", "\u0662\u0660\u0662\u0664")))


def test_markings_are_known_by_every_name_they_go_by():
    assert [parse_tlp(str(mark)) for mark in Tlp] == list(Tlp)
    assert [parse_tlp(mark.stix_id) for mark in Tlp] == list(Tlp)
    assert parse_tlp("tlp:white") is Tlp.CLEAR
    with pytest.raises(InputError, match="no marking"):
        parse_tlp("TLP:PINK")
