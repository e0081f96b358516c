"""Every importer takes what is there, says what it could not read, and changes nothing the second time."""

from __future__ import annotations

import json

import pytest

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import entity_id
from stillhunt.knowledge.designation import day_of
from stillhunt.knowledge.importer import IMPORTERS, Terms, sniff
from stillhunt.knowledge.importers.attack import AttackObject, Reference, references_of
from stillhunt.knowledge.patterns import pattern_of
from stillhunt.knowledge.places import find_place
from stillhunt.terms.marking import Tlp

SDN = """<?xml version="1.0"?>
<sdnList xmlns="https://example.org/sdn"><publshInformation><Publish_Date>03/25/2024</Publish_Date></publshInformation>
<sdnEntry><uid>1</uid><lastName>FRONT SCIENCE AND TECHNOLOGY COMPANY, LIMITED</lastName><sdnType>Entity</sdnType>
<programList><program>CYBER2</program></programList>
<akaList><aka><uid>9</uid><type>a.k.a.</type><lastName>\u524d\u79d1\u6280\u6709\u9650\u516c\u53f8</lastName></aka></akaList>
<addressList><address><uid>7</uid><city>Wuhan</city><country>China</country></address></addressList></sdnEntry>
<sdnEntry><uid>2</uid><firstName>Made</firstName><lastName>UP</lastName><sdnType>Individual</sdnType>
<remarks>(Linked To: FRONT SCIENCE AND TECHNOLOGY COMPANY, LIMITED)</remarks>
<programList><program>CYBER2</program></programList>
<dateOfBirthList><dateOfBirthItem><uid>8</uid><dateOfBirth>01 Jan 1980</dateOfBirth></dateOfBirthItem></dateOfBirthList>
</sdnEntry></sdnList>"""

ADVANCED = """<?xml version="1.0"?>
<Sanctions xmlns="https://example.org/ADVANCED_XML"><DateOfIssue><Year>2024</Year><Month>3</Month><Day>25</Day></DateOfIssue>
<ReferenceValueSets><PartyTypeValues><PartyType ID="1">Individual</PartyType></PartyTypeValues>
<PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType><PartySubType ID="3" PartyTypeID="2">Entity</PartySubType></PartySubTypeValues>
<LegalBasisValues><LegalBasis ID="7" LegalBasisShortRef="E.O. 13694">x</LegalBasis></LegalBasisValues></ReferenceValueSets>
<DistinctParties>
<DistinctParty FixedRef="1"><Profile ID="11" PartySubTypeID="3"><Identity><Alias Primary="true"><DocumentedName>
<DocumentedNamePart><NamePartValue>FRONT LTD</NamePartValue></DocumentedNamePart></DocumentedName></Alias></Identity></Profile></DistinctParty>
<DistinctParty FixedRef="2"><Profile ID="12" PartySubTypeID="4"><Identity><Alias Primary="false"><DocumentedName>
<DocumentedNamePart><NamePartValue>Upmade</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
<Alias Primary="true"><DocumentedName><DocumentedNamePart><NamePartValue>UP</NamePartValue></DocumentedNamePart>
<DocumentedNamePart><NamePartValue>Made</NamePartValue></DocumentedNamePart></DocumentedName></Alias></Identity></Profile></DistinctParty>
</DistinctParties>
<ProfileRelationships><ProfileRelationship From-ProfileID="12" To-ProfileID="11" RelationTypeID="1"/></ProfileRelationships>
<SanctionsEntries><SanctionsEntry ProfileID="12"><EntryEvent LegalBasisID="7"><Date><Year>2024</Year><Month>3</Month><Day>25</Day></Date></EntryEvent>
<SanctionsMeasure><Comment>CYBER2</Comment></SanctionsMeasure></SanctionsEntry></SanctionsEntries></Sanctions>"""  # noqa: E501

SDN_CSV = """1,"FRONT LTD",-0- ,"CYBER2] [SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"Organization Established Date 2010."
2,"UP, Made","individual","CYBER2",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 01 Jan 1980; nationality China; Linked To: FRONT LTD."
\x1a
"""  # noqa: E501

UK = """Report Date: 25-Mar-2024
Last Updated,Unique ID,Name 6,Name 1,Name 2,Name type,Name non-latin script,Regime Name,Designation Type,Date Designated,UK Statement of Reasons,D.O.B,Nationality(/ies)
25/03/2024,CYB0001,UP,Made,,Primary Name,,Cyber,Individual,25/03/2024,He did it.,01/01/1980,China
25/03/2024,CYB0001,MADEUP,,,Alias,\u7f16\u9020,Cyber,Individual,25/03/2024,He did it.,01/01/1980,China
25/03/2024,CYB0002,FRONT LTD,,,Primary Name,,Cyber,Entity,25/03/2024,It did it.,,
"""  # noqa: E501

EU = """fileGenerationDate;Entity_LogicalId;Entity_EU_ReferenceNumber;Entity_SubjectType;Entity_Regulation_Programme;Entity_Regulation_PublicationDate;Entity_Regulation_NumberTitle;NameAlias_WholeName;BirthDate_BirthDate;Citizenship_CountryIso2Code
25/03/2024;1;EU.1.1;person;CYB;2020-07-30;2020/1125;Made Up;;
25/03/2024;1;EU.1.1;person;CYB;2020-07-30;2020/1125;Made Madeup;;
25/03/2024;1;EU.1.1;person;CYB;2020-07-30;2020/1125;;1980-01-01;CN
25/03/2024;2;EU.2.2;enterprise;CYB;2020-07-30;2020/1125;Front Ltd;;
"""  # noqa: E501

FTM = "\n".join(
    json.dumps(one)
    for one in (
        {"id": "p", "schema": "Person", "properties": {"name": ["Made Up"], "country": ["cn"], "birthDate": ["1980"]}},
        {"id": "c", "schema": "Company", "properties": {"name": ["Front Ltd"]}, "datasets": ["a_register"]},
        {
            "id": "d",
            "schema": "Directorship",
            "properties": {"director": ["p"], "organization": ["c"], "startDate": ["2012-05"], "role": ["manager"]},
        },
        {
            "id": "s",
            "schema": "Sanction",
            "properties": {
                "entity": ["p"],
                "authority": ["An Office"],
                "program": ["CYB"],
                "startDate": ["2024-03-25"],
            },
        },
    )
)

INDICATORS = """type,value,group,valid_from,valid_until,source,tlp
domain,evil[.]example,Red Fox,2024-01-01,2024-06-01,A report,amber
sha256,0000000000000000000000000000000000000000000000000000000000000000,,,,,
nonsense,x,,,,,
domain,other.example,,,,,pink
"""

EVENT = {
    "Event": {
        "uuid": "0",
        "info": "A campaign",
        "date": "2024-03-25",
        "Orgc": {"name": "A CERT"},
        "Tag": [{"name": "tlp:green"}],
        "Galaxy": [
            {
                "type": "threat-actor",
                "GalaxyCluster": [{"uuid": "6bf7e6b6-5917-45a6-9567-f0baba79768c", "value": "APT31"}],
            }
        ],
        "Attribute": [
            {"type": "ip-dst", "value": "192.0.2.7", "to_ids": True, "first_seen": "2024-03-01T00:00:00+00:00"},
            {"type": "comment", "value": "no indicator", "to_ids": False},
        ],
        "Object": [{"name": "file", "Attribute": [{"type": "md5", "value": "0" * 32, "to_ids": True}]}],
    }
}

FILES = {
    "ofac": [("sdn.xml", SDN), ("sdn_advanced.xml", ADVANCED), ("sdn.csv", SDN_CSV)],
    "uk_sanctions": [("uk.csv", UK)],
    "eu_sanctions": [("eu.csv", EU)],
    "ftm": [("entities.ftm.json", FTM)],
    "indicators_csv": [("list.csv", INDICATORS)],
    "misp_event": [("event.json", json.dumps(EVENT))],
}
CASES = [(name, file, text) for name, files in FILES.items() for file, text in files]


def read(tmp_path, file, text, **terms):
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    name = sniff(path)
    return name, IMPORTERS[name].read(path, Terms(**terms))


def said(imported, predicate):
    return {c.value or c.object for c in imported.claims.claims.values() if c.predicate == predicate}


@pytest.mark.parametrize(("name", "file", "text"), CASES)
def test_a_file_is_recognised_by_its_content_and_taken_in_once(tmp_path, store, name, file, text):
    found, first = read(tmp_path, file, text)
    assert found == name
    assert store.add(first.claims).n_added == len(first.claims) > 3
    _, second = read(tmp_path, file, text)
    assert store.add(second.claims).n_added == 0


@pytest.mark.parametrize(("name", "file", "text"), CASES)
def test_nothing_imported_travels_farther_than_the_user_says(tmp_path, name, file, text):
    _, found = read(tmp_path, file, text, tlp=Tlp.AMBER)
    sources = found.claims.sources
    marks = {
        max(c.tlp, sources[c.source].tlp)
        for c in found.claims.claims.values()
        if c.predicate not in {"country-code", "region", "name", "identity-class"}
    }
    assert min(marks) >= Tlp.AMBER


@pytest.mark.parametrize("file", ["sdn.xml", "sdn_advanced.xml", "sdn.csv"])
def test_ofacs_list_names_people_companies_and_links(tmp_path, file):
    _, found = read(tmp_path, file, dict(FILES["ofac"])[file])
    person, company = entity_id("identity", "OFAC:2"), entity_id("identity", "OFAC:1")
    claims = list(found.claims.claims.values())
    assert found.problems == ()
    assert company in said(found, "linked-to")
    assert {c.value for c in claims if c.subject == person and c.predicate == "identity-class"} == {"individual"}
    assert "Office of Foreign Assets Control: CYBER2" in said(found, "sanctioned")


def test_the_advanced_file_has_days_and_legal_bases(tmp_path):
    _, found = read(tmp_path, "sdn_advanced.xml", ADVANCED)
    sanction = next(c for c in found.claims.claims.values() if c.value.endswith("CYBER2"))
    assert sanction.valid_from == "2024-03-25"
    assert said(found, "legal-basis") == {"E.O. 13694"}
    assert found.claims.sources[sanction.source].published == "2024-03-25"
    assert {"UP Made", "FRONT LTD"} <= said(found, "name")


def test_a_list_that_declares_entities_is_refused(tmp_path):
    bomb = '<?xml version="1.0"?><!DOCTYPE sdnList [<!ENTITY a "b">]><sdnList>&a;</sdnList>'
    with pytest.raises(InputError, match="declares entities"):
        read(tmp_path, "sdn.xml", bomb)


def test_the_united_kingdoms_lines_of_one_entry_meet(tmp_path):
    _, found = read(tmp_path, "uk.csv", UK)
    assert {"Made UP", "FRONT LTD"} <= said(found, "name")
    assert {"MADEUP", "\u7f16\u9020"} <= said(found, "alias")
    assert {"He did it.", "It did it."} == said(found, "statement-of-reasons")


def test_the_unions_lines_of_one_entry_meet(tmp_path):
    _, found = read(tmp_path, "eu.csv", EU)
    assert {"Made Up", "Front Ltd"} <= said(found, "name")
    assert said(found, "alias") == {"Made Madeup"}
    assert said(found, "birth-date") == {"1980-01-01"}
    assert find_place("CN").entity in said(found, "located-at")


def test_the_real_annex_of_the_union_is_read_whole(shared_data):
    found = IMPORTERS["eu_sanctions"].read(shared_data / "reading/sanctions/eu_32019R0796_cyber.csv", Terms())
    assert found.problems == ()
    listed = [c for c in found.claims.claims.values() if c.predicate == "sanctioned"]
    assert len(listed) == 38
    assert all(c.valid_from > "2020" for c in listed)


def test_links_of_follow_the_money_keep_their_dates(tmp_path):
    _, found = read(tmp_path, "entities.ftm.json", FTM)
    link = next(c for c in found.claims.claims.values() if c.predicate == "directorship")
    assert (link.valid_from, link.object) == ("2012-05", entity_id("identity", "ftm:c"))
    assert '"role":"manager"' in link.quote
    assert said(found, "sanctioned") == {"An Office: CYB"}


def test_indicators_keep_their_validity_and_bad_lines_are_named(tmp_path):
    _, found = read(tmp_path, "list.csv", INDICATORS)
    pattern = next(c for c in found.claims.claims.values() if "evil.example" in c.value)
    assert (pattern.valid_from, pattern.valid_until, pattern.tlp) == ("2024-01-01", "2024-06-01", Tlp.AMBER)
    assert [p.where for p in found.problems] == ["list.csv:4", "list.csv:5"]
    assert len(said(found, "pattern")) == 2


def test_an_events_indicators_indicate_its_groups(tmp_path):
    _, found = read(tmp_path, "event.json", json.dumps(EVENT))
    assert said(found, "pattern") == {"[ipv4-addr:value = '192.0.2.7']", f"[file:hashes.MD5 = '{'0' * 32}']"}
    assert said(found, "indicates") == {"intrusion-set--6bf7e6b6-5917-45a6-9567-f0baba79768c"}
    assert {s.tlp for s in found.claims.sources.values()} == {Tlp.GREEN}


def test_a_file_of_no_format_names_the_formats(tmp_path):
    with pytest.raises(InputError, match="no format") as caught:
        read(tmp_path, "notes.txt", "nothing")
    assert "misp_galaxy" in caught.value.hint


@pytest.mark.parametrize(
    ("description", "published", "title"),
    [
        (
            "Itkin, E. (2021, February 22). The Story of Jian. Retrieved March 24, 2021.",
            "2021-02-22",
            "The Story of Jian",
        ),
        ("Somebody. (2016, November). A thing. Retrieved May 1, 2017.", "2016-11", "A thing"),
        ("Somebody. (2016). A thing. Retrieved May 1, 2017.", "2016", "A thing"),
        ("Somebody. (2016, February 31). A thing. Retrieved May 1, 2017.", "2016-02", "A thing"),
        ("Somebody. (n.d.). A thing. Retrieved May 1, 2017.", "", "cited so"),
    ],
)
def test_the_date_and_title_of_a_cited_report_are_read(description, published, title):
    one = AttackObject(type="x", external_references=[Reference(source_name="cited so", description=description)])
    found = references_of([one])["cited so"]
    assert (found.published, found.title) == (published, title)


def test_days_are_read_as_lists_write_them():
    assert day_of("not a day") == day_of("31.2.2020") == ""


def test_values_in_patterns_cannot_end_them():
    assert pattern_of("domain", "a'b") == r"[domain-name:value = 'a\'b']"
    assert pattern_of("ip", "2001:db8::1") == "[ipv6-addr:value = '2001:db8::1']"
    assert pattern_of("colour", "red") is None
