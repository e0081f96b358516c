"""What several analytics see of one account from one strange place is one finding with its parts."""

from __future__ import annotations

import pytest

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.happening import happenings
from stillhunt.detection.behaviour.model import Observation, Place
from stillhunt.detection.behaviour.watch import Observed
from stillhunt.detection.evidence import Evidence
from stillhunt.detection.finding import Clause, EventRef
from stillhunt.terms.level import Level

THERE = "203.0.113.66"
DOOR, ORIGIN, RULES = (ANALYTICS[name] for name in ("mailbox_door", "first_seen_origin", "mail_forwarding"))


def seen(
    account="corp\\ann", address=THERE, *, at=10, strange=True, kind="account", level=None, n_days=1, more=(), name="x"
):
    value = account.replace("corp\\", "") + "@corp.example" if kind == "mailbox" else account
    return Observation(
        identity=(name, account),
        sentence=f"{account} was seen {name}.",
        why=(("days", "1"),),
        places=(Place(at, "log", "", at, -1),),
        entities=((kind, value, "subject"), ("address", address, "source"), *more),
        count=at,
        n_days=n_days,
        level=level,
        strange=frozenset({address} if strange else ()),
    )


def parts(*found):
    return [[part.identity[0] for _, part in one.parts] for one in happenings(list(found))]


def test_one_account_from_one_strange_address_is_one_happening_led_by_the_highest_level():
    found = (ORIGIN, seen(name="new")), (DOOR, seen(name="read", kind="mailbox", at=30, level=Level.HIGH))
    assert parts(*found) == [["read", "new"]]


@pytest.mark.parametrize(
    "other",
    [
        {"account": "corp\\bob"},  # another account from there
        {"address": "203.0.113.99"},  # the same account from another place
    ],
)
def test_another_account_or_another_address_is_another_happening(other):
    assert len(parts((ORIGIN, seen(name="new")), (RULES, seen(name="rule", **other)))) == 2


def test_what_nobody_calls_strange_is_told_one_by_one():
    both = (ORIGIN, seen(name="new", strange=False)), (RULES, seen(name="rule", strange=False))
    assert parts(*both) == [["new"], ["rule"]]
    assert len(parts(both[0], (RULES, seen(name="rule")))) == 1


def test_addresses_inside_are_no_tie():
    inside = {"address": "10.0.0.7"}
    assert len(parts((ORIGIN, seen(name="new", **inside)), (RULES, seen(name="rule", **inside)))) == 2


def test_what_names_very_many_accounts_ties_nothing_together():
    others = tuple(("account", f"corp\\user{n}", "target") for n in range(40))
    spray = (ORIGIN, seen(name="spray", more=others))
    assert len(parts(spray, (RULES, seen(name="rule")), (DOOR, seen("corp\\user3", name="read")))) == 3


def test_a_chain_of_places_is_one_happening_in_any_order():
    both = seen(name="moves", more=(("address", "203.0.113.99", "source"),))
    found = [(ORIGIN, seen(name="new")), (DOOR, both), (RULES, seen(name="rule", address="203.0.113.99", at=20))]
    assert parts(*found) == parts(*reversed(found))
    assert len(parts(*found)) == 1


def test_the_finding_spans_all_parts_and_says_each():
    (happening,) = happenings(
        [(ORIGIN, seen(name="new", n_days=2)), (DOOR, seen(name="read", at=30, level=Level.HIGH))]
    )
    observed = Observed(happening, lambda _file, _host: 0)
    blank = Clause(kind="and", label="", children=())
    evidence = {
        key: Evidence(ref=EventRef(file="log", record=key.match.number, at=None), matched=blank, original="")
        for key in observed.keys
    }
    finding = observed.finding(evidence)
    assert finding.detector.id == "behaviour-mailbox-door"
    assert {*DOOR.detector.techniques, *ORIGIN.detector.techniques} == set(finding.detector.techniques)
    assert (finding.count, finding.n_days, finding.detector.level) == (30, 2, Level.HIGH)
    assert finding.first_at < finding.last_at
    first, last = finding.evidence
    assert (first.matched.label, last.matched.label) == ("corp\\ann was seen new.", "corp\\ann was seen read.")
    also = {clause.label: clause.value for clause in last.matched.children}
    assert also[f"also: {ORIGIN.detector.title}"] == "corp\\ann was seen new."
