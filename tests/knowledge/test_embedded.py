"""The base that comes with stillhunt: thousands of claims, each with source and words, and no name that lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stillhunt.knowledge import load_knowledge
from stillhunt.knowledge.card import card_of
from stillhunt.knowledge.claim import type_of
from stillhunt.knowledge.embedded import embedded, embedded_path
from stillhunt.knowledge.exporters.stix import bundle_of
from stillhunt.knowledge.identity import identities
from stillhunt.knowledge.importer import Terms
from stillhunt.knowledge.importers.stix import stix_claims
from stillhunt.knowledge.resolve import GROUPS, resolve, who_may_be


@pytest.fixture
def view(embedded_store):
    with embedded_store.view() as opened:
        yield opened


@pytest.fixture(scope="module")
def everything(embedded_store):
    with embedded_store.view() as opened:
        return opened.everything()


@pytest.fixture(scope="module")
def groups(embedded_store):
    """Entity of every current group of ATT&CK by its id."""
    with embedded_store.view() as opened:
        ids = {c.value: c.subject for c in opened.saying("external-id") if c.method == "import:attack"}
    return {code: ids[code] for code in load_knowledge().groups}


def test_every_claim_has_a_source_a_speaker_and_words(everything):
    assert len(everything) >= 80_000
    assert all(c.quote.strip() and c.speaker and c.source in everything.sources for c in everything.claims.values())


def test_every_relationship_of_attack_is_there_with_the_reports_it_cites(everything):
    uses = [c for c in everything.claims.values() if c.predicate == "uses" and c.method == "import:attack"]
    assert len(uses) >= 17_000
    dated = [c for c in uses if everything.sources[c.source].published > "1990"]
    assert len(dated) > 0.85 * len(uses)


def test_no_group_of_attack_is_merged_with_another(view, groups):
    found = identities(view, groups.values())
    assert all(sum(e in i.members for e in groups.values()) == 1 for i in found)
    assert len(found) == len(groups)


def test_no_identity_mixes_states(view):
    states = {}
    for claim in view.saying("originates-from", "sponsored-by"):
        states.setdefault(claim.subject, set()).add(claim.object)
    subjects = {c.subject for c in view.saying("name") if type_of(c.subject) in GROUPS}
    for identity in identities(view, subjects):
        named = [states[m] for m in identity.members if m in states]
        assert all(one & other for one in named for other in named), identity.members


def test_the_aliases_that_attack_cites_resolve(view, groups):
    entities = set(groups.values())
    cited = {
        (c.subject, c.value)
        for c in view.saying("alias")
        if c.method == "import:attack" and "(Citation:" in c.quote and c.subject in entities
    }
    assert len(cited) > 300
    chosen = sorted(cited)[::4]
    resolved = [n for e, n in chosen if any(e in c.identity.members for c in resolve(view, n, types=GROUPS))]
    assert len(resolved) >= 0.95 * len(chosen)


@pytest.mark.parametrize("name", ["NOBELIUM", "Mint Sandstorm", "Lazarus", "LuminousMoth", "APT38"])
def test_an_ambiguous_name_returns_all_who_bear_it_with_who_says_so(view, name):
    found = resolve(view, name, types=GROUPS)
    assert len(found) >= 2
    assert all(c.claims and c.is_certain for c in found)


def test_the_same_group_of_several_catalogues_is_one(view):
    (found,) = resolve(view, "APT31")
    assert len(found.identity.members) >= 4
    assert {view.name_of(c.speaker) for c in found.claims} >= {"The MITRE Corporation", "Microsoft", "MISP Project"}


def test_a_card_has_a_source_behind_every_line(view):
    card = card_of(view, resolve(view, "APT31")[0])
    headings = (card.aliases, card.ids, card.origins, card.techniques, card.software, card.targets, card.same)
    assert all(headings)
    assert all(
        said.source and said.quote and said.speaker for lines in headings for line in lines for said in line.said
    )
    assert {line.text for line in card.origins} == {"China"}
    assert {share.name for share in card.regions} >= {"Northern Europe", "Northern America"}
    assert "T1566.002" in {line.detail for line in card.techniques}


def test_names_of_other_scripts_are_candidates_and_no_answers(view):
    assert resolve(view, "\uae40\uc218\ud0a4") == []  # Kimsuky in Hangul
    found = who_may_be(view, "\uae40\uc218\ud0a4", types=GROUPS)
    assert found[0].name == "Kimsuky"
    assert not found[0].is_certain


def test_a_name_that_is_nobodys_resolves_to_nobody(view):
    assert resolve(view, "no such group at all") == []
    assert resolve(view, "") == []


def test_what_was_published_later_is_not_seen_earlier(embedded_store):
    with embedded_store.view(as_of="2021-02-21") as before, embedded_store.view(as_of="2021-02-22") as after:
        jian = [c for c in after.named("APT31") if c.method == "import:attack"]
        assert jian
        assert not [c for c in before.named("APT31") if c.id in {j.id for j in jian}]


def test_the_whole_base_comes_back_from_stix(everything):
    written = msgspec.json.encode(bundle_of(everything))
    read = stix_claims(written, where="base.json", terms=Terms())
    assert read.problems == ()
    assert read.claims == everything


def test_it_is_built_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_CACHE", str(tmp_path))
    with embedded() as store, store.view() as view:
        count = view.count()
    (built,) = tmp_path.iterdir()
    assert built.name == embedded_path().name
    before = built.stat().st_mtime_ns
    with embedded() as store, store.view() as view:
        assert view.count() == count
    assert built.stat().st_mtime_ns == before


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no /proc to ask how much memory was used")
def test_a_card_is_shown_within_the_promised_memory(embedded_store):
    script = (
        "import sys\n"
        "from stillhunt.cli import main\n"
        "try:\n    main(['know', 'card', 'APT31'])\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stderr.split()[-2]) < 200 * 1024
    assert "ZIRCONIUM" in done.stdout
