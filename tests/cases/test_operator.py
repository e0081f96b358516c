"""Two intruders on one host stay two cases where everything that can be compared differs, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stillhunt.cases.link import link
from stillhunt.cases.operator import Marks
from stillhunt.cases.trail import Trail
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

ANNA = {"account": "corp\\anna", "address": "203.0.113.9"}
BERT = {"account": "corp\\bert", "address": "198.51.100.7"}


def groups(findings):
    return sorted(sorted(f.detector.title for f in members) for members, _ in link(findings, Trail(), n_hosts=1))


@pytest.fixture
def pair(make_finding, at):
    def make(one, other, **rest):
        return [make_finding("a", at(2021, 1, 1), **one, **rest), make_finding("b", at(2021, 6, 1), **other, **rest)]

    return make


def test_another_address_and_another_account_is_another_intruder(pair):
    assert groups(pair(ANNA, BERT)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    "other",
    [
        {**BERT, "account": ANNA["account"]},
        {**BERT, "address": ANNA["address"]},
        {"account": BERT["account"]},
        {"address": BERT["address"]},
        {**BERT, "address": "10.0.0.7"},
        {**BERT, "account": "nt authority\\system"},
        {},
    ],
    ids=["account", "address", "no address", "no account", "an address inside", "the system", "nothing known"],
)
def test_one_thread_or_nothing_to_compare_makes_them_one(pair, other):
    assert groups(pair(ANNA, other)) == [["a", "b"]]


def test_a_file_that_both_brought_makes_them_one(pair):
    tool = Entity(EntityKind.FILE, "c:\\programdata\\tool.exe")
    found = [replace(f, entities=(*f.entities, tool)) for f in pair(ANNA, BERT)]
    assert groups(found) == [["a", "b"]]


def test_an_installed_program_is_no_thread(pair):
    shell = Entity(EntityKind.PROCESS, "c:\\windows\\system32\\cmd.exe")
    found = [replace(f, entities=(*f.entities, shell)) for f in pair(ANNA, BERT)]
    assert groups(found) == [["a"], ["b"]]


def test_what_shows_nobody_goes_with_what_happened_nearest_to_it(pair, make_finding, at):
    found = [*pair(ANNA, BERT), make_finding("c", at(2021, 5, 28)), make_finding("d", at(2021, 1, 2), level=Level.LOW)]
    assert groups(found) == [["a", "d"], ["b", "c"]]


def test_what_one_host_leaves_open_another_may_tell(pair, make_finding, at):
    found = [*pair(ANNA, BERT), make_finding("c", at(2021, 7, 1), host="db1", account=ANNA["account"])]
    found.append(make_finding("d", at(2021, 7, 2), host="db1", **BERT))
    assert groups(found) == groups(list(reversed(found))) == [["a", "c"], ["b", "d"]]


def test_to_differ_is_mutual():
    one, other = Marks({"x"}, {"a"}, set()), Marks({"y"}, {"b"}, {"t"})
    assert one.differ(other)
    assert other.differ(one)
    assert not one.differ(one)
