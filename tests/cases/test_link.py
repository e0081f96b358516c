"""Findings are joined by what they share, and every link says by what."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.cases.link import entry_process, link
from stillhunt.cases.trail import Logon, Trail
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level


def _groups(found):
    return sorted(sorted(f.detector.title for f in members) for members, _ in found)


def test_findings_on_one_host_are_one_component_however_long_the_silence(make_finding, at):
    found = link([make_finding("a", at(2021, 1, 1)), make_finding("b", at(2022, 6, 1))], Trail(), n_hosts=1)
    assert _groups(found) == [["a", "b"]]
    assert [held.reason for _, links in found for held in links] == ["both on web1"]


def test_findings_that_share_nothing_stay_apart(make_finding, at):
    found = link(
        [make_finding("a", at(2021, 1, 1), host="h1"), make_finding("b", at(2021, 1, 1), host="h2")], Trail(), n_hosts=2
    )
    assert _groups(found) == [["a"], ["b"]]


def test_an_account_links_hosts_and_a_system_account_does_not(make_finding, at):
    def pair(account):
        return [make_finding(n, at(2021, 1, 1), host=f"h{n}", account=account) for n in "ab"]

    assert _groups(link(pair("corp\\alice"), Trail(), n_hosts=2)) == [["a", "b"]]
    assert _groups(link(pair("nt authority\\system"), Trail(), n_hosts=2)) == [["a"], ["b"]]
    assert _groups(link(pair("corp\\web1$"), Trail(), n_hosts=2)) == [["a"], ["b"]]
    assert _groups(link(pair("iis apppool\\defaultapppool"), Trail(), n_hosts=2)) == [["a"], ["b"]]


def test_a_hash_links_hosts_unless_it_is_of_an_installed_program(make_finding, at):
    def pair(image):
        extra = (Entity(EntityKind.HASH, "ab" * 32), Entity(EntityKind.PROCESS, image))
        found = [make_finding(n, at(2021, 1, 1), host=f"h{n}") for n in "ab"]
        return [replace(f, entities=(*f.entities, *extra)) for f in found]

    assert len(link(pair("c:\\users\\public\\x.exe"), Trail(), n_hosts=2)) == 1
    assert len(link(pair("c:\\windows\\system32\\cmd.exe"), Trail(), n_hosts=2)) == 2


def test_a_low_finding_links_no_hosts(make_finding, at):
    pair = [make_finding(n, at(2021, 1, 1), host=f"h{n}", account="corp\\a", level=Level.LOW) for n in "ab"]
    assert len(link(pair, Trail(), n_hosts=2)) == 2


def test_an_address_that_everybody_talks_to_links_nothing(make_finding, at):
    pair = [make_finding(n, at(2021, 1, 1), host=f"h{n}", address="10.0.0.53") for n in "ab"]
    rare, common = Trail(), Trail()
    common.hosts_by_address["10.0.0.53"] = {f"h{i}" for i in range(9)}
    assert _groups(link(pair, rare, n_hosts=10)) == [["a", "b"]]
    assert _groups(link(pair, common, n_hosts=10)) == [["a"], ["b"]]


def test_a_remote_logon_joins_the_hosts_it_ran_between(make_finding, at):
    trail = Trail(own_addresses={"h1": {"10.0.0.1"}})
    trail.logons["h2", "corp\\a", "10.0.0.1", "3"] = Logon(
        host="h2", account="corp\\a", address="10.0.0.1", logon_type="3", first_at=at(2021, 1, 2),
        last_at=at(2021, 1, 2), count=1, file="log",
    )  # fmt: skip
    entry = make_finding("a", at(2021, 1, 1), host="h1", account="corp\\a")
    found = link([entry, make_finding("b", at(2021, 1, 2), host="h2")], trail, n_hosts=2)
    assert _groups(found) == [["a", "b"]]
    assert found[0][1][0].reason == "corp\\a logged on from h1 (10.0.0.1) to h2"


def test_an_entry_process_is_the_oldest_below_a_door_or_a_root(make_trail, at):
    trail = make_trail(
        ("w", "s", "C:\\inetsrv\\w3wp.exe", "C:\\Windows\\System32\\svchost.exe", at(2021, 1, 1)),
        ("c", "w", "C:\\Windows\\System32\\cmd.exe", "C:\\inetsrv\\w3wp.exe", at(2021, 1, 2)),
        ("i", "c", "C:\\Windows\\System32\\whoami.exe", "C:\\Windows\\System32\\cmd.exe", at(2021, 1, 2)),
    )
    assert entry_process("i", trail) == "c"
    assert entry_process("unknown", trail) is None


def test_a_loop_of_parents_ends(make_trail, at):
    trail = make_trail(("a", "b", "x.exe", "y.exe", at(2021, 1, 1)), ("b", "a", "y.exe", "x.exe", at(2021, 1, 1)))
    assert entry_process("a", trail) in {"a", "b"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(hosts=st.lists(st.sampled_from(["h1", "h2", "h3", ""]), min_size=1, max_size=8), order=st.randoms())
def test_the_order_of_findings_changes_nothing_and_none_is_lost(make_finding, at, hosts, order):
    findings = [make_finding(f"f{i}", at(2021, 1, 1 + i), host=host) for i, host in enumerate(hosts)]
    shuffled = list(findings)
    order.shuffle(shuffled)
    once, again = (link(f, Trail(), n_hosts=3) for f in (findings, shuffled))
    assert once == again
    assert sorted(f.id for members, _ in once for f in members) == sorted(f.id for f in findings)
    assert all(len(links) == len(members) - 1 for members, links in once)
