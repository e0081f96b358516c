"""Techniques in reports: named by id or name, or described; and names, and dates."""

from dataclasses import dataclass

import pytest

from stillhunt.reading.claims import claims_of
from stillhunt.reading.extract.techniques import find_techniques, technique_claims
from stillhunt.reading.names import Mention, Names
from stillhunt.reading.times import dates_in

GROUP = "intrusion-set--6566aac9-dad8-4332-ae73-20c23bad7f02"
OTHER = "intrusion-set--6566aac9-dad8-4332-ae73-20c23bad7f03"
MALWARE = "malware--6566aac9-dad8-4332-ae73-20c23bad7f02"


@dataclass(frozen=True)
class Report:
    text: str


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Persistence is by T1053.005 here.", ("T1053.005", "id")),
        ("An old id, T1086, is followed to its successor.", ("T1059.001", "id")),
        ("The loader uses Process Hollowing to run.", ("T1055.012", "name")),
        ("It takes screenshots of the desktop.", ("T1113", "description")),
        ("The backdoor created a scheduled task with schtasks.", ("T1053.005", "description")),
        ("The emails carried a malicious attachment.", ("T1566.001", "description")),
    ],
)
def test_a_technique_is_read_by_id_name_or_description(text, expected):
    assert expected in [(t.id, t.how) for t in find_techniques(text)]


@pytest.mark.parametrize("text", ["The minister met the press on Monday.", "T1000 is a film, T99999 nothing.", ""])
def test_a_text_without_techniques_has_none(text):
    assert find_techniques(text) == []


def test_only_what_is_named_is_accepted_and_a_description_stays_a_suggestion():
    text = "APT31 ran Process Hollowing. PowerShell downloaded the payload, PowerShell ran it. PowerShell again."
    claims = technique_claims(text, [Mention(kind="group", start=0, end=5, text="APT31", entities=())])
    assert [c.accepted for c in claims] == [c.method != "technique:description" for c in claims]
    hollow = next(c for c in claims if c.object.text.startswith("T1055.012"))
    assert (hollow.quote, hollow.accepted) == ("Process Hollowing", True)
    assert all(text[c.start : c.end] == c.quote for c in claims)


def test_the_same_text_gives_the_same_claims():
    text = "APT31 used T1059.001 and keylogging. It exfiltrated data over its C2 channel via HTTP."
    assert claims_of(Report(text)) == claims_of(Report(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hive struck. A hive of bees.", []),
        ("The Hive ransomware struck. Hive struck again.", [("malware", "Hive"), ("malware", "Hive")]),
        ("FANCY BEAR and FancyBear", [("group", "FANCY BEAR"), ("group", "FancyBear")]),
        ("UNC2452, TA505 and APT 40", [("group", "UNC2452"), ("group", "TA505"), ("group", "APT 40")]),
        ("a loader dubbed NimzaX, and NimzaX again", [("malware", "NimzaX"), ("malware", "NimzaX")]),
        ("they ran net.exe and psexec", [("tool", "net.exe"), ("tool", "psexec")]),
        ("NetWire and NetwireRAT", [("malware", "NetWire"), ("malware", "NetwireRAT")]),
        ("One Excel file in August", []),
    ],
)
def test_names_are_found_by_spelling_and_by_what_stands_beside_them(text, expected):
    known = [("Fancy Bear", GROUP), ("Hive", MALWARE), ("One", MALWARE), ("Excel", MALWARE), ("August", MALWARE)]
    names = Names([*known, ("NetWire", MALWARE)])
    assert [(m.kind, m.text) for m in names.mentions(text)] == expected


def test_a_number_must_be_the_same_for_a_name_to_be_linked():
    names = Names([("APT41", GROUP), ("APT40", OTHER)])
    assert names.entities("APT 40") == (OTHER,)
    assert names.entities("APT-41 group") == (GROUP,)
    assert names.entities("APT42") == ()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("on the 27th of February of 2020", "2020-02-27", "2020-02-27"),
        ("uploaded 2 Sept.2018", "2018-09-02", "2018-09-02"),
        ("created 2020-03-23T07:08:34Z", "2020-03-23", "2020-03-23"),
        ("seen on 12-07-2019", "2019-07-12", "2019-07-12"),
        ("seen on 8/25/2018", "2018-08-25", "2018-08-25"),
        ("On 19 January, it", "2021-01-19", "2021-01-19"),
        ("earlier this year", "2021-01-01", "2021-12-31"),
        ("the past year", "2020-01-01", "2020-12-31"),
        ("in mid-May", "2021-05-01", "2021-05-31"),
        ("in October", "2020-10-01", "2020-10-31"),
    ],
)
def test_a_date_has_its_value(text, first, last):
    (found,) = dates_in(text, published="2021-09-09")
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize(
    "text",
    ["port 2082 and CVE-2017-11882", "https://a.com/2020/12/x-2021.html", "report-2020.pdf", "March Incoming Invoice"],
)
def test_a_number_that_is_no_date_has_none(text):
    assert dates_in(text, published="2021-09-09") == []
