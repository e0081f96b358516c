"""The reading queue: what was read in documents, with the quote in its place, to be accepted or rejected."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from stillhunt.errors import InputError
from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.reading import State
from stillhunt.web.route import Route

__all__ = ["ROUTES"]

_ROWS = 20
_STATES: tuple[State, ...] = ("waiting", "accepted", "rejected")


def _list(ask: Ask, error: str = "") -> Response:
    state: State = next((s for s in _STATES if s == ask.text("state", "waiting")), "waiting")
    found = ask.site.queue.proposals(state, ceiling=ask.who.ceiling)
    number = ask.number("page", 1)
    shown = found[(number - 1) * _ROWS : number * _ROWS]
    listed: dict[str, Any] = {
        "found": shown,
        "n": len(found),
        "number": number,
        "n_pages": max(1, -(-len(found) // _ROWS)),
    }
    return page(
        ask, "reading.html.j2", status=409 if error else 200, state=state, states=_STATES, error=error, **listed
    )


def _decide(ask: Ask) -> Response:
    verb = ask.text("verb")
    if verb not in {"accept", "reject"}:
        raise Refused(400, "a proposal is accepted or rejected")
    who = ask.who
    try:
        ask.site.queue.decide(
            ask.text("claim"), accept=verb == "accept", by=who.name, why=ask.text("why").strip(), ceiling=who.ceiling
        )
    except InputError as error:
        return _list(ask, str(error))
    ask.note(f"claim {verb}", ask.text("claim"))
    return redirect("/reading")


ROUTES = (
    Route(path="/reading", answer=_list),
    Route(path="/reading", answer=_decide, method="POST", role=Role.ANALYST),
)
