from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from stillhunt.detection.sigma.compile import compile_rule
from stillhunt.errors import RuleError
from stillhunt.kernel.program import Node, Predicate, Program
from stillhunt.kernel.run import Batch, Column, Memory, run

FIELDS = ("One", "Two", "Many")
# Few letters and short texts, so that patterns and values meet often.
SHORT = st.text("aAb", max_size=2)
ODD = st.sampled_from(
    [
        "\\",
        "\\*",
        "*",
        "?",
        "-a",
        "/a",
        "\u2013a",
        "a -b",
        "\u017f",
        "é",
        "É",
        "YWI=",
        "true",
        "a\nb",
        ".",
        "*a*",
        "a?b",
    ]
)
NUMBERS = st.sampled_from(["1", "2", "0x1", "0x02", "-1", "1.5", "10.0.0.1", "fe80::1", "2021-08-24 03:12:09"])
PATTERN_TEXTS = SHORT | SHORT | ODD
TEXTS = SHORT | st.builds("{}{}{}".format, SHORT, ODD, SHORT) | NUMBERS
PLAIN_VALUES = PATTERN_TEXTS | PATTERN_TEXTS | st.integers(0, 3) | st.booleans() | st.none()
STRING_MODIFIERS = st.sampled_from(
    [
        "|contains",
        "|contains|all",
        "|startswith",
        "|endswith",
        "|cased",
        "|contains|cased",
        "|startswith|cased",
        "|endswith|cased",
        "|neq",
        "|windash",
        "|windash|contains",
        "|base64",
        "|base64offset|contains",
        "|wide|base64offset|contains",
    ]
)


def items(modifiers, values):
    return st.tuples(st.sampled_from(FIELDS), modifiers, values)


PATTERNS = st.sampled_from(
    [
        "a",
        "^a",
        "a+b",
        "[ab]{2}",
        "a|b",
        "(ab)+",
        r"\\",
        "a.b",
        r"\.",
        "(?:a|b)B",
        "A?b",
        "b$",
        "s",
        r"a\b",
        "a{0,2}b",
        "aab*",
        r"\x61b",
    ]
)
STRING_ITEMS = items(STRING_MODIFIERS, PATTERN_TEXTS | st.lists(PATTERN_TEXTS, min_size=1, max_size=3))
PLAIN_ITEMS = items(st.just(""), PLAIN_VALUES | st.lists(PLAIN_VALUES, max_size=3))
REGEX_ITEMS = items(st.sampled_from(["|re", "|re|i", "|re|s", "|re|m", "|re|i|m|s"]), PATTERNS)
OTHER_ITEMS = st.one_of(
    items(st.just("|cidr"), st.sampled_from(["10.0.0.0/8", "fe80::/10", "10.0.0.1/32"])),
    items(st.sampled_from(["|gt", "|gte", "|lt", "|lte"]), st.integers(-1, 3)),
    items(st.just("|exists"), st.booleans()),
    items(st.sampled_from(["|hour", "|week", "|year"]), st.sampled_from([3, 34, 2021])),
    items(
        st.sampled_from(["|fieldref", "|fieldref|startswith", "|fieldref|endswith", "|fieldref|contains"]),
        st.sampled_from([*FIELDS, "Absent"]),
    ),
)
ITEMS = st.sampled_from([STRING_ITEMS] * 4 + [PLAIN_ITEMS] * 3 + [REGEX_ITEMS] * 2 + [OTHER_ITEMS]).flatmap(lambda s: s)
KEYWORDS = st.lists(PATTERN_TEXTS.filter(bool) | st.integers(0, 3), min_size=1, max_size=3)
MAPPINGS = st.lists(ITEMS, min_size=1, max_size=2).map(lambda items: {f + m: v for f, m, v in items})
DETECTIONS = st.sampled_from([MAPPINGS] * 4 + [st.lists(MAPPINGS, min_size=1, max_size=2), KEYWORDS]).flatmap(
    lambda s: s
)
CONDITIONS = st.sampled_from(
    [
        *["sel1"] * 4,
        "sel1 and sel2",
        "sel1 or sel2",
        "sel1 and not sel2",
        "not sel1",
        "1 of sel*",
        "all of them",
        "not 1 of sel*",
        "sel1 or not (sel2 and other)",
        "other and not 1 of sel*",
        ["sel1", "other"],
    ]
)
RULES = st.builds(
    lambda one, two, other, condition: {
        "title": "a rule",
        "logsource": {"product": "windows"},
        "detection": {"sel1": one, "sel2": two, "other": other, "condition": condition},
    },
    DETECTIONS,
    DETECTIONS,
    DETECTIONS,
    CONDITIONS,
)
EVENTS = st.lists(
    st.fixed_dictionaries({}, optional={"One": TEXTS, "Two": TEXTS, "Many": st.none() | st.lists(TEXTS, max_size=3)}),
    min_size=1,
    max_size=12,
)


def matched(conditions, data, memory=None):
    memory = memory or Memory(Program(conditions))
    scope = memory.program.scope(range(len(conditions)))
    return dict(run(Batch(data, memory, scope, keyword_fields=data.schema.names)))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules=st.lists(RULES, min_size=3, max_size=6), events=EVENTS)
def test_columns_and_rows_give_the_same_answer(rules, events, oracle, as_columns):
    sound = []
    for rule in rules:
        try:
            parsed = SigmaRule.from_dict(rule)
            sound.append((parsed, compile_rule(parsed)))
        except (SigmaError, RuleError):
            continue
    expected = {}
    for number, (parsed, _) in enumerate(sound):
        rows = [row for row, event in enumerate(events) if oracle.holds(parsed, event)]
        if rows:
            expected[number] = rows
    assert matched([condition for _, condition in sound], as_columns(events)) == expected


def question(field, kind, text="", **more):
    return Node(kind="test", predicates=(Predicate(field=field, kind=kind, text=text, **more),))


def test_a_slice_of_a_batch_has_its_own_rows(as_columns):
    events = [{"One": "a" if n % 3 == 0 else "b", "Many": ["x"] if n % 5 == 0 else ["y", "z"]} for n in range(200)]
    data = as_columns(events).slice(7, 150)
    expected_one = [n - 7 for n in range(7, 157) if n % 3 == 0]
    expected_many = [n - 7 for n in range(7, 157) if n % 5]
    assert matched([question("One", "equals", "a"), question("Many", "endswith", "z")], data) == {
        0: expected_one,
        1: expected_many,
    }


def test_an_empty_batch_matches_nothing(as_columns):
    data = as_columns([{"One": "a"}]).slice(0, 0)
    assert matched([question("One", "null"), question("One", "equals", "a")], data) == {}


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None, "b"]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["a", None, "b"])),
        pa.DictionaryArray.from_arrays(pa.array([2, 3, 1], pa.int8()), pa.array(["unused", "b", "a", None])),
        pa.array([["a"], None, ["b"]]),
    ],
)
def test_text_is_read_however_arrow_holds_it(array):
    column = Column(array)
    assert [column.values(row) for row in range(3)] == [["a"], [], ["b"]]
    assert (column.existing, column.filled) == (0b101, 0b101)


def test_numbers_and_times_of_arrow_are_read_as_text():
    data = pa.RecordBatch.from_pydict({"Count": pa.array([1, 20, None]), "Is": pa.array([True, False, None])})
    conditions = [question("Count", "number", number=20), question("Is", "equals", "true"), question("Count", "null")]
    assert matched(conditions, data) == {0: [1], 1: [0], 2: [2]}


def test_what_is_remembered_of_values_changes_no_answer(as_columns, monkeypatch):
    monkeypatch.setattr("stillhunt.kernel.run._MEMORY_CHARACTERS", 300)
    monkeypatch.setattr("stillhunt.kernel.run._LONG", 8)
    conditions = [question("One", "contains", "7"), question(None, "contains", "x" * 9)]
    memory = Memory(Program(conditions))
    for start in (0, 50, 0, 25):
        events = [{"One": str(n), "Two": "x" * (n % 12)} for n in range(start, start + 60)]
        expected = {
            0: [row for row, event in enumerate(events) if "7" in event["One"]],
            1: [row for row, event in enumerate(events) if len(event["Two"]) >= 9],
        }
        assert matched(conditions, as_columns(events), memory) == expected


def test_a_condition_is_looked_at_only_if_its_trigger_holds(as_columns):
    both = Node(kind="and", children=(question("One", "equals", "a"), question("Two", "contains", "rare")))
    either = Node(kind="or", children=(question("One", "equals", "zz"), question("Two", "contains", "zz")))
    negative = Node(kind="not", children=(question("One", "equals", "a"),))
    program = Program([both, either, negative])
    batch = Batch(
        as_columns([{"One": "a", "Two": "common"}]), Memory(program), program.scope([0, 1, 2]), keyword_fields=[]
    )
    assert batch.candidates() == [2]
    assert program.untriggered == {2}


def test_a_condition_out_of_scope_is_not_looked_at(as_columns):
    program = Program([question("One", "equals", "a"), question("One", "startswith", "a")])
    batch = Batch(as_columns([{"One": "a"}]), Memory(program), program.scope([1]), keyword_fields=["One"])
    assert dict(run(batch)) == {1: [0]}
