"""Workspaces, and hunts that are started and watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from stillhunt.errors import InputError
from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.route import Route
from stillhunt.web.runs import Run

__all__ = ["ROUTES", "told"]


def _home(ask: Ask, error: str = "", status: int = 200) -> Response:
    places = ask.site.shelf.places()
    logs = [str(folder) for folder in ask.site.settings.logs or (ask.site.shelf.root,)]
    shown: dict[str, Any] = {"places": places, "runs": ask.site.runs.all(), "logs": logs, "error": error}
    return page(ask, "home.html.j2", status=status, name=ask.text("name"), paths=ask.text("paths"), **shown)


def _start(ask: Ask) -> Response:
    try:
        run = ask.site.runs.start(
            ask.text("name").strip(),
            ask.text("paths").splitlines(),
            by=ask.who.name,
            keeps_events=ask.text("store") == "yes",
            jobs=ask.site.settings.jobs,
        )
    except InputError as error:
        return _home(ask, f"{error}" + (f": {error.hint}" if error.hint else ""), 400)
    ask.note("hunt", f"{run.name}: {', '.join(run.paths)}")
    return redirect(f"/hunts/{run.id}")


def _run(ask: Ask) -> Run:
    run = ask.site.runs.get(ask.path("run"))
    if run is None:
        raise Refused(404, "there is no such hunt", hint="hunts are listed on the first page")
    return run


def _watch(ask: Ask) -> Response:
    return page(ask, "run.html.j2", run=_run(ask))


def told(run: Run) -> dict[str, object]:
    """Return how far a hunt is."""
    line = run.line
    share = line.done / line.total if line.total else None
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "by": run.by,
        "began": run.began,
        "task": line.task,
        "subject": line.subject[:200],
        "share": None if share is None else round(min(1.0, share), 4),
        "events": line.events,
        "findings": line.n_findings,
        "cases": line.n_cases,
        "message": line.message,
    }


def _steps(ask: Ask) -> Response:
    run = _run(ask)

    def stream() -> Iterator[bytes]:
        for n, now in ask.site.runs.lines(run):
            yield b"id: %d\ndata: %s\n\n" % (n, msgspec.json.encode(told(now)))

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


ROUTES = (
    Route(path="/", answer=_home),
    Route(path="/hunts", answer=_start, method="POST", role=Role.ANALYST),
    Route(path="/hunts/{run}", answer=_watch),
    Route(path="/hunts/{run}/steps", answer=_steps),
)
