"""Records are found whatever holds them, and damage costs its own record."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.telemetry import json_records as module
from stillhunt.telemetry.json_records import cut_json_lines, excerpt_json_line, flatten, json_records, sample_records
from stillhunt.telemetry.source import LogFile

RECORDS = [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "}{"}}, {"a": 3}]
WRAPPERS = frozenset({"Records"})


def found(content, only=None):
    log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)), only=only)
    return [(r.number, r.value) for r in json_records(log, wrappers=WRAPPERS)], log


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(r) for r in RECORDS),
        "".join(json.dumps(r) + "\r\n" for r in RECORDS),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        json.dumps({"Records": RECORDS}),
        json.dumps({"next": {"a": [1]}, "Records": RECORDS, "more": 1}, indent=1),
        "\n".join(json.dumps(r, indent=2) for r in RECORDS),
        json.dumps({"Records": RECORDS[:1]}) + json.dumps({"Records": RECORDS[1:]}),
        "[\n" + ",\n".join(json.dumps(r) for r in RECORDS) + "\n]",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_every_holder_gives_the_same_records(text, encoding):
    records, log = found(text.encode(encoding))
    assert [value for _, value in records] == RECORDS
    assert log.n_unread == 0


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1,"b":{"c":"x"}}\n{"a":2,"b":{"c":"x"\n{"a":3}\n',
        b'{"Records":[{"a":1,"b":{"c":"x"}},{"a":2,"b":{"c":x}},{"a":3}]}',
        b'[{"a":1,"b":{"c":"x"}},{"a":3},{"a":2,"b":{"c":"x"',
        b'[\n  {"a": 1, "b": {"c": "x"}},\n  {"a": ,"b": {"c": "x"}},\n  {"a": 3}\n]',
    ],
)
def test_a_broken_record_costs_itself_alone(content):
    records, log = found(content)
    assert [value["a"] for _, value in records] == [1, 3]
    assert log.n_unread == 1


def test_large_arrays_are_read_in_parts_with_the_same_numbers(monkeypatch):
    monkeypatch.setattr(module, "_WHOLE", 1_000)
    records = [{"a": i, "text": "x" * 50} for i in range(200)]
    content = json.dumps({"Records": records}, indent=1).encode()
    assert [number for number, _ in found(content)[0]] == list(range(1, 201))
    assert [value["a"] for _, value in found(content, only={7: frozenset()})[0]] == [6]


def test_a_line_keeps_its_number_and_its_text():
    content = b'\n{"a": 1}\n\nno json\n{"a": 2}\n'
    log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)), only={5: frozenset(), 4: frozenset()})
    assert [(r.number, r.text) for r in json_records(log)] == [(5, '{"a": 2}')]
    assert log.problems[0].where == "f:4"


def test_what_a_beginning_holds_is_seen_though_it_is_cut_off():
    whole = json.dumps({"Records": RECORDS}).encode()
    assert sample_records(whole[:-5], wrappers=WRAPPERS) == RECORDS[:2]
    assert sample_records(b"key: value") == []


def test_names_are_dotted_and_lists_share_one():
    record = {"a": {"b": [1, 2, {"c": False}]}, "d": [], "e": None, "f": "", "g": 1.50}
    assert flatten(record) == {"a.b": ["1", "2"], "a.b.c": "false", "f": "", "g": "1.5"}


def test_a_record_with_endless_names_is_bounded():
    assert max(name.count(".") for name in flatten({"a": {"b": 1}, "y": _nested(60)})) <= 40
    assert found(json.dumps({str(i): {"x": i} for i in range(10_000)}).encode())[1].n_unread == 0


def _nested(depth):
    return {"x": _nested(depth - 1)} if depth else 1


def test_pieces_and_excerpts_fall_between_lines():
    content = b"".join(json.dumps({"a": i, "pad": "p" * 100}).encode() + b"\n" for i in range(1_000))
    cuts = cut_json_lines(io.BytesIO(content), 4)
    assert [content[c.start : c.start + 5] for c in cuts] == [b'{"a":'] * 4
    assert cuts[2].first == content[: cuts[2].start].count(b"\n")
    excerpt = excerpt_json_line(io.BufferedReader(io.BytesIO(content)), 500)
    assert json.loads(excerpt.content)["a"] == 499
    wrapped = b'{"Records": [{"a": 1}]}\n' * 2
    assert excerpt_json_line(io.BufferedReader(io.BytesIO(wrapped)), 1, wrappers=WRAPPERS) is None
    assert len(cut_json_lines(io.BytesIO(wrapped), 2, wrappers=WRAPPERS)) == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text('{}[]",:a1\n\\ ', max_size=200).map(str.encode))
def test_nothing_makes_it_fail(content):
    found(content)
    sample_records(content, wrappers=WRAPPERS)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_cutting_a_file_loses_at_most_what_was_cut(data):
    content = json.dumps({"Records": RECORDS}).encode()
    end = data.draw(st.integers(0, len(content)))
    values = [value for _, value in found(content[:end])[0]]
    assert values == RECORDS[: len(values)]
