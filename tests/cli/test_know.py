"""The command says who is out there, and takes in, hands on and takes back what it is told."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from stillhunt.cli import main
from stillhunt.knowledge.claim import entity_id
from stillhunt.knowledge.store import Store


@pytest.fixture
def know(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("STILLHUNT_KNOWLEDGE", raising=False)

    def run(*args, code=0):
        done = CliRunner().invoke(main, ["know", *map(str, args)])
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    return run


LIST = "type,value,group,source\ndomain,evil.example,Red Fox of the Tests,A report\n"


@pytest.fixture
def base(tmp_path):
    return tmp_path / "own.db"


def import_list(know, tmp_path, base):
    (tmp_path / "list.csv").write_text(LIST)
    Store(base).close()  # a file that is there is taken as it is: the embedded base is not copied into it
    return know("import", tmp_path / "list.csv", "--base", base)


def test_a_card_names_its_sources(know):
    shown = know("card", "apt-31")
    assert shown.startswith("ZIRCONIUM  G0128  (intrusion-set)")
    assert "The MITRE Corporation in The Story of Jian" in shown
    assert "targets by region" in shown


def test_an_ambiguous_name_lists_everybody_first(know):
    shown = know("card", "NOBELIUM")
    assert shown.startswith("`NOBELIUM` is borne by 2")
    assert "so called by" in shown


def test_a_name_that_nobody_bears_is_said_to_be_unknown(know):
    shown = know("card", "Kimsukyy", code=2)
    assert "names like it" in shown
    assert "Kimsuky" in shown
    assert "nobody is known as `Kimsukyy`" in shown


def test_everything_is_to_be_had_as_json(know):
    card = json.loads(know("card", "APT31", "--json"))
    assert card["card"]["techniques"][0]["said"][0]["quote"]
    found = json.loads(know("search", "Jian", "equation", "--json"))
    assert "found" in found
    assert json.loads(know("compare", "APT28", "APT29", "--json"))["headings"]
    assert isinstance(json.loads(know("conflicts", "APT31", "--json")), list)
    assert isinstance(json.loads(know("path", "APT28", "APT29", "--json")), list)


def test_groups_are_compared_heading_by_heading(know):
    shown = know("compare", "APT28", "APT29")
    assert "techniques: " in shown
    assert "shared" in shown


def test_a_path_names_the_claims_it_is_made_of(know):
    shown = know("path", "APT31", "China")
    assert "originates-from" in shown


def test_what_is_imported_is_known_and_undone(know, tmp_path, base):
    assert "indicators_csv, " in import_list(know, tmp_path, base)
    assert "0 new" in know("import", tmp_path / "list.csv", "--base", base)
    assert "Red Fox of the Tests" in know("card", "red fox of the tests", "--base", base)
    know("undo", "--base", base)
    know("undo", "--base", base)
    know("card", "red fox of the tests", "--base", base, code=2)
    assert know("log", "--base", base).count("undo") == 2


def test_what_is_exported_comes_back(know, tmp_path, base):
    import_list(know, tmp_path, base)
    know("export", "stix", "--base", base, "--out", tmp_path / "all.json")
    other = tmp_path / "other.db"
    Store(other).close()
    assert "stix, " in know("import", tmp_path / "all.json", "--base", other)
    assert know("export", "stix", "--base", other) == (tmp_path / "all.json").read_text()


def test_an_analyst_can_join_and_split(know, tmp_path, base):
    import_list(know, tmp_path, base)
    group = entity_id("intrusion-set", "name:redfoxofthetests")
    other = entity_id("intrusion-set", "other")
    assert "merge" in know("same", group, other, "--because", "one tool", "--by", "A. Nalyst", "--base", base)
    assert "taken for one because" in know("card", group, "--base", base)
    assert "split" in know("same", group, other, "--not", "--because", "two", "--by", "B. Nalyst", "--base", base)
    shown = know("card", group, "--base", base)
    assert "kept apart" in shown
    assert "said and denied" in know("conflicts", "--base", base)


def test_a_claim_is_taken_back_by_its_id(know, tmp_path, base):
    import_list(know, tmp_path, base)
    found = json.loads(know("search", "evil.example", "--base", base, "--json"))
    claim = found["found"][0]["claim"]["id"]
    assert "1 taken back" in know("retract", claim, "--because", "wrong", "--base", base)
    assert "no claim" in know("retract", claim, "--because", "wrong", "--base", base, code=3)


def test_nothing_marked_red_is_exported_unless_asked_for(know, tmp_path, base):
    (tmp_path / "list.csv").write_text(LIST)
    Store(base).close()
    know("import", tmp_path / "list.csv", "--tlp", "RED", "--base", base)
    assert "evil.example" not in know("export", "stix", "--base", base)
    assert "evil.example" in know("export", "stix", "--ceiling", "RED", "--base", base)


def test_a_list_of_names_is_screened(know, tmp_path):
    (tmp_path / "names.csv").write_text("name,x\nMinistry of State Security,1\nNobody At All Here,2\n")
    shown = know("screen", tmp_path / "names.csv")
    assert "90%  Ministry of State Security (China)" in shown
    assert "Nobody At All Here: nobody known" in shown
    (tmp_path / "bad.csv").write_text("who\nx\n")
    assert "column `name`" in know("screen", tmp_path / "bad.csv", code=3)


def test_language_is_checked(know, tmp_path):
    (tmp_path / "good.txt").write_text("It is likely.")
    (tmp_path / "bad.txt").write_text("It is likely, with high confidence.")
    assert "0 remarks" in know("lint-language", tmp_path / "good.txt")
    assert "in two" in know("lint-language", tmp_path / "bad.txt", code=1)


def test_a_day_is_written_as_a_day(know):
    assert "is no day" in know("card", "APT31", "--as-of", "25 March 2024", code=3)
    assert "APT31" in know("card", "APT31", "--as-of", "2024-03-25")


def test_an_unknown_format_suggests_one(know):
    assert "did you mean `stix`" in know("export", "stx", code=2)


def test_indicators_are_seen_in_logs_while_they_are_valid(know, tmp_path, base):
    Store(base).close()
    rows = [
        "type,value,group,valid_from,valid_until",
        "ip,192.0.2.7,Red Fox,2024-01,2024-06",
        "ip,192.0.2.8,,2025,2025",
    ]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    know("import", tmp_path / "list.csv", "--base", base)
    log = tmp_path / "u_ex240315.log"
    log.write_text(
        "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-03-15 00:00:00\n"
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n"
        "2024-03-15 10:00:00 10.0.0.1 GET /owa/ - 443 - 192.0.2.7 curl 200\n"
        "2024-03-15 10:00:01 10.0.0.1 GET /owa/ - 443 - 192.0.2.8 curl 200\n"
        "2024-03-15 10:00:02 10.0.0.1 GET /owa/ - 443 - 192.0.2.9 curl 200\n"
    )
    shown = know("sight", log, "--base", base)
    assert shown.startswith("2 indicators looked for in 3 events")
    assert "2024-03-15 10:00:00+00:00  Indicator of Red Fox: 192.0.2.7  1 times" in shown
    assert "1 more were seen outside the time in which they are valid" in shown
