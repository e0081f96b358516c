"""Where sources contradict each other: asserted and denied, two states for one entity, one name for two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from stillhunt.knowledge.card import Line, lines_of
from stillhunt.knowledge.claim import Claim
from stillhunt.knowledge.identity import identity_of
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.store import View

__all__ = ["Conflict", "conflicts"]

_ONE_ONLY = ("originates-from", "sponsored-by")
"""Predicates of which two different objects contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Claims that cannot all be so.

    Attributes:
        kind: ``denied``: said, and said not to be so; ``origin``: several states are named.
        name: Whom they are about.
        entity: Its id.
        lines: What is said, each with who says it.
    """

    kind: Literal["denied", "origin"]
    name: str
    entity: str
    lines: tuple[Line, ...]


def conflicts(view: View, entities: Collection[str] = ()) -> list[Conflict]:
    """Return where claims contradict each other, in order of kind and name.

    Args:
        view: What may be seen.
        entities: Only about these; about everybody if none is given.
    """
    found = [*_denied(view, entities), *_origins(view, entities)]
    return sorted(found, key=lambda c: (c.kind, c.name, c.entity, c.lines[0].text))


def _denied(view: View, entities: Collection[str]) -> Iterable[Conflict]:
    for denial in view.denials():
        if entities and denial.subject not in entities and denial.object not in entities:
            continue
        about = identity_of(view, denial.subject).members
        said = [c for c in view.about(about, denial.predicate) if _is_same(c, denial)]
        if any(not c.is_denial for c in said):
            name = view.name_of(denial.subject)
            yield Conflict(kind="denied", name=name, entity=denial.subject, lines=lines_of(view, said))


def _is_same(claim: Claim, denial: Claim) -> bool:
    return claim.object == denial.object and name_key(claim.value) == name_key(denial.value)


def _origins(view: View, entities: Collection[str]) -> Iterable[Conflict]:
    claims = view.about(entities, *_ONE_ONLY) if entities else view.saying(*_ONE_ONLY)
    by_subject: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if not claim.is_denial:
            by_subject[claim.subject].append(claim)
    groups = [list(entities)] if entities else [[subject] for subject in by_subject]
    for members in groups:
        said = [c for m in members for c in by_subject.get(m, ())]
        if len({c.object for c in said}) > 1:
            first = min(members)
            yield Conflict(kind="origin", name=view.name_of(first), entity=first, lines=lines_of(view, said))
