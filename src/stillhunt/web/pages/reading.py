"""The reading queue: what was read in documents, with the quote in its place, to be accepted or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from stillhunt.errors import InputError
from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.route import Route
from stillhunt.workflows.queue import Queue, Queued, State

__all__ = ["ROUTES"]

_ROWS = 20
_AROUND = 1_500
"""Letters of the document shown before a quote, and after it."""
_STATES: tuple[State, ...] = ("waiting", "accepted", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A claim of the queue with its place in the document.

    Attributes:
        queued: The claim.
        before: What stands before its quote.
        after: What stands behind it.
        related: Other claims of the document that it denies, or that deny or contradict it: how, the claim, why.
        trouble: Why the document is not shown; empty if it is.
    """

    queued: Queued
    before: str = ""
    after: str = ""
    related: tuple[tuple[str, Queued, str], ...] = ()
    trouble: str = ""


def _shown(queue: Queue, queued: Queued) -> _Shown:
    claim = queued.claim
    others = ((r, queue.at(f"{queued.document.sha256}:{r.to}")) for r in claim.relations)
    related = tuple((r.kind.replace("-", " "), other, r.reason) for r, other in others if other is not None)
    try:
        text = queue.text(queued.document)
    except InputError as error:
        return _Shown(queued=queued, related=related, trouble=str(error))
    before = text[max(0, claim.start - _AROUND) : claim.start]
    after = text[claim.end : claim.end + _AROUND]
    return _Shown(queued=queued, before=before, after=after, related=related)


def _list(ask: Ask, error: str = "") -> Response:
    state: State = next((s for s in _STATES if s == ask.text("state", "waiting")), "waiting")
    found = ask.site.queue.proposals(state, ceiling=ask.who.ceiling)
    number = ask.number("page", 1)
    shown = [_shown(ask.site.queue, queued) for queued in found[(number - 1) * _ROWS : number * _ROWS]]
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
        ask.site.judge(
            ask.text("claim"),
            accepts=verb == "accept",
            by=who.name,
            why=ask.text("why").strip()[:1_000],
            ceiling=who.ceiling,
        )
    except InputError as error:
        return _list(ask, str(error))
    ask.note(f"claim {verb}", ask.text("claim"))
    return redirect("/reading")


ROUTES = (
    Route(path="/reading", answer=_list),
    Route(path="/reading", answer=_decide, method="POST", role=Role.ANALYST),
)
