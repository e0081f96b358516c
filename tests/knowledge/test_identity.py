"""Nothing is merged: who is one is a view, cut by denials, catalogues and states."""

from __future__ import annotations

import pytest

from stillhunt.knowledge.claim import Likelihood, entity_id, source_of
from stillhunt.knowledge.identity import identity_of
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.resolve import resolve
from stillhunt.knowledge.scribe import Scribe

A, B, C = (entity_id("intrusion-set", n) for n in "abc")
LIKELY = Likelihood(term="likely", scale="icd203", low=0.55, high=0.8)


@pytest.fixture
def tell(store):
    """Lets somebody say things."""

    def says(speaker, *said):
        scribe = Scribe(speaker, source_of(kind="catalogue", title=f"{speaker}'s list"), method="human")
        for subject, predicate, end, *rest in said:
            where = {"object": end} if "--" in end else {"value": end}
            scribe.say(subject, predicate, quote="words", **where, **(rest[0] if rest else {}))
        store.add(scribe.claims)

    return says


def members(store, entity):
    with store.view() as view:
        return identity_of(view, entity).members


def test_a_claim_that_two_are_the_same_joins_them(store, tell):
    tell("X", (A, "name", "Red"))
    tell("Y", (B, "name", "Blue"), (B, "same-as", A))
    assert members(store, A) == members(store, B) == tuple(sorted((A, B)))


def test_a_denial_keeps_them_apart_and_says_so(store, tell):
    tell("Y", (B, "name", "Blue"), (B, "same-as", A))
    tell("Z", (A, "same-as", B, {"polarity": "denies"}))
    with store.view() as view:
        found = identity_of(view, A)
    assert found.members == (A,)
    assert found.apart[0].reason == "somebody denies that they are the same"


def test_a_denial_also_cuts_a_way_round(store, tell):
    tell("X", (A, "same-as", C), (C, "same-as", B, {"likelihood": LIKELY}))
    tell("Z", (A, "same-as", B, {"polarity": "denies"}))
    assert members(store, A) == tuple(sorted((A, C)))
    assert members(store, B) == (B,)


def test_two_entries_of_one_catalogue_stay_two(store, tell):
    tell("X", (A, "name", "Red"), (B, "name", "Blue"))
    tell("Y", (A, "same-as", B, {"likelihood": LIKELY}))
    assert members(store, A) == (A,)


def test_a_catalogue_may_say_itself_that_two_of_its_entries_are_one(store, tell):
    tell("X", (A, "name", "Red"), (B, "name", "Blue"), (A, "same-as", B))
    assert len(members(store, A)) == 2


def test_a_catalogue_that_lists_the_name_of_one_as_alias_of_the_other_does_so_too(store, tell):
    tell("X", (A, "name", "Red"), (B, "name", "Blue"), (B, "alias", "RED"))
    tell("Y", (A, "same-as", B, {"likelihood": LIKELY}))
    assert len(members(store, A)) == 2


def test_two_states_are_never_mixed(store, tell):
    china, iran = find_place("CN").entity, find_place("IR").entity
    tell("X", (A, "name", "Red"), (A, "originates-from", china))
    tell("Y", (B, "name", "Blue"), (B, "originates-from", iran), (B, "same-as", A))
    assert members(store, A) == (A,)


def test_a_shared_alias_alone_joins_nobody(store, tell):
    tell("X", (A, "name", "Red"), (A, "alias", "Shared"))
    tell("Y", (B, "name", "Blue"), (B, "alias", "shared"))
    assert members(store, A) == (A,)
    with store.view() as view:
        assert [c.name for c in resolve(view, "SHARED")] == ["Blue", "Red"]


def test_entries_that_list_each_others_name_are_one(store, tell):
    tell("X", (A, "name", "Red"), (A, "alias", "Blue"))
    tell("Y", (B, "name", "Blue"), (B, "alias", "RED"))
    assert len(members(store, A)) == 2


def test_persons_of_one_name_are_not_one(store, tell):
    one, other = entity_id("identity", "1"), entity_id("identity", "2")
    tell("X", (one, "name", "Zhang Wei"))
    tell("Y", (other, "name", "Zhang Wei"))
    assert members(store, one) == (one,)


def test_entries_with_one_id_of_attack_are_one(store, tell):
    tell("X", (A, "name", "Red"), (A, "external-id", "G0001"))
    tell("Y", (B, "name", "Blue"), (B, "external-id", "G0001"))
    assert len(members(store, A)) == 2


def test_a_split_undone_joins_again(store, tell):
    tell("Y", (B, "same-as", A))
    tell("Z", (A, "same-as", B, {"polarity": "denies"}))
    assert members(store, A) == (A,)
    store.undo()
    assert len(members(store, A)) == 2
