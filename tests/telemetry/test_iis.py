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
