"""STIX patterns say of an event what the reference matcher says of an observation."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.detection.indicators.fields import log_fields
from stillhunt.detection.indicators.pattern import Field, compile_pattern
from stillhunt.errors import RuleError
from stillhunt.kernel.program import Program
from stillhunt.kernel.run import Batch, Memory, run

NAMES = ("alpha", "Alpha", "beta.exe", "it's", "a%b", "")
SIZES = (0, 7, 10, 1000)


def as_logged(path):
    return (Field(name=path, is_cased=True),)


def matches(pattern, row, fields=as_logged):
    program = Program([compile_pattern(pattern, fields)])
    columns = {name: pa.array([None if value is None else str(value)]) for name, value in row.items()}
    data = pa.RecordBatch.from_pydict(columns)
    return bool(dict(run(Batch(data, Memory(program), program.scope([0]), keyword_fields=data.schema.names))))


def reference(pattern, row):
    matcher = pytest.importorskip("stix2matcher.matcher")
    shown = {k.partition(":")[2]: v for k, v in row.items() if v is not None}
    observed = {
        "type": "observed-data",
        "id": "observed-data--00000000-0000-4000-8000-000000000000",
        "spec_version": "2.1",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "first_observed": "2024-01-01T00:00:00Z",
        "last_observed": "2024-01-01T00:00:00Z",
        "number_observed": 1,
        "object_refs": ["file--00000000-0000-4000-8000-000000000001"],
    }
    thing = {"type": "file", "id": "file--00000000-0000-4000-8000-000000000001", "spec_version": "2.1", **shown}
    bundle = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000002", "objects": [observed, thing]}
    return bool(matcher.match(pattern, [bundle], stix_version="2.1"))


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


names = st.sampled_from(NAMES)
tests = st.one_of(
    st.builds(lambda v, n: f"file:name{n} = {quoted(v)}", names, st.sampled_from(["", " NOT"])),
    st.builds(lambda v: f"file:name != {quoted(v)}", names),
    st.builds(lambda v: f"file:name IN ({', '.join(map(quoted, v))})", st.lists(names, min_size=1, max_size=3)),
    st.builds(lambda v: f"file:name LIKE {quoted(v)}", st.sampled_from(["%a", "al%", "_lpha", "beta.exe", "%", "a%b"])),
    st.builds(lambda v: f"file:name MATCHES {quoted(v)}", st.sampled_from(["^al", "a$", "[.]exe", "lph"])),
    st.builds(lambda o, v: f"file:size {o} {v}", st.sampled_from(["<", "<=", ">", ">=", "="]), st.sampled_from(SIZES)),
)
conditions = st.recursive(
    tests,
    lambda inner: st.builds(lambda a, w, b: f"({a} {w} {b})", inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=4,
)
rows = st.fixed_dictionaries({"file:name": st.sampled_from(NAMES[:-1]), "file:size": st.sampled_from(SIZES)})


@settings(max_examples=150, deadline=None)
@given(conditions, rows)
def test_the_kernel_agrees_with_the_reference_matcher(condition, row):
    pattern = f"[{condition}]"
    assert matches(pattern, row) == reference(pattern, row), pattern


@pytest.mark.parametrize(
    ("pattern", "row", "expected"),
    [
        ("[a-b:c = 'x'] OR [a-b:c = 'y']", {"a-b:c": "y"}, True),
        ("([a-b:c = 'x'] OR [a-b:c = 'y'])", {"a-b:c": "z"}, False),
        ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", {"ipv4-addr:value": "192.0.2.7"}, True),
        ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", {"ipv4-addr:value": "198.51.100.7"}, False),
        ("[EXISTS file:name]", {"file:name": "x"}, True),
        ("[file:hashes.'SHA-256' = 'ab']", {"file:hashes.'SHA-256'": "ab"}, True),
        (r"[file:name = 'it\'s \\ here']", {"file:name": r"it's \ here"}, True),
    ],
)
def test_patterns_are_read_as_the_standard_says(pattern, row, expected):
    assert matches(pattern, row) is expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[file:name = 'a'] AND [file:name = 'b']", "several events"),
        ("[file:name = 'a'] FOLLOWEDBY [file:name = 'b']", "several events"),
        ("[file:name = 'a'] REPEATS 5 TIMES", "several events"),
        ("[file:name = 'a'", "is expected"),
        ("[file:name = ]", "no value"),
        ("file:name = 'a'", "is expected"),
        ("", "is expected"),
        ("[file:name ~ 'a']", "no part of a pattern"),
        ("[" + "(" * 99 + "file:name = 'a'" + ")" * 99 + "]", "lie within each other"),
    ],
)
def test_what_cannot_be_hunted_for_is_refused_with_its_reason(pattern, reason):
    with pytest.raises(RuleError, match=reason) as caught:
        compile_pattern(pattern, as_logged)
    assert caught.value.where == pattern[:200]


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused(text):
    try:
        compile_pattern(text, as_logged)
    except RuleError:
        return
    assert "[" in text


@pytest.mark.parametrize(
    ("pattern", "row"),
    [
        ("[domain-name:value = 'evil.example']", {"QueryName": "EVIL.example"}),
        ("[file:hashes.MD5 = 'ab']", {"Hashes": "SHA1=00,MD5=AB,SHA256=11"}),
        ("[file:name = 'a.exe']", {"Image": r"C:\Windows\A.exe"}),
        ("[file:name = 'a.exe']", {"OriginalFileName": "a.exe"}),
        ("[ipv4-addr:value = '192.0.2.7']", {"destination.ip": "192.0.2.7"}),
    ],
)
def test_patterns_meet_logs_as_they_are_written(pattern, row):
    assert matches(pattern, row, log_fields)


def test_a_name_is_not_the_end_of_another():
    assert not matches("[file:name = 'a.exe']", {"Image": r"C:\Windows\banana.exe"}, log_fields)
