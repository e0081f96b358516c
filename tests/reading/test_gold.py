"""The given documents with gold claims: the bars of the reader, with the scorer that made them."""

import json
import re
import subprocess
import sys

import pytest

from stillhunt.reading.claims import as_gold, claims_in


@pytest.fixture
def scored(shared_data, tmp_path):
    scorer = shared_data.parent / "tools" / "score_claims.py"
    if not scorer.is_file():
        pytest.skip("no scorer")

    def score(text, gold):
        folder = shared_data / "reading"
        claims = claims_in((folder / text).read_text("utf-8"))
        path = tmp_path / "read.json"
        path.write_text(json.dumps(as_gold([c for c in claims if c.accepted])), "utf-8")
        report = subprocess.run(
            [sys.executable, str(scorer), str(path), str(folder / gold)], check=True, capture_output=True, text=True
        ).stdout
        return [float(f) for f in re.findall(r" F (\d\.\d+)", report)], report

    return score


@pytest.mark.parametrize(
    ("text", "gold", "strict", "lenient"),
    [
        ("seed.txt", "seed_gold.json", 0.85, 0.90),
        ("gold_dev_doj_gru_2020.txt", "gold_dev_doj_gru_2020.json", 0.55, 0.75),
        ("gold_dev_cisa_aa21-200a.txt", "gold_dev_cisa_aa21-200a.json", 0.88, 0.90),
    ],
)
def test_the_claims_of_a_document_reach_their_bar(scored, text, gold, strict, lenient):
    (found_strict, found_lenient), report = scored(text, gold)

    assert found_strict >= strict
    assert found_lenient >= lenient
    assert "must-not violations" not in report or "must-not violations 0" in report


def test_the_cases_of_the_article_hold(shared_data):
    text = (shared_data / "reading" / "seed.txt").read_text("utf-8")
    claims = claims_in(text)

    commission = [
        c
        for c in claims
        if c.kind in {"attribution", "incident"} and "Electoral Commission" in c.subject.text + c.object.text
    ]
    assert commission
    assert not [c for c in commission if "APT" in c.subject.text + c.object.text]
    assert [
        (c.subject.text, c.said_by)
        for c in claims
        if c.kind == "attribution" and "parliament" in c.object.text and "APT40" in c.subject.text
    ] == [("APT40", "New Zealand")]
    assert [c.polarity for c in claims if c.predicate == "caused-leak-of"] == ["negated"]
    assert [c.said_by for c in claims if c.kind == "capability" and "50 to one" in c.object.text] == [
        "Christopher Wray"
    ]
    assert [c for c in claims if c.kind == "denial" and "spokesperson" in c.said_by]
