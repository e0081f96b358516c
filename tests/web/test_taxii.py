"""The TAXII server, asked by a client of somebody else's."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from stillhunt.terms.marking import Tlp

taxii = pytest.importorskip("taxii2client.v21", reason="stillhunt[taxii] is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")
MEDIA = "application/taxii+json;version=2.1"


def _object(number: int, tlp: Tlp = Tlp.CLEAR) -> dict[str, object]:
    return {
        "type": "intrusion-set",
        "spec_version": "2.1",
        "id": f"intrusion-set--{UUID(int=(4 << 76) | (8 << 60) | number)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"Group {number}",
        "object_marking_refs": [tlp.stix_id],
    }


def _inbox(server, token: str):
    from taxii2client.common import TokenAuth

    server = taxii.Server(f"{server.url}/taxii2/", auth=TokenAuth(key=token))
    return next(c for c in server.default.collections if c.title == "What others sent")


def _put(server, objects) -> None:
    """Put objects into the inbox as a write would, without the claims beside it."""
    import sqlite3

    import msgspec

    from stillhunt.web.taxii import _now

    with sqlite3.connect(server.site.state / "taxii.db", timeout=30) as db:
        rows = [
            ("inbox", o["id"], "2026-01-01T00:00:00.000000Z", o["type"], 0, _now(), msgspec.json.encode(o))
            for o in objects
        ]
        db.executemany("INSERT INTO object (shelf, id, version, type, tlp, added, json) VALUES (?,?,?,?,?,?,?)", rows)


def test_ten_thousand_objects_come_exactly_once_while_others_write(serve):
    server = serve()
    _put(server, [_object(n) for n in range(10_000)])
    inbox = _inbox(server, server.token("analyst"))
    done = threading.Event()

    def write() -> None:
        number = 20_000
        while not done.is_set():
            _put(server, [_object(number + n) for n in range(20)])
            number += 20

    writer = threading.Thread(target=write)
    writer.start()
    try:
        ids = [o["id"] for page in taxii.as_pages(inbox.get_objects, per_request=700) for o in page.get("objects", ())]
        end = len(ids)
    finally:
        done.set()
        writer.join()
    assert len(set(ids)) == end
    assert {_object(n)["id"] for n in range(10_000)} <= set(ids)


def test_what_is_sent_is_kept_as_sent_and_known_as_claims(serve):
    server = serve()
    sent = _object(7)
    inbox = _inbox(server, server.token("analyst"))
    status = inbox.add_objects({"objects": [sent]}, wait_for_completion=True)
    assert (status.success_count, status.failure_count) == (1, 0)
    assert inbox.get_object(sent["id"])["objects"] == [sent]
    with server.site.knowledge(Tlp.CLEAR) as view:
        assert [c.value for c in view.named("Group 7")] == ["Group 7"]


@pytest.mark.parametrize(("ceiling", "seen"), [("TLP:CLEAR", 1), ("TLP:GREEN", 2), ("TLP:RED", 5)])
def test_nothing_above_the_ceiling_leaves(serve, ceiling, seen):
    server = serve()
    _inbox(server, server.token("analyst")).add_objects(
        {"objects": [_object(number, tlp) for number, tlp in enumerate(Tlp)]}, wait_for_completion=True
    )
    inbox = _inbox(server, server.token("viewer", ceiling))
    objects = inbox.get_objects().get("objects", [])
    assert len(objects) == seen
    assert len(inbox.get_manifest().get("objects", [])) == seen


def test_knowledge_above_the_ceiling_is_in_no_byte(serve):
    server = serve()
    texts = {}
    for ceiling in ("TLP:GREEN", "TLP:RED"):
        sent = {"Authorization": f"Bearer {server.token('viewer', ceiling)}", "Accept": MEDIA}
        answer = httpx.get(f"{server.url}/taxii2/api/collections/knowledge/objects/", headers=sent, timeout=60)
        assert answer.status_code == 200
        texts[ceiling] = answer.text
    assert "Quiet Heron" in texts["TLP:GREEN"]
    assert "Ibis" not in texts["TLP:GREEN"]
    assert "Secret Ibis" in texts["TLP:RED"]


def test_an_object_without_a_marking_counts_as_amber(serve):
    server = serve()
    bare = {name: value for name, value in _object(1).items() if name != "object_marking_refs"}
    _inbox(server, server.token("analyst")).add_objects({"objects": [bare]}, wait_for_completion=True)
    assert _inbox(server, server.token("viewer", "TLP:GREEN")).get_objects().get("objects", []) == []
    assert len(_inbox(server, server.token("viewer", "TLP:AMBER")).get_objects()["objects"]) == 1


def test_a_viewer_cannot_write_and_knowledge_cannot_be_written(serve):
    server = serve()
    for role, collection in (("viewer", "inbox"), ("analyst", "knowledge")):
        sent = {"Authorization": f"Bearer {server.token(role)}", "Accept": MEDIA, "Content-Type": MEDIA}
        url = f"{server.url}/taxii2/api/collections/{collection}/objects/"
        assert httpx.post(url, json={"objects": [_object(1)]}, headers=sent).status_code == 403


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "intrusion-set"},
        {"type": "intrusion-set", "id": "intrusion-set--x"},
        {"type": "malware", "id": _object(1)["id"]},
        {**_object(1), "modified": "yesterday"},
        {**_object(1), "spec_version": "1.2"},
        "text",
    ],
)
def test_what_is_no_object_is_refused_with_its_reason(serve, broken):
    server = serve()
    sent = {"Authorization": f"Bearer {server.token('analyst')}", "Accept": MEDIA, "Content-Type": MEDIA}
    url = f"{server.url}/taxii2/api/collections/inbox/objects/"
    status = httpx.post(url, json={"objects": [broken, _object(2)]}, headers=sent, timeout=30).json()
    assert (status["success_count"], status["failure_count"]) == (1, 1)
    assert status["failures"][0]["message"]


def test_other_media_are_not_given(serve):
    server = serve()
    sent = {"Authorization": f"Bearer {server.token('viewer')}", "Accept": "text/html"}
    assert httpx.get(f"{server.url}/taxii2/", headers=sent).status_code == 406
