"""``stillhunt attribute`` answers in words and in JSON, and says clearly what it cannot use."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from stillhunt.cli.main import main

SEEN = ["--techniques", "T1190,T1505.003,T1003.001", "--techniques", "T1114.002, T1560.001"]


def _run(*arguments):
    return CliRunner().invoke(main, ["attribute", *arguments])


def test_a_list_of_what_was_seen_gets_three_layers_and_what_would_change_them():
    done = _run(*SEEN, "--software", "China Chopper,S1011", "--sector", "government", "--country", "Germany")
    assert done.exit_code == 0, done.output
    for words in (
        "Resemblance:",
        "Country:",
        "Group:",
        "Analytic confidence:",
        "What would decide:",
        "without Tarrask",
    ):
        assert words in done.output


def test_json_adds_up_and_is_the_same_every_time():
    arguments = [*SEEN, "--software", "S1011", "--json"]
    first, again = _run(*arguments), _run(*arguments)
    assert first.stdout == again.stdout
    told = json.loads(first.stdout)
    for hypothesis in told["hypotheses"]:
        items = hypothesis["evidence_for"] + hypothesis["evidence_against"]
        assert abs(sum(i["weight"] for i in items) - hypothesis["score"]) < 1e-9
    assert len(told["hypotheses"]) == told["n_candidates"] + 1


def test_without_an_item_it_weighs_less():
    def leader(*more):
        told = json.loads(_run(*SEEN, "--software", "S1011", "--json", *more).stdout)
        return next(h["probability"] for h in told["hypotheses"] if h["group"] == "G0125")

    assert leader("--without", "Tarrask") < leader() / 2


def test_compare_holds_two_groups_against_what_was_seen_line_by_line():
    done = _run("compare", "HAFNIUM", "APT29", *SEEN, "--software", "S1011", "--json")
    told = json.loads(done.stdout)
    assert (told["one"], told["other"]) == ("HAFNIUM", "APT29")
    assert abs(sum(i[3] - i[4] for i in told["items"]) - told["difference"]) < 1e-9
    assert "log-odds of HAFNIUM against APT29" in _run("compare", "HAFNIUM", "APT29", *SEEN).output


def test_hours_of_activity_are_read_and_told(tmp_path):
    hours = tmp_path / "hours.txt"
    hours.write_text("# hands-on\n" + "\n".join(f"2024-03-{d:02}T{h:02}:10Z" for d in range(4, 9) for h in range(1, 9)))
    told = json.loads(_run(*SEEN, "--hours", str(hours), "--json").stdout)
    kinds = {i["kind"] for h in told["hypotheses"] for i in h["evidence_for"]}
    assert "hours" in kinds


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to attribute"),
        (["--software", "no such thing at all"], "no technique or software is known"),
        ([*SEEN, "--sector", "piracy"], "`piracy` is no sector"),
        ([*SEEN, "--country", "Atlantis"], "is no country"),
        ([*SEEN, "--without", "S0002"], "is not part of this case"),
        ([*SEEN, "--exploited", "log4shell"], "is no CVE id"),
        ([*SEEN, "--exploited", "CVE-2021-44228=lately"], "is no day"),
        ([*SEEN, "--hours", "missing.txt"], "cannot be read"),
        (["compare", "HAFNIUM"], "takes two groups"),
        (["compare", "HAFNIUM", "Nobody at all", *SEEN], "no group is known"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(arguments, said):
    done = _run(*arguments)
    assert done.exit_code != 0
    assert said in done.output
    assert "Traceback" not in done.output


def test_an_hour_that_is_none_is_named_with_its_line(tmp_path):
    hours = tmp_path / "hours.txt"
    hours.write_text("2024-03-04T10:00Z\nyesterday\n")
    done = _run(*SEEN, "--hours", str(hours))
    assert "hours.txt:2" in done.output


def test_ids_that_the_base_lacks_are_told_not_refused():
    done = _run(*SEEN, "--software", "S9999")
    assert done.exit_code == 0
    assert "S9999" in done.output


def test_the_self_test_prints_its_table():
    done = _run("--selftest", "--cases", "10")
    assert done.exit_code == 0, done.output
    assert "Leave one report out" in done.output
    assert "techniques only: among five" in done.output
