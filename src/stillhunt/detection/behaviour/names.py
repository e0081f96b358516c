"""Names and addresses: whose domain a name belongs to, and what lies inside a house.

The registered domain is found by a short list of suffixes under which registries let others register, not by the whole
Public Suffix List, which changes weekly: under a suffix that is not listed a name is taken to belong to one owner who
has more names than is true, which groups too much and never too little.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network

from stillhunt.detection.fold import EntityKey

__all__ = ["entropy", "is_inside", "is_outside", "is_suffix", "network_of", "registered_domain", "source_entity"]

_SECOND_LEVEL = frozenset(
    [
        "ac",
        "asn",
        "co",
        "com",
        "edu",
        "gob",
        "gov",
        "govt",
        "gouv",
        "go",
        "id",
        "info",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "nhs",
        "nom",
        "or",
        "org",
        "plc",
        "police",
        "sch",
        "school",
        "web",
    ]
)
"""Labels below a country's own under which names are registered, as in ``co.uk``."""

_SHARED = frozenset(
    [
        "amazonaws.com",
        "azure-api.net",
        "azureedge.net",
        "azurefd.net",
        "azurewebsites.net",
        "blob.core.windows.net",
        "blogspot.com",
        "cloudapp.net",
        "cloudapp.azure.com",
        "cloudfront.net",
        "duckdns.org",
        "dyndns.org",
        "firebaseapp.com",
        "fly.dev",
        "github.io",
        "gitlab.io",
        "herokuapp.com",
        "hopto.org",
        "netlify.app",
        "ngrok.io",
        "ngrok-free.app",
        "no-ip.org",
        "ddns.net",
        "onrender.com",
        "pages.dev",
        "r2.dev",
        "servebeer.com",
        "trafficmanager.net",
        "trycloudflare.com",
        "vercel.app",
        "web.app",
        "workers.dev",
        "zapto.org",
    ]
)
"""Domains under which strangers get names of their own."""


@lru_cache(maxsize=200_000)
def registered_domain(name: str) -> str:
    """Return the part of a name that somebody registered; empty for a name of one label.

    >>> registered_domain("a.b.example.co.uk"), registered_domain("x.evil.workers.dev"), registered_domain("localhost")
    ('example.co.uk', 'evil.workers.dev', '')
    """
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2:
        return ""
    for length in (3, 2):
        if len(labels) > length and ".".join(labels[-length:]) in _SHARED:
            return ".".join(labels[-length - 1 :])
    is_second = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_second and len(labels) > 2 else labels[-2:])


def is_suffix(name: str) -> bool:
    """Tell whether strangers register names below a name: a top-level domain, ``co.uk``, a host of many tenants.

    >>> is_suffix("com"), is_suffix("co.uk"), is_suffix("workers.dev"), is_suffix("example.com")
    (True, True, True, False)
    """
    labels = name.lower().rstrip(".").split(".")
    is_second = len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND_LEVEL
    return len(labels) < 2 or is_second or ".".join(labels) in _SHARED


def entropy(text: str) -> float:
    """Return the entropy of a text's characters in bits per character (Shannon 1948).

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    length = len(text)
    # Counts are added in their own order: that of the characters would change the last bit.
    return sum(n / length * math.log2(length / n) for n in sorted(Counter(text).values())) if length else 0.0


@lru_cache(maxsize=200_000)
def is_outside(address: str) -> bool:
    """Tell whether an address is one of the public Internet.

    >>> is_outside("8.8.8.8"), is_outside("10.1.2.3"), is_outside("239.255.255.250"), is_outside("x")
    (True, False, False, False)
    """
    try:
        number = int(IPv4Address(address))
    except (OSError, ValueError):
        return _is_outside_6(address)
    place = bisect_right(_NOT_PUBLIC, (number, 1 << 32)) - 1
    return not _NOT_PUBLIC[place][0] <= number <= _NOT_PUBLIC[place][1]


def _is_outside_6(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.version == 6 and not found.is_multicast and (found.is_global or found in _EXAMPLE_6)


def source_entity(source: str) -> EntityKey:
    """Return who acts as what a finding is about: an address, or the host by that name.

    >>> source_entity("10.1.2.3"), source_entity("ws01")
    (('address', '10.1.2.3', 'source'), ('host', 'ws01', ''))
    """
    try:
        ip_address(source)
    except ValueError:
        return ("host", source, "")
    return ("address", source, "source")


def is_inside(address: str) -> bool:
    """Tell whether an address is one that houses use inside.

    >>> is_inside("10.1.2.3"), is_inside("8.8.8.8"), is_inside("")
    (True, False, False)
    """
    try:
        return not ip_address(address).is_multicast and not is_outside(address)
    except ValueError:
        return False


@lru_cache(maxsize=200_000)
def network_of(address: str) -> str:
    """Return the network an address most likely shares with its neighbours: /24, or /48 of version 6.

    >>> network_of("198.51.100.7"), network_of("2001:db8:1:2::7"), network_of("")
    ('198.51.100.0/24', '2001:db8:1::/48', '')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if found.version == 4 else 48), strict=False))


def _ranges(*networks: str) -> tuple[tuple[int, int], ...]:
    found = [ip_network(network) for network in networks]
    return tuple(sorted((int(one.network_address), int(one.broadcast_address)) for one in found))


_NOT_PUBLIC = _ranges(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
)
"""Addresses that the public Internet does not route: IANA, special-purpose address registry.

Those set aside for examples stand for public ones, in examples.
"""

_EXAMPLE_6 = ip_network("2001:db8::/32")
