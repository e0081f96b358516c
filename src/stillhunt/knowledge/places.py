"""Countries and territories by any of their names, and the region each lies in.

Codes are ISO 3166-1, regions those of the United Nations' M49 (Taiwan, Kosovo and Antarctica have none there, and
are counted with their neighbours or alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from stillhunt.knowledge.claim import entity_id
from stillhunt.knowledge.names import name_key

__all__ = ["Place", "country_name", "find_place", "place_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A country or territory.

    Attributes:
        code: Two letters of ISO 3166-1; ``XK`` for Kosovo.
        name: In English.
        region: Sub-region of M49 in which it lies.
    """

    code: str
    name: str
    region: str

    @property
    def entity(self) -> str:
        """Id under which claims speak of it."""
        return entity_id("location", f"country:{self.code}")


def find_place(name: str) -> Place | None:
    """Return the country that has this code or name, or None.

    >>> find_place("Korea (Republic of)").code
    'KR'
    >>> find_place("Global") is None
    True
    """
    return _by_key().get(name_key(name))


def country_name(code: str) -> str:
    """Return the English name of a country by its code, or the code if it is none.

    >>> country_name("KP")
    'North Korea'
    """
    place = find_place(code)
    return place.name if place is not None else code


def place_of(entity: str) -> Place | None:
    """Return the country that an entity is, or None."""
    return _by_entity().get(entity)


@cache
def _by_key() -> Mapping[str, Place]:
    found: dict[str, Place] = {}
    for line in (files("stillhunt.knowledge") / "data" / "places.tsv").read_text("utf-8").splitlines()[1:]:
        code, region, name, others = line.split("\t")
        place = Place(code=code, name=name, region=region)
        for known in (code, name, *others.split("|")):
            found.setdefault(name_key(known), place)
    return found


@cache
def _by_entity() -> Mapping[str, Place]:
    return {place.entity: place for place in _by_key().values()}
