"""Zeek's logs: columns by their header, JSON by its fields, and what both mean."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.share import Window
from stillhunt.telemetry.source import SOURCES, LogFile
from stillhunt.telemetry.zeek import path_of

HEAD = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n#open\t2023\n"
CONN = (
    HEAD.format("conn")
    + "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tlocal_orig\ttunnel_parents\n"
    + "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tbool\tset[string]\n"
    + "1692161668.553848\tC1\t10.0.0.5\t49152\t203.0.113.9\t443\ttcp\tT\t(empty)\n"
    + "1692161669.000001\tC2\t10.0.0.6\t49153\t203.0.113.9\t443\ttcp\t-\tCx,Cy\n"
    + "#close\t2023\n"
)


@pytest.fixture
def rows_of(read, tmp_path):
    def rows(content, name="x"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(tmp_path)

    return rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_follow_their_header(rows_of, encoding, end):
    rows, coverage = rows_of(CONN.replace("\n", end).encode(encoding))
    assert coverage.n_unread == 0
    first, second = rows
    assert first["class"].product == "zeek"
    assert first["class"].services == {"conn"}
    assert first["@timestamp"].isoformat() == "2023-08-16T04:54:28.553848+00:00"
    assert (first["event.record"], second["event.record"]) == (9, 10)
    assert (first["source.ip"], first["destination.ip"], first["destination.port"]) == (
        "10.0.0.5",
        "203.0.113.9",
        "443",
    )
    assert (first["local_orig"], second["local_orig"]) == ("true", None)
    assert (first["tunnel_parents"], second["tunnel_parents"]) == (None, "Cx,Cy")


def test_a_header_in_the_middle_counts_from_there(rows_of):
    dns = (
        HEAD.format("dns")
        + "#fields\tts\tuid\tid.orig_h\tquery\tqtype_name\tanswers\trejected\n"
        + "#types\ttime\tstring\taddr\tstring\tstring\tvector[string]\tbool\n"
        + "1692161670.5\tC3\t10.0.0.5\tWWW.X.example\tA\t192.0.2.1,192.0.2.2\tF\n"
    )
    rows, coverage = rows_of(CONN + dns)
    assert coverage.n_unread == 0
    (row,) = [r for r in rows if r["class"].services == {"dns"}]
    assert row["event.record"] == 20
    assert row["class"].categories == {"dns"}
    assert row["destination.domain"] == "www.x.example"
    assert row["answers"] == row["answer"] == ["192.0.2.1", "192.0.2.2"]
    assert (row["record_type"], row["rejected"]) == ("A", "false")


def test_lines_that_do_not_fit_are_counted_and_keep_the_numbers_of_others(rows_of):
    lines = CONN.split("\n")
    rows, coverage = rows_of("\n".join([*lines[:8], "1692161668.5\tC0\t10.0.0.5", "", *lines[8:]]))
    assert [r["event.record"] for r in rows] == [11, 12]
    assert (coverage.n_unread, coverage.problems[0].where[-2:]) == (1, ":9")


@pytest.mark.parametrize("noise", [b"\xff\xfe", b"\x00", b"\r", b'"', "é".encode()])
def test_odd_bytes_in_a_value_cost_nothing(rows_of, noise):
    rows, coverage = rows_of(CONN.encode().replace(b"C1", b"C" + noise + b"1"))
    assert (len(rows), coverage.n_unread) == (2, 0)
    assert rows[1]["uid"] == "C2"


def test_labels_are_no_part_of_an_event(rows_of):
    labelled = CONN.replace("\ttunnel_parents\n", "\ttunnel_parents\tlabel\tdetailedlabel\n")
    labelled = labelled.replace("(empty)\n", "(empty)\tMalicious\tC2\n").replace("Cx,Cy\n", "Cx,Cy\tBenign\t-\n")
    rows, _ = rows_of(labelled)
    assert len(rows) == 2
    assert not {"label", "detailedlabel"} & rows[0].keys()


def test_labels_behind_spaces_are_no_part_of_it_either(rows_of):
    labelled = CONN.replace("\ttunnel_parents\n", "\ttunnel_parents   label   detailed-label\n")
    labelled = labelled.replace("set[string]\n", "set[string]   string   string\n")
    labelled = labelled.replace("Cx,Cy\n", "Cx,Cy   Malicious   C&C\n")
    rows, coverage = rows_of(labelled)
    assert coverage.n_unread == 0
    assert rows[1]["tunnel_parents"] == "Cx,Cy"


HTTP = {
    "ts": 1692161668.553848,
    "uid": "C1",
    "id.orig_h": "10.0.0.5",
    "id.orig_p": 49152,
    "id.resp_h": "203.0.113.9",
    "id.resp_p": 8080,
    "trans_depth": 1,
    "method": "GET",
    "host": "X.example:8080",
    "uri": "/a/b.EXE?c=d",
    "user_agent": "curl/8",
    "status_code": 200,
    "resp_mime_types": ["text/plain", "text/html"],
    "tags": [],
}


@pytest.mark.parametrize("change", [{}, {"_path": "http"}, {"ts": "2023-08-16T04:54:28.553848Z"}])
def test_json_is_read_with_and_without_the_name_of_its_log(rows_of, change):
    (row,), _ = rows_of(json.dumps(HTTP | change) + "\n")
    assert row["class"].services == {"http"}
    assert row["@timestamp"].isoformat() == "2023-08-16T04:54:28.553848+00:00"
    assert (row["destination.domain"], row["url.path"], row["c-uri"]) == ("x.example", "/a/b.EXE", "/a/b.EXE?c=d")
    assert (row["c-uri-extension"], row["cs-uri-query"]) == ("exe", "c=d")
    assert (row["id.resp_p"], row["http.response.status_code"]) == ("8080", "200")
    assert row["resp_mime_types"] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("client", "server", "categories"),
    [
        ("10.0.0.5", "203.0.113.9", {"proxy"}),
        ("203.0.113.9", "10.0.0.5", {"webserver"}),
        ("10.0.0.5", "10.0.0.6", {"proxy", "webserver"}),
        ("198.51.100.1", "8.8.8.8", {"proxy", "webserver"}),
    ],
)
def test_the_direction_of_a_request_says_who_else_would_have_logged_it(rows_of, client, server, categories):
    public = {"198.51.100.1": "9.9.9.9", "203.0.113.9": "1.1.1.1"}
    ends = {"id.orig_h": public.get(client, client), "id.resp_h": public.get(server, server)}
    rows, _ = rows_of(json.dumps(HTTP | ends) + "\n" + json.dumps(HTTP | ends) + "\n")
    assert [r["class"].categories for r in rows] == [categories] * 2


def test_requests_both_ways_in_one_file_are_told_apart(rows_of):
    out = HTTP | {"id.resp_h": "1.1.1.1"}
    back = HTTP | {"id.orig_h": "1.1.1.1", "id.resp_h": "10.0.0.5"}
    rows, _ = rows_of("".join(json.dumps(r) + "\n" for r in (out, back, out)))
    by_number = {r["event.record"]: r["class"].categories for r in rows}
    assert by_number == {1: {"proxy"}, 2: {"webserver"}, 3: {"proxy"}}


def test_a_stream_of_many_logs_is_told_apart(rows_of):
    ssh = {
        "_path": "ssh",
        "ts": 1.5,
        "uid": "C2",
        "id": {"orig_h": "10.0.0.5", "resp_h": "10.0.0.6"},
        "auth_success": True,
    }
    rows, coverage = rows_of("\n".join([json.dumps(HTTP | {"_path": "http"}), "{broken", json.dumps(ssh), '{"a": 1}']))
    (row,) = [r for r in rows if r["class"].services == {"ssh"}]
    assert (row["source.ip"], row["event.outcome"], row["event.record"]) == ("10.0.0.5", "success", 3)
    assert (len(rows), coverage.n_unread) == (2, 2)


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("kerberos", {"client": "alice/CORP.EXAMPLE", "success": False, "request_type": "TGS"},
         {"user.name": "corp\\alice", "event.outcome": "failure", "event.action": "TGS"}),
        ("ntlm", {"domainname": "CORP", "username": "Alice", "success": True},
         {"user.name": "corp\\alice", "event.outcome": "success"}),
        ("smb_files", {"action": "SMB::FILE_OPEN", "path": "\\\\srv\\C$", "name": "a\\b.txt"},
         {"file.path": "\\\\srv\\C$\\a\\b.txt", "event.action": "SMB::FILE_OPEN"}),
        ("smtp", {"from": "Bob <B@x.example>", "subject": "=?utf-8?q?caf=C3=A9?=", "msg_id": "<1@x>"},
         {"email.sender.address": "b@x.example", "email.subject": "café", "email.message_id": "1@x"}),
        ("files", {"is_orig": False, "tx_hosts": ["192.0.2.1"], "rx_hosts": ["10.0.0.5"], "sha256": "AB", "fuid": "F"},
         {"source.ip": "10.0.0.5", "destination.ip": "192.0.2.1", "file.hash.sha256": "ab"}),
        ("dce_rpc", {"endpoint": "svcctl", "operation": "CreateServiceW"}, {"event.action": "CreateServiceW"}),
        ("ssl", {"server_name": "X.example", "established": True}, {"destination.domain": "x.example"}),
        ("software", {"host": "10.0.0.5", "software_type": "HTTP::BROWSER"}, {"source.ip": "10.0.0.5"}),
    ],
)  # fmt: skip
def test_each_log_fills_the_common_columns_it_can(rows_of, path, fields, expected):
    (row,), _ = rows_of(json.dumps({"_path": path, "ts": 1692161668.5, "uid": "C1"} | fields) + "\n")
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("ts uid id.orig_h proto conn_state", "conn"),
        ("ts uid id.orig_h query qtype qtype_name", "dns"),
        ("ts uid id.orig_h trans_depth helo mailfrom", "smtp"),
        ("ts uid id.orig_h trans_depth host uri", "http"),
        ("ts id certificate.subject certificate.version", "x509"),
        ("ts fuid tx_hosts source", "files"),
        ("ts note msg", "notice"),
        ("ts message", ""),
    ],
)
def test_the_fields_tell_which_log_it_is(names, path):
    assert path_of(frozenset(names.split())) == path


@pytest.mark.parametrize("number", [9, 10])
def test_a_record_is_found_again_by_its_number(number):
    source = SOURCES["zeek"]
    excerpt = source.excerpt(io.BufferedReader(io.BytesIO(CONN.encode())), number)
    only = {excerpt.number: frozenset({-1})}
    log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(excerpt.content)), only=only)
    list(source.into_outlet(log))
    assert log.n_events == 1
    assert log.originals[excerpt.number].split("\t")[1] == f"C{number - 8}"


def test_pieces_of_a_large_log_say_the_same_as_the_whole(tmp_path):
    head = CONN.partition("1692161668")[0]
    lines = "".join(f"{1692161668 + n}.5\tC{n}\t10.0.0.5\t1\t10.0.0.6\t2\ttcp\tT\t-\n" for n in range(5_000))
    path = tmp_path / "conn.log"
    path.write_text(head + lines + "#close\t2023\n")
    source = SOURCES["zeek"]
    with path.open("rb") as stream:
        cuts = source.cut(stream, 4)
    assert len(cuts) == 4
    found = []
    for cut in cuts:
        window = io.BufferedReader(Window(path.open("rb"), cut))
        log = LogFile(name="f", stream=window, first=cut.first)
        list(source.into_outlet(log))
        assert log.n_unread == 0
        found += [(r["event.record"], r["uid"]) for b in log.outlet.rest() for r in b.data.to_pylist()]
        window.close()
    assert found == [(9 + n, f"C{n}") for n in range(5_000)]


def test_a_log_whose_columns_change_is_not_cut(tmp_path):
    path = tmp_path / "conn.log"
    path.write_text(CONN * 50)
    with path.open("rb") as stream:
        assert len(SOURCES["zeek"].cut(stream, 4)) == 1


@pytest.mark.parametrize(
    ("folder", "n_events"),
    [("zeek/stratosphere", 20_269), ("zeek/slips", 3_488)],
)
def test_every_line_of_real_logs_is_read(read, shared_data, folder, n_events):
    rows, coverage = read(shared_data / folder)
    assert (len(rows), coverage.n_unread) == (n_events, 0)


def test_the_beacon_of_a_real_network_stands_in_its_columns(read, shared_data):
    rows, coverage = read(shared_data / "zeek" / "rita-missing_host")
    assert (len(rows), coverage.n_unread) == (147_689, 0)
    ends = [(r["source.ip"], r["destination.ip"]) for r in rows if r["class"].services == {"http"}]
    assert ends.count(("73.54.23.243", "64.225.56.201")) == 950


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 700), st.integers(0, 700))
def test_random_and_cut_content_raises_nothing_else(noise, start, end):
    for whole in (CONN.encode(), (json.dumps(HTTP) + "\n").encode() * 2):
        content = whole[:start] + noise + whole[end:]
        recognise(content)
        log = LogFile(name="f", stream=io.BufferedReader(io.BytesIO(content)))
        try:
            list(SOURCES["zeek"].into_outlet(log))
            batches = list(log.outlet.rest())
        except SourceError:
            continue
        assert sum(b.data.num_rows for b in batches) == log.n_events
