"""Every export is what its format asks for, carries its marking, and asserts nothing that nobody asserts."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import pytest

from stillhunt.errors import InputError
from stillhunt.report.brief import Brief
from stillhunt.report.exporter import EXPORTERS, export
from stillhunt.terms.marking import Tlp


@pytest.fixture(scope="module")
def brief(make_brief):
    return make_brief()


@pytest.fixture(scope="module")
def attacked(hostile):
    """What an attacker wrote, as it lies in a saved brief: decoded, so without halves of pairs."""

    def whole(value):
        if isinstance(value, dict):
            return {name: "" if name == "marking" else whole(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [whole(one) for one in value]
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

    return dataclasses.replace(msgspec.convert(whole(msgspec.to_builtins(hostile)), Brief), tlp="TLP:AMBER")


def _named(brief):
    """The same, with somebody named."""
    assessment = brief.assessments[0]
    first = dataclasses.replace(
        assessment.hypotheses[0], group="G0128", name="ZIRCONIUM", probability=0.86, term="highly likely"
    )
    named = dataclasses.replace(assessment, is_abstention=False, hypotheses=(first, *assessment.hypotheses[1:]))
    return dataclasses.replace(brief, assessments=(named,))


def _errors(content: bytes) -> list[str]:
    validator = pytest.importorskip("stix2validator", reason="stix2-validator is not installed")
    options = validator.ValidationOptions(version="2.1", disabled=["103"])
    return [str(error) for error in validator.validate_instance(json.loads(content), options).errors or ()]


@pytest.mark.parametrize("form", ["stix", "attack_flow"])
def test_stix2_validator_finds_no_error(brief, attacked, form):
    for one in (brief, _named(brief), attacked):
        part = dataclasses.replace(one, tlp="TLP:AMBER", assessments=one.assessments[:1], cases=one.cases[:1])
        assert _errors(export(part, form)) == []


def test_an_attribution_is_a_relationship_with_an_opinion_and_its_likelihood(brief):
    objects = json.loads(export(_named(brief), "stix"))["objects"]
    (attributed,) = [o for o in objects if o.get("relationship_type") == "attributed-to"]
    (opinion,) = [o for o in objects if o["type"] == "opinion"]
    assert opinion["object_refs"] == [attributed["id"]]
    assert opinion["opinion"] == "strongly-agree"
    (likelihood,) = attributed["extensions"].values()
    assert (likelihood["probability"], likelihood["term"]) == (0.86, "highly likely")


def test_where_nobody_is_named_nothing_is_attributed(brief):
    objects = json.loads(export(brief, "stix"))["objects"]
    assert brief.assessments[0].is_abstention
    assert not [o for o in objects if o.get("relationship_type") == "attributed-to" or o["type"] == "intrusion-set"]
    assert [o for o in objects if o["type"] == "note"]


def test_every_object_is_marked_and_every_reference_is_in_the_bundle(brief):
    objects = json.loads(export(_named(brief), "stix", tlp=Tlp.GREEN))["objects"]
    ids = {o["id"] for o in objects}
    for one in objects:
        if one["type"] in {"incident", "campaign", "observed-data", "sighting", "grouping", "relationship"}:
            assert one["object_marking_refs"] == [Tlp.GREEN.stix_id]
        for name, value in one.items():
            if name.endswith(("_refs", "_ref")):
                assert set(value if isinstance(value, list) else [value]) <= ids


@pytest.mark.parametrize("form", EXPORTERS.names())
def test_what_is_marked_above_the_ceiling_does_not_leave(brief, form):
    with pytest.raises(InputError) as caught:
        export(brief, form, tlp=Tlp.RED, ceiling=Tlp.GREEN)
    assert "web1" not in str(caught.value)


@pytest.mark.parametrize("form", EXPORTERS.names())
def test_the_same_brief_gives_the_same_bytes_and_no_control_character(attacked, form):
    first = export(attacked, form)
    assert first == export(attacked, form)
    assert not set(first) & {*range(9), 0x1B, 0x7F}


def test_a_layer_has_what_navigator_asks_for(brief):
    layer = json.loads(export(brief, "navigator"))
    assert layer["versions"]["layer"] == "4.5"
    assert layer["domain"] == "enterprise-attack"
    assert {cell["techniqueID"] for cell in layer["techniques"]} == {"T1505.003"}
    for cell in layer["techniques"]:
        assert isinstance(cell["score"], int)
        assert set(cell) <= {"techniqueID", "tactic", "score", "comment", "enabled", "metadata", "showSubtechniques"}


def test_misp_reads_its_event(brief):
    pymisp = pytest.importorskip("pymisp", reason="pymisp is not installed")
    event = pymisp.MISPEvent()
    event.load(json.loads(export(brief, "misp", tlp=Tlp.GREEN)))
    assert "tlp:green" in {tag.name for tag in event.tags}
    assert not any(attribute.to_ids for attribute in event.attributes)


def test_ocsf_findings_have_the_fields_that_their_classes_need(brief):
    rows = [json.loads(line) for line in export(brief, "ocsf").splitlines()]
    assert rows[0]["class_uid"] == 2005
    assert {row["class_uid"] for row in rows[1:]} == {2004}
    for row in rows:
        assert row["type_uid"] == row["class_uid"] * 100 + row["activity_id"]
        assert {"time", "severity_id", "category_uid", "metadata"} <= row.keys()


def test_timesketch_lines_have_their_three_fields(brief):
    lines = [json.loads(line) for line in export(brief, "timesketch").splitlines()]
    assert lines
    assert all({"message", "datetime", "timestamp_desc"} <= line.keys() for line in lines)
