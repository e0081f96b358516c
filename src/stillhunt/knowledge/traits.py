"""Where groups work from and whom they attack, out of the box: MISP's galaxies where they are installed, and ATT&CK.

``threat-actor`` and ``tidal-groups`` are opened as files, since the whole embedded base takes seconds to build and a
hunt should not wait for it. Clusters are taken as a group's only by ATT&CK id, or by a name that one group alone has.

Sources: MISP galaxy, CC0 1.0 or BSD-2-Clause; MITRE ATT&CK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec

from stillhunt.errors import EngineError
from stillhunt.knowledge.entry import Group, Trait
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.sectors import sector_of

__all__ = ["described_origins", "packaged_traits"]

_PACKAGE = "pymispgalaxies"
_FOLDER = "pymispgalaxies/data/misp-galaxy/clusters"
_WORDS = r"([A-Z][a-z]+(?: [A-Z][a-z]+)?)"
_ORIGINS = (
    re.compile(rf"\b{_WORDS}(?:'s)? ?-? ?(?:based|sponsored|nexus|linked|speaking|origin)\b"),
    re.compile(
        rf"\b(?:an?|the|suspected|likely) (?:suspected )?{_WORDS}"
        r"(?:-based|-sponsored)? (?:state|government|cyber|threat|espionage|APT|nation|hack|advanced|military|group)"
    ),
    re.compile(r"\b(?:attributed|linked|tied) to (?:the )?(?:government of |People's Republic of )?" + _WORDS),
    re.compile(rf"\bbased in {_WORDS}"),
    re.compile(
        rf"\b(?:on behalf of|by|associated with|affiliated with) (?:the )?{_WORDS}(?:'s|n)? "
        r"(?:government|state|mil|Min|Intel)"
    ),
)


class _Meta(msgspec.Struct):
    country: str | None = None
    synonyms: list[str] = []  # msgspec copies a struct's empty default for each instance
    group_attack_id: str | None = None
    state: str | None = msgspec.field(name="cfr-suspected-state-sponsor", default=None)
    victims: list[str] = msgspec.field(name="cfr-suspected-victims", default_factory=list)
    categories: list[str] | str = msgspec.field(name="cfr-target-category", default_factory=list)
    sectors: list[str] | str = msgspec.field(name="targeted-sector", default_factory=list)
    observed: list[str] = msgspec.field(name="observed_countries", default_factory=list)
    observed_categories: list[str] = msgspec.field(name="target_categories", default_factory=list)


class _Cluster(msgspec.Struct):
    value: str
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _File(msgspec.Struct):
    values: list[_Cluster]


def packaged_traits(groups: Iterable[Group], *, edition: str) -> dict[str, tuple[Trait, ...]]:
    """Return origins and victims by group id, from the installed galaxies and ATT&CK's own words.

    Raises:
        EngineError: The galaxies are installed, and damaged.
    """
    groups = list(groups)
    owners = _owners(groups)
    found: dict[str, list[Trait]] = {g.id: list(described_origins(g, edition=edition)) for g in groups}
    for stem, speaker in (("threat-actor", "MISP galaxy threat-actor"), ("tidal-groups", "Tidal Cyber groups")):
        for cluster in _clusters(stem):
            group = _owner(cluster, owners)
            if group in found:
                found[group] += _told(cluster.meta, speaker)
    return {group: tuple(dict.fromkeys(traits)) for group, traits in sorted(found.items()) if traits}


def described_origins(group: Group, *, edition: str) -> Iterator[Trait]:
    """Yield the country that a group's description opens with, if it says where the group works from."""
    opening = group.description[:260]
    for pattern in _ORIGINS:
        for match in pattern.finditer(opening):
            place = _placed(match.group(1))
            if place:
                yield Trait(kind="origin", value=place, source=edition, quote=opening)
                return


def _placed(words: str) -> str:
    first = words.split(" ", maxsplit=1)[0]
    for name in (words, first, first.removesuffix("n"), _ADJECTIVES.get(words, _ADJECTIVES.get(first, ""))):
        place = find_place(name) if name else None
        if place is not None:
            return place.code
    return ""


_ADJECTIVES: Mapping[str, str] = {
    "Chinese": "CN",
    "Iranian": "IR",
    "Israeli": "IL",
    "Lebanese": "LB",
    "North Korean": "KP",
    "Pakistani": "PK",
    "Palestinian": "PS",
    "Russian": "RU",
    "South Korean": "KR",
    "Turkish": "TR",
    "Vietnamese": "VN",
}


def _told(meta: _Meta, speaker: str) -> Iterator[Trait]:
    origin = find_place(meta.country or "") or find_place(meta.state or "")
    if origin is not None:
        yield Trait(kind="origin", value=origin.code, source=speaker)
    for name in (*meta.victims, *meta.observed):
        place = find_place(name)
        if place is not None:
            yield Trait(kind="victim-country", value=place.code, source=speaker)
    for name in (*_listed(meta.categories), *_listed(meta.sectors), *meta.observed_categories):
        sector = sector_of(name)
        if sector is not None:
            yield Trait(kind="victim-sector", value=sector, source=speaker)


def _listed(given: list[str] | str) -> list[str]:
    return [given] if isinstance(given, str) else given


def _owners(groups: Iterable[Group]) -> dict[str, str]:
    claimed: dict[str, set[str]] = {}
    for group in groups:
        for name in (group.id, group.name, *group.aliases):
            claimed.setdefault(name_key(name), set()).add(group.id)
    return {key: next(iter(ids)) for key, ids in claimed.items() if len(ids) == 1}


def _owner(cluster: _Cluster, owners: Mapping[str, str]) -> str:
    """Return the group that a cluster is about: by ATT&CK id, else by its own name; aliases settle nothing."""
    ids = [cluster.meta.group_attack_id or "", *(s for s in cluster.meta.synonyms if re.fullmatch(r"G\d{4}", s))]
    return next((owners[key] for key in map(name_key, (*ids, cluster.value)) if key in owners), "")


def _clusters(stem: str) -> list[_Cluster]:
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(f"{_FOLDER}/{stem}.json")))
    except PackageNotFoundError:
        return []  # it comes with the extra `know`
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).values
    except (OSError, msgspec.DecodeError) as error:
        hint = f"reinstall it: pip install --force-reinstall {_PACKAGE}"
        raise EngineError(f"the galaxies cannot be read: {error}", where=path.name, hint=hint) from error
