"""A reader sees why a rule matched, the gravest first when room is short."""

from __future__ import annotations

import dataclasses

from stillhunt.detection.finding import Clause
from stillhunt.report.evidence import Budget, choose
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

PLENTY = 10_000_000


def _leaf(field: str, value: str | None) -> Clause:
    return Clause(kind="field", label=f"{field}|contains: x", field=field, value=value)


def _with(finding, *matched: Clause):
    kept = finding.evidence[0]
    return dataclasses.replace(finding, evidence=tuple(dataclasses.replace(kept, matched=m) for m in matched))


def _shown(finding):
    (view,), left_out = choose([finding], Budget(PLENTY))
    assert left_out == []
    return view


def test_the_tree_keeps_the_names_of_the_rule_and_leaves_out_steps_without_any(make_brief):
    one = Clause(kind="or", label="any of", children=(_leaf("Image", "C:\\cmd.exe"),))
    named = Clause(kind="and", label="selection", children=(one,))
    filtered = Clause(kind="not", label="filter_backup")
    view = _shown(_with(make_brief().findings[0], Clause(kind="and", label="all of", children=(named, filtered))))
    assert view.records[0].reasons == (
        (0, "and", "all of", None),
        (1, "and", "all of selection", None),
        (2, "field", "Image|contains: x", "C:\\cmd.exe"),
        (1, "not", "not filter_backup", None),
    )


def test_the_same_reasons_are_said_once(make_brief):
    leaf = _leaf("Image", "C:\\cmd.exe")
    first, second, third = _shown(_with(make_brief().findings[0], leaf, leaf, _leaf("Image", "other"))).records
    assert (first.is_same, second.is_same, third.is_same) == (False, True, False)
    assert second.reasons == ()


def test_the_gist_is_what_was_done(make_brief):
    tree = Clause(
        kind="and",
        label="all of",
        children=(
            _leaf("ParentImage", "C:\\Windows\\System32\\inetsrv\\w3wp.exe"),
            _leaf("CommandLine", "whoami\n  /all"),
            _leaf("User", None),
        ),
    )
    assert _shown(_with(make_brief().findings[0], tree)).gist == "whoami /all"
    assert _shown(dataclasses.replace(make_brief().findings[0], evidence=())).gist == ""


def test_many_entities_of_a_kind_are_counted(make_brief):
    accounts = tuple(Entity(EntityKind.ACCOUNT, f"corp\\u{n}", "target") for n in range(10))
    view = _shown(dataclasses.replace(make_brief().findings[0], entities=accounts))
    ((name, values, n_more),) = view.things
    assert (name, len(values), n_more) == ("account, target", 6, 4)


def test_a_huge_tree_and_a_huge_value_are_cut(make_brief):
    tree = Clause(kind="or", label="any of", children=tuple(_leaf("CommandLine", "v" * 9_000) for _ in range(500)))
    reasons = _shown(_with(make_brief().findings[0], tree)).records[0].reasons
    assert len(reasons) < 100
    assert reasons[-1][2] == "and further parts"
    assert reasons[1][3].endswith("... (9,000 characters in all)")


def test_when_room_is_short_the_gravest_are_shown_in_order_of_time_and_the_rest_counted(make_brief):
    findings = list(make_brief(n_findings=50).findings)
    for n in (10, 40):
        findings[n] = dataclasses.replace(
            findings[n], detector=dataclasses.replace(findings[n].detector, level=Level.CRITICAL)
        )
    views, left_out = choose(findings, Budget(4_000))
    assert [v.finding.id for v in views] == [findings[10].id, findings[40].id]
    assert left_out == [Level.HIGH] * 48


def test_a_part_of_a_budget_cannot_spend_more_than_the_whole():
    whole = Budget(10)
    assert whole.part(8).take(8)
    assert not whole.part(8).take(8)
    assert whole.left == 2
