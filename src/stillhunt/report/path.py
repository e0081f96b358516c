"""The path of a case through hosts and accounts, laid out as a graph: places in pixels, so that any page can draw it.

Hosts stand in columns by how many moves lead to them from where the case came in, in a column by their first sign.
Arrows are moves that were logged, and addresses that findings saw at a host; an arrow's number leads to its line in
the list beside the graph, which says the same in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stillhunt.cases.case import Case, Scope, ScopedEntity
from stillhunt.detection.finding import Finding
from stillhunt.terms.entity import EntityKind

__all__ = ["Arrow", "Box", "PathGraph", "path_of"]

_MOST_HOSTS = 14
_MOST_ADDRESSES = 6
_MOST_ACCOUNTS = 4
_WIDTH, _COLUMN, _GAP = 216, 310, 26
_HEAD, _LINE = 46, 17
_MARGIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A host or an address.

    Attributes:
        name: Its whole name.
        short: As much of it as a box has room for.
        kind: ``host``: confirmed to have been under control; ``potential``: a host that may have been; ``address``.
        said: First sign in words.
        accounts: Who acted there, the first few.
        n_more: Accounts left out.
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
    """

    name: str
    short: str
    kind: str
    said: str
    accounts: tuple[str, ...]
    n_more: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A way from one box to another.

    Attributes:
        number: As shown at its middle and in the list.
        curve: SVG path data.
        x: Middle.
        y: Middle.
        origin: Where from.
        host: Where to.
        account: As whom; empty where it is not known.
        first_at: First time.
        last_at: Last time.
        how: What shows it, in words.
        is_logged: False where only a finding names both ends.
    """

    number: int
    curve: str
    x: float
    y: float
    origin: str
    host: str
    account: str
    first_at: datetime | None
    last_at: datetime | None
    how: str
    is_logged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PathGraph:
    """A path laid out.

    Attributes:
        boxes: Addresses and hosts.
        arrows: Ways between them, in order of time.
        n_left_out: Hosts and addresses not drawn.
        width: Of the drawing.
        height: Of the drawing.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    n_left_out: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Way:
    origin: str
    host: str
    account: str
    first_at: datetime | None
    last_at: datetime | None
    how: str
    is_logged: bool


def path_of(case: Case, findings: Mapping[str, Finding]) -> PathGraph | None:
    """Lay out the path of a case, or return None where no host is known."""
    hosts = sorted((t for t in case.entities if t.entity.kind is EntityKind.HOST), key=_by_first)
    if not hosts:
        return None
    drawn = sorted(hosts, key=lambda t: (t.scope is not Scope.CONFIRMED, *_by_first(t)))[:_MOST_HOSTS]
    names = {t.entity.value for t in drawn}
    ways = [way for way in _ways(case, findings) if way.host in names]
    outside = list(dict.fromkeys(way.origin for way in ways if way.origin not in names))
    addresses = outside[:_MOST_ADDRESSES]
    ways = [way for way in ways if way.origin in names or way.origin in addresses]
    depth = _depths(names, addresses, ways)
    boxes = _boxes(sorted(drawn, key=_by_first), addresses, depth, _actors(case, findings), ways)
    places = {box.name: box for box in boxes}
    arrows = tuple(_arrow(n, way, places[way.origin], places[way.host]) for n, way in enumerate(ways, 1))
    return PathGraph(
        boxes=boxes,
        arrows=arrows,
        n_left_out=len(hosts) - len(drawn) + len(outside) - len(addresses),
        width=max(box.x + box.width for box in boxes) + _MARGIN,
        height=max(box.y + box.height for box in boxes) + _MARGIN,
    )


def _by_first(touched: ScopedEntity) -> tuple[bool, float, str]:
    at = touched.first_at
    return at is None, at.timestamp() if at else 0.0, touched.entity.value


def _ways(case: Case, findings: Mapping[str, Finding]) -> list[_Way]:
    logged = [
        _Way(
            m.origin,
            m.host,
            m.account,
            m.first_at,
            m.last_at,
            f"{m.count:,} remote logon{'s' if m.count > 1 else ''}",
            True,
        )
        for m in case.moves
    ]
    known = {(way.origin, way.host) for way in logged}
    named: dict[tuple[str, str], _Way] = {}
    for finding in (findings[f] for f in case.findings if f in findings):
        here = [e.value for e in finding.entities if e.kind is EntityKind.HOST and e.role != "target"]
        host = here[0] if here else ""
        sources = [e.value for e in finding.entities if e.kind is EntityKind.ADDRESS and e.role == "source"]
        for origin in sources:
            key = origin, host
            if not host or key in known or key in named or origin in _ITSELF:
                continue
            title = finding.detector.title
            named[key] = _Way(origin, host, "", finding.first_at, finding.last_at, f"seen in: {title}", False)
    return sorted((*logged, *named.values()), key=lambda w: (w.first_at or _LAST, w.origin, w.host, w.account))


_ITSELF = frozenset({"", "-", "::1", "127.0.0.1"})
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def _depths(hosts: Iterable[str], addresses: Iterable[str], ways: Iterable[_Way]) -> dict[str, int]:
    """Return the column of each: addresses first, then hosts by the moves that lead to them."""
    depth = dict.fromkeys(addresses, 0)
    begin = 1 if depth else 0
    known = set(hosts)
    inward = {way.host for way in ways if way.origin in known and way.origin != way.host}
    depth |= dict.fromkeys(sorted(known - inward), begin)
    # In order of time, so that a way back to where they came from moves nothing.
    for way in ways:
        if way.origin in depth and way.host not in depth:
            depth[way.host] = depth[way.origin] + 1 if way.origin in known else begin
    return depth | dict.fromkeys(sorted(known - depth.keys()), begin)


def _actors(case: Case, findings: Mapping[str, Finding]) -> dict[str, list[str]]:
    confirmed = [t.entity for t in case.entities if t.scope is Scope.CONFIRMED]
    accounts = {entity.value for entity in confirmed if entity.kind is EntityKind.ACCOUNT}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in (findings[f] for f in case.findings if f in findings):
        hosts = [e.value for e in finding.entities if e.kind is EntityKind.HOST]
        for thing in finding.entities:
            if thing.kind is EntityKind.ACCOUNT and thing.value in accounts and hosts:
                found[hosts[0]][thing.value] = None
    for move in case.moves:
        found[move.host][move.account] = None
    return {host: list(names) for host, names in found.items()}


def _boxes(
    hosts: list[ScopedEntity],
    addresses: list[str],
    depth: Mapping[str, int],
    actors: Mapping[str, list[str]],
    ways: list[_Way],
) -> tuple[Box, ...]:
    lowest: dict[int, int] = defaultdict(lambda: _MARGIN)
    first = {way.origin: way.first_at for way in reversed(ways)}
    boxes = [_box(name, "address", first.get(name), [], column=depth[name], lowest=lowest) for name in addresses]
    for touched in hosts:
        name = touched.entity.value
        kind = "host" if touched.scope is Scope.CONFIRMED else "potential"
        acted = actors.get(name, [])
        boxes.append(_box(name, kind, touched.first_at, acted, column=depth[name], lowest=lowest))
    return tuple(boxes)


def _box(
    name: str,
    kind: str,
    first_at: datetime | None,
    accounts: list[str],
    *,
    column: int,
    lowest: dict[int, int],
) -> Box:
    shown = accounts[:_MOST_ACCOUNTS]
    n_more = len(accounts) - len(shown)
    height = _HEAD + _LINE * (len(shown) + bool(n_more)) + (8 if shown else 0)
    box = Box(
        name=name,
        short=_short(name if kind == "address" else name.partition(".")[0] or name),
        kind=kind,
        said=f"{first_at:%Y-%m-%d %H:%M}" if first_at else "no time",
        accounts=tuple(_short(account) for account in shown),
        n_more=n_more,
        x=_MARGIN + column * _COLUMN,
        y=lowest[column],
        width=_WIDTH,
        height=height,
    )
    lowest[column] += height + _GAP
    return box


def _short(name: str) -> str:
    most = 27
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _arrow(number: int, way: _Way, origin: Box, host: Box) -> Arrow:
    if origin.x < host.x:
        x1, y1 = origin.x + origin.width, origin.y + origin.height / 2
        x2, y2 = host.x, host.y + host.height / 2
        bend = max(30.0, (x2 - x1) / 2)
        curve = f"M{x1} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 7} {y2:g}"
        middle = (x1 + x2) / 2, (y1 + y2) / 2
    else:
        # Back, or within a column: around the right-hand side.
        x1, y1 = origin.x + origin.width, origin.y + origin.height / 2
        x2, y2 = host.x + host.width, host.y + host.height / 2
        out = max(x1, x2) + 44
        curve = f"M{x1} {y1:g}C{out} {y1:g} {out} {y2:g} {x2 + 7} {y2:g}"
        middle = max(x1, x2) + 33, (y1 + y2) / 2
    return Arrow(
        number=number,
        curve=curve,
        x=middle[0],
        y=middle[1],
        origin=way.origin,
        host=way.host,
        account=way.account,
        first_at=way.first_at,
        last_at=way.last_at,
        how=way.how,
        is_logged=way.is_logged,
    )
