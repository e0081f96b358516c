"""Knowledge: search, the card of somebody with who says what, and how they are connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from stillhunt.knowledge.card import Card, Line
from stillhunt.web.answer import Ask, Refused, page
from stillhunt.web.route import Route
from stillhunt.workflows import know

__all__ = ["ROUTES"]

_HITS = 30
_DRAWN = 14
_ROW = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    name: str
    short: str
    kind: str
    entity: str
    y: float
    is_denied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Graph:
    left: tuple[_Node, ...]
    right: tuple[_Node, ...]
    n_left_out: int
    height: int
    middle: float


def _search(ask: Ask) -> Response:
    asked = ask.text("q").strip()
    with ask.site.knowledge(ask.who.ceiling) as view:
        if not asked:
            return page(ask, "knowledge.html.j2", q="", answer=None, found=[], names={}, n_claims=view.count())
        answer = know.who(view, asked)
        found = view.search(asked, limit=_HITS)
        names = view.names_of(e for hit in found for e in (hit.claim.subject, hit.claim.object, hit.claim.speaker) if e)
        return page(ask, "knowledge.html.j2", q=asked, answer=answer, found=found, names=names, n_claims=None)


def _card(ask: Ask) -> Response:
    name = ask.text("name").strip()
    with ask.site.knowledge(ask.who.ceiling) as view:
        answer, card = know.card(view, name)
    status = 200 if card else 404
    graph = _graph(card) if card else None
    return page(ask, "card.html.j2", status=status, name=name, answer=answer, card=card, graph=graph)


def _graph(card: Card) -> _Graph:
    left, n_left = _some(
        ("sponsor", card.sponsors), ("front", card.fronts), ("person", card.people), ("used by", card.users)
    )
    right, n_right = _some(("software", card.software), ("target", card.targets), ("related", card.related))
    n_rows = max(1, min(max(len(left), len(right)), _DRAWN))
    height = n_rows * _ROW + 20
    return _Graph(
        left=_nodes(left, height),
        right=_nodes(right, height),
        n_left_out=n_left + n_right,
        height=height,
        middle=height / 2,
    )


def _some(*kinds: tuple[str, Sequence[Line]]) -> tuple[list[tuple[str, Line]], int]:
    """Return the first lines of each kind, as many as there is room for, and how many are left out."""
    named = [(kind, [line for line in lines if line.entity]) for kind, lines in kinds]
    room = _DRAWN // max(1, sum(bool(lines) for _, lines in named))
    spare = sum(max(0, room - len(lines)) for _, lines in named if lines)
    shown: list[tuple[str, Line]] = []
    for kind, lines in named:
        most = room + (spare if len(lines) > room else 0)
        spare = 0 if len(lines) > room else spare
        shown += [(kind, line) for line in lines[:most]]
    return shown[:_DRAWN], sum(len(lines) for _, lines in named) - len(shown[:_DRAWN])


def _nodes(lines: list[tuple[str, Line]], height: int) -> tuple[_Node, ...]:
    shown = lines[:_DRAWN]
    top = (height - len(shown) * _ROW) / 2
    return tuple(
        _Node(
            name=line.text,
            short=line.text if len(line.text) <= 34 else f"{line.text[:33]}…",
            kind=kind,
            entity=line.entity,
            y=top + place * _ROW + _ROW / 2,
            is_denied=all(said.is_denial for said in line.said),
        )
        for place, (kind, line) in enumerate(shown)
    )


def _path(ask: Ask) -> Response:
    one, other = ask.text("one").strip(), ask.text("other").strip()
    if not (one and other):
        raise Refused(400, "a way needs two names", hint="give both in the form of the page on knowledge")
    with ask.site.knowledge(ask.who.ceiling) as view:
        ways = know.connections(view, one, other)
    return page(ask, "ways.html.j2", one=one, other=other, ways=ways)


ROUTES = (
    Route(path="/knowledge", answer=_search),
    Route(path="/knowledge/card", answer=_card),
    Route(path="/knowledge/path", answer=_path),
)
