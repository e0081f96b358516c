"""A denial is linked to what it denies, and of speakers who contradict each other both stay."""

# ruff: noqa: RUF001 - Chinese signs are what is tested

from __future__ import annotations

import hashlib
import json

import pytest

from stillhunt.reading.claims import claims_in
from stillhunt.reading.relations import related


def denied(text, **more):
    """Return (who denies, subject and object of what is denied) of a text."""
    claims = related(claims_in(text), **more)
    by_id = {c.id: c for c in claims}
    assert all(by_id[r.to].relations for c in claims for r in c.relations), "both sides say it"
    return [
        (c.subject.text, by_id[r.to].subject.text, by_id[r.to].object.text)
        for c in claims
        for r in c.relations
        if r.kind == "denies"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Germany accused the GRU of hacking the Bundestag. The Kremlin has dismissed the accusations.",
            [("Kremlin", "GRU", "hacking")],
        ),
        (
            (
                "Estonia blamed Russia for the attack on its ports. Russia denied any role. Finland accused China of the "  # noqa: E501 - one sentence
                "attack on its parliament. Beijing rejected the accusation."
            ),
            [("Russia", "Russia", "its ports"), ("Beijing", "China", "Finland’s parliament")],
        ),
        (
            "APT28 targeted the election, said Ada Holm. A spokesman denied the claim.",
            [("spokesman", "APT28", "election")],
        ),
    ],
)
def test_a_denial_is_linked_to_what_accuses_whoever_denies(text, found):
    assert denied(text) == found


def test_whose_group_it_is_may_be_told_by_the_base():
    text = (
        "Microsoft said Iranian hackers breached a hospital in Ohio. Symantec attributed a theft of blueprints to APT33. "  # noqa: E501 - one sentence
        "Iran denied stealing the blueprints."
    )
    assert denied(text, origins={"apt33": "Iran"}) == [("Iran", "APT33", "theft of blueprints")]


def test_one_side_does_not_deny_what_it_says_itself():
    assert denied("Russia said that American hackers attacked its ports. Russia denied the allegations.") == []


def test_speakers_who_contradict_each_other_both_stay():
    claims = related(claims_in("The police said APT77 stole 40 files. The ministry said APT77 did not steal files."))
    assert [(c.said_by, c.polarity, [r.kind for r in c.relations]) for c in claims if c.kind == "incident"] == [
        ("police", "affirmed", ["contradicts"]),
        ("ministry", "negated", ["contradicts"]),
    ]


def test_the_denials_of_the_article_are_linked_as_its_gold_says(shared_data):
    folder = shared_data / "reading"
    text, gold = (folder / "seed.txt").read_text(), json.loads((folder / "seed_gold.json").read_text())
    spans = {c["id"]: (c["start"], c["end"]) for c in gold["claims"]}
    claims = related(claims_in(text))
    by_id = {c.id: c for c in claims}

    def overlap(claim, span):
        return claim.start < span[1] and span[0] < claim.end

    for relation in (r for r in gold["relations"] if r["type"] == "denies"):
        for wanted in relation["b"]:
            linked = [
                by_id[r.to]
                for c in claims
                if any(overlap(c, spans[a]) for a in relation["a"])
                for r in c.relations
                if r.kind == "denies"
            ]
            assert any(overlap(c, spans[wanted]) for c in linked), wanted


def test_an_accepted_denial_of_an_accepted_claim_is_a_contradiction_in_the_base(tmp_path):
    pytest.importorskip("sqlalchemy")
    from stillhunt.knowledge.conflicts import conflicts  # noqa: PLC0415  # an extra
    from stillhunt.knowledge.store import Store  # noqa: PLC0415
    from stillhunt.workflows.queue import Queue, Read  # noqa: PLC0415
    from stillhunt.workflows.reading import accept  # noqa: PLC0415

    text = "Germany accused the GRU of hacking the Bundestag. The Kremlin has dismissed the accusations."
    claims = related(claims_in(text))
    queue, store = Queue(tmp_path), Store(tmp_path / "know.db")
    queue.add(text, Read(sha256=hashlib.sha256(text.encode()).hexdigest(), title="A report"), claims)
    by_kind = {c.kind: c.id for c in claims if c.relations}
    accept(store, queue, [by_kind["attribution"]], by="ben")
    with store.view() as view:
        assert conflicts(view) == []
    accept(store, queue, [by_kind["denial"]], by="ben")
    with store.view() as view:
        [conflict] = conflicts(view)
        said = [c for c in view.everything().claims.values() if c.predicate == "conducted"]
        assert sorted((c.polarity, view.name_of(c.speaker), text[c.start :].startswith(c.quote)) for c in said) == [
            ("asserts", "Germany", True),
            ("denies", "Kremlin", True),
        ]
    assert conflict.kind == "denied"
    store.close()
