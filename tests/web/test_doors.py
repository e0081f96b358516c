"""Who may do what: roles, sessions, forms of strangers, names of strangers, addresses to listen at."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

PASSWORD = "correct horse battery"


@pytest.fixture
def client(serve, plain_brief):
    """A client of a server with one case, and the server."""
    brief = plain_brief
    server = serve(brief=brief)
    with httpx.Client(base_url=server.url, follow_redirects=False) as asking:
        asking.server, asking.case = server, brief.cases[0].id
        yield asking


def _log_in(client, name: str) -> None:
    client.cookies.clear()
    answer = client.post("/login", data={"name": name, "password": PASSWORD, "to": "/"})
    assert answer.status_code == 303


def _csrf(client, address: str) -> str:
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(address).text)[1]


@pytest.mark.parametrize("address", ["/", "/w/case", "/users", "/knowledge", "/reading"])
def test_without_a_login_every_page_leads_to_it(client, address):
    answer = client.get(address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("address", ["/api/v1/workspaces", "/taxii2/", "/taxii2/api/collections/knowledge/objects/"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer sh_wrong"}, {"Authorization": "Basic YTpi"}])
def test_without_a_token_programs_get_nothing(client, address, header):
    answer = client.get(address, headers=header)
    assert answer.status_code == 401
    assert len(answer.content) < 200


@pytest.mark.parametrize(
    ("name", "address", "status"),
    [("vera", "/users", 403), ("ben", "/audit", 403), ("ben", "/w/case", 200), ("anna", "/users", 200)],
)
def test_roles_open_what_is_theirs(client, name, address, status):
    _log_in(client, name)
    assert client.get(address).status_code == status


def test_a_viewer_cannot_decide_whatever_is_sent(client):
    _log_in(client, "vera")
    form = {"kind": "note", "text": "x", "csrf": _csrf(client, "/tokens")}
    assert client.post(f"/w/case/cases/{client.case}/decide", data=form).status_code == 403
    assert any(e.what == "refused" and e.by == "vera" for e in client.server.site.audit.entries())


@pytest.mark.parametrize(
    ("csrf", "headers", "status"),
    [
        ("", {}, 403),
        ("0" * 64, {}, 403),
        ("right", {"Origin": "http://evil.example"}, 403),
        ("right", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("right", {"Content-Type": "text/plain"}, 415),
        ("right", {}, 303),
    ],
)
def test_a_form_must_be_ours(client, csrf, headers, status):
    _log_in(client, "ben")
    word = _csrf(client, "/tokens") if csrf == "right" else csrf
    body = f"kind=note&text=x&csrf={word}"
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert client.post(f"/w/case/cases/{client.case}/decide", content=body, headers=sent).status_code == status


def test_another_sessions_word_does_not_open(client):
    _log_in(client, "anna")
    word = _csrf(client, "/tokens")
    _log_in(client, "ben")
    form = {"kind": "note", "text": "x", "csrf": word}
    assert client.post(f"/w/case/cases/{client.case}/decide", data=form).status_code == 403


def test_a_name_of_somebody_else_is_not_answered(client):
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y"])
def test_a_login_leads_nowhere_else(client, to):
    answer = client.post("/login", data={"name": "anna", "password": PASSWORD, "to": to})
    assert answer.headers["location"] == "/"


def test_a_session_ends_with_a_log_out(client):
    _log_in(client, "ben")
    cookie = client.cookies["stillhunt"]
    client.post("/logout", data={"csrf": _csrf(client, "/tokens")})
    client.cookies.set("stillhunt", cookie, domain="127.0.0.1")
    assert client.get("/").status_code == 303


def test_cookies_are_for_us_alone(client):
    answer = client.post("/login", data={"name": "anna", "password": PASSWORD})
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags


def test_passwords_are_not_tried_for_ever(client):
    wrong = {"name": "anna", "password": "wrong"}
    answers = [client.post("/login", data=wrong).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]


def test_no_answer_lets_a_script_in(client):
    _log_in(client, "anna")
    for address in ("/", "/w/case", "/nowhere", "/api/openapi.json", "/static/web.js"):
        policy = client.get(address).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def test_nothing_is_kept_of_a_secret(client):
    secret = client.server.token("viewer")
    kept = b"".join(p.read_bytes() for p in client.server.site.state.iterdir() if p.is_file())
    assert secret.encode() not in kept
    assert PASSWORD.encode() not in kept


def test_a_token_can_do_no_more_than_its_user(client):
    secret = client.server.token("admin", user="vera")
    sent = {"Authorization": f"Bearer {secret}"}
    address = f"/api/v1/workspaces/case/cases/{client.case}/notes"
    assert client.post(address, json={"text": "x"}, headers=sent).status_code == 403


def test_paths_outside_the_logs_are_not_hunted(client, tmp_path):
    sent = {"Authorization": f"Bearer {client.server.token('analyst')}"}
    for path in ("/etc", str(tmp_path), f"{client.server.root}/../.."):
        answer = client.post("/api/v1/hunts", json={"name": "x", "paths": [path]}, headers=sent)
        assert answer.status_code == 400
        assert "outside the folders" in answer.json()["title"]


def test_an_audit_log_that_was_changed_says_where(client):
    for what in ("one", "two", "three"):
        client.server.site.audit.note("anna", what)
    path = client.server.site.state / "audit.jsonl"
    lines = path.read_bytes().splitlines()
    assert client.server.site.audit.broken_at() is None
    path.write_bytes(b"\n".join([*lines[:-2], lines[-2].replace(b"two", b"2"), lines[-1]]) + b"\n")
    assert client.server.site.audit.broken_at() == len(lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "nobody has to log in"),
        (["--host", "192.0.2.1"], "nobody has to log in"),
        (["--behind-proxy"], "by which name"),
    ],
)
def test_it_refuses_to_listen_where_others_can_ask(tmp_path, arguments, words):
    from stillhunt.cli.main import main

    done = CliRunner().invoke(main, ["serve", str(tmp_path), *arguments])
    assert done.exit_code == 3
    assert words in done.stderr


def test_with_users_it_still_wants_passwords_to_travel_safely(tmp_path, monkeypatch):
    from stillhunt.cli.main import main

    monkeypatch.setenv("STILLHUNT_PASSWORD", PASSWORD)
    assert CliRunner().invoke(main, ["serve", str(tmp_path), "--add-user", "anna"]).exit_code == 0
    done = CliRunner().invoke(main, ["serve", str(tmp_path), "--host", "192.0.2.1"])
    assert done.exit_code == 3
    assert "in the open" in done.stderr


def test_a_way_between_two_needs_both_names(client):
    _log_in(client, "vera")
    answer = client.get("/knowledge/path?one=heron")
    assert (answer.status_code, "a way needs two names" in answer.text) == (400, True)
