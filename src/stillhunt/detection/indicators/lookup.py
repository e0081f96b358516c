"""Which indicators of a watchlist an observable meets: itself, a domain above it, a network around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from stillhunt.detection.indicators.caution import covers_names_below
from stillhunt.detection.indicators.observable import Observable
from stillhunt.detection.indicators.table import Watchlist

__all__ = ["met_by"]


def met_by(one: Observable, watchlist: Watchlist) -> Sequence[Observable]:
    """Return the indicators that an observable meets, the narrowest first.

    A name meets every listed domain that it lies below, label by label: ``a.b.evil.example`` meets ``evil.example``
    and never ``vil.example``. Domains under which strangers get names cover themselves only.
    """
    found = [one] if one in watchlist else []
    if one.kind == "domain" and watchlist.has("domain"):
        found += _above(one.value, watchlist)
    elif one.kind == "address" and watchlist.prefixes:
        found += _around(one.value, watchlist)
    return found


def _above(name: str, watchlist: Watchlist) -> Iterator[Observable]:
    at = name.find(".")
    while at >= 0:
        above = Observable("domain", name[at + 1 :])
        if above in watchlist and covers_names_below(above.value):
            yield above
        at = name.find(".", at + 1)


def _around(address: str, watchlist: Watchlist) -> Iterator[Observable]:
    version = ip_address(address).version
    for of_version, length in watchlist.prefixes:
        if of_version == version:
            network = Observable("network", str(ip_network((address, length), strict=False)))
            if network in watchlist:
                yield network
