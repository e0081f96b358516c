"""Findings, why each is one, the things they name, the events they were found in, and what is hidden."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

import yaml
from starlette.responses import Response

from stillhunt.cases.suppression import read_suppressions
from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError
from stillhunt.report.evidence import Budget, choose
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.technique import TACTICS
from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.pages.cases import opened
from stillhunt.web.route import Route
from stillhunt.web.shelf import Loaded
from stillhunt.workflows.casework import SUPPRESSIONS
from stillhunt.workflows.events import query
from stillhunt.workflows.lookup import find_finding

__all__ = ["ROUTES", "chosen_findings"]

_ROWS = 60
_EVENTS = 30
_PATIENCE_S = 0.1
"""A search on a page ends after this, with what comes first for sure, or says what it did not look into."""

_RECORD_BYTES = 1_000_000


def chosen_findings(loaded: Loaded, *, words: str, level: str, tactic: str, loose: bool = False) -> list[Finding]:
    """Return the findings that fit, in order of time."""
    wanted = words.lower().split()
    return [
        finding
        for text, finding in loaded.words
        if (not level or finding.detector.level == level)
        and (not tactic or tactic in finding.detector.tactics)
        and (not loose or finding.id not in loaded.case_of)
        and all(word in text for word in wanted)
    ]


def _list(ask: Ask) -> Response:
    loaded = opened(ask)
    level, tactic = ask.text("level"), ask.text("tactic")
    found = chosen_findings(loaded, words=ask.text("q"), level=level, tactic=tactic, loose=ask.text("loose") == "yes")
    number = ask.number("page", 1)
    shown = found[(number - 1) * _ROWS : number * _ROWS]
    listed: dict[str, Any] = {
        "found": shown,
        "n": len(found),
        "number": number,
        "n_pages": max(1, -(-len(found) // _ROWS)),
    }
    values: dict[str, Any] = {
        "levels": list(reversed(Level)),
        "tactics": TACTICS,
        "q": ask.text("q"),
        "level": level,
        "tactic": tactic,
    }
    return page(ask, "findings.html.j2", ws=loaded, loose=ask.text("loose"), **listed, **values)


def _finding(ask: Ask) -> Response:
    loaded = opened(ask)
    found = loaded.findings.get(ask.path("finding")) or find_finding(loaded.place.folder, ask.path("finding"))
    (shown,), _ = choose([found], Budget(_RECORD_BYTES))
    case = loaded.case_of.get(found.id)
    hidden = loaded.desk.suppressed.by_finding.get(found.id)
    return page(ask, "finding.html.j2", ws=loaded, item=shown, finding=found, case=case, hidden=hidden)


def _entity(ask: Ask) -> Response:
    loaded = opened(ask)
    value, kind = ask.text("value"), next((k for k in EntityKind if k == ask.text("kind")), None)
    found = loaded.of_entity.get((kind, value), []) if kind else []
    if kind is None or not found:
        raise Refused(404, "no finding names that", hint="follow a link from a finding or a case")
    cases = loaded.cases_of(found)
    scoped = [(c, t) for c in cases for t in c.entities if t.entity.kind is kind and t.entity.value == value]
    beside: dict[tuple[EntityKind, str], int] = {}
    for finding in found:
        for thing in finding.entities:
            if (thing.kind, thing.value) != (kind, value):
                beside[thing.kind, thing.value] = beside.get((thing.kind, thing.value), 0) + 1
    near = sorted(beside.items(), key=lambda i: (-i[1], i[0]))[:60]
    times = [t for f in found for t in (f.first_at, f.last_at) if t is not None]
    span = (min(times), max(times)) if times else None
    shown: dict[str, Any] = {
        "cases": cases,
        "scoped": scoped,
        "near": near,
        "span": span,
        "n": len(found),
        "found": found[:200],
    }
    return page(ask, "entity.html.j2", ws=loaded, kind=kind, value=value, **shown)


def _events(ask: Ask) -> Response:
    loaded = opened(ask)
    store = loaded.store()
    values: dict[str, Any] = {name: ask.text(name) for name in ("q", "since", "until", "class", "order", "after")}
    if store is None:
        return page(
            ask, "events.html.j2", ws=loaded, store=None, overview=None, events=None, error="", **_named(values)
        )
    error, events, status = "", None, 200
    if any(values.values()):
        try:
            classes = [values["class"]] if values["class"] else []
            asked = query([values["q"]], since=values["since"] or None, until=values["until"] or None, classes=classes)
            order: dict[str, Any] = {"newest": values["order"] == "newest", "after": values["after"]}
            if ask.text("whole") == "yes":
                events = store.search(asked, limit=_EVENTS, **order)
            else:
                end = time.monotonic() + _PATIENCE_S
                events = store.first(asked, limit=_EVENTS, goes_on=lambda: time.monotonic() < end, **order)
        except InputError as wrong:
            error, status = f"{wrong}" + (f": {wrong.hint}" if wrong.hint else ""), 400
    overview = None if events else store.overview()
    shown: dict[str, Any] = {"store": store, "overview": overview, "events": events, "error": error}
    return page(ask, "events.html.j2", status=status, ws=loaded, **shown, **_named(values))


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {"event_class" if name == "class" else name: value for name, value in values.items()}


def _suppressions(ask: Ask, error: str = "") -> Response:
    loaded = opened(ask)
    path = loaded.place.folder / SUPPRESSIONS
    entries = read_suppressions({SUPPRESSIONS: path.read_text("utf-8")}) if path.is_file() else ()
    counts: dict[str, int] = {}
    for entry in loaded.desk.suppressed.by_finding.values():
        counts[entry] = counts.get(entry, 0) + 1
    values: dict[str, Any] = {name: ask.text(name) for name in ("id", "rule", "host", "account", "reason", "expires")}
    values["today"] = f"{datetime.now(UTC):%Y-%m-%d}"
    return page(
        ask,
        "suppressions.html.j2",
        status=400 if error else 200,
        ws=loaded,
        entries=entries,
        counts=counts,
        values=values,
        error=error,
    )


def _suppress(ask: Ask) -> Response:
    loaded = opened(ask)
    match = {name: ask.text(name).strip() for name in ("rule", "host", "account") if ask.text(name).strip()}
    entry = {
        "id": ask.text("id").strip(),
        "match": match,
        "owner": ask.who.name,
        "reason": ask.text("reason").strip(),
        "expires": ask.day("expires"),
    }
    missing = [name for name in ("id", "match", "reason", "expires") if not entry[name]]
    if missing:
        return _suppressions(ask, f"missing: {', '.join(missing)}")
    path = loaded.place.folder / SUPPRESSIONS
    added = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False)
    with ask.site.writing:
        kept = path.read_text("utf-8") if path.is_file() else ""
        whole = kept + ("" if kept.endswith("\n") or not kept else "\n") + added
        try:
            read_suppressions({SUPPRESSIONS: whole})
        except InputError as error:
            return _suppressions(ask, str(error))
        with path.open("a", encoding="utf-8") as file:
            file.write(whole[len(kept) :])
            file.flush()
            os.fsync(file.fileno())
    ask.note("suppress", f"{loaded.key} {entry['id']}")
    return redirect(f"/w/{loaded.key}/suppressions")


ROUTES = (
    Route(path="/w/{ws}/findings", answer=_list),
    Route(path="/w/{ws}/findings/{finding}", answer=_finding),
    Route(path="/w/{ws}/entity", answer=_entity),
    Route(path="/w/{ws}/events", answer=_events),
    Route(path="/w/{ws}/suppressions", answer=_suppressions),
    Route(path="/w/{ws}/suppressions", answer=_suppress, method="POST", role=Role.ANALYST),
)
