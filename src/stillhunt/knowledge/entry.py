"""The nouns of the knowledge base: groups, software, techniques, and the sourced edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["Edge", "Group", "Provenance", "Software", "Technique", "Trait"]


class Provenance(StrEnum):
    """How much of an edge's source is held here."""

    QUOTED = "quoted"  # the whole sentence, and the reports it cites
    CITED = "cited"  # the names of reports, beside a sentence that is cut
    BARE = "bare"  # the claim alone: no report is named in what is held


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A tracked adversary.

    Attributes:
        id: ATT&CK id, such as ``G0016``.
        name: ATT&CK's name for it.
        aliases: Other names that ATT&CK lists, in its order.
        description: What ATT&CK says it is, without markup; may end in an ellipsis.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """A malware family or a tool.

    Attributes:
        id: ATT&CK id, such as ``S0154``.
        name: ATT&CK's name for it.
        kind: ``malware``: made for harm; ``tool``: also has honest users, or ships with the system.
        aliases: Other names that ATT&CK lists, in its order.
    """

    id: str
    name: str
    kind: Literal["malware", "tool"]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A way of doing something.

    Attributes:
        id: ATT&CK id, such as ``T1505.003``.
        name: Its name; a sub-technique's own, without the parent's.
        tactics: Short names of the tactics it serves, in the order of the matrix.
        parent: Id of its parent technique; empty if it has none.
    """

    id: str
    name: str
    tactics: tuple[str, ...] = ()
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A claim that a group uses a technique or a software, and who makes it.

    Attributes:
        group: Group id.
        item: Technique or software id.
        quote: The knowledge base's words for the claim, without markup; may end in an ellipsis.
        citations: Names of the reports it rests on, in order of mention.
        provenance: How much of the source is held.
        campaign: Id of the campaign the claim is about, if the group is credited through one; else empty.
    """

    group: str
    item: str
    quote: str
    citations: tuple[str, ...]
    provenance: Provenance
    campaign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """Something said of a group beside what it uses.

    Attributes:
        kind: ``origin``, ``victim-country`` (both as codes of ISO 3166-1), ``victim-sector`` (one word of
            :data:`stillhunt.knowledge.sectors.SECTORS`) or ``indicator``.
        value: The code, word or indicator.
        source: Who says so, and where.
        dated: Day up to which it was seen or said, ``2024-03-25``; empty if unknown.
        quote: Their words, where held.
    """

    kind: Literal["origin", "victim-country", "victim-sector", "indicator"]
    value: str
    source: str
    dated: str = ""
    quote: str = ""
