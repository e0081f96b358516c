"""IIS logs name their columns, and may name others half-way."""

from __future__ import annotations

import pytest

LOG = """#Software: Microsoft Internet Information Services 10.0
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) sc-status
2021-08-24 03:12:09 10.0.0.5 GET /autodiscover/autodiscover.json @x.example/mapi - 203.0.113.9 curl/7+x 200
2021-08-24 03:12:10 10.0.0.5 POST /owa/a.aspx - CORP\\Alice 203.0.113.9
#Fields: date time s-computername cs-method cs-uri-stem c-ip sc-status
2021-08-24 03:13:00 MAIL01 GET / 203.0.113.9 404
"""


@pytest.fixture
def requests(read, tmp_path):
    (tmp_path / "u_ex210824.log").write_text(LOG)
    return read(tmp_path)


def test_columns_follow_the_header_that_stands_above(requests):
    rows, _ = requests
    assert [(r["cs-uri-stem"], r["sc-status"], r["host.name"]) for r in rows] == [
        ("/autodiscover/autodiscover.json", "200", "10.0.0.5"),
        ("/", "404", "mail01"),
    ]
    assert rows[0]["@timestamp"].isoformat() == "2021-08-24T03:12:09+00:00"


def test_sigmas_names_stand_beside_iiss_own(requests):
    row = requests[0][0]
    assert row["cs-uri"] == "/autodiscover/autodiscover.json?@x.example/mapi"
    assert row["c-useragent"] == row["cs(User-Agent)"] == "curl/7+x"
    assert row["source.ip"] == "203.0.113.9"
    assert row["class"].categories == {"webserver"}


def test_a_line_cut_off_is_counted(requests):
    _, coverage = requests
    assert coverage.n_unread == 1
    assert coverage.problems[0].where.endswith(":4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_an_encoding_hides_nothing(read, tmp_path, encoding):
    (tmp_path / "x").write_bytes(LOG.encode(encoding))
    rows, coverage = read(tmp_path)
    assert len(rows) == 2
    assert coverage.n_unread == 1


def test_more_than_one_space_between_fields_is_one(read, tmp_path):
    (tmp_path / "x").write_text(LOG.replace("MAIL01 GET", "MAIL01  GET"))
    assert len(read(tmp_path)[0]) == 2


@pytest.mark.parametrize(
    ("client", "forwarded", "source"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.2.3.4,+198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "${jndi:x}", "10.0.0.1"),
        ("8.8.8.8", "198.51.100.7", "8.8.8.8"),
    ],
)
def test_only_a_proxy_of_the_house_is_believed_about_its_client(read, tmp_path, client, forwarded, source):
    head = "#Fields: date time cs-method cs-uri-stem c-ip X-Forwarded-For\n"
    (tmp_path / "x").write_text(f"{head}2021-08-24 03:12:09 GET / {client} {forwarded}\n")
    assert read(tmp_path)[0][0]["source.ip"] == source
