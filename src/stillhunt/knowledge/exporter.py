"""What an exporter is: a writer of one of other people's formats; all of them by name.

An exporter takes a view and nothing else, so that nothing above the view's ceiling can reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stillhunt.knowledge.claim import Claim, Claims
from stillhunt.knowledge.store import View
from stillhunt.registry import Registry

__all__ = ["EXPORTERS", "Exporter", "chosen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """A writer of one format.

    Attributes:
        title: What it writes, in words.
        suffix: What such a file's name ends with.
        write: (view, entities to write about; none for everything) to the bytes of a file.
    """

    title: str
    suffix: str
    write: Callable[[View, Sequence[str]], bytes]


EXPORTERS: Registry[Exporter] = Registry(
    "exporter", package="stillhunt.knowledge.exporters", constant="EXPORTER", group="stillhunt.exporters"
)


def chosen(view: View, entities: Sequence[str]) -> Claims:
    """Return everything that is seen, or what is said about some entities and names what that leads to."""
    if not entities:
        return view.everything()
    near = [*view.about(entities), *view.pointing_at(entities)]
    others = {e for c in near for e in (c.subject, c.object, c.speaker)} - {"", *entities}
    named = view.about(others, "name", "external-id", "identity-class", "country-code", "region")
    speakers = {c.speaker for c in named} - others - set(entities)
    claims: dict[str, Claim] = {c.id: c for c in (*near, *named, *view.about(speakers, "name", "identity-class"))}
    sources = view.sources(c.source for c in claims.values())
    return Claims(sources=dict(sorted(sources.items())), claims=dict(sorted(claims.items())))
