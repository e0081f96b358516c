"""The interface for programs: JSON, with a token. What is said of it in OpenAPI is made of the same table it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from stillhunt.cases.decision import Decision, Verdict
from stillhunt.report.exporter import EXPORTERS, export
from stillhunt.terms.level import Level
from stillhunt.web.accounts import Role, ceiling_of
from stillhunt.web.answer import Ask, Refused, as_json, decoded, download
from stillhunt.web.pages.cases import chosen_views, opened
from stillhunt.web.pages.findings import chosen_findings
from stillhunt.web.pages.hunts import told
from stillhunt.web.route import Route
from stillhunt.workflows import know
from stillhunt.workflows.casework import decide
from stillhunt.workflows.events import query
from stillhunt.workflows.narrow import assessment_of, narrowed

__all__ = ["ROUTES", "openapi", "refused"]

_MOST = 500

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Note(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A note to a case."""

    text: Words


class Closing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a case is closed."""

    verdict: Verdict
    reason: Words


class Start(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A hunt to start."""

    name: Short
    paths: Annotated[list[Short], msgspec.Meta(min_length=1, max_length=100)]
    store: bool = False


class Judgement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a proposed claim."""

    verb: Literal["accept", "reject"]
    why: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameter:
    name: str
    about: str
    schema: dict[str, Any]
    is_needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    path: str
    id: str
    about: str
    answer: Callable[[Ask], Response]
    method: str = "GET"
    role: Role | None = Role.VIEWER
    parameters: tuple[_Parameter, ...] = ()
    body: type[Any] | None = None
    status: int = 200


def _text(name: str, about: str, *, is_needed: bool = False) -> _Parameter:
    return _Parameter(name=name, about=about, schema={"type": "string"}, is_needed=is_needed)


def _one_of(name: str, about: str, choices: list[str]) -> _Parameter:
    return _Parameter(name=name, about=about, schema={"type": "string", "enum": choices})


def _whole(name: str, about: str, default: int, *, least: int, most: int) -> _Parameter:
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return _Parameter(name=name, about=about, schema=schema)


_LEVELS = [str(level) for level in reversed(Level)]
_MARKINGS = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
_PAGES = (
    _whole("limit", "How many at most.", 100, least=1, most=_MOST),
    _whole("offset", "How many to leave out at the beginning.", 0, least=0, most=999_999),
)


def _choice(ask: Ask, name: str, choices: list[str], default: str = "") -> str:
    given = ask.request.query_params.get(name)
    if given is None:
        return default
    if given not in choices:
        raise Refused(400, f"`{name}` is none of {', '.join(choices)}")
    return given


def _part(ask: Ask, found: list[Any]) -> tuple[list[Any], int]:
    limit, offset = ask.number("limit", 100, most=_MOST), ask.number("offset", 0, least=0, most=999_999)
    return found[offset : offset + limit], len(found)


def _workspaces(ask: Ask) -> Response:
    places = ask.site.shelf.places()
    return as_json({"workspaces": [{"key": p.key, "inputs": p.inputs, "written_at": p.at} for p in places]})


def _cases(ask: Ask) -> Response:
    loaded = opened(ask)
    level = _choice(ask, "level", _LEVELS)
    state = _choice(ask, "state", ["open", "closed", "suppressed", "all"], "open")
    shown, n = _part(ask, chosen_views(loaded, words=ask.text("q"), level=level, state=state))
    listed = [
        {
            "id": view.case.id,
            "level": view.case.level,
            "opening": view.case.opening,
            "first_at": view.case.first_at,
            "last_at": view.case.last_at,
            "hosts": view.case.hosts,
            "n_findings": len(view.case.findings),
            "is_open": view.is_open,
            "verdict": view.verdict,
        }
        for view in shown
    ]
    return as_json({"total": n, "cases": listed})


def _case(ask: Ask) -> Response:
    loaded = opened(ask)
    view = loaded.desk.view(ask.path("case"))
    assessed = assessment_of(loaded.desk, view.case)
    told_of = {"case": view.case, "assessment": assessed, "is_open": view.is_open, "decisions": view.decisions}
    return as_json(told_of)


def _note(ask: Ask) -> Response:
    return _decided(ask, kind="note", text=decoded(ask, Note).text)


def _close(ask: Ask) -> Response:
    sent: Closing = decoded(ask, Closing)
    return _decided(ask, kind="close", text=sent.reason, verdict=sent.verdict)


def _decided(ask: Ask, *, kind: Literal["note", "close"], text: str, verdict: Verdict | None = None) -> Response:
    loaded = opened(ask)
    case = loaded.desk.view(ask.path("case")).case.id
    made = Decision(at=datetime.now(tz=UTC), by=ask.who.name, kind=kind, case=case, text=text, verdict=verdict)
    (kept,) = decide(loaded.place.folder, [made])
    ask.note(f"case {kind}", f"{loaded.key} {case}")
    return as_json(kept, status=201)


def _export(ask: Ask) -> Response:
    loaded = opened(ask)
    form = _choice(ask, "format", EXPORTERS.names(), "stix")
    tlp = ceiling_of(_choice(ask, "tlp", _MARKINGS, "TLP:AMBER+STRICT"))
    if tlp > ask.who.ceiling:
        raise Refused(403, f"{tlp} lies above the ceiling of this token")
    brief = narrowed(loaded.desk, ask.path("case"))
    content = export(brief, form, tlp=tlp, ceiling=ask.who.ceiling)
    ask.note("export", f"{loaded.key} {brief.cases[0].id} {form} {tlp}")
    exporter = EXPORTERS[form]
    return download(content, f"{brief.cases[0].id}{exporter.suffix}", exporter.media_type)


def _findings(ask: Ask) -> Response:
    loaded = opened(ask)
    level = _choice(ask, "level", _LEVELS)
    found = chosen_findings(loaded, words=ask.text("q"), level=level, tactic=ask.text("tactic"))
    shown, n = _part(ask, found)
    listed = [
        {
            "id": f.id,
            "title": f.detector.title,
            "level": f.detector.level,
            "first_at": f.first_at,
            "last_at": f.last_at,
            "count": f.count,
            "techniques": f.detector.techniques,
            "case": loaded.case_of.get(f.id),
        }
        for f in shown
    ]
    return as_json({"total": n, "findings": listed})


def _finding(ask: Ask) -> Response:
    loaded = opened(ask)
    found = loaded.findings.get(ask.path("finding"))
    if found is None:
        raise Refused(404, "there is no such finding")
    return as_json(found)


def _events(ask: Ask) -> Response:
    loaded = opened(ask)
    store = loaded.store()
    if store is None:
        raise Refused(404, "no events were kept", hint="hunt with --store")
    asked = query([ask.text("q")], since=ask.text("since") or None, until=ask.text("until") or None)
    search = store.search if ask.text("count") == "all" else store.first
    limit, newest = ask.number("limit", 50, most=_MOST), ask.text("order") == "newest"
    found = search(asked, limit=limit, newest=newest, after=ask.text("after"))
    return as_json({"total": found.total, "is_partial": found.is_partial, "next": found.next, "events": found.rows})


def _hunts(ask: Ask) -> Response:
    return as_json({"hunts": [told(run) for run in ask.site.runs.all()]})


def _start(ask: Ask) -> Response:
    sent: Start = decoded(ask, Start)
    run = ask.site.runs.start(
        sent.name, sent.paths, by=ask.who.name, keeps_events=sent.store, jobs=ask.site.settings.jobs
    )
    ask.note("hunt", f"{run.name}: {', '.join(run.paths)}")
    return as_json(told(run), status=202)


def _hunt(ask: Ask) -> Response:
    run = ask.site.runs.get(ask.path("run"))
    if run is None:
        raise Refused(404, "there is no such hunt")
    return as_json(told(run))


def _search(ask: Ask) -> Response:
    with ask.site.knowledge(ask.who.ceiling) as view:
        answer = know.who(view, ask.text("q"))
        found = view.search(ask.text("q"), limit=ask.number("limit", 20, most=_MOST))
        return as_json({"candidates": answer.candidates, "alike": answer.alike, "found": found})


def _card(ask: Ask) -> Response:
    with ask.site.knowledge(ask.who.ceiling) as view:
        answer, card = know.card(view, ask.text("name"))
        if card is None:
            raise Refused(404, "nobody is known by that name")
        return as_json({"answer": answer, "card": card})


def _proposals(ask: Ask) -> Response:
    state = _choice(ask, "state", ["waiting", "accepted", "rejected"], "waiting")
    found = ask.site.queue.proposals(state, ceiling=ask.who.ceiling)  # type: ignore[arg-type]  # checked
    shown, n = _part(ask, list(found))
    listed = [
        {
            "id": p.key,
            "claim": p.claim,
            "subject": p.claim.subject.text,
            "object": p.claim.object.text,
            "document": p.document.title,
            "by": p.decided.by if p.decided else "",
            "why": p.decided.note if p.decided else "",
        }
        for p in shown
    ]
    return as_json({"total": n, "proposals": listed})


def _judge(ask: Ask) -> Response:
    sent: Judgement = decoded(ask, Judgement)
    who = ask.who
    ask.site.judge(ask.path("claim"), accepts=sent.verb == "accept", by=who.name, why=sent.why, ceiling=who.ceiling)
    ask.note(f"claim {sent.verb}", ask.path("claim"))
    return as_json({"id": ask.path("claim"), "verb": sent.verb})


def _openapi(ask: Ask) -> Response:
    del ask
    return as_json(openapi())


_WS = "/api/v1/workspaces/{ws}"
_OPERATIONS = (
    _Operation(path="/api/v1/workspaces", id="listWorkspaces", about="List finished hunts.", answer=_workspaces),
    _Operation(
        path=f"{_WS}/cases",
        id="listCases",
        about="List cases, most serious first.",
        answer=_cases,
        parameters=(
            _text("q", "Words that must stand in the opening, a host or the id."),
            _one_of("level", "Only of this level.", _LEVELS),
            _one_of("state", "Only of this state.", ["open", "closed", "suppressed", "all"]),
            *_PAGES,
        ),
    ),
    _Operation(
        path=f"{_WS}/cases/{{case}}", id="getCase", about="Return a case, its assessment and decisions.", answer=_case
    ),
    _Operation(
        path=f"{_WS}/cases/{{case}}/notes",
        id="addNote",
        about="Add a note to a case.",
        answer=_note,
        method="POST",
        role=Role.ANALYST,
        body=Note,
        status=201,
    ),
    _Operation(
        path=f"{_WS}/cases/{{case}}/close",
        id="closeCase",
        about="Close a case.",
        answer=_close,
        method="POST",
        role=Role.ANALYST,
        body=Closing,
        status=201,
    ),
    _Operation(
        path=f"{_WS}/cases/{{case}}/export",
        id="exportCase",
        about="Write a case for another tool.",
        answer=_export,
        parameters=(
            _one_of("format", "Which format.", EXPORTERS.names()),
            _one_of("tlp", "How far it may travel.", _MARKINGS),
        ),
    ),
    _Operation(
        path=f"{_WS}/findings",
        id="listFindings",
        about="List findings in order of time.",
        answer=_findings,
        parameters=(
            _text("q", "Words that must stand in the title or in what it names."),
            _one_of("level", "Only of this level.", _LEVELS),
            _text("tactic", "Only of this ATT&CK tactic, such as credential-access."),
            *_PAGES,
        ),
    ),
    _Operation(
        path=f"{_WS}/findings/{{finding}}",
        id="getFinding",
        about="Return a finding with its evidence.",
        answer=_finding,
    ),
    _Operation(
        path=f"{_WS}/events",
        id="searchEvents",
        about="Return the first events that fit; only where the hunt kept them.",
        answer=_events,
        parameters=(
            _text("q", "Terms as of `stillhunt events`."),
            _text("since", "From this time on."),
            _text("until", "Up to this time."),
            _whole("limit", "How many at most.", 50, least=1, most=_MOST),
            _one_of("order", "Which come first.", ["earliest", "newest"]),
            _text("after", "What an answer to the same question said is `next`."),
            _one_of(
                "count", "Whether `total` counts all, or what was seen until the first were known.", ["all", "seen"]
            ),
        ),
    ),
    _Operation(path="/api/v1/hunts", id="listHunts", about="List hunts that were started here.", answer=_hunts),
    _Operation(
        path="/api/v1/hunts",
        id="startHunt",
        about="Start a hunt.",
        answer=_start,
        method="POST",
        role=Role.ANALYST,
        body=Start,
        status=202,
    ),
    _Operation(path="/api/v1/hunts/{run}", id="getHunt", about="Say how far a hunt is.", answer=_hunt),
    _Operation(
        path="/api/v1/knowledge/search",
        id="searchKnowledge",
        about="Search names, then the quotes and values of all claims.",
        answer=_search,
        parameters=(
            _text("q", "What to look for.", is_needed=True),
            _whole("limit", "How many claims at most.", 20, least=1, most=_MOST),
        ),
    ),
    _Operation(
        path="/api/v1/knowledge/card",
        id="getCard",
        about="Return the card of whoever bears a name.",
        answer=_card,
        parameters=(_text("name", "Any name, or an id of a catalogue.", is_needed=True),),
    ),
    _Operation(
        path="/api/v1/proposals",
        id="listProposals",
        about="List claims that were read in documents.",
        answer=_proposals,
        parameters=(_one_of("state", "Only of this state.", ["waiting", "accepted", "rejected"]), *_PAGES),
    ),
    _Operation(
        path="/api/v1/proposals/{claim}",
        id="judgeProposal",
        about="Accept or reject a proposed claim.",
        answer=_judge,
        method="POST",
        role=Role.ANALYST,
        body=Judgement,
    ),
)

ROUTES = (
    Route(path="/api/openapi.json", answer=_openapi, role=None),
    *(Route(path=o.path, answer=o.answer, method=o.method, role=o.role) for o in _OPERATIONS),
)


def refused(request: Request, refusal: Refused) -> Response:
    """Return a refusal to a program (RFC 9457, or as TAXII writes it)."""
    told_why: dict[str, Any] = {"title": refusal.message, **({"description": refusal.hint} if refusal.hint else {})}
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    if request.url.path.startswith("/taxii2"):
        told_why |= {"http_status": str(refusal.status)}
        answer = as_json(told_why, status=refusal.status, media_type="application/taxii+json;version=2.1")
    else:
        told_why |= {"status": refusal.status}
        answer = as_json(told_why, status=refusal.status, media_type="application/problem+json")
    answer.headers.update(headers)
    return answer


def openapi() -> dict[str, Any]:
    """Return what the interface is, as OpenAPI 3.1."""
    bodies = [o.body for o in _OPERATIONS if o.body is not None]
    _, schemas = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in _OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    problem = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "description": {"type": "string"}},
        "required": ["title", "status"],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "stillhunt",
            "version": version("stillhunt"),
            "description": "Cases, findings, events and knowledge. Every request carries a token.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": problem},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: _Operation) -> dict[str, Any]:
    inside = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in inside
    ]
    parameters += [
        {"name": p.name, "in": "query", "required": p.is_needed, "description": p.about, "schema": p.schema}
        for p in operation.parameters
    ]
    media = "*/*" if operation.id == "exportCase" else "application/json"
    schema: dict[str, Any] = {} if operation.id == "exportCase" else {"type": "object"}
    problem = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    reasons = {"400": "What was sent cannot be used.", "401": "No token, or a wrong one.", "403": "Not allowed."}
    reasons |= {"404": "There is no such thing.", "413": "Too much was sent.", "503": "The work failed."}
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.about,
        "description": f"Needs the role {operation.role}.",
        "responses": {
            str(operation.status): {"description": "Done.", "content": {media: {"schema": schema}}},
            **{status: {"description": words, **problem} for status, words in reasons.items()},
        },
    }
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        reference = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return found
