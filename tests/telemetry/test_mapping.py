"""Mappings: logs that no source knows, described by their owner; and what is said of a description that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stillhunt
from stillhunt.errors import InputError
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.mapping import load_mappings
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.recognition import mapping_of

JSON_MAPPING = """
name: Keycloak
recognise: [eventType, ts, details.username]
time: {field: ts, format: epoch-ms}
logsource: {product: keycloak, service: events}
fields: {user: details.username}
common:
  user.target.name: details.username
  source.ip: ipAddress
  event.action: eventType
  event.outcome: {field: error, values: {"": success, "*": failure}}
  host.name: {value: SSO1}
"""
TABLE_MAPPING = """
recognise: [When, Who, What]
time: {field: When, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
logsource: {product: vpn, category: [authentication]}
common: {user.name: Who}
"""
TEXT_MAPPING = r"""
pattern: '^(?P<at>\S+) \[(?P<level>\w+)\] (?P<user>\w+) from (?P<ip>\S+): (?P<message>.*)$'
time: at
logsource: {product: app}
common: {user.name: user, source.ip: ip}
"""
JSON_LOG = '{"ts":1616850416123,"eventType":"LOGIN","details":{"username":"Bob@example.org"},"ipAddress":"192.0.2.7"}\n'
TABLE_LOG = "When;Who;What\n27.03.2021 14:06;bob;logon\n"
TEXT_LOG = "2021-03-27T13:06:56Z [info] bob from 192.0.2.7: hello\nno such line\n"


@pytest.fixture
def read(tmp_path):
    def act(mapping, log, **options):
        (tmp_path / "map.yaml").write_text(mapping)
        path = tmp_path / "some.log"
        path.write_text(log)
        mappings = load_mappings([tmp_path / "map.yaml"])
        reading = Reading([path], options=ReadOptions(mappings=mappings, **options))
        batches = list(reading.batches())
        return batches, [row for batch in batches for row in batch.data.to_pylist()], reading.coverage()

    return act


def test_json_gets_the_fields_columns_and_log_source_of_its_mapping(read):
    [batch], [row], coverage = read(JSON_MAPPING, JSON_LOG + JSON_LOG.replace("}\n", ',"error":"bad"}\n')[:0])
    assert (batch.event_class.product, batch.event_class.services) == ("keycloak", {"events"})
    assert coverage.files[0].source == "mapped"
    expected = {
        "user": "Bob@example.org",
        "details.username": "Bob@example.org",
        "source.ip": "192.0.2.7",
        "user.target.name": "example\\bob",
        "event.action": "LOGIN",
        "event.outcome": "success",
        "host.name": "sso1",
    }
    assert expected.items() <= row.items()
    assert row["@timestamp"].isoformat() == "2021-03-27T13:06:56.123000+00:00"


def test_values_say_what_a_column_holds(read):
    _, rows, _ = read(JSON_MAPPING, JSON_LOG.replace("}\n", ',"error":"invalid_user"}\n'))
    assert [row["event.outcome"] for row in rows] == ["failure"]


def test_a_table_has_the_time_zone_of_its_mapping(read):
    [batch], [row], _ = read(TABLE_MAPPING, TABLE_LOG)
    assert batch.event_class.categories == {"authentication"}
    assert (row["user.name"], row["What"]) == ("bob", "logon")
    assert row["@timestamp"].isoformat() == "2021-03-27T13:06:00+00:00"


def test_lines_are_taken_apart_by_a_pattern_and_others_are_counted(read):
    _, [row], coverage = read(TEXT_MAPPING, TEXT_LOG)
    assert (row["user.name"], row["source.ip"], row["message"], row["event.record"]) == ("bob", "192.0.2.7", "hello", 1)
    assert coverage.files[0].n_unread == 1


def test_a_mapping_goes_before_the_source_that_knows_the_log(read):
    log = '192.0.2.7 - - [27/Mar/2021:13:06:56 +0100] "GET /x HTTP/1.1" 200 1\n'
    _, _, coverage = read("pattern: '^(?P<ip>\\S+) .*'\nlogsource: {product: x}\n", log)
    assert coverage.files[0].source == "mapped"


def test_a_log_that_only_a_mapping_could_describe_is_said_to_be_one(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}\n')
    reading = Reading([tmp_path / "x.json"])
    with pytest.raises(InputError):
        list(reading.batches())
    assert any("--mapping" in (problem.hint or "") for problem in reading.coverage().problems)


def test_a_hunt_finds_what_a_rule_asks_of_a_mapped_log(tmp_path):
    (tmp_path / "map.yaml").write_text(JSON_MAPPING)
    (tmp_path / "rule.yml").write_text(
        "title: Logon\nid: 00000000-0000-4000-8000-000000000001\nstatus: test\nlevel: low\n"
        "logsource: {product: keycloak, service: events}\ndetection: {s: {user|contains: example}, condition: s}\n"
    )
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "x.log").write_text(JSON_LOG)
    found = stillhunt.hunt(tmp_path / "logs", rules=[tmp_path / "rule.yml"], mappings=[tmp_path / "map.yaml"])
    assert found.findings.num_rows == 1


WRONG = {
    "is no YAML": "a: [",
    "holds no mapping": "\n",
    "is no mapping": "[1]",
    "unknown key `tiem`": "recognise: [a]\ntiem: x\nlogsource: {product: x}",
    "in no way, or in two": "logsource: {product: x}",
    "no list of names": "recognise: a\nlogsource: {product: x}",
    "no named groups": "pattern: '.*'\nlogsource: {product: x}",
    "`pattern` is none": "pattern: '(?P<a>(?=b))'\nlogsource: {product: x}",
    "`time` is none": "recognise: [a]\ntime: [b]\nlogsource: {product: x}",
    "no format of times": "recognise: [a]\ntime: {field: a, format: epok}\nlogsource: {product: x}",
    "is no time zone": "recognise: [a]\ntime: {field: a, zone: Mars}\nlogsource: {product: x}",
    "names no product": "recognise: [a]\nlogsource: {service: x}",
    "unknown key `vendor`": "recognise: [a]\nlogsource: {product: x, vendor: y}",
    "names no field": "recognise: [a]\nlogsource: {product: x}\nfields: {b: 1}",
    "no common column": "recognise: [a]\nlogsource: {product: x}\ncommon: {user.nam: a}",
    "`%Q` is no format": "recognise: [a]\ntime: {field: a, format: '%Q'}\nlogsource: {product: x}",
    "product` is no name": "recognise: [a]\nlogsource: {product: [x]}",
    "service` is no name": "recognise: [a]\nlogsource: {product: x, service: {a: b}}",
    "`time` is in `b`, which": "pattern: '(?P<a>.)'\ntime: b\nlogsource: {product: x}",
    "`common.user.name` is in `b`": "pattern: '(?P<a>.)'\nlogsource: {product: x}\ncommon: {user.name: b}",
    "says nothing": "recognise: [a]\nlogsource: {product: x}\ncommon: {user.name: {values: {}}}",
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_mapping_is_told_with_file_and_remedy(tmp_path, message):
    path = tmp_path / "m.yaml"
    path.write_text(WRONG[message])
    with pytest.raises(InputError, match=message) as error:
        load_mappings([path])
    assert "m.yaml" in str(error.value.where)
    assert error.value.hint


@given(head=st.binary(max_size=300))
def test_any_beginning_fits_a_mapping_or_does_not(tmp_path_factory, head):
    path = tmp_path_factory.getbasetemp() / "all.yaml"
    path.write_text(f"{JSON_MAPPING}\n---\n{TABLE_MAPPING}\n---\n{TEXT_MAPPING}")
    assert mapping_of(head, load_mappings([path])) is None or head
