"""The knowledge base: entries by id, edges by group, and every name anyone may know them by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from stillhunt.knowledge.entry import Edge, Group, Software, Technique, Trait
from stillhunt.knowledge.names import name_key

__all__ = ["KnowledgeBase"]

Entry = TypeVar("Entry", Group, Software, Technique)


@dataclass(frozen=True, kw_only=True, eq=False)
class KnowledgeBase:
    """Groups, what they use, and who says so.

    Mappings are in order of id, edges in order of group, item and campaign: the same data give the same base.

    Attributes:
        name: What it is made of, with versions.
        edition: In short, such as ``ATT&CK v18.1``.
        groups: Current groups by id.
        software: Current software by id.
        techniques: Current techniques by id.
        edges: Claims that a group uses something.
        successors: Ids that were withdrawn in favour of another, and that other.
        urls: Address of a report by its citation name, where held. Never fetched.
        abilities: Technique ids by the software that can do them.
        traits: What else is said of a group, by its id: origins, victims, indicators.
    """

    name: str
    edition: str
    groups: Mapping[str, Group]
    software: Mapping[str, Software]
    techniques: Mapping[str, Technique]
    edges: tuple[Edge, ...]
    successors: Mapping[str, str]
    urls: Mapping[str, str]
    abilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traits: Mapping[str, tuple[Trait, ...]] = field(default_factory=dict)
    _by_group: Mapping[str, tuple[Edge, ...]] = field(init=False, repr=False)
    _by_key: Mapping[str, tuple[str, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_group: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            by_group[edge.group].append(edge)
        by_key: defaultdict[str, set[str]] = defaultdict(set)
        for key, entry_id in self._names():
            by_key[key].add(entry_id)
        object.__setattr__(self, "_by_group", {g: tuple(e) for g, e in by_group.items()})
        object.__setattr__(self, "_by_key", {k: tuple(sorted(i)) for k, i in by_key.items()})

    def edges_of(self, group: str) -> tuple[Edge, ...]:
        """Return what a group is said to use; nothing for an unknown id."""
        return self._by_group.get(group, ())

    def reports_of(self, group: str) -> tuple[str, ...]:
        """Return the names of the reports that a group's edges cite, sorted."""
        return tuple(sorted({c for edge in self.edges_of(group) for c in edge.citations}))

    def traits_of(self, group: str, kind: str) -> tuple[Trait, ...]:
        """Return what is said of a group of one kind; nothing for an unknown id."""
        return tuple(t for t in self.traits.get(group, ()) if t.kind == kind)

    def origin_of(self, group: str) -> str:
        """Return the country that most sources say a group works from; empty if none, or as many say otherwise."""
        votes: dict[str, set[str]] = {}
        for trait in self.traits_of(group, "origin"):
            votes.setdefault(trait.value, set()).add(trait.source)
        ranked = sorted(votes, key=lambda country: (-len(votes[country]), country))
        if not ranked or (len(ranked) > 1 and len(votes[ranked[0]]) == len(votes[ranked[1]])):
            return ""
        return ranked[0]

    def current(self, entry_id: str) -> str | None:
        """Return the id that stands for this one today, or None if there is none.

        Withdrawn ids lead to their successor; ids that were dropped without one, or never existed, to None.
        """
        known = self.successors.get(entry_id, entry_id)
        return known if known in self.techniques or known in self.software or known in self.groups else None

    def find_groups(self, name: str) -> tuple[Group, ...]:
        """Return the groups that have this id, name or alias, in whatever spelling; several if it is ambiguous."""
        return self._found(name, self.groups)

    def find_software(self, name: str) -> tuple[Software, ...]:
        """Return the software that has this id, name or alias, in whatever spelling; several if it is ambiguous."""
        return self._found(name, self.software)

    def find_techniques(self, name: str) -> tuple[Technique, ...]:
        """Return the techniques that have this id or name, in whatever spelling; several if it is ambiguous."""
        return self._found(name, self.techniques)

    def _found(self, name: str, entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
        return tuple(entries[i] for i in self._by_key.get(name_key(name), ()) if i in entries)

    def _names(self) -> Iterable[tuple[str, str]]:
        named: list[Group | Software] = [*self.groups.values(), *self.software.values()]
        for entry in named:
            for name in (entry.id, entry.name, *entry.aliases):
                yield name_key(name), entry.id
        for technique in self.techniques.values():
            yield name_key(technique.id), technique.id
            yield name_key(technique.name), technique.id
        for old, new in self.successors.items():
            yield name_key(old), new
