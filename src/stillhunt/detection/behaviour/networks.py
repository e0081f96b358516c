"""Where addresses are: from database files of the user's, never asked of anyone.

The files are MaxMind's format (``.mmdb``), as GeoLite2, DB-IP and IPinfo publish them: City or Country for places, ASN
for networks. Without a file nothing is said of any address.

Reference: MaxMind DB file format specification 2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from stillhunt.errors import InputError, MissingExtraError

__all__ = ["Networks", "Whereabouts"]


class Whereabouts(NamedTuple):
    """What the databases say of an address.

    Attributes:
        country: Two letters, upper case; empty if unknown.
        latitude: Degrees north, None if unknown.
        longitude: Degrees east, None if unknown.
        radius_km: Within how many kilometres the place is right, None if unknown.
        number: Number of the autonomous system, None if unknown.
        owner: Its name.
    """

    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    radius_km: int | None = None
    number: int | None = None
    owner: str = ""


class Networks:
    """Databases of addresses.

    Args:
        paths: Files in MaxMind's format; none is fine.

    Raises:
        InputError: One cannot be read.
        MissingExtraError: The package that reads them is not installed.
    """

    def __init__(self, paths: Sequence[str | Path] = ()) -> None:
        self._readers = [_opened(Path(path)) for path in paths]
        self._of = lru_cache(maxsize=200_000)(self._looked_up)

    @property
    def is_there(self) -> bool:
        """Whether there is any database."""
        return bool(self._readers)

    def of(self, address: str) -> Whereabouts:
        """Return what is known of an address."""
        return self._of(address) if self._readers else Whereabouts()

    def _looked_up(self, address: str) -> Whereabouts:
        found: dict[str, Any] = {}
        with suppress(ValueError):
            where = ip_address(address)
            for reader in self._readers:
                with suppress(ValueError):  # an address of version 6 in a database of version 4
                    said = reader.get(where)
                    if isinstance(said, dict):
                        found |= said
        place, country = _part(found, "location"), found.get("country")
        code = country.get("iso_code") if isinstance(country, dict) else country
        number = found.get("autonomous_system_number") or str(found.get("asn") or "").removeprefix("AS")
        return Whereabouts(
            country=str(code or "").upper()[:2],
            latitude=_number(place.get("latitude", found.get("latitude"))),
            longitude=_number(place.get("longitude", found.get("longitude"))),
            radius_km=place.get("accuracy_radius") if isinstance(place.get("accuracy_radius"), int) else None,
            number=int(number) if str(number).isdecimal() else None,
            owner=str(found.get("autonomous_system_organization") or found.get("as_name") or ""),
        )


def _part(found: dict[str, Any], name: str) -> dict[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> float | None:
    with suppress(TypeError, ValueError):
        return float(value)  # type: ignore[arg-type]  # whatever the database holds
    return None


def _opened(path: Path) -> Any:
    try:
        import maxminddb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("maxminddb", "geo") from error
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        hint = "give a file in MaxMind's format (.mmdb), such as GeoLite2-City.mmdb"
        raise InputError(f"is no database of addresses: {error}", where=str(path), hint=hint) from error
