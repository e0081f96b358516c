"""What was read waits until somebody accepts or rejects it."""

import hashlib
from dataclasses import replace

import pytest

pytest.importorskip("sqlalchemy")

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import entity_id, source_of
from stillhunt.knowledge.scribe import Scribe
from stillhunt.knowledge.store import Store
from stillhunt.reading.claims import claims_in
from stillhunt.reading.extract.indicators import indicator_claims
from stillhunt.reading.extract.techniques import technique_claims
from stillhunt.reading.mention import Mention
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.queue import Queue, Read
from stillhunt.workflows.reading import accept, candidates, reject

TEXT = (
    "APT77 has almost certainly targeted dentists. The Kremlin denied the allegations. Norway sanctioned Kite "
    "Trading Company in 2021."
)


@pytest.fixture
def queue(tmp_path):
    made = Queue(tmp_path)
    made.add(TEXT, document(), claims_in(TEXT))
    return made


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "knowledge.db")
    yield made
    made.close()


def document(text=TEXT):
    return Read(
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        title="A report",
        publisher="Holm Institute",
        published="2024-03",
    )


def one(queue, kind):
    return next(q for q in queue.all() if q.claim.kind == kind)


def test_what_is_queued_comes_back_as_it_was(queue):
    assert [q.claim for q in queue.waiting()] == list(claims_in(TEXT))
    assert queue.text(document()) == TEXT


def test_a_document_read_twice_adds_nothing(queue):
    assert queue.add(TEXT, document(), claims_in(TEXT)) == 0


def test_a_claim_that_quotes_another_text_is_refused(queue):
    other = "APT78 did it."
    with pytest.raises(InputError, match="quotes what the text does not say"):
        queue.add(other, document(other), claims_in(TEXT))


def test_an_accepted_claim_stands_in_the_base_with_quote_speaker_and_likelihood(queue, store):
    target = one(queue, "target")
    accept(store, queue, [target.claim.id], by="analyst")

    with store.view() as view:
        found = [c for c in view.everything().claims.values() if c.predicate == "targets"]
        names = view.names_of([found[0].subject, found[0].object, found[0].speaker])
    assert [TEXT[c.start : c.end] == c.quote for c in found] == [True]
    assert found[0].likelihood.term == "almost certain"
    assert sorted(names.values()) == ["APT77", "Holm Institute", "dentists"]
    assert one(queue, "target").decided.verdict == "accepted"
    assert target.claim.id not in {q.claim.id for q in queue.waiting()}


def test_a_sanction_is_kept_with_whom_it_befalls(queue, store):
    accept(store, queue, [one(queue, "sanction").claim.id], by="analyst")

    with store.view() as view:
        found = [c for c in view.everything().claims.values() if c.predicate == "sanctioned"]
        assert [(view.name_of(c.subject), c.value, c.valid_from) for c in found] == [
            ("Kite Trading Company", "Norway", "2021-01-01")
        ]


def test_a_denial_is_a_claim_of_who_denies(queue, store):
    accept(store, queue, [one(queue, "denial").claim.id], by="analyst")

    with store.view() as view:
        found = [c for c in view.everything().claims.values() if c.predicate == "denies"]
        assert [view.name_of(c.speaker) for c in found] == ["Kremlin"]


def test_accepting_is_undone_like_any_operation(queue, store):
    accept(store, queue, [one(queue, "target").claim.id], by="analyst")
    store.undo()

    with store.view() as view:
        assert view.count() == 0


def test_what_was_accepted_is_not_accepted_again_nor_rejected(queue, store):
    wanted = [one(queue, "target").claim.id]
    accept(store, queue, wanted, by="analyst")

    with pytest.raises(InputError, match="accepted before"):
        accept(store, queue, wanted, by="analyst")
    with pytest.raises(InputError, match="in the base"):
        reject(queue, wanted, by="analyst", note="no")


def test_a_rejected_claim_leaves_the_queue_and_keeps_its_reason(queue):
    wanted = one(queue, "target").claim.id
    reject(queue, [wanted], by="analyst", note="about another group")

    assert wanted not in {q.claim.id for q in queue.waiting()}
    assert one(queue, "target").decided.note == "about another group"


def test_a_name_of_the_base_is_a_candidate_with_its_reason(queue, store):
    accept(store, queue, [one(queue, "target").claim.id], by="analyst")

    with store.view() as view:
        found = candidates(view, "APT77")
        assert [(m.name, m.certain) for m in found] == [("APT77", True)]
        assert "APT77" in found[0].reason
        assert candidates(view, "Nobody At All") == []


def test_an_unknown_id_is_told(queue):
    with pytest.raises(InputError, match="no claim"):
        queue.find(["read-nothing"])


def test_a_damaged_line_is_told_with_its_number(queue):
    with (queue.folder / "queue.jsonl").open("ab") as out:
        out.write(b"{broken\n")
    with pytest.raises(InputError, match="cannot be read"):
        queue.all()


def test_another_process_sees_what_was_added_and_decided(queue, tmp_path):
    other = Queue(tmp_path)
    assert len(other.waiting()) == len(queue.waiting()) > 0
    reject(other, [one(queue, "target").claim.id], by="ben", note="no")
    assert one(queue, "target").decided.by == "ben"
    assert queue.add(TEXT, document(), claims_in(TEXT)) == 0


def test_what_a_killed_process_left_behind_is_no_line_and_is_cut_off(queue, tmp_path):
    before = queue.all()
    with (queue.folder / "queue.jsonl").open("ab") as out:
        out.write(b'{"of":"half a li')
    assert Queue(tmp_path).all() == before

    reject(queue, [one(queue, "target").claim.id], by="ben", note="no")
    assert [q.claim for q in Queue(tmp_path).all()] == [q.claim for q in before]
    assert one(Queue(tmp_path), "target").decided.note == "no"


def test_two_documents_that_say_the_same_at_the_same_place_are_told_apart(queue):
    again = TEXT + " And so on."
    queue.add(again, document(again), claims_in(again))
    twice = one(queue, "target").claim.id

    with pytest.raises(InputError, match="more than one"):
        queue.find([twice])
    assert [q.document.sha256 for q in queue.find([f"{document(again).sha256}:{twice}"])] == [document(again).sha256]


def test_a_marking_hides_a_document(tmp_path):
    queue = Queue(tmp_path)
    queue.add(TEXT, replace(document(), tlp=Tlp.RED), claims_in(TEXT))
    assert queue.proposals("waiting", ceiling=Tlp.AMBER) == []
    assert queue.proposals("waiting")


def test_an_accepted_indicator_is_a_pattern_and_an_accepted_technique_a_use(tmp_path, store):
    text = "APT77 used evil[.]example[.]net, with CVE-2021-26855."
    queue = Queue(tmp_path)
    queue.add(text, document(text), indicator_claims(text))
    accept(store, queue, [q.claim.id for q in queue.waiting()], by="analyst")

    with store.view() as view:
        found = {(c.predicate, c.value) for c in view.everything().claims.values()}
    assert {("pattern", "[domain-name:value = 'evil.example.net']"), ("name", "CVE-2021-26855")} <= found
    assert queue.waiting() == []


def test_a_technique_that_the_base_lacks_is_refused_with_what_to_do(tmp_path, store):
    text = "APT77 dumped credentials (T1003.001)."
    queue = Queue(tmp_path)
    queue.add(text, document(text), technique_claims(text))
    wanted = [q.claim.id for q in queue.waiting() if q.claim.method == "technique:id"]

    with pytest.raises(InputError, match=r"no technique T1003\.001"):
        accept(store, queue, wanted, by="analyst")


def test_an_accepted_technique_is_a_use_of_it_by_the_group(tmp_path, store):
    text = "APT77 dumped credentials (T1003.001)."
    technique = entity_id("attack-pattern", "lsass")
    scribe = Scribe("Bureau of Tests", source_of(kind="report", title="A list"), method="human")
    scribe.say(technique, "name", value="LSASS Memory", quote="LSASS Memory")
    scribe.say(technique, "external-id", value="T1003.001", quote="T1003.001")
    store.add(scribe.claims)
    queue = Queue(tmp_path)
    group = Mention(kind="group", start=0, end=5, text="APT77")
    queue.add(text, document(text), technique_claims(text, [group], principal="APT77"))
    accept(store, queue, [q.claim.id for q in queue.waiting() if q.claim.method == "technique:id"], by="analyst")

    with store.view() as view:
        uses = [c for c in view.everything().claims.values() if c.predicate == "uses"]
        assert [(view.name_of(c.subject), c.object, c.quote) for c in uses] == [("APT77", technique, "T1003.001")]
