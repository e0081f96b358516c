"""The pages and the command show one queue, and write the same decisions into it."""

from __future__ import annotations

import hashlib

import pytest

from stillhunt.knowledge.store import Store
from stillhunt.reading.claims import claims_in
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.queue import Queue, Read
from stillhunt.workflows.reading import reject

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

TEXT = "Before it. APT77 has almost certainly targeted dentists. <script>alert(1)</script> After it."


def read_by_command(tmp_path, *, tlp=Tlp.CLEAR, text=TEXT):
    """Queue a document as another process does, which knows only the folder of the base."""
    queue = Queue(tmp_path)
    queue.add(
        text, Read(sha256=hashlib.sha256(text.encode()).hexdigest(), title="A report", tlp=tlp), claims_in(text)[:1]
    )
    return queue


def ask(server, role="analyst", ceiling="TLP:RED"):
    return httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {server.token(role, ceiling)}"}, timeout=20
    )


def listed(client, state="waiting"):
    return client.get("/api/v1/proposals", params={"state": state}).json()["proposals"]


def test_what_the_command_queued_is_proposed_by_the_pages(serve, tmp_path):
    server = serve()
    read_by_command(tmp_path)
    with ask(server) as client:
        assert [(p["subject"], p["object"], p["document"]) for p in listed(client)] == [
            ("APT77", "dentists", "A report")
        ]


def test_the_page_marks_the_quote_and_nothing_of_the_document_is_markup(serve, tmp_path):
    server = serve(users=False)
    read_by_command(tmp_path)
    page = httpx.get(f"{server.url}/reading").text
    assert "Before it. <mark>APT77 has almost certainly targeted dentists</mark>. " in page
    assert "<script>alert" not in page
    assert "almost certain" in page


def test_an_acceptance_on_a_page_stands_in_the_queue_and_in_the_base(serve, tmp_path):
    server = serve()
    read_by_command(tmp_path)
    with ask(server) as client:
        key = listed(client)[0]["id"]
        assert client.post(f"/api/v1/proposals/{key}", json={"verb": "accept", "why": "plain"}).status_code == 200
        assert listed(client) == []
        assert [(p["by"], p["why"]) for p in listed(client, "accepted")] == [("anna", "plain")]
    found = Queue(tmp_path).all()[0]
    assert (found.state, found.decided.by) == ("accepted", "anna")
    store = Store(tmp_path / "know.db")
    with store.view() as view:
        said = view.everything().claims
        assert set(found.decided.stored) <= set(said)
        assert [said[i].quote for i in found.decided.stored if said[i].predicate == "targets"] == [found.claim.quote]
    store.close()


def test_what_the_command_rejected_is_rejected_on_the_pages_and_not_decided_again(serve, tmp_path):
    server = serve()
    queue = read_by_command(tmp_path)
    with ask(server) as client:
        key = listed(client)[0]["id"]
        reject(queue, [key], by="ben", note="another group")
        assert [(p["by"], p["why"]) for p in listed(client, "rejected")] == [("ben", "another group")]
        answer = client.post(f"/api/v1/proposals/{key}", json={"verb": "accept"})
    assert answer.status_code in {400, 409}
    assert "rejected already by ben" in answer.text


def test_a_document_above_the_ceiling_is_neither_shown_nor_decided(serve, tmp_path):
    server = serve()
    queue = read_by_command(tmp_path, tlp=Tlp.RED)
    with ask(server, ceiling="TLP:GREEN") as client:
        assert listed(client) == []
        assert client.post(f"/api/v1/proposals/{queue.all()[0].key}", json={"verb": "accept"}).status_code == 404
    assert queue.all()[0].state == "waiting"


def test_a_viewer_decides_nothing(serve, tmp_path):
    server = serve()
    read_by_command(tmp_path)
    with ask(server, role="viewer") as client:
        assert client.post(f"/api/v1/proposals/{listed(client)[0]['id']}", json={"verb": "reject"}).status_code == 403
