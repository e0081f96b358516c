"""What is exported comes back whole, validates, never turns a denial into an assertion, and leaks nothing."""

from __future__ import annotations

import csv
import io
import json
import uuid

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import Claims, claim_of, entity_id, source_of
from stillhunt.knowledge.exporter import EXPORTERS
from stillhunt.knowledge.exporters.stix import bundle_of
from stillhunt.knowledge.importer import IMPORTERS, Terms, sniff
from stillhunt.knowledge.importers.stix import stix_claims
from stillhunt.knowledge.resolve import resolve
from stillhunt.knowledge.store import Store
from stillhunt.terms.marking import Tlp

GROUP, TOOL, SPEAKER = (entity_id(k, "x") for k in ("intrusion-set", "malware", "identity"))
QUIETLY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@QUIETLY
@given(data=st.data())
def test_stix_gives_back_every_column_of_every_claim(data, any_knowledge):
    known = data.draw(any_knowledge())
    read = stix_claims(msgspec.json.encode(bundle_of(known)), where="x.json", terms=Terms())
    assert read.problems == ()
    assert read.claims == known


@QUIETLY
@given(data=st.data())
def test_misp_gives_back_every_column_of_every_claim(data, any_knowledge, tmp_path):
    known = data.draw(any_knowledge(6))
    store = Store(tmp_path / f"{uuid.uuid4().hex}.db")
    store.add(known)
    path = tmp_path / "event.json"
    with store.view() as view:
        path.write_bytes(EXPORTERS["misp"].write(view, ()))
    store.close()
    read = IMPORTERS["misp_event"].read(path, Terms())
    assert read.problems == ()
    assert read.claims.claims == known.claims
    assert read.claims.sources == known.sources


@QUIETLY
@given(data=st.data())
def test_without_extensions_no_denial_reads_as_an_assertion(data, any_knowledge):
    known = data.draw(any_knowledge())
    bundle = bundle_of(known)
    for one in bundle["objects"]:
        one.pop("extensions", None)
    asserted = {(c.subject, c.predicate, c.object) for c in known.claims.values() if not c.is_denial}
    read = stix_claims(msgspec.json.encode(bundle), where="x.json", terms=Terms())
    for claim in read.claims.claims.values():
        if claim.object and not claim.is_denial:
            assert (claim.subject, claim.predicate, claim.object) in asserted


@QUIETLY
@given(data=st.data(), ceiling=st.sampled_from(list(Tlp)))
def test_nothing_above_the_ceiling_leaves_by_any_exporter(data, ceiling, any_knowledge, tmp_path):
    known = data.draw(any_knowledge(6))
    # Words that occur nowhere else, so that finding one is finding a leak.
    secret = source_of(kind="report", title="zqsecrettitle", publisher="zqsecretpublisher", tlp=Tlp.RED)
    source = source_of(kind="report", title="Open")
    said = {"subject": GROUP, "speaker": SPEAKER, "predicate": "name"}
    hidden = [
        claim_of(**said, source=secret, value="zqsecretname", quote="zqsecretquote"),
        claim_of(**said, source=source, value="zqsecretalias", quote="zqsecretwords", tlp=Tlp.RED),
        claim_of(**{**said, "predicate": "uses"}, object=TOOL, source=secret, quote="zqsecretuse", polarity="denies"),
    ]
    store = Store(tmp_path / f"{uuid.uuid4().hex}.db")
    store.add(known)
    store.add(Claims(sources={s.id: s for s in (secret, source)}, claims={c.id: c for c in hidden}))
    above = [c for c in [*known.claims.values(), *hidden] if max(c.tlp, _source(known, c, secret).tlp) > ceiling]
    with store.view(ceiling=ceiling) as view:
        for name in EXPORTERS.names():
            for entities in ((), (GROUP,)):
                written = EXPORTERS[name].write(view, entities).decode()
                assert ceiling is Tlp.RED or "zqsecret" not in written
                assert not [c.id for c in above if c.id.partition("--")[2] in written]
        assert ceiling is Tlp.RED or resolve(view, "zqsecretname") == view.search("zqsecretquote") == []
    store.close()


def _source(known, claim, secret):
    return known.sources.get(claim.source, secret)


def test_a_bundle_validates(embedded_store):
    validator = pytest.importorskip("stix2validator")
    with embedded_store.view() as view:
        bundle = EXPORTERS["stix"].write(view, resolve(view, "APT31")[0].identity.members)
    options = validator.ValidationOptions(version="2.1", disabled="103,202,302")
    result = validator.validate_string(bundle.decode(), options)
    assert result.is_valid


@settings(QUIETLY, max_examples=5)
@given(data=st.data())
def test_claims_of_every_shape_validate(data, any_knowledge):
    validator = pytest.importorskip("stix2validator")
    bundle = msgspec.json.encode(bundle_of(data.draw(any_knowledge(8)))).decode()
    result = validator.validate_string(bundle, validator.ValidationOptions(version="2.1", disabled="103,202,302"))
    assert result.is_valid, [e.message for e in result.errors]


def test_an_event_is_read_by_misps_own_library(embedded_store):
    pymisp = pytest.importorskip("pymisp")
    with embedded_store.view() as view:
        written = EXPORTERS["misp"].write(view, resolve(view, "APT31")[0].identity.members)
    event = pymisp.MISPEvent()
    event.load(json.loads(written))
    assert event.info == "APT31, Violet Typhoon, ZIRCONIUM"
    assert len(event.objects) > 10


def test_a_layer_has_the_shape_that_the_navigator_reads(embedded_store):
    with embedded_store.view() as view:
        layer = json.loads(EXPORTERS["navigator"].write(view, resolve(view, "APT31")[0].identity.members))
    assert layer["versions"]["layer"] == "4.5"
    assert {t["techniqueID"] for t in layer["techniques"]} >= {"T1566.002", "T1036"}
    assert all(isinstance(t["score"], int) and t["comment"] for t in layer["techniques"])


def test_statements_come_back_as_people_and_links(tmp_path, shared_data):
    read = IMPORTERS["eu_sanctions"].read(shared_data / "reading/sanctions/eu_32019R0796_cyber.csv", Terms())
    store = Store(tmp_path / "k.db")
    store.add(read.claims)
    with store.view() as view:
        written = EXPORTERS["ftm"].write(view, ())
    store.close()
    path = tmp_path / "statements.csv"
    path.write_bytes(written)
    assert sniff(path) == "ftm"
    again = IMPORTERS["ftm"].read(path, Terms())
    names = {
        c.value for c in read.claims.claims.values() if c.predicate == "name" and c.method == "import:eu-sanctions"
    }
    back = {c.value for c in again.claims.claims.values() if c.predicate == "name"}
    assert {"GAO Qiang", "ZHANG Shilong"} <= names & back
    assert {r["schema"] for r in csv.DictReader(io.StringIO(written.decode()))} >= {"Person", "Sanction"}
    assert any(c.predicate == "sanctioned" for c in again.claims.claims.values())


FOREIGN = {
    "type": "bundle",
    "id": "bundle--1",
    "objects": [
        {"type": "identity", "id": entity_id("identity", "cert"), "name": "A CERT", "identity_class": "organization"},
        {
            "type": "intrusion-set",
            "id": GROUP,
            "name": "Red Fox",
            "aliases": ["Vixen"],
            "first_seen": "2019-03-01T00:00:00Z",
            "created_by_ref": entity_id("identity", "cert"),
        },
        {"type": "malware", "id": TOOL, "name": "Den", "is_family": True},
        {
            "type": "relationship",
            "id": "relationship--1",
            "relationship_type": "uses",
            "source_ref": GROUP,
            "target_ref": TOOL,
            "description": "Red Fox used Den.",
            "external_references": [{"source_name": "A report", "url": "https://example.org/r"}],
            "object_marking_refs": [Tlp.AMBER.stix_id],
        },
        {
            "type": "opinion",
            "id": "opinion--1",
            "opinion": "strongly-disagree",
            "explanation": "It was somebody else.",
            "object_refs": ["relationship--1"],
        },
        {
            "type": "indicator",
            "id": entity_id("indicator", "i"),
            "name": "bad host",
            "pattern": "[domain-name:value = 'evil.example']",
            "pattern_type": "stix",
            "valid_from": "2024-01-01T00:00:00Z",
        },
    ],
}


def test_anybodys_bundle_becomes_claims_of_whoever_made_it(tmp_path):
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(FOREIGN))
    assert sniff(path) == "stix"
    read = IMPORTERS["stix"].read(path, Terms())
    said = {(c.predicate, c.value or c.object, c.polarity) for c in read.claims.claims.values()}
    assert {
        ("name", "Red Fox", "asserts"),
        ("alias", "Vixen", "asserts"),
        ("first-seen", "2019-03-01", "asserts"),
        ("uses", TOOL, "asserts"),
        ("uses", TOOL, "denies"),
        ("pattern", "[domain-name:value = 'evil.example']", "asserts"),
    } <= said
    uses = next(c for c in read.claims.claims.values() if c.predicate == "uses" and not c.is_denial)
    source = read.claims.sources[uses.source]
    assert (source.title, source.tlp, uses.quote) == ("A report", Tlp.AMBER, "Red Fox used Den.")
    name = next(c for c in read.claims.claims.values() if c.value == "Red Fox")
    assert name.speaker == entity_id("identity", "cert")


def test_a_damaged_bundle_is_refused(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"type": "bundle", "objects": [')
    with pytest.raises(InputError, match="no STIX bundle") as caught:
        IMPORTERS["stix"].read(path, Terms())
    assert caught.value.where == "broken.json"
