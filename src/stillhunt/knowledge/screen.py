"""Names against persons, companies and fronts that are sanctioned, charged or named: explained scores, no verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stillhunt.knowledge.alike import Lookalikes
from stillhunt.knowledge.card import Line, lines_of
from stillhunt.knowledge.claim import Claim, type_of
from stillhunt.knowledge.store import View

__all__ = ["Hit", "Screened", "screen"]

_GRAVE = ("sanctioned", "charged", "indicted", "convicted", "front-for", "acts-for", "linked-to", "uses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Somebody whose name is like a screened one.

    Attributes:
        entity: Who.
        name: The name that is alike.
        score: How alike, 0 to 1.
        because: Why, in words.
        lines: What is said of them: sanctions, charges, for whom they act.
    """

    entity: str
    name: str
    score: float
    because: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A name that was screened.

    Attributes:
        name: As given.
        hits: Who may be meant, the likest first.
    """

    name: str
    hits: tuple[Hit, ...]


def screen(view: View, names: Iterable[str], *, at_least: float = 0.85, limit: int = 5) -> list[Screened]:
    """Compare names with those of all persons and organisations that are known.

    Args:
        view: What may be seen.
        names: Names in any script, in any order of their parts.
        at_least: Least score that counts.
        limit: At most so many hits for a name.

    Returns:
        One entry per name, in the order given.
    """
    known = [(name, entity) for name, entity in view.names() if type_of(entity) == "identity"]
    classes = {c.subject for c in view.saying("identity-class") if c.value == "class"}
    lookalikes = Lookalikes((name, entity) for name, entity in known if entity not in classes)
    found = []
    for name in names:
        alike: dict[str, tuple[str, float, str]] = {}
        for one in lookalikes.find(name, limit=4 * limit):
            if one.score >= at_least:
                alike.setdefault(one.entity, (one.name, one.score, one.because))
        grave = _grave(view, list(alike))
        hits = [
            Hit(entity=e, name=like, score=score, because=because, lines=lines_of(view, grave.get(e, ())))
            for e, (like, score, because) in alike.items()
        ]
        hits.sort(key=lambda h: (-h.score, -len(h.lines), h.name, h.entity))
        found.append(Screened(name=name, hits=tuple(hits[:limit])))
    return found


def _grave(view: View, entities: Sequence[str]) -> dict[str, list[Claim]]:
    found: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in view.about(entities, *_GRAVE):
        found[claim.subject].append(claim)
    return found
