"""A case opens with one sentence and says how far it went."""

from __future__ import annotations

from dataclasses import replace

from stillhunt.cases.case import Scope
from stillhunt.cases.investigate import investigate
from stillhunt.cases.trail import Logon, Trail
from stillhunt.telemetry.coverage import Coverage, Gap, HostSpan, LoggingChange
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level


def _coverage(first, last, *hosts, gaps=()):
    spans = tuple(HostSpan(host=h, n_events=5, first_at=first, last_at=last) for h in hosts)
    return Coverage(hosts=spans, gaps=gaps)


def _story(make_finding, at):
    return [
        make_finding("proxyshell", at(2021, 8, 24, 3), tactics=("initial-access",), level=Level.HIGH),
        make_finding(
            "dump", at(2021, 8, 25), tactics=("credential-access",), account="corp\\svc", techniques=("T1003.001",)
        ),
        make_finding("export", at(2022, 10, 12), tactics=("collection", "exfiltration"), account="corp\\svc"),
    ]


def test_the_opening_says_where_since_when_how_far_and_how_sure(make_finding, at):
    coverage = _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1")
    [case] = investigate(_story(make_finding, at), Trail(), coverage)
    assert case.opening == (
        "An intruder was on web1 from 24 August 2021 03:00 UTC until 12 October 2022 00:00 UTC (about 14 months); "
        "reaching initial access, credential access, collection and exfiltration; "
        "1 host and 1 account confirmed compromised."
    )
    assert case.level is Level.CRITICAL
    assert case.quiet == ((at(2021, 8, 25), at(2022, 10, 12)),)
    assert not case.is_active_at_end


def test_a_case_still_going_on_when_the_logs_end_says_so(make_finding, at):
    [case] = investigate(_story(make_finding, at), Trail(), _coverage(at(2021, 6, 1), at(2022, 10, 13), "web1"))
    assert case.is_active_at_end
    assert "until the end of the logs" in case.opening


def test_accounts_exposed_where_credentials_were_taken_are_potential(make_finding, at):
    trail = Trail()
    trail.logons["web1", "corp\\alice", "10.0.0.7", "3"] = Logon(
        host="web1", account="corp\\alice", address="10.0.0.7", logon_type="3", first_at=at(2021, 9, 1),
        last_at=at(2021, 9, 2), count=3, file="log",
    )  # fmt: skip
    [case] = investigate(_story(make_finding, at), trail, _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1"))
    scopes = {(t.entity.kind, t.entity.value): t.scope for t in case.entities}
    assert scopes[EntityKind.ACCOUNT, "corp\\alice"] is Scope.POTENTIAL
    assert scopes[EntityKind.ACCOUNT, "corp\\svc"] is Scope.CONFIRMED


def test_a_gap_in_the_logs_of_a_host_stands_in_its_case(make_finding, at):
    gap = Gap(host="web1", channel="Security", start_at=at(2022, 1, 1), end_at=at(2022, 2, 1), why="silence")
    coverage = _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1", gaps=(gap,))
    [case] = investigate(_story(make_finding, at), Trail(), coverage)
    assert case.blind == ("no logs of web1 (Security) between 1 January 2022 00:00 UTC and 1 February 2022 00:00 UTC",)


def test_a_log_that_was_cleared_on_a_host_stands_in_its_case_and_what_restarts_do_does_not(make_finding, at):
    told = {"channel": "Security", "n_events": 1, "first_at": at(2021, 8, 26), "last_at": at(2021, 8, 26), "path": "x"}
    cleared = LoggingChange(
        host="web1", what="security log cleared", who="corp\\svc", record=1, is_routine=False, **told
    )
    restarted = replace(cleared, what="log service stopped", is_routine=True)
    coverage = _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1")
    [case] = investigate(_story(make_finding, at), Trail(), replace(coverage, changes=(cleared, restarted)))
    assert case.blind == ("security log cleared on web1 at 26 August 2021 00:00 UTC by corp\\svc",)


def test_informational_findings_open_no_case(make_finding, at):
    found = [make_finding("a", at(2021, 1, 1), level=Level.INFORMATIONAL)]
    assert investigate(found, Trail(), Coverage()) == ()


def test_cases_come_most_serious_first(make_finding, at):
    lone = make_finding("lone", at(2021, 1, 1), host="other", level=Level.MEDIUM)
    coverage = _coverage(at(2020, 1, 1), at(2023, 1, 1), "web1", "other")
    cases = investigate([lone, *_story(make_finding, at)], Trail(), coverage)
    assert [c.level for c in cases] == [Level.CRITICAL, Level.LOW]


def test_a_weak_finding_on_the_same_host_is_context_only(make_finding, at):
    scan = make_finding("scan", at(2021, 7, 1), level=Level.LOW, techniques=("T1595",))
    [case] = investigate(
        [scan, *_story(make_finding, at)], Trail(), _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1")
    )
    assert case.context == (scan.id,)
    assert scan.id not in case.findings
    assert case.techniques == ("T1003.001",)
    assert case.first_at == at(2021, 8, 24, 3)


def test_a_weak_case_confirms_nothing(make_finding, at):
    lone = make_finding("lone", at(2021, 7, 1), level=Level.MEDIUM, account="corp\\svc")
    [case] = investigate([lone], Trail(), _coverage(at(2021, 6, 1), at(2022, 12, 28), "web1"))
    assert {t.scope for t in case.entities} == {Scope.POTENTIAL}
    assert "no compromise confirmed, 1 host and 1 account potentially" in case.opening
