"""How two entities are connected, and by which claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stillhunt.knowledge.claim import Claim, type_of
from stillhunt.knowledge.store import View

__all__ = ["Path", "Step", "paths"]

_COMMON = frozenset({"attack-pattern", "location"})
"""Types that join everybody to everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a path.

    Attributes:
        start: Entity at which it begins.
        start_name: Its name.
        end: Entity to which it leads.
        end_name: Its name.
        claims: Claims that say so, in either direction.
    """

    start: str
    start_name: str
    end: str
    end_name: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A way from one entity to another.

    Attributes:
        steps: In order.
    """

    steps: tuple[Step, ...]


def paths(view: View, one: Collection[str], other: Collection[str], *, longest: int = 4, limit: int = 5) -> list[Path]:
    """Return the shortest ways from any of some entities to any of others.

    Ways through techniques, countries and sectors are taken only where there is no other: they join everybody.

    Args:
        view: What may be seen.
        one: Where ways begin.
        other: Where they end.
        longest: Most steps.
        limit: At most so many ways.
    """
    for is_narrow in (True, False):
        found = _search(view, set(one), set(other), longest=longest, is_narrow=is_narrow)
        if found:
            return [_path(view, way) for way in found[:limit]]
    return []


_Way = tuple[tuple[str, str, tuple[Claim, ...]], ...]


def _search(view: View, start: set[str], goal: set[str], *, longest: int, is_narrow: bool) -> list[_Way]:
    """Search from the start, level by level, until a level reaches the goal."""
    ways: dict[str, list[_Way]] = {e: [()] for e in sorted(start)}
    seen, level = set(start), set(start)
    for _ in range(longest):
        following: defaultdict[str, list[_Way]] = defaultdict(list)
        for (here, there), claims in _links(view, level).items():
            if there in seen or (there not in goal and is_narrow and _is_common(view, there)):
                continue
            following[there] += [(*way, (here, there, claims)) for way in ways[here][:_KEPT]]
        reached = sorted(e for e in following if e in goal)
        if reached:
            return sorted((w for e in reached for w in following[e]), key=_order)
        ways = {e: sorted(some, key=_order)[:_KEPT] for e, some in following.items()}
        level = set(following)
        seen |= level
    return []


_KEPT = 3
"""Ways to one entity that are followed further."""


def _order(way: _Way) -> tuple[int, tuple[str, ...]]:
    return -sum(len(claims) for _, _, claims in way), tuple(end for _, end, _ in way)


def _links(view: View, level: Iterable[str]) -> dict[tuple[str, str], tuple[Claim, ...]]:
    here = set(level)
    found: defaultdict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in view.about(here):
        if claim.object and not claim.is_denial:
            found[claim.subject, claim.object].append(claim)
    for claim in view.pointing_at(here):
        if not claim.is_denial:
            found[claim.object, claim.subject].append(claim)
    return {ends: tuple(claims) for ends, claims in sorted(found.items())}


def _is_common(view: View, entity: str) -> bool:
    if type_of(entity) in _COMMON:
        return True
    return type_of(entity) == "identity" and any(c.value == "class" for c in view.about([entity], "identity-class"))


def _path(view: View, way: _Way) -> Path:
    names = view.names_of({e for start, end, _ in way for e in (start, end)})
    return Path(
        steps=tuple(
            Step(start=start, start_name=names[start], end=end, end_name=names[end], claims=claims)
            for start, end, claims in way
        )
    )
