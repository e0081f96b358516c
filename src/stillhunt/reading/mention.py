"""What a document mentions by name, and who may be meant."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Meant", "Mention"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Somebody in the base who may be meant by a name.

    Attributes:
        entity: Its id.
        name: What it goes by in the base.
        reason: Why it may be meant.
        certain: Whether the base has this very name.
    """

    entity: str
    name: str
    reason: str
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name in a text. ``document.text[start:end] == text``, always.

    Attributes:
        kind: ``group``, ``campaign``, ``malware``, ``tool``, ``person``, ``organisation``, ``place`` or ``sector``.
        start: Where it begins.
        end: Where it ends.
        text: As written: the quote.
        entities: Who may be meant, by id; several where the name is ambiguous.
        how: What tells that it is one: ``known`` to the base, or the pattern.
        score: How sure the reader is that it is a name of this kind, 0 to 1.
        forms: Other ways to write it, candidates too: in full, in Latin or in Han letters, in the other order.
        stands_for: What it is a name, a part or an adjective of: the country of a city, the full name of `Mr X`.
    """

    kind: str
    start: int
    end: int
    text: str
    entities: tuple[str, ...] = ()
    how: str = "known"
    score: float = 1.0
    forms: tuple[str, ...] = ()
    stands_for: str = ""
