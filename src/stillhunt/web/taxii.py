"""A TAXII 2.1 server over the knowledge base: what is known, and an inbox that takes what others send.

``knowledge`` is every claim up to the ceiling of whoever asks, as STIX. ``inbox`` keeps what was sent, as it was sent,
and takes it into the knowledge base as claims. Objects are numbered in the order in which they came and pages follow
the numbers, so that a client gets each object once while others write. An object without a marking counts as
TLP:AMBER, one whose marking is not known here as TLP:RED. Source: OASIS TAXII 2.1.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from starlette.responses import Response

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import Claims
from stillhunt.knowledge.exporters.stix import bundle_of
from stillhunt.knowledge.importer import Terms
from stillhunt.knowledge.importers.stix import stix_claims
from stillhunt.terms.marking import Tlp, parse_tlp
from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask, Refused, as_json
from stillhunt.web.route import Route

__all__ = ["ROUTES", "prepare"]

MEDIA = "application/taxii+json;version=2.1"
_KNOWLEDGE, _INBOX = "5f2c0c9a-6f43-5a6f-8d0b-6a1d5d3c1a01", "5f2c0c9a-6f43-5a6f-8d0b-6a1d5d3c1a02"
_ALIASES = {"knowledge": _KNOWLEDGE, "inbox": _INBOX}
_FILE = "taxii.db"
_PAGE, _MOST = 1_000, 10_000
_MOST_BYTES = 16 << 20
_AMONG = 400
"""Values of one question to SQLite."""

_ID = re.compile(r"[a-z][a-z0-9-]{2,100}--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNMARKED, _UNKNOWN = Tlp.AMBER, Tlp.RED

_TABLES = """
CREATE TABLE IF NOT EXISTS object (
    n INTEGER PRIMARY KEY AUTOINCREMENT, shelf TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL,
    type TEXT NOT NULL, tlp INTEGER NOT NULL, added TEXT NOT NULL, json BLOB NOT NULL, UNIQUE (shelf, id, version)
);
CREATE INDEX IF NOT EXISTS object_shelf ON object (shelf, n);
CREATE TABLE IF NOT EXISTS made (shelf TEXT PRIMARY KEY, stamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS status (id TEXT PRIMARY KEY, by TEXT NOT NULL, json BLOB NOT NULL);
"""

_making = threading.Lock()


@contextmanager
def _open(ask: Ask) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(ask.site.state / _FILE, timeout=30)
    try:
        with db:
            yield db
    finally:
        db.close()


def prepare(state: Path) -> None:
    """Lay the tables; once, since a file that is written to cannot be given its log."""
    db = sqlite3.connect(state / _FILE, timeout=30)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_TABLES)
    finally:
        db.close()


def _discovery(ask: Ask) -> Response:
    _accepts(ask)
    root = f"{str(ask.request.base_url).rstrip('/')}/taxii2/api/"
    return _taxii({"title": "stillhunt", "default": root, "api_roots": [root]})


def _root(ask: Ask) -> Response:
    _accepts(ask)
    return _taxii({"title": "stillhunt", "versions": [MEDIA], "max_content_length": _MOST_BYTES})


def _collections(ask: Ask) -> Response:
    _accepts(ask)
    return _taxii({"collections": [_collection(name, ask) for name in _ALIASES]})


def _one_collection(ask: Ask) -> Response:
    _accepts(ask)
    return _taxii(_collection(_named(ask), ask))


def _collection(name: str, ask: Ask) -> dict[str, Any]:
    titles = {"knowledge": "What is known, as claims", "inbox": "What others sent"}
    return {
        "id": _ALIASES[name],
        "alias": name,
        "title": titles[name],
        "can_read": True,
        "can_write": name == "inbox" and ask.who.role >= Role.ANALYST,
        "media_types": ["application/stix+json;version=2.1"],
    }


def _objects(ask: Ask) -> Response:
    _accepts(ask)
    rows, more = _page(ask)
    envelope: dict[str, Any] = {"objects": [msgspec.Raw(row["json"]) for row in rows]} if rows else {}
    if more:
        envelope |= {"more": True, "next": str(rows[-1]["n"])}
    return _dated(_taxii(envelope), rows)


def _manifest(ask: Ask) -> Response:
    _accepts(ask)
    rows, more = _page(ask)
    told = [
        {
            "id": row["id"],
            "date_added": row["added"],
            "version": row["version"],
            "media_type": "application/stix+json;version=2.1",
        }
        for row in rows
    ]
    found: dict[str, Any] = {"objects": told} if told else {}
    if more:
        found |= {"more": True, "next": str(rows[-1]["n"])}
    return _dated(_taxii(found), rows)


def _one_object(ask: Ask) -> Response:
    _accepts(ask)
    rows, _ = _page(ask, ids=(_object_id(ask),))
    if not rows:
        raise Refused(404, "there is no such object")
    return _dated(_taxii({"objects": [msgspec.Raw(row["json"]) for row in rows]}), rows)


def _versions(ask: Ask) -> Response:
    _accepts(ask)
    rows, _ = _page(ask, ids=(_object_id(ask),), version="all")
    if not rows:
        raise Refused(404, "there is no such object")
    return _dated(_taxii({"versions": [row["version"] for row in rows]}), rows)


def _page(ask: Ask, *, ids: Sequence[str] = (), version: str = "") -> tuple[list[sqlite3.Row], bool]:
    name = _named(ask)
    shelf = _fresh(ask) if name == "knowledge" else name
    limit = min(ask.number("limit", _PAGE, most=10_000_000), _MOST)
    wanted, values = ["shelf = ?", "tlp <= ?", "n > ?"], [shelf, int(ask.who.ceiling), ask.number("next", 0, least=0)]
    after = ask.text("added_after")
    if after:
        wanted.append("added > ?")
        values.append(_instant(after))
    for column, given in (("id", list(ids) or _match(ask, "id")), ("type", _match(ask, "type"))):
        if given:
            wanted.append(f"{column} IN ({', '.join('?' * len(given))})")
            values += given
    version = version or ask.text("match[version]") or "last"
    choices = version.split(",")
    if "all" not in choices:
        clauses, more_values = _versions_wanted(choices, shelf, ask)
        wanted.append(clauses)
        values += more_values
    spec = _match(ask, "spec_version")
    if spec and "2.1" not in spec:
        wanted.append("0")
    with _open(ask) as db:
        db.row_factory = sqlite3.Row
        asked = f"SELECT n, id, version, added, json FROM object WHERE {' AND '.join(wanted)} ORDER BY n LIMIT ?"  # noqa: S608 - of our own words; what was sent is bound
        rows = db.execute(asked, (*values, limit + 1)).fetchall()
    return rows[:limit], len(rows) > limit


def _versions_wanted(choices: Sequence[str], shelf: str, ask: Ask) -> tuple[str, list[object]]:
    clauses, values = [], []
    for choice in choices[:_AMONG]:
        if choice in {"last", "first"}:
            edge = "max" if choice == "last" else "min"
            # Of our own words; what was sent is bound.
            inner = f"SELECT {edge}(o.version) FROM object o WHERE o.shelf = ? AND o.id = object.id AND o.tlp <= ?"  # noqa: S608
            clauses.append(f"version = ({inner})")
            values += [shelf, int(ask.who.ceiling)]
        else:
            clauses.append("version = ?")
            values.append(_instant(choice))
    return f"({' OR '.join(clauses)})", values


def _match(ask: Ask, name: str) -> list[str]:
    given = ask.text(f"match[{name}]")
    return given.split(",")[:_AMONG] if given else []


def _fresh(ask: Ask) -> str:
    """Bring what is served of the knowledge up to date, for the ceiling of whoever asks; return where it lies."""
    ceiling = ask.who.ceiling
    shelf = f"knowledge {int(ceiling)}"
    if ask.text("next"):
        return shelf  # in the middle of pages
    with ask.site.knowledge(ceiling) as view, _making:
        stamp = view.stamp()
        with _open(ask) as db:
            known = db.execute("SELECT stamp FROM made WHERE shelf = ?", (shelf,)).fetchone()
        if known is None or known[0] != stamp:
            _make(ask, shelf, stamp, view.everything())
    return shelf


def _make(ask: Ask, shelf: str, stamp: str, claims: Claims) -> None:
    objects = {o["id"]: o for o in bundle_of(claims)["objects"]}
    at = _now()
    with _open(ask) as db:
        kept = {row[0]: row[1] for row in db.execute("SELECT id, json FROM object WHERE shelf = ?", (shelf,))}
        gone = [(shelf, one) for one in kept if one not in objects]
        db.executemany("DELETE FROM object WHERE shelf = ? AND id = ?", gone)
        rows = []
        for one, content in objects.items():
            encoded = msgspec.json.encode(content)
            if one in kept and kept[one] == encoded:
                continue
            if one in kept:
                db.execute("DELETE FROM object WHERE shelf = ? AND id = ?", (shelf, one))
            # All of it is within the ceiling already: it was made of a view that shows nothing above.
            rows.append((shelf, one, _version(content), content["type"], int(Tlp.CLEAR), at, encoded))
        db.executemany("INSERT INTO object (shelf, id, version, type, tlp, added, json) VALUES (?,?,?,?,?,?,?)", rows)
        db.execute("INSERT OR REPLACE INTO made VALUES (?, ?)", (shelf, stamp))


def _add(ask: Ask) -> Response:
    _accepts(ask)
    if _named(ask) != "inbox":
        raise Refused(403, "this collection is read only", hint="send to the collection `inbox`")
    if not ask.request.headers.get("content-type", "").replace(" ", "").startswith("application/taxii+json"):
        raise Refused(415, f"{MEDIA} is expected")
    try:
        envelope = msgspec.json.decode(ask.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the envelope cannot be read: {error}") from error
    objects = envelope.get("objects", [])
    if not isinstance(objects, list):
        raise Refused(400, "`objects` is no list")
    status = _take(ask, objects)
    ask.note("taxii", f"{status['success_count']} objects taken, {status['failure_count']} refused")
    return _taxii(status, status=202)


def _take(ask: Ask, objects: Sequence[Any]) -> dict[str, Any]:
    definitions = {str(o["id"]): o for o in objects if isinstance(o, dict) and o.get("type") == "marking-definition"}
    rows, taken, failures = [], [], []
    at = _now()
    for one in objects:
        trouble = _trouble(one)
        if not trouble and _marking(one, definitions) > ask.who.ceiling:
            trouble = "it is marked above the ceiling of this token"
        if trouble:
            named = one.get("id") if isinstance(one, dict) else None
            failures.append({"id": str(named or "")[:200], "version": at, "message": trouble})
            continue
        taken.append(one)
        row = (one["id"], _version(one), one["type"], int(_marking(one, definitions)), at, msgspec.json.encode(one))
        rows.append(("inbox", *row))
    with _open(ask) as db:
        sent = "INSERT OR IGNORE INTO object (shelf, id, version, type, tlp, added, json) VALUES (?,?,?,?,?,?,?)"
        db.executemany(sent, rows)
    problem = _learn(ask, taken, definitions)
    status: dict[str, Any] = {
        "id": str(uuid4()),
        "status": "complete",
        "request_timestamp": at,
        "total_count": len(objects),
        "success_count": len(taken),
        "failure_count": len(failures),
        "pending_count": 0,
    }
    if taken:
        status["successes"] = [{"id": o["id"], "version": _version(o)} for o in taken]
    if problem and taken:
        status["successes"][0]["message"] = problem
    if failures:
        status["failures"] = failures
    with _open(ask) as db:
        db.execute("INSERT INTO status VALUES (?, ?, ?)", (status["id"], ask.who.name, msgspec.json.encode(status)))
    return status


def _learn(ask: Ask, objects: Sequence[Any], definitions: Mapping[str, Any]) -> str:
    """Take objects into the knowledge base as claims, each marking apart; return what could not be."""
    by_mark: dict[Tlp, list[Any]] = {}
    for one in objects:
        by_mark.setdefault(_marking(one, definitions), []).append(one)
    n_left = 0
    for mark, marked in sorted(by_mark.items()):
        bundle = msgspec.json.encode({"type": "bundle", "objects": marked})
        try:
            read = stix_claims(bundle, where=f"TAXII inbox, from {ask.who.name}", terms=Terms(tlp=mark))
        except InputError as error:
            return f"kept, but no claim: {error.message}"
        n_left += len(read.problems)
        if len(read.claims):
            with ask.site.writable_knowledge() as store:
                store.add(read.claims, note=f"taxii inbox: {ask.who.name}")
    return f"{n_left} objects are kept, but are no claims" if n_left else ""


def _trouble(one: Any) -> str:
    if not isinstance(one, dict):
        return "it is no object"
    if not (isinstance(one.get("type"), str) and isinstance(one.get("id"), str)):
        return "it has no type, or no id"
    if not _ID.fullmatch(one["id"]) or not one["id"].startswith(f"{one['type']}--"):
        return "its id is not its type and a UUID"
    if one.get("spec_version", "2.1") != "2.1":
        return "it is not STIX 2.1"
    try:
        _version(one)
    except Refused:
        return "its time of modification is no time"
    return ""


def _marking(one: Mapping[str, Any], definitions: Mapping[str, Any]) -> Tlp:
    """Return the strictest marking of an object and of its parts."""
    if one["type"] in {"marking-definition", "extension-definition"}:
        return Tlp.CLEAR
    refs = one.get("object_marking_refs")
    named = [str(ref) for ref in refs] if isinstance(refs, list) else []
    parts = one.get("granular_markings")
    for part in parts if isinstance(parts, list) else ():
        named += [str(part["marking_ref"])] if isinstance(part, dict) and part.get("marking_ref") else []
    marks = []
    for ref in named:
        definition = definitions.get(ref)
        if isinstance(definition, dict) and definition.get("definition_type") == "statement":
            continue
        try:
            marks.append(parse_tlp(ref))
        except InputError:
            marks.append(_UNKNOWN)
    return max(marks, default=_UNMARKED)


def _status(ask: Ask) -> Response:
    _accepts(ask)
    with _open(ask) as db:
        row = db.execute(
            "SELECT json FROM status WHERE id = ? AND by = ?", (ask.path("status"), ask.who.name)
        ).fetchone()
    if row is None:
        raise Refused(404, "there is no such status")
    return _taxii(msgspec.Raw(row[0]))


def _named(ask: Ask) -> str:
    given = ask.path("collection")
    name = next((name for name, own in _ALIASES.items() if given in {name, own}), None)
    if name is None:
        raise Refused(404, "there is no such collection")
    return name


def _object_id(ask: Ask) -> str:
    given = ask.path("object")
    if not _ID.fullmatch(given):
        raise Refused(404, "there is no such object")
    return given


def _version(one: Mapping[str, Any]) -> str:
    return _instant(str(one.get("modified") or one.get("created") or "1970-01-01T00:00:00Z"))


def _instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "that is no time such as 2024-03-25T10:00:00.000Z") from None
    return _written(at if at.tzinfo else at.replace(tzinfo=UTC))


def _written(at: datetime) -> str:
    try:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (OverflowError, ValueError):
        raise Refused(400, "that time lies outside all calendars") from None


def _now() -> str:
    return _written(datetime.now(UTC))


def _accepts(ask: Ask) -> None:
    given = ask.request.headers.get("accept", "*/*").replace(" ", "").lower()
    kinds = [kind.partition(";q=")[0] for kind in given.split(",")]
    fitting = {"*/*", "application/*", "application/taxii+json", MEDIA}
    if not any(kind in fitting for kind in kinds):
        raise Refused(406, f"only {MEDIA} can be given")


def _taxii(value: object, *, status: int = 200) -> Response:
    return as_json(value, status=status, media_type=MEDIA)


def _dated(answer: Response, rows: Sequence[sqlite3.Row]) -> Response:
    if rows:
        answer.headers["X-TAXII-Date-Added-First"] = min(row["added"] for row in rows)
        answer.headers["X-TAXII-Date-Added-Last"] = max(row["added"] for row in rows)
    return answer


_AT = "/taxii2/api/collections/{collection}"
ROUTES = (
    Route(path="/taxii2/", answer=_discovery),
    Route(path="/taxii2/api/", answer=_root),
    Route(path="/taxii2/api/collections/", answer=_collections),
    Route(path=f"{_AT}/", answer=_one_collection),
    Route(path=f"{_AT}/objects/", answer=_objects),
    Route(path=f"{_AT}/objects/", answer=_add, method="POST", role=Role.ANALYST, most_bytes=_MOST_BYTES),
    Route(path=f"{_AT}/objects/{{object}}/", answer=_one_object),
    Route(path=f"{_AT}/objects/{{object}}/versions/", answer=_versions),
    Route(path=f"{_AT}/manifest/", answer=_manifest),
    Route(path="/taxii2/api/status/{status}/", answer=_status),
)
