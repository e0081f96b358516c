"""A host known by two names is one host, but only where the logs leave no choice."""

from __future__ import annotations

from stillhunt.cases.identity import account_names, host_names, with_merged_spans, with_names
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.coverage import Coverage, HostSpan
from stillhunt.terms.entity import EntityKind


def test_an_address_that_one_host_uses_is_that_host():
    trail = Trail(own_addresses={"mail01.x.example": {"10.0.0.5"}})
    assert host_names(["10.0.0.5", "mail01.x.example"], trail) == {"10.0.0.5": "mail01.x.example"}


def test_an_address_that_two_hosts_use_stays_itself():
    trail = Trail(own_addresses={"a": {"10.0.0.5"}, "b": {"10.0.0.5"}})
    assert host_names(["10.0.0.5", "a", "b"], trail) == {}


def test_a_short_name_is_its_only_full_one():
    assert host_names(["ws1", "ws1.x.example"], Trail()) == {"ws1": "ws1.x.example"}
    assert host_names(["ws1", "ws1.x.example", "ws1.y.example"], Trail()) == {}


def test_an_address_may_lead_to_a_short_name_and_on_to_the_full_one():
    trail = Trail(own_addresses={"ws1": {"10.0.0.5"}})
    assert host_names(["10.0.0.5", "ws1", "ws1.x.example"], trail)["10.0.0.5"] == "ws1.x.example"


def test_findings_and_spans_follow(make_finding, at):
    names = {"ws1": "ws1.x.example"}
    [renamed] = with_names([make_finding("a", at(2021, 1, 1), host="ws1")], names, {})
    assert [e.value for e in renamed.entities if e.kind is EntityKind.HOST] == ["ws1.x.example"]
    spans = (
        HostSpan(host="ws1", n_events=1, first_at=at(2021, 1, 1), last_at=at(2021, 1, 2)),
        HostSpan(host="ws1.x.example", n_events=2, first_at=None, last_at=at(2021, 3, 1)),
    )
    assert with_merged_spans(Coverage(hosts=spans), names).hosts == (
        HostSpan(host="ws1.x.example", n_events=3, first_at=at(2021, 1, 1), last_at=at(2021, 3, 1)),
    )


def test_an_account_that_one_log_names_by_its_display_name_is_named_as_logons_name_it(make_finding, at):
    trail = Trail(
        accounts_by_sid={"s-1-5-21-1-2-3-1112": "corp\\adm.anna"},
        sids_by_name={"corp\\anna (admin)": "s-1-5-21-1-2-3-1112", "corp\\stranger": "s-1-5-21-1-2-3-9"},
    )
    names = account_names(trail)
    assert names == {"corp\\anna (admin)": "corp\\adm.anna", "s-1-5-21-1-2-3-1112": "corp\\adm.anna"}
    [renamed] = with_names([make_finding("a", at(2021, 1, 1), account="corp\\anna (admin)")], {}, names)
    assert [e.value for e in renamed.entities if e.kind is EntityKind.ACCOUNT] == ["corp\\adm.anna"]
