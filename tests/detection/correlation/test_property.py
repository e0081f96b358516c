"""Random correlations over random events agree with a reading of the specification that does it the long way.

The long way looks at every moment of every group, takes the events of the timespan that ends there, and measures
them afresh; moments that satisfy the condition without pause are one alert.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby, permutations, product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.detection.correlation.chain import needed_fields
from stillhunt.detection.correlation.condition import Comparison, Expression
from stillhunt.detection.correlation.correlate import correlate
from stillhunt.detection.correlation.gather import field_column
from stillhunt.detection.correlation.model import Correlation
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

RULES = ("a", "b", "c")
COMPARE = {
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
    "eq": lambda value, limit: value == limit,
    "neq": lambda value, limit: value != limit,
}
DETECTOR = Detector(kind="sigma-correlation", id="it", title="it", description="", level=Level.HIGH, path="it.yml")

events = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 30)),  # when
        st.sampled_from(RULES),  # which rule
        st.sampled_from(["x", "X", "y", "", None]),  # group
        st.sampled_from(["1", "2", "-3", "0x5", "2.5", "many", None]),  # value
    ),
    max_size=25,
)


def expressions(rules):
    leaf = st.sampled_from(rules).map(lambda rule: Expression(kind="rule", rule=rule))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)).map(
                lambda drawn: Expression(kind=drawn[0], parts=tuple(drawn[1]))
            ),
            inner.map(lambda part: Expression(kind="not", parts=(part,))),
        ),
        max_leaves=4,
    )


@st.composite
def correlations(draw):
    kind = draw(
        st.sampled_from(
            [
                "event_count",
                "value_count",
                "value_sum",
                "value_avg",
                "value_median",
                "value_percentile",
                "temporal",
                "temporal_ordered",
            ]
        )
    )
    is_temporal = kind.startswith("temporal")
    with_expression = is_temporal and draw(st.booleans())
    n_rules = len(RULES) if with_expression else draw(st.integers(1, 3))
    limits = st.integers(0, 3) if is_temporal else st.integers(-2, 8)
    comparison = st.builds(
        lambda operator, number: Comparison(operator=operator, number=number), st.sampled_from(sorted(COMPARE)), limits
    )
    return Correlation(
        detector=DETECTOR,
        type=kind,
        rules=RULES[:n_rules],
        timespan_us=draw(st.sampled_from([0, 1, 4, 10])),
        group_by=draw(st.sampled_from([(), ("group",)])),
        comparisons=() if with_expression else tuple(draw(st.lists(comparison, min_size=1, max_size=2))),
        expression=draw(expressions(RULES)) if with_expression else None,
        fields=("value",) if kind.startswith("value") else (),
        percentile=draw(st.sampled_from([0, 10, 50, 99.5, 100])) if kind == "value_percentile" else None,
    )


def tables(correlation, drawn):
    needed = needed_fields([correlation])
    found = {}
    for rule in RULES:
        rows = [(ref, *event) for ref, event in enumerate(drawn) if event[1] == rule]
        columns = {
            "at": pa.array([row[1] for row in rows], pa.int64()),
            "ref": pa.array([row[0] for row in rows], pa.int64()),
        }
        for name in needed.get(rule, ()):
            place = {"group": 3, "value": 4}[name]
            columns[field_column(name)] = pa.array([row[place] for row in rows], pa.string())
        found[rule] = pa.table(columns)
    return found


def the_long_way(correlation, drawn):
    """Return (first, last, value, events) of every alert."""
    groups = {}
    for ref, (at, rule, group, value) in enumerate(drawn):
        if at is None or rule not in correlation.rules:
            continue
        if correlation.group_by and not group:
            continue
        number = number_of(value)
        if correlation.fields and (not value if correlation.type == "value_count" else number is None):
            continue
        key = group.lower() if correlation.group_by else ""
        groups.setdefault(key, []).append((at, rule, value if correlation.type == "value_count" else number, ref))
    return sorted(alert for held in groups.values() for alert in alerts_of(correlation, held))


def alerts_of(correlation, held):
    moments = sorted({at for at, *_ in held})
    windows = [[event for event in held if now - correlation.timespan_us <= event[0] <= now] for now in moments]
    levels = [level(correlation, window) for window in windows]
    is_least_told = bool(correlation.comparisons) and all(c.operator in {"lt", "lte"} for c in correlation.comparisons)
    for is_held, numbers in groupby(range(len(moments)), key=lambda n: holds(correlation, levels[n])):
        run = list(numbers)
        if is_held:
            first, last = min(at for at, *_ in windows[run[0]]), moments[run[-1]]
            told = (min if is_least_told else max)(levels[n] for n in run)
            yield first, last, told, sum(first <= at <= last for at, *_ in held)


def holds(correlation, value):
    if correlation.expression is not None:
        return value > 0
    return all(COMPARE[c.operator](value, c.number) for c in correlation.comparisons)


def level(correlation, window):
    values = sorted(event[2] for event in window) if correlation.fields else []
    match correlation.type:
        case "event_count":
            return len(window)
        case "value_count":
            return len(set(values))
        case "value_sum":
            return sum(values)
        case "value_avg":
            return sum(values) / len(values)
        case "value_median":
            return quantile(values, Fraction(1, 2))
        case "value_percentile":
            return quantile(values, Fraction(str(correlation.percentile)) / 100)
        case "temporal":
            return near(correlation, {rule for _, rule, *_ in window})
    return ordered(correlation, window)


def quantile(values, part):
    place = (len(values) - 1) * part
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def near(correlation, present):
    if correlation.expression is not None and not true_of(correlation.expression, present):
        return 0
    return len(present)


def ordered(correlation, window):
    if correlation.expression is None:
        return max(len(rules) for rules in choices(correlation.rules) if in_order(rules, window))
    present = {rule for _, rule, *_ in window}
    ways = [
        (set(wanted), set(absent))
        for wanted, absent in product(choices(RULES), repeat=2)
        if not set(wanted) & set(absent) and forces(correlation.expression, set(wanted), set(absent))
    ]
    least = [one for one in ways if not any(w <= one[0] and a <= one[1] and (w, a) != one for w, a in ways)]
    return max(
        (max(1, len(wanted)) for wanted, absent in least if not absent & present and in_order(sorted(wanted), window)),
        default=0,
    )


def choices(rules):
    """Return every choice of rules, in their order."""
    kept = product([False, True], repeat=len(rules))
    return [[rule for rule, is_kept in zip(rules, mask, strict=True) if is_kept] for mask in kept]


def forces(expression, present, absent):
    """Whether the expression is true whatever the rules that are neither present nor absent do."""
    rest = [rule for rule in RULES if rule not in present | absent]
    return all(
        true_of(expression, present | {r for r, there in zip(rest, choice, strict=True) if there})
        for choice in product([False, True], repeat=len(rest))
    )


def in_order(rules, window):
    """Whether events of these rules, one each, come in their order; equal times are in order."""
    at = -1
    for rule in rules:
        later = [event[0] for event in window if event[1] == rule and event[0] >= at]
        if not later:
            return False
        at = min(later)
    return True


def true_of(expression, present):
    if expression.kind == "rule":
        return expression.rule in present
    parts = [true_of(part, present) for part in expression.parts]
    return {"and": all(parts), "or": any(parts), "not": not parts[0]}[expression.kind]


def number_of(text):
    try:
        return Fraction(int(text, 16)) if text and text.startswith("0x") else Fraction(text)
    except (TypeError, ValueError):
        return None


@settings(max_examples=600, deadline=None)
@given(correlations(), events)
def test_alerts_agree_with_the_long_way(correlation, drawn):
    found = correlate([correlation], tables(correlation, drawn))
    told = sorted((a.first_at, a.last_at, a.value, a.n_occurrences) for a in found.alerts)
    expected = [(first, last, value, n) for first, last, value, n in the_long_way(correlation, drawn)]
    assert [alert[:2] + alert[3:] for alert in told] == [alert[:2] + alert[3:] for alert in expected]
    assert [alert[2] for alert in told] == pytest.approx([float(alert[2]) for alert in expected])


@settings(max_examples=100, deadline=None)
@given(correlations(), events.filter(len), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(correlation, drawn, random):
    given_so = tables(correlation, drawn)
    shuffled = {}
    for rule, table in given_so.items():
        places = list(range(table.num_rows))
        random.shuffle(places)
        shuffled[rule] = table.take(pa.array(places, pa.int64()))
    assert correlate([correlation], given_so) == correlate([correlation], shuffled)


def test_permutations_of_three_rules_are_told_apart():
    correlation = Correlation(
        detector=DETECTOR,
        type="temporal_ordered",
        rules=RULES,
        timespan_us=10,
        comparisons=(Comparison(operator="gte", number=3),),
    )
    for order in permutations(RULES):
        drawn = [(at, rule, None, None) for at, rule in enumerate(order)]
        assert bool(correlate([correlation], tables(correlation, drawn)).alerts) == (order == RULES)
