"""Two groups side by side: what they are both said to have, and what only one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stillhunt.knowledge.card import Card, Line

__all__ = ["Comparison", "Shared", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One heading of a comparison.

    Attributes:
        heading: What is compared: ``names``, ``software``, ``techniques`` ...
        both: What both are said to have: (line of the first, line of the second).
        only_one: What only the first is said to have.
        only_other: What only the second is said to have.
    """

    heading: str
    both: tuple[tuple[Line, Line], ...]
    only_one: tuple[Line, ...]
    only_other: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two cards compared.

    Attributes:
        one: Name of the first.
        other: Name of the second.
        is_same: Whether they are taken for one.
        kept_apart: Why they are not, where somebody says that they are the same.
        headings: What is shared and what is not, heading by heading.
    """

    one: str
    other: str
    is_same: bool
    kept_apart: tuple[Line, ...]
    headings: tuple[Shared, ...]


_HEADINGS: tuple[tuple[str, Callable[[Card], tuple[Line, ...]]], ...] = (
    ("names", lambda card: card.aliases),
    ("origins", lambda card: card.origins),
    ("sponsors", lambda card: card.sponsors),
    ("fronts", lambda card: card.fronts),
    ("people", lambda card: card.people),
    ("software", lambda card: card.software),
    ("techniques", lambda card: card.techniques),
    ("targets", lambda card: card.targets),
)


def compare(one: Card, other: Card) -> Comparison:
    """Compare two cards; a thing is the same if it is the same entity, or has the same words."""
    return Comparison(
        one=one.name,
        other=other.name,
        is_same=one.members == other.members,
        kept_apart=tuple(line for line in one.apart if line.entity in other.members),
        headings=tuple(_shared(heading, of(one), of(other)) for heading, of in _HEADINGS),
    )


def _shared(heading: str, one: tuple[Line, ...], other: tuple[Line, ...]) -> Shared:
    mine = {_key(line): line for line in one if not _is_denied(line)}
    theirs = {_key(line): line for line in other if not _is_denied(line)}
    return Shared(
        heading=heading,
        both=tuple((line, theirs[key]) for key, line in mine.items() if key in theirs),
        only_one=tuple(line for key, line in mine.items() if key not in theirs),
        only_other=tuple(line for key, line in theirs.items() if key not in mine),
    )


def _key(line: Line) -> str:
    return line.entity or line.text.casefold()


def _is_denied(line: Line) -> bool:
    return all(said.is_denial for said in line.said)
