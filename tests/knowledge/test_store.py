"""A store forgets nothing, repeats nothing, and everything that was done to it can be undone."""

from __future__ import annotations

import os
import random
import sqlite3
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.errors import EngineError, InputError, MissingExtraError
from stillhunt.knowledge.claim import Claims, claim_of, entity_id, source_of
from stillhunt.knowledge.store import Store
from stillhunt.terms.marking import Tlp

GROUP, OTHER, SPEAKER = (entity_id(k, "x") for k in ("intrusion-set", "malware", "identity"))


def claims(*said, published="", tlp=Tlp.CLEAR):
    source = source_of(kind="report", title="A report", published=published, tlp=tlp)
    made = [claim_of(subject=GROUP, speaker=SPEAKER, source=source, **{"quote": "words", **one}) for one in said]
    return Claims(sources={source.id: source}, claims={c.id: c for c in made})


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request, tmp_path):
    """An empty store of each kind; PostgreSQL where ``STILLHUNT_POSTGRES`` is the URL of a database to use."""
    if request.param == "sqlite":
        store = Store(tmp_path / "knowledge.db")
        yield store
        store.close()
        return
    url = os.environ.get("STILLHUNT_POSTGRES")
    if not url:
        pytest.skip("no PostgreSQL server: set STILLHUNT_POSTGRES to the URL of a database to run this test")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    schema = f"t{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    store = Store(f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}")
    yield store
    store.close()
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


NAME = {"predicate": "name", "value": "Red Fox"}
USES = {"predicate": "uses", "object": OTHER, "quote": "Red Fox used the \u00e9clair tool against ministries"}


def test_importing_twice_changes_nothing(any_store):
    first = any_store.add(claims(NAME, USES))
    digest = any_store.digest()
    second = any_store.add(claims(NAME, USES))
    assert (first.n_added, second.n_added) == (2, 0)
    assert any_store.digest() == digest
    with any_store.view() as view:
        assert view.count() == 2


def test_what_goes_in_comes_out(any_store):
    given_ = claims(NAME, USES, {"predicate": "name", "value": "Blue", "polarity": "denies", "valid_from": "2024-03"})
    any_store.add(given_)
    with any_store.view() as view:
        found = view.everything()
    assert found.sources == given_.sources
    assert {c.id: c.quote for c in found.claims.values()} == {c.id: c.quote for c in given_.claims.values()}
    assert all(c.recorded for c in found.claims.values())


def test_names_meet_in_any_spelling(any_store):
    any_store.add(claims(NAME))
    with any_store.view() as view:
        assert [c.value for c in view.named("RED-FOX")] == ["Red Fox"]
        assert view.named("red") == []
        assert view.named("...") == []
        assert view.name_of(GROUP) == "Red Fox"
        assert view.name_of(OTHER) == OTHER


def test_words_are_found_in_quotes_and_values(any_store):
    any_store.add(claims(NAME, USES))
    with any_store.view() as view:
        assert [f.claim.predicate for f in view.search("ministries fox")] == ["uses"]
        assert [f.where for f in view.search("minist")] == ["quote"]
        assert view.search("nothing") == view.search("'\"*") == []


def test_chinese_words_are_found_by_their_parts(any_store):
    any_store.add(claims({"predicate": "description", "value": "\u6d77\u83b2\u82b1\u7ec4\u7ec7"}))
    with any_store.view() as view:
        assert len(view.search("\u83b2\u82b1")) == 1


def test_a_retracted_claim_is_gone_until_the_retraction_is_undone(any_store):
    given_ = claims(NAME, USES)
    any_store.add(given_)
    digest = any_store.digest()
    name = next(c for c in given_.claims.values() if c.predicate == "name")
    assert any_store.retract([name.id], note="wrong").n_retracted == 1
    with any_store.view() as view:
        assert view.named("Red Fox") == []
        assert view.search("fox")[0].claim.predicate == "uses"
    with pytest.raises(InputError, match="no claim"):
        any_store.retract([name.id], note="again")
    any_store.undo()
    assert any_store.digest() == digest


def test_a_retracted_claim_that_is_imported_again_stands_again(any_store):
    given_ = claims(NAME)
    any_store.add(given_)
    any_store.retract(given_.claims, note="wrong")
    assert any_store.add(given_).n_added == 1
    any_store.undo()
    with any_store.view() as view:
        assert view.count() == 0


def test_only_the_last_operation_that_stands_can_be_undone(any_store):
    any_store.add(claims(NAME))
    any_store.add(claims(USES))
    with pytest.raises(InputError, match="operation 1 is not the last"):
        any_store.undo(1)
    assert any_store.undo(2).undoes == 2
    assert any_store.undo().undoes == 1
    with pytest.raises(InputError, match="nothing is left"):
        any_store.undo()
    assert [o.kind for o in any_store.operations()] == ["import", "import", "undo", "undo"]
    assert [o.n_retracted for o in any_store.operations()] == [0, 0, 1, 1]


def test_a_view_of_a_day_shows_what_was_published_by_then(any_store):
    any_store.add(claims(NAME, published="2024-03-25"))
    any_store.add(claims(USES, published="2023"))
    seen = {}
    for day in ("2023-06-01", "2024-03-24", "2024-03-25"):
        with any_store.view(as_of=day) as view:
            seen[day] = sorted(view.counts())
    assert seen == {"2023-06-01": [], "2024-03-24": ["uses"], "2024-03-25": ["name", "uses"]}


def test_nothing_above_the_ceiling_is_seen(any_store):
    any_store.add(claims(NAME, tlp=Tlp.AMBER))
    any_store.add(claims(USES))
    with any_store.view(ceiling=Tlp.GREEN) as view:
        assert view.count() == 1
        assert view.named("Red Fox") == view.search("fox red name") == []
        assert view.name_of(GROUP) == GROUP
        assert len(view.everything().sources) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_everything_that_was_done_can_be_undone(data, tmp_path, any_knowledge):
    store = Store(tmp_path / f"{uuid.uuid4().hex}.db")
    digests = [store.digest()]
    for _ in range(data.draw(st.integers(1, 6))):
        with store.view() as view:
            standing = sorted(view.everything().claims)
        if standing and data.draw(st.booleans()):
            chosen = data.draw(st.lists(st.sampled_from(standing), min_size=1, unique=True))
            store.retract(chosen, note="so")
        else:
            store.add(data.draw(any_knowledge(6)))
        digests.append(store.digest())
    for digest in reversed(digests[:-1]):
        store.undo()
        assert store.digest() == digest
    store.close()


def test_a_thousand_random_operations_undone_leave_the_same_knowledge(tmp_path):
    chance = random.Random(31)
    store = Store(tmp_path / "knowledge.db")
    store.add(claims(NAME, USES))
    digest = store.digest()
    standing = []
    for number in range(1_000):
        if standing and chance.random() < 0.4:
            store.retract([standing.pop(chance.randrange(len(standing)))], note="so")
        else:
            kind = chance.choice(["name", "note", "same"])
            other = entity_id("intrusion-set", str(chance.randrange(9)))
            said = (
                {"predicate": "same-as", "object": other, "polarity": chance.choice(["asserts", "denies"])}
                if kind == "same"
                else {"predicate": kind, "value": str(chance.randrange(99))}
            )
            made = claims({**said, "quote": f"words {chance.randrange(20)}"})
            if store.add(made).n_added:
                standing += made.claims
        assert number < 2 or store.digest() != digest or len(standing) == 0
    for _ in range(1_000):
        store.undo()
    assert store.digest() == digest
    store.close()


def test_a_file_that_is_no_base_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing of the kind\n" * 99)
    with pytest.raises(EngineError, match="cannot be read") as caught:
        Store(tmp_path / "notes.txt")
    assert caught.value.where == str(tmp_path / "notes.txt")


def test_a_base_that_must_exist_is_not_made(tmp_path):
    with pytest.raises(InputError, match="no knowledge base"):
        Store(tmp_path / "absent.db", must_exist=True)
    assert not (tmp_path / "absent.db").exists()


def test_a_base_of_a_later_version_is_refused(tmp_path):
    Store(tmp_path / "k.db").close()
    with sqlite3.connect(tmp_path / "k.db") as raw:
        raw.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    raw.close()
    with pytest.raises(EngineError, match="version 99"):
        Store(tmp_path / "k.db")


def test_a_url_without_driver_says_what_is_missing():
    with pytest.raises((InputError, MissingExtraError)):
        Store("nosuchdatabase://somewhere/else")
