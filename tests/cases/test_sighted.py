"""A hit raises or lowers the confidence in an indicator, by a number that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from stillhunt.cases.sighted import sighted, updated
from stillhunt.detection.finding import Detector, Finding
from stillhunt.detection.indicators.saying import Said, Saying
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

AT = datetime(2024, 3, 25, tzinfo=UTC)


def finding(name, *, host="", kind="indicator", level=Level.MEDIUM, state="", caution="", address=""):
    tail = f" ({state})" if state else ""
    entities = [Entity(EntityKind.HOST, host)] if host else []
    entities += [Entity(EntityKind.ADDRESS, address, "source")] if address else []
    return Finding(
        id=name,
        detector=Detector(
            kind=kind,
            id=f"indicator:domain:evil.example{tail}" if kind == "indicator" else "r-1",
            title="Indicator: evil.example",
            description="[domain-name:value = 'evil.example']",
            level=level,
            path="a.csv",
            false_positives=(caution,) if caution else (),
        ),
        first_at=AT,
        last_at=AT,
        count=1,
        entities=tuple(entities),
        evidence=(),
    )


def case_of(*names):
    return SimpleNamespace(id=f"case-{names[0]}", findings=names, context=())


def judged(findings, *cases, n_machines=100, confidence=50):
    said = (Said(saying=Saying(source="A report", confidence=confidence)),)
    (one,) = sighted(findings, cases, lambda _: said, n_machines=n_machines)
    return one


@pytest.mark.parametrize(
    ("before", "factor", "after"),
    [(50, 3, 75), (75, 3, 90), (50, 1 / 3, 25), (25, 1 / 3, 10), (80, 3, 92), (98, 3, 99), (2, 1 / 3, 1), (50, 1, 50)],
)
def test_confidence_is_updated_in_odds(before, factor, after):
    assert updated(before, factor) == after


def test_what_a_case_confirms_goes_up():
    met, other = finding("a", host="ws1"), finding("b", host="ws1", kind="sigma", level=Level.HIGH)
    one = judged([met, other], case_of("a", "b"))
    assert (one.before, one.after, one.delta) == (50, 75, 25)
    assert one.why == "up: met while it was valid, and its case holds other evidence that no indicator made"


@pytest.mark.parametrize(
    "other",
    [finding("b", host="ws1"), finding("b", host="ws1", kind="sigma", level=Level.LOW)],
    ids=["another indicator", "a low finding"],
)
def test_what_says_nothing_of_its_own_confirms_nothing(other):
    assert judged([finding("a", host="ws1"), other], case_of("a", "b")).delta == 0


def test_an_expired_indicator_is_not_raised_by_a_case():
    met, other = finding("a", host="ws1", state="expired"), finding("b", host="ws1", kind="sigma")
    one = judged([met, other], case_of("a", "b"))
    assert (one.delta, one.states) == (0, ("expired",))
    assert one.why.endswith("it was no longer valid when it was met")


def test_what_most_machines_meet_goes_down_whatever_else_was_found():
    met = [finding(f"a{n}", host=f"ws{n}") for n in range(6)]
    other = finding("b", host="ws1", kind="sigma", level=Level.HIGH)
    one = judged([*met, other], case_of("a1", "b"), n_machines=10)
    assert (one.before, one.after) == (50, 25)
    assert one.why == "down: 6 of 10 machines met it, most of the population"


def test_what_many_machines_meet_without_anything_else_goes_down():
    one = judged([finding(f"a{n}", host=f"ws{n}") for n in range(5)], n_machines=1_000)
    assert (one.delta, one.n_hosts) == (-25, 5)
    assert one.why == "down: 5 of 1,000 machines met it, and nothing else was found of any of them"


def test_one_machine_and_nothing_else_says_neither():
    one = judged([finding("a", host="ws1")], n_machines=1)
    assert (one.delta, one.why) == (0, "no change: 1 machine met it, and nothing else was found beside it")


def test_a_small_estate_is_no_population():
    assert judged([finding(f"a{n}", host=f"ws{n}") for n in range(3)], n_machines=4).delta == 0


def test_what_is_known_to_be_shared_keeps_its_confidence():
    one = judged([finding(f"a{n}", host=f"ws{n}", caution="a public resolver") for n in range(9)], n_machines=10)
    assert (one.delta, one.caution) == (0, "a public resolver")


def test_on_a_sensor_the_address_of_the_house_is_the_machine():
    met = replace(
        finding("a"),
        entities=(Entity(EntityKind.ADDRESS, "10.0.0.5", "source"), Entity(EntityKind.ADDRESS, "8.8.8.8", "target")),
    )
    assert judged([met]).hosts == ("10.0.0.5",)


def test_a_source_that_is_certain_stays_so():
    met, other = finding("a", host="ws1"), finding("b", host="ws1", kind="sigma", level=Level.HIGH)
    assert judged([met, other], case_of("a", "b"), confidence=100).after == 100
